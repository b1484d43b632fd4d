using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Testbench manager (datasheet 2.22): tells software that it runs on the chip.</summary>
    public class RP2040_TBMAN : RP2040_Peripheral
    {
        public RP2040_TBMAN(IMachine machine) : base(machine)
        {
            Registers.Platform.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => true, name: "ASIC")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => false, name: "FPGA")
                .WithReservedBits(2, 30);
            Reset();
        }

        private enum Registers
        {
            Platform = 0x0,
        }
    }
}
