using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The four state machines of a PIO block (datasheet chapter 3), run up to some cycle. Instructions are in
    /// <see cref="RP2040_PIO_Run"/>, which also says how cycles are skipped.
    /// </summary>
    public class RP2040_PIO_Block
    {
        public RP2040_PIO_Block() : this(new uint[MemorySize], new uint[2], new uint[2])
        {
        }

        /// <summary>For what a block might do next: what only software writes is that block's own.</summary>
        public RP2040_PIO_Block(RP2040_PIO_Block other) : this(other.Memory, other.Enable, other.Force)
        {
        }

        private RP2040_PIO_Block(uint[] memory, uint[] enable, uint[] force)
        {
            Machines = new RP2040_PIO_StateMachine[NumberOfMachines];
            for(var i = 0; i < NumberOfMachines; i++)
            {
                Machines[i] = new RP2040_PIO_StateMachine(i);
            }
            Memory = memory;
            Enable = enable;
            Force = force;
            input = new uint[InputsKept];
            since = new ulong[InputsKept];
            Log = new RP2040_PinLog();
        }

        public void Reset(ulong now, uint inputs)
        {
            for(var i = 0; i < NumberOfMachines; i++)
            {
                Machines[i].Reset(now);
            }
            Array.Clear(Memory, 0, MemorySize);
            Array.Clear(Enable, 0, 2);
            Array.Clear(Force, 0, 2);
            Array.Clear(input, 0, InputsKept);
            Array.Clear(since, 0, InputsKept);
            Log.Clear();
            input[0] = inputs;
            Time = now;
            Enabled = Running = Output = OutputEnable = Rose = Fell = Flags = Debug = Bypass = 0;
        }

        /// <summary>What changes without software: the other one is of the same program.</summary>
        public void CopyFrom(RP2040_PIO_Block other)
        {
            for(var i = 0; i < NumberOfMachines; i++)
            {
                Machines[i].CopyFrom(other.Machines[i]);
            }
            for(var i = 0; i < InputsKept; i++)
            {
                input[i] = other.input[i];
                since[i] = other.since[i];
            }
            Log.CopyFrom(other.Log);
            Time = other.Time;
            Enabled = other.Enabled;
            Running = other.Running;
            Output = other.Output;
            OutputEnable = other.OutputEnable;
            Rose = other.Rose;
            Fell = other.Fell;
            Flags = other.Flags;
            Debug = other.Debug;
            Bypass = other.Bypass;
            Reads = other.Reads;
            Selected = other.Selected;
            Watched = other.Watched;
            Recorded = other.Recorded;
            Listened = other.Listened;
        }

        // Inputs (3.5.6.3)

        public bool RecordInputs(uint inputs, ulong from)
        {
            if(inputs == input[0])
            {
                return false;
            }
            if(since[0] != from)
            {
                for(var i = InputsKept - 1; i > 0; i--)
                {
                    input[i] = input[i - 1];
                    since[i] = since[i - 1];
                }
                since[0] = from;
            }
            input[0] = inputs;
            return true;
        }

        public uint InputsSeen(ulong cycle)
        {
            var i = 0;
            while(i < InputsKept - 1 && since[i] + Synchroniser > cycle)
            {
                i++;
            }
            return (input[0] & Bypass) | (input[i] & ~Bypass);
        }

        public bool InputsSettled(ulong cycle)
        {
            return since[0] + Synchroniser <= cycle;
        }

        public ulong InputAge(int i, ulong now)
        {
            return Math.Min(now + 1 - since[i], InputsKept);
        }

        public uint Input(int i)
        {
            return input[i];
        }

        public void ShiftInput(int i, ulong by)
        {
            since[i] += by;
        }

        /// <summary>Something has changed that machines may wait for.</summary>
        public void Wake()
        {
            for(var i = 0; i < NumberOfMachines; i++)
            {
                Machines[i].Blocked = false;
            }
        }

        /// <summary>Also a machine that is disabled finishes what was written to its INSTR register.</summary>
        public bool Runs(int i)
        {
            return (Enabled >> i & 1) != 0 || Machines[i].ExecStalled;
        }

        /// <summary>Pins that machines look at, without those that only a FIFO can wake.</summary>
        public uint LooksAt
        {
            get
            {
                uint result = 0;
                for(var i = 0; Reads != 0 && i < NumberOfMachines; i++)
                {
                    var machine = Machines[i];
                    if(!(machine.Blocked && machine.Starved && !machine.Forced))
                    {
                        result |= machine.Reads;
                    }
                }
                return result;
            }
        }

        // What is to be seen of them

        /// <summary>Data requests: bits 0 to 3 TX, 4 to 7 RX.</summary>
        public uint Requests
        {
            get
            {
                uint result = 0;
                for(var i = 0; i < NumberOfMachines; i++)
                {
                    var machine = Machines[i];
                    if(machine.Count[RP2040_PIO_StateMachine.Tx] < machine.Depth[RP2040_PIO_StateMachine.Tx])
                    {
                        result |= 1u << i;
                    }
                    if(machine.Count[RP2040_PIO_StateMachine.Rx] != 0)
                    {
                        result |= 1u << (NumberOfMachines + i);
                    }
                }
                return result;
            }
        }

        /// <summary>INTR.</summary>
        public uint Raw
        {
            get
            {
                var requests = Requests;
                return requests >> NumberOfMachines | (requests & 0xF) << NumberOfMachines | (Flags & InterruptFlags) << FlagsShift;
            }
        }

        public uint Status(int line)
        {
            return (Raw & Enable[line]) | Force[line];
        }

        /// <summary>Bit 0: IRQ0, bit 1: IRQ1.</summary>
        public uint Lines
        {
            get { return (Status(0) != 0 ? 1u : 0) | (Status(1) != 0 ? 2u : 0); }
        }

        // What programs can do, and which machines have to be run together

        public void Analyse()
        {
            Running = 0;
            Reads = 0;
            uint told = 0;
            for(var i = 0; i < NumberOfMachines; i++)
            {
                var machine = Machines[i];
                if(Runs(i) || machine.Forced || machine.StickyMask != 0)
                {
                    Running |= 1u << i;
                }
                new RP2040_PIO_Reach(this, machine).Find();
                Reads |= machine.Reads;
                told |= machine.Writes & Selected;
                machine.Contended = false;
                machine.Group = 1u << i;
            }
            var talk = (told & Reads) != 0;
            for(var i = 0; i < NumberOfMachines; i++)
            {
                for(var j = 0; j < NumberOfMachines; j++)
                {
                    Unite(Machines[i], Machines[j], talk);
                }
            }
            for(var pass = 0; pass < NumberOfMachines - 1; pass++)
            {
                for(var i = 0; i < NumberOfMachines; i++)
                {
                    for(var j = 0; j < NumberOfMachines; j++)
                    {
                        if((Machines[i].Group & Machines[j].Group) != 0)
                        {
                            Machines[i].Group |= Machines[j].Group;
                        }
                    }
                }
            }
        }

        private void Unite(RP2040_PIO_StateMachine x, RP2040_PIO_StateMachine y, bool talk)
        {
            if(x == y || (Running >> x.Number & Running >> y.Number & 1) == 0)
            {
                return;
            }
            var both = (x.Writes & y.Writes) != 0;
            x.Contended |= both;
            if(both || (x.FlagsWritten & (y.FlagsRead | y.FlagsWritten)) != 0
                || (talk && x.Reads != 0 && (y.Reads != 0 || (y.Writes & Reads & Selected) != 0)))
            {
                x.Group |= y.Group;
            }
        }

        /// <summary>Could anybody notice what this group does?</summary>
        public bool CouldBeSeen(uint group)
        {
            var enabled = Enable[0] | Enable[1];
            var flags = enabled >> FlagsShift & InterruptFlags;
            var tx = Listened | enabled >> NumberOfMachines;
            var rx = Listened >> NumberOfMachines | enabled;
            for(var i = 0; i < NumberOfMachines; i++)
            {
                var machine = Machines[i];
                if((group >> i & 1) != 0 && (machine.Forced || (machine.Writes & Watched) != 0 || (machine.FlagsWritten & flags) != 0
                    || ((tx >> i & 1) != 0 && machine.Pulls && machine.Count[RP2040_PIO_StateMachine.Tx] != 0)
                    || ((rx >> i & 1) != 0 && machine.Pushes
                        && machine.Count[RP2040_PIO_StateMachine.Rx] < machine.Depth[RP2040_PIO_StateMachine.Rx])))
                {
                    return true;
                }
            }
            return false;
        }

        /// <summary>All cycles before it have been run.</summary>
        public ulong Time;

        public uint Enabled;

        /// <summary>Machines that have something to do.</summary>
        public uint Running;
        public uint Output;
        public uint OutputEnable;

        /// <summary>Outputs that have, since they were shown to the pins.</summary>
        public uint Rose;
        public uint Fell;

        public uint Flags;
        public uint Debug;
        public uint Bypass;

        /// <summary>Pins that running machines look at.</summary>
        public uint Reads;

        /// <summary>
        /// Pins that have this block's function; of these, those whose changes somebody has to be told at their time, and those whose
        /// changes are written down; data requests that DMA waits for.
        /// </summary>
        public uint Selected;
        public uint Watched;
        public uint Recorded;
        public uint Listened;

        /// <summary>What has changed at recorded pins and was not told yet.</summary>
        public readonly RP2040_PinLog Log;

        public readonly RP2040_PIO_StateMachine[] Machines;
        public readonly uint[] Memory;
        public readonly uint[] Enable;
        public readonly uint[] Force;

        private readonly uint[] input;
        private readonly ulong[] since;

        public const int NumberOfMachines = 4;
        public const int MemorySize = 32;
        public const int InputsKept = 3;
        public const uint Pins = 0x3FFFFFFF;
        private const int Synchroniser = 2;
        private const int FlagsShift = 8;
        private const uint InterruptFlags = 0xF;
    }

    /// <summary>What a program can do from where it stands: pins, flags, FIFOs.</summary>
    public struct RP2040_PIO_Reach
    {
        public RP2040_PIO_Reach(RP2040_PIO_Block block, RP2040_PIO_StateMachine machine)
        {
            this.block = block;
            this.machine = machine;
            places = 0;
            anywhere = false;
        }

        public void Find()
        {
            machine.Reads = machine.Writes = machine.FlagsRead = machine.FlagsWritten = 0;
            machine.Pulls = machine.AutoPull;
            machine.Pushes = false;
            if((block.Enabled >> machine.Number & 1) != 0)
            {
                FollowFrom(machine.ProgramCounter);
            }
            if(machine.Forced)
            {
                Follow(machine.Instruction);
                Add(machine.Instruction);
            }
            if(machine.Latched)
            {
                Follow(machine.Latch);
                Add(machine.Latch);
            }
            if(anywhere)
            {
                machine.Reads = uint.MaxValue;
                machine.Writes = machine.OutMask | machine.SetMask | machine.SideMask;
                machine.FlagsRead = machine.FlagsWritten = 0xFF;
                machine.Pulls = machine.Pushes = true;
            }
            for(var place = 0; place < RP2040_PIO_Block.MemorySize; place++)
            {
                if((places >> place & 1) != 0)
                {
                    Add(block.Memory[place]);
                }
            }
            machine.Writes |= machine.StickyMask;
        }

        private void FollowFrom(int place)
        {
            while((places >> place & 1) == 0)
            {
                var instruction = block.Memory[place];
                places |= 1u << place;
                Follow(instruction);
                if(instruction >> 13 == RP2040_PIO_Run.Jmp && (instruction >> 5 & 7) == 0)
                {
                    return;
                }
                place = place == machine.WrapTop ? machine.WrapBottom : (place + 1) & 31;
            }
        }

        /// <summary>Where else an instruction may lead.</summary>
        private void Follow(uint instruction)
        {
            var destination = instruction >> 5 & 7;
            switch(instruction >> 13)
            {
            case RP2040_PIO_Run.Jmp:
                FollowFrom((int)(instruction & 31));
                break;
            case RP2040_PIO_Run.Out:
                if(destination == RP2040_PIO_Run.OutPC || destination == RP2040_PIO_Run.OutExec)
                {
                    places = uint.MaxValue;
                    anywhere |= destination == RP2040_PIO_Run.OutExec;
                }
                break;
            case RP2040_PIO_Run.Mov:
                if(destination == RP2040_PIO_Run.MovPC || destination == RP2040_PIO_Run.MovExec)
                {
                    places = uint.MaxValue;
                    anywhere |= destination == RP2040_PIO_Run.MovExec;
                }
                break;
            }
        }

        private void Add(uint instruction)
        {
            var field = instruction >> 5 & 7;
            var operand = (int)(instruction & 31);
            if(!machine.SideOptional || (instruction >> 12 & 1) != 0)
            {
                machine.Writes |= machine.SideMask;
            }
            switch(instruction >> 13)
            {
            case RP2040_PIO_Run.Jmp:
                if(field == RP2040_PIO_Run.JmpPin)
                {
                    machine.Reads |= 1u << machine.JumpPin;
                }
                break;
            case RP2040_PIO_Run.Wait:
                var flag = RP2040_PIO_Run.FlagOf(instruction, machine.Number);
                if((field & 3) == RP2040_PIO_Run.WaitIrq)
                {
                    machine.FlagsRead |= flag;
                    machine.FlagsWritten |= (instruction & RP2040_PIO_Run.WaitPolarity) != 0 ? flag : 0;
                }
                else
                {
                    machine.Reads |= 1u << ((field & 3) == RP2040_PIO_Run.WaitPin ? operand + machine.InBase & 31 : operand);
                }
                break;
            case RP2040_PIO_Run.In:
                if(field == 0)
                {
                    machine.Reads |= RP2040_PIO_StateMachine.RotateLeft(
                        RP2040_PIO_StateMachine.Ones(RP2040_PIO_StateMachine.BitCount(instruction)), machine.InBase);
                }
                machine.Pushes |= machine.AutoPush;
                break;
            case RP2040_PIO_Run.Out:
                if(field == RP2040_PIO_Run.OutPins || field == RP2040_PIO_Run.OutPinDirections)
                {
                    machine.Writes |= machine.OutMask;
                }
                break;
            case RP2040_PIO_Run.PushPull:
                machine.Pulls |= (instruction & RP2040_PIO_Run.PullBit) != 0;
                machine.Pushes |= (instruction & RP2040_PIO_Run.PullBit) == 0;
                break;
            case RP2040_PIO_Run.Mov:
                if((instruction & 7) == 0)
                {
                    machine.Reads = uint.MaxValue;
                }
                if(field == 0)
                {
                    machine.Writes |= machine.OutMask;
                }
                break;
            case RP2040_PIO_Run.Irq:
                machine.FlagsWritten |= RP2040_PIO_Run.FlagOf(instruction, machine.Number);
                if((instruction & RP2040_PIO_Run.IrqWait) != 0)
                {
                    machine.FlagsRead |= RP2040_PIO_Run.FlagOf(instruction, machine.Number);
                }
                break;
            case RP2040_PIO_Run.Set:
                if(field == RP2040_PIO_Run.SetPins || field == RP2040_PIO_Run.SetPinDirections)
                {
                    machine.Writes |= machine.SetMask;
                }
                break;
            }
        }

        private uint places;
        private bool anywhere;

        private readonly RP2040_PIO_Block block;
        private readonly RP2040_PIO_StateMachine machine;
    }
}
