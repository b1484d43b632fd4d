using System;
using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Analogue to digital converter (datasheet 4.9): four pins and the temperature sensor, whose values are set from
    /// outside. A single conversion is done at once; free running ones keep the pace of clk_adc.
    /// </summary>
    public class RP2040_ADC : RP2040_Peripheral
    {
        public RP2040_ADC(IMachine machine, RP2040_Clocks clocks) : base(machine)
        {
            this.clocks = clocks;
            IRQ = new GPIO();
            voltages = new decimal[NumberOfPins];
            fifo = new Queue<uint>();
            Temperature = 27;
            Reference = 3.3m;
            pace = new LimitTimer(machine.ClockSource, 1000000000, this, "conversions", 2000, Direction.Descending,
                workMode: WorkMode.Periodic, eventEnabled: true);
            pace.LimitReached += Convert;
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            pace.Enabled = false;
            fifo.Clear();
            result = 0;
            UpdateInterrupt();
        }

        /// <summary>Puts a voltage on one of the pins GPIO26 (channel 0) to GPIO29 (channel 3).</summary>
        public void SetVoltage(int channel, decimal volts)
        {
            if(channel < 0 || channel >= NumberOfPins)
            {
                throw new RecoverableException("ADC channel {0} is not a pin: 0 to 3 are GPIO26 to GPIO29".FormatWith(channel));
            }
            voltages[channel] = volts;
        }

        /// <summary>Degrees Celsius at the on-chip sensor (channel 4).</summary>
        public decimal Temperature { get; set; }

        /// <summary>Volts at the reference pin.</summary>
        public decimal Reference { get; set; }

        public GPIO IRQ { get; private set; }

        private void DefineRegisters()
        {
            Registers.ControlStatus.Define(this)
                .WithFlag(0, out enable, name: "EN")
                .WithFlag(1, out sensorEnable, name: "TS_EN")
                .WithFlag(2, out startOnce, FieldMode.Write, name: "START_ONCE")
                .WithFlag(3, out startMany, name: "START_MANY")
                .WithReservedBits(4, 4)
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => enable.Value, name: "READY")
                .WithFlag(9, FieldMode.Read, valueProviderCallback: _ => false, name: "ERR")
                .WithFlag(10, FieldMode.Read | FieldMode.WriteOneToClear, name: "ERR_STICKY")
                .WithReservedBits(11, 1)
                .WithValueField(12, 3, out input, name: "AINSEL")
                .WithReservedBits(15, 1)
                .WithValueField(16, 5, out roundRobin, name: "RROBIN")
                .WithReservedBits(21, 11)
                .WithWriteCallback((_, __) => ControlWritten());
            Strobe(Registers.ControlStatus, 1u << 2 | 1u << 10);

            Registers.Result.Define(this)
                .WithValueField(0, 12, FieldMode.Read, valueProviderCallback: _ => result, name: "RESULT").WithReservedBits(12, 20);

            Registers.FIFOControl.Define(this)
                .WithFlag(0, out fifoEnable, name: "EN")
                .WithFlag(1, out fifoShift, name: "SHIFT")
                .WithFlag(2, name: "ERR")
                .WithFlag(3, name: "DREQ_EN")
                .WithReservedBits(4, 4)
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => fifo.Count == 0, name: "EMPTY")
                .WithFlag(9, FieldMode.Read, valueProviderCallback: _ => fifo.Count >= FIFODepth, name: "FULL")
                .WithFlag(10, out underflow, FieldMode.Read | FieldMode.WriteOneToClear, name: "UNDER")
                .WithFlag(11, out overflow, FieldMode.Read | FieldMode.WriteOneToClear, name: "OVER")
                .WithReservedBits(12, 4)
                .WithValueField(16, 4, FieldMode.Read, valueProviderCallback: _ => (ulong)fifo.Count, name: "LEVEL")
                .WithReservedBits(20, 4)
                .WithValueField(24, 4, out threshold, name: "THRESH")
                .WithReservedBits(28, 4)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Strobe(Registers.FIFOControl, 1u << 10 | 1u << 11);

            Registers.FIFO.Define(this)
                .WithValueField(0, 16, FieldMode.Read, valueProviderCallback: _ => ReadFIFO(), name: "VAL, ERR").WithReservedBits(16, 16);
            Registers.Divider.Define(this)
                .WithValueField(0, 8, out dividerFraction, name: "FRAC")
                .WithValueField(8, 16, out dividerInteger, name: "INT").WithReservedBits(24, 8)
                .WithWriteCallback((_, __) => UpdatePace());

            Registers.InterruptRaw.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => RawInterrupt, name: "FIFO").WithReservedBits(1, 31);
            Registers.InterruptEnable.Define(this)
                .WithFlag(0, out interruptEnable, name: "FIFO").WithReservedBits(1, 31).WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptForce.Define(this)
                .WithFlag(0, out interruptForce, name: "FIFO").WithReservedBits(1, 31).WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => Status, name: "FIFO").WithReservedBits(1, 31);
        }

        private void ControlWritten()
        {
            if(startOnce.Value)
            {
                startOnce.Value = false;
                if(enable.Value)
                {
                    Convert();
                }
            }
            var running = enable.Value && startMany.Value;
            if(running && !pace.Enabled)
            {
                pace.StartFor(Machine, NanosecondsPerConversion);
            }
            else if(!running)
            {
                pace.Enabled = false;
            }
        }

        private void UpdatePace()
        {
            if(pace.Enabled)
            {
                pace.StartFor(Machine, NanosecondsPerConversion);
            }
        }

        private ulong NanosecondsPerConversion
        {
            get
            {
                // one conversion each 1 + INT + FRAC / 256 cycles, but it takes 96; without a clock it would never end
                var clock = Math.Max(clocks.ADC, 1);
                var cycles256 = Math.Max(256 * (1 + dividerInteger.Value) + dividerFraction.Value, 256 * CyclesPerConversion);
                return cycles256 * 1000000000UL / 256 / clock;
            }
        }

        private void Convert()
        {
            result = Sample((int)input.Value);
            if(fifoEnable.Value)
            {
                if(fifo.Count >= FIFODepth)
                {
                    overflow.Value = true;
                }
                else
                {
                    fifo.Enqueue(fifoShift.Value ? result >> 4 : result);
                }
            }
            if(roundRobin.Value != 0)
            {
                do
                {
                    input.Value = (input.Value + 1) % (NumberOfPins + 1);
                }
                while((roundRobin.Value & (1ul << (int)input.Value)) == 0);
            }
            UpdateInterrupt();
        }

        private uint Sample(int channel)
        {
            decimal volts = 0;
            if(channel < NumberOfPins)
            {
                volts = voltages[channel];
            }
            else if(channel == SensorChannel && sensorEnable.Value)
            {
                // datasheet 4.9.5: 0.706 V at 27 degrees, falling by 1.721 mV a degree
                volts = 0.706m - (Temperature - 27) * 0.001721m;
            }
            var code = volts / Reference * 4096;
            return code <= 0 ? 0 : code >= 4095 ? 4095 : (uint)code;
        }

        private uint ReadFIFO()
        {
            if(fifo.Count == 0)
            {
                underflow.Value = true;
                return 0;
            }
            var value = fifo.Dequeue();
            UpdateInterrupt();
            return value;
        }

        private bool RawInterrupt { get { return fifoEnable.Value && (ulong)fifo.Count >= threshold.Value && fifo.Count > 0; } }
        private bool Status { get { return (RawInterrupt && interruptEnable.Value) || interruptForce.Value; } }

        private void UpdateInterrupt()
        {
            IRQ.Set(Status);
        }

        private uint result;
        private IValueRegisterField input;
        private IValueRegisterField roundRobin;
        private IValueRegisterField threshold;
        private IValueRegisterField dividerInteger;
        private IValueRegisterField dividerFraction;
        private IFlagRegisterField enable;
        private IFlagRegisterField sensorEnable;
        private IFlagRegisterField startOnce;
        private IFlagRegisterField startMany;
        private IFlagRegisterField fifoEnable;
        private IFlagRegisterField fifoShift;
        private IFlagRegisterField underflow;
        private IFlagRegisterField overflow;
        private IFlagRegisterField interruptEnable;
        private IFlagRegisterField interruptForce;

        private readonly RP2040_Clocks clocks;
        private readonly decimal[] voltages;
        private readonly Queue<uint> fifo;
        private readonly LimitTimer pace;

        private const int NumberOfPins = 4;
        private const int SensorChannel = 4;
        private const int FIFODepth = 4;
        private const ulong CyclesPerConversion = 96;

        private enum Registers
        {
            ControlStatus = 0x00,
            Result = 0x04,
            FIFOControl = 0x08,
            FIFO = 0x0C,
            Divider = 0x10,
            InterruptRaw = 0x14,
            InterruptEnable = 0x18,
            InterruptForce = 0x1C,
            InterruptStatus = 0x20,
        }
    }
}
