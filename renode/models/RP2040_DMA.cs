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
    public class RP2040_DMA : RP2040_Peripheral, IRP2040_ShortWay
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

        private bool TryReadOwn(long register, out uint value)
        {
            if(register < ChannelStride * NumberOfChannels)
            {
                value = ReadChannel((int)(register / ChannelStride), FieldAt(register));
                return true;
            }
            if(register >= (long)Registers.Timer0 && register < (long)Registers.Timer0 + 4 * NumberOfTimers)
            {
                value = timers[(register - (long)Registers.Timer0) / 4].Value;
                return true;
            }
            if(register >= (long)Registers.DebugRequests && register < (long)Registers.DebugRequests + ChannelStride * NumberOfChannels)
            {
                return TryReadDebug(register, out value);
            }
            switch((Registers)register)
            {
            case Registers.InterruptRaw:
                value = raw;
                return true;
            case Registers.InterruptEnable0:
            case Registers.InterruptEnable1:
                value = enable[LineOf(register)];
                return true;
            case Registers.InterruptForce0:
            case Registers.InterruptForce1:
                value = force[LineOf(register)];
                return true;
            case Registers.InterruptStatus0:
            case Registers.InterruptStatus1:
                value = Status(LineOf(register));
                return true;
            case Registers.SniffControl:
                value = sniffer.Control;
                return true;
            case Registers.SniffData:
                value = sniffer.Result;
                return true;
            case Registers.NumberOfChannels:
                value = NumberOfChannels;
                return true;
            case Registers.FIFOLevels: // a transfer is read and written in one step: nothing waits between
            case Registers.Abort: // RP2040-E13: low before what is in flight has ended; BUSY tells
            case Registers.MultiTrigger:
                value = 0;
                return true;
            }
            value = 0;
            return false;
        }

        private bool TryReadDebug(long register, out uint value)
        {
            var channel = channels[(register - (long)Registers.DebugRequests) / ChannelStride];
            switch(register % ChannelStride)
            {
            case DebugRequestsOffset:
                value = CountsPulses(channel.Request) ? channel.Credits
                    : channel.Request != PermanentRequest && IsRequested(channel, ulong.MaxValue) ? 1u : 0;
                return true;
            case DebugReloadOffset:
                value = channel.Reload;
                return true;
            }
            value = 0;
            return false;
        }

        private bool TryWriteOwn(long register, AtomicOperation operation, uint mask)
        {
            if(register < ChannelStride * NumberOfChannels)
            {
                WriteChannel((int)(register / ChannelStride), register, operation, mask);
                return true;
            }
            if(register >= (long)Registers.Timer0 && register < (long)Registers.Timer0 + 4 * NumberOfTimers)
            {
                var timer = timers[(register - (long)Registers.Timer0) / 4];
                timer.Set(Apply(operation, timer.Value, mask), Moment);
                return true;
            }
            if(register >= (long)Registers.DebugRequests && register < (long)Registers.DebugRequests + ChannelStride * NumberOfChannels)
            {
                if(register % ChannelStride == DebugRequestsOffset)
                {
                    channels[(register - (long)Registers.DebugRequests) / ChannelStride].Credits = 0;
                }
                return register % ChannelStride <= DebugReloadOffset;
            }
            switch((Registers)register)
            {
            case Registers.InterruptRaw:
            case Registers.InterruptStatus0:
            case Registers.InterruptStatus1:
                raw &= ~mask;
                return true;
            case Registers.InterruptEnable0:
            case Registers.InterruptEnable1:
                enable[LineOf(register)] = Apply(operation, enable[LineOf(register)], mask) & InterruptMask;
                return true;
            case Registers.InterruptForce0:
            case Registers.InterruptForce1:
                force[LineOf(register)] = Apply(operation, force[LineOf(register)], mask) & InterruptMask;
                return true;
            case Registers.MultiTrigger:
                ForEach(mask & AllChannels, n => Trigger(n, Moment));
                return true;
            case Registers.Abort:
                ForEach(mask & AllChannels, AbortChannel);
                return true;
            case Registers.SniffControl:
                sniffer.Control = Apply(operation, sniffer.Control, mask);
                return true;
            case Registers.SniffData:
                sniffer.Data = Apply(operation, sniffer.Data, mask);
                return true;
            case Registers.FIFOLevels:
            case Registers.NumberOfChannels:
                return true;
            }
            return false;
        }

        private uint ReadChannel(int number, Field field)
        {
            var channel = channels[number];
            switch(field)
            {
            case Field.ReadAddress:
                return channel.ReadAddress;
            case Field.WriteAddress:
                return channel.WriteAddress;
            case Field.TransferCount:
                return channel.Count;
            default:
                return channel.Control | (IsBusy(number) ? BusyBit : 0) | channel.Errors | (channel.Errors != 0 ? AnyErrorBit : 0);
            }
        }

        private void WriteChannel(int number, long register, AtomicOperation operation, uint mask)
        {
            var channel = channels[number];
            var field = FieldAt(register);
            var value = Apply(operation, ReadChannel(number, field), mask);
            switch(field)
            {
            case Field.ReadAddress:
                channel.ReadAddress = value;
                break;
            case Field.WriteAddress:
                channel.WriteAddress = value;
                break;
            case Field.TransferCount:
                channel.Reload = value;
                break;
            default:
                channel.Control = value & ControlMask;
                channel.Errors &= ~mask;
                NoteActive();
                break;
            }
            if((register & TriggerOffset) != TriggerOffset)
            {
                return;
            }
            if(value != 0)
            {
                Trigger(number, Moment);
            }
            else if(channel.Has(QuietBit))
            {
                // a null trigger: the end of a chain of control blocks
                raw |= 1u << number;
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

        // Transfers

        /// <summary>A bus error ends the sequence. An address is taken as aligned, as the bus does.</summary>
        private bool Transfer(int number)
        {
            var channel = channels[number];
            var size = channel.Size;
            var from = channel.ReadAddress & ~(size - 1);
            var to = channel.WriteAddress & ~(size - 1);
            uint data;
            if(!TryRead(from, size, out data))
            {
                Fail(number, ReadErrorBit);
                return false;
            }
            if(!TryWrite(to, size, Observe(number, data, size)))
            {
                Fail(number, WriteErrorBit);
                return false;
            }
            return true;
        }

        private bool TryRead(uint address, uint size, out uint data)
        {
            data = 0;
            if(!IsThere(address, ref pageRead) || IsCacheOnly(address))
            {
                return false;
            }
            NoteAccess(address, false);
            var bus = Machine.SystemBus;
            data = size == 1 ? bus.ReadByte(address) : size == 2 ? bus.ReadWord(address) : bus.ReadDoubleWord(address);
            return true;
        }

        private bool TryWrite(uint address, uint size, uint data)
        {
            if(!IsThere(address, ref pageWritten) || IsCacheOnly(address))
            {
                return false;
            }
            NoteAccess(address, true);
            if(address < EndOfFlash)
            {
                return address < Flash || xip == null || xip.TakesWrite(address); // the boot ROM, and the cache in front of the flash: dropped
            }
            var bus = Machine.SystemBus;
            switch(size)
            {
            case 1:
                bus.WriteByte(address, (byte)data);
                break;
            case 2:
                bus.WriteWord(address, (ushort)data);
                break;
            default:
                bus.WriteDoubleWord(address, data);
                break;
            }
            return true;
        }

        private void NoteAccess(uint address, bool write)
        {
            if(xip != null)
            {
                xip.Count(address, write);
            }
            if(busControl != null)
            {
                busControl.Count(address);
            }
        }

        /// <summary>The cache's memory, while it is one.</summary>
        private bool IsCacheOnly(uint address)
        {
            return address >> 24 == XipSram && xip != null && !xip.IsSram;
        }

        private bool IsCounted { get { return (xip != null && xip.Counting) || (busControl != null && busControl.Counting); } }

        /// <summary>The processors' own registers are not on this bus.</summary>
        private bool IsThere(uint address, ref uint knownPage)
        {
            var page = address >> PageShift;
            if(page == knownPage)
            {
                return true;
            }
            if(address >= ProcessorsOwn || Machine.SystemBus.WhatPeripheralIsAt(address) == null)
            {
                return false;
            }
            knownPage = page;
            return true;
        }

        /// <summary>Several transfers of a copy at once, where that is the same.</summary>
        private bool TryCopyBlock(int number, uint count)
        {
            var channel = channels[number];
            var from = channel.ReadSpan(count);
            var to = channel.WriteSpan(count);
            var size = channel.Size;
            if(IsCounted || !IsMemory(from) || !IsMemory(to) || to.Start < SRAM || from.Overlaps(to) || ((channel.ReadAddress | channel.WriteAddress) & (size - 1)) != 0)
            {
                return false;
            }
            var source = Machine.SystemBus.ReadBytes(from.Start, (int)from.Length);
            if(channel.IsPlainCopy && !IsSniffed(number))
            {
                channel.ReadAddress += (uint)from.Length;
                channel.WriteAddress += (uint)to.Length;
                channel.Count -= count;
                Machine.SystemBus.WriteBytes(source, to.Start);
                return true;
            }
            var target = Machine.SystemBus.ReadBytes(to.Start, (int)to.Length);
            for(var i = 0; i < count; i++)
            {
                var data = ReadFrom(source, (int)(channel.ReadAddress - from.Start), size);
                var at = (int)(channel.WriteAddress - to.Start);
                data = Observe(number, data, size);
                for(var n = 0; n < size; n++)
                {
                    target[at + n] = (byte)(data >> (8 * n));
                }
            }
            Machine.SystemBus.WriteBytes(target, to.Start);
            return true;
        }

        private static uint ReadFrom(byte[] bytes, int at, uint size)
        {
            uint data = 0;
            for(var n = 0; n < size; n++)
            {
                data |= (uint)bytes[at + n] << (8 * n);
            }
            return data;
        }

        private static bool IsMemory(Span span)
        {
            return span.Length <= LongestBlock && (span.IsWithin(SRAM, EndOfSRAM) || span.IsWithin(Flash, EndOfFlashWindow) || span.IsWithin(0, EndOfROM));
        }

        /// <summary>What is between the masters: data that was read, on its way to be written.</summary>
        private uint Observe(int number, uint data, uint size)
        {
            var channel = channels[number];
            if(channel.Has(SwapBit))
            {
                data = RP2040_Sniffer.SwapBytes(data, size);
            }
            if(IsSniffed(number))
            {
                sniffer.See(data, size);
            }
            channel.Count--;
            channel.AdvanceRead(size);
            channel.AdvanceWrite(size);
            return data;
        }

        private bool IsSniffed(int number)
        {
            return sniffer.Watches(number) && channels[number].Has(SniffBit);
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
            Transfer(number);
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

        private static int LineOf(long register)
        {
            return register >= (long)Registers.InterruptEnable1 ? 1 : 0;
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

        private static void ForEach(uint set, Action<int> action)
        {
            for(var number = 0; set != 0; number++, set >>= 1)
            {
                if((set & 1) != 0)
                {
                    action(number);
                }
            }
        }

        /// <summary>The four registers of a channel appear in four orders (datasheet 2.5.2.1); the last of each triggers.</summary>
        private static Field FieldAt(long register)
        {
            return Orders[(register >> 4) & 3, (register >> 2) & 3];
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
        private uint pageRead = NoPage;
        private uint pageWritten = NoPage;

        private readonly Channel[] channels;
        private readonly PacingTimer[] timers;
        private readonly RP2040_Sniffer sniffer;
        private readonly uint[] enable;
        private readonly uint[] force;
        /// <summary>The cycle at which a request has risen that somebody listens to.</summary>
        private readonly ulong[] risen;
        private readonly RP2040_CycleTimer timer;

        private static readonly Field[,] Orders =
        {
            { Field.ReadAddress, Field.WriteAddress, Field.TransferCount, Field.Control },
            { Field.Control, Field.ReadAddress, Field.WriteAddress, Field.TransferCount },
            { Field.Control, Field.TransferCount, Field.ReadAddress, Field.WriteAddress },
            { Field.Control, Field.WriteAddress, Field.TransferCount, Field.ReadAddress },
        };

        private const int NumberOfChannels = 12;
        private const int NumberOfTimers = 4;
        private const int NumberOfRequests = 40;
        private const long ChannelStride = 0x40;
        private const long TriggerOffset = 0xC;
        private const long DebugRequestsOffset = 0;
        private const long DebugReloadOffset = 4;
        private const uint AllChannels = (1u << NumberOfChannels) - 1;
        private const uint InterruptMask = 0xFFFF;

        private const uint TriggerCycles = 2;
        private const uint PipelineCycles = 3;
        private const uint APBReadCycles = 3;
        private const uint APBWriteCycles = 4;
        private const uint Slice = 1024;
        private const uint Ahead = 32;
        private const ulong MostCredits = 63;
        private const ulong LongestBlock = 4 * Slice;

        private const int PageShift = 12;
        private const uint NoPage = uint.MaxValue;
        private const uint EndOfROM = 0x4000;
        private readonly RP2040_XIP xip;
        private readonly RP2040_BUSCTRL busControl;

        private const uint XipSram = 0x15;
        private const uint Flash = 0x10000000;
        private const uint EndOfFlashWindow = 0x10200000;
        private const uint EndOfFlash = 0x14000000;
        private const uint SRAM = 0x20000000;
        private const uint EndOfSRAM = 0x20042000;
        private const uint OwnRegisters = 0x50000000;
        private const uint ProcessorsOwn = 0xD0000000;

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

        private const uint PWMWrap0Request = 24;
        private const uint PWMWrap7Request = 31;
        private const uint Timer0Request = 59;
        private const uint PermanentRequest = 63;

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

        /// <summary>Requests X times in Y cycles, but not more than once in one (2.5.5.1).</summary>
        private class PacingTimer
        {
            public void Set(uint value, ulong cycle)
            {
                Value = value;
                since = cycle;
                pulses = 0;
            }

            /// <summary>How many pulses there have been since this was asked last.</summary>
            public ulong NotePulses(ulong cycle)
            {
                if(Y != 0)
                {
                    // numbers stay small: after Y cycles it is where it was
                    var rounds = (cycle - since) / Y;
                    var missed = rounds * Math.Min(X, Y);
                    since += rounds * Y;
                    var now = PulsesUntil(cycle);
                    var fresh = missed + now - pulses;
                    pulses = now;
                    return fresh;
                }
                return 0;
            }

            public ulong NextPulse
            {
                get
                {
                    if(X == 0 || Y == 0)
                    {
                        return ulong.MaxValue;
                    }
                    var next = pulses + 1;
                    return since + (X >= Y ? next : (next * Y + X - 1) / X);
                }
            }

            public uint Value { get; private set; }

            private ulong PulsesUntil(ulong cycle)
            {
                var cycles = cycle - since;
                return X >= Y ? cycles : cycles * X / Y;
            }

            private ulong X { get { return Value >> 16; } }
            private ulong Y { get { return Value & 0xFFFF; } }

            private ulong since;
            private ulong pulses;
        }

        private enum Field
        {
            ReadAddress,
            WriteAddress,
            TransferCount,
            Control,
        }

        // the channels' registers lie from 0x000 on, 0x40 each
        private enum Registers
        {
            InterruptRaw = 0x400,
            InterruptEnable0 = 0x404,
            InterruptForce0 = 0x408,
            InterruptStatus0 = 0x40C,
            InterruptEnable1 = 0x414,
            InterruptForce1 = 0x418,
            InterruptStatus1 = 0x41C,
            Timer0 = 0x420,
            MultiTrigger = 0x430,
            SniffControl = 0x434,
            SniffData = 0x438,
            FIFOLevels = 0x440,
            Abort = 0x444,
            NumberOfChannels = 0x448,
            DebugRequests = 0x800,
        }
    }
}
