using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Crystal oscillator (datasheet 2.16). It runs as soon as it is enabled, and says that it is stable when the start-up delay is over.
    /// </summary>
    public class RP2040_XOSC : RP2040_Oscillator
    {
        public RP2040_XOSC(IMachine machine, uint frequency = 12000000) : base(machine)
        {
            crystal = frequency;
            countdown = new RP2040_Countdown(machine);
            startup = new RP2040_Pace(machine, this, "startup", () => stable = true);
            Lacks("while it is dormant, the USB controller goes on");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            enabled = false;
            Stop();
            countdown.Load(0, crystal);
        }

        protected override void DormantChanged()
        {
            if(IsDormant)
            {
                Stop();
            }
            else if(enabled)
            {
                Start();
            }
        }

        protected override void WrongDormant()
        {
            badWrite.Value = true;
        }

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
                .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => enabled, name: "ENABLED")
                .WithReservedBits(13, 11)
                .WithFlag(24, out badWrite, FieldMode.Read | FieldMode.WriteOneToClear, name: "BADWRITE")
                .WithReservedBits(25, 6)
                .WithFlag(31, FieldMode.Read, valueProviderCallback: _ => stable, name: "STABLE");
            Strobe(Registers.Status);

            DefineDormant(Registers.Dormant);

            Registers.Startup.Define(this)
                .WithValueField(0, 14, out delay, name: "DELAY")
                .WithReservedBits(14, 6)
                .WithFlag(20, out longer, name: "X4")
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
            if(enabled == (enable.Value != DisableMagic))
            {
                return;
            }
            enabled = !enabled;
            if(enabled)
            {
                Start();
            }
            else
            {
                Stop();
            }
        }

        private void Start()
        {
            startup.Start(delay.Value * CyclesPerDelay * (longer.Value ? 4ul : 1ul), crystal);
            RunsAt(crystal);
        }

        private void Stop()
        {
            startup.Stop();
            stable = false;
            RunsAt(0);
        }

        private IValueRegisterField range;
        private IValueRegisterField enable;
        private IValueRegisterField delay;
        private IFlagRegisterField longer;
        private IFlagRegisterField badWrite;
        private bool enabled;
        private bool stable;
        private readonly RP2040_Countdown countdown;
        private readonly RP2040_Pace startup;
        private readonly uint crystal;

        private const ulong CyclesPerDelay = 256;
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
}
