using System;
using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Pulse width modulation (datasheet 4.5): eight slices. Output n is the data request of slice n, a pulse at each wrap
    /// that DMA waits for.
    /// </summary>
    /// <remarks>
    /// Counters are computed when somebody looks. Events are the cycles at which a watched output changes, an enabled
    /// interrupt is raised, or DMA waits for a wrap.
    /// </remarks>
    public class RP2040_PWM : RP2040_Peripheral, INumberedGPIOOutput, IRP2040_CycleUser
    {
        public RP2040_PWM(IMachine machine, RP2040_IOBank0 pins, RP2040_DMA dma = null, RP2040_Clocks clocks = null) : base(machine)
        {
            this.pins = pins;
            this.dma = dma;
            IRQ = new GPIO();
            var lines = new Dictionary<int, IGPIO>();
            slices = new RP2040_PWM_Slice[NumberOfSlices];
            for(var i = 0; i < NumberOfSlices; i++)
            {
                lines[i] = new GPIO();
                slices[i] = new RP2040_PWM_Slice();
            }
            Connections = lines;
            timer = new RP2040_CycleTimer(machine, pins.CycleClock(clocks), this, "slices", Due);
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
            time = timer.Now;
            raw = 0;
            foreach(var slice in slices)
            {
                slice.Reset();
            }
            Changed();
        }

        public void BringUpToDate()
        {
            if(!busy)
            {
                AdvanceTo(timer.Now);
            }
        }

        public void Happen()
        {
            CatchUp(NextEvent);
            Plan();
        }

        public void PinsChanged(uint changed, uint inputs)
        {
            AdvanceTo(pins.Moment != RP2040_CycleTimer.Never ? pins.Moment : timer.Now);
            var counts = false;
            for(var i = 0; i < NumberOfSlices; i++)
            {
                var slice = slices[i];
                var before = slice.Input;
                slice.Input = InputOf(i, inputs);
                if(before == slice.Input || !slice.Counts)
                {
                    continue;
                }
                counts = true;
                if(slice.Mode == (slice.Input ? RP2040_PWM_Slice.DivideMode.Rise : RP2040_PWM_Slice.DivideMode.Fall))
                {
                    Drive(i, 1);
                }
            }
            if(counts)
            {
                Changed();
            }
            else
            {
                PlanAgain();
            }
        }

        public ulong NextEvent { get; private set; } = RP2040_CycleTimer.Never;
        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }
        public GPIO IRQ { get; private set; }

        protected override uint ReadRegister(long register)
        {
            BringUpToDate();
            return base.ReadRegister(register);
        }

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            BringUpToDate();
            base.WriteRegister(register, operation, mask);
            Changed();
        }

        private void DefineRegisters()
        {
            for(var i = 0; i < NumberOfSlices; i++)
            {
                var index = i;
                var slice = slices[i];
                var first = SliceStride * i;
                RegistersCollection.DefineRegister((long)Registers.CH0_CSR + first)
                    .WithFlag(0, valueProviderCallback: _ => slice.Enabled, writeCallback: (_, value) => SetEnabled(index, value), name: "EN")
                    .WithFlag(1, valueProviderCallback: _ => slice.PhaseCorrect, writeCallback: (_, value) => SetPhaseCorrect(slice, value), name: "PH_CORRECT")
                    .WithFlag(2, valueProviderCallback: _ => slice.InvertA, writeCallback: (_, value) => slice.InvertA = value, name: "A_INV")
                    .WithFlag(3, valueProviderCallback: _ => slice.InvertB, writeCallback: (_, value) => slice.InvertB = value, name: "B_INV")
                    .WithValueField(4, 2, valueProviderCallback: _ => (ulong)slice.Mode, writeCallback: (_, value) => SetMode(index, (uint)value), name: "DIVMODE")
                    .WithFlag(6, FieldMode.Write, writeCallback: (_, value) => { if(value && slice.Enabled) slice.Retard(); }, name: "PH_RET")
                    .WithFlag(7, FieldMode.Write, writeCallback: (_, value) => { if(value && slice.Enabled) Count(index); }, name: "PH_ADV")
                    .WithReservedBits(8, 24);
                RegistersCollection.DefineRegister((long)Registers.CH0_DIV + first)
                    .WithValueField(0, 12, valueProviderCallback: _ => slice.Divisor, writeCallback: (_, value) => slice.Divisor = (uint)value, name: "FRAC, INT")
                    .WithReservedBits(12, 20);
                RegistersCollection.DefineRegister((long)Registers.CH0_CTR + first)
                    .WithValueField(0, 16, valueProviderCallback: _ => slice.Counter, writeCallback: (_, value) => slice.Counter = (uint)value, name: "CTR")
                    .WithReservedBits(16, 16)
                    .WithWriteCallback((_, __) => TakeOver(slice));
                RegistersCollection.DefineRegister((long)Registers.CH0_CC + first)
                    .WithValueField(0, 32, valueProviderCallback: _ => slice.Compare, writeCallback: (_, value) => slice.Compare = (uint)value, name: "A, B")
                    .WithWriteCallback((_, __) => TakeOver(slice));
                RegistersCollection.DefineRegister((long)Registers.CH0_TOP + first)
                    .WithValueField(0, 16, valueProviderCallback: _ => slice.Top, writeCallback: (_, value) => slice.Top = (uint)value, name: "TOP")
                    .WithReservedBits(16, 16)
                    .WithWriteCallback((_, __) => TakeOver(slice));
            }
            Registers.EN.Define(this)
                .WithValueField(0, NumberOfSlices, valueProviderCallback: _ => EnabledSlices, writeCallback: (_, value) => SetEnabled((uint)value), name: "CH0 to CH7")
                .WithReservedBits(NumberOfSlices, 24);
            Registers.INTR.Define(this)
                .WithValueField(0, NumberOfSlices, valueProviderCallback: _ => raw, writeCallback: (_, value) => raw &= ~(uint)value, name: "INTR")
                .WithReservedBits(NumberOfSlices, 24);
            Strobe(Registers.INTR);
            Registers.INTE.Define(this)
                .WithValueField(0, NumberOfSlices, out interruptEnable, name: "INTE")
                .WithReservedBits(NumberOfSlices, 24);
            Registers.INTF.Define(this)
                .WithValueField(0, NumberOfSlices, out interruptForce, name: "INTF")
                .WithReservedBits(NumberOfSlices, 24);
            Registers.INTS.Define(this)
                .WithValueField(0, NumberOfSlices, FieldMode.Read, valueProviderCallback: _ => Status, name: "INTS")
                .WithReservedBits(NumberOfSlices, 24);
        }

        private void SetEnabled(uint mask)
        {
            for(var i = 0; i < NumberOfSlices; i++)
            {
                SetEnabled(i, (mask >> i & 1) != 0);
            }
        }

        private void SetEnabled(int index, bool value)
        {
            var slice = slices[index];
            if(value && !slice.Enabled)
            {
                slice.TakeOver();
                slice.Start();
                slice.Input = InputOf(index, pins.InputsBefore);
            }
            slice.Enabled = value;
        }

        private void SetMode(int index, uint value)
        {
            slices[index].Mode = (RP2040_PWM_Slice.DivideMode)value;
            slices[index].Input = InputOf(index, pins.InputsBefore);
        }

        private static void SetPhaseCorrect(RP2040_PWM_Slice slice, bool value)
        {
            slice.PhaseCorrect = value;
            if(!value)
            {
                slice.CountUp();
            }
        }

        private static void TakeOver(RP2040_PWM_Slice slice)
        {
            if(!slice.Enabled)
            {
                slice.TakeOver();
            }
        }

        private uint EnabledSlices
        {
            get
            {
                uint result = 0;
                for(var i = 0; i < NumberOfSlices; i++)
                {
                    result |= slices[i].Enabled ? 1u << i : 0;
                }
                return result;
            }
        }

        // Time

        private void AdvanceTo(ulong now)
        {
            if(busy || time >= now)
            {
                return;
            }
            pins.Live(this, now);
        }

        public void CatchUp(ulong until)
        {
            if(time >= until)
            {
                return;
            }
            busy = true;
            var runs = false;
            for(var i = 0; i < NumberOfSlices; i++)
            {
                if(slices[i].RunsFreely)
                {
                    Drive(i, until - time);
                    runs = true;
                }
            }
            time = until;
            if(!runs)
            {
                busy = false;
                return;
            }
            ShowPins();
            ShowRequests();
            busy = false;
        }

        private void Drive(int index, ulong pulses)
        {
            bool wrap;
            both |= slices[index].Drive(pulses, out wrap) << (2 * index);
            NoteWrap(index, wrap);
        }

        private void Count(int index)
        {
            bool wrap;
            both |= slices[index].Count(1, out wrap) << (2 * index);
            NoteWrap(index, wrap);
        }

        private void NoteWrap(int index, bool wrap)
        {
            if(wrap)
            {
                wrapped |= 1u << index;
                raw |= 1u << index;
            }
        }

        private void Due()
        {
            timer.Called();
            AdvanceTo(timer.Now);
            timer.CallAt(NextEvent);
        }

        private void Plan()
        {
            uint counted = 0;
            watched = WatchedOutputs;
            selected = pins.PinsOf(Function);
            listened = ListenedWraps;
            NextEvent = RP2040_CycleTimer.Never;
            for(var i = 0; i < NumberOfSlices; i++)
            {
                var slice = slices[i];
                if(slice.Counts)
                {
                    counted |= 2u << (2 * i);
                }
                if(!slice.RunsFreely)
                {
                    continue;
                }
                if((watched >> (2 * i) & 3) != 0)
                {
                    NextEvent = Math.Min(NextEvent, time + slice.CyclesTo(slice.NextEdge));
                }
                else if(((listened | ((uint)interruptEnable.Value & ~raw)) >> i & 1) != 0)
                {
                    NextEvent = Math.Min(NextEvent, time + slice.CyclesTo(slice.Period));
                }
            }
            pins.Watch(this, Twice(counted) & selected);
            timer.CallAt(NextEvent);
        }

        private void PlanAgain()
        {
            BringUpToDate();
            if(watched != WatchedOutputs || selected != pins.PinsOf(Function) || listened != ListenedWraps)
            {
                Plan();
            }
        }

        private void Changed()
        {
            ShowPins();
            ShowRequests();
            Plan();
        }

        private uint WatchedOutputs
        {
            get
            {
                var own = pins.PinsOf(Function);
                var mask = pins.WatchedBesides(this, own) | (pins.Recorded & own);
                return (mask | mask >> PinsInTurn) & 0xFFFF;
            }
        }

        private uint ListenedWraps { get { return dma != null ? (uint)(dma.Listened >> FirstRequest) & 0xFF : 0; } }

        // What others see

        private void ShowPins()
        {
            uint outputs = 0;
            uint enables = 0;
            uint constant = 0;
            for(var i = 0; i < NumberOfSlices; i++)
            {
                outputs |= slices[i].Outputs << (2 * i);
                enables |= (slices[i].Mode == RP2040_PWM_Slice.DivideMode.FreeRunning ? 3u : 1u) << (2 * i); // B is an output unless it is counted
                constant |= slices[i].Constant << (2 * i);
            }
            var elsewhere = Twice(both & ~constant) & pins.PinsOf(Function) & ~pins.SeenBothEdges;
            both = 0;
            var before = pins.Moment;
            pins.Moment = time;
            if(elsewhere != 0)
            {
                pins.SetFromFunction(Function, uint.MaxValue, Twice(outputs), Twice(enables));
                pins.SetFromFunction(Function, uint.MaxValue, Twice(outputs) ^ elsewhere, Twice(enables));
            }
            pins.SetFromFunction(Function, uint.MaxValue, Twice(outputs), Twice(enables));
            pins.Moment = before;
        }

        private void ShowRequests()
        {
            var pulses = wrapped;
            wrapped = 0;
            IRQ.Set(Status != 0);
            for(var i = 0; i < NumberOfSlices; i++)
            {
                if((pulses >> i & 1) != 0)
                {
                    Connections[i].Blink();
                }
            }
        }

        private uint Status { get { return (raw & (uint)interruptEnable.Value) | (uint)interruptForce.Value; } }

        /// <summary>What B of a slice shows: of either of its pins.</summary>
        private bool InputOf(int index, uint inputs)
        {
            return (Twice(2u << (2 * index)) & pins.PinsOf(Function) & inputs) != 0;
        }

        /// <summary>Both pins on which an output can be: GPIO16 has that of GPIO0 again.</summary>
        private static uint Twice(uint outputs)
        {
            return (outputs | outputs << PinsInTurn) & AllPins;
        }

        private ulong time;
        private bool busy;
        private uint raw;
        private uint wrapped;
        private uint both;
        private uint watched;
        private uint selected;
        private uint listened;
        private IValueRegisterField interruptEnable;
        private IValueRegisterField interruptForce;

        private readonly RP2040_IOBank0 pins;
        private readonly RP2040_DMA dma;
        private readonly RP2040_PWM_Slice[] slices;
        private readonly RP2040_CycleTimer timer;

        private const int NumberOfSlices = 8;
        private const int SliceStride = 0x14;
        private const int PinsInTurn = 16;
        private const int FirstRequest = 24;
        private const uint AllPins = 0x3FFFFFFF;
        private const uint Function = 4;

        // the names of the pico-sdk's header
        private enum Registers
        {
            CH0_CSR = 0x000,
            CH0_DIV = 0x004,
            CH0_CTR = 0x008,
            CH0_CC = 0x00C,
            CH0_TOP = 0x010,
            EN = 0x0A0,
            INTR = 0x0A4,
            INTE = 0x0A8,
            INTF = 0x0AC,
            INTS = 0x0B0,
        }
    }
}
