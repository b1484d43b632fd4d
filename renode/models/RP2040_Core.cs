using System;
using System.Reflection;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Utilities.Binding;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// A Cortex-M0+ with its single-cycle IO port (datasheet 2.3.1), which leads to SIO and past the bus.
    /// </summary>
    /// <remarks>
    /// MicroPython divides at each look into a dictionary and asks for its core's number at each call, so that a turn of a small
    /// loop makes forty accesses to SIO. Over Renode's bus each takes two microseconds, by this port a tenth of that. What may
    /// touch another block (pins, mailboxes) still goes over the bus, where it can be logged, hooked and paused at.
    ///
    /// Renode binds its translator to the first method of the right name and form, looking at the derived class first. 1.15 has
    /// them with an address alone, 1.16 with the core's state beside it.
    /// </remarks>
    public class RP2040_Core : CortexM
    {
        public RP2040_Core(string cpuType, IMachine machine, NVIC nvic, uint cpuId) : base(WithoutWarnings(cpuType), machine, nvic, cpuId)
        {
            LetWarningsThrough(true);
            this.nvic = nvic;
        }

        /// <summary>What is at the other end of the port; null sends everything over the bus.</summary>
        public RP2040_SIO Port { get; set; }

        // Renode warns of each method that another one has taken the place of.

        private static string WithoutWarnings(string cpuType)
        {
            LetWarningsThrough(false);
            return cpuType;
        }

        private static void LetWarningsThrough(bool through)
        {
            foreach(var backend in Logger.GetBackends().Values)
            {
                Logger.SetLogLevel(backend, through ? backend.GetLogLevel() : LogLevel.Error, -1);
            }
        }

        [Export]
        protected new ulong ReadByteFromBus(ulong offset)
        {
            uint value;
            return TryRead(offset, out value) ? (byte)value : base.ReadByteFromBus(offset);
        }

        [Export]
        protected ulong ReadByteFromBus(ulong offset, ulong cpuState)
        {
            uint value;
            return TryRead(offset, out value) ? (byte)value : Bus.ReadByte(offset, cpuState);
        }

        [Export]
        protected new ulong ReadDoubleWordFromBus(ulong offset)
        {
            uint value;
            return TryRead(offset, out value) ? value : base.ReadDoubleWordFromBus(offset);
        }

        [Export]
        protected ulong ReadDoubleWordFromBus(ulong offset, ulong cpuState)
        {
            uint value;
            return TryRead(offset, out value) ? value : Bus.ReadDoubleWord(offset, cpuState);
        }

        [Export]
        protected new void WriteDoubleWordToBus(ulong offset, ulong value)
        {
            if(!TryWrite(offset, value))
            {
                base.WriteDoubleWordToBus(offset, value);
            }
        }

        [Export]
        protected void WriteDoubleWordToBus(ulong offset, ulong value, ulong cpuState)
        {
            if(!TryWrite(offset, value))
            {
                Bus.WriteDoubleWord(offset, value, cpuState);
            }
        }

        // Taking an exception and returning from it set the event register, so that WFE does not sleep when one came after the
        // last look at what is waited for (ARMv6-M Architecture Reference Manual, B1.5.18 and the pseudocode of ExceptionTaken
        // and ExceptionReturn). Renode's own core leaves it out, and the wake-up would be lost.

        [Export]
        protected int AcknowledgeIRQ()
        {
            SetEventFlag(true);
            return nvic.AcknowledgeIRQ();
        }

        [Export]
        protected void CompleteIRQ(int number)
        {
            nvic.CompleteIRQ(number);
            SetEventFlag(true);
        }

        private bool TryRead(ulong address, out uint value)
        {
            value = 0;
            return (address & ~PortMask) == PortAddress && Port != null && Port.TryReadOwn(address & PortMask, MultiprocessingId, out value);
        }

        private bool TryWrite(ulong address, ulong value)
        {
            return (address & ~PortMask) == PortAddress && Port != null && Port.TryWriteOwn(address & PortMask, MultiprocessingId, (uint)value);
        }

        private BusWithState Bus { get { return bus ?? (bus = new BusWithState(this)); } }

        [Transient]
        private BusWithState bus;

        private readonly NVIC nvic;

        private const ulong PortAddress = 0xD0000000;
        private const ulong PortMask = 0xFFF;

        /// <summary>Renode 1.16's accesses, that this class hides and 1.15 does not have.</summary>
        private class BusWithState
        {
            public BusWithState(CortexM cpu)
            {
                ReadByte = (Func<ulong, ulong, ulong>)Find(cpu, "ReadByteFromBus", typeof(Func<ulong, ulong, ulong>), 2);
                ReadDoubleWord = (Func<ulong, ulong, ulong>)Find(cpu, "ReadDoubleWordFromBus", typeof(Func<ulong, ulong, ulong>), 2);
                WriteDoubleWord = (Action<ulong, ulong, ulong>)Find(cpu, "WriteDoubleWordToBus", typeof(Action<ulong, ulong, ulong>), 3);
            }

            public readonly Func<ulong, ulong, ulong> ReadByte;
            public readonly Func<ulong, ulong, ulong> ReadDoubleWord;
            public readonly Action<ulong, ulong, ulong> WriteDoubleWord;

            private static Delegate Find(CortexM cpu, string name, Type form, int parameters)
            {
                var types = new Type[parameters];
                for(var i = 0; i < parameters; i++)
                {
                    types[i] = typeof(ulong);
                }
                var method = typeof(TranslationCPU).GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic, null, types, null);
                return Delegate.CreateDelegate(form, cpu, method);
            }
        }
    }
}
