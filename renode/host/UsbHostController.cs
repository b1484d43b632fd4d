using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Threading;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// The host controller: one root port, frames of 1 ms, transfers (USB 2.0, chapters 5 and 10; docs/bus-timing.md).
    /// </summary>
    /// <remarks>
    /// It owns toggles, retries and time-outs; it does not know what a request means. Times are emulated seconds. Everything that
    /// waits lets the emulation run until it is done or until the deadline: a paused emulation is started and stopped again at
    /// the end of the quantum in which it happened, a running one is watched.
    /// </remarks>
    public class UsbHostController : IUsbWireListener, IUsbPortUser
    {
        // What can be seen

        /// <summary>Emulated seconds since power-on.</summary>
        public double Now { get { return clock == null ? 0 : clock.Now / (double)UsbTiming.Second; } }
        /// <summary>The cable is in and VBUS is on.</summary>
        public bool Plugged { get { return port != null ? port.State != UsbPortState.Unplugged : plugWanted; } }
        /// <summary>The cable is in and the device has its pull-up on.</summary>
        public bool Attached { get { return port != null && port.Attached; } }
        /// <summary>The bus is idle, or just being resumed.</summary>
        public bool Suspended
        {
            get { return port != null && (port.State == UsbPortState.Suspended || port.State == UsbPortState.Resuming); }
        }
        public UsbPortState PortState { get { return port == null ? UsbPortState.Unplugged : port.State; } }
        /// <summary>The number of the current frame, 11 bits.</summary>
        public int Frame { get { return (int)(bus.Frame & UsbTiming.FrameMask); } }
        /// <summary>How often a device was seen to attach, each time after 100 ms of debounce.</summary>
        public int AttachCount { get { return port == null ? 0 : port.AttachCount; } }
        /// <summary>How many transactions the bus has carried since power-on, SOF not counted.</summary>
        public long Transactions { get { return bus.Count; } }
        /// <summary>Traces have each start of frame, too: a thousand in a second of an idle bus.</summary>
        public bool TraceStartsOfFrame { get; set; }

        // Transfers

        /// <summary>
        /// Queues a transfer on a pipe; transfers of one pipe run in order. Never waits.
        /// </summary>
        /// <param name="pipe">The endpoint.</param>
        /// <param name="data">What an OUT sends.</param>
        /// <param name="length">How many bytes an IN asks for; it ends with them or with a short packet.</param>
        /// <param name="setup">The SETUP packet of a control transfer, which then says the length.</param>
        /// <param name="zeroPacket">Ends an OUT of whole packets with an empty one.</param>
        /// <param name="timeout">Emulated seconds it may take from now; negative: as long as it likes.</param>
        /// <param name="onDone">Called once, at the emulated instant it becomes final.</param>
        public UsbTransfer Submit(UsbPipe pipe, byte[] data = null, int length = 0, UsbSetup setup = null, bool zeroPacket = false,
            double timeout = -1, Action<UsbTransfer> onDone = null)
        {
            data = data ?? UsbPacket.NoData;
            ExpectEnabled("transfer on " + pipe);
            CheckArguments(pipe, data, setup);
            var transfer = new UsbTransfer(pipe, data, setup != null ? setup.Length : length, setup, zeroPacket, onDone);
            Act(() =>
            {
                transfer.BeginNs = clock.Now;
                schedule.Add(transfer);
                if(timeout >= 0)
                {
                    transfer.Deadline = transfer.BeginNs + Nanoseconds(timeout);
                    deadlines.Add(transfer);
                    ArmTimeouts();
                }
                Kick();
            });
            return transfer;
        }

        /// <summary>Ends a pending transfer as cancelled; what the device already acknowledged stays in its ActualLength.</summary>
        public void Cancel(UsbTransfer transfer)
        {
            Act(() =>
            {
                if(!transfer.Final)
                {
                    Finish(transfer, UsbTransferStatus.Cancelled);
                }
            });
        }

        /// <summary>The host's side of CLEAR_FEATURE(ENDPOINT_HALT), SET_CONFIGURATION, SET_INTERFACE (9.4.5): DATA0.</summary>
        public void ResetToggle(int address, int endpointAddress)
        {
            Act(() =>
            {
                schedule.ResetToggle(address, endpointAddress);
                Kick();
            });
        }

        /// <summary>
        /// Spoils the next <paramref name="count"/> transactions of an endpoint that carry data, after leaving
        /// <paramref name="skip"/> alone. Endpoint 0x00 means the control endpoint's OUT and SETUP, 0x80 its IN transactions.
        /// </summary>
        public void Inject(UsbFault fault, int endpointAddress, int count, int skip)
        {
            bus.Inject(fault, endpointAddress, count, skip);
        }

        /// <summary>Gathers a record of each transaction, event and transfer from now on, see <see cref="UsbRecords"/>.</summary>
        public bool KeepRecords
        {
            get { return bus.Records != null; }
            set { Act(() => bus.Records = value ? bus.Records ?? new UsbRecords() : null); }
        }

        /// <summary>What has gathered since the last call.</summary>
        public byte[] TakeRecords()
        {
            var records = bus.Records;
            return records == null ? UsbPacket.NoData : records.Take();
        }

        // Waiting. Seconds are emulated; the answer is whether it came true in time.

        /// <summary>Runs until all are final.</summary>
        public bool RunUntilDone(UsbTransfer[] transfers, double timeout)
        {
            return RunUntil(() => transfers.All(x => x.Final), timeout);
        }

        /// <summary>Runs until it is final.</summary>
        public bool RunUntilDone(UsbTransfer transfer, double timeout)
        {
            return RunUntil(() => transfer.Final, timeout);
        }

        /// <summary>Runs until one of them is final.</summary>
        public bool RunUntilAnyDone(UsbTransfer[] transfers, double timeout)
        {
            return RunUntil(() => transfers.Any(x => x.Final), timeout);
        }

        /// <summary>Runs until a stream has received this byte, or any with -1; or nothing is asked for any more.</summary>
        public bool RunUntilReceived(UsbInStream stream, int until, double timeout)
        {
            stream.LookFor(until);
            return RunUntil(stream.Enough, timeout);
        }

        /// <summary>Runs until a device is attached, debounce included (or until none is).</summary>
        public bool RunUntilAttached(bool attached, double timeout)
        {
            return RunUntil(() => attached ? !Port.Gone && Port.State != UsbPortState.Debounce : Port.Gone, timeout);
        }

        /// <summary>Runs until a device has attached at least so often since power-on, debounce included.</summary>
        public bool RunUntilAttachCount(int count, double timeout)
        {
            return RunUntil(() => Port.AttachCount >= count, timeout);
        }

        /// <summary>Runs until a suspended bus is awake again, recovery included.</summary>
        public bool RunUntilResumed(double timeout)
        {
            return RunUntil(() => !Suspended && Port.State != UsbPortState.Recovery, timeout);
        }

        /// <summary>Lets emulated time pass.</summary>
        public void RunFor(double seconds)
        {
            RunUntilWithin(null, Nanoseconds(seconds));
        }

        /// <summary>
        /// Runs until the condition holds or so many emulated seconds have passed. It is looked at when a transfer becomes final or
        /// the port changes, and at the end.
        /// </summary>
        public bool RunUntil(Func<bool> condition, double timeout)
        {
            return RunUntilWithin(condition, Nanoseconds(timeout));
        }

        /// <summary>
        /// The same for a condition that the host cannot know of: it is also looked at each so many emulated seconds.
        /// </summary>
        public bool RunUntil(Func<bool> condition, double timeout, double every)
        {
            lookEvery = Nanoseconds(every);
            try
            {
                Act(() => lookAlarm.Schedule(lookEvery));
                return RunUntilWithin(condition, Nanoseconds(timeout));
            }
            finally
            {
                Act(lookAlarm.Cancel);
            }
        }

        /// <summary>Calls nobody back any more: the emulation is about to end.</summary>
        public void Forget()
        {
            foreach(var transfer in schedule.Transfers())
            {
                transfer.OnDone = null;
            }
        }

        /// <summary>Ends a wait as if its time had passed: the machine stands still for good. Callable from any thread.</summary>
        public void GiveUp()
        {
            runner.GiveUp();
        }

        // IUsbWireListener

        void IUsbWireListener.PullUpChanged(bool attached)
        {
            port.PullUpChanged(attached);
        }

        void IUsbWireListener.RemoteWakeup()
        {
            port.RemoteWakeup();
        }

        void IUsbWireListener.EndpointReady(int endpointAddress)
        {
            if(schedule.Unpark(endpointAddress))
            {
                Kick();
            }
        }

        // IUsbPortUser

        void IUsbPortUser.FramesBegin(bool atOnce)
        {
            var now = clock.Now;
            if(atOnce)
            {
                epoch = now;
                bus.Frame = -1;
                frameEnd = now;
                FrameBegins();
                return;
            }
            // The first whole millisecond since the end of the last reset that has not passed.
            var frame = (now - epoch + UsbTiming.Frame - 1) / UsbTiming.Frame;
            bus.Frame = frame - 1;
            frameEnd = epoch + frame * UsbTiming.Frame;
            frameAlarm.Schedule(frameEnd - now);
        }

        void IUsbPortUser.FramesEnd()
        {
            traffic = false;
            frameAlarm.Cancel();
            slotAlarm.Cancel();
            slotArmed = false;
            current = null;
        }

        void IUsbPortUser.TrafficBegin()
        {
            traffic = true;
            Kick();
        }

        void IUsbPortUser.DeviceLost()
        {
            var pending = schedule.Transfers();
            schedule = new UsbSchedule();
            foreach(var transfer in pending)
            {
                Close(transfer, UsbTransferStatus.Disconnected);
            }
        }

        void IUsbPortUser.PortChanged()
        {
            PortStateChanged(port.State);
            Poke();
        }

        protected UsbHostController()
        {
            bus = new UsbBus();
            schedule = new UsbSchedule();
            deadlines = new List<UsbTransfer>();
        }

        /// <summary>The device's end of the cable.</summary>
        protected void Attach(IUsbWire wire)
        {
            if(bus.Wire != null)
            {
                throw new RecoverableException("The USB host has one port, and something is connected to it already");
            }
            if(wire.Listener != null)
            {
                throw new RecoverableException("The USB controller is connected to another host already");
            }
            bus.Wire = wire;
            clock = wire.Clock;
            frameAlarm = clock.Alarm(FrameBegins);
            slotAlarm = clock.Alarm(Slot);
            timeoutAlarm = clock.Alarm(Timeouts);
            waitAlarm = clock.Alarm(WaitIsOver);
            lookAlarm = clock.Alarm(LookAgain);
            port = new UsbRootPort(bus, clock, this);
            wire.Listener = this;
            if(plugWanted)
            {
                Act(port.Plug);
            }
        }

        protected void Detach(IUsbWire wire)
        {
            if(bus.Wire != wire)
            {
                return;
            }
            Act(() =>
            {
                port.Unplug();
                timeoutAlarm.Cancel();
            });
            wire.Listener = null;
            bus.Wire = null;
            port = null;
            clock = null;
        }

        /// <summary>The port is in another state; called inside the emulation.</summary>
        protected virtual void PortStateChanged(UsbPortState state)
        {
        }

        /// <summary>A frame begins; called inside the emulation.</summary>
        protected virtual void FrameBegun()
        {
        }

        protected void PlugCable()
        {
            plugWanted = true;
            if(port != null)
            {
                Act(port.Plug);
            }
        }

        protected void UnplugCable()
        {
            plugWanted = false;
            if(port != null)
            {
                Act(port.Unplug);
            }
        }

        /// <summary>Drives a bus reset (10 ms SE0, then 10 ms recovery; 7.1.7.5); all pipes end, all toggles are DATA0.</summary>
        protected void ResetBus()
        {
            RunUntilWithin(() => Port.State != UsbPortState.Debounce, UsbTiming.Debounce + Grace);
            if(Port.Gone)
            {
                throw new RecoverableException("bus reset: nothing is attached to the port{0}".FormatText(At));
            }
            var count = AttachCount;
            Act(ResetBegin);
            RunUntilWithin(() => Port.State != UsbPortState.Reset && Port.State != UsbPortState.Recovery,
                UsbTiming.Reset + UsbTiming.ResetRecovery + Grace);
            if(Port.State != UsbPortState.Active || AttachCount != count)
            {
                throw new RecoverableException("bus reset: the device left the bus during the reset{0}".FormatText(At));
            }
        }

        /// <summary>Starts a bus reset; to be called inside the emulation.</summary>
        protected void ResetBegin()
        {
            port.ResetBegin();
        }

        /// <summary>Stops all traffic; over when the bus has been idle for 5 ms. Transfers under way wait for the resume.</summary>
        protected void SuspendBus()
        {
            ExpectEnabled("suspend");
            if(Port.State == UsbPortState.Suspended)
            {
                return;
            }
            RunUntilWithin(() => Port.State != UsbPortState.Recovery, UsbTiming.ResetRecovery + Grace);
            Act(() => traffic = false);
            RunUntilWithin(() => current == null, UsbTiming.Frame);
            ExpectEnabled("suspend");
            Act(Port.Suspend);
            RunUntilWithin(() => Port.State != UsbPortState.Suspended, UsbTiming.Suspend);
        }

        /// <summary>Drives resume for 20 ms, then starts frames again (7.1.7.7); over after 10 ms of recovery.</summary>
        protected void ResumeBus()
        {
            ExpectEnabled("resume");
            if(Port.State == UsbPortState.Suspended)
            {
                Act(Port.ResumeBegin);
            }
            if(!RunUntilResumed(WaitLimit))
            {
                throw new RecoverableException("resume: the bus is still {0}{1}".FormatText(PortState, At));
            }
        }

        /// <summary>
        /// Changes the host's state: at once inside the emulation or while it is paused, else at its next synchronization point.
        /// </summary>
        /// <remarks>
        /// Pausing the machine instead, again and again, brings Renode's time framework to a standstill (1.15.3: the master source
        /// waits for a core that waits for time).
        /// </remarks>
        protected void Act(Action action)
        {
            var activeClock = Clock;
            var emulation = EmulationManager.Instance.CurrentEmulation;
            if(!emulation.IsStarted || activeClock.OnEmulationThread || emulation.MasterTimeSource.IsOnSyncPhaseThread)
            {
                activeClock.Enter(action);
                return;
            }
            var call = new SynchronizedCall(() => activeClock.Enter(action));
            emulation.MasterTimeSource.ExecuteInNearestSyncedState(_ => call.Run());
            while(!call.Done.Wait(LookMilliseconds))
            {
                // Paused meanwhile, the emulation comes to no synchronization point any more.
                if(!emulation.IsStarted)
                {
                    call.Run();
                }
            }
            call.Rethrow();
        }

        /// <summary>For whoever else can make a condition come true: look at what is being waited for now.</summary>
        public void Poke()
        {
            var waiter = wait;
            if(waiter != null && waiter.Met())
            {
                FinishWait();
            }
        }

        protected void TraceTo(string path)
        {
            Act(() => bus.Trace = path == null ? null : new UsbTrace(path));
        }

        protected UsbAlarm Alarm(Action callback)
        {
            return Clock.Alarm(callback);
        }

        protected void ExpectConnected()
        {
            if(clock == null)
            {
                throw new RecoverableException("No USB controller is connected to this host; try: connector Connect sysbus.usb usb_host");
            }
        }

        protected UsbClock Clock
        {
            get
            {
                ExpectConnected();
                return clock;
            }
        }

        /// <summary>For messages: the emulated time.</summary>
        protected string At { get { return " (at {0:F6} s)".FormatText(Now); } }

        protected UsbTrace CurrentTrace { get { return bus.Trace; } }

        protected static long Nanoseconds(double seconds)
        {
            // The monitor reads 0.1 in single precision, which is some nanoseconds more.
            var single = (float)seconds;
            if(single == seconds)
            {
                seconds = double.Parse(single.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            }
            var rounded = (long)Math.Round(Math.Min(seconds, Forever) * UsbTiming.Second);
            // What is left until a deadline is not nothing: a loop that waits for it comes to its end.
            return rounded == 0 && seconds > 0 ? 1 : rounded;
        }

        /// <summary>The default for what takes as long as the device likes, emulated seconds.</summary>
        protected const double WaitLimit = 5;

        // Frames and transactions

        private void FrameBegins()
        {
            bus.Frame++;
            var begin = frameEnd;
            frameEnd = begin + UsbTiming.Frame;
            frameAlarm.Schedule(frameEnd - clock.Now);
            free = begin + UsbTiming.Sof;
            bus.Wire.Sof((int)(bus.Frame & UsbTiming.FrameMask));
            if(TraceStartsOfFrame)
            {
                bus.Now = begin;
                bus.Event("sof");
            }
            FrameBegun();
            if(schedule.WaitsForFrame)
            {
                Kick();
            }
        }

        private void Kick()
        {
            if(traffic && !slotArmed)
            {
                slotArmed = true;
                slotAlarm.Schedule(free - clock.Now);
            }
        }

        /// <summary>Finishes the transaction whose time is over, then starts the next one if there is any.</summary>
        private void Slot()
        {
            var done = current;
            if(done != null)
            {
                current = null;
                bus.Wire.TransactionEnd();
                if(done.Outcome != UsbTransferStatus.Pending && !done.Final)
                {
                    Finish(done, done.Outcome);
                }
            }
            if(!traffic)
            {
                slotArmed = false;
                Poke();
                return;
            }
            var now = clock.Now;
            if(now < free)
            {
                slotAlarm.Schedule(free - now);
                return;
            }
            var pipe = schedule.Choose(bus.Frame, frameEnd - now);
            if(pipe == null)
            {
                slotArmed = false;
                return;
            }
            current = pipe.Queue[0];
            bus.Now = now;
            pipe.Step(bus);
            free = now + bus.Duration;
            slotAlarm.Schedule(bus.Duration);
        }

        private void Finish(UsbTransfer transfer, UsbTransferStatus status)
        {
            schedule.Remove(transfer);
            Close(transfer, status);
            Kick();
        }

        private void Close(UsbTransfer transfer, UsbTransferStatus status)
        {
            transfer.Status = status;
            transfer.EndNs = clock.Now;
            if(bus.Records != null)
            {
                bus.Records.Transfer(transfer);
            }
            if(transfer.Deadline != long.MaxValue)
            {
                deadlines.Remove(transfer);
                ArmTimeouts();
            }
            var onDone = transfer.OnDone;
            if(onDone != null)
            {
                // It may belong to a program outside, which would hold this emulation, and this emulation it, for ever.
                transfer.OnDone = null;
                onDone(transfer);
            }
            Poke();
        }

        private void Timeouts()
        {
            var now = clock.Now;
            foreach(var transfer in deadlines.Where(x => x.Deadline <= now).OrderBy(x => x.Deadline).ToList())
            {
                if(!transfer.Final)
                {
                    Finish(transfer, UsbTransferStatus.TimedOut);
                }
            }
            ArmTimeouts();
        }

        private void ArmTimeouts()
        {
            if(deadlines.Count == 0)
            {
                timeoutAlarm.Cancel();
                return;
            }
            timeoutAlarm.Schedule(deadlines.Min(x => x.Deadline) - clock.Now);
        }

        private static void CheckArguments(UsbPipe pipe, byte[] data, UsbSetup setup)
        {
            if(pipe.Type == UsbTransferType.Control)
            {
                if(setup == null)
                {
                    throw new UsbArgumentException("A control transfer needs a SETUP packet");
                }
                var expected = setup.IsIn ? 0 : setup.Length;
                if(data.Length != expected)
                {
                    throw new UsbArgumentException("control request ({0}): {1} bytes for an OUT data stage of {2}"
                        .FormatText(setup, data.Length, expected));
                }
            }
            else if(setup != null)
            {
                throw new UsbArgumentException("{0} takes no SETUP".FormatText(pipe));
            }
            else if(pipe.IsIn && data.Length > 0)
            {
                throw new UsbArgumentException("{0} is an IN endpoint: it takes no data".FormatText(pipe));
            }
        }

        private void ExpectEnabled(string what)
        {
            if(!Port.Enabled)
            {
                throw new RecoverableException("{0}: the port is {1}{2}; enumerate a device".FormatText(what, PortState, At));
            }
        }

        private UsbRootPort Port
        {
            get
            {
                ExpectConnected();
                return port;
            }
        }

        // Waiting

        private bool RunUntilWithin(Func<bool> condition, long duration)
        {
            if(Clock.Dispatching)
            {
                throw new InvalidOperationException("Waiting inside the emulation would stop it for ever");
            }
            var waiter = new Waiter(condition);
            if(waiter.Met())
            {
                return true;
            }
            lock(waitLock)
            {
                runner.Prepare(clock.Machine);
                Act(() =>
                {
                    wait = waiter;
                    waitAlarm.Schedule(duration);
                    // In a running emulation it may have come true since it was looked at.
                    Poke();
                });
                try
                {
                    runner.Run(condition == null ? duration : 0);
                }
                finally
                {
                    wait = null;
                    Act(waitAlarm.Cancel);
                }
            }
            return waiter.Met();
        }

        private void WaitIsOver()
        {
            var waiter = wait;
            if(waiter != null)
            {
                waiter.Met();
                FinishWait();
            }
        }

        private void LookAgain()
        {
            lookAlarm.Schedule(lookEvery);
            Poke();
        }

        private void FinishWait()
        {
            // Nobody looks at it any more.
            wait = null;
            runner.Finish();
        }

        private bool plugWanted;
        private UsbSchedule schedule;
        private UsbRootPort port;
        private UsbClock clock;
        private UsbAlarm frameAlarm;
        private UsbAlarm slotAlarm;
        private UsbAlarm timeoutAlarm;
        private UsbAlarm waitAlarm;
        private UsbAlarm lookAlarm;
        private long lookEvery;
        /// <summary>The end of the last reset, from which frames are counted.</summary>
        private long epoch;
        private long frameEnd;
        /// <summary>When the bus is free again.</summary>
        private long free;
        private bool traffic;
        private bool slotArmed;
        private UsbTransfer current;
        [Transient]
        private Waiter wait;

        private readonly UsbBus bus;
        private readonly List<UsbTransfer> deadlines;
        private readonly object waitLock = new object();
        private readonly EmulationRunner runner = new EmulationRunner();

        /// <summary>How often a caller outside the emulation looks whether somebody has paused it; real time.</summary>
        private const int LookMilliseconds = 20;
        /// <summary>Longer than anybody waits, emulated seconds.</summary>
        private const double Forever = 1e6;
        /// <summary>What a wait for something with a fixed length is given beyond it.</summary>
        private const long Grace = UsbTiming.Microsecond;

        /// <summary>Something done once, on whichever thread comes first.</summary>
        private sealed class SynchronizedCall
        {
            public SynchronizedCall(Action action)
            {
                this.action = action;
                Done = new ManualResetEventSlim();
            }

            public void Run()
            {
                if(Interlocked.Exchange(ref taken, 1) != 0)
                {
                    return;
                }
                try
                {
                    action();
                }
                catch(Exception e)
                {
                    error = e;
                }
                Done.Set();
            }

            public void Rethrow()
            {
                if(error != null)
                {
                    ExceptionDispatchInfo.Capture(error).Throw();
                }
            }

            public ManualResetEventSlim Done { get; private set; }

            private int taken;
            private Exception error;

            private readonly Action action;
        }

        /// <summary>What is waited for; once it was so, it stays so. Without a condition it is time alone.</summary>
        private sealed class Waiter
        {
            public Waiter(Func<bool> condition)
            {
                this.condition = condition;
            }

            public bool Met()
            {
                met = met || (condition != null && condition());
                return met;
            }

            private bool met;

            private readonly Func<bool> condition;
        }
    }
}
