using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Crystal oscillator (datasheet 2.16). It is stable as soon as it is enabled.</summary>
    public class RP2040_XOSC : RP2040_Peripheral
    {
        public RP2040_XOSC(IMachine machine, uint frequency = 12000000) : base(machine)
        {
            crystal = frequency;
            countdown = new RP2040_Countdown(machine);
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            Enabled = false;
            countdown.Load(0, crystal);
        }

        /// <summary>Hz; 0 while the oscillator is off.</summary>
        public uint Frequency { get { return Enabled ? crystal : 0; } }

        private void DefineRegisters()
        {
            Registers.Control.Define(this)
                .WithValueField(0, 12, out range, name: "FREQ_RANGE")
                .WithValueField(12, 12, out enable, name: "ENABLE")
                .WithReservedBits(24, 8)
                .WithWriteCallback((_, __) => ControlWritten());

            Registers.Status.Define(this)
                .WithValueField(0, 2, FieldMode.Read, valueProviderCallback: _ => 0, name: "FREQ_RANGE")
                .WithReservedBits(2, 10)
                .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => Enabled, name: "ENABLED")
                .WithReservedBits(13, 11)
                .WithFlag(24, out badWrite, FieldMode.Read | FieldMode.WriteOneToClear, name: "BADWRITE")
                .WithReservedBits(25, 6)
                .WithFlag(31, FieldMode.Read, valueProviderCallback: _ => Enabled, name: "STABLE");
            Strobe(Registers.Status);

            Unmodelled(Registers.Dormant);

            Registers.Startup.Define(this)
                .WithValueField(0, 14, name: "DELAY")
                .WithReservedBits(14, 6)
                .WithFlag(20, name: "X4")
                .WithReservedBits(21, 11);

            Registers.Count.Define(this)
                .WithValueField(0, 8, writeCallback: (_, value) => countdown.Load((uint)value, crystal),
                    valueProviderCallback: _ => countdown.Value, name: "COUNT")
                .WithReservedBits(8, 24);
        }

        /// <summary>"An invalid setting will enable the oscillator" (datasheet 2.16.7), and the SDK relies on it.</summary>
        private void ControlWritten()
        {
            if((enable.Value != EnableMagic && enable.Value != DisableMagic) || range.Value < FirstRange || range.Value > LastRange)
            {
                badWrite.Value = true;
            }
            Enabled = enable.Value != DisableMagic;
        }

        private bool Enabled { get; set; }

        private IValueRegisterField range;
        private IValueRegisterField enable;
        private IFlagRegisterField badWrite;
        private readonly RP2040_Countdown countdown;
        private readonly uint crystal;

        private const uint EnableMagic = 0xFAB;
        private const uint DisableMagic = 0xD1E;
        private const uint FirstRange = 0xAA0;
        private const uint LastRange = 0xAA3;

        private enum Registers
        {
            Control = 0x00,
            Status = 0x04,
            Dormant = 0x08,
            Startup = 0x0C,
            Count = 0x1C,
        }
    }

    /// <summary>The oscillators' small down counter: counts cycles to zero and stops (datasheet 2.16.5).</summary>
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
