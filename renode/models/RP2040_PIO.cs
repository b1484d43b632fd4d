using System;
using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Programmable IO (datasheet chapter 3): registers, and when the block has to be looked after. Outputs 0 to 3 are the
    /// data requests of the TX FIFOs, 4 to 7 those of the RX FIFOs.
    /// </summary>
    /// <remarks>
    /// The block is brought up to date when somebody looks at it or changes something. Otherwise it is left alone until the
    /// next event: the first cycle after which a watched pin, a data request or an interrupt line differs. That is found by
    /// running a copy ahead, twice as far each time that nothing was found.
    /// </remarks>
    public class RP2040_PIO : RP2040_Peripheral, INumberedGPIOOutput, IRP2040_CycleUser
    {
        /// <param name="number">0 or 1.</param>
        public RP2040_PIO(IMachine machine, RP2040_IOBank0 pins, int number, RP2040_DMA dma = null, RP2040_Clocks clocks = null)
            : base(machine)
        {
            this.pins = pins;
            this.dma = dma;
            this.number = number;
            function = (uint)(FirstFunction + number);
            IRQ0 = new GPIO();
            IRQ1 = new GPIO();
            var lines = new Dictionary<int, IGPIO>();
            for(var i = 0; i < NumberOfRequests; i++)
            {
                lines[i] = new GPIO();
            }
            Connections = lines;
            block = new RP2040_PIO_Block();
            foreseen = new RP2040_PIO_Block(block);
            other = new RP2040_PIO_Block(block);
            run = new RP2040_PIO_Run(InputsWith);
            timer = new RP2040_CycleTimer(machine, pins.CycleClock(clocks), this, "machines", Due);
            DefineRegisters();
            pins.AddUser(this);
            if(dma != null)
            {
                dma.ListenedChanged += PlanAgain;
            }
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            foreseenValid = false;
            block.Reset(timer.Now, pins.InputsBefore);
            planned = block.Time;
            horizon = LeastHorizon;
            stale = true;
            ShowPins();
            Disturbed();
        }

        /// <summary>Up to now: a watched pin, a register or a request may be looked at.</summary>
        public void BringUpToDate()
        {
            if(busy)
            {
                return;
            }
            if(block.Running == 0)
            {
                return; // it takes the time when it is needed
            }
            AdvanceTo(timer.Now);
        }

        public void PinsChanged(uint changed, uint inputs)
        {
            var moment = pins.Moment != RP2040_CycleTimer.Never ? pins.Moment : timer.Now;
            if(block.Running == 0)
            {
                block.Time = Math.Max(block.Time, moment);
                block.RecordInputs(inputs, moment);
                return;
            }
            AdvanceTo(moment);
            if(block.RecordInputs(inputs, moment))
            {
                foreseenValid = false;
                if((changed & block.LooksAt) != 0)
                {
                    Disturbed();
                    return;
                }
            }
            PlanAgain();
        }

        public void Happen()
        {
            busy = happening = true;
            if(foreseenValid && foreseenFrom == block.Time)
            {
                block.CopyFrom(foreseen);
                run.Groups(block, block.Running & ~foreseenGroup, NextEvent);
            }
            else
            {
                run.Groups(block, block.Running, NextEvent);
            }
            foreseenValid = false;
            ShowPins();
            ShowRequests();
            happening = false;
            Plan();
            busy = false;
        }

        /// <summary>What a state machine holds that no register shows: X, Y, ISR, OSR, bits in, bits out, place, delay.</summary>
        public uint StateOf(int stateMachine, int what)
        {
            BringUpToDate();
            var one = block.Machines[stateMachine];
            switch(what)
            {
            case 0:
                return one.X;
            case 1:
                return one.Y;
            case 2:
                return one.InRegister;
            case 3:
                return one.OutRegister;
            case 4:
                return (uint)one.InCount;
            case 5:
                return (uint)one.OutCount;
            case 6:
                return (uint)one.ProgramCounter;
            default:
                return one.Delay;
            }
        }

        /// <summary>For the monitor: one row for each state machine.</summary>
        public string[,] StateMachines()
        {
            var names = new[] { "machine", "X", "Y", "ISR", "OSR", "in", "out", "place", "delay" };
            var table = new string[RP2040_PIO_Block.NumberOfMachines + 1, names.Length];
            for(var column = 0; column < names.Length; column++)
            {
                table[0, column] = names[column];
                for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
                {
                    table[i + 1, column] = column == 0 ? i.ToString() : "0x{0:X}".FormatWith(StateOf(i, column - 1));
                }
            }
            return table;
        }

        public ulong NextEvent { get; private set; } = RP2040_CycleTimer.Never;
        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }
        public GPIO IRQ0 { get; private set; }
        public GPIO IRQ1 { get; private set; }

        protected override uint ReadRegister(long register)
        {
            AdvanceTo(timer.Now);
            return base.ReadRegister(register);
        }

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            AdvanceTo(timer.Now);
            base.WriteRegister(register, operation, mask);
            if(register >= (long)Registers.TXF0 && register < (long)Registers.RXF0)
            {
                return;
            }
            for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
            {
                block.Machines[i].SkipTicksBefore(block.Time);
            }
            stale = true;
            Disturbed();
        }

        private void DefineRegisters()
        {
            Registers.CTRL.Define(this)
                .WithValueField(0, 4, valueProviderCallback: _ => block.Enabled, writeCallback: (_, value) => enabled = (uint)value, name: "SM_ENABLE")
                .WithValueField(4, 4, FieldMode.Write, writeCallback: (_, value) => restart = (uint)value, name: "SM_RESTART")
                .WithValueField(8, 4, FieldMode.Write, writeCallback: (_, value) => restartDividers = (uint)value, name: "CLKDIV_RESTART")
                .WithReservedBits(12, 20)
                .WithWriteCallback((_, __) => WriteControl());

            Registers.FSTAT.Define(this)
                .WithValueField(0, 4, FieldMode.Read, valueProviderCallback: _ => Each(x => x.Count[Rx] >= x.Depth[Rx]), name: "RXFULL")
                .WithReservedBits(4, 4)
                .WithValueField(8, 4, FieldMode.Read, valueProviderCallback: _ => Each(x => x.Count[Rx] == 0), name: "RXEMPTY")
                .WithReservedBits(12, 4)
                .WithValueField(16, 4, FieldMode.Read, valueProviderCallback: _ => Each(x => x.Count[Tx] >= x.Depth[Tx]), name: "TXFULL")
                .WithReservedBits(20, 4)
                .WithValueField(24, 4, FieldMode.Read, valueProviderCallback: _ => Each(x => x.Count[Tx] == 0), name: "TXEMPTY")
                .WithReservedBits(28, 4);
            Registers.FDEBUG.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => block.Debug, writeCallback: (_, value) => block.Debug &= ~(uint)value,
                    name: "RXSTALL, RXUNDER, TXOVER, TXSTALL");
            Strobe(Registers.FDEBUG);
            Registers.FLEVEL.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => FifoLevels, name: "TX0, RX0 to TX3, RX3");
            Registers.TXF0.DefineMany(this, RP2040_PIO_Block.NumberOfMachines, (register, index) => register
                .WithValueField(0, 32, FieldMode.Write, writeCallback: (_, value) => WriteFifo(index, (uint)value), name: "TXF"));
            Registers.RXF0.DefineMany(this, RP2040_PIO_Block.NumberOfMachines, (register, index) => register
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => ReadFifo(index), name: "RXF"));
            Registers.IRQ.Define(this)
                .WithValueField(0, 8, valueProviderCallback: _ => block.Flags, writeCallback: (_, value) => block.Flags &= ~(uint)value, name: "IRQ")
                .WithReservedBits(8, 24);
            Strobe(Registers.IRQ);
            Registers.IRQ_FORCE.Define(this)
                .WithValueField(0, 8, FieldMode.Write, writeCallback: (_, value) => block.Flags |= (uint)value, name: "IRQ_FORCE")
                .WithReservedBits(8, 24);
            Strobe(Registers.IRQ_FORCE);
            Registers.INPUT_SYNC_BYPASS.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => block.Bypass, writeCallback: (_, value) => block.Bypass = (uint)value,
                    name: "INPUT_SYNC_BYPASS");
            Registers.DBG_PADOUT.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => block.Output, name: "DBG_PADOUT");
            Registers.DBG_PADOE.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => block.OutputEnable, name: "DBG_PADOE");
            Registers.DBG_CFGINFO.Define(this)
                .WithValueField(0, 6, FieldMode.Read, valueProviderCallback: _ => RP2040_PIO_StateMachine.FifoDepth, name: "FIFO_DEPTH")
                .WithReservedBits(6, 2)
                .WithValueField(8, 4, FieldMode.Read, valueProviderCallback: _ => RP2040_PIO_Block.NumberOfMachines, name: "SM_COUNT")
                .WithReservedBits(12, 4)
                .WithValueField(16, 6, FieldMode.Read, valueProviderCallback: _ => RP2040_PIO_Block.MemorySize, name: "IMEM_SIZE")
                .WithReservedBits(22, 10);
            Registers.INSTR_MEM0.DefineMany(this, RP2040_PIO_Block.MemorySize, (register, index) => register
                .WithValueField(0, 16, FieldMode.Write, writeCallback: (_, value) => block.Memory[index] = (uint)value, name: "INSTR_MEM")
                .WithReservedBits(16, 16));

            DefineMachineRegisters();

            Registers.INTR.Define(this)
                .WithValueField(0, InterruptBits, FieldMode.Read, valueProviderCallback: _ => block.Raw, name: "SMx_RXNEMPTY, SMx_TXNFULL, SMx")
                .WithReservedBits(InterruptBits, 32 - InterruptBits);
            for(var i = 0; i < 2; i++)
            {
                var line = i;
                var first = (long)Registers.IRQ0_INTE + line * ((long)Registers.IRQ1_INTE - (long)Registers.IRQ0_INTE);
                RegistersCollection.DefineRegister(first)
                    .WithValueField(0, InterruptBits, valueProviderCallback: _ => block.Enable[line],
                        writeCallback: (_, value) => block.Enable[line] = (uint)value, name: "INTE")
                    .WithReservedBits(InterruptBits, 32 - InterruptBits);
                RegistersCollection.DefineRegister(first + 4)
                    .WithValueField(0, InterruptBits, valueProviderCallback: _ => block.Force[line],
                        writeCallback: (_, value) => block.Force[line] = (uint)value, name: "INTF")
                    .WithReservedBits(InterruptBits, 32 - InterruptBits);
                RegistersCollection.DefineRegister(first + 8)
                    .WithValueField(0, InterruptBits, FieldMode.Read, valueProviderCallback: _ => block.Status(line), name: "INTS")
                    .WithReservedBits(InterruptBits, 32 - InterruptBits);
            }
            for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
            {
                Strobe((Registers)((long)Registers.TXF0 + 4 * i));
            }
            for(var i = 0; i < RP2040_PIO_Block.MemorySize; i++)
            {
                Strobe((Registers)((long)Registers.INSTR_MEM0 + 4 * i));
            }
        }

        private void DefineMachineRegisters()
        {
            for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
            {
                var one = block.Machines[i];
                var first = i * MachineStride;
                RegistersCollection.DefineRegister((long)Registers.SM0_CLKDIV + first)
                    .WithReservedBits(0, 8)
                    .WithValueField(8, 24, valueProviderCallback: _ => one.ClockDivider >> 8, name: "FRAC, INT",
                        writeCallback: (_, value) => { one.SkipTicksBefore(block.Time); one.ClockDivider = (uint)value << 8; })
                    .WithWriteCallback((_, __) => one.Configure());
                RegistersCollection.DefineRegister((long)Registers.SM0_EXECCTRL + first)
                    .WithValueField(0, 5, valueProviderCallback: _ => one.ExecControl & 0x1F, name: "STATUS_N, STATUS_SEL",
                        writeCallback: (_, value) => one.ExecControl = (one.ExecControl & ~0x1Fu) | (uint)value)
                    .WithReservedBits(5, 2)
                    .WithValueField(7, 24, valueProviderCallback: _ => one.ExecControl >> 7, writeCallback: (_, value) =>
                        one.ExecControl = (one.ExecControl & 0x1F) | (uint)value << 7,
                        name: "WRAP_BOTTOM, WRAP_TOP, OUT_STICKY, INLINE_OUT_EN, OUT_EN_SEL, JMP_PIN, SIDE_PINDIR, SIDE_EN")
                    .WithFlag(31, FieldMode.Read, valueProviderCallback: _ => one.ExecStalled, name: "EXEC_STALLED")
                    .WithWriteCallback((_, __) => one.Configure());
                RegistersCollection.DefineRegister((long)Registers.SM0_SHIFTCTRL + first)
                    .WithReservedBits(0, 16)
                    .WithValueField(16, 16, valueProviderCallback: _ => one.ShiftControl >> 16,
                        writeCallback: (_, value) => one.SetShiftControl((uint)value << 16),
                        name: "AUTOPUSH, AUTOPULL, IN_SHIFTDIR, OUT_SHIFTDIR, PUSH_THRESH, PULL_THRESH, FJOIN_TX, FJOIN_RX")
                    .WithWriteCallback((_, __) => one.Configure());
                RegistersCollection.DefineRegister((long)Registers.SM0_ADDR + first)
                    .WithValueField(0, 5, FieldMode.Read, valueProviderCallback: _ => (ulong)one.ProgramCounter, name: "ADDR")
                    .WithReservedBits(5, 27);
                RegistersCollection.DefineRegister((long)Registers.SM0_INSTR + first)
                    .WithValueField(0, 16, valueProviderCallback: _ => block.Memory[one.ProgramCounter],
                        writeCallback: (_, value) => Force(one, (uint)value), name: "INSTR")
                    .WithReservedBits(16, 16);
                RegistersCollection.DefineRegister((long)Registers.SM0_PINCTRL + first)
                    .WithValueField(0, 32, valueProviderCallback: _ => one.PinControl, writeCallback: (_, value) => one.PinControl = (uint)value,
                        name: "OUT_BASE, SET_BASE, SIDESET_BASE, IN_BASE, OUT_COUNT, SET_COUNT, SIDESET_COUNT")
                    .WithWriteCallback((_, __) => one.Configure());
            }
        }

        private void WriteControl()
        {
            for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
            {
                block.Machines[i].SkipTicksBefore(block.Time);
                if((restart >> i & 1) != 0)
                {
                    block.Machines[i].Restart();
                }
                if((restartDividers >> i & 1) != 0)
                {
                    block.Machines[i].RestartDivider(block.Time);
                }
            }
            block.Enabled = enabled;
        }

        private void Force(RP2040_PIO_StateMachine one, uint instruction)
        {
            one.SkipTicksBefore(block.Time);
            one.Instruction = instruction;
            one.Forced = true;
            one.ForcedAt = block.Time;
        }

        private void WriteFifo(int index, uint word)
        {
            if(block.Machines[index].Push(Tx, word))
            {
                Disturbed();
            }
            else
            {
                block.Debug |= 1u << (DebugTxOver + index);
                foreseenValid = false;
            }
        }

        private uint ReadFifo(int index)
        {
            var one = block.Machines[index];
            var word = one.Fifo[Rx][one.First[Rx]]; // of an empty FIFO: what it had there last
            if(one.Pop(Rx, ref word))
            {
                Disturbed();
            }
            else
            {
                block.Debug |= 1u << (DebugRxUnder + index);
                foreseenValid = false;
            }
            return word;
        }

        private uint Each(Func<RP2040_PIO_StateMachine, bool> what)
        {
            uint result = 0;
            for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
            {
                result |= what(block.Machines[i]) ? 1u << i : 0;
            }
            return result;
        }

        private uint FifoLevels
        {
            get
            {
                uint result = 0;
                for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
                {
                    result |= (uint)(block.Machines[i].Count[Tx] | block.Machines[i].Count[Rx] << 4) << (8 * i);
                }
                return result;
            }
        }

        // Time

        private void AdvanceTo(ulong now)
        {
            if(busy)
            {
                return;
            }
            pins.Live(this, now);
        }

        /// <summary>
        /// Nothing is to be seen before `until`. Of pins that were not watched so far the last cycles are shown one by one, as the
        /// synchronisers have them of a machine that begins to look at them.
        /// </summary>
        public void CatchUp(ulong until)
        {
            if(block.Running == 0)
            {
                block.Time = Math.Max(block.Time, until);
            }
            if(block.Time >= until)
            {
                return;
            }
            busy = true;
            if((block.Selected & ~block.Watched) != 0)
            {
                for(var back = (ulong)RP2040_PIO_Block.InputsKept - 1; back != 0; back--)
                {
                    if(block.Time + back < until)
                    {
                        run.Groups(block, block.Running, until - back);
                        ShowPins();
                    }
                }
            }
            run.Groups(block, block.Running, until);
            ShowPins();
            busy = false;
            pins.Watch(this, block.LooksAt);
        }

        private void Due()
        {
            timer.Called();
            AdvanceTo(timer.Now);
            timer.CallAt(NextEvent);
        }

        /// <summary>When something is to be seen next.</summary>
        private void Plan()
        {
            if(block.Selected != pins.PinsOf(function))
            {
                stale = true;
            }
            block.Selected = pins.PinsOf(function);
            block.Watched = WatchedPins;
            block.Recorded = RecordedPins;
            block.Listened = ListenedRequests;
            if(stale)
            {
                stale = false;
                block.Analyse();
            }
            pins.Watch(this, block.LooksAt);
            bool found;
            NextEvent = block.Running != 0 ? LookAhead(block.Time + LengthOfLook, out found) : LookAtNothing(out found);
            if(NextEvent == RP2040_CycleTimer.Never && block.Running != 0 && block.Recorded != 0)
            {
                NextEvent = block.Time + LongestLog; // what is written down is not to grow without end
            }
            if(found && NextEvent - block.Time < horizon / 4 && horizon > LeastHorizon)
            {
                horizon /= 2;
            }
            else if(!found && NextEvent != RP2040_CycleTimer.Never && horizon < MostHorizon)
            {
                horizon *= 2;
            }
            timer.CallAt(NextEvent);
        }

        private static ulong LookAtNothing(out bool found)
        {
            found = false;
            return RP2040_CycleTimer.Never;
        }

        private ulong LookAhead(ulong until, out bool found)
        {
            var result = RP2040_CycleTimer.Never;
            found = foreseenValid = false;
            var left = block.Running;
            for(var i = 0; i < RP2040_PIO_Block.NumberOfMachines; i++)
            {
                var group = block.Machines[i].Group;
                if((left >> i & 1) == 0)
                {
                    continue;
                }
                left &= ~group;
                if(!block.CouldBeSeen(group))
                {
                    continue;
                }
                var scratch = found ? other : foreseen;
                scratch.CopyFrom(block);
                bool here;
                var cycle = run.LookAhead(scratch, group, found ? result : until, out here);
                if(here)
                {
                    if(found)
                    {
                        other = foreseen;
                        foreseen = scratch;
                    }
                    foreseenGroup = group;
                    foreseenFrom = block.Time;
                }
                if(here || (cycle != RP2040_CycleTimer.Never && !found))
                {
                    result = cycle;
                    found |= here;
                }
            }
            foreseenValid = found;
            return result;
        }

        /// <summary>Something was changed from outside: what has been foreseen does not hold any more.</summary>
        private void Disturbed()
        {
            var since = block.Time - planned;
            planned = block.Time;
            while(horizon > LeastHorizon && horizon > 2 * since)
            {
                horizon /= 2;
            }
            block.Wake();
            ShowRequests();
            Plan();
        }

        private void PlanAgain()
        {
            if(block.Running == 0 || happening)
            {
                return; // it is planned when it has something to do, or at the end
            }
            if(!busy)
            {
                AdvanceTo(timer.Now);
            }
            if(block.Watched != WatchedPins || block.Recorded != RecordedPins || block.Selected != pins.PinsOf(function) || block.Listened != ListenedRequests)
            {
                ShowRequests();
                Plan();
            }
        }

        private ulong LengthOfLook { get { return block.Recorded != 0 ? Math.Min(horizon, LongestLog) : horizon; } }

        private uint RecordedPins { get { return pins.Recorded & pins.PinsOf(function); } }

        private uint WatchedPins { get { return pins.WatchedBesides(this, pins.PinsOf(function)); } }

        private uint ListenedRequests
        {
            get { return dma != null ? (uint)(dma.Listened >> (NumberOfRequests * number)) & 0xFF : 0; }
        }

        // What others see

        private uint InputsWith(uint output, uint enable)
        {
            return pins.InputsWith(function, output, enable);
        }

        private void ShowRequests()
        {
            var lines = block.Lines;
            if(lines != shownLines)
            {
                shownLines = lines;
                IRQ0.Set((lines & 1) != 0);
                IRQ1.Set((lines & 2) != 0);
            }
            // one after the other: who hears one may answer it
            for(var i = 0; i < NumberOfRequests && block.Requests != shownRequests; i++)
            {
                var bit = 1u << i;
                if(((block.Requests ^ shownRequests) & bit) != 0)
                {
                    shownRequests ^= bit;
                    Connections[i].Set((shownRequests & bit) != 0);
                }
            }
        }

        /// <summary>Of pins that nobody watches it is only shown where they are now, and that they have been elsewhere (edges).</summary>
        private void ShowPins()
        {
            if(block.Log.Count != 0)
            {
                pins.Record(function, block.Log);
                block.Log.Clear();
            }
            var both = block.Rose & block.Fell & pins.PinsOf(function) & ~pins.SeenBothEdges & ~block.Recorded;
            block.Rose = block.Fell = 0;
            var before = pins.Moment;
            pins.Moment = block.Time;
            if(both != 0)
            {
                pins.SetFromFunction(function, uint.MaxValue, block.Output, block.OutputEnable);
                pins.SetFromFunction(function, uint.MaxValue, block.Output ^ both, block.OutputEnable);
            }
            pins.SetFromFunction(function, uint.MaxValue, block.Output, block.OutputEnable);
            pins.Moment = before;
        }

        private ulong horizon;
        private ulong planned;
        private bool stale;
        private bool busy;
        private bool happening;
        private bool foreseenValid;
        private ulong foreseenFrom;
        private uint foreseenGroup;
        private RP2040_PIO_Block foreseen;
        private RP2040_PIO_Block other;
        private uint shownLines;
        private uint shownRequests;
        private uint enabled;
        private uint restart;
        private uint restartDividers;

        private readonly RP2040_IOBank0 pins;
        private readonly RP2040_DMA dma;
        private readonly int number;
        private readonly uint function;
        private readonly RP2040_PIO_Block block;
        private readonly RP2040_PIO_Run run;
        private readonly RP2040_CycleTimer timer;

        private const int Tx = RP2040_PIO_StateMachine.Tx;
        private const int Rx = RP2040_PIO_StateMachine.Rx;
        private const int FirstFunction = 6;
        private const int NumberOfRequests = 8;
        private const int InterruptBits = 12;
        private const int DebugRxUnder = 8;
        private const int DebugTxOver = 16;
        private const long MachineStride = 0x18;
        private const ulong LeastHorizon = 64;
        private const ulong MostHorizon = 1 << 20;
        private const ulong LongestLog = 1 << 16;

        // the names of the pico-sdk's header
        private enum Registers
        {
            CTRL = 0x000,
            FSTAT = 0x004,
            FDEBUG = 0x008,
            FLEVEL = 0x00C,
            TXF0 = 0x010,
            RXF0 = 0x020,
            IRQ = 0x030,
            IRQ_FORCE = 0x034,
            INPUT_SYNC_BYPASS = 0x038,
            DBG_PADOUT = 0x03C,
            DBG_PADOE = 0x040,
            DBG_CFGINFO = 0x044,
            INSTR_MEM0 = 0x048,
            SM0_CLKDIV = 0x0C8,
            SM0_EXECCTRL = 0x0CC,
            SM0_SHIFTCTRL = 0x0D0,
            SM0_ADDR = 0x0D4,
            SM0_INSTR = 0x0D8,
            SM0_PINCTRL = 0x0DC,
            INTR = 0x128,
            IRQ0_INTE = 0x12C,
            IRQ1_INTE = 0x138,
        }
    }
}
