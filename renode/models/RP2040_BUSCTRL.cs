using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Bus fabric (datasheet 2.1): priorities are taken at once; accesses are counted by the port of the crossbar, which the cores
    /// and DMA tell of while one is selected.
    /// </summary>
    public class RP2040_BUSCTRL : RP2040_Peripheral
    {
        public RP2040_BUSCTRL(IMachine machine) : base(machine)
        {
            counters = new uint[NumberOfCounters];
            selected = new uint[NumberOfCounters];
            Registers.Priority.Define(this)
                .WithFlag(0, name: "PROC0").WithReservedBits(1, 3)
                .WithFlag(4, name: "PROC1").WithReservedBits(5, 3)
                .WithFlag(8, name: "DMA_R").WithReservedBits(9, 3)
                .WithFlag(12, name: "DMA_W").WithReservedBits(13, 19);
            Registers.PriorityAcknowledge.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => true, name: "BUS_PRIORITY_ACK").WithReservedBits(1, 31);
            for(var i = 0; i < NumberOfCounters; i++)
            {
                var n = i;
                var counter = (Registers)((int)Registers.Counter0 + BytesPerCounter * n);
                counter.Define(this)
                    .WithValueField(0, 24, valueProviderCallback: _ => counters[n], writeCallback: (_, __) => counters[n] = 0, name: "PERFCTR")
                    .WithReservedBits(24, 8);
                Strobe(counter);
                ((Registers)((int)Registers.Select0 + BytesPerCounter * n)).Define(this, Nothing)
                    .WithValueField(0, 5, valueProviderCallback: _ => selected[n], writeCallback: (_, value) => Select(n, (uint)value), name: "PERFSEL")
                    .WithReservedBits(5, 27);
            }
            Lacks("masters do not wait for each other: priorities have no effect, and contested accesses are never counted");
            Lacks("PERFCTR: what is fetched ahead of a jump that is taken is not counted; a block of instructions is fetched as a whole");
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            for(var i = 0; i < NumberOfCounters; i++)
            {
                counters[i] = 0;
                selected[i] = Nothing;
            }
            Counting = false;
        }

        /// <summary>A counter is selected: each access is to be told.</summary>
        public bool Counting { get; private set; }

        /// <summary>An access by a bus master.</summary>
        public void Count(ulong address)
        {
            if(!Counting)
            {
                return;
            }
            var happened = EventOf(address);
            for(var i = 0; i < NumberOfCounters; i++)
            {
                if(selected[i] == happened && happened != Nothing && counters[i] < Most)
                {
                    counters[i]++;
                }
            }
        }

        private void Select(int number, uint value)
        {
            selected[number] = value;
            var before = Counting;
            Counting = selected.Any(x => x < Events);
            if(Counting != before)
            {
                RP2040_Core.LookAround(Machine);
            }
        }

        private static uint EventOf(ulong address)
        {
            var offset = address & 0xFFFFFF;
            switch(address >> 24)
            {
            case 0x00:
                return Rom;
            case 0x10:
            case 0x11:
            case 0x12:
            case 0x13:
            case 0x14:
            case 0x15:
            case 0x18:
                return XipMain;
            case 0x20:
                return offset < Striped ? Sram0 - 2 * (uint)(offset >> 2 & 3) : offset < Striped + BankSize ? Sram4 : Sram5;
            case 0x21:
                return Sram0 - 2 * (uint)(offset >> 16 & 3);
            case 0x40:
                return Apb;
            case 0x50:
                return FastPeripheral;
            default:
                return Nothing;
            }
        }

        private readonly uint[] counters;
        private readonly uint[] selected;

        private const int NumberOfCounters = 4;
        private const int BytesPerCounter = 8;
        private const uint Most = 0xFFFFFF;
        private const ulong Striped = 0x40000;
        private const ulong BankSize = 0x1000;
        // PERFSEL: accesses; each number less one is an access that another master wants to make at the same time
        private const uint Apb = 1;
        private const uint FastPeripheral = 3;
        private const uint Sram5 = 5;
        private const uint Sram4 = 7;
        private const uint Sram0 = 15;
        private const uint XipMain = 17;
        private const uint Rom = 19;
        private const uint Events = 20;
        private const uint Nothing = 0x1F;

        private enum Registers
        {
            Priority = 0x00,
            PriorityAcknowledge = 0x04,
            Counter0 = 0x08,
            Select0 = 0x0C,
        }
    }
}
