using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>A slice of PWM (datasheet 4.5.2): its counter as a position in its period, up to TOP and, phase-correct, down again.</summary>
    public class RP2040_PWM_Slice
    {
        public void Reset()
        {
            Enabled = PhaseCorrect = InvertA = InvertB = down = Input = false;
            Mode = DivideMode.FreeRunning;
            Divisor = 16;
            Compare = liveCompare = 0;
            Top = liveTop = CounterMask;
            counter = 0;
            fraction = 0;
        }

        /// <summary>So many cycles, or edges of B, for the divider.</summary>
        /// <param name="wrapped">Whether the counter has wrapped.</param>
        /// <returns>Outputs that may have been high and low meanwhile: bit 0 A, bit 1 B.</returns>
        public uint Drive(ulong pulses, out bool wrapped)
        {
            wrapped = false;
            var sixteenths = fraction + (long)(pulses << 4);
            if(sixteenths < EffectiveDivisor)
            {
                fraction = sixteenths;
                return 0;
            }
            fraction = sixteenths % EffectiveDivisor;
            return Count((ulong)(sixteenths / EffectiveDivisor), out wrapped);
        }

        public uint Count(ulong counts, out bool wrapped)
        {
            uint both = 0;
            wrapped = false;
            while(counts != 0)
            {
                var position = Position;
                var left = Period - position;
                if(counts < left)
                {
                    var before = Outputs;
                    var edge = NextEdge - position;
                    SetPosition(position + (uint)counts);
                    return edge < counts ? both | (before ^ Outputs ^ 3) : both; // it may have been there and back
                }
                counts -= left;
                counter = 0;
                down = false;
                TakeOver();
                wrapped = true;
                both = 3;
                counts %= Period;
            }
            return both;
        }

        /// <summary>CC and TOP are taken over when the counter wraps, or at once while it stands.</summary>
        public void TakeOver()
        {
            liveCompare = Compare;
            liveTop = Top;
            if(IsBeyondTop)
            {
                down = false;
            }
        }

        /// <summary>From its standing still on.</summary>
        public void Start()
        {
            fraction = 0;
        }

        public void Retard()
        {
            fraction -= EffectiveDivisor;
        }

        /// <summary>Counts up again from where it is.</summary>
        public void CountUp()
        {
            down = false;
        }

        public ulong CyclesTo(uint position)
        {
            var sixteenths = (long)(position - Position) * EffectiveDivisor - fraction;
            return (ulong)((sixteenths + 15) >> 4);
        }

        /// <summary>The next position at which an output may change, or the period's end.</summary>
        public uint NextEdge
        {
            get
            {
                var position = Position;
                var period = Period;
                var next = period;
                for(var output = 0; output < 2; output++)
                {
                    var level = LevelOf(output);
                    if(position < level && level < next)
                    {
                        next = level;
                    }
                    if(PhaseCorrect && !IsBeyondTop && level <= liveTop && position < period - level && period - level < next)
                    {
                        next = period - level;
                    }
                }
                return next;
            }
        }

        public uint Period
        {
            get
            {
                if(IsBeyondTop)
                {
                    return CounterMask + 1;
                }
                return PhaseCorrect ? 2 * (liveTop + 1) : liveTop + 1;
            }
        }

        /// <summary>Bit 0: A, bit 1: B.</summary>
        public uint Outputs
        {
            get
            {
                var a = counter < LevelOf(0) != InvertA;
                var b = counter < LevelOf(1) != InvertB;
                return (a ? 1u : 0) | (b ? 2u : 0);
            }
        }

        /// <summary>Outputs that never change: 0 % or 100 %.</summary>
        public uint Constant
        {
            get
            {
                uint result = 0;
                for(var output = 0; output < 2; output++)
                {
                    result |= LevelOf(output) == 0 || LevelOf(output) > liveTop ? 1u << output : 0;
                }
                return result;
            }
        }

        public bool RunsFreely
        {
            get { return Enabled && (Mode == DivideMode.FreeRunning || (Mode == DivideMode.Level && Input)); }
        }

        public bool Counts { get { return Enabled && Mode != DivideMode.FreeRunning; } }

        public uint Counter
        {
            get { return counter; }
            set
            {
                counter = value;
                down = false;
            }
        }

        public bool Enabled;
        public bool PhaseCorrect;
        public bool InvertA;
        public bool InvertB;
        public DivideMode Mode;

        /// <summary>In sixteenths.</summary>
        public uint Divisor
        {
            get { return divisor; }
            set
            {
                divisor = value;
                // where it has come further than the new divisor: one count, in the next cycle
                fraction = Math.Min(fraction, EffectiveDivisor - 1);
            }
        }

        /// <summary>B in the upper half.</summary>
        public uint Compare;
        public uint Top;

        /// <summary>B, where it is counted.</summary>
        public bool Input;

        private uint LevelOf(int output)
        {
            return liveCompare >> (16 * output) & CounterMask;
        }

        private uint Position { get { return down ? 2 * liveTop + 1 - counter : counter; } }

        private void SetPosition(uint position)
        {
            down = PhaseCorrect && !IsBeyondTop && position > liveTop;
            counter = down ? 2 * liveTop + 1 - position : position;
        }

        /// <summary>Written so: it goes on to 0xFFFF.</summary>
        private bool IsBeyondTop { get { return counter > liveTop; } }

        private long EffectiveDivisor { get { return Divisor >> 4 != 0 ? Divisor : 256 << 4; } }

        private uint liveCompare;
        private uint liveTop;
        private uint counter;
        private bool down;
        private uint divisor;
        private long fraction; // of the divider, in sixteenths of a cycle since the last count; negative after PH_RET

        private const uint CounterMask = 0xFFFF;

        public enum DivideMode
        {
            FreeRunning,
            Level,
            Rise,
            Fall,
        }
    }
}
