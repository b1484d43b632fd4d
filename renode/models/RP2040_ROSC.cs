using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Ring oscillator (datasheet 2.17). Its divider sets its frequency, its drive strengths do not; its random bit comes from a
    /// shift register with a fixed seed, so that two runs are the same.
    /// </summary>
    public class RP2040_ROSC : RP2040_Oscillator
    {
        public RP2040_ROSC(IMachine machine, uint frequency = 6500000, uint seed = 0x2040) : base(machine)
        {
            nominal = frequency;
            this.seed = seed;
            countdown = new RP2040_Countdown(machine);
            Lacks("drive strengths");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            shiftRegister = seed;
            countdown.Load(0, nominal);
            Update();
        }

        protected override void DormantChanged()
        {
            Update();
        }

        private void DefineRegisters()
        {
            Registers.Control.Define(this, 0xAA0)
                .WithValueField(0, 12, name: "FREQ_RANGE")
                .WithValueField(12, 12, out enable, name: "ENABLE")
                .WithReservedBits(24, 8)
                .WithWriteCallback((_, __) => Update());
            Registers.FrequencyA.Define(this).WithValueField(0, 32, name: "FREQA");
            Registers.FrequencyB.Define(this).WithValueField(0, 32, name: "FREQB");
            DefineDormant(Registers.Dormant);
            Lacks("BADWRITE is never set: wrong values are stored");
            Registers.Divider.Define(this, DividerPass + DividerAtReset)
                .WithValueField(0, 12, out divider, name: "DIV").WithReservedBits(12, 20)
                .WithWriteCallback((_, __) => Update());
            Registers.Phase.Define(this, 0x8).WithValueField(0, 12, name: "PHASE").WithReservedBits(12, 20);

            Registers.Status.Define(this)
                .WithReservedBits(0, 12)
                .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => Runs, name: "ENABLED")
                .WithReservedBits(13, 3)
                .WithFlag(16, FieldMode.Read, valueProviderCallback: _ => Runs, name: "DIV_RUNNING")
                .WithReservedBits(17, 7)
                .WithFlag(24, FieldMode.Read | FieldMode.WriteOneToClear, name: "BADWRITE")
                .WithReservedBits(25, 6)
                .WithFlag(31, FieldMode.Read, valueProviderCallback: _ => Runs, name: "STABLE");
            Strobe(Registers.Status);

            Registers.RandomBit.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => NextRandomBit(), name: "RANDOMBIT")
                .WithReservedBits(1, 31);

            Registers.Count.Define(this)
                .WithValueField(0, 8, writeCallback: (_, value) => countdown.Load((uint)value, Frequency),
                    valueProviderCallback: _ => countdown.Value, name: "COUNT")
                .WithReservedBits(8, 24);
        }

        private void Update()
        {
            if(!Runs)
            {
                RunsAt(0);
                return;
            }
            // 0 stands for 32; what is no proper value gives 31
            var value = (uint)divider.Value;
            var divisor = value >= DividerPass && value < DividerPass + 32 ? value - DividerPass : 31;
            RunsAt(nominal * DividerAtReset / (divisor == 0 ? 32 : divisor));
        }

        private bool NextRandomBit()
        {
            // xorshift32: the low bits of a plain linear shift register would be too regular
            shiftRegister ^= shiftRegister << 13;
            shiftRegister ^= shiftRegister >> 17;
            shiftRegister ^= shiftRegister << 5;
            return (shiftRegister & 1) != 0;
        }

        private bool Runs { get { return enable.Value != DisableMagic && !IsDormant; } }

        private IValueRegisterField enable;
        private IValueRegisterField divider;
        private uint shiftRegister;
        private readonly RP2040_Countdown countdown;
        private readonly uint nominal;
        private readonly uint seed;

        private const uint DisableMagic = 0xD1E;
        private const uint DividerPass = 0xAA0;
        private const uint DividerAtReset = 16;

        private enum Registers
        {
            Control = 0x00,
            FrequencyA = 0x04,
            FrequencyB = 0x08,
            Dormant = 0x0C,
            Divider = 0x10,
            Phase = 0x14,
            Status = 0x18,
            RandomBit = 0x1C,
            Count = 0x20,
        }
    }
}
