using System;
using System.Globalization;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Threading;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.UsbHosts
{
    // Waiting: the emulation runs until something is so. Seconds are emulated; the answer is whether it came true in time.
    public partial class UsbHostController
    {
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

        /// <summary>What is queued, in an order that a saved state keeps.</summary>
        public UsbTransfer[] PendingTransfers()
        {
            return schedule.Transfers().ToArray();
        }

        /// <summary>
        /// Calls back at an emulated instant, in seconds since power-on, whatever is being waited for then; at once if it is over.
        /// </summary>
        public void CallAt(double seconds, Action action)
        {
            Act(() => Alarm(action).Schedule(Nanoseconds(seconds) - Clock.Now));
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
            // Asked last: whoever pauses the emulation has its lock, and waits until this thread is done.
            if(activeClock.OnEmulationThread || emulation.MasterTimeSource.IsOnSyncPhaseThread || !EmulationRunner.IsRunning)
            {
                activeClock.Enter(action);
                return;
            }
            var call = new SynchronizedCall(() => activeClock.Enter(action));
            emulation.MasterTimeSource.ExecuteInNearestSyncedState(_ => call.Run());
            while(!call.Done.Wait(LookMilliseconds))
            {
                // Paused meanwhile, the emulation comes to no synchronization point any more.
                if(!EmulationRunner.IsRunning)
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

        private UsbAlarm waitAlarm;
        private UsbAlarm lookAlarm;
        private long lookEvery;
        [Transient]
        private Waiter wait;

        private readonly object waitLock = new object();
        private readonly EmulationRunner runner = new EmulationRunner();

        /// <summary>How often a caller outside the emulation looks whether somebody has paused it; real time.</summary>
        private const int LookMilliseconds = 20;
        /// <summary>Longer than anybody waits, emulated seconds.</summary>
        private const double Forever = 1e6;

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
