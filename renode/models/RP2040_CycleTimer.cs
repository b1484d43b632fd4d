using System;
using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Cycles of clk_sys since power-on, for blocks that are exact to the cycle. Blocks that see each other share one. It stands still
    /// while clk_sys does.
    /// </summary>
    public class RP2040_CycleClock
    {
        public RP2040_CycleClock(IMachine machine, RP2040_Clocks clocks)
        {
            this.machine = machine;
            timers = new List<RP2040_CycleTimer>();
            frequency = DefaultFrequency;
            if(clocks != null)
            {
                frequency = clocks.System;
                clocks.Changed += () => TakeFrequency(clocks.System);
            }
        }

        public void Add(RP2040_CycleTimer timer)
        {
            timers.Add(timer);
        }

        /// <summary>The cycle that it is, exact at the instruction that asks.</summary>
        public ulong Now
        {
            get
            {
                var now = Nanoseconds;
                var passed = now - since;
                var cycle = cycleSince + passed / NanosecondsPerSecond * frequency
                    + passed % NanosecondsPerSecond * frequency / NanosecondsPerSecond;
                if(passed > LongestBase)
                {
                    var seconds = passed / NanosecondsPerSecond; // whole ones: a cycle begins with them
                    since += seconds * NanosecondsPerSecond;
                    cycleSince += seconds * frequency;
                }
                return cycle;
            }
        }

        /// <summary>Before the length of a cycle changes, for those who have not told yet what they did.</summary>
        public event Action Changing;

        public bool StandsStill { get { return frequency == 0; } }

        /// <summary>From now to the first nanosecond of a cycle; not while it stands still.</summary>
        public ulong NanosecondsUntil(ulong cycle)
        {
            if(cycle <= cycleSince)
            {
                return 0;
            }
            var moment = NanosecondsAt(cycle);
            var now = Nanoseconds;
            return moment > now ? moment - now : 0;
        }

        /// <summary>The first nanosecond of a cycle, of those since the last <see cref="Changing"/>.</summary>
        public ulong NanosecondsAt(ulong cycle)
        {
            if(frequency == 0)
            {
                return since;
            }
            if(cycle < cycleSince)
            {
                var before = cycleSince - cycle;
                return since - before / frequency * NanosecondsPerSecond - before % frequency * NanosecondsPerSecond / frequency;
            }
            var cycles = cycle - cycleSince;
            return since + cycles / frequency * NanosecondsPerSecond
                + (cycles % frequency * NanosecondsPerSecond + frequency - 1) / frequency;
        }

        /// <summary>As the clock counts it that calls back.</summary>
        public ulong Nanoseconds
        {
            get
            {
                ICPU cpu;
                if(machine.SystemBus.TryGetCurrentCPU(out cpu))
                {
                    cpu.SyncTime();
                }
                return machine.ClockSource.CurrentValue.InNanoseconds();
            }
        }

        private void TakeFrequency(uint hertz)
        {
            if(frequency == hertz)
            {
                return;
            }
            var changing = Changing;
            if(changing != null)
            {
                changing();
            }
            cycleSince = Now;
            since = Nanoseconds;
            frequency = hertz;
            foreach(var timer in timers)
            {
                timer.FrequencyChanged();
            }
        }

        private ulong since;
        private ulong cycleSince;
        private uint frequency;

        private readonly IMachine machine;
        private readonly List<RP2040_CycleTimer> timers;

        private const ulong NanosecondsPerSecond = 1000000000;
        private const ulong LongestBase = 100 * NanosecondsPerSecond;
        private const uint DefaultFrequency = 125000000;
    }

    /// <summary>A call at a cycle.</summary>
    public class RP2040_CycleTimer
    {
        public RP2040_CycleTimer(IMachine machine, RP2040_CycleClock clock, IPeripheral owner, string name, Action handler)
        {
            this.machine = machine;
            this.clock = clock;
            this.handler = handler;
            machine.ClockSource.AddClockEntry(new ClockEntry(1, NanosecondsPerSecond, handler, owner, name,
                enabled: false, direction: Direction.Descending, workMode: WorkMode.OneShot));
            clock.Add(this);
        }

        public ulong Now { get { return clock.Now; } }

        /// <summary>At the first nanosecond of this cycle; <see cref="Never"/>: not any more.</summary>
        public void CallAt(ulong cycle)
        {
            if(cycle == scheduled)
            {
                return;
            }
            scheduled = cycle;
            if(cycle == Never || clock.StandsStill)
            {
                machine.ClockSource.ExchangeClockEntryWith(handler, x => x.With(enabled: false));
                return;
            }
            var nanoseconds = Math.Max(1, clock.NanosecondsUntil(cycle));
            machine.ClockSource.ExchangeClockEntryWith(handler, x => x.With(period: nanoseconds, value: nanoseconds, enabled: true));
            // the core has been told how far it may run before the next event: it has to ask again
            ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                var controllable = cpu as IControllableCPU;
                if(controllable != null)
                {
                    controllable.RequestReturn();
                }
            }
        }

        /// <summary>It has called: the same cycle may be asked for again.</summary>
        public void Called()
        {
            scheduled = Never;
        }

        /// <summary>The cycle that is waited for comes at another time.</summary>
        public void FrequencyChanged()
        {
            var cycle = scheduled;
            if(cycle != Never)
            {
                scheduled = Never;
                CallAt(cycle);
            }
        }

        public const ulong Never = ulong.MaxValue;

        private ulong scheduled = Never;

        private readonly IMachine machine;
        private readonly RP2040_CycleClock clock;
        private readonly Action handler;

        private const int NanosecondsPerSecond = 1000000000; // 1.15 takes a signed frequency, 1.16 an unsigned one
    }
}
