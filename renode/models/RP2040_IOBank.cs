using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// IO bank (datasheet 2.19): function select, overrides, interrupts. Input n is pin n driven from outside,
    /// output n the level of pin n.
    /// </summary>
    /// <remarks>
    /// A pin's level is what the selected function drives, after its overrides, unless the pad's output is off; else what
    /// the world outside drives; else what the pulls make of it. A word holds a signal of all pins, so that a change costs
    /// the same for one pin as for all.
    /// </remarks>
    public abstract class RP2040_IOBank : RP2040_Peripheral, INumberedGPIOOutput
    {
        protected RP2040_IOBank(IMachine machine, RP2040_Pads pads, int[] padOfPin) : base(machine)
        {
            this.pads = pads;
            this.padOfPin = padOfPin;
            numberOfPins = padOfPin.Length;
            allPins = (uint)((1ul << numberOfPins) - 1);
            Processor0IRQ = new GPIO();
            Processor1IRQ = new GPIO();
            DormantWake = new GPIO();
            lines = new GPIO[numberOfPins];
            for(var i = 0; i < numberOfPins; i++)
            {
                lines[i] = new GPIO();
            }
            Connections = Enumerable.Range(0, numberOfPins).ToDictionary(x => x, x => (IGPIO)lines[x]);
            users = new List<IRP2040_PinUser>();
            cycleUsers = new List<IRP2040_CycleUser>();
            watchedBy = new List<uint>();
            output = new uint[Functions];
            outputEnable = new uint[Functions];
            selected = new uint[Functions];
            function = new IValueRegisterField[numberOfPins];
            outputOverride = new IValueRegisterField[numberOfPins];
            enableOverride = new IValueRegisterField[numberOfPins];
            inputOverride = new IValueRegisterField[numberOfPins];
            interruptOverride = new IValueRegisterField[numberOfPins];
            enable = new uint[Destinations, Kinds];
            force = new uint[Destinations, Kinds];
            interrupts = new bool[Destinations];
            DefineRegisters();
            pads.Bank = this;
            PadsChanged();
            Reset();
        }

        public override void Reset()
        {
            BringUpToDate();
            base.Reset();
            for(var pin = 0; pin < numberOfPins; pin++)
            {
                TakeControl(pin);
            }
            Array.Clear(enable, 0, enable.Length);
            Array.Clear(force, 0, force.Length);
            UpdateListened();
            Resolve();
            fell = rose = 0;
            UpdateInterrupts();
            for(var pin = 0; pin < numberOfPins; pin++)
            {
                TellSelected(pin);
            }
        }

        /// <summary>Drives a pin from outside, or the block's reset line.</summary>
        public override void OnGPIO(int number, bool value)
        {
            if(number < 0 || number >= numberOfPins)
            {
                base.OnGPIO(number, value);
                return;
            }
            BringUpToDate();
            driven |= 1u << number;
            external = With(external, 1u << number, value);
            Resolve();
        }

        /// <summary>Nobody drives this pin from outside any more.</summary>
        public void Release(int pin)
        {
            BringUpToDate();
            driven &= ~(1u << pin);
            Resolve();
        }

        /// <summary>The level at a pin, as one measures it.</summary>
        public bool Level(int pin)
        {
            return (Levels & (1u << pin)) != 0;
        }

        /// <summary>What a function drives at some of the pins: it gets through at those where FUNCSEL names it.</summary>
        public void SetFromFunction(uint number, uint pins, uint value, uint enabled)
        {
            var newOutput = (output[number] & ~pins) | (value & pins);
            var newEnable = (outputEnable[number] & ~pins) | (enabled & pins);
            var changed = (newOutput ^ output[number]) | (newEnable ^ outputEnable[number]);
            if(changed == 0)
            {
                return;
            }
            var seen = (changed & selected[number]) != 0;
            if(seen)
            {
                BringUpToDate();
            }
            output[number] = newOutput;
            outputEnable[number] = newEnable;
            if(seen)
            {
                Resolve();
            }
        }

        /// <summary>What peripherals would read if a function drove this.</summary>
        public uint InputsWith(uint number, uint value, uint enabled)
        {
            var others = ~selected[number];
            var enables = EnablesWith((FromFunctions(outputEnable) & others) | (enabled & ~others));
            var outputs = outputOverrides.On((FromFunctions(output) & others) | (value & ~others));
            return inputOverrides.On(LevelsOf(outputs, enables, levels) & inputEnabled);
        }

        /// <summary>
        /// What a function has put out meanwhile, at pins of which it was only written down. The last of it has still to be shown.
        /// </summary>
        public void Record(uint number, RP2040_PinLog log)
        {
            var before = interruptInputs;
            var now = levels;
            for(var i = 0; i < log.Count; i++)
            {
                var pins = log.Pins[i] & selected[number];
                now = (now & ~pins) | (LevelsOf(outputOverrides.On(log.Outputs[i]), EnablesWith(log.Enables[i]), now) & pins);
                var after = interruptOverrides.On(now & inputEnabled);
                rose |= after & ~before;
                fell |= before & ~after;
                before = after;
                Note(cycleClock.NanosecondsAt(log.Cycles[i]), pins, now);
            }
        }

        /// <summary>From now on every change of the pins is written down, until <see cref="StopRecording"/>.</summary>
        public RP2040_PinRecorder StartRecording()
        {
            BringUpToDate();
            var recorder = new RP2040_PinRecorder(BringUpToDate, levels);
            recorders = (recorders ?? new RP2040_PinRecorder[0]).Concat(new[] { recorder }).ToArray();
            TellWatched();
            return recorder;
        }

        public void StopRecording(RP2040_PinRecorder recorder)
        {
            BringUpToDate();
            recorders = (recorders ?? new RP2040_PinRecorder[0]).Where(x => x != recorder).ToArray();
            TellWatched();
        }

        /// <summary>The pins whose FUNCSEL names a function.</summary>
        public uint PinsOf(uint number)
        {
            return selected[number];
        }

        /// <summary>The function that software has selected for a pin (FUNCSEL).</summary>
        public uint FunctionOf(int pin)
        {
            return (uint)function[pin].Value;
        }

        /// <summary>Whom to ask to live up to now before the pins change, and to tell when their inputs have.</summary>
        public void AddUser(IRP2040_PinUser user)
        {
            users.Add(user);
            watchedBy.Add(0);
            var exact = user as IRP2040_CycleUser;
            if(exact != null)
            {
                cycleUsers.Add(exact);
            }
        }

        /// <summary>
        /// Those of some pins whose every change has to be told at its time, but for what only this user asks for by
        /// <see cref="Watch"/>. For pins that are only recorded (<see cref="Recorded"/>) any time will do, if it is told by
        /// <see cref="Record"/>.
        /// </summary>
        public uint WatchedBesides(IRP2040_PinUser user, uint pins)
        {
            var result = listened | counted;
            for(var i = 0; i < users.Count; i++)
            {
                result |= users[i] != user ? watchedBy[i] : 0;
            }
            return (result & pins) | ConnectedOf(pins & ~result);
        }

        /// <summary>
        /// What users foresee up to a cycle happens, in order of time: a core may have gone ahead of the clock that calls them.
        /// </summary>
        private void LetHappen(ulong upTo)
        {
            if(happening)
            {
                return;
            }
            happening = true;
            while(true)
            {
                IRP2040_CycleUser first = null;
                foreach(var user in cycleUsers)
                {
                    if(user.NextEvent <= upTo && (first == null || user.NextEvent < first.NextEvent))
                    {
                        first = user;
                    }
                }
                if(first == null)
                {
                    break;
                }
                first.Happen();
            }
            happening = false;
        }

        /// <summary>The one count of cycles for all users: they see each other's pins.</summary>
        public RP2040_CycleClock CycleClock(RP2040_Clocks clocks)
        {
            if(cycleClock == null)
            {
                cycleClock = new RP2040_CycleClock(Machine, clocks);
                cycleClock.Changing += BringUpToDate;
            }
            return cycleClock;
        }

        /// <summary>
        /// The user lives up to a cycle, after what all of them foresee until then has happened. What it shows meanwhile is told with
        /// its <see cref="Moment"/>: nobody is brought beyond that.
        /// </summary>
        public void Live(IRP2040_CycleUser user, ulong upTo)
        {
            LetHappen(upTo);
            var before = happening;
            happening = true;
            user.CatchUp(upTo);
            happening = before;
        }

        /// <summary>PWM counts edges, or looks at levels, of these pins.</summary>
        public void SetCounted(uint pins)
        {
            counted = pins;
            TellWatched();
        }

        /// <summary>A user wants each change of these pins' inputs told at its time, and of no others any more.</summary>
        public void Watch(IRP2040_PinUser user, uint pins)
        {
            var index = users.IndexOf(user);
            if(watchedBy[index] != pins)
            {
                watchedBy[index] = pins;
                watched = watchedBy.Aggregate(0u, (all, some) => all | some);
                TellWatched();
            }
        }

        public void PadsChanged()
        {
            BringUpToDate();
            for(var pin = 0; pin < numberOfPins; pin++)
            {
                var bit = 1u << pin;
                inputEnabled = With(inputEnabled, bit, pads.InputEnabled(padOfPin[pin]));
                outputDisabled = With(outputDisabled, bit, pads.OutputDisabled(padOfPin[pin]));
                pullUp = With(pullUp, bit, pads.PullUp(padOfPin[pin]));
                pullDown = With(pullDown, bit, pads.PullDown(padOfPin[pin]));
            }
            Resolve();
        }

        /// <summary>Software has written the control register of this pin, or it was reset.</summary>
        public event Action<int> Selected;

        /// <summary>What peripherals read: the inputs after input enable and override.</summary>
        public uint Inputs
        {
            get
            {
                BringUpToDate();
                return InputsBefore;
            }
        }

        /// <summary>The same, as it was at the last change: for those who live up to now.</summary>
        public uint InputsBefore { get; private set; }

        /// <summary>The levels at the pads.</summary>
        public uint Levels
        {
            get
            {
                BringUpToDate();
                return levels;
            }
        }

        /// <summary>
        /// The cycle of clk_sys of the change that is being told, when it is one that a lazy user makes up for; else
        /// <see cref="RP2040_CycleTimer.Never"/>: it is now.
        /// </summary>
        public ulong Moment { get; set; } = RP2040_CycleTimer.Never;

        /// <summary>Edges that pins have had, and no interrupt was acknowledged since: rising and falling ones.</summary>
        public uint SeenBothEdges { get { return rose & fell; } }

        /// <summary>Pins whose every change somebody wants to know, with its time.</summary>
        public uint Watched
        {
            get { return listened | counted | watched | ConnectedOf(allPins) | Recorded; }
        }

        /// <summary>Pins whose changes are written down.</summary>
        public uint Recorded
        {
            get { return recorders != null && recorders.Length != 0 ? allPins : 0; }
        }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }
        public GPIO Processor0IRQ { get; private set; }
        public GPIO Processor1IRQ { get; private set; }

        /// <summary>High while an interrupt is on that wakes a dormant oscillator.</summary>
        public GPIO DormantWake { get; private set; }

        protected virtual void ControlWritten(int pin)
        {
            BringUpToDate();
            TakeControl(pin);
            Resolve();
            TellWatched();
            TellSelected(pin);
        }

        /// <summary>0 normal, 1 inverted, 2 low, 3 high.</summary>
        protected uint OutputOverride(int pin)
        {
            return (uint)outputOverride[pin].Value;
        }

        private void DefineRegisters()
        {
            for(var i = 0; i < numberOfPins; i++)
            {
                var pin = i;
                RegistersCollection.DefineRegister(8 * pin)
                    .WithReservedBits(0, 8)
                    .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => Has(FromFunctions(output), pin), name: "OUTFROMPERI")
                    .WithFlag(9, FieldMode.Read, valueProviderCallback: _ => Has(OutputToPads, pin), name: "OUTTOPAD")
                    .WithReservedBits(10, 2)
                    .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => Has(FromFunctions(outputEnable), pin), name: "OEFROMPERI")
                    .WithFlag(13, FieldMode.Read, valueProviderCallback: _ => Has(EnablesToPads, pin), name: "OETOPAD")
                    .WithReservedBits(14, 3)
                    .WithFlag(17, FieldMode.Read, valueProviderCallback: _ => Has(levels & inputEnabled, pin), name: "INFROMPAD")
                    .WithReservedBits(18, 1)
                    .WithFlag(19, FieldMode.Read, valueProviderCallback: _ => Has(InputsBefore, pin), name: "INTOPERI")
                    .WithReservedBits(20, 4)
                    .WithFlag(24, FieldMode.Read, valueProviderCallback: _ => Has(levels & inputEnabled, pin), name: "IRQFROMPAD")
                    .WithReservedBits(25, 1)
                    .WithFlag(26, FieldMode.Read, valueProviderCallback: _ => Has(interruptInputs, pin), name: "IRQTOPROC")
                    .WithReservedBits(27, 5);
                RegistersCollection.DefineRegister(8 * pin + 4, NullFunction)
                    .WithValueField(0, 5, out function[pin], name: "FUNCSEL")
                    .WithReservedBits(5, 3)
                    .WithValueField(8, 2, out outputOverride[pin], name: "OUTOVER")
                    .WithReservedBits(10, 2)
                    .WithValueField(12, 2, out enableOverride[pin], name: "OEOVER")
                    .WithReservedBits(14, 2)
                    .WithValueField(16, 2, out inputOverride[pin], name: "INOVER")
                    .WithReservedBits(18, 10)
                    .WithValueField(28, 2, out interruptOverride[pin], name: "IRQOVER")
                    .WithReservedBits(30, 2)
                    .WithWriteCallback((_, __) => ControlWritten(pin));
            }
        }

        protected override uint ReadRegister(long register)
        {
            BringUpToDate();
            int destination, word;
            Group group;
            if(register < InterruptRegisters || !Locate(register, out destination, out group, out word))
            {
                return base.ReadRegister(register);
            }
            uint result = 0;
            for(var kind = 0; kind < Kinds; kind++)
            {
                uint pins;
                switch(group)
                {
                case Group.Raw:
                    pins = Raw(kind);
                    break;
                case Group.Enable:
                    pins = enable[destination, kind];
                    break;
                case Group.Force:
                    pins = force[destination, kind];
                    break;
                default:
                    pins = (Raw(kind) & enable[destination, kind]) | force[destination, kind];
                    break;
                }
                result |= Spread((pins & allPins) >> (PinsInAWord * word) & 0xFF) << kind;
            }
            return result;
        }

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            BringUpToDate();
            int destination, word;
            Group group;
            if(register < InterruptRegisters || !Locate(register, out destination, out group, out word))
            {
                base.WriteRegister(register, operation, mask);
                return;
            }
            switch(group)
            {
            case Group.Raw:
                fell &= ~(Gather(mask >> EdgeLow) << (PinsInAWord * word));
                rose &= ~(Gather(mask >> EdgeHigh) << (PinsInAWord * word));
                break;
            case Group.Enable:
            case Group.Force:
                var value = Apply(operation, ReadRegister(register), mask);
                var kinds = group == Group.Enable ? enable : force;
                for(var kind = 0; kind < Kinds; kind++)
                {
                    kinds[destination, kind] = (kinds[destination, kind] & ~(0xFFu << (PinsInAWord * word)))
                        | (Gather(value >> kind) << (PinsInAWord * word) & allPins);
                }
                UpdateListened();
                break;
            }
            UpdateInterrupts();
        }

        /// <summary>INTR, then INTE, INTF, INTS of processor 0, processor 1 and the wake-up from dormancy; four bits a pin.</summary>
        private bool Locate(long register, out int destination, out Group group, out int word)
        {
            var words = (numberOfPins + PinsInAWord - 1) / PinsInAWord;
            var index = (int)(register - InterruptRegisters) / 4;
            word = index % words;
            var place = index / words;
            group = place == 0 ? Group.Raw : Group.Enable + (place - 1) % 3;
            destination = place == 0 ? 0 : (place - 1) / 3;
            return destination < Destinations;
        }

        /// <summary>What has the control register's fields in words of all pins.</summary>
        private void TakeControl(int pin)
        {
            var bit = 1u << pin;
            for(var number = 0u; number < Functions; number++)
            {
                selected[number] = With(selected[number], bit, function[pin].Value == number);
            }
            outputOverrides.Set(bit, outputOverride[pin].Value);
            enableOverrides.Set(bit, enableOverride[pin].Value);
            inputOverrides.Set(bit, inputOverride[pin].Value);
            interruptOverrides.Set(bit, interruptOverride[pin].Value);
        }

        private void BringUpToDate()
        {
            if(bringingUp || happening) // what happens is told with its moment: nobody goes beyond it
            {
                return;
            }
            bringingUp = true;
            foreach(var user in users)
            {
                user.BringUpToDate();
            }
            bringingUp = false;
        }

        private void Resolve()
        {
            var newLevels = LevelsOf(OutputToPads, EnablesWith(FromFunctions(outputEnable)), levels);
            var inside = newLevels & inputEnabled;
            var newInputs = inputOverrides.On(inside);
            var newInterruptInputs = interruptOverrides.On(inside);

            var changed = levels ^ newLevels;
            var changedInputs = InputsBefore ^ newInputs;
            var rising = newInterruptInputs & ~interruptInputs;
            var falling = interruptInputs & ~newInterruptInputs;
            levels = newLevels;
            if(changed != 0 && Recorded != 0)
            {
                Note(NanosecondsNow, allPins, newLevels);
            }
            InputsBefore = newInputs;
            interruptInputs = newInterruptInputs;
            rose |= rising;
            fell |= falling;
            if(((rising | falling) & listened) != 0)
            {
                UpdateInterrupts();
            }
            if(changedInputs != 0)
            {
                foreach(var user in users)
                {
                    user.PinsChanged(changedInputs, newInputs);
                }
            }
            for(var pin = 0; changed != 0; pin++, changed >>= 1)
            {
                if((changed & 1) != 0)
                {
                    lines[pin].Set(Has(newLevels, pin));
                }
            }
        }

        private void Note(ulong nanoseconds, uint pins, uint newLevels)
        {
            if(recorders == null)
            {
                return;
            }
            foreach(var recorder in recorders)
            {
                recorder.Note(nanoseconds, pins, newLevels);
            }
        }

        private ulong NanosecondsNow
        {
            get
            {
                return cycleClock == null ? Machine.ExactTime().InNanoseconds()
                    : Moment == RP2040_CycleTimer.Never ? cycleClock.Nanoseconds : cycleClock.NanosecondsAt(Moment);
            }
        }

        private uint Raw(int kind)
        {
            switch(kind)
            {
            case LevelLow:
                return ~interruptInputs;
            case LevelHigh:
                return interruptInputs;
            case EdgeLow:
                return fell;
            default:
                return rose;
            }
        }

        private void UpdateListened()
        {
            var before = listened;
            listened = 0;
            for(var destination = 0; destination < Destinations; destination++)
            {
                for(var kind = 0; kind < Kinds; kind++)
                {
                    listened |= enable[destination, kind] | force[destination, kind];
                }
            }
            if(listened != before)
            {
                TellWatched();
            }
        }

        private void TellSelected(int pin)
        {
            var handler = Selected;
            if(handler != null)
            {
                handler(pin);
            }
        }

        private void TellWatched()
        {
            foreach(var user in users)
            {
                user.PinsChanged(0, InputsBefore);
            }
        }

        private void UpdateInterrupts()
        {
            for(var destination = 0; destination < Destinations; destination++)
            {
                var any = AnyInterrupt(destination);
                if(any != interrupts[destination])
                {
                    interrupts[destination] = any;
                    (destination == 0 ? Processor0IRQ : destination == 1 ? Processor1IRQ : DormantWake).Set(any);
                }
            }
        }

        private bool AnyInterrupt(int destination)
        {
            for(var kind = 0; kind < Kinds; kind++)
            {
                if(((Raw(kind) & enable[destination, kind]) | force[destination, kind]) != 0)
                {
                    return true;
                }
            }
            return false;
        }

        private uint FromFunctions(uint[] signal)
        {
            uint result = 0;
            for(var number = 0; number < Functions; number++)
            {
                result |= signal[number] & selected[number];
            }
            return result;
        }

        private static bool Has(uint signal, int pin)
        {
            return (signal & (1u << pin)) != 0;
        }

        private static uint With(uint signal, uint bit, bool value)
        {
            return value ? signal | bit : signal & ~bit;
        }

        /// <summary>Eight pins' bits of one kind, four places apart.</summary>
        private static uint Spread(uint bits)
        {
            bits = (bits | bits << 12) & 0x000F000F;
            bits = (bits | bits << 6) & 0x03030303;
            return (bits | bits << 3) & 0x11111111;
        }

        private static uint Gather(uint bits)
        {
            bits &= 0x11111111;
            bits = (bits | bits >> 3) & 0x03030303;
            bits = (bits | bits >> 6) & 0x000F000F;
            return (bits | bits >> 12) & 0xFF;
        }

        /// <summary>The levels at the pads. One with both pulls that nobody drives keeps what it had.</summary>
        private uint LevelsOf(uint outputs, uint enables, uint before)
        {
            var pulled = (pullUp & ~pullDown) | (pullUp & pullDown & before);
            var idle = (external & driven) | (pulled & ~driven);
            return (outputs & enables) | (idle & ~enables);
        }

        private uint EnablesWith(uint fromFunctions)
        {
            return enableOverrides.On(fromFunctions) & ~outputDisabled;
        }

        private uint ConnectedOf(uint pins)
        {
            uint result = 0;
            for(var pin = 0; pins != 0; pin++, pins >>= 1)
            {
                if((pins & 1) != 0 && lines[pin].IsConnected)
                {
                    result |= 1u << pin;
                }
            }
            return result;
        }

        private uint OutputToPads { get { return outputOverrides.On(FromFunctions(output)); } }
        private uint EnablesToPads { get { return enableOverrides.On(FromFunctions(outputEnable)); } }
        private long InterruptRegisters { get { return 8 * numberOfPins; } }

        private uint driven;
        private uint external;
        private uint levels;
        private uint interruptInputs;
        private uint fell;
        private uint rose;
        private uint listened;
        private uint counted;
        private uint watched;
        private uint inputEnabled;
        private uint outputDisabled;
        private uint pullUp;
        private uint pullDown;
        private Overrides outputOverrides;
        private Overrides enableOverrides;
        private Overrides inputOverrides;
        private Overrides interruptOverrides;
        private bool bringingUp;
        private bool happening;
        private RP2040_CycleClock cycleClock;
        [Transient]
        private RP2040_PinRecorder[] recorders;

        private readonly int numberOfPins;
        private readonly uint allPins;
        private readonly GPIO[] lines;
        private readonly RP2040_Pads pads;
        private readonly int[] padOfPin;
        private readonly List<IRP2040_PinUser> users;
        private readonly List<IRP2040_CycleUser> cycleUsers;
        private readonly List<uint> watchedBy;
        private readonly uint[] output;
        private readonly uint[] outputEnable;
        private readonly uint[] selected;
        private readonly uint[,] enable;
        private readonly uint[,] force;
        private readonly bool[] interrupts;
        private readonly IValueRegisterField[] function;
        private readonly IValueRegisterField[] outputOverride;
        private readonly IValueRegisterField[] enableOverride;
        private readonly IValueRegisterField[] inputOverride;
        private readonly IValueRegisterField[] interruptOverride;

        private const int PinsInAWord = 8;
        private const int Destinations = 3;
        private const int Functions = 10;
        private const int Kinds = 4;
        private const int LevelLow = 0;
        private const int LevelHigh = 1;
        private const int EdgeLow = 2;
        private const int EdgeHigh = 3;
        private const uint NullFunction = 0x1F;

        private enum Group
        {
            Raw,
            Enable,
            Force,
            Status,
        }

        /// <summary>An override of all pins: a signal is inverted, low or high where it says so.</summary>
        private struct Overrides
        {
            /// <param name="bit">The pin's.</param>
            /// <param name="how">0 normal, 1 inverted, 2 low, 3 high.</param>
            public void Set(uint bit, ulong how)
            {
                invert = With(invert, bit, how == 1);
                high = With(high, bit, how == 3);
                pass = With(pass, bit, how <= 1);
            }

            public uint On(uint signal)
            {
                return ((signal ^ invert) & pass) | high;
            }

            private uint invert;
            private uint high;
            private uint pass;
        }
    }

    /// <summary>Who drives pins, or reads them, and does so only when somebody could see it.</summary>
    public interface IRP2040_PinUser
    {
        /// <summary>Live up to now: something is about to change at the pins, or to be read.</summary>
        void BringUpToDate();

        /// <summary>Inputs have changed; with no pin changed, <see cref="RP2040_IOBank.Watched"/> has.</summary>
        void PinsChanged(uint changed, uint inputs);
    }

    /// <summary>One that is exact to the cycle of clk_sys, and knows when something is to be seen of it.</summary>
    public interface IRP2040_CycleUser : IRP2040_PinUser
    {
        ulong NextEvent { get; }

        /// <summary>Live up to <see cref="NextEvent"/>, show what is to be seen, and find the one after it.</summary>
        void Happen();

        /// <summary>Live up to a cycle before which nothing is to be seen.</summary>
        void CatchUp(ulong until);
    }

    /// <summary>The 30 user pins.</summary>
    public class RP2040_IOBank0 : RP2040_IOBank
    {
        public RP2040_IOBank0(IMachine machine, RP2040_PadsBank0 pads) : base(machine, pads, Identity())
        {
        }

        private static int[] Identity()
        {
            var result = new int[30];
            for(var i = 0; i < result.Length; i++)
            {
                result[i] = i;
            }
            return result;
        }
    }

    /// <summary>The flash's pins: SCLK, SS, SD0 to SD3. The BOOTSEL button pulls pin 1 low.</summary>
    public class RP2040_IOQSPI : RP2040_IOBank, IRP2040_ShortWay
    {
        public RP2040_IOQSPI(IMachine machine, RP2040_PadsQSPI pads) : base(machine, pads, new[] { 0, 5, 1, 2, 3, 4 })
        {
        }

        public override void Reset()
        {
            base.Reset();
            // the SSI between two commands: clock low, chip select high
            SetFromFunction(SSIFunction, (1u << ClockPin) | (1u << ChipSelectPin), 1u << ChipSelectPin, uint.MaxValue);
            UpdateChipSelect();
        }

        /// <summary>What is at the pins and what is made of it: software looks around each command to the flash.</summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            var isThere = width == 4 && offset < RegistersOfPins;
            value = isThere ? ReadDoubleWord(offset) : 0;
            return isThere;
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            return false;
        }

        /// <summary>Chip select as software forces it: low, high, or left to the SSI.</summary>
        public RP2040_ChipSelect ChipSelect { get; private set; }

        /// <summary>Whom to tell when chip select is forced or left.</summary>
        public RP2040_SSI Controller { get; set; }

        protected override void ControlWritten(int pin)
        {
            base.ControlWritten(pin);
            if(pin == ChipSelectPin)
            {
                UpdateChipSelect();
            }
        }

        private void UpdateChipSelect()
        {
            var forced = OutputOverride(ChipSelectPin);
            ChipSelect = forced == 2 ? RP2040_ChipSelect.ForcedLow : forced == 3 ? RP2040_ChipSelect.ForcedHigh : RP2040_ChipSelect.Automatic;
            if(Controller != null)
            {
                Controller.ChipSelectChanged();
            }
        }

        private const uint SSIFunction = 0;
        private const int ClockPin = 0;
        private const int ChipSelectPin = 1;
        private const uint RegistersOfPins = 8 * 6;
    }

    public enum RP2040_ChipSelect
    {
        Automatic,
        ForcedLow,
        ForcedHigh,
    }
}
