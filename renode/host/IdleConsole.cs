using System.Reflection;
using System.Threading;
using AntShell;
using AntShell.Terminal;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>What a monitor without a window and without a terminal reads from, with rests in between.</summary>
    /// <remarks>
    /// With `--hide-monitor` or `--disable-gui`, as `renode-test` runs Renode, its shell reads zeros, one after the other, as fast as
    /// a core of this computer can. Here it waits between two of them. What is injected (`-e`, a script's name) does not come by here.
    /// </remarks>
    public sealed class IdleConsole : IPassiveIOSource
    {
        /// <summary>Has the shell of this Renode rest, where it reads from nothing; true if it did not and does now.</summary>
        public static bool Rest()
        {
            var monitor = ObjectCreator.Instance.GetSurrogate<UserInterface.Monitor>();
            var talksTo = monitor == null ? null : monitor.Interaction;
            while(talksTo is UserInterface.CommandInteractionWrapper) // Robot's, around the shell's
            {
                talksTo = ((UserInterface.CommandInteractionWrapper)talksTo).UnderlyingCommandInteraction;
            }
            var writer = talksTo as CommandInteraction;
            var terminal = writer == null || terminalOf == null ? null : terminalOf.GetValue(writer) as BasicTerminalEmulator;
            if(terminal == null || sourceOf == null)
            {
                return false;
            }
            var source = sourceOf.GetValue(terminal.InputOutput) as IPassiveIOSource;
            if(source == null || source.GetType().FullName != EndlessZeros)
            {
                return false;
            }
            sourceOf.SetValue(terminal.InputOutput, new IdleConsole(source));
            return true;
        }

        public int Read()
        {
            Thread.Sleep(Pause);
            return source.Read();
        }

        public bool TryPeek(out int value)
        {
            return source.TryPeek(out value);
        }

        public void CancelRead()
        {
            source.CancelRead();
        }

        public void Write(byte b)
        {
            source.Write(b);
        }

        public void Flush()
        {
            source.Flush();
        }

        public void Dispose()
        {
            source.Dispose();
        }

        private IdleConsole(IPassiveIOSource source)
        {
            this.source = source;
        }

        private readonly IPassiveIOSource source;

        private static readonly FieldInfo terminalOf = typeof(CommandInteraction).GetField("terminal", BindingFlags.Instance | BindingFlags.NonPublic);
        private static readonly FieldInfo sourceOf = typeof(IOProvider).GetField("backend", BindingFlags.Instance | BindingFlags.NonPublic);

        private const string EndlessZeros = "Antmicro.Renode.UI.DummyIOSource";

        /// <summary>Real time, milliseconds; a shell that is told to end does so within it.</summary>
        private const int Pause = 20;
    }
}
