using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Antmicro.Migrant;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.UsbHosts;
using Antmicro.Renode.Utilities.GDB;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>A GDB that is connected to Renode's server, as one core sees it.</summary>
    [Transient]
    public class RP2040_Debugger
    {
        public RP2040_Debugger(RP2040_Core core, GdbStub server, Action<HaltArguments> told)
        {
            this.core = core;
            Server = server;
            this.told = told;
        }

        public GdbStub Server { get; private set; }

        /// <summary>
        /// Passes on why the core stands; not that it waits for a step, that the host's wait has ended, and what becomes a HardFault.
        /// </summary>
        public void OnHalted(HaltArguments arguments)
        {
            if(arguments.Reason == HaltReason.Step
                || (arguments.Reason == HaltReason.Pause && EmulationRunner.IsPausing)
                || (arguments.Reason == HaltReason.Abort && core.IsNowhere))
            {
                return;
            }
            isTold = true;
            told(arguments);
        }

        public void BeginStep()
        {
            isTold = false;
        }

        /// <summary>A step that has ended at a breakpoint was told already.</summary>
        public void EndStep()
        {
            if(!isTold)
            {
                told(new HaltArguments(HaltReason.Step, core));
            }
        }

        /// <summary>The core stands by a signal.</summary>
        public void Tell(int signal)
        {
            isTold = true;
            var commands = Commands;
            var channel = Field(Server, "commHandler");
            if(commands == null || channel == null)
            {
                told(new HaltArguments(HaltReason.Step, core));
                return;
            }
            commands.SelectCpuForDebugging(core);
            var packet = new Packet(PacketData.StopReply(signal, commands.ManagedCpus[core]));
            using(var context = (IDisposable)channel.GetType().GetMethod("OpenContext").Invoke(channel, null))
            {
                context.GetType().GetMethod("Send", new[] { typeof(Packet) }).Invoke(context, new object[] { packet });
            }
        }

        /// <summary>GDB has gone: its breakpoints and watchpoints go with it, and a core that its Ctrl-C holds goes on.</summary>
        public void Leave()
        {
            var points = Points;
            if(points != null && HasPoints(points))
            {
                using(core.PausedMachine())
                {
                    RemovePoints(points);
                }
            }
            core.GoOn();
        }

        private bool HasPoints(Command points)
        {
            return Any(Field(points, "breakpoints")) || Any(Field(points, "watchpoints")) || HooksOf(points).Count > 0;
        }

        private void RemovePoints(Command points)
        {
            var removes = false;
            foreach(var name in new[] { "RemoveAllBreakpoints", "RemoveAllWatchpoints" })
            {
                var remove = points.GetType().GetMethod(name);
                if(remove != null)
                {
                    remove.Invoke(points, null);
                    removes = true;
                }
            }
            if(removes)
            {
                return;
            }
            // Renode 1.15
            foreach(var hook in HooksOf(points))
            {
                typeof(TranslationCPU).GetMethod("RemoveHook").Invoke(core, new object[] { hook.Key, hook.Value });
            }
            var watchpoints = (IDictionary)Field(points, "watchpoints");
            foreach(var watchpoint in watchpoints.Keys)
            {
                core.Bus.RemoveWatchpointHook((ulong)Field(watchpoint, "Address"), (BusHookDelegate)Field(watchpoint, "Hook"));
            }
            watchpoints.Clear();
        }

        /// <summary>Addresses at which Renode 1.15 has the core call GDB's server, and what it calls.</summary>
        private List<KeyValuePair<ulong, Delegate>> HooksOf(Command points)
        {
            var found = new List<KeyValuePair<ulong, Delegate>>();
            var hooks = Field(core, "hooks") as IDictionary;
            if(hooks == null)
            {
                return found;
            }
            foreach(DictionaryEntry hook in hooks)
            {
                foreach(Delegate callback in (IEnumerable)Field(hook.Value, "callbacks"))
                {
                    if(callback.Target == points)
                    {
                        found.Add(new KeyValuePair<ulong, Delegate>((ulong)hook.Key, callback));
                    }
                }
            }
            return found;
        }

        private static bool Any(object collection)
        {
            return collection != null && ((IEnumerable)collection).GetEnumerator().MoveNext();
        }

        /// <summary>Null where this Renode has none of that name.</summary>
        private static object Field(object of, string name)
        {
            for(var type = of.GetType(); type != null; type = type.BaseType)
            {
                var field = type.GetField(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
                if(field != null)
                {
                    return field.GetValue(of);
                }
            }
            return null;
        }

        private CommandsManager Commands { get { return Field(Server, "commandsManager") as CommandsManager; } }

        /// <summary>Renode's own command that sets breakpoints and watchpoints; null when GDB has set none.</summary>
        private Command Points
        {
            get
            {
                var commands = Commands == null ? null : Field(Commands, "activeCommands") as IEnumerable<Command>;
                return commands == null ? null : commands.FirstOrDefault(x => x.GetType().Name == "BreakpointCommand");
            }
        }

        private bool isTold;
        private readonly RP2040_Core core;
        private readonly Action<HaltArguments> told;
    }
}
