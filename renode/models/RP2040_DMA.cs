using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>DMA (datasheet 2.5): twelve channels that take turns. Input n is data request n.</summary>
    /// <remarks>
    /// The read and the write master work side by side, so a transfer can be made each cycle of clk_sys, and one to or from
    /// APB takes as long as its bridge (2.1.3). A transfer is one step here; it stays in flight for <see cref="PipelineCycles"/>
    /// more, and then a sequence's end is seen: BUSY, the interrupt, the channel that is chained to.
    ///
    /// Time is made up for: when a request has risen, a sequence ends, a slice is over, or somebody looks at the registers, all
    /// transfers up to then are made, in their order. Nothing here calls itself: a transfer that writes registers of the DMA
    /// only changes its state, and a request that rises is noted and answered later.
    /// </remarks>
    public partial class RP2040_DMA : RP2040_Peripheral, IRP2040_ShortWay
    {
        public RP2040_DMA(IMachine machine, RP2040_Clocks clocks = null, RP2040_XIP xip = null, RP2040_BUSCTRL busControl = null) : base(machine)
        {
            this.xip = xip;
            this.busControl = busControl;
            IRQ0 = new GPIO();
            IRQ1 = new GPIO();
            channels = new Channel[NumberOfChannels];
            for(var i = 0; i < NumberOfChannels; i++)
            {
                channels[i] = new Channel();
            }
            timers = new PacingTimer[NumberOfTimers];
            for(var i = 0; i < NumberOfTimers; i++)
            {
                timers[i] = new PacingTimer();
            }
            enable = new uint[2];
            force = new uint[2];
            risen = new ulong[NumberOfRequests];
            sniffer = new RP2040_Sniffer();
            Lacks("CH*_DBG_CTDREQ: of a FIFO it is 1 while that asks, not how many transfers it has room for");
            timer = new RP2040_CycleTimer(machine, new RP2040_CycleClock(machine, clocks), this, "transfers", Due);
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            foreach(var channel in channels)
            {
                channel.Reset();
            }
            foreach(var timer in timers)
            {
                timer.Set(0, 0);
            }
            sniffer.Reset();
            raw = 0;
            enable[0] = enable[1] = force[0] = force[1] = 0;
            busy = 0;
            servedInRound = 0;
            lastHigh = lastLow = 0;
            NoteActive();
            UpdateInterrupts();
            Schedule();
        }

        /// <summary>Input n is data request n: a level, or for a PWM slice a pulse.</summary>
        public override void OnGPIO(int number, bool value)
        {
            if(number < 0 || number >= NumberOfRequests)
            {
                base.OnGPIO(number, value);
                return;
            }
            var bit = 1ul << number;
            var rises = value && (requests & bit) == 0;
            requests = value ? requests | bit : requests & ~bit;
            if(!rises)
            {
                return;
            }
            if((Listened & bit) == 0)
            {
                risen[number] = 0;
                return;
            }
            risen[number] = Cycle;
            if(CountsPulses((uint)number))
            {
                GiveCredits((uint)number, 1);
            }
            if(!transferring)
            {
                Schedule();
            }
        }

        /// <summary>Data requests that a channel waits for, one bit each: a block need not raise the others at their time.</summary>
        public ulong Listened { get; private set; }

        /// <summary><see cref="Listened"/> is another one.</summary>
        public event Action ListenedChanged;

        public GPIO IRQ0 { get; private set; }
        public GPIO IRQ1 { get; private set; }

        /// <summary>A channel's registers while nothing is to be made up for: software that waits for BUSY reads them again and again.</summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            value = 0;
            if(width != 4 || offset >= ChannelStride * NumberOfChannels || HeldInReset || unpaced || transferring)
            {
                return false;
            }
            value = ReadChannel((int)(offset / ChannelStride), FieldAt(offset));
            return true;
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            return false;
        }

        protected override uint ReadRegister(long register)
        {
            BringUp(false);
            uint value;
            if(!TryReadOwn(register, out value))
            {
                return base.ReadRegister(register);
            }
            return value;
        }

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            BringUp(false);
            if(!TryWriteOwn(register, operation, mask))
            {
                base.WriteRegister(register, operation, mask);
                return;
            }
            UpdateInterrupts();
            if(!transferring)
            {
                Schedule();
            }
        }

        // Starting and ending (2.5.1, 2.5.2)

        private void Trigger(int number, ulong cycle)
        {
            var channel = channels[number];
            if(!channel.Has(EnableBit) || IsBusy(number))
            {
                return;
            }
            busy |= 1u << number;
            channel.Start(cycle + TriggerCycles);
            NoteActive();
        }

        private void End(int number)
        {
            var channel = channels[number];
            var next = channel.ChainTo;
            busy &= ~(1u << number);
            if(!channel.Has(QuietBit))
            {
                raw |= 1u << number; // after an abort too: RP2040-E13
            }
            if(!channel.Aborted && next != number && next < NumberOfChannels)
            {
                Trigger(next, channel.Completes);
            }
            NoteActive();
            UpdateInterrupts();
        }

        private void Fail(int number, uint error)
        {
            channels[number].Errors |= error;
            busy &= ~(1u << number);
            raw |= 1u << number;
            NoteActive();
            UpdateInterrupts();
        }

        private void AbortChannel(int number)
        {
            var channel = channels[number];
            var inFlight = IsBusy(number) && channel.Issued != 0 && channel.Issued + PipelineCycles > Moment;
            channel.Count = 0;
            channel.Aborted = true;
            if(inFlight)
            {
                channel.Completes = channel.Issued + PipelineCycles;
            }
            else
            {
                busy &= ~(1u << number);
            }
            NoteActive();
        }

        private void NoteActive()
        {
            ulong listened = 0;
            active = 0;
            for(var number = 0; number < NumberOfChannels; number++)
            {
                if(IsBusy(number) && channels[number].Has(EnableBit))
                {
                    active |= 1u << number;
                    listened |= 1ul << (int)channels[number].Request;
                }
            }
            var started = listened & ~Listened;
            var changed = listened != Listened;
            Listened = listened;
            for(var i = 0; i < NumberOfTimers; i++)
            {
                if((started & (1ul << ((int)Timer0Request + i))) != 0)
                {
                    timers[i].NotePulses(Moment);
                }
            }
            var handlers = ListenedChanged;
            if(changed && handlers != null)
            {
                handlers();
            }
        }

        // Turns (CTRL.HIGH_PRIORITY): in a round every channel of high priority has one, then a single one of the others

        private int Pick(uint ready)
        {
            uint high = 0;
            for(var number = 0; number < NumberOfChannels; number++)
            {
                if((ready & (1u << number)) != 0 && channels[number].Has(HighPriorityBit))
                {
                    high |= 1u << number;
                }
            }
            var low = ready & ~high;
            var waiting = high & ~servedInRound;
            if(waiting == 0 && low != 0)
            {
                servedInRound = 0;
                lastLow = NextAfter(lastLow, low);
                return lastLow;
            }
            if(waiting == 0)
            {
                servedInRound = 0;
                waiting = high;
            }
            lastHigh = NextAfter(lastHigh, waiting);
            servedInRound |= 1u << lastHigh;
            return lastHigh;
        }

        private static int NextAfter(int last, uint set)
        {
            for(var i = 1; i <= NumberOfChannels; i++)
            {
                var number = (last + i) % NumberOfChannels;
                if((set & (1u << number)) != 0)
                {
                    return number;
                }
            }
            return last;
        }

        private uint ReadyAt(ulong cycle)
        {
            uint ready = 0;
            for(var number = 0; number < NumberOfChannels; number++)
            {
                var channel = channels[number];
                if((active & (1u << number)) != 0 && channel.Count != 0 && channel.Starts <= cycle && IsRequested(channel, cycle))
                {
                    ready |= 1u << number;
                }
            }
            return ready;
        }

        private bool IsRequested(Channel channel, ulong cycle)
        {
            var request = channel.Request;
            if(request == PermanentRequest)
            {
                return true;
            }
            if(CountsPulses(request))
            {
                return channel.Credits != 0;
            }
            return request < NumberOfRequests && (requests & (1ul << (int)request)) != 0 && risen[request] <= cycle;
        }

        // Time

        /// <summary>Whose turn it is from the slot on, for as long as there is time and something to do.</summary>
        private void MakeUp(ulong now, bool isDue)
        {
            while(slot < now || (isDue && slot == now))
            {
                EndSequences(slot);
                var ready = ReadyAt(slot);
                if(ready == 0)
                {
                    if(slot == now)
                    {
                        return;
                    }
                    slot = NextChange(now);
                    continue;
                }
                var number = Pick(ready);
                var channel = channels[number];
                var alone = (ready & (ready - 1)) == 0 && channel.Request == PermanentRequest;
                var count = (uint)Math.Min(NextChange(now) - slot, channel.Count);
                if(alone && count > 1 && TryCopyBlock(number, count))
                {
                    channel.Issue(slot + count - 1, 1);
                    slot += count;
                    continue;
                }
                Issue(number);
            }
        }

        /// <summary>What a block has room for at once it gets at once: a few cycles early, for the price of one event.</summary>
        private void AnswerAhead(ulong now)
        {
            while(slot > now && slot < now + Ahead)
            {
                var ready = ReadyAt(now);
                if(ready == 0 || (ready & (ready - 1)) != 0)
                {
                    return;
                }
                var number = Pick(ready);
                var channel = channels[number];
                if(channel.Request == PermanentRequest || CountsPulses(channel.Request) || channel.Issued + Ahead < now)
                {
                    return;
                }
                Issue(number);
            }
        }

        private void Issue(int number)
        {
            var channel = channels[number];
            uint cycles = (IsAPB(channel.ReadAddress) ? APBReadCycles : 0) + (IsAPB(channel.WriteAddress) ? APBWriteCycles : 0);
            cycles = Math.Max(cycles, 1);
            if(channel.Credits > 0)
            {
                channel.Credits--;
            }
            channel.Issue(slot, cycles);
            slot += cycles;
            waits = 0;
            Transfer(number);
            slot += waits;
            channel.Completes += waits;
        }

        /// <summary>When another channel begins or ends, or a request has risen, or the given cycle, whichever is first after the slot.</summary>
        private ulong NextChange(ulong until)
        {
            for(var number = 0; number < NumberOfChannels; number++)
            {
                if(!IsBusy(number))
                {
                    continue;
                }
                var channel = channels[number];
                var request = channel.Request;
                if(channel.Count == 0)
                {
                    until = Earlier(channel.Completes, until);
                }
                until = Earlier(channel.Starts, until);
                if(request < NumberOfRequests)
                {
                    until = Earlier(risen[request], until);
                }
            }
            return until;
        }

        private ulong Earlier(ulong cycle, ulong until)
        {
            return cycle > slot && cycle < until ? cycle : until;
        }

        private void EndSequences(ulong cycle)
        {
            for(var number = 0; number < NumberOfChannels; number++)
            {
                if(IsBusy(number) && channels[number].Count == 0 && channels[number].Completes <= cycle)
                {
                    End(number);
                }
            }
        }

        private void RunTimers(ulong now)
        {
            for(var i = 0; i < NumberOfTimers; i++)
            {
                if((Listened & (1ul << ((int)Timer0Request + i))) == 0)
                {
                    continue;
                }
                var pulses = timers[i].NotePulses(now);
                if(pulses != 0)
                {
                    GiveCredits(Timer0Request + (uint)i, pulses);
                }
            }
        }

        private void GiveCredits(uint request, ulong pulses)
        {
            for(var number = 0; number < NumberOfChannels; number++)
            {
                if((active & (1u << number)) != 0 && channels[number].Request == request)
                {
                    channels[number].Credits = (uint)Math.Min(channels[number].Credits + pulses, MostCredits);
                }
            }
        }

        /// <summary>Up to now. What falls on this very cycle is made when it is due, not when a register is looked at.</summary>
        private void BringUp(bool isDue)
        {
            // when all wait for requests, or for what is due, there is nothing to make up for
            if(transferring || (!isDue && !unpaced))
            {
                return;
            }
            transferring = true;
            var now = Cycle;
            RunTimers(now);
            MakeUp(now, isDue);
            EndSequences(now);
            if(isDue)
            {
                AnswerAhead(now);
            }
            transferring = false;
        }

        private void Due()
        {
            timer.Called();
            BringUp(true);
            Schedule();
        }

        private void Schedule()
        {
            var due = ulong.MaxValue;
            unpaced = false;
            for(var number = 0; number < NumberOfChannels; number++)
            {
                if(IsBusy(number))
                {
                    due = Math.Min(due, DueOf(number));
                    unpaced |= channels[number].Request == PermanentRequest;
                }
            }
            timer.CallAt(due);
        }

        private ulong DueOf(int number)
        {
            var channel = channels[number];
            var later = IsInPatientRing(number) ? Slice : 0;
            if(channel.Count == 0)
            {
                return channel.Completes + later;
            }
            if(!channel.Has(EnableBit))
            {
                return ulong.MaxValue;
            }
            var first = Math.Max(slot, channel.Starts);
            var request = channel.Request;
            if(request == PermanentRequest)
            {
                return first + Math.Min(channel.Count + later, Slice);
            }
            if(IsRequested(channel, ulong.MaxValue))
            {
                return request < NumberOfRequests ? Math.Max(first, risen[request]) : first;
            }
            return request >= Timer0Request && request < PermanentRequest ? timers[request - Timer0Request].NextPulse : ulong.MaxValue;
        }

        /// <summary>
        /// It is one of a ring of unpaced channels without interrupts, that goes on without end: made up for in slices. Who programs
        /// channels is none of them.
        /// </summary>
        private bool IsInPatientRing(int number)
        {
            var next = number;
            for(var i = 0; i < NumberOfChannels; i++)
            {
                var channel = channels[next];
                var interrupts = !channel.Has(QuietBit) && (raw & (1u << next)) == 0 && ((enable[0] | enable[1]) & (1u << next)) != 0;
                if(interrupts || channel.ChainTo == next || channel.ChainTo >= NumberOfChannels || channel.Request != PermanentRequest
                    || IsOwn(channel.WriteAddress) || !channel.Has(EnableBit))
                {
                    return false;
                }
                next = channel.ChainTo;
                if(next == number)
                {
                    return true;
                }
            }
            return false;
        }

        /// <summary>Cycles of clk_sys.</summary>
        private ulong Cycle { get { return timer.Now; } }

        /// <summary>The cycle that it is for a register: a transfer may be one that is made up for.</summary>
        private ulong Moment { get { return transferring ? slot : Cycle; } }

        // Interrupts (2.5.4)

        private uint Status(int line)
        {
            return (raw & enable[line]) | force[line];
        }

        private void UpdateInterrupts()
        {
            IRQ0.Set(Status(0) != 0);
            IRQ1.Set(Status(1) != 0);
        }

        private bool IsBusy(int number)
        {
            return (busy & (1u << number)) != 0;
        }

        private static bool CountsPulses(uint request)
        {
            return (request >= PWMWrap0Request && request <= PWMWrap7Request) || (request >= Timer0Request && request < PermanentRequest);
        }

        private static bool IsOwn(uint address)
        {
            return address >> 14 == OwnRegisters >> 14;
        }

        private static bool IsAPB(uint address)
        {
            return address >> 20 == 0x400;
        }

        private uint raw;
        private uint busy;
        private uint active;
        private uint servedInRound;
        private int lastHigh;
        private int lastLow;
        private ulong requests;
        private ulong slot;
        private bool transferring;
        private bool unpaced;

        private readonly RP2040_XIP xip;
        private readonly RP2040_BUSCTRL busControl;
        private readonly Channel[] channels;
        private readonly PacingTimer[] timers;
        private readonly RP2040_Sniffer sniffer;
        private readonly uint[] enable;
        private readonly uint[] force;
        /// <summary>The cycle at which a request has risen that somebody listens to.</summary>
        private readonly ulong[] risen;
        private readonly RP2040_CycleTimer timer;

        private const int NumberOfChannels = 12;
        private const int NumberOfTimers = 4;
        private const int NumberOfRequests = 40;
        private const long ChannelStride = 0x40;

        private const uint TriggerCycles = 2;
        private const uint PipelineCycles = 3;
        private const uint APBReadCycles = 3;
        private const uint APBWriteCycles = 4;
        private const uint Slice = 1024;
        private const uint Ahead = 32;
        private const ulong MostCredits = 63;

        private const uint OwnRegisters = 0x50000000;
        private const uint PWMWrap0Request = 24;
        private const uint PWMWrap7Request = 31;
        private const uint Timer0Request = 59;
        private const uint PermanentRequest = 63;
    }
}
