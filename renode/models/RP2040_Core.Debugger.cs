using System;
using System.Collections.Generic;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;
using Antmicro.Renode.UsbHosts;
using Antmicro.Renode.Utilities.GDB;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>The core as GDB's server has it: a BKPT, the end of the program and each step are told, once.</summary>
    /// <remarks>
    /// Renode's server subscribes to Halted by the interface. What Renode's core says of its own accord there, that it waits for a
    /// step, comes whenever its thread gets round to it: in the middle of the next `continue`, that would be the answer to it.
    /// </remarks>
    public partial class RP2040_Core : ICpuSupportingGdb
    {
        event Action<HaltArguments> ICPU.Halted
        {
            add
            {
                var server = value.Target as GdbStub;
                if(server == null)
                {
                    Halted += value;
                    return;
                }
                var debugger = new RP2040_Debugger(this, server, value);
                Halted += debugger.OnHalted;
                debuggers.Add(debugger);
                KeepBeginning();
            }

            remove
            {
                Halted -= value;
                var server = value.Target as GdbStub;
                foreach(var debugger in debuggers.FindAll(x => x.Server == server))
                {
                    debuggers.Remove(debugger);
                    Halted -= debugger.OnHalted;
                    debugger.Leave();
                }
                EmulationRunner.StopAwaiting();
            }
        }

        ulong ICPU.Step(int count)
        {
            if(!EmulationRunner.AwaitRun(() => debuggers.Count == 0))
            {
                return PC;
            }
            var watching = debuggers.ToArray();
            foreach(var debugger in watching)
            {
                debugger.BeginStep();
            }
            var at = Step(count);
            foreach(var debugger in watching)
            {
                debugger.EndStep();
            }
            return at;
        }

        /// <summary>A breakpoint of a debugger that is gone stops nobody.</summary>
        void ICpuSupportingGdb.EnterSingleStepModeSafely(HaltArguments arguments)
        {
            if(DebuggerConnected)
            {
                EnterSingleStepModeSafely(arguments);
            }
        }

        /// <summary>Lets the core go on that GDB alone has paused.</summary>
        public void GoOn()
        {
            if(IsPaused && !machine.IsPaused)
            {
                Resume();
            }
        }

        public IDisposable PausedMachine()
        {
            return machine.ObtainPausedState(true);
        }

        /// <summary>The core is to stand before its next instruction, for GDB.</summary>
        private void StopForDebugger(int signal)
        {
            stopSignal = signal;
            RequestReturn();
        }

        /// <summary>Called when the translator has returned.</summary>
        private ExecutionResult StandForDebugger(ExecutionResult result)
        {
            if(stopSignal == 0)
            {
                return result;
            }
            var signal = stopSignal;
            stopSignal = 0;
            if(debuggers.Count == 0)
            {
                return result;
            }
            EnterSingleStepModeSafely(new HaltArguments(HaltReason.Breakpoint, this)); // of no kind: the server says nothing
            foreach(var debugger in debuggers.ToArray())
            {
                debugger.Tell(signal);
            }
            return ExecutionResult.Interrupted;
        }

        [Antmicro.Migrant.Transient]
        [RP2040_OutsideOfMemento]
        private List<RP2040_Debugger> connected;
        [Antmicro.Migrant.Transient]
        private int stopSignal;

        private List<RP2040_Debugger> debuggers { get { return connected ?? (connected = new List<RP2040_Debugger>()); } }

        // As GDB numbers them
        private const int TrapSignal = 5;
        private const int SegmentationFaultSignal = 11;
    }
}
