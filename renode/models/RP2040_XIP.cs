using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Control of the execute-in-place cache (datasheet 2.6.3). The flash is a memory here, so there is nothing to
    /// flush and nothing to count; streaming is not modelled.
    /// </summary>
    public class RP2040_XIP : RP2040_Peripheral
    {
        public RP2040_XIP(IMachine machine) : base(machine)
        {
            Registers.Control.Define(this, 0x3)
                .WithFlag(0, name: "EN")
                .WithFlag(1, name: "ERR_BADWRITE")
                .WithReservedBits(2, 1)
                .WithFlag(3, name: "POWER_DOWN")
                .WithReservedBits(4, 28);
            Registers.Flush.Define(this).WithFlag(0, name: "FLUSH", valueProviderCallback: _ => false).WithReservedBits(1, 31);
            Registers.Status.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => true, name: "FLUSH_READY")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => true, name: "FIFO_EMPTY")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => false, name: "FIFO_FULL")
                .WithReservedBits(3, 29);
            Unmodelled(Registers.HitCounter);
            Unmodelled(Registers.AccessCounter);
            Unmodelled(Registers.StreamAddress);
            Unmodelled(Registers.StreamCounter);
            Unmodelled(Registers.StreamFIFO);
            Lacks("the cache: its hits, misses and their time");
            Reset();
        }

        private enum Registers
        {
            Control = 0x00,
            Flush = 0x04,
            Status = 0x08,
            HitCounter = 0x0C,
            AccessCounter = 0x10,
            StreamAddress = 0x14,
            StreamCounter = 0x18,
            StreamFIFO = 0x1C,
        }
    }
}
