using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities.Binding;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// A Cortex-M0+ with a short way to what it asks for most: SIO at its single-cycle IO port (datasheet 2.3.1), the time, and
    /// the USB controller's buffers.
    /// </summary>
    /// <remarks>
    /// MicroPython divides at each look into a dictionary and asks for its core's number at each call, so that a turn of a small
    /// loop makes forty accesses to SIO; its USB driver copies packets byte by byte and looks at the time while it waits. Over
    /// Renode's bus each access takes two microseconds, by the short way a tenth of that. Only accesses that concern nothing but
    /// the block itself go there (<see cref="IRP2040_ShortWay"/>), and none that a watchpoint is set on; LogPeripheralAccess
    /// does not see them unless <see cref="OverTheBusOnly"/> is set.
    ///
    /// Renode binds its translator to the first method of the right name and form, looking at the derived class first. 1.15 has
    /// them with an address alone, 1.16 with the core's state beside it.
    /// </remarks>
    public class RP2040_Core : CortexM
    {
        public RP2040_Core(string cpuType, IMachine machine, NVIC nvic, uint cpuId) : base(WithoutWarnings(cpuType), machine, nvic, cpuId)
        {
            LetWarningsThrough(true);
            this.nvic = nvic;
            StoppedAt = -1;
        }

        /// <remarks>
        /// WFE and WFI end a round of instructions whether or not there is something to wake up for, and Renode then lets time pass
        /// until the next event. Only a core that goes on sleeping in a round of its own is asleep.
        /// </remarks>
        public override ExecutionResult ExecuteInstructions(ulong numberOfInstructionsToExecute, out ulong numberOfExecutedInstructions)
        {
            if(StoppedAt >= 0)
            {
                // it stands still until it is reset, and time passes as while it sleeps
                numberOfExecutedInstructions = 0;
                return ExecutionResult.WaitingForInterrupt;
            }
            roundBegin = machine.ElapsedVirtualTime.TimeElapsed;
            if(codeToForget.Count > 0 && roundBegin > forgetAfter)
            {
                ForgetCode();
            }
            instructionsAtRoundBegin = ExecutedInstructions;
            var result = base.ExecuteInstructions(numberOfInstructionsToExecute, out numberOfExecutedInstructions);
            return result == ExecutionResult.WaitingForInterrupt && ExecutedInstructions != instructionsAtRoundBegin
                ? ExecutionResult.Ok : result;
        }

        /// <summary>
        /// Lets time pass for this core, as what it waits for will not be there before: until an interrupt comes, and for some
        /// microseconds at a time, as one may come while it is another core's turn.
        /// </summary>
        public void HoldUp(ulong nanoseconds)
        {
            SkipInstructions = Math.Min(nanoseconds, LongestHoldUp) * PerformanceInMips / NanosecondsPerMicrosecond;
            RequestReturn();
        }

        public override void OnGPIO(int number, bool value)
        {
            if(value && OnPossessedThread && SkipInstructions > 0)
            {
                SkipInstructions = 0;
            }
            base.OnGPIO(number, value);
        }

        /// <summary>Takes the short way away: every access is seen by the bus and what listens there.</summary>
        public bool OverTheBusOnly { get; set; }

        /// <summary>
        /// Has the translator forget the code around the instruction in hand, a millisecond from now: it is one that is copied to
        /// memory, does its work once and returns.
        /// </summary>
        /// <remarks>
        /// Each store to a page of memory from which code has been translated goes a slow way that looks through all of that code,
        /// for good. The boot ROM runs the second stage of booting at the very top of memory (datasheet 2.8.1.3), where
        /// the stack will be; MicroPython took two fifths longer for it.
        /// </remarks>
        public void ForgetCodeHereSoon()
        {
            var here = PC.RawValue;
            if(here < SramBegin || here >= SramEnd)
            {
                return;
            }
            var first = Math.Max(here - SecondStageSize, SramBegin) / TranslatorPage;
            var last = Math.Min(here + SecondStageSize, SramEnd - 1) / TranslatorPage;
            for(var page = first; page <= last; page++)
            {
                codeToForget.Add(page);
            }
            forgetAfter = machine.ElapsedVirtualTime.TimeElapsed + TimeInterval.FromMilliseconds(1);
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
                return roundBegin + TimeInterval.FromCPUCycles(ExecutedInstructions - instructionsAtRoundBegin, PerformanceInMips, out rest);
            }
        }

        /// <summary>When the core came to a breakpoint with no debugger attached, in seconds of emulated time; else negative.</summary>
        public double StoppedAt { get; private set; }

        public override void Reset()
        {
            base.Reset();
            StoppedAt = -1;
        }

        // Renode warns of each method that another one has taken the place of.

        private static string WithoutWarnings(string cpuType)
        {
            LetWarningsThrough(false);
            return cpuType;
        }

        private static void LetWarningsThrough(bool through)
        {
            foreach(var backend in Logger.GetBackends().Values)
            {
                Logger.SetLogLevel(backend, through ? backend.GetLogLevel() : LogLevel.Error, -1);
            }
        }

        [Export]
        protected new ulong ReadByteFromBus(ulong offset)
        {
            uint value;
            return TryRead(offset, 1, out value) ? value : base.ReadByteFromBus(offset);
        }

        [Export]
        protected ulong ReadByteFromBus(ulong offset, ulong cpuState)
        {
            uint value;
            return TryRead(offset, 1, out value) ? value : Bus.ReadByte(offset, cpuState);
        }

        [Export]
        protected new ulong ReadDoubleWordFromBus(ulong offset)
        {
            uint value;
            return TryRead(offset, 4, out value) ? value : base.ReadDoubleWordFromBus(offset);
        }

        [Export]
        protected ulong ReadDoubleWordFromBus(ulong offset, ulong cpuState)
        {
            uint value;
            return TryRead(offset, 4, out value) ? value : Bus.ReadDoubleWord(offset, cpuState);
        }

        [Export]
        protected new void WriteByteToBus(ulong offset, ulong value)
        {
            if(!TryWrite(offset, 1, value))
            {
                base.WriteByteToBus(offset, value);
            }
        }

        [Export]
        protected void WriteByteToBus(ulong offset, ulong value, ulong cpuState)
        {
            if(!TryWrite(offset, 1, value))
            {
                Bus.WriteByte(offset, value, cpuState);
            }
        }

        [Export]
        protected new void WriteDoubleWordToBus(ulong offset, ulong value)
        {
            if(!TryWrite(offset, 4, value))
            {
                base.WriteDoubleWordToBus(offset, value);
            }
        }

        [Export]
        protected void WriteDoubleWordToBus(ulong offset, ulong value, ulong cpuState)
        {
            if(!TryWrite(offset, 4, value))
            {
                Bus.WriteDoubleWord(offset, value, cpuState);
            }
        }

        // Taking an exception and returning from it set the event register, so that WFE does not sleep when one came after the
        // last look at what is waited for (ARMv6-M Architecture Reference Manual, B1.5.18 and the pseudocode of ExceptionTaken
        // and ExceptionReturn). Renode's own core leaves it out, and the wake-up would be lost.

        [Export]
        protected int AcknowledgeIRQ()
        {
            SetEventFlag(true);
            return nvic.AcknowledgeIRQ();
        }

        [Export]
        protected void CompleteIRQ(int number)
        {
            nvic.CompleteIRQ(number);
            SetEventFlag(true);
        }

        // Renode makes a DebugMonitor exception of a BKPT, which ARMv6-M does not have, at the same place again and again. A chip
        // without a debugger goes into a HardFault; to programs it is the end: exit(), a panic, an exception nobody handles.

        [Export]
        protected void SetPendingIRQ(int number)
        {
            if(number != DebugMonitor)
            {
                nvic.SetPendingIRQ(number);
            }
            else if(DebuggerConnected)
            {
                EnterSingleStepModeSafely(new HaltArguments(HaltReason.Breakpoint, this, PC.RawValue, BreakpointType.HardwareBreakpoint));
            }
            else if(StoppedAt < 0)
            {
                StoppedAt = TimeOfInstruction.TotalSeconds;
                this.Log(LogLevel.Error, "breakpoint at 0x{0:X8} with no debugger attached: the program is over", PC.RawValue);
                RequestReturn();
            }
        }

        private void ForgetCode()
        {
            foreach(var page in codeToForget)
            {
                Translated.Forget(page * TranslatorPage, TranslatorPage);
            }
            codeToForget.Clear();
        }

        private bool TryRead(ulong address, int width, out uint value)
        {
            value = 0;
            var way = ShortWay(address, Access.Read);
            return way != null && way.TryRead((uint)(address & PageMask), width, this, out value);
        }

        private bool TryWrite(ulong address, int width, ulong value)
        {
            var way = ShortWay(address, Access.Write);
            return way != null && way.TryWrite((uint)(address & PageMask), width, this, (uint)value);
        }

        private IRP2040_ShortWay ShortWay(ulong address, Access access)
        {
            int index;
            switch(address & ~PageMask)
            {
            case SioPage:
                index = 0;
                break;
            case TimerPage:
                index = 1;
                break;
            case DpsramPage:
                index = 2;
                break;
            default:
                return null;
            }
            if(shortWays == null)
            {
                FindShortWays();
            }
            return OverTheBusOnly || Watched(address, access) ? null : shortWays[index];
        }

        private void FindShortWays()
        {
            // To ask the bus about each address would take longer than the access: where there are no watchpoints at all, it need not be.
            watchedReads = Watchpoints("hooksOnRead");
            watchedWrites = Watchpoints("hooksOnWrite");
            shortWays = new[] { SioPage, TimerPage, DpsramPage }
                .Select(x => machine.SystemBus.WhatPeripheralIsAt(x) as IRP2040_ShortWay).ToArray();
        }

        private Dictionary<ulong, List<BusHookHandler>> Watchpoints(string name)
        {
            var field = machine.SystemBus.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);
            return field == null ? null : field.GetValue(machine.SystemBus) as Dictionary<ulong, List<BusHookHandler>>;
        }

        private bool Watched(ulong address, Access access)
        {
            if(watchedReads != null && watchedWrites != null && watchedReads.Count == 0 && watchedWrites.Count == 0)
            {
                return false;
            }
            List<BusHookHandler> watchpoints;
            return machine.SystemBus.TryGetWatchpointsAt(address, access, out watchpoints);
        }

        private BusWithState Bus { get { return bus ?? (bus = new BusWithState(this)); } }

        [Transient]
        private BusWithState bus;

        private TranslatedCode Translated { get { return translated ?? (translated = new TranslatedCode(this)); } }

        [Transient]
        private TranslatedCode translated;
        /// <summary>Numbers of pages.</summary>
        private readonly HashSet<ulong> codeToForget = new HashSet<ulong>();
        private TimeInterval forgetAfter;

        private TimeInterval roundBegin;
        private ulong instructionsAtRoundBegin;
        [Transient]
        private IRP2040_ShortWay[] shortWays;
        [Transient]
        private Dictionary<ulong, List<BusHookHandler>> watchedReads;
        [Transient]
        private Dictionary<ulong, List<BusHookHandler>> watchedWrites;

        private readonly NVIC nvic;

        /// <summary>The number of the exception (ARMv7-M Architecture Reference Manual, B1.5.2).</summary>
        private const int DebugMonitor = 12;
        private const ulong SioPage = 0xD0000000;
        private const ulong TimerPage = 0x40054000;
        private const ulong DpsramPage = 0x50100000;
        private const ulong PageMask = 0xFFF;
        private const ulong SramBegin = 0x20000000;
        private const ulong SramEnd = 0x20042000;
        private const ulong SecondStageSize = 0x100;
        private const ulong NanosecondsPerMicrosecond = 1000;
        private const ulong LongestHoldUp = 10000;
        /// <summary>Bytes of a page as Renode's translator for Cortex-M has them.</summary>
        private const ulong TranslatorPage = 0x400;

        /// <summary>Renode 1.16's accesses, that this class hides and 1.15 does not have.</summary>
        private class BusWithState
        {
            public BusWithState(CortexM cpu)
            {
                ReadByte = (Func<ulong, ulong, ulong>)Find(cpu, "ReadByteFromBus", typeof(Func<ulong, ulong, ulong>), 2);
                ReadDoubleWord = (Func<ulong, ulong, ulong>)Find(cpu, "ReadDoubleWordFromBus", typeof(Func<ulong, ulong, ulong>), 2);
                WriteByte = (Action<ulong, ulong, ulong>)Find(cpu, "WriteByteToBus", typeof(Action<ulong, ulong, ulong>), 3);
                WriteDoubleWord = (Action<ulong, ulong, ulong>)Find(cpu, "WriteDoubleWordToBus", typeof(Action<ulong, ulong, ulong>), 3);
            }

            public readonly Func<ulong, ulong, ulong> ReadByte;
            public readonly Func<ulong, ulong, ulong> ReadDoubleWord;
            public readonly Action<ulong, ulong, ulong> WriteByte;
            public readonly Action<ulong, ulong, ulong> WriteDoubleWord;

            private static Delegate Find(CortexM cpu, string name, Type form, int parameters)
            {
                var types = new Type[parameters];
                for(var i = 0; i < parameters; i++)
                {
                    types[i] = typeof(ulong);
                }
                var method = typeof(TranslationCPU).GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic, null, types, null);
                return Delegate.CreateDelegate(form, cpu, method);
            }
        }

        /// <summary>The code that the translator has made of a piece of memory.</summary>
        private class TranslatedCode
        {
            public TranslatedCode(CortexM cpu)
            {
                this.cpu = cpu;
                invalidate = typeof(TranslationCPU).GetMethod("OrderTranslationBlocksInvalidation")
                    ?? typeof(TranslationCPU).GetMethod("InvalidateTranslationBlocks", new[] { typeof(IntPtr), typeof(IntPtr) });
                var field = typeof(TranslationCPU).GetField("TlibMapRange", BindingFlags.Instance | BindingFlags.NonPublic);
                map = field == null ? null : (Delegate)field.GetValue(cpu);
            }

            /// <summary>Drops it; stores to that memory are fast again once it is mapped anew. Without that in Renode, they stay slow.</summary>
            public void Forget(ulong start, ulong size)
            {
                if(invalidate == null || map == null)
                {
                    return;
                }
                object begin = new IntPtr((long)start), end = new IntPtr((long)(start + size));
                invalidate.Invoke(cpu, invalidate.GetParameters().Length == 3 ? new[] { begin, end, false } : new[] { begin, end });
                map.DynamicInvoke(start, size);
            }

            private readonly CortexM cpu;
            private readonly MethodInfo invalidate;
            private readonly Delegate map;
        }
    }

    /// <summary>A block that answers some accesses of a core past Renode's bus; false sends one over the bus.</summary>
    public interface IRP2040_ShortWay
    {
        /// <param name="offset">In the block's page of 4 KiB.</param>
        /// <param name="width">1 or 4 bytes; with 1, the value is that byte.</param>
        /// <param name="core">The core that asks.</param>
        /// <param name="value">What was read.</param>
        bool TryRead(uint offset, int width, RP2040_Core core, out uint value);

        bool TryWrite(uint offset, int width, RP2040_Core core, uint value);
    }
}
