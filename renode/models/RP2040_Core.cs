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
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities.Binding;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// A Cortex-M0+ with a short way to what it asks for most: SIO at its single-cycle IO port (datasheet 2.3.1), the time,
    /// the USB controller's buffers, whether a DMA channel is busy, and whether the flash is.
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
    public partial class RP2040_Core : CortexM
    {
        public RP2040_Core(string cpuType, IMachine machine, RP2040_NVIC nvic, uint cpuId) : base(WithoutWarnings(cpuType), machine, nvic, cpuId)
        {
            LetWarningsThrough(true);
            this.nvic = nvic;
            NumberOfMPURegions = RP2040_NVIC.TranslatorsRegions;
            Unmaskable = new RP2040_Unmaskable(nvic);
            nvic.Attach(this);
            StoppedAt = -1;
        }

        /// <remarks>
        /// WFE and WFI end a round of instructions whether or not there is something to wake up for, and Renode then lets time pass
        /// until the next event. Only a core that goes on sleeping in a round of its own is asleep.
        /// </remarks>
        public override ExecutionResult ExecuteInstructions(ulong numberOfInstructionsToExecute, out ulong numberOfExecutedInstructions)
        {
            var instructions = StoppedAt < 0 ? BeginRound(numberOfInstructionsToExecute) : 0;
            if(StoppedAt >= 0 || frequency == 0)
            {
                // it stands still until it is reset or clk_sys comes back, and time passes as while it sleeps
                numberOfExecutedInstructions = 0;
                return ExecutionResult.WaitingForInterrupt;
            }
            if(instructions == 0)
            {
                numberOfExecutedInstructions = numberOfInstructionsToExecute;
                return ExecutionResult.Ok;
            }
            Prepare();
            if(codeToForget.Count > 0 && roundBegin > forgetAfter)
            {
                ForgetCode();
            }
            var before = ExecutedInstructions;
            var result = TakeFaults(base.ExecuteInstructions(instructions, out numberOfExecutedInstructions));
            numberOfExecutedInstructions = EndRound();
            result = StandForDebugger(result);
            return result == ExecutionResult.WaitingForInterrupt && ExecutedInstructions != before ? ExecutionResult.Ok : result;
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

        /// <summary>When the core stopped for good, locked up or in the boot ROM's handler, in seconds of emulated time; else negative.</summary>
        public double StoppedAt { get; private set; }

        /// <summary>
        /// Serves a BKPT 0xAB with R0 and R1 as a call to the host; the result for R0, or -1 for a program that is over. Without it
        /// the instruction is one breakpoint like another, unless Renode's own semihosting was registered at the core.
        /// </summary>
        public Func<uint, uint, long> Semihosting { get { return semihosting; } set { semihosting = value; } }

        /// <summary>What led to the HardFault that is being handled, or has led to the end; null: nothing has.</summary>
        public RP2040_Fault FirstFault { get; private set; }

        /// <summary>What the HardFault's handler could not do; null: nothing, or there is no handler.</summary>
        public RP2040_Fault LastFault { get; private set; }

        /// <summary>It went where nothing can be executed, which a HardFault comes of; Renode says that it is aborted.</summary>
        public bool IsNowhere { get; private set; }

        public override void Reset()
        {
            base.Reset();
            StoppedAt = -1;
            FirstFault = LastFault = null;
            IsNowhere = false;
            ahead = waited = 0;
            refused = RP2040_FaultCause.None;
            Unmaskable.Reset();
            BeginAtBootROM();
        }

        /// <summary>NMI, by software or by an interrupt that SYSCFG routes there.</summary>
        public void PendNonMaskable()
        {
            Unmaskable.PendNonMaskable();
            LiftMask();
        }

        public RP2040_Unmaskable Unmaskable { get; private set; }

        /// <summary>The number in IPSR.</summary>
        public uint Exception { get { return XProgramStatusRegister & ExceptionNumber; } }

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
        protected new ulong ReadWordFromBus(ulong offset)
        {
            uint value;
            return TryRead(offset, 2, out value) ? value : base.ReadWordFromBus(offset);
        }

        [Export]
        protected ulong ReadWordFromBus(ulong offset, ulong cpuState)
        {
            uint value;
            return TryRead(offset, 2, out value) ? value : Bus.ReadWord(offset, cpuState);
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
        protected new void WriteWordToBus(ulong offset, ulong value)
        {
            if(!TryWrite(offset, 2, value))
            {
                base.WriteWordToBus(offset, value);
            }
        }

        [Export]
        protected void WriteWordToBus(ulong offset, ulong value, ulong cpuState)
        {
            if(!TryWrite(offset, 2, value))
            {
                Bus.WriteWord(offset, value, cpuState);
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
            acknowledgedAfter = ExecutedInstructions;
            var number = Unmaskable.Take();
            if(number == 0)
            {
                return nvic.AcknowledgeIRQ();
            }
            if(maskToSetAgain)
            {
                maskToSetAgain = false;
                PRIMASK = 1;
            }
            nvic.InUnmaskableHandler(true);
            if(number == RP2040_Unmaskable.HardFault && VectorTableOffset == 0)
            {
                // the boot ROM's own handler sleeps for ever (datasheet 2.8.1)
                Stop("a HardFault before the firmware has its own vector table");
            }
            return number;
        }

        [Export]
        protected void CompleteIRQ(int number)
        {
            if(!Unmaskable.Complete(number))
            {
                nvic.CompleteIRQ(number);
            }
            else
            {
                nvic.InUnmaskableHandler(Unmaskable.Active);
                LiftMask();
            }
            SetEventFlag(true);
        }

        [Export]
        protected int PendingMaskedIRQ()
        {
            return Unmaskable.Pends || nvic.MaskedInterruptPresent ? 1 : 0;
        }

        // Renode's core makes the exceptions of a Cortex-M3 of what a Cortex-M0+ has one for, the HardFault; of a BKPT, too, when no
        // debugger is there.

        [Export]
        protected void SetPendingIRQ(int number)
        {
            switch(number)
            {
            case MemoryManagement:
                var fetch = (FaultStatus & InstructionAccessViolation) != 0;
                FaultStatus = 0;
                Fault(RP2040_FaultCause.Protection, fetch ? (uint)PC.RawValue : MemoryFaultAddress);
                break;
            case UsageFault:
                FaultStatus = 0;
                Branch(CodeAt(PC.RawValue));
                var isThumb = (XProgramStatusRegister & ThumbState) != 0;
                Fault(isThumb ? RP2040_FaultCause.Undefined : RP2040_FaultCause.Arm, (uint)PC.RawValue);
                break;
            case DebugMonitor:
                if(DebuggerConnected)
                {
                    StopForDebugger(TrapSignal);
                    break;
                }
                Fault(RP2040_FaultCause.Breakpoint, (uint)PC.RawValue);
                break;
            case RP2040_NVIC.SupervisorCall:
                nvic.SetPendingIRQ(number);
                var next = nvic.FindPendingInterrupt();
                if(PRIMASK.RawValue != 0 || next <= 0 || next >= Exceptions)
                {
                    // it cannot be taken now, and there is no later (B1.5.6)
                    nvic.Clear(number);
                    PC = PC.RawValue - 2u | 1u;
                    Fault(RP2040_FaultCause.SupervisorCall, (uint)PC.RawValue);
                }
                break;
            default:
                nvic.SetPendingIRQ(number);
                break;
            }
        }

        /// <summary>Renode's translator has put the PC behind the instruction, and puts the result into R0.</summary>
        [Export]
        protected uint DoSemihosting()
        {
            var argument = (uint)R[0].RawValue;
            if(semihosting != null)
            {
                var result = semihosting(argument, (uint)R[1].RawValue);
                if(result >= 0)
                {
                    return (uint)result;
                }
                Stop("the program has ended by semihosting");
                return argument;
            }
            if(HasOwnSemihosting)
            {
                return (uint)typeof(Arm).GetMethod("DoSemihosting", BindingFlags.Instance | BindingFlags.NonPublic).Invoke(this, null);
            }
            PC = PC.RawValue - BreakpointSize | 1u;
            SetPendingIRQ(DebugMonitor);
            return argument;
        }

        /// <summary>
        /// A branch to an even address is done, and the HardFault is where it leads to. Renode 1.16 refuses the branch itself.
        /// </summary>
        private void Branch(ushort code)
        {
            ulong target;
            if((code & 0xFF00) == 0x4700) // BX, BLX
            {
                target = GetRegister(code >> 3 & 15).RawValue;
                if((code & 0x80) != 0)
                {
                    SetRegister(LinkRegister, (uint)PC.RawValue + 2 | 1);
                }
            }
            else if((code & 0xFF00) == 0xBD00) // POP of the PC
            {
                target = machine.SystemBus.ReadDoubleWord(SP.RawValue - 4);
            }
            else
            {
                return;
            }
            if((target & 1) == 0)
            {
                SetRegister(ProgramCounter, (uint)target);
                SetRegister(StatusRegister, XProgramStatusRegister & ~ThumbState);
            }
        }

        // What is refused in the middle of an instruction becomes a HardFault when the translator has returned from it: the core
        // is put back to where it was before.

        [Export]
        protected void OnMemoryAccess(ulong pc, uint operation, ulong virtualAddress, ulong value)
        {
            LookAtAccess(pc, operation, virtualAddress);
            if(accessesCounted)
            {
                CountAccess(operation, virtualAddress);
            }
            if(traced)
            {
                Translator.PassOn("OnMemoryAccess", pc, operation, virtualAddress, value);
            }
        }

        [Export]
        protected void OnMemoryAccess(ulong pc, uint operation, ulong virtualAddress, uint width, ulong value)
        {
            LookAtAccess(pc, operation, virtualAddress);
            if(accessesCounted)
            {
                CountAccess(operation, virtualAddress);
            }
            if(traced)
            {
                Translator.PassOn("OnMemoryAccess", pc, operation, virtualAddress, width, value);
            }
        }

        /// <remarks>
        /// Accesses that are not aligned are never told as those of a peripheral. Renode 1.15 does not say how many bytes were accessed,
        /// nor by which instruction of the block.
        /// </remarks>
        private void LookAtAccess(ulong pc, uint operation, ulong virtualAddress)
        {
            if((virtualAddress & 3) == 0 || (operation != MemoryRead && operation != MemoryWrite))
            {
                return;
            }
            if(Translator.KnowsInstruction)
            {
                if((virtualAddress & (RP2040_ARMv6M.AccessSize(CodeAt(pc)) - 1)) != 0)
                {
                    Refuse(RP2040_FaultCause.Unaligned, virtualAddress, AllRegisters());
                }
                return;
            }
            var registers = AllRegisters();
            if(FindUnaligned(virtualAddress, registers))
            {
                Refuse(RP2040_FaultCause.Unaligned, virtualAddress, registers);
            }
        }

        /// <summary>
        /// Looks through the block of code in hand for the instruction that makes an access which is not aligned; that becomes the
        /// PC. False if it may as well be one of a byte.
        /// </summary>
        private bool FindUnaligned(ulong accessed, uint[] registers)
        {
            uint size, found = 0;
            var at = Translator.Block(out size);
            for(var end = at + size; at < end; at += RP2040_ARMv6M.IsWide(CodeAt(at)) ? 4u : 2u)
            {
                var code = CodeAt(at);
                registers[ProgramCounter] = at;
                var address = RP2040_ARMv6M.AccessAddress(code, registers);
                if(!address.HasValue || accessed - address.Value >= (RP2040_ARMv6M.IsOfList(code) ? LargestAccess : 1))
                {
                    continue;
                }
                if(address.Value % RP2040_ARMv6M.AccessSize(code) == 0)
                {
                    return false;
                }
                found = at;
            }
            registers[ProgramCounter] = found;
            return found != 0;
        }

        /// <remarks>Called for each block of code that is translated: the instructions that ARMv6-M lacks are looked for.</remarks>
        [Export]
        protected void LogDisassembly(ulong pc, uint size, uint flags)
        {
            if(accessesCounted)
            {
                blockSizes[pc] = size;
            }
            for(var at = pc; at < pc + size;)
            {
                var first = CodeAt(at);
                var wide = RP2040_ARMv6M.IsWide(first);
                if(!RP2040_ARMv6M.Has(first, wide ? CodeAt(at + 2) : (ushort)0))
                {
                    if(!undefined.Contains(at))
                    {
                        found.Add(at);
                        RequestReturn(); // before the block is executed
                    }
                    break;
                }
                at += wide ? 4u : 2u;
            }
            if(LogFile != null)
            {
                Translator.PassOn("LogDisassembly", pc, size, flags);
            }
        }

        [Export]
        protected void ReportAbort(string message)
        {
            IsNowhere = message.Contains("Trying to execute code");
            this.Log(IsNowhere ? LogLevel.Debug : LogLevel.Error, "CPU abort [PC=0x{0:X}]: {1}.", PC.RawValue, message);
            throw new CpuAbortException(message);
        }

        /// <summary>Has the translator tell what it must; once more after an execution trace has ended.</summary>
        private void Prepare()
        {
            TakeXipSramOverTheBus();
            FollowBanks();
            bool wasTraced = traced, wasCounted = accessesCounted;
            traced = Translator.IsTraced;
            accessesCounted = Counts;
            if(prepared && traced == wasTraced && accessesCounted == wasCounted)
            {
                return;
            }
            prepared = true;
            Translator.CallForOddAddressesOnly(!traced && !accessesCounted);
            if(accessesCounted != wasCounted)
            {
                blockSizes.Clear();
                Translator.CallAtBlocks(CountFetches, accessesCounted);
            }
            if(!Translator.Watch(traced || accessesCounted))
            {
                this.Log(LogLevel.Warning, "This Renode does not tell of unaligned accesses: they are no HardFaults");
            }
            foreach(var address in undefined)
            {
                Translator.AddBreakpoint(address);
            }
            MapMemories();
        }

        /// <summary>The access in hand cannot be done, and neither can its instruction.</summary>
        /// <remarks>
        /// Of one over the bus the translator knows the instruction, and goes back to its beginning. Of one that is not aligned it
        /// does not: it stops at its end or, after a load, at the next store or the end of the block, and the registers are put back.
        /// </remarks>
        private void Refuse(RP2040_FaultCause cause, ulong address, uint[] registers = null)
        {
            if(refused != RP2040_FaultCause.None)
            {
                return; // more of the same instruction
            }
            if(registers == null)
            {
                registers = AllRegisters();
                if(!Translator.KnowsInstruction && !FindUnaligned(address, registers) && !FindUnaligned(address + 1, registers)
                    && !FindUnaligned(address + 2, registers) && !FindUnaligned(address + 3, registers))
                {
                    Translator.RestoreProgramCounter();
                    registers = AllRegisters();
                }
            }
            refusedRegisters = registers;
            refusedWhileStacking = cause == RP2040_FaultCause.Write && ExecutedInstructions == acknowledgedAfter
                && address == refusedRegisters[StackPointer];
            var code = CodeAt(refusedRegisters[ProgramCounter]);
            var accessed = RP2040_ARMv6M.AccessAddress(code, refusedRegisters);
            var isKnown = cause != RP2040_FaultCause.Unaligned && !refusedWhileStacking && accessed.HasValue
                && address - accessed.Value < LargestAccess && accessed.Value % RP2040_ARMv6M.AccessSize(code) == 0;
            if(!isKnown && !refusedWhileStacking)
            {
                // both: unaligned, and where nothing is
                cause = RP2040_FaultCause.Unaligned;
                address = accessed ?? address;
            }
            refused = cause;
            refusedAddress = (uint)address;
            TlibRequestTranslationBlockInterrupt(isKnown ? 1 : 0);
            RequestReturn();
        }

        private ExecutionResult TakeFaults(ExecutionResult result)
        {
            if(found.Count > 0)
            {
                foreach(var address in found)
                {
                    undefined.Add(address);
                    Translator.AddBreakpoint(address);
                }
                found.Clear();
            }
            if(refused != RP2040_FaultCause.None)
            {
                var cause = refused;
                refused = RP2040_FaultCause.None;
                for(var i = 0; i < ProgramCounter; i++)
                {
                    SetRegister(i, refusedRegisters[i]);
                }
                PC = refusedRegisters[ProgramCounter] | 1;
                if(refusedWhileStacking)
                {
                    // without a stack no handler can begin either
                    FirstFault = FirstFault ?? new RP2040_Fault(cause, refusedAddress, refusedRegisters, Exception);
                    LockUp(new RP2040_Fault(cause, refusedAddress, refusedRegisters, Exception));
                }
                else
                {
                    Fault(cause, refusedAddress);
                }
                return ExecutionResult.Ok;
            }
            if(result == ExecutionResult.Aborted && IsNowhere)
            {
                IsNowhere = false;
                if(!ShowCode(PC.RawValue))
                {
                    Fault(RP2040_FaultCause.Fetch, (uint)PC.RawValue);
                }
                return ExecutionResult.Ok;
            }
            if(result == ExecutionResult.StoppedAtBreakpoint && undefined.Contains(PC.RawValue))
            {
                var first = CodeAt(PC.RawValue);
                if(RP2040_ARMv6M.Has(first, CodeAt(PC.RawValue + 2u)))
                {
                    // it was written over
                    undefined.Remove(PC.RawValue);
                    Translator.RemoveBreakpoint(PC.RawValue);
                }
                else
                {
                    Fault(RP2040_FaultCause.Undefined, (uint)PC.RawValue);
                }
                return ExecutionResult.Ok;
            }
            return result;
        }

        /// <summary>A HardFault at the instruction where the core is, or the end (ARMv6-M Architecture Reference Manual, B1.5.15).</summary>
        private void Fault(RP2040_FaultCause cause, uint address)
        {
            var fault = new RP2040_Fault(cause, address, AllRegisters(), Exception);
            this.Log(LogLevel.Debug, "HardFault at 0x{0:X8}: {1} 0x{2:X8}", PC.RawValue, cause, address);
            if(Unmaskable.Active)
            {
                LockUp(fault);
                return;
            }
            FirstFault = fault;
            LastFault = null;
            Unmaskable.PendHardFault();
            LiftMask();
        }

        /// <summary>The translator takes nothing while PRIMASK is set: until the exception is entered, it is not.</summary>
        private void LiftMask()
        {
            if(Unmaskable.Pends && PRIMASK.RawValue != 0)
            {
                maskToSetAgain = true;
                PRIMASK = 0;
            }
        }

        private void LockUp(RP2040_Fault fault)
        {
            LastFault = fault;
            Stop("locked up");
        }

        private void Stop(string why)
        {
            if(StoppedAt < 0)
            {
                StoppedAt = OnPossessedThread ? TimeOfInstruction.TotalSeconds : machine.ElapsedVirtualTime.TimeElapsed.TotalSeconds;
                this.Log(LogLevel.Error, "{0} at 0x{1:X8}: the program is over", why, PC.RawValue);
                StopForDebugger(SegmentationFaultSignal);
            }
        }

        private uint[] AllRegisters()
        {
            var registers = new uint[ProgramCounter + 1];
            for(var i = 0; i <= ProgramCounter; i++)
            {
                registers[i] = (uint)GetRegister(i).RawValue;
            }
            return registers;
        }

        /// <summary>A halfword of the memories that code is executed from; elsewhere 0, which is an instruction.</summary>
        private ushort CodeAt(ulong address)
        {
            MappedMemory memory;
            ulong offset;
            switch(address >> 24)
            {
            case 0x00:
                memory = Memories[0];
                offset = address;
                break;
            case 0x10:
            case 0x11:
            case 0x12:
            case 0x13:
                memory = Memories[1];
                offset = address & 0xFFFFFF;
                break;
            case 0x15:
                memory = Memories[2];
                offset = address & 0xFFFFFF;
                break;
            case 0x20:
                memory = Memories[3];
                offset = address & 0xFFFFFF;
                break;
            case 0x21:
                memory = address < BanksEnd ? Memories[3] : null;
                offset = (ulong)RP2040_UnstripedSRAM.Striped((long)(address & 0xFFFFFF));
                break;
            default:
                return 0;
            }
            return memory == null || offset + 2 > (ulong)memory.Size ? (ushort)0 : memory.ReadWord((long)offset);
        }

        private bool HasOwnSemihosting
        {
            get
            {
                return typeof(Arm).GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
                    .Any(x => x.Name.StartsWith("semihosting", StringComparison.OrdinalIgnoreCase) && x.GetValue(this) != null);
            }
        }

        private void ForgetCode()
        {
            foreach(var page in codeToForget)
            {
                Translator.Forget(page * TranslatorPage, TranslatorPage);
                if(IsSeenThroughBanks(page * TranslatorPage))
                {
                    Translator.MapReadOnly(page * TranslatorPage, TranslatorPage);
                }
            }
            codeToForget.Clear();
        }

        private bool TryRead(ulong address, int width, out uint value)
        {
            value = 0;
            if(address < RomSize && shortWays != null && Memories[0] != null && !Watched(address, Access.Read))
            {
                value = ReadRom(address, width);
                return true;
            }
            var way = width == 2 ? null : ShortWay(address, Access.Read);
            if(way != null)
            {
                return way.TryRead((uint)(address & PageMask), width, this, out value);
            }
            if(address - XipSramBegin < XipSramEnd - XipSramBegin && Xip != null && !Xip.IsSram)
            {
                Refuse(RP2040_FaultCause.Read, address);
                return true;
            }
            if(address >> 26 == XipBegin >> 26)
            {
                // behind its end the flash chip begins anew
                var flash = XipBegin + address % (ulong)Memories[1].Size;
                value = CodeAt(flash & ~1ul) | (uint)CodeAt((flash & ~1ul) + 2) << 16;
                value = width == 1 ? value >> (int)(8 * (flash & 1)) & 0xFF : width == 2 ? value & 0xFFFF : value;
                return true;
            }
            if(SomethingIsAt(address))
            {
                return false;
            }
            if(address != PC.RawValue) // else it is the fetch of an instruction, which the translator gives up by itself
            {
                Refuse(RP2040_FaultCause.Read, address);
            }
            return true;
        }

        private bool TryWrite(ulong address, int width, ulong value)
        {
            var way = width == 2 ? null : ShortWay(address, Access.Write);
            if(way != null)
            {
                return way.TryWrite((uint)(address & PageMask), width, this, (uint)value);
            }
            if(address < RomSize)
            {
                return true; // nothing happens (datasheet 2.6.1): TinyUSB stores to 0 for endpoint 0
            }
            if(address >> 26 == XipBegin >> 26 && (Xip == null || Xip.TakesWrite(address)))
            {
                return true; // to a cache for reading: nothing happens either (datasheet 2.6.3)
            }
            if(address >> 26 == XipBegin >> 26 || (address - XipSramBegin < XipSramEnd - XipSramBegin && Xip != null && !Xip.IsSram))
            {
                Refuse(RP2040_FaultCause.Write, address);
                return true;
            }
            if(SomethingIsAt(address))
            {
                return false;
            }
            Refuse(RP2040_FaultCause.Write, address);
            return true;
        }

        private uint ReadRom(ulong address, int width)
        {
            var rom = Memories[0];
            var offset = (long)address;
            return width == 4 ? rom.ReadDoubleWord(offset) : width == 2 ? rom.ReadWord(offset) : rom.ReadByte(offset);
        }

        /// <summary>Whether anybody answers at an address (datasheet 2.2); where the chip has nothing, a platform may have.</summary>
        private bool SomethingIsAt(ulong address)
        {
            switch(address >> 28)
            {
            case 0x0:
            case 0x1:
            case 0x2:
                break;
            case 0x4:
                if(address < ApbEnd)
                {
                    return true;
                }
                break;
            case 0x5:
                if((address & 0xFF0FC000) == 0x50000000 || address >> 16 == 0x5011)
                {
                    return true;
                }
                break;
            case 0xD:
            case 0xE:
                if(address >> 12 == 0xD0000 || address >> 20 == 0xE00)
                {
                    return true;
                }
                break;
            }
            return machine.SystemBus.WhatPeripheralIsAt(address) != null;
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
            case DmaPage:
                index = 3;
                break;
            case SsiPage:
                index = 4;
                break;
            case FlashPinsPage:
                index = 5;
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
            shortWays = new[] { SioPage, TimerPage, DpsramPage, DmaPage, SsiPage, FlashPinsPage }
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

        /// <summary>Boot ROM, flash, the cache as memory, SRAM.</summary>
        private MappedMemory[] Memories
        {
            get
            {
                return memories ?? (memories = new[] { 0x0ul, XipBegin, XipSramBegin, SramBegin }
                    .Select(x => machine.SystemBus.WhatPeripheralIsAt(x) as MappedMemory).ToArray());
            }
        }

        private RP2040_Translator Translator { get { return translator ?? (translator = new RP2040_Translator(this)); } }

        [Transient]
        private RP2040_Translator translator;
        [Transient]
        private bool prepared;
        [Transient]
        private bool traced;
        [Transient]
        private MappedMemory[] memories;

        private RP2040_FaultCause refused;
        private uint refusedAddress;
        private uint[] refusedRegisters;
        private bool refusedWhileStacking;
        private ulong acknowledgedAfter;
        private bool maskToSetAgain;
        /// <summary>Addresses of instructions that ARMv6-M lacks: a breakpoint of the translator is at each.</summary>
        [RP2040_OutsideOfMemento]
        private readonly HashSet<ulong> undefined = new HashSet<ulong>();
        [RP2040_OutsideOfMemento]
        private readonly List<ulong> found = new List<ulong>();

        /// <summary>Numbers of pages.</summary>
        private readonly HashSet<ulong> codeToForget = new HashSet<ulong>();
        private TimeInterval forgetAfter;

        [Transient]
        private Func<uint, uint, long> semihosting;
        [Transient]
        private IRP2040_ShortWay[] shortWays;
        [Transient]
        private Dictionary<ulong, List<BusHookHandler>> watchedReads;
        [Transient]
        private Dictionary<ulong, List<BusHookHandler>> watchedWrites;

        private readonly RP2040_NVIC nvic;

        // Numbers of exceptions (ARMv7-M Architecture Reference Manual, B1.5.2)
        private const int MemoryManagement = 4;
        private const int UsageFault = 6;
        private const int DebugMonitor = 12;
        /// <summary>Of the fault status (B3.2.15).</summary>
        private const uint InstructionAccessViolation = 1;
        private const int Exceptions = 48;
        /// <summary>Bytes of the longest list of registers.</summary>
        private const uint LargestAccess = 36;
        private const uint ThumbState = 1 << 24;
        private const uint ExceptionNumber = 0x3F;
        private const int StackPointer = 13;
        private const int LinkRegister = 14;
        private const int ProgramCounter = 15;
        /// <summary>xPSR, as Renode numbers it.</summary>
        private const int StatusRegister = 25;
        // Of Renode's MemoryOperation
        private const uint MemoryRead = 2;
        private const uint MemoryWrite = 3;
        private const ulong RomSize = 0x4000;
        private const ulong XipBegin = 0x10000000;
        private const ulong XipSramBegin = 0x15000000;
        private const ulong ApbEnd = 0x40070000;
        private const uint BreakpointSize = 2;
        private const ulong SioPage = 0xD0000000;
        private const ulong TimerPage = 0x40054000;
        private const ulong DpsramPage = 0x50100000;
        private const ulong DmaPage = 0x50000000;
        private const ulong SsiPage = 0x18000000;
        private const ulong FlashPinsPage = 0x40018000;
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
                ReadWord = (Func<ulong, ulong, ulong>)Find(cpu, "ReadWordFromBus", typeof(Func<ulong, ulong, ulong>), 2);
                ReadDoubleWord = (Func<ulong, ulong, ulong>)Find(cpu, "ReadDoubleWordFromBus", typeof(Func<ulong, ulong, ulong>), 2);
                WriteByte = (Action<ulong, ulong, ulong>)Find(cpu, "WriteByteToBus", typeof(Action<ulong, ulong, ulong>), 3);
                WriteWord = (Action<ulong, ulong, ulong>)Find(cpu, "WriteWordToBus", typeof(Action<ulong, ulong, ulong>), 3);
                WriteDoubleWord = (Action<ulong, ulong, ulong>)Find(cpu, "WriteDoubleWordToBus", typeof(Action<ulong, ulong, ulong>), 3);
            }

            public readonly Func<ulong, ulong, ulong> ReadByte;
            public readonly Func<ulong, ulong, ulong> ReadWord;
            public readonly Func<ulong, ulong, ulong> ReadDoubleWord;
            public readonly Action<ulong, ulong, ulong> WriteByte;
            public readonly Action<ulong, ulong, ulong> WriteWord;
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
