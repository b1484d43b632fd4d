using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Analogue to digital converter (datasheet 4.9): four pins and the temperature sensor, whose values are set from
    /// outside. A conversion takes 96 cycles of clk_adc; the voltage at its beginning is what counts.
    /// </summary>
    public class RP2040_ADC : RP2040_Peripheral
    {
        public RP2040_ADC(IMachine machine, RP2040_Clocks clocks) : base(machine)
        {
            this.clocks = clocks;
            IRQ = new GPIO();
            Request = new GPIO();
            voltages = new decimal[NumberOfPins];
            fifo = new Queue<ushort>();
            Temperature = 27;
            Reference = 3.3m;
            conversion = new RP2040_Pace(machine, this, "conversion", ConversionEnds);
            interval = new RP2040_Pace(machine, this, "interval of conversions", IntervalEnds);
            poll = new RP2040_Poll(machine, conversion);
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            conversion.Stop();
            interval.Stop();
            fifo.Clear();
            result = 0;
            failed = false;
            Update();
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

        /// <summary>How many of the next conversions fail: their comparator does not come to a decision (datasheet 4.9.1, ERR).</summary>
        public uint FailConversions { get; set; }

        public GPIO IRQ { get; private set; }
        public GPIO Request { get; private set; }

        private void DefineRegisters()
        {
            Registers.ControlStatus.Define(this)
                .WithFlag(0, out enable, name: "EN")
                .WithFlag(1, out sensorEnable, name: "TS_EN")
                .WithFlag(2, out startOnce, FieldMode.Write, name: "START_ONCE")
                .WithFlag(3, out startMany, name: "START_MANY")
                .WithReservedBits(4, 4)
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => enable.Value && !conversion.Running, name: "READY")
                .WithFlag(9, FieldMode.Read, valueProviderCallback: _ => failed, name: "ERR")
                .WithFlag(10, out stickyError, FieldMode.Read | FieldMode.WriteOneToClear, name: "ERR_STICKY")
                .WithReservedBits(11, 1)
                .WithValueField(12, 3, out input, name: "AINSEL")
                .WithReservedBits(15, 1)
                .WithValueField(16, 5, out roundRobin, name: "RROBIN")
                .WithReservedBits(21, 11)
                .WithReadCallback((_, __) => poll.Seen())
                .WithWriteCallback((_, __) => ControlWritten());
            Strobe(Registers.ControlStatus, 1u << 2 | 1u << 10);

            Registers.Result.Define(this)
                .WithValueField(0, 12, FieldMode.Read, valueProviderCallback: _ => result, name: "RESULT").WithReservedBits(12, 20);

            Registers.FIFOControl.Define(this)
                .WithFlag(0, out fifoEnable, name: "EN")
                .WithFlag(1, out fifoShift, name: "SHIFT")
                .WithFlag(2, out fifoErrors, name: "ERR")
                .WithFlag(3, out requestEnable, name: "DREQ_EN")
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
                .WithWriteCallback((_, __) => Update());
            Strobe(Registers.FIFOControl, 1u << 10 | 1u << 11);

            Registers.FIFO.Define(this)
                .WithValueField(0, 16, FieldMode.Read, valueProviderCallback: _ => ReadFIFO(), name: "VAL, ERR").WithReservedBits(16, 16);
            Registers.Divider.Define(this)
                .WithValueField(0, 8, out dividerFraction, name: "FRAC")
                .WithValueField(8, 16, out dividerInteger, name: "INT").WithReservedBits(24, 8)
                .WithWriteCallback((_, __) => RestartInterval());

            Registers.InterruptRaw.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => Reached, name: "FIFO").WithReservedBits(1, 31);
            Registers.InterruptEnable.Define(this)
                .WithFlag(0, out interruptEnable, name: "FIFO").WithReservedBits(1, 31).WithWriteCallback((_, __) => Update());
            Registers.InterruptForce.Define(this)
                .WithFlag(0, out interruptForce, name: "FIFO").WithReservedBits(1, 31).WithWriteCallback((_, __) => Update());
            Registers.InterruptStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => Status, name: "FIFO").WithReservedBits(1, 31);
        }

        private void ControlWritten()
        {
            var once = startOnce.Value;
            startOnce.Value = false;
            if(!enable.Value)
            {
                conversion.Stop();
                interval.Stop();
                return;
            }
            if(!startMany.Value)
            {
                // the conversion in hand comes to its end
                interval.Stop();
                if(once)
                {
                    StartConversion();
                }
            }
            else if(!interval.Running)
            {
                BeginInterval();
            }
        }

        private void RestartInterval()
        {
            if(!enable.Value || !startMany.Value)
            {
                return;
            }
            interval.Stop();
            if(CyclesBetweenStarts != 0)
            {
                interval.Start(CyclesBetweenStarts, 256 * (ulong)clocks.ADC);
            }
            else
            {
                StartConversion();
            }
        }

        private void BeginInterval()
        {
            StartConversion();
            if(CyclesBetweenStarts != 0)
            {
                interval.Start(CyclesBetweenStarts, 256 * (ulong)clocks.ADC);
            }
        }

        private void IntervalEnds()
        {
            interval.Continue(CyclesBetweenStarts, 256 * (ulong)clocks.ADC);
            if(!interval.Stalled)
            {
                StartConversion();
            }
        }

        private void StartConversion()
        {
            if(conversion.Running)
            {
                return;
            }
            sample = Sample((int)input.Value);
            conversion.Start(CyclesPerConversion, clocks.ADC);
        }

        private void ConversionEnds()
        {
            if(conversion.Stalled)
            {
                conversion.Continue(CyclesPerConversion, clocks.ADC);
                return;
            }
            result = sample;
            failed = FailConversions > 0;
            if(failed)
            {
                FailConversions--;
                stickyError.Value = true;
            }
            if(fifoEnable.Value)
            {
                Push();
            }
            NextInput();
            if(startMany.Value && CyclesBetweenStarts == 0)
            {
                sample = Sample((int)input.Value);
                conversion.Continue(CyclesPerConversion, clocks.ADC);
            }
            Update();
        }

        private void Push()
        {
            if(fifo.Count >= FIFODepth)
            {
                overflow.Value = true;
                return;
            }
            var value = fifoShift.Value ? result >> 4 : result;
            fifo.Enqueue((ushort)(failed && fifoErrors.Value ? value | ErrorBit : value));
        }

        private void NextInput()
        {
            var inputs = (uint)roundRobin.Value;
            if(inputs == 0)
            {
                return;
            }
            do
            {
                input.Value = (input.Value + 1) % (NumberOfPins + 1);
            }
            while((inputs & (1u << (int)input.Value)) == 0);
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
            Update();
            return value;
        }

        /// <summary>In 1/256 of a cycle of clk_adc; 0 stands for conversions one after the other.</summary>
        private ulong CyclesBetweenStarts
        {
            get
            {
                var between = 256 * (1 + dividerInteger.Value) + dividerFraction.Value;
                return between > 256 * CyclesPerConversion ? between : 0;
            }
        }

        private bool Reached { get { return fifoEnable.Value && fifo.Count > 0 && (ulong)fifo.Count >= threshold.Value; } }
        private bool Status { get { return (Reached && interruptEnable.Value) || interruptForce.Value; } }

        private void Update()
        {
            IRQ.Set(Status);
            Request.Set(requestEnable.Value && Reached);
        }

        private uint sample;
        private bool failed;
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
        private IFlagRegisterField fifoErrors;
        private IFlagRegisterField requestEnable;
        private IFlagRegisterField stickyError;
        private IFlagRegisterField underflow;
        private IFlagRegisterField overflow;
        private IFlagRegisterField interruptEnable;
        private IFlagRegisterField interruptForce;

        private readonly RP2040_Clocks clocks;
        private readonly decimal[] voltages;
        private readonly Queue<ushort> fifo;
        private readonly RP2040_Pace conversion;
        private readonly RP2040_Pace interval;
        private readonly RP2040_Poll poll;

        private const int NumberOfPins = 4;
        private const int SensorChannel = 4;
        private const int FIFODepth = 4;
        private const ulong CyclesPerConversion = 96;
        private const uint ErrorBit = 1u << 15;

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
