using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Calls back after so many cycles of a clock: the time that a frame, a bit or a conversion takes.</summary>
    /// <remarks>
    /// Renode counts whole nanoseconds. Moments are kept in picoseconds here, so that a thousand frames end when they should, however
    /// little a nanosecond's part of each is. One exchange of a clock entry is a fraction of what a LimitTimer costs for the same.
    /// </remarks>
    public class RP2040_Pace
    {
        public RP2040_Pace(IMachine machine, IPeripheral owner, string name, Action reached)
        {
            this.machine = machine;
            this.reached = reached;
            handler = Reached;
            machine.ClockSource.AddClockEntry(new ClockEntry(1, NanosecondsPerSecond, handler, owner, name,
                enabled: false, direction: Direction.Descending, workMode: WorkMode.OneShot));
        }

        /// <summary>From now on; the moment that was waited for before is forgotten.</summary>
        /// <param name="cycles">How many, in the same unit as the frequency: both may be scaled.</param>
        /// <param name="frequency">Hz of the clock. With a clock that stands still, it is looked at again from time to time.</param>
        public void Start(ulong cycles, ulong frequency)
        {
            CPU.ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                cpu.SyncTime();
            }
            moment = machine.ClockSource.CurrentValue.InNanoseconds() * PicosecondsPerNanosecond;
            Continue(cycles, frequency);
        }

        /// <summary>From the moment on that was reached last: in the callback, for what follows without a gap.</summary>
        public void Continue(ulong cycles, ulong frequency)
        {
            stalled = frequency == 0;
            var before = InWholeNanoseconds(moment);
            moment += stalled ? LookAgain : Picoseconds(cycles, frequency);
            var nanoseconds = Math.Max(InWholeNanoseconds(moment) - before, 1);
            Running = true;
            machine.ClockSource.ExchangeClockEntryWith(handler, x => x.With(period: nanoseconds, value: nanoseconds, enabled: true));
            RequestReturn();
        }

        public void Stop()
        {
            if(Running)
            {
                Running = false;
                machine.ClockSource.ExchangeClockEntryWith(handler, x => x.With(enabled: false));
            }
        }

        public bool Running { get; private set; }

        /// <summary>Nanoseconds from now to the moment that is waited for.</summary>
        public ulong Left
        {
            get
            {
                var now = machine.ExactTime().InNanoseconds();
                var then = InWholeNanoseconds(moment);
                return then > now ? then - now : 0;
            }
        }

        /// <summary>In the callback: the clock stood still, and nothing has happened.</summary>
        public bool Stalled { get { return stalled; } }

        private static ulong Picoseconds(ulong cycles, ulong frequency)
        {
            var seconds = cycles / frequency;
            var rest = cycles % frequency * Million;
            return (seconds * Million + rest / frequency) * Million + rest % frequency * Million / frequency;
        }

        private static ulong InWholeNanoseconds(ulong picoseconds)
        {
            return (picoseconds + PicosecondsPerNanosecond - 1) / PicosecondsPerNanosecond;
        }

        private void Reached()
        {
            Running = false;
            reached();
        }

        private void RequestReturn()
        {
            // the core has been told how far it may run before the next event: it has to ask again
            CPU.ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                var controllable = cpu as IControllableCPU;
                if(controllable != null)
                {
                    controllable.RequestReturn();
                }
            }
        }

        private ulong moment;
        private bool stalled;

        private readonly IMachine machine;
        private readonly Action reached;
        private readonly Action handler;

        private const ulong PicosecondsPerNanosecond = 1000;
        private const ulong Million = 1000000;
        private const ulong LookAgain = 100 * Million;
        private const int NanosecondsPerSecond = 1000000000;
    }
}
