using System;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <remarks>
    /// The rate at which instructions are executed follows clk_sys. Renode counts time in instructions of PerformanceInMips, which it
    /// keeps for a whole round; these are taken for the ticks of a clock that is right at 125 MHz, and an instruction lasts
    /// 125 MHz / clk_sys of them. What it lasts longer than Renode has let pass, the core is ahead of the time.
    /// </remarks>
    public partial class RP2040_Core
    {
        /// <summary>Hz of clk_sys; while it is 0 the core stands where it is.</summary>
        public uint ClockFrequency
        {
            get { return nextFrequency; }
            set
            {
                nextFrequency = value;
                if(OnPossessedThread && frequency != value)
                {
                    SyncTime();
                    TakeFrequency();
                    RequestReturn();
                }
            }
        }

        /// <summary>
        /// The emulated time of the instruction in hand, without telling the rest of the emulation about it. For core 0 only:
        /// core 1's slice of time comes first, and what core 0 reads afterwards must not be earlier.
        /// </summary>
        public TimeInterval TimeOfInstruction
        {
            get
            {
                ulong rest;
                var ticks = ExecutedInstructions - instructionsAtRoundBegin;
                if(!IsNominal || aheadAtRoundBegin != 0 || waited != 0)
                {
                    ticks = frequency == 0 ? 0 : Math.Min((aheadAtRoundBegin + waited + ticks * NominalFrequency) / frequency, ticksOfRound);
                }
                return roundBegin + TimeInterval.FromCPUCycles(ticks, PerformanceInMips, out rest);
            }
        }

        public override void SyncTime()
        {
            if(!OnPossessedThread)
            {
                base.SyncTime();
                return;
            }
            TlibGetExecutedInstructions();
            ReportProgress(Ticks(Uncounted()));
        }

        /// <summary>Lets the instruction in hand last longer by so many cycles of clk_sys.</summary>
        private void Wait(uint cycles)
        {
            if(cycles != 0)
            {
                var time = cycles * (ulong)PerformanceInMips * TicksPerMips;
                ahead += time;
                waited += time;
            }
        }

        /// <summary>As it has waited, the time of this round is over with fewer instructions than were thought to fit into it.</summary>
        private bool IsOverdue
        {
            get
            {
                return waited != 0
                    && aheadAtRoundBegin + waited + (ExecutedInstructions - instructionsAtRoundBegin) * NominalFrequency >= ticksOfRound * frequency;
            }
        }

        /// <summary>Instructions executed since the last call, or since the round began.</summary>
        /// <remarks>
        /// The translator's own answer to this leaves some out: it gives up a block that is longer than what is left of the round for a
        /// shorter one, and tells what was executed before that at the end of the round only. Its total has all of them; a reset
        /// of the core begins it anew.
        /// </remarks>
        private ulong Uncounted()
        {
            var executed = ExecutedInstructions;
            var instructions = executed < counted ? executed : executed - counted;
            counted = executed;
            return instructions;
        }

        /// <summary>How many instructions to execute in this many ticks; 0: it is ahead by more than that.</summary>
        private ulong BeginRound(ulong ticks)
        {
            TakeFrequency();
            ticksLeft = ticks;
            MarkRound();
            counted = instructionsAtRoundBegin;
            if((IsNominal && ahead == 0) || ExecutionMode == ExecutionMode.SingleStep)
            {
                return ticks;
            }
            var time = ticks * frequency;
            if(time <= ahead)
            {
                ahead -= time;
                ticksLeft = 0;
                return 0;
            }
            return Math.Min(Math.Max(1, (time - ahead) / NominalFrequency), int.MaxValue);
        }

        private ulong EndRound()
        {
            var ticks = Ticks(Uncounted());
            ticksLeft = 0;
            return ticks;
        }

        /// <summary>What instructions have lasted, as far as it may be told in this round.</summary>
        private ulong Ticks(ulong instructions)
        {
            if(IsNominal && ahead == 0 && instructions <= ticksLeft)
            {
                ticksLeft -= instructions;
                return instructions;
            }
            if(frequency == 0)
            {
                return 0;
            }
            var time = ahead + instructions * NominalFrequency;
            var ticks = Math.Min(time / frequency, ticksLeft);
            ahead = time - ticks * frequency;
            ticksLeft -= ticks;
            return ticks;
        }

        private void TakeFrequency()
        {
            if(frequency == nextFrequency)
            {
                return;
            }
            ahead = frequency == 0 ? 0 : ahead / frequency * nextFrequency + ahead % frequency * nextFrequency / frequency;
            frequency = nextFrequency;
            if(IsNominal)
            {
                ahead -= ahead % frequency; // else no round would come out even again
            }
            MarkRound();
        }

        private void MarkRound()
        {
            roundBegin = machine.ElapsedVirtualTime.TimeElapsed;
            instructionsAtRoundBegin = ExecutedInstructions;
            aheadAtRoundBegin = ahead;
            waited = 0;
            ticksOfRound = ticksLeft;
        }

        private bool IsNominal { get { return frequency == NominalFrequency; } }

        private uint frequency = NominalFrequency;
        private uint nextFrequency = NominalFrequency;
        /// <summary>Of what was executed, how long it lasts that has not passed yet: in ticks / <see cref="frequency"/>.</summary>
        private ulong ahead;
        private ulong ticksLeft;
        /// <summary>Of <see cref="BaseCPU.ExecutedInstructions"/>, those whose time has been told.</summary>
        private ulong counted;

        private TimeInterval roundBegin;
        private ulong instructionsAtRoundBegin;
        private ulong aheadAtRoundBegin;
        private ulong ticksOfRound;
        /// <summary>Of <see cref="ahead"/>, what came of waiting since the round began.</summary>
        private ulong waited;

        /// <summary>Hz at which PerformanceInMips is what it says: what the SDK sets clk_sys to.</summary>
        private const uint NominalFrequency = 125000000;
        /// <summary>In a second, of one PerformanceInMips.</summary>
        private const ulong TicksPerMips = 1000000;
    }
}
