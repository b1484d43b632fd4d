using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Execute-in-place (datasheet 2.6.3): its windows, its cache, and words that are streamed at the pace of the serial bus. The
    /// flash is a memory here. What would be in the cache is looked at only from when a counter is asked for first, or reads of the
    /// flash are to take time, as the cores then have to tell of each access.
    /// </summary>
    public class RP2040_XIP : RP2040_Peripheral
    {
        public RP2040_XIP(IMachine machine, RP2040_Clocks clocks, MappedMemory memory, RP2040_SSI ssi = null) : base(machine)
        {
            this.ssi = ssi;
            this.clocks = clocks;
            this.memory = memory;
            Request = new GPIO();
            words = new Queue<uint>();
            pace = new RP2040_Pace(machine, this, "stream", WordEnds);
            Registers.Control.Define(this, 0x3)
                .WithFlag(0, out enabled, name: "EN")
                .WithFlag(1, out badWriteIsError, name: "ERR_BADWRITE")
                .WithReservedBits(2, 1)
                .WithFlag(3, out poweredDown, name: "POWER_DOWN")
                .WithReservedBits(4, 28)
                .WithWriteCallback((_, __) => ControlWritten());
            Registers.Flush.Define(this)
                .WithFlag(0, name: "FLUSH", valueProviderCallback: _ => FlushEnds(), writeCallback: (_, value) => Flush(value))
                .WithReservedBits(1, 31);
            Strobe(Registers.Flush);
            Registers.Status.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => !Flushing, name: "FLUSH_READY")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => words.Count == 0, name: "FIFO_EMPTY")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => words.Count >= FIFODepth, name: "FIFO_FULL")
                .WithReservedBits(3, 29);
            Registers.HitCounter.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => Counted(hits), writeCallback: (_, __) => hits = Counted(0), name: "CTR_HIT");
            Strobe(Registers.HitCounter);
            Registers.AccessCounter.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => Counted(accesses), writeCallback: (_, __) => accesses = Counted(0), name: "CTR_ACC");
            Strobe(Registers.AccessCounter);
            Registers.StreamAddress.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => address, writeCallback: (_, value) => address = (uint)value & ~3u,
                    name: "STREAM_ADDR");
            Registers.StreamCounter.Define(this)
                .WithValueField(0, 22, valueProviderCallback: _ => left, writeCallback: (_, value) => Stream((uint)value), name: "STREAM_CTR")
                .WithReservedBits(22, 10);
            Registers.StreamFIFO.Define(this).WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => Take(), name: "STREAM_FIFO");
            Lacks("CTR_HIT, CTR_ACC: without FlashLatency they count from the end of the block of instructions in which firmware reads or writes "
                + "one of them first, with an empty cache; neither what is fetched ahead of a jump that is taken, nor words of a stream");
            Lacks("nothing in the cache is stale: flash is read as it is; it takes time with FlashLatency only, vectors do not, and masters do "
                + "not wait for each other, for a stream or for a flush");
            Lacks("the cache's memory, as SRAM, is not written by it; code in it is executed whether it is SRAM or not");
            Lacks("a read of FLUSH does not wait for the end of it, but brings it about");
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            pace.Stop();
            words.Clear();
            address = left = 0;
            asked = false;
            hits = accesses = 0;
            flushedAt = TimeInterval.Empty;
            EmptyCache();
            ShowSram();
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

        /// <summary>Each access is to be told: something has asked for a counter, or what is not in the cache takes time.</summary>
        public bool Counting { get { return asked || flashLatency > 0; } }

        /// <summary>
        /// How long a read of the flash takes that the cache does not answer: 1, the time that the SSI's registers say; 0, none, and nobody
        /// looks. Otherwise cores are slower, and the counters count from the start.
        /// </summary>
        public double FlashLatency
        {
            get { return flashLatency; }
            set
            {
                if(!(value >= 0 && value <= MostLatency))
                {
                    throw new RecoverableException("The flash's latency can be 0 to {0} times the chip's".FormatWith(MostLatency));
                }
                if(value > 0 && ssi == null)
                {
                    throw new RecoverableException("This platform has no SSI at its XIP, whose registers say what the flash's latency is");
                }
                var before = Counting;
                flashLatency = value;
                CountFrom(before);
            }
        }

        /// <summary>An access by a bus master to any address; how many cycles of clk_sys it waits for the flash.</summary>
        public uint Count(ulong address, bool write)
        {
            if(!Counting || address >> 26 != FlashWindows)
            {
                return 0;
            }
            var window = (Window)(address >> 24 & 3);
            if(write)
            {
                if(window == Window.Allocating)
                {
                    GiveUp(address);
                }
                return 0;
            }
            accesses = accesses == uint.MaxValue ? accesses : accesses + 1;
            if(enabled.Value && IsHit(address, window))
            {
                hits = hits == uint.MaxValue ? hits : hits + 1;
                return 0;
            }
            return flashLatency > 0 ? (uint)(ssi.WordCycles * flashLatency + 0.5) : 0;
        }

        /// <summary>Whether a write to one of the flash's windows is ignored; false: it is a bus error.</summary>
        public bool TakesWrite(ulong address)
        {
            return (Window)(address >> 24 & 3) == Window.Allocating || !badWriteIsError.Value;
        }

        /// <summary>The cache's memory is at 0x15000000.</summary>
        public bool IsSram { get { return !enabled.Value && !poweredDown.Value; } }

        private void ControlWritten()
        {
            if(poweredDown.Value)
            {
                enabled.Value = false;
            }
            ShowSram();
        }

        private void ShowSram()
        {
            if(wasSram != IsSram)
            {
                wasSram = IsSram;
                RP2040_Core.LookAround(Machine);
            }
        }

        private void Flush(bool flush)
        {
            if(flush && clocks.System != 0)
            {
                EmptyCache();
                flushedAt = Now + TimeInterval.FromNanoseconds(FlushCycles * NanosecondsPerSecond / clocks.System);
            }
        }

        private bool FlushEnds()
        {
            flushedAt = TimeInterval.Empty;
            return false;
        }

        private bool Flushing { get { return flushedAt != TimeInterval.Empty && Now < flushedAt; } }

        private uint Counted(uint value)
        {
            var before = Counting;
            asked = true;
            CountFrom(before);
            return value;
        }

        /// <summary>Where it begins or ends that each access is told: with an empty cache.</summary>
        private void CountFrom(bool before)
        {
            if(Counting != before)
            {
                EmptyCache();
                RP2040_Core.LookAround(Machine);
            }
        }

        private void EmptyCache()
        {
            Array.Clear(lines, 0, lines.Length);
            Array.Clear(newest, 0, newest.Length);
        }

        private void GiveUp(ulong address)
        {
            var set = SetOf(address);
            for(var way = 0; way < Ways; way++)
            {
                if(IsLineOf(lines[way * Sets + set], address))
                {
                    lines[way * Sets + set] = 0;
                }
            }
        }

        /// <remarks>A line is filled by words, as the SSI reads one at a time: each half of it is valid or not.</remarks>
        private bool IsHit(ulong address, Window window)
        {
            var set = SetOf(address);
            var word = (address & 4) != 0 ? UpperWord : LowerWord;
            var allocates = window == Window.Allocating || window == Window.Filling;
            for(var way = 0; way < Ways; way++)
            {
                var line = lines[way * Sets + set];
                if(!IsLineOf(line, address))
                {
                    continue;
                }
                newest[set] = (byte)way;
                if(allocates)
                {
                    lines[way * Sets + set] |= word;
                }
                return (line & word) != 0 && (window == Window.Allocating || window == Window.Looking);
            }
            if(allocates)
            {
                // one that was given up, or that was used longest ago
                var way = (byte)(lines[newest[set] * Sets + set] == 0 ? newest[set] : 1 - newest[set]);
                lines[way * Sets + set] = (ushort)(TagOf(address) | word);
                newest[set] = way;
            }
            return false;
        }

        private static int SetOf(ulong address)
        {
            return (int)(address / LineSize) % Sets;
        }

        private static ushort TagOf(ulong address)
        {
            return (ushort)((address & 0xFFFFFF) / (LineSize * Sets));
        }

        private static bool IsLineOf(ushort line, ulong address)
        {
            return line >= LowerWord && (line & Tag) == TagOf(address);
        }

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

        private IFlagRegisterField enabled;
        private IFlagRegisterField badWriteIsError;
        private IFlagRegisterField poweredDown;
        private bool wasSram;
        private TimeInterval flushedAt;
        private uint hits;
        private uint accesses;
        private uint address;
        private uint left;

        private bool asked;
        private double flashLatency;

        private readonly RP2040_Clocks clocks;
        private readonly RP2040_SSI ssi;
        private readonly MappedMemory memory;
        private readonly Queue<uint> words;
        private readonly RP2040_Pace pace;

        /// <summary>By way and set: 0, or which of its two words are valid and the bits of the address above.</summary>
        private readonly ushort[] lines = new ushort[Ways * Sets];
        /// <summary>The way of a set that was used last.</summary>
        private readonly byte[] newest = new byte[Sets];

        private const ulong FlashWindows = 0x10000000 >> 26;
        private const int Ways = 2;
        private const int Sets = 1024;
        private const ulong LineSize = 8;
        private const ushort Tag = 0x7FF;
        // Of a line, what is valid of it
        private const ushort LowerWord = 0x4000;
        private const ushort UpperWord = 0x8000;
        private const double MostLatency = 100;
        /// <summary>"Just over 1024".</summary>
        private const ulong FlushCycles = 1026;
        private const ulong NanosecondsPerSecond = 1000000000;
        private const int FIFODepth = 2;
        /// <summary>Eight quad transfers at half of clk_sys, the SDK's choice for the flash of a Pico.</summary>
        private const uint CyclesPerWord = 16;

        /// <summary>The flash's windows, by bits 25 and 24 of an address.</summary>
        private enum Window
        {
            Allocating = 0,
            Looking = 1,
            Filling = 2,
            Neither = 3,
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
