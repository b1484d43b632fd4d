using System;
using System.Collections.Generic;
using System.Threading;
using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>One callback that can be armed again and again; arming an armed alarm moves it.</summary>
    public sealed class UsbAlarm
    {
        /// <summary>Calls back this many emulated nanoseconds from now (0: as soon as the current event is over).</summary>
        public void Schedule(long delay)
        {
            clock.Arm(this, clock.Now + Math.Max(0, delay));
        }

        public void Cancel()
        {
            clock.Disarm(this);
        }

        internal UsbAlarm(UsbClock clock, Action callback)
        {
            this.clock = clock;
            Callback = callback;
        }

        internal Action Callback { get; private set; }
        internal long Due { get; set; }

        private readonly UsbClock clock;
    }

    /// <summary>
    /// A machine's emulated time in nanoseconds, with alarms: one entry in Renode's clock source stands for all of them.
    /// Its twin is src/renode_pico/clock.py.
    /// </summary>
    /// <remarks>
    /// Alarms due at the same instant run in the order in which they were armed. Everything here happens on the thread that lets
    /// emulated time pass, or while nothing runs; <see cref="Enter"/> keeps two cores that run in parallel apart.
    /// </remarks>
    public sealed class UsbClock
    {
        public UsbClock(IMachine machine, IPeripheral owner)
        {
            this.machine = machine;
            this.owner = owner;
            alarms = new List<UsbAlarm>();
        }

        public UsbAlarm Alarm(Action callback)
        {
            return new UsbAlarm(this, callback);
        }

        /// <summary>Emulated nanoseconds since power-on; exact inside an alarm and after <see cref="Synchronize"/>.</summary>
        public long Now
        {
            get { return (long)machine.ClockSource.CurrentValue.Ticks / TicksPerNanosecond; }
        }

        /// <summary>
        /// Makes <see cref="Now"/> exact for the instruction in hand. Alarms that are due run before it returns, so a register's
        /// write calls it before it changes anything.
        /// </summary>
        public void Synchronize()
        {
            ICPU cpu;
            if(!Dispatching && machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                cpu.SyncTime();
            }
        }

        /// <summary>Runs something that no alarm may come between.</summary>
        public void Enter(Action action)
        {
            machine.ClockSource.ExecuteInLock(action);
        }

        /// <summary>This thread is serving an alarm: what it does happens at an exact emulated instant.</summary>
        public bool Dispatching { get { return dispatchingThread == Thread.CurrentThread.ManagedThreadId; } }

        /// <summary>This thread serves an alarm or executes a core's instruction.</summary>
        public bool OnEmulationThread
        {
            get
            {
                if(Dispatching)
                {
                    return true;
                }
                try
                {
                    ICPU cpu;
                    return machine.SystemBus.TryGetCurrentCPU(out cpu);
                }
                catch(ObjectDisposedException)
                {
                    return false; // a board that was closed has no threads any more
                }
            }
        }

        public IMachine Machine { get { return machine; } }

        internal void Arm(UsbAlarm alarm, long due)
        {
            alarms.Remove(alarm);
            alarm.Due = due;
            var index = alarms.Count;
            while(index > 0 && alarms[index - 1].Due > due)
            {
                index--;
            }
            alarms.Insert(index, alarm);
            if(index == 0)
            {
                SetEntry();
            }
        }

        internal void Disarm(UsbAlarm alarm)
        {
            alarms.Remove(alarm);
        }

        private void Dispatch()
        {
            dispatchingThread = Thread.CurrentThread.ManagedThreadId;
            entryDue = long.MaxValue;
            try
            {
                while(alarms.Count > 0 && alarms[0].Due <= Now)
                {
                    var alarm = alarms[0];
                    alarms.RemoveAt(0);
                    alarm.Callback();
                }
            }
            catch(Exception e)
            {
                // An exception that leaves a clock entry's handler takes the CPU's thread with it.
                owner.Log(LogLevel.Error, "USB event failed: {0}", e);
            }
            finally
            {
                dispatchingThread = NoThread;
                SetEntry();
            }
        }

        private void SetEntry()
        {
            if(Dispatching || alarms.Count == 0 || alarms[0].Due >= entryDue)
            {
                // An entry that comes too early finds nothing due and is set anew: cheaper than moving it each time.
                return;
            }
            entryDue = alarms[0].Due;
            var period = (ulong)(Math.Max(1, entryDue - Now) * TicksPerNanosecond);
            machine.ClockSource.ExchangeClockEntryWith(Dispatch,
                entry => entry.With(period: period, value: 0, enabled: true),
                () => new ClockEntry(period, Frequency, Dispatch, owner, "USB", workMode: WorkMode.OneShot));
            ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                // The core has been granted instructions up to the old nearest event.
                var controllable = cpu as IControllableCPU;
                if(controllable != null)
                {
                    controllable.RequestReturn();
                }
            }
        }

        private long entryDue = long.MaxValue;
        private int dispatchingThread = NoThread;

        private readonly IMachine machine;
        private readonly IPeripheral owner;
        private readonly List<UsbAlarm> alarms;

        private const long TicksPerNanosecond = (long)TimeInterval.TicksPerMicrosecond / 1000;
        private const int NoThread = -1;
        // Renode 1.15.3 takes a long here, 1.16 an ulong: a constant converts to either.
        private const int Frequency = 1000000000;
    }
}
