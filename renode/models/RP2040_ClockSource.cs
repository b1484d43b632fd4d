using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>What oscillators and PLLs have in common: a frequency that others follow.</summary>
    public abstract class RP2040_ClockSource : RP2040_Peripheral
    {
        protected RP2040_ClockSource(IMachine machine) : base(machine)
        {
        }

        /// <summary>Hz; 0 while it stands still.</summary>
        public uint Frequency { get; private set; }

        /// <summary>The frequency is another one.</summary>
        public event Action Changed;

        protected void RunsAt(uint frequency)
        {
            if(frequency == Frequency)
            {
                return;
            }
            Frequency = frequency;
            var handler = Changed;
            if(handler != null)
            {
                handler();
            }
        }
    }

    /// <summary>
    /// An oscillator that software can put to sleep until a pin's interrupt or the RTC's wakes it (datasheet 2.16.5, 2.17.4). Inputs 0 to 2
    /// are what wakes it.
    /// </summary>
    public abstract class RP2040_Oscillator : RP2040_ClockSource
    {
        protected RP2040_Oscillator(IMachine machine) : base(machine)
        {
        }

        public override void Reset()
        {
            base.Reset();
            dormant = 0;
        }

        public override void OnGPIO(int number, bool value)
        {
            if(number < 0 || number >= WakeInputs)
            {
                base.OnGPIO(number, value);
                return;
            }
            wakes = value ? wakes | 1u << number : wakes & ~(1u << number);
            if(wakes != 0)
            {
                Wake();
            }
        }

        /// <summary>It was stopped until something wakes it.</summary>
        public bool IsDormant { get { return dormant == Coma; } }

        protected void DefineDormant(Enum register)
        {
            RegistersCollection.DefineRegister(Convert.ToInt64(register))
                .WithValueField(0, 32, valueProviderCallback: _ => dormant, writeCallback: (_, value) => DormantWritten((uint)value), name: "DORMANT");
        }

        /// <summary>It has become dormant, or has been woken.</summary>
        protected abstract void DormantChanged();

        /// <summary>Another value than the two magic ones was written to DORMANT.</summary>
        protected virtual void WrongDormant()
        {
        }

        private void DormantWritten(uint value)
        {
            if(value == Coma)
            {
                dormant = Coma;
                DormantChanged();
                if(wakes != 0)
                {
                    Wake();
                }
            }
            else if(value != Woken)
            {
                WrongDormant();
            }
        }

        private void Wake()
        {
            if(IsDormant)
            {
                dormant = Woken;
                DormantChanged();
            }
        }

        private uint dormant;
        private uint wakes;

        private const int WakeInputs = 3;
        private const uint Coma = 0x636F6D61;
        private const uint Woken = 0x77616B65;
    }

    /// <summary>The oscillators' small down counter: counts cycles to zero and stops (datasheet 2.16.6).</summary>
    public class RP2040_Countdown
    {
        public RP2040_Countdown(IMachine machine)
        {
            this.machine = machine;
        }

        public void Load(uint cycles, uint frequency)
        {
            start = cycles;
            hertz = frequency;
            startedAt = cycles == 0 ? 0 : machine.ExactTime().InNanoseconds();
        }

        public uint Value
        {
            get
            {
                if(start == 0)
                {
                    return 0;
                }
                var passed = (machine.ExactTime().InNanoseconds() - startedAt) * hertz / 1000000000;
                return passed >= start ? 0 : start - (uint)passed;
            }
        }

        private uint start;
        private uint hertz;
        private ulong startedAt;
        private readonly IMachine machine;
    }
}
