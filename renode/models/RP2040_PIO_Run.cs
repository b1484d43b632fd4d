using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// State machines of a PIO block being run: one cycle after the other, as far as anything happens in them (datasheet chapter 3).
    /// </summary>
    /// <remarks>
    /// In a cycle all machines see what the cycle before has left: levels, flags, FIFOs. What they write is collected and takes
    /// effect at its end, the highest-numbered machine winning (3.5.6.1).
    ///
    /// Cycles between two clock enables, of delays and of stalls are not run. Machines that have nothing to do with each other
    /// are run one after the other. A group that comes back to a state it has been in is moved on by whole periods; so is one
    /// whose X or Y have meanwhile only been counted down by JMP X-- and JMP Y--.
    /// </remarks>
    public class RP2040_PIO_Run
    {
        /// <param name="inputsWith">What the block's inputs are when it puts out these levels, and enables these outputs.</param>
        public RP2040_PIO_Run(Func<uint, uint, uint> inputsWith)
        {
            this.inputsWith = inputsWith;
            value = new uint[2];
            mask = new uint[2];
            used = new uint[2];
            counted = new[] { new uint[NumberOfMachines], new uint[NumberOfMachines] };
            at = new ulong[NumberOfMachines];
            anchor = new RP2040_PIO_Block();
            anchorAges = new ulong[RP2040_PIO_Block.InputsKept];
        }

        /// <summary>Runs these machines up to a cycle.</summary>
        public void Groups(RP2040_PIO_Block block, uint machines, ulong until)
        {
            if(until <= block.Time)
            {
                return;
            }
            for(var i = 0; machines != 0; i++)
            {
                if((machines >> i & 1) != 0)
                {
                    var group = block.Machines[i].Group;
                    RunGroup(block, group, until, false);
                    machines &= ~group;
                }
            }
            block.Time = until;
        }

        /// <summary>The cycle from which on something of this group can be seen that is not now, no later than `until`.</summary>
        /// <returns>Never when, as things are, there is none.</returns>
        public ulong LookAhead(RP2040_PIO_Block block, uint group, ulong until, out bool found)
        {
            seen = false;
            var result = RunGroup(block, group, until, true);
            found = seen;
            if(found)
            {
                Finish(result);
            }
            return result;
        }

        private ulong RunGroup(RP2040_PIO_Block whole, uint machines, ulong until, bool look)
        {
            block = whole;
            group = machines;
            var requests = block.Requests;
            var lines = block.Lines;
            var sticky = false;
            for(var i = 0; i < NumberOfMachines; i++)
            {
                at[i] = IsIn(i) ? ActsAt(i) : Never;
                sticky |= IsIn(i) && block.Machines[i].StickyMask != 0;
            }
            var settle = sticky ? block.Time : Never; // OUT_STICKY asserts itself again a cycle after a write
            leader = -1;
            anchorTime = Never;
            while(true)
            {
                var next = settle;
                for(var i = 0; i < NumberOfMachines; i++)
                {
                    next = Math.Min(next, at[i]);
                }
                if(next >= until)
                {
                    if(!look)
                    {
                        Finish(until);
                    }
                    return next == Never ? Never : until;
                }
                now = next;
                value[0] = value[1] = mask[0] = mask[1] = flagsSet = flagsCleared = 0;
                fifosChanged = false;
                var acted = false;
                var turned = RunCycle(ref sticky, ref acted);
                var visible = EndCycle();
                settle = sticky && acted ? next + 1 : Never;
                PlanMachines(next);
                if(look)
                {
                    if(!visible && (fifosChanged || (flagsSet | flagsCleared) != 0))
                    {
                        visible = ((block.Requests ^ requests) & block.Listened) != 0 || block.Lines != lines;
                    }
                    if(visible)
                    {
                        seen = true;
                        return next + 1;
                    }
                }
                if(turned && anchorTime == Never)
                {
                    SetAnchor(1);
                }
                else if(turned && settle == Never)
                {
                    var endless = true;
                    if(anchorTime != now && SkipPeriods(until, ref endless))
                    {
                        if(look && endless)
                        {
                            return Never;
                        }
                        SetAnchor(1);
                    }
                    else if(++turns > turnsAllowed)
                    {
                        SetAnchor(2 * turnsAllowed);
                    }
                }
            }
        }

        /// <returns>Whether the machine that the group is compared by has come round in its loop.</returns>
        private bool RunCycle(ref bool sticky, ref bool acted)
        {
            var turned = false;
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(!IsIn(i))
                {
                    continue;
                }
                machine = block.Machines[i];
                if(at[i] != now)
                {
                    if(sticky)
                    {
                        AssertBetween(i);
                    }
                    continue;
                }
                var place = machine.ProgramCounter;
                Act();
                acted = true;
                if(machine.ProgramCounter <= place && !machine.Blocked)
                {
                    if(leader < 0 || (block.Machines[leader].Blocked && leader != i))
                    {
                        leader = i;
                        anchorTime = Never;
                    }
                    turned |= leader == i;
                }
                sticky |= machine.StickyMask != 0;
            }
            return turned;
        }

        private void PlanMachines(ulong cycle)
        {
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(!IsIn(i) || (at[i] != cycle && (at[i] != Never || block.Machines[i].Blocked)))
                {
                    continue;
                }
                if(at[i] == Never)
                {
                    block.Machines[i].SkipTicksBefore(cycle + 1);
                }
                at[i] = ActsAt(i);
            }
        }

        /// <summary>When a machine has to be clocked next: delays are skipped unless a word waits that autopull would fetch meanwhile.</summary>
        private ulong ActsAt(int i)
        {
            var machine = block.Machines[i];
            if(machine.Forced)
            {
                return machine.ForcedAt;
            }
            if(!block.Runs(i) || machine.Blocked)
            {
                return Never;
            }
            if(machine.AutoPull && machine.OutCount >= machine.PullThreshold && machine.Count[Tx] != 0)
            {
                return machine.Tick;
            }
            return machine.TickAfter(machine.Delay);
        }

        private void Act()
        {
            if(machine.Forced)
            {
                Clock();
                if(machine.Tick == now)
                {
                    machine.SkipTicks(1); // it stood in for what the machine would have executed
                }
                return;
            }
            if(machine.Tick == now && machine.Delay != 0)
            {
                machine.Delay--;
                AssertSticky();
                AutoPull();
            }
            else
            {
                machine.SkipTicks(machine.Delay);
                machine.Delay = 0;
                Clock();
            }
            machine.SkipTicks(1);
        }

        /// <summary>A clock enable, or an instruction that was written to INSTR.</summary>
        private void Clock()
        {
            var forced = machine.Forced;
            var latched = !forced && machine.Latched;
            var fromInstr = forced || (latched && machine.ExecStalled);
            var instruction = forced ? machine.Instruction : latched ? machine.Latch : block.Memory[machine.ProgramCounter];
            AssertSticky();
            if(latched)
            {
                machine.Latched = machine.ExecStalled = false;
            }
            machine.Forced = false;
            var outcome = Execute(instruction);
            SideSet(instruction);
            machine.Stalled = outcome >= Outcome.Stalled;
            machine.StalledInstruction = machine.Stalled ? instruction : 0;
            if(outcome >= Outcome.Stalled)
            {
                if(forced || latched)
                {
                    machine.Latch = instruction;
                    machine.Latched = true;
                    machine.ExecStalled = fromInstr;
                }
                machine.Blocked = outcome != Outcome.StalledForNow && !machine.Contended;
                machine.Starved = outcome == Outcome.Starved;
            }
            else
            {
                if(!fromInstr && outcome != Outcome.Latched)
                {
                    machine.Delay = instruction >> 8 & machine.DelayMask;
                }
                if(!forced && !latched && outcome != Outcome.Jumped)
                {
                    machine.ProgramCounter = machine.ProgramCounter == machine.WrapTop ? machine.WrapBottom : (machine.ProgramCounter + 1) & 31;
                }
            }
            if(instruction >> 13 != Out)
            {
                AutoPull();
            }
        }

        /// <summary>What was written takes effect.</summary>
        /// <returns>Whether a watched pin has changed.</returns>
        private bool EndCycle()
        {
            var output = ((block.Output & ~mask[Levels]) | value[Levels]) & RP2040_PIO_Block.Pins;
            var enable = ((block.OutputEnable & ~mask[Directions]) | value[Directions]) & RP2040_PIO_Block.Pins;
            var changed = (output ^ block.Output) | (enable ^ block.OutputEnable);
            if(changed != 0)
            {
                block.Rose |= output & ~block.Output;
                block.Fell |= block.Output & ~output;
                block.Output = output;
                block.OutputEnable = enable;
                if((changed & block.Recorded) != 0)
                {
                    block.Log.Add(now + 1, changed & block.Recorded, output, enable);
                }
                if((changed & block.Reads & block.Selected) != 0)
                {
                    block.RecordInputs(inputsWith(output, enable), now + 1);
                    block.Wake();
                }
            }
            if((flagsSet | flagsCleared) != 0)
            {
                block.Flags = (block.Flags & ~flagsCleared) | flagsSet;
                block.Wake();
            }
            return (changed & block.Watched) != 0;
        }

        private void Finish(ulong until)
        {
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(!IsIn(i))
                {
                    continue;
                }
                var one = block.Machines[i];
                var skipped = one.SkipTicksBefore(until);
                if(skipped != 0 && block.Runs(i) && !one.Blocked)
                {
                    one.Delay -= (uint)skipped;
                }
            }
        }

        // Periods

        private void SetAnchor(uint allowed)
        {
            CatchUpBlocked();
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(IsIn(i))
                {
                    anchor.Machines[i].CopyFrom(block.Machines[i]);
                }
                counted[0][i] = counted[1][i] = 0;
            }
            anchor.Flags = block.Flags;
            anchor.Output = block.Output;
            anchor.OutputEnable = block.OutputEnable;
            anchorTime = now;
            anchorLog = block.Log.Count;
            for(var i = 0; i < RP2040_PIO_Block.InputsKept; i++)
            {
                anchorInputs[i] = block.Input(i);
                anchorAges[i] = block.InputAge(i, now);
            }
            turns = 0;
            turnsAllowed = allowed;
            used[0] = used[1] = 0;
        }

        /// <summary>Dividers run on while their machine stalls.</summary>
        private void CatchUpBlocked()
        {
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(IsIn(i) && block.Machines[i].Blocked)
                {
                    block.Machines[i].SkipTicksBefore(now + 1);
                }
            }
        }

        /// <summary>Is the group where it was? Then moves it on by whole periods, short of `until`.</summary>
        private bool SkipPeriods(ulong until, ref bool endless)
        {
            var period = now - anchorTime;
            var periods = (until - 1 - now) / period;
            if(anchor.Flags != block.Flags || anchor.Output != block.Output || anchor.OutputEnable != block.OutputEnable)
            {
                return false;
            }
            CatchUpBlocked();
            for(var i = 0; i < RP2040_PIO_Block.InputsKept; i++)
            {
                if(anchorInputs[i] != block.Input(i) || anchorAges[i] != block.InputAge(i, now))
                {
                    return false;
                }
            }
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(!IsIn(i) || (at[i] == Never && !block.Runs(i)))
                {
                    continue;
                }
                var before = anchor.Machines[i];
                var one = block.Machines[i];
                var counts = Never;
                if(!one.IsAsBefore(before, period) || !LimitBy(0, i, before.X, one.X, ref counts) || !LimitBy(1, i, before.Y, one.Y, ref counts))
                {
                    return false;
                }
                endless &= counts == Never;
                periods = Math.Min(periods, counts);
            }
            var by = periods * period;
            block.Log.Repeat(anchorLog, periods, period);
            for(var i = 0; i < NumberOfMachines; i++)
            {
                if(!IsIn(i) || at[i] == Never)
                {
                    continue;
                }
                var one = block.Machines[i];
                one.X -= (uint)periods * (anchor.Machines[i].X - one.X);
                one.Y -= (uint)periods * (anchor.Machines[i].Y - one.Y);
                one.Tick += by;
                at[i] += by;
            }
            for(var i = 0; i < RP2040_PIO_Block.InputsKept; i++)
            {
                if(anchorAges[i] < RP2040_PIO_Block.InputsKept) // the group's own outputs; older changes may still be news to other groups
                {
                    block.ShiftInput(i, by);
                }
            }
            now += by;
            return true;
        }

        /// <summary>How many periods of a scratch register that only counts down: as many as do not take it below zero.</summary>
        private bool LimitBy(int which, int i, uint before, uint present, ref ulong periods)
        {
            var difference = before - present;
            if(difference == 0)
            {
                return true;
            }
            if((used[which] >> i & 1) != 0 || counted[which][i] != difference)
            {
                return false;
            }
            periods = Math.Min(periods, present / difference);
            return true;
        }

        // Pins

        private void WritePins(int kind, uint data, uint pins)
        {
            value[kind] = (value[kind] & ~pins) | (data & pins);
            mask[kind] |= pins;
        }

        private void WriteOut(int kind, uint data, uint pins)
        {
            if(machine.Sticky)
            {
                machine.StickyValue = data;
                machine.StickyMask = pins;
                machine.StickyDirections = kind == Directions;
            }
            WritePins(kind, data, pins);
        }

        private void OutputPins(int kind, uint data)
        {
            var enabled = !machine.InlineEnable || (data >> machine.EnableBit & 1) != 0;
            WriteOut(kind, RP2040_PIO_StateMachine.RotateLeft(data, machine.OutBase), enabled ? machine.OutMask : 0);
        }

        private void SideSet(uint instruction)
        {
            var field = instruction >> 8 & 31;
            if(machine.SideMask != 0 && (!machine.SideOptional || field >> 4 != 0))
            {
                WritePins(machine.SideDirections ? Directions : Levels,
                    RP2040_PIO_StateMachine.RotateLeft(field >> machine.SideShift, machine.SideBase), machine.SideMask);
            }
        }

        private void AssertSticky()
        {
            if(machine.StickyMask != 0)
            {
                WritePins(machine.StickyDirections ? Directions : Levels, machine.StickyValue, machine.StickyMask);
            }
        }

        /// <summary>It has no clock enable, or waits: a stalled instruction's side-set stands as well.</summary>
        private void AssertBetween(int i)
        {
            AssertSticky();
            if(machine.Stalled && machine.StickyMask != 0 && block.Runs(i))
            {
                SideSet(machine.StalledInstruction);
            }
        }

        private void AutoPull()
        {
            if(machine.AutoPull && machine.OutCount >= machine.PullThreshold && machine.Pop(Tx, ref machine.OutRegister))
            {
                machine.OutCount = 0;
                machine.Blocked = false;
                fifosChanged = true;
            }
        }

        // Instructions (3.4)

        private Outcome Execute(uint instruction)
        {
            switch(instruction >> 13)
            {
            case Jmp:
                return Condition(instruction >> 5 & 7) ? JumpTo(instruction) : Outcome.Done;
            case Wait:
                return ExecuteWait(instruction);
            case In:
                return ExecuteIn(instruction);
            case Out:
                return ExecuteOut(instruction);
            case PushPull:
                return (instruction & PullBit) != 0 ? ExecutePull(instruction) : ExecutePush(instruction);
            case Mov:
                return ExecuteMov(instruction);
            case Irq:
                return ExecuteIrq(instruction);
            default:
                return ExecuteSet(instruction);
            }
        }

        private bool Condition(uint which)
        {
            switch(which)
            {
            case 0:
                return true;
            case 1:
                return Source(SourceX) == 0;
            case 2:
                return CountDown(0, ref machine.X);
            case 3:
                return Source(SourceY) == 0;
            case 4:
                return CountDown(1, ref machine.Y);
            case 5:
                return Source(SourceX) != Source(SourceY);
            case JmpPin:
                return (block.InputsSeen(now) >> machine.JumpPin & 1) != 0;
            default:
                return machine.OutCount < machine.PullThreshold;
            }
        }

        private bool CountDown(int which, ref uint scratch)
        {
            var jumps = scratch != 0;
            scratch--;
            if(jumps)
            {
                counted[which][machine.Number]++;
            }
            else
            {
                used[which] |= 1u << machine.Number;
            }
            return jumps;
        }

        private uint Source(uint which)
        {
            switch(which)
            {
            case SourcePins:
                return RP2040_PIO_StateMachine.RotateRight(block.InputsSeen(now), machine.InBase);
            case SourceX:
                used[0] |= 1u << machine.Number;
                return machine.X;
            case SourceY:
                used[1] |= 1u << machine.Number;
                return machine.Y;
            case SourceStatus:
                var level = machine.Count[(machine.ExecControl >> 4 & 1) != 0 ? Rx : Tx];
                return level < (machine.ExecControl & 0xF) ? uint.MaxValue : 0;
            case SourceIsr:
                return machine.InRegister;
            case SourceOsr:
                return machine.OutRegister;
            default:
                return 0;
            }
        }

        private Outcome WriteScratch(int which, uint data)
        {
            if(which == 0)
            {
                machine.X = data;
            }
            else
            {
                machine.Y = data;
            }
            used[which] |= 1u << machine.Number;
            return Outcome.Done;
        }

        private Outcome JumpTo(uint target)
        {
            machine.ProgramCounter = (int)(target & 31);
            return Outcome.Jumped;
        }

        private Outcome LatchInstruction(uint instruction)
        {
            machine.Latch = instruction & 0xFFFF;
            machine.Latched = true;
            return Outcome.Latched;
        }

        private Outcome ExecuteWait(uint instruction)
        {
            var level = (instruction & WaitPolarity) != 0;
            var index = (int)(instruction & 31);
            switch(instruction >> 5 & 3)
            {
            case WaitIrq:
                var flag = FlagOf(instruction, machine.Number);
                if(((block.Flags & flag) != 0) != level)
                {
                    return Outcome.Stalled;
                }
                flagsCleared |= level ? flag : 0;
                return Outcome.Done;
            case 3:
                return Outcome.Done;
            case WaitPin:
                index = (index + machine.InBase) & 31;
                break;
            }
            if(((block.InputsSeen(now) >> index & 1) != 0) == level)
            {
                return Outcome.Done;
            }
            return block.InputsSettled(now) ? Outcome.Stalled : Outcome.StalledForNow;
        }

        /// <summary>An IN that has to push into a full FIFO waits as a whole: it samples its source in the cycle in which it goes.</summary>
        private Outcome ExecuteIn(uint instruction)
        {
            var bits = RP2040_PIO_StateMachine.BitCount(instruction);
            var count = Math.Min(machine.InCount + bits, 32);
            var pushes = machine.AutoPush && count >= machine.PushThreshold;
            if(pushes && machine.Count[Rx] >= machine.Depth[Rx])
            {
                return RxFull();
            }
            var which = instruction >> 5 & 7;
            var data = Source(which == SourceStatus ? SourceNull : which) & RP2040_PIO_StateMachine.Ones(bits);
            if(bits == 32)
            {
                machine.InRegister = data;
            }
            else if(machine.InRight)
            {
                machine.InRegister = machine.InRegister >> bits | data << (32 - bits);
            }
            else
            {
                machine.InRegister = machine.InRegister << bits | data;
            }
            machine.InCount = count;
            if(pushes)
            {
                PushInRegister();
            }
            return Outcome.Done;
        }

        private Outcome ExecuteOut(uint instruction)
        {
            if(machine.AutoPull && machine.OutCount >= machine.PullThreshold)
            {
                if(machine.Count[Tx] == 0)
                {
                    return TxEmpty();
                }
                AutoPull();
                return Outcome.StalledForNow;
            }
            var bits = RP2040_PIO_StateMachine.BitCount(instruction);
            var data = ShiftOut(bits);
            AutoPull();
            switch(instruction >> 5 & 7)
            {
            case OutPins:
                OutputPins(Levels, data);
                return Outcome.Done;
            case 1:
                return WriteScratch(0, data);
            case 2:
                return WriteScratch(1, data);
            case OutPinDirections:
                OutputPins(Directions, data);
                return Outcome.Done;
            case OutPC:
                return JumpTo(data);
            case 6:
                machine.InRegister = data;
                machine.InCount = bits;
                return Outcome.Done;
            case OutExec:
                return LatchInstruction(data);
            default:
                return Outcome.Done;
            }
        }

        private uint ShiftOut(int bits)
        {
            var data = machine.OutRegister;
            if(bits == 32)
            {
                machine.OutRegister = 0;
            }
            else if(machine.OutRight)
            {
                data &= RP2040_PIO_StateMachine.Ones(bits);
                machine.OutRegister >>= bits;
            }
            else
            {
                data >>= 32 - bits;
                machine.OutRegister <<= bits;
            }
            machine.OutCount = Math.Min(machine.OutCount + bits, 32);
            return data;
        }

        private Outcome ExecutePush(uint instruction)
        {
            if(((instruction & IfBit) != 0 && machine.InCount < machine.PushThreshold) || PushInRegister())
            {
                return Outcome.Done;
            }
            var full = RxFull();
            if((instruction & BlockBit) != 0)
            {
                return full;
            }
            machine.InRegister = 0;
            machine.InCount = 0;
            return Outcome.Done;
        }

        /// <summary>With autopull, PULL is a fence: it does nothing while there is something left in the OSR (3.5.4.2).</summary>
        private Outcome ExecutePull(uint instruction)
        {
            if(((instruction & IfBit) != 0 || machine.AutoPull) && machine.OutCount < machine.PullThreshold)
            {
                return Outcome.Done;
            }
            if(machine.Pop(Tx, ref machine.OutRegister))
            {
                fifosChanged = true;
            }
            else if((instruction & BlockBit) != 0)
            {
                return TxEmpty();
            }
            else
            {
                machine.OutRegister = Source(SourceX);
            }
            machine.OutCount = 0;
            return Outcome.Done;
        }

        private Outcome ExecuteMov(uint instruction)
        {
            var data = Source(instruction & 7);
            switch(instruction >> 3 & 3)
            {
            case 1:
                data = ~data;
                break;
            case 2:
                data = Reversed(data);
                break;
            }
            switch(instruction >> 5 & 7)
            {
            case 0:
                WriteOut(Levels, RP2040_PIO_StateMachine.RotateLeft(data, machine.OutBase), machine.OutMask);
                return Outcome.Done;
            case 1:
                return WriteScratch(0, data);
            case 2:
                return WriteScratch(1, data);
            case MovExec:
                return LatchInstruction(data);
            case MovPC:
                return JumpTo(data);
            case 6:
                machine.InRegister = data;
                machine.InCount = 0;
                return Outcome.Done;
            case 7:
                machine.OutRegister = data;
                machine.OutCount = 0;
                return Outcome.Done;
            default:
                return Outcome.Done;
            }
        }

        private Outcome ExecuteIrq(uint instruction)
        {
            var flag = FlagOf(instruction, machine.Number);
            if((instruction & IrqClear) != 0)
            {
                flagsCleared |= flag;
                return Outcome.Done;
            }
            if((instruction & IrqWait) == 0)
            {
                flagsSet |= flag;
                return Outcome.Done;
            }
            if(!machine.InterruptWaiting)
            {
                flagsSet |= flag;
                machine.InterruptWaiting = true;
                return Outcome.StalledForNow;
            }
            if((block.Flags & flag) != 0)
            {
                return Outcome.Stalled;
            }
            machine.InterruptWaiting = false;
            return Outcome.Done;
        }

        private Outcome ExecuteSet(uint instruction)
        {
            var data = instruction & 31;
            switch(instruction >> 5 & 7)
            {
            case SetPins:
                WriteOut(Levels, RP2040_PIO_StateMachine.RotateLeft(data, machine.SetBase), machine.SetMask);
                return Outcome.Done;
            case 1:
                return WriteScratch(0, data);
            case 2:
                return WriteScratch(1, data);
            case SetPinDirections:
                WriteOut(Directions, RP2040_PIO_StateMachine.RotateLeft(data, machine.SetBase), machine.SetMask);
                return Outcome.Done;
            default:
                return Outcome.Done;
            }
        }

        private bool PushInRegister()
        {
            if(!machine.Push(Rx, machine.InRegister))
            {
                return false;
            }
            machine.InRegister = 0;
            machine.InCount = 0;
            fifosChanged = true;
            return true;
        }

        private Outcome RxFull()
        {
            block.Debug |= 1u << machine.Number;
            return Outcome.Starved;
        }

        private Outcome TxEmpty()
        {
            block.Debug |= 1u << (DebugTxStall + machine.Number);
            return Outcome.Starved;
        }

        public static uint FlagOf(uint instruction, int machine)
        {
            var index = (int)(instruction & 7);
            return 1u << ((instruction & FlagRelative) != 0 ? (index & 4) | ((index + machine) & 3) : index);
        }

        private static uint Reversed(uint x)
        {
            uint result = 0;
            for(var i = 0; i < 32; i++)
            {
                result = result << 1 | (x >> i & 1);
            }
            return result;
        }

        private bool IsIn(int i)
        {
            return (group >> i & 1) != 0;
        }

        // the cycle that is being run
        private RP2040_PIO_Block block;
        private RP2040_PIO_StateMachine machine;
        private uint group;
        private ulong now;
        private uint flagsSet;
        private uint flagsCleared;
        private bool fifosChanged;
        private bool seen;

        // what the group is compared with
        private int leader;
        private ulong anchorTime;
        private int anchorLog;
        private uint turns;
        private uint turnsAllowed;

        private readonly Func<uint, uint, uint> inputsWith;
        private readonly uint[] value;
        private readonly uint[] mask;
        private readonly uint[] used;
        private readonly uint[][] counted;
        private readonly ulong[] at;
        private readonly RP2040_PIO_Block anchor;
        private readonly ulong[] anchorAges;
        private readonly uint[] anchorInputs = new uint[RP2040_PIO_Block.InputsKept];

        public const uint Jmp = 0;
        public const uint Wait = 1;
        public const uint In = 2;
        public const uint Out = 3;
        public const uint PushPull = 4;
        public const uint Mov = 5;
        public const uint Irq = 6;
        public const uint Set = 7;
        public const uint JmpPin = 6;
        public const uint WaitPin = 1;
        public const uint WaitIrq = 2;
        public const uint OutPins = 0;
        public const uint OutPinDirections = 4;
        public const uint OutPC = 5;
        public const uint OutExec = 7;
        public const uint MovExec = 4;
        public const uint MovPC = 5;
        public const uint SetPins = 0;
        public const uint SetPinDirections = 4;
        public const uint PullBit = 1 << 7;
        public const uint WaitPolarity = 1 << 7;
        public const uint IrqWait = 1 << 5;
        public const ulong Never = ulong.MaxValue;

        private const int NumberOfMachines = RP2040_PIO_Block.NumberOfMachines;
        private const int Tx = RP2040_PIO_StateMachine.Tx;
        private const int Rx = RP2040_PIO_StateMachine.Rx;
        private const int Levels = 0;
        private const int Directions = 1;
        private const int DebugTxStall = 24;
        private const uint IfBit = 1 << 6;
        private const uint BlockBit = 1 << 5;
        private const uint IrqClear = 1 << 6;
        private const uint FlagRelative = 1 << 4;
        private const uint SourcePins = 0;
        private const uint SourceX = 1;
        private const uint SourceY = 2;
        private const uint SourceNull = 3;
        private const uint SourceStatus = 5;
        private const uint SourceIsr = 6;
        private const uint SourceOsr = 7;

        private enum Outcome
        {
            Done,
            Jumped,
            Latched,
            Stalled,
            Starved,
            StalledForNow,
        }
    }
}
