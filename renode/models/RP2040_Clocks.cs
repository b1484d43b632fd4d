using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Clock generators and frequency counter (datasheet 2.15). A multiplexer switches at once; frequencies follow from
    /// the oscillators' and PLLs' registers. The rate at which the cores execute does not follow clk_sys: that is
    /// the cpu's PerformanceInMips, one dial.
    /// </summary>
    public class RP2040_Clocks : RP2040_Peripheral
    {
        public RP2040_Clocks(IMachine machine, RP2040_ROSC rosc, RP2040_XOSC xosc, RP2040_PLL pllSys, RP2040_PLL pllUsb) : base(machine)
        {
            this.rosc = rosc;
            this.xosc = xosc;
            this.pllSys = pllSys;
            this.pllUsb = pllUsb;
            IRQ = new GPIO();
            generators = new Generator[NumberOfGenerators];
            Lacks("CLK_SYS_RESUS_CTRL.FRCE");
            DefineRegisters();
            Reset();
        }

        /// <summary>Hz of one of the generated clocks as its registers say; 0 when it is stopped.</summary>
        public uint FrequencyOf(RP2040_Clock clock)
        {
            var generator = generators[(int)clock];
            ulong source = SourceOf(clock, generator);
            var divisor = generator.Divisor == null ? 1 << 8 : generator.Divisor.Value;
            if(divisor < (1 << 8))
            {
                // an integer part of 0 stands for 2^16 (for the clocks with a fraction)
                divisor |= 1 << 24;
            }
            return (uint)((source << 8) / divisor);
        }

        public uint Reference { get { return FrequencyOf(RP2040_Clock.Reference); } }
        public uint System { get { return FrequencyOf(RP2040_Clock.System); } }
        public uint Peripheral { get { return FrequencyOf(RP2040_Clock.Peripheral); } }
        public uint USB { get { return FrequencyOf(RP2040_Clock.USB); } }
        public uint ADC { get { return FrequencyOf(RP2040_Clock.ADC); } }
        public uint RTC { get { return FrequencyOf(RP2040_Clock.RTC); } }

        public GPIO IRQ { get; private set; }

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
                    return generator.Auxiliary.Value == 0 ? pllUsb.Frequency : 0;
                default:
                    return xosc.Frequency;
                }
            case RP2040_Clock.System:
                if(generator.Source.Value == 0)
                {
                    return Reference;
                }
                return Pick(generator.Auxiliary.Value, pllSys.Frequency, pllUsb.Frequency, rosc.Frequency, xosc.Frequency);
            }
            if(!generator.Enable.Value)
            {
                return 0;
            }
            switch(clock)
            {
            case RP2040_Clock.Peripheral:
                return Pick(generator.Auxiliary.Value, System, pllSys.Frequency, pllUsb.Frequency, rosc.Frequency, xosc.Frequency);
            case RP2040_Clock.USB:
            case RP2040_Clock.ADC:
            case RP2040_Clock.RTC:
                return Pick(generator.Auxiliary.Value, pllUsb.Frequency, pllSys.Frequency, rosc.Frequency, xosc.Frequency);
            default:
                return Pick(generator.Auxiliary.Value, pllSys.Frequency, 0, 0, pllUsb.Frequency, rosc.Frequency, xosc.Frequency,
                    System, USB, ADC, RTC, Reference);
            }
        }

        private static uint Pick(ulong index, params uint[] sources)
        {
            // what is left is the clock inputs on pins, at which nothing is connected
            return index < (ulong)sources.Length ? sources[index] : 0;
        }

        private uint CountedFrequency(ulong source)
        {
            return Pick(source, 0, pllSys.Frequency, pllUsb.Frequency, rosc.Frequency, rosc.Frequency, xosc.Frequency, 0, 0,
                Reference, System, Peripheral, USB, ADC, RTC);
        }

        private void DefineRegisters()
        {
            for(var i = 0; i < NumberOfGenerators; i++)
            {
                DefineGenerator((RP2040_Clock)i);
            }

            Registers.ResusControl.Define(this, 0xFF)
                .WithValueField(0, 8, name: "TIMEOUT")
                .WithFlag(8, name: "ENABLE")
                .WithReservedBits(9, 3)
                .WithFlag(12, writeCallback: (_, value) => { if(value) NoteUnmodelled("CLK_SYS_RESUS_CTRL.FRCE"); }, name: "FRCE")
                .WithReservedBits(13, 3)
                .WithFlag(16, name: "CLEAR")
                .WithReservedBits(17, 15);
            Registers.ResusStatus.Define(this)
                .WithFlag(0, FieldMode.Read, name: "RESUSSED")
                .WithReservedBits(1, 31);

            Registers.CounterReference.Define(this).WithValueField(0, 20, name: "FC0_REF_KHZ").WithReservedBits(20, 12);
            Registers.CounterMinimum.Define(this).WithValueField(0, 25, out minimum, name: "FC0_MIN_KHZ").WithReservedBits(25, 7);
            Registers.CounterMaximum.Define(this, 0x1FFFFFF).WithValueField(0, 25, out maximum, name: "FC0_MAX_KHZ").WithReservedBits(25, 7);
            Registers.CounterDelay.Define(this, 1).WithValueField(0, 3, name: "FC0_DELAY").WithReservedBits(3, 29);
            Registers.CounterInterval.Define(this, 8).WithValueField(0, 4, name: "FC0_INTERVAL").WithReservedBits(4, 28);
            Registers.CounterSource.Define(this).WithValueField(0, 8, out counterSource, name: "FC0_SRC").WithReservedBits(8, 24);
            Registers.CounterStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => Counting && !TooSlow && !TooFast, name: "PASS")
                .WithReservedBits(1, 3)
                .WithFlag(4, FieldMode.Read, valueProviderCallback: _ => Counting, name: "DONE")
                .WithReservedBits(5, 3)
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => false, name: "RUNNING")
                .WithReservedBits(9, 3)
                .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => false, name: "WAITING")
                .WithReservedBits(13, 3)
                .WithFlag(16, FieldMode.Read, valueProviderCallback: _ => Counting && (TooSlow || TooFast), name: "FAIL")
                .WithReservedBits(17, 3)
                .WithFlag(20, FieldMode.Read, valueProviderCallback: _ => Counting && TooSlow, name: "SLOW")
                .WithReservedBits(21, 3)
                .WithFlag(24, FieldMode.Read, valueProviderCallback: _ => Counting && TooFast, name: "FAST")
                .WithReservedBits(25, 3)
                .WithFlag(28, FieldMode.Read, valueProviderCallback: _ => Counting && CountedFrequency(counterSource.Value) == 0, name: "DIED")
                .WithReservedBits(29, 3);
            Registers.CounterResult.Define(this)
                .WithValueField(0, 30, FieldMode.Read, valueProviderCallback: _ => ((ulong)CountedFrequency(counterSource.Value) << 5) / 1000, name: "KHZ, FRAC")
                .WithReservedBits(30, 2);

            Registers.WakeEnable0.Define(this, 0xFFFFFFFF).WithValueField(0, 32, name: "WAKE_EN0");
            Registers.WakeEnable1.Define(this, 0x7FFF).WithValueField(0, 15, name: "WAKE_EN1").WithIgnoredBits(15, 17);
            Registers.SleepEnable0.Define(this, 0xFFFFFFFF).WithValueField(0, 32, name: "SLEEP_EN0");
            Registers.SleepEnable1.Define(this, 0x7FFF).WithValueField(0, 15, name: "SLEEP_EN1").WithIgnoredBits(15, 17);
            Registers.Enabled0.Define(this).WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => 0xFFFFFFFF, name: "ENABLED0");
            Registers.Enabled1.Define(this).WithValueField(0, 15, FieldMode.Read, valueProviderCallback: _ => 0x7FFF, name: "ENABLED1").WithReservedBits(15, 17);

            Registers.InterruptRaw.Define(this).WithFlag(0, FieldMode.Read, name: "CLK_SYS_RESUS").WithReservedBits(1, 31);
            // resuscitation never happens, so its interrupt can only be forced
            Registers.InterruptEnable.Define(this).WithFlag(0, name: "CLK_SYS_RESUS").WithReservedBits(1, 31);
            Registers.InterruptForce.Define(this)
                .WithFlag(0, out interruptForce, name: "CLK_SYS_RESUS").WithReservedBits(1, 31)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => interruptForce.Value, name: "CLK_SYS_RESUS").WithReservedBits(1, 31);
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
                    .WithIgnoredBits(7, 25);
                break;
            case RP2040_Clock.System:
                control.WithValueField(0, 1, out generator.Source, name: "SRC")
                    .WithReservedBits(1, 4)
                    .WithValueField(5, 3, out generator.Auxiliary, name: "AUXSRC")
                    .WithIgnoredBits(8, 24);
                break;
            default:
                control.WithReservedBits(0, 5)
                    .WithValueField(5, clock < RP2040_Clock.Reference ? 4 : 3, out generator.Auxiliary, name: "AUXSRC");
                if(clock >= RP2040_Clock.Reference)
                {
                    control.WithReservedBits(8, 1);
                }
                control.WithReservedBits(9, 1)
                    .WithFlag(10, name: "KILL")
                    .WithFlag(11, out generator.Enable, name: "ENABLE")
                    .WithFlag(12, name: "DC50")
                    .WithReservedBits(13, 3)
                    .WithValueField(16, 2, name: "PHASE")
                    .WithReservedBits(18, 2)
                    .WithFlag(20, name: "NUDGE")
                    .WithReservedBits(21, 11);
                break;
            }

            if(clock == RP2040_Clock.Peripheral)
            {
                // clk_peri has no divider; the SDK goes through the motions for every clock
                RegistersCollection.DefineRegister(address + 4).WithIgnoredBits(0, 32);
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
            }

            RegistersCollection.DefineRegister(address + 8)
                .WithValueField(0, 32, FieldMode.Read, name: "SELECTED",
                    valueProviderCallback: _ => generator.Source == null ? oneHot : oneHot << (int)generator.Source.Value);
        }

        private void UpdateInterrupt()
        {
            IRQ.Set(interruptForce.Value);
        }

        private bool Counting { get { return counterSource.Value != 0; } }
        private bool TooSlow { get { return CountedFrequency(counterSource.Value) / 1000 < minimum.Value; } }
        private bool TooFast { get { return CountedFrequency(counterSource.Value) / 1000 > maximum.Value; } }

        private IValueRegisterField minimum;
        private IValueRegisterField maximum;
        private IValueRegisterField counterSource;
        private IFlagRegisterField interruptForce;

        private readonly Generator[] generators;
        private readonly RP2040_ROSC rosc;
        private readonly RP2040_XOSC xosc;
        private readonly RP2040_PLL pllSys;
        private readonly RP2040_PLL pllUsb;

        private const int NumberOfGenerators = 10;

        private class Generator
        {
            public IValueRegisterField Source;
            public IValueRegisterField Auxiliary;
            public IValueRegisterField Divisor;
            public IFlagRegisterField Enable;
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
