using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Control of the execute-in-place cache (datasheet 2.6.3). The flash is a memory here, so there is nothing to
    /// flush and nothing to count; words are streamed from it at the pace of the serial bus.
    /// </summary>
    public class RP2040_XIP : RP2040_Peripheral
    {
        public RP2040_XIP(IMachine machine, RP2040_Clocks clocks, MappedMemory memory) : base(machine)
        {
            this.clocks = clocks;
            this.memory = memory;
            Request = new GPIO();
            words = new Queue<uint>();
            pace = new RP2040_Pace(machine, this, "stream", WordEnds);
            Registers.Control.Define(this, 0x3)
                .WithFlag(0, name: "EN")
                .WithFlag(1, name: "ERR_BADWRITE")
                .WithReservedBits(2, 1)
                .WithFlag(3, name: "POWER_DOWN")
                .WithReservedBits(4, 28);
            Registers.Flush.Define(this).WithFlag(0, name: "FLUSH", valueProviderCallback: _ => false).WithReservedBits(1, 31);
            Registers.Status.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => true, name: "FLUSH_READY")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => words.Count == 0, name: "FIFO_EMPTY")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => words.Count >= FIFODepth, name: "FIFO_FULL")
                .WithReservedBits(3, 29);
            Unmodelled(Registers.HitCounter);
            Unmodelled(Registers.AccessCounter);
            Registers.StreamAddress.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => address, writeCallback: (_, value) => address = (uint)value & ~3u,
                    name: "STREAM_ADDR");
            Registers.StreamCounter.Define(this)
                .WithValueField(0, 22, valueProviderCallback: _ => left, writeCallback: (_, value) => Stream((uint)value), name: "STREAM_CTR")
                .WithReservedBits(22, 10);
            Registers.StreamFIFO.Define(this).WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => Take(), name: "STREAM_FIFO");
            Lacks("the cache: its hits, misses and their time");
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            pace.Stop();
            words.Clear();
            address = left = 0;
            Request.Unset();
        }

        /// <summary>The streamed words once more, where DMA reads them without the APB's delay.</summary>
        [ConnectionRegion("aux")]
        public uint ReadDoubleWordFromAux(long offset)
        {
            return Take();
        }

        [ConnectionRegion("aux")]
        public void WriteDoubleWordToAux(long offset, uint value)
        {
        }

        /// <summary>High while a word waits.</summary>
        public GPIO Request { get; private set; }

        private void Stream(uint count)
        {
            // a word on its way is thrown away
            pace.Stop();
            left = count;
            FetchNext();
        }

        private void FetchNext()
        {
            if(left != 0 && words.Count < FIFODepth && !pace.Running)
            {
                pace.Start(CyclesPerWord, clocks.System);
            }
        }

        private void WordEnds()
        {
            if(pace.Stalled)
            {
                FetchNext();
                return;
            }
            words.Enqueue(memory.ReadDoubleWord(address % memory.Size));
            address += 4;
            left--;
            FetchNext();
            Request.Set();
        }

        private uint Take()
        {
            if(words.Count == 0)
            {
                return 0;
            }
            var word = words.Dequeue();
            Request.Set(words.Count != 0);
            FetchNext();
            return word;
        }

        private uint address;
        private uint left;

        private readonly RP2040_Clocks clocks;
        private readonly MappedMemory memory;
        private readonly Queue<uint> words;
        private readonly RP2040_Pace pace;

        private const int FIFODepth = 2;
        /// <summary>Eight quad transfers at half of clk_sys, the SDK's choice for the flash of a Pico.</summary>
        private const uint CyclesPerWord = 16;

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
