using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Bus fabric (datasheet 2.1.5): priorities are taken at once; the performance counters do not count.</summary>
    public class RP2040_BUSCTRL : RP2040_Peripheral
    {
        public RP2040_BUSCTRL(IMachine machine) : base(machine)
        {
            Registers.Priority.Define(this)
                .WithFlag(0, name: "PROC0").WithReservedBits(1, 3)
                .WithFlag(4, name: "PROC1").WithReservedBits(5, 3)
                .WithFlag(8, name: "DMA_R").WithReservedBits(9, 3)
                .WithFlag(12, name: "DMA_W").WithReservedBits(13, 19);
            Registers.PriorityAcknowledge.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => true, name: "BUS_PRIORITY_ACK").WithReservedBits(1, 31);
            Unmodelled(Registers.Counter0);
            Unmodelled(Registers.Select0, 0x1F);
            Unmodelled(Registers.Counter1);
            Unmodelled(Registers.Select1, 0x1F);
            Unmodelled(Registers.Counter2);
            Unmodelled(Registers.Select2, 0x1F);
            Unmodelled(Registers.Counter3);
            Unmodelled(Registers.Select3, 0x1F);
            Reset();
        }

        private enum Registers
        {
            Priority = 0x00,
            PriorityAcknowledge = 0x04,
            Counter0 = 0x08,
            Select0 = 0x0C,
            Counter1 = 0x10,
            Select1 = 0x14,
            Counter2 = 0x18,
            Select2 = 0x1C,
            Counter3 = 0x20,
            Select3 = 0x24,
        }
    }
}
