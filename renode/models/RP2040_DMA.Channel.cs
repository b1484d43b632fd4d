using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // What a channel holds, and the bits of its control register.
    public partial class RP2040_DMA
    {
        private class Channel
        {
            public void Reset()
            {
                ReadAddress = WriteAddress = Count = Reload = Control = Errors = Credits = 0;
                Aborted = false;
                Starts = Issued = Completes = 0;
            }

            public void Start(ulong cycle)
            {
                Count = Reload;
                Credits = 0;
                Aborted = false;
                Starts = cycle;
                Completes = cycle + PipelineCycles;
            }

            public void Issue(ulong cycle, uint cycles)
            {
                Issued = cycle;
                Completes = cycle + cycles - 1 + PipelineCycles;
            }

            public void AdvanceRead(uint by)
            {
                if(Has(IncrementReadBit))
                {
                    ReadAddress = Advance(ReadAddress, by, !Has(RingOnWriteBit));
                }
            }

            public void AdvanceWrite(uint by)
            {
                if(Has(IncrementWriteBit))
                {
                    WriteAddress = Advance(WriteAddress, by, Has(RingOnWriteBit));
                }
            }

            public bool Has(uint bit)
            {
                return (Control & bit) != 0;
            }

            /// <summary>Where so many transfers read.</summary>
            public Span ReadSpan(uint count)
            {
                return SpanOf(ReadAddress, count, Has(IncrementReadBit), !Has(RingOnWriteBit));
            }

            public Span WriteSpan(uint count)
            {
                return SpanOf(WriteAddress, count, Has(IncrementWriteBit), Has(RingOnWriteBit));
            }

            public uint Size { get { return 1u << (int)Math.Min((Control >> SizeShift) & 3, 2); } }
            public uint Request { get { return (Control >> RequestShift) & 0x3F; } }
            public int ChainTo { get { return (int)(Control >> ChainShift) & 0xF; } }

            public bool IsPlainCopy
            {
                get
                {
                    return (Control & (IncrementReadBit | IncrementWriteBit | SwapBit)) == (IncrementReadBit | IncrementWriteBit)
                        && Ring == 0;
                }
            }

            public uint ReadAddress;
            public uint WriteAddress;
            public uint Count;
            public uint Reload;
            public uint Control;
            public uint Errors;
            /// <summary>Requests of its pacing timer or PWM slice that it has not answered.</summary>
            public uint Credits;
            public bool Aborted;
            /// <summary>The first cycle, that of the last transfer, and that at which the sequence ends.</summary>
            public ulong Starts;
            public ulong Issued;
            public ulong Completes;

            /// <summary>Only the lower bits of an address that wraps change.</summary>
            private uint Advance(uint address, uint by, bool wraps)
            {
                var mask = wraps && Ring != 0 ? (1u << Ring) - 1 : uint.MaxValue;
                return (address & ~mask) | ((address + by) & mask);
            }

            private Span SpanOf(uint address, uint count, bool increments, bool wraps)
            {
                if(!increments)
                {
                    return new Span(address, Size);
                }
                return wraps && Ring != 0 ? new Span(address & ~((1u << Ring) - 1), 1u << Ring) : new Span(address, (ulong)count * Size);
            }

            private int Ring { get { return (int)(Control >> RingShift) & 0xF; } }
        }

        private struct Span
        {
            public Span(uint start, ulong length)
            {
                Start = start;
                Length = length;
            }

            public bool IsWithin(uint start, uint end)
            {
                return Start >= start && Start + Length <= end;
            }

            public bool Overlaps(Span other)
            {
                return Start < other.Start + other.Length && other.Start < Start + Length;
            }

            public readonly uint Start;
            public readonly ulong Length;
        }

        private const uint EnableBit = 1u << 0;
        private const uint HighPriorityBit = 1u << 1;
        private const int SizeShift = 2;
        private const uint IncrementReadBit = 1u << 4;
        private const uint IncrementWriteBit = 1u << 5;
        private const int RingShift = 6;
        private const uint RingOnWriteBit = 1u << 10;
        private const int ChainShift = 11;
        private const int RequestShift = 15;
        private const uint QuietBit = 1u << 21;
        private const uint SwapBit = 1u << 22;
        private const uint SniffBit = 1u << 23;
        private const uint BusyBit = 1u << 24;
        private const uint WriteErrorBit = 1u << 29;
        private const uint ReadErrorBit = 1u << 30;
        private const uint AnyErrorBit = 1u << 31;
        private const uint ControlMask = 0x00FFFFFF;
    }
}
