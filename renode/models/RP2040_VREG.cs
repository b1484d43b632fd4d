using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// On-chip regulator and the chip-level reset's history (datasheet 2.10 to 2.12). The first start is a power-on; a reset
    /// of the machine is the RUN pin.
    /// </summary>
    public class RP2040_VREG : RP2040_Peripheral
    {
        public RP2040_VREG(IMachine machine) : base(machine)
        {
            poweredOn = true;
            Lacks("brown-out");
            DefineRegisters();
            base.Reset();
        }

        public override void Reset()
        {
            base.Reset();
            poweredOn = false;
        }

        /// <summary>The block's own reset (PSM) leaves the history alone.</summary>
        public override void OnGPIO(int number, bool value)
        {
            var history = poweredOn;
            base.OnGPIO(number, value);
            poweredOn = history;
        }

        /// <summary>The next start counts as a power-on.</summary>
        public void PowerOn()
        {
            poweredOn = true;
        }

        private void DefineRegisters()
        {
            Registers.Regulator.Define(this, 0xB1)
                .WithFlag(0, name: "EN")
                .WithFlag(1, name: "HIZ")
                .WithReservedBits(2, 2)
                .WithValueField(4, 4, name: "VSEL")
                .WithReservedBits(8, 4)
                .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => true, name: "ROK")
                .WithReservedBits(13, 19);
            Registers.BrownOut.Define(this, 0x91)
                .WithFlag(0, name: "EN")
                .WithReservedBits(1, 3)
                .WithValueField(4, 4, name: "VSEL")
                .WithReservedBits(8, 24);
            Registers.ChipReset.Define(this)
                .WithReservedBits(0, 8)
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => poweredOn, name: "HAD_POR")
                .WithReservedBits(9, 7)
                .WithFlag(16, FieldMode.Read, valueProviderCallback: _ => !poweredOn, name: "HAD_RUN")
                .WithReservedBits(17, 3)
                .WithFlag(20, FieldMode.Read, valueProviderCallback: _ => false, name: "HAD_PSM_RESTART")
                .WithReservedBits(21, 3)
                .WithFlag(24, FieldMode.Read | FieldMode.WriteOneToClear, name: "PSM_RESTART_FLAG")
                .WithReservedBits(25, 7);
            Strobe(Registers.ChipReset);
        }

        private bool poweredOn;

        private enum Registers
        {
            Regulator = 0x0,
            BrownOut = 0x4,
            ChipReset = 0x8,
        }
    }
}
