using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Clock generators, frequency counter and resuscitation (datasheet 2.15). A multiplexer switches at once; frequencies follow from
    /// the registers here and from oscillators and PLLs, and everything that has a clock follows them.
    /// </summary>
    public class RP2040_Clocks : RP2040_Peripheral
    {
        public RP2040_Clocks(IMachine machine, RP2040_ROSC rosc, RP2040_XOSC xosc, RP2040_PLL pllSys, RP2040_PLL pllUsb,
            RP2040_IOBank0 pins = null) : base(machine)
        {
            this.rosc = rosc;
            this.xosc = xosc;
            this.pllSys = pllSys;
            this.pllUsb = pllUsb;
            this.pins = pins;
            IRQ = new GPIO();
            generators = new Generator[NumberOfGenerators];
            frequencies = new uint[NumberOfGenerators];
            inputs = new uint[InputPins.Length];
            counting = new RP2040_Pace(machine, this, "counter", Counted);
            resuscitation = new RP2040_Pace(machine, this, "resuscitation", Resuscitate);
            Lacks("WAKE_EN and SLEEP_EN stop nothing");
            Lacks("PHASE, NUDGE and DC50 have no effect");
            Lacks("outputs faster than 100 kHz stay low at their pins");
            DefineRegisters();
            base.Reset();
            outputs = new RP2040_ClockOutput[pins == null ? 0 : NumberOfOutputs];
            for(var i = 0; i < outputs.Length; i++)
            {
                outputs[i] = new RP2040_ClockOutput(machine, this, pins, i);
            }
            foreach(var source in new RP2040_ClockSource[] { rosc, xosc, pllSys, pllUsb })
            {
                source.Changed += Update;
            }
            if(pins != null)
            {
                pins.Selected += PinSelected;
            }
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            counting.Stop();
            resuscitation.Stop();
            resuscitated = false;
            countedStatus = countedFrequency = 0;
            UpdateInterrupt();
            Update();
        }

        /// <summary>Hz of one of the generated clocks as its registers say; 0 when it is stopped.</summary>
        public uint FrequencyOf(RP2040_Clock clock)
        {
            return frequencies[(int)clock];
        }

        /// <summary>An oscillator outside makes a clock of so many Hz at a pin (CLK_GPIN0: GPIO20, CLK_GPIN1: GPIO22); 0: none.</summary>
        public void SetInput(int pin, uint hertz)
        {
            var number = Array.IndexOf(InputPins, pin);
            if(number < 0)
            {
                throw new RecoverableException("GPIO{0} is no clock input: these are GPIO20 and GPIO22".FormatWith(pin));
            }
            inputs[number] = hertz;
            Update();
        }

        public uint Reference { get { return FrequencyOf(RP2040_Clock.Reference); } }
        public uint System { get { return FrequencyOf(RP2040_Clock.System); } }
        public uint Peripheral { get { return FrequencyOf(RP2040_Clock.Peripheral); } }
        public uint USB { get { return FrequencyOf(RP2040_Clock.USB); } }
        public uint ADC { get { return FrequencyOf(RP2040_Clock.ADC); } }
        public uint RTC { get { return FrequencyOf(RP2040_Clock.RTC); } }

        /// <summary>Whether clk_sys stands still and nothing will bring it back but a reset.</summary>
        public bool HasStopped { get { return System == 0 && !resuscitation.Running && !rosc.IsDormant && !xosc.IsDormant; } }

        public GPIO IRQ { get; private set; }

        /// <summary>One of the frequencies is another one.</summary>
        public event Action Changed;

        /// <summary>FUNCSEL of a clock's pin.</summary>
        public const uint PinFunction = 8;

        // Generators

        private void Update()
        {
            var changed = false;
            // each after the ones that it may be made of
            for(var i = 0; i < Order.Length; i++)
            {
                var clock = Order[i];
                var frequency = Divided(generators[(int)clock], SourceOf(clock, generators[(int)clock]));
                changed |= frequency != frequencies[(int)clock];
                if(clock == RP2040_Clock.System && frequency != System)
                {
                    SystemChanges(frequency);
                }
                frequencies[(int)clock] = frequency;
            }
            UpdateOutputs();
            var handler = Changed;
            if(changed && handler != null)
            {
                handler();
            }
        }

        private static uint Divided(Generator generator, uint source)
        {
            ulong divisor = generator.Divisor == null ? 1 << 8 : generator.Divisor.Value;
            if(divisor < (1 << 8))
            {
                // an integer part of 0 stands for 2^16 (for the clocks with a fraction)
                divisor |= 1 << 24;
            }
            // slower than 1 Hz is not standing still
            return source == 0 ? 0 : (uint)Math.Max(1, ((ulong)source << 8) / divisor);
        }

        private uint SourceOf(RP2040_Clock clock, Generator generator)
        {
            switch(clock)
            {
            case RP2040_Clock.Reference:
                switch(generator.Source.Value)
                {
                case 0:
                    return rosc.Frequency;
                case 1:
                    return Pick(generator, pllUsb.Frequency, Input(0), Input(1));
                case 2:
                    return xosc.Frequency;
                default:
                    return 0;
                }
            case RP2040_Clock.System:
                if(generator.Source.Value == 0 || resuscitated)
                {
                    return Reference;
                }
                return Pick(generator, pllSys.Frequency, pllUsb.Frequency, rosc.Frequency, xosc.Frequency, Input(0), Input(1));
            }
            if(!generator.Enable.Value || generator.Kill.Value)
            {
                return 0;
            }
            switch(clock)
            {
            case RP2040_Clock.Peripheral:
                return Pick(generator, System, pllSys.Frequency, pllUsb.Frequency, rosc.Frequency, xosc.Frequency, Input(0), Input(1));
            case RP2040_Clock.USB:
            case RP2040_Clock.ADC:
            case RP2040_Clock.RTC:
                return Pick(generator, pllUsb.Frequency, pllSys.Frequency, rosc.Frequency, xosc.Frequency, Input(0), Input(1));
            default:
                return Pick(generator, pllSys.Frequency, Input(0), Input(1), pllUsb.Frequency, rosc.Frequency, xosc.Frequency,
                    System, USB, ADC, RTC, Reference);
            }
        }

        private static uint Pick(Generator generator, params uint[] sources)
        {
            return At(sources, generator.Auxiliary.Value);
        }

        private static uint At(uint[] sources, ulong index)
        {
            return index < (ulong)sources.Length ? sources[index] : 0;
        }

        /// <summary>What comes in at a pin whose FUNCSEL lets it.</summary>
        private uint Input(int number)
        {
            return pins != null && pins.FunctionOf(InputPins[number]) == PinFunction ? inputs[number] : 0;
        }

        private void SystemChanges(uint frequency)
        {
            resuscitation.Stop();
            if(frequency == 0 && resusEnable.Value && Reference != 0)
            {
                resuscitation.Start(2 * Math.Max(1, resusTimeout.Value), Reference);
            }
        }

        private void PinSelected(int pin)
        {
            if(Array.IndexOf(InputPins, pin) >= 0)
            {
                Update();
            }
            else
            {
                UpdateOutputs();
            }
        }

        private void UpdateOutputs()
        {
            if(outputs == null)
            {
                return;
            }
            for(var i = 0; i < outputs.Length; i++)
            {
                if(!outputs[i].Update(frequencies[i]))
                {
                    NoteUnmodelled("outputs faster than 100 kHz stay low at their pins");
                }
            }
        }

        // Resuscitation: clk_sys from clk_ref when it has stopped (2.15.5)

        private void ResuscitationWritten(bool clear, bool forced)
        {
            if(clear)
            {
                resuscitated = false;
                Update();
                UpdateInterrupt();
            }
            else if(forced)
            {
                Resuscitate();
            }
        }

        private void Resuscitate()
        {
            resuscitated = true;
            Update();
            UpdateInterrupt();
        }

        private bool Status { get { return (resuscitated && interruptEnable.Value) || interruptForce.Value; } }

        private void UpdateInterrupt()
        {
            IRQ.Set(Status);
        }

        // The frequency counter (2.15.6)

        private void Count(ulong source)
        {
            counting.Stop();
            countedStatus = 0;
            if(source != 0)
            {
                counting.Start(1ul << (int)interval.Value, MicrosecondsPerSecond);
            }
        }

        private void Counted()
        {
            var hertz = At(new uint[]
            {
                0, pllSys.Frequency, pllUsb.Frequency, rosc.Frequency, rosc.Frequency, xosc.Frequency, Input(0), Input(1),
                Reference, System, Peripheral, USB, ADC, RTC,
            }, counterSource.Value);
            // it counts during a number of cycles of clk_ref, and takes those for as long as FC0_REF_KHZ says they are
            var scaled = (ulong)hertz << FractionBits;
            var kilohertz = Reference != 0 && reference.Value != 0 ? Scale(scaled, reference.Value, Reference) : scaled / 1000;
            countedFrequency = (uint)Math.Min(kilohertz, 0x3FFFFFFF);
            countedStatus = Done;
            if(kilohertz >> FractionBits < minimum.Value)
            {
                countedStatus |= Slow;
            }
            if(kilohertz >> FractionBits > maximum.Value)
            {
                countedStatus |= Fast;
            }
            countedStatus |= (countedStatus & (Slow | Fast)) != 0 ? Fail : Pass;
            if(hertz == 0)
            {
                countedStatus |= Died;
            }
        }

        private static ulong Scale(ulong value, ulong factor, ulong divisor)
        {
            return value / divisor * factor + value % divisor * factor / divisor;
        }

        private void DefineRegisters()
        {
            for(var i = 0; i < NumberOfGenerators; i++)
            {
                DefineGenerator((RP2040_Clock)i);
            }

            IFlagRegisterField clear = null, forced = null;
            Registers.ResusControl.Define(this, 0xFF)
                .WithValueField(0, 8, out resusTimeout, name: "TIMEOUT")
                .WithFlag(8, out resusEnable, name: "ENABLE")
                .WithReservedBits(9, 3)
                .WithFlag(12, out forced, name: "FRCE")
                .WithReservedBits(13, 3)
                .WithFlag(16, out clear, name: "CLEAR")
                .WithReservedBits(17, 15)
                .WithWriteCallback((_, __) => ResuscitationWritten(clear.Value, forced.Value));
            Registers.ResusStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => resuscitated, name: "RESUSSED")
                .WithReservedBits(1, 31);

            Registers.CounterReference.Define(this).WithValueField(0, 20, out reference, name: "FC0_REF_KHZ").WithReservedBits(20, 12);
            Registers.CounterMinimum.Define(this).WithValueField(0, 25, out minimum, name: "FC0_MIN_KHZ").WithReservedBits(25, 7);
            Registers.CounterMaximum.Define(this, 0x1FFFFFF).WithValueField(0, 25, out maximum, name: "FC0_MAX_KHZ").WithReservedBits(25, 7);
            Registers.CounterDelay.Define(this, 1).WithValueField(0, 3, name: "FC0_DELAY").WithReservedBits(3, 29);
            Registers.CounterInterval.Define(this, 8).WithValueField(0, 4, out interval, name: "FC0_INTERVAL").WithReservedBits(4, 28);
            Registers.CounterSource.Define(this)
                .WithValueField(0, 8, out counterSource, name: "FC0_SRC").WithReservedBits(8, 24)
                .WithWriteCallback((_, value) => Count(value));
            // PASS, DONE, RUNNING, WAITING, FAIL, SLOW, FAST, DIED, four bits apart
            Registers.CounterStatus.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => counting.Running ? Running : countedStatus, name: "FC0_STATUS");
            Registers.CounterResult.Define(this)
                .WithValueField(0, 30, FieldMode.Read, valueProviderCallback: _ => countedFrequency, name: "KHZ, FRAC")
                .WithReservedBits(30, 2);

            IValueRegisterField wake0 = null, wake1 = null;
            Registers.WakeEnable0.Define(this, 0xFFFFFFFF).WithValueField(0, 32, out wake0, name: "WAKE_EN0");
            Registers.WakeEnable1.Define(this, 0x7FFF).WithValueField(0, 15, out wake1, name: "WAKE_EN1").WithNoBits(15, 17);
            Registers.SleepEnable0.Define(this, 0xFFFFFFFF).WithValueField(0, 32, name: "SLEEP_EN0");
            Registers.SleepEnable1.Define(this, 0x7FFF).WithValueField(0, 15, name: "SLEEP_EN1").WithNoBits(15, 17);
            Registers.Enabled0.Define(this).WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => wake0.Value, name: "ENABLED0");
            Registers.Enabled1.Define(this)
                .WithValueField(0, 15, FieldMode.Read, valueProviderCallback: _ => wake1.Value, name: "ENABLED1").WithReservedBits(15, 17);

            Registers.InterruptRaw.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => resuscitated, name: "CLK_SYS_RESUS").WithReservedBits(1, 31);
            Registers.InterruptEnable.Define(this)
                .WithFlag(0, out interruptEnable, name: "CLK_SYS_RESUS").WithReservedBits(1, 31)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptForce.Define(this)
                .WithFlag(0, out interruptForce, name: "CLK_SYS_RESUS").WithReservedBits(1, 31)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => Status, name: "CLK_SYS_RESUS").WithReservedBits(1, 31);
        }

        private void DefineGenerator(RP2040_Clock clock)
        {
            var generator = new Generator();
            generators[(int)clock] = generator;
            var address = 12 * (long)clock;
            var control = RegistersCollection.DefineRegister(address);
            ulong oneHot = 1;
            switch(clock)
            {
            case RP2040_Clock.Reference:
                // the SDK sets an ENABLE bit here, too, which only the other clocks have
                control.WithValueField(0, 2, out generator.Source, name: "SRC")
                    .WithReservedBits(2, 3)
                    .WithValueField(5, 2, out generator.Auxiliary, name: "AUXSRC")
                    .WithNoBits(7, 25);
                break;
            case RP2040_Clock.System:
                control.WithValueField(0, 1, out generator.Source, name: "SRC")
                    .WithReservedBits(1, 4)
                    .WithValueField(5, 3, out generator.Auxiliary, name: "AUXSRC")
                    .WithNoBits(8, 24);
                break;
            default:
                control.WithReservedBits(0, 5)
                    .WithValueField(5, clock < RP2040_Clock.Reference ? 4 : 3, out generator.Auxiliary, name: "AUXSRC");
                if(clock >= RP2040_Clock.Reference)
                {
                    control.WithReservedBits(8, 1);
                }
                control.WithReservedBits(9, 1)
                    .WithFlag(10, out generator.Kill, name: "KILL")
                    .WithFlag(11, out generator.Enable, name: "ENABLE")
                    .WithFlag(12, name: "DC50")
                    .WithReservedBits(13, 3)
                    .WithValueField(16, 2, name: "PHASE")
                    .WithReservedBits(18, 2)
                    .WithFlag(20, name: "NUDGE")
                    .WithReservedBits(21, 11);
                break;
            }
            control.WithWriteCallback((_, __) => Update());

            if(clock == RP2040_Clock.Peripheral)
            {
                // clk_peri has no divider; the SDK goes through the motions for every clock
                RegistersCollection.DefineRegister(address + 4).WithValueField(0, 32, valueProviderCallback: _ => 0, name: "DIV");
            }
            else
            {
                var divider = RegistersCollection.DefineRegister(address + 4, 0x100);
                if(clock == RP2040_Clock.Reference || clock == RP2040_Clock.USB || clock == RP2040_Clock.ADC)
                {
                    // the field begins at bit 8: an integer without a fraction
                    divider.WithValueField(0, 10, out generator.Divisor, name: "INT").WithReservedBits(10, 22);
                }
                else
                {
                    divider.WithValueField(0, 32, out generator.Divisor, name: "INT, FRAC");
                }
                divider.WithWriteCallback((_, __) => Update());
            }

            RegistersCollection.DefineRegister(address + 8)
                .WithValueField(0, 32, FieldMode.Read, name: "SELECTED",
                    valueProviderCallback: _ => generator.Source == null || (clock == RP2040_Clock.System && resuscitated)
                        ? oneHot : oneHot << (int)generator.Source.Value);
        }

        private IValueRegisterField resusTimeout;
        private IFlagRegisterField resusEnable;
        private IValueRegisterField reference;
        private IValueRegisterField minimum;
        private IValueRegisterField maximum;
        private IValueRegisterField interval;
        private IValueRegisterField counterSource;
        private IFlagRegisterField interruptEnable;
        private IFlagRegisterField interruptForce;
        private bool resuscitated;
        private uint countedStatus;
        private uint countedFrequency;

        private readonly Generator[] generators;
        /// <summary>Hz, by <see cref="RP2040_Clock"/>.</summary>
        private readonly uint[] frequencies;
        /// <summary>Hz of what is at the clock inputs' pins.</summary>
        private readonly uint[] inputs;
        private readonly RP2040_ClockOutput[] outputs;
        private readonly RP2040_Pace counting;
        private readonly RP2040_Pace resuscitation;
        private readonly RP2040_ROSC rosc;
        private readonly RP2040_XOSC xosc;
        private readonly RP2040_PLL pllSys;
        private readonly RP2040_PLL pllUsb;
        private readonly RP2040_IOBank0 pins;

        private static readonly RP2040_Clock[] Order =
        {
            RP2040_Clock.Reference, RP2040_Clock.System, RP2040_Clock.Peripheral, RP2040_Clock.USB, RP2040_Clock.ADC, RP2040_Clock.RTC,
            RP2040_Clock.Output0, RP2040_Clock.Output1, RP2040_Clock.Output2, RP2040_Clock.Output3,
        };
        /// <summary>Of CLK_GPIN0 and CLK_GPIN1 (2.19.2).</summary>
        private static readonly int[] InputPins = { 20, 22 };

        private const int NumberOfGenerators = 10;
        private const int NumberOfOutputs = 4;
        private const ulong MicrosecondsPerSecond = 1000000;
        /// <summary>Of FC0_RESULT.KHZ, behind the point.</summary>
        private const int FractionBits = 5;
        private const uint Pass = 1 << 0;
        private const uint Done = 1 << 4;
        private const uint Running = 1 << 8;
        private const uint Fail = 1 << 16;
        private const uint Slow = 1 << 20;
        private const uint Fast = 1 << 24;
        private const uint Died = 1 << 28;

        private class Generator
        {
            public IValueRegisterField Source;
            public IValueRegisterField Auxiliary;
            public IValueRegisterField Divisor;
            public IFlagRegisterField Enable;
            public IFlagRegisterField Kill;
        }

        // the ten generators' CTRL, DIV and SELECTED lie from 0x00 on, twelve bytes each, in the order of RP2040_Clock
        private enum Registers
        {
            ResusControl = 0x78,
            ResusStatus = 0x7C,
            CounterReference = 0x80,
            CounterMinimum = 0x84,
            CounterMaximum = 0x88,
            CounterDelay = 0x8C,
            CounterInterval = 0x90,
            CounterSource = 0x94,
            CounterStatus = 0x98,
            CounterResult = 0x9C,
            WakeEnable0 = 0xA0,
            WakeEnable1 = 0xA4,
            SleepEnable0 = 0xA8,
            SleepEnable1 = 0xAC,
            Enabled0 = 0xB0,
            Enabled1 = 0xB4,
            InterruptRaw = 0xB8,
            InterruptEnable = 0xBC,
            InterruptForce = 0xC0,
            InterruptStatus = 0xC4,
        }
    }

    /// <summary>The generated clocks, in the order of their registers.</summary>
    public enum RP2040_Clock
    {
        Output0 = 0,
        Output1 = 1,
        Output2 = 2,
        Output3 = 3,
        Reference = 4,
        System = 5,
        Peripheral = 6,
        USB = 7,
        ADC = 8,
        RTC = 9,
    }
}
