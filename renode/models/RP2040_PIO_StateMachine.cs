using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// A PIO state machine (datasheet chapter 3): what it holds, what its configuration comes to, what its program can do.
    /// Times are cycles of clk_sys: cycle n lasts from n to n + 1.
    /// </summary>
    public class RP2040_PIO_StateMachine
    {
        public RP2040_PIO_StateMachine(int number)
        {
            Number = number;
            Fifo = new[] { new uint[2 * FifoDepth], new uint[2 * FifoDepth] };
            First = new int[2];
            Count = new int[2];
            Depth = new int[2];
        }

        public void Reset(ulong now)
        {
            CopyFrom(new RP2040_PIO_StateMachine(Number));
            ClockDivider = 1 << 16;
            ExecControl = 31 << 12;
            ShiftControl = 3 << 18;
            PinControl = 5 << 26;
            OutCount = 32;
            Configure();
            RestartDivider(now);
        }

        /// <summary>CTRL.SM_RESTART.</summary>
        public void Restart()
        {
            InRegister = 0;
            InCount = 0;
            OutCount = 32;
            Delay = 0;
            Latched = ExecStalled = InterruptWaiting = Blocked = Stalled = false;
            StickyMask = 0;
        }

        /// <summary>After a change of one of the four registers.</summary>
        public void Configure()
        {
            var sideBits = (int)Math.Min(PinControl >> 29, 5);
            var joinRx = ShiftControl >> 31 != 0;
            var joinTx = (ShiftControl >> 30 & 1) != 0;
            Divider = ClockDivider >> 16 != 0 ? ClockDivider >> 8 : 1u << 24;
            SideOptional = (ExecControl >> 30 & 1) != 0;
            SideDirections = (ExecControl >> 29 & 1) != 0;
            JumpPin = (int)(ExecControl >> 24 & 31);
            EnableBit = (int)(ExecControl >> 19 & 31);
            InlineEnable = (ExecControl >> 18 & 1) != 0;
            Sticky = (ExecControl >> 17 & 1) != 0;
            WrapTop = (int)(ExecControl >> 12 & 31);
            WrapBottom = (int)(ExecControl >> 7 & 31);
            PullThreshold = BitCount(ShiftControl >> 25);
            PushThreshold = BitCount(ShiftControl >> 20);
            OutRight = (ShiftControl >> 19 & 1) != 0;
            InRight = (ShiftControl >> 18 & 1) != 0;
            AutoPull = (ShiftControl >> 17 & 1) != 0;
            AutoPush = (ShiftControl >> 16 & 1) != 0;
            Depth[Tx] = joinRx ? 0 : joinTx ? 2 * FifoDepth : FifoDepth;
            Depth[Rx] = joinTx ? 0 : joinRx ? 2 * FifoDepth : FifoDepth;
            OutBase = (int)(PinControl & 31);
            SetBase = (int)(PinControl >> 5 & 31);
            SideBase = (int)(PinControl >> 10 & 31);
            InBase = (int)(PinControl >> 15 & 31);
            OutMask = RotateLeft(Ones((int)(PinControl >> 20 & 63)), OutBase);
            SetMask = RotateLeft(Ones((int)Math.Min(PinControl >> 26 & 7, 5)), SetBase);
            SideShift = 5 - sideBits;
            DelayMask = Ones(5 - sideBits);
            if(sideBits != 0 && SideOptional)
            {
                sideBits--;
            }
            SideMask = RotateLeft(Ones(sideBits), SideBase);
        }

        /// <summary>FJOIN: a change discards what the FIFOs hold.</summary>
        public void SetShiftControl(uint value)
        {
            if((value ^ ShiftControl) >> 30 != 0)
            {
                Array.Clear(First, 0, 2);
                Array.Clear(Count, 0, 2);
            }
            ShiftControl = value;
        }

        // FIFOs (3.5.3)

        public bool Push(int fifo, uint word)
        {
            if(Count[fifo] >= Depth[fifo])
            {
                return false;
            }
            Fifo[fifo][(First[fifo] + Count[fifo]) % (2 * FifoDepth)] = word;
            Count[fifo]++;
            return true;
        }

        public bool Pop(int fifo, ref uint word)
        {
            if(Count[fifo] == 0)
            {
                return false;
            }
            word = Fifo[fifo][First[fifo]];
            First[fifo] = (First[fifo] + 1) % (2 * FifoDepth);
            Count[fifo]--;
            return true;
        }

        // The clock divider (3.5.5): a running total of the fraction; where it wraps, the period after the next is a cycle longer.
        // With t(n) the cycle of enable n: 256 (t + carry) + total grows by the divisor from one to the next.

        public void RestartDivider(ulong now)
        {
            Tick = now;
            total = 0;
            carry = false;
        }

        public ulong TickAfter(uint ticks)
        {
            if(ticks == 0)
            {
                return Tick;
            }
            var position = PositionAfter(ticks);
            return (position >> 8) - (CarryAt(position) ? 1u : 0u);
        }

        public void SkipTicks(ulong ticks)
        {
            if(ticks == 0)
            {
                return;
            }
            var position = PositionAfter(ticks);
            carry = CarryAt(position);
            total = (uint)position & 0xFF;
            Tick = (position >> 8) - (carry ? 1u : 0u);
        }

        public ulong SkipTicksBefore(ulong until)
        {
            if(Tick >= until)
            {
                return 0;
            }
            ulong skipped = 0;
            var about = ((until - Tick) << 8) / Divider;
            if(about > 2)
            {
                skipped = about - 2;
                SkipTicks(skipped);
            }
            for(; Tick < until; skipped++)
            {
                SkipTicks(1);
            }
            return skipped;
        }

        private ulong PositionAfter(ulong ticks)
        {
            return ((Tick + (carry ? 1u : 0u)) << 8) + total + ticks * Divider;
        }

        private bool CarryAt(ulong position)
        {
            return (position & 0xFF) < (Divider & 0xFF);
        }

        // Copies

        public void CopyFrom(RP2040_PIO_StateMachine other)
        {
            X = other.X;
            Y = other.Y;
            InRegister = other.InRegister;
            OutRegister = other.OutRegister;
            InCount = other.InCount;
            OutCount = other.OutCount;
            for(var fifo = 0; fifo < 2; fifo++)
            {
                var from = other.Fifo[fifo];
                var to = Fifo[fifo];
                for(var i = 0; i < 2 * FifoDepth; i++)
                {
                    to[i] = from[i];
                }
                First[fifo] = other.First[fifo];
                Count[fifo] = other.Count[fifo];
                Depth[fifo] = other.Depth[fifo];
            }
            ProgramCounter = other.ProgramCounter;
            Delay = other.Delay;
            Latch = other.Latch;
            Latched = other.Latched;
            ExecStalled = other.ExecStalled;
            InterruptWaiting = other.InterruptWaiting;
            Blocked = other.Blocked;
            Starved = other.Starved;
            Stalled = other.Stalled;
            StalledInstruction = other.StalledInstruction;
            StickyDirections = other.StickyDirections;
            StickyValue = other.StickyValue;
            StickyMask = other.StickyMask;
            total = other.total;
            carry = other.carry;
            Tick = other.Tick;
            Forced = other.Forced;
            Instruction = other.Instruction;
            ForcedAt = other.ForcedAt;
            Group = other.Group;
            Reads = other.Reads;
            Writes = other.Writes;
            FlagsRead = other.FlagsRead;
            FlagsWritten = other.FlagsWritten;
            Pulls = other.Pulls;
            Pushes = other.Pushes;
            Contended = other.Contended;
            if(ClockDivider != other.ClockDivider || ExecControl != other.ExecControl
                || ShiftControl != other.ShiftControl || PinControl != other.PinControl)
            {
                ClockDivider = other.ClockDivider;
                ExecControl = other.ExecControl;
                ShiftControl = other.ShiftControl;
                PinControl = other.PinControl;
                Configure();
            }
        }

        /// <summary>The same but for X and Y, with the clock enables so many cycles later.</summary>
        public bool IsAsBefore(RP2040_PIO_StateMachine before, ulong apart)
        {
            if(ProgramCounter != before.ProgramCounter || Tick - before.Tick != apart || InRegister != before.InRegister
                || OutRegister != before.OutRegister || InCount != before.InCount || OutCount != before.OutCount
                || Delay != before.Delay || Latch != before.Latch || Latched != before.Latched || ExecStalled != before.ExecStalled
                || InterruptWaiting != before.InterruptWaiting || Blocked != before.Blocked || Stalled != before.Stalled
                || StalledInstruction != before.StalledInstruction || total != before.total
                || carry != before.carry || StickyValue != before.StickyValue || StickyMask != before.StickyMask
                || StickyDirections != before.StickyDirections)
            {
                return false;
            }
            for(var fifo = 0; fifo < 2; fifo++)
            {
                if(First[fifo] != before.First[fifo] || Count[fifo] != before.Count[fifo])
                {
                    return false;
                }
                for(var i = 0; i < 2 * FifoDepth; i++)
                {
                    if(Fifo[fifo][i] != before.Fifo[fifo][i])
                    {
                        return false;
                    }
                }
            }
            return true;
        }

        // Words

        public static uint RotateLeft(uint x, int by)
        {
            return x << (by & 31) | x >> (-by & 31);
        }

        public static uint RotateRight(uint x, int by)
        {
            return x >> (by & 31) | x << (-by & 31);
        }

        public static uint Ones(int count)
        {
            return count >= 32 ? uint.MaxValue : (1u << count) - 1;
        }

        public static int BitCount(uint operand)
        {
            return (operand & 31) != 0 ? (int)(operand & 31) : 32;
        }

        public readonly int Number;

        // what it holds
        public uint X;
        public uint Y;
        public uint InRegister;
        public uint OutRegister;
        public int InCount;
        public int OutCount;
        public readonly uint[][] Fifo;
        public readonly int[] First;
        public readonly int[] Count;
        public int ProgramCounter;
        public uint Delay;
        public uint Latch;
        public bool Latched;
        public bool ExecStalled;
        public bool InterruptWaiting;
        public bool Blocked;

        /// <summary>Of what blocks it, it is a FIFO: only the system can help.</summary>
        public bool Starved;

        /// <summary>In its last clock enable.</summary>
        public bool Stalled;
        public uint StalledInstruction;
        public bool StickyDirections;
        public uint StickyValue;
        public uint StickyMask;
        public ulong Tick;
        public bool Forced;
        public uint Instruction;
        public ulong ForcedAt;
        private uint total;
        private bool carry;

        // its configuration
        public uint ClockDivider;
        public uint ExecControl;
        public uint ShiftControl;
        public uint PinControl;
        public uint Divider;
        public uint OutMask;
        public uint SetMask;
        public uint SideMask;
        public uint DelayMask;
        public int OutBase;
        public int SetBase;
        public int SideBase;
        public int InBase;
        public int JumpPin;
        public int SideShift;
        public int PushThreshold;
        public int PullThreshold;
        public int EnableBit;
        public int WrapTop;
        public int WrapBottom;
        public bool SideOptional;
        public bool SideDirections;
        public bool AutoPush;
        public bool AutoPull;
        public bool InRight;
        public bool OutRight;
        public bool Sticky;
        public bool InlineEnable;
        public readonly int[] Depth;

        // what its program can do from where it stands
        public uint Reads;
        public uint Writes;
        public uint FlagsRead;
        public uint FlagsWritten;
        public bool Pulls;
        public bool Pushes;
        public bool Contended;
        public uint Group;

        public const int Tx = 0;
        public const int Rx = 1;
        public const int FifoDepth = 4;
    }
}
