using System.Linq;
using Antmicro.Renode.Extensions.Utilities.GDB.Commands;
using Antmicro.Renode.Utilities.GDB;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// GDB goes on after a signal, as after the SIGSEGV of a program's end. Renode's server says that it knows how to and refuses; a processor has no
    /// use for the signal.
    /// </summary>
    public class RP2040_ContinueWithSignal : Command
    {
        public RP2040_ContinueWithSignal(CommandsManager manager) : base(manager)
        {
            continues = new MultithreadContinueCommand(manager);
        }

        [Execute("vCont;C")]
        public PacketData Continue([Argument(Encoding = ArgumentAttribute.ArgumentEncoding.String)] string rest)
        {
            return continues.Continue(WithoutSignals("C" + rest));
        }

        [Execute("vCont;S")]
        public PacketData Step([Argument(Encoding = ArgumentAttribute.ArgumentEncoding.String)] string rest)
        {
            return continues.Continue(WithoutSignals("S" + rest));
        }

        /// <summary>`C0b:1;c` becomes `c:1;c`.</summary>
        private static string WithoutSignals(string actions)
        {
            return string.Join(";", actions.Split(';').Select(WithoutSignal).ToArray());
        }

        private static string WithoutSignal(string action)
        {
            return action.StartsWith("C") || action.StartsWith("S") ? action.Substring(0, 1).ToLowerInvariant() + action.Substring(3) : action;
        }

        private readonly MultithreadContinueCommand continues;
    }
}
