using System;
using System.Linq;
using System.Threading;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// Lets a paused emulation run for a caller who waits, and pauses it again; in a running one the caller only waits.
    /// </summary>
    /// <remarks>
    /// The emulation is stopped at the end of the quantum in which what was waited for happened: an instant that does not depend on
    /// the speed of this computer. Where time alone is waited for, the last quantum is cut so that it ends with the wait.
    ///
    /// To start and to pause an emulation costs some milliseconds of real time, as both make and end threads. A program that gives
    /// one short command after the other sets <see cref="KeepReady"/>: the emulation then stands still in the synchronization
    /// phase at the end of the quantum, with all its threads, and goes on from there. It counts as paused; whoever starts it, stops
    /// its time source or calls <see cref="Release"/> lets go of it.
    /// </remarks>
    public sealed class EmulationRunner
    {
        /// <summary>Pauses a kept emulation as the monitor's command does, for what wants it so (Save, RunFor, Reset).</summary>
        public static void Release()
        {
            var runner = held;
            if(runner != null && runner.LetGo(true))
            {
                runner.released.Wait();
                runner.Pause();
            }
        }

        public static bool KeepReady { get; set; }

        /// <summary>
        /// Whether the emulation runs by itself. Renode counts one that is kept ready as started, once GDB has commanded a step.
        /// </summary>
        public static bool IsRunning { get { return held == null && EmulationManager.Instance.CurrentEmulation.IsStarted; } }

        /// <summary>
        /// Waits for the owner of an emulation that is kept ready to let it run, for a debugger who has a core step: Renode would start the
        /// emulation, and nobody would stop it. False: the debugger has left.
        /// </summary>
        public static bool AwaitRun(Func<bool> hasLeft)
        {
            if(!KeepReady || IsRunning)
            {
                return true;
            }
            lock(gate)
            {
                while(!isUnderWay)
                {
                    if(hasLeft())
                    {
                        return false;
                    }
                    Monitor.Wait(gate);
                }
            }
            return true;
        }

        /// <summary>A debugger has left.</summary>
        public static void StopAwaiting()
        {
            lock(gate)
            {
                Monitor.PulseAll(gate);
            }
        }

        /// <summary>To be called before anything can happen that is waited for.</summary>
        /// <param name="machine">The machine of the caller.</param>
        public void Prepare(IMachine machine)
        {
            this.machine = machine;
            emulation = EmulationManager.Instance.CurrentEmulation;
            done = new ManualResetEventSlim(false, 0);
            runs = !IsRunning;
        }

        /// <summary>Runs until <see cref="Finish"/> was called; with nothing to run, as it is running already, waits for it.</summary>
        /// <param name="time">How long to run if this is about time alone, nanoseconds; 0 if something may come before.</param>
        public void Run(long time)
        {
            if(runs)
            {
                BeginStrides(time);
                if(!LetGo(false))
                {
                    Release();
                    Start();
                }
            }
            SetUnderWay(true);
            done.Wait();
            SetUnderWay(false);
            EndStrides();
            if(runs && !ReferenceEquals(held, this))
            {
                Pause();
            }
        }

        /// <summary>Whether the thread in hand pauses the emulation because a wait has ended: nobody else has asked for it.</summary>
        public static bool IsPausing { get { return isPausing; } }

        private void Pause()
        {
            isPausing = true;
            try
            {
                emulation.PauseAll();
            }
            finally
            {
                isPausing = false;
            }
        }

        /// <summary>What was waited for has happened; to be called inside the emulation.</summary>
        public void Finish()
        {
            if(!runs)
            {
                done.Set();
                return;
            }
            var source = emulation.MasterTimeSource;
            source.ExecuteInNearestSyncedState(_ =>
            {
                EndStrides();
                if(KeepReady)
                {
                    Hold();
                    return;
                }
                source.Stop();
                done.Set();
            });
        }

        private static void SetUnderWay(bool value)
        {
            lock(gate)
            {
                isUnderWay = value;
                Monitor.PulseAll(gate);
            }
        }

        /// <summary>Ends the caller's waiting though nothing has happened: the machine stands still for good.</summary>
        public void GiveUp()
        {
            if(done != null)
            {
                done.Set();
            }
        }

        /// <summary>Emulation.StartAll sleeps for 100 ms of real time, which a short command would notice.</summary>
        private void Start()
        {
            emulation.ExternalsManager.Start();
            LetCoresWait();
            foreach(var each in emulation.Machines.ToList())
            {
                each.Start();
                foreach(var cpu in each.SystemBus.GetCPUs().Where(x => !x.IsHalted).OfType<ITimeSink>())
                {
                    cpu.WaitUntilActive();
                }
            }
            emulation.MasterTimeSource.Start();
        }

        /// <summary>
        /// A core asks for time again and again, as fast as it can, from when it starts until its source runs: most of what it costs to start.
        /// Told that the source is active, it waits.
        /// </summary>
        private void LetCoresWait()
        {
            foreach(var cpu in emulation.Machines.SelectMany(x => x.SystemBus.GetCPUs()).OfType<ITimeSink>())
            {
                cpu.TimeHandle.SourceSideActive = true;
            }
        }

        // Standing still, on the time source's own thread

        private void Hold()
        {
            var handle = machine.SystemBus.GetCPUs().OfType<ITimeSink>().First().TimeHandle;
            Action pause = () => LetGo(false);
            Action<Emulation, bool> started = (_, __) => LetGo(false);
            released = new ManualResetEventSlim(false, 0);
            go = new ManualResetEventSlim(false, 0);
            // Whoever stops the time source asks for a pause first and then waits for this thread.
            handle.PauseRequested += pause;
            emulation.IsStartedChanged += started;
            held = this;
            done.Set();
            go.Wait();
            handle.PauseRequested -= pause;
            emulation.IsStartedChanged -= started;
            if(stop)
            {
                emulation.MasterTimeSource.Stop();
                released.Set();
            }
        }

        /// <summary>Ends the standing still, once; false if there is none. <paramref name="thenStop"/>: the time source stops.</summary>
        private bool LetGo(bool thenStop)
        {
            if(Interlocked.CompareExchange(ref held, null, this) != this)
            {
                return false;
            }
            stop = thenStop;
            go.Set();
            return true;
        }

        // Long quanta while nothing but time is waited for, and a last one that is as long as what is left

        /// <summary>
        /// One machine alone in its emulation does the same whatever the quanta are, and a tenth of them takes a fraction of the time,
        /// unless they have been made short for two cores that talk to each other.
        /// </summary>
        private void BeginStrides(long time)
        {
            quantum = emulation.MasterTimeSource.Quantum;
            if(time > 0)
            {
                longest = quantum >= ShortestQuantum && emulation.Machines.Count() == 1 ? LongestStride : 1;
                end = machine.ElapsedVirtualTime.TimeElapsed + TimeInterval.FromTicks((ulong)time * TimeInterval.TicksPerMicrosecond / 1000);
                stride = quantum;
                striding = true;
                strides++;
                Stride(strides);
            }
        }

        private void Stride(int number)
        {
            var source = emulation.MasterTimeSource;
            if(!striding || number != strides)
            {
                return;
            }
            if(source.Quantum != stride)
            {
                // Somebody has chosen another quantum meanwhile.
                striding = false;
                return;
            }
            var now = machine.ElapsedVirtualTime.TimeElapsed;
            var left = end > now ? (end - now).Ticks : 0;
            stride = TimeInterval.FromTicks(left >= quantum.Ticks
                ? quantum.Ticks * Math.Min(left / quantum.Ticks, longest)
                : Math.Max(left, FewInstructions.Ticks));
            source.Quantum = stride;
            source.ExecuteInNearestSyncedState(_ => Stride(number));
        }

        private void EndStrides()
        {
            var source = emulation.MasterTimeSource;
            if(striding && source.Quantum == stride)
            {
                source.Quantum = quantum;
            }
            striding = false;
        }

        [Transient]
        private IMachine machine;
        [Transient]
        private Emulation emulation;
        [Transient]
        private bool runs;
        [Transient]
        private bool striding;
        [Transient]
        private TimeInterval quantum;
        [Transient]
        private int strides;
        [Transient]
        private TimeInterval stride;
        [Transient]
        private ulong longest;
        [Transient]
        private TimeInterval end;
        [Transient]
        private ManualResetEventSlim done;
        [Transient]
        private ManualResetEventSlim go;
        [Transient]
        private ManualResetEventSlim released;
        [Transient]
        private bool stop;

        private static EmulationRunner held;
        private static readonly object gate = new object();
        private static bool isUnderWay;
        [ThreadStatic]
        private static bool isPausing;

        private static readonly TimeInterval ShortestQuantum = TimeInterval.FromMilliseconds(1);

        /// <summary>A core stops with a whole instruction, so the wait's end may lie in the next quantum.</summary>
        private static readonly TimeInterval FewInstructions = TimeInterval.FromTicks(TimeInterval.TicksPerMicrosecond / 5);

        private const ulong LongestStride = 10;
    }

    public static class TimeSinkExtensions
    {
        /// <summary>
        /// Waits for the thread of a core that was just resumed. A core that comes too late for its slice of time is put behind
        /// the others, and the turn in which cores run in series is what their results depend on. One that is to stand for a debugger
        /// is not active.
        /// </summary>
        public static void WaitUntilActive(this ITimeSink sink)
        {
            var core = sink as ICPU;
            SpinWait.SpinUntil(() => sink.TimeHandle.SinkSideActive || (core != null && core.ExecutionMode == ExecutionMode.SingleStep), LongestStart);
        }

        /// <summary>Real time, milliseconds; a core that was aborted never comes.</summary>
        private const int LongestStart = 1000;
    }
}
