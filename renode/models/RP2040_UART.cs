using System;
using System.Collections.Generic;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Peripherals.UART;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// UART (datasheet 4.2): an ARM PL011 with 32 deep FIFOs and the receive time-out that Renode's own PL011 lacks.
    /// </summary>
    /// <remarks>
    /// Received characters arrive at the pace of the baud rate, so that a sender cannot overrun the FIFO faster than on a wire. Sent
    /// characters leave at once: software that waits for room never waits.
    /// </remarks>
    public class RP2040_UART : RP2040_Peripheral, IUART
    {
        public RP2040_UART(IMachine machine, RP2040_Clocks clocks) : base(machine)
        {
            this.clocks = clocks;
            IRQ = new GPIO();
            line = new Queue<byte>();
            receiveFIFO = new Queue<byte>();
            lineTimer = new LimitTimer(machine.ClockSource, 1000000000, this, "line", ulong.MaxValue, Direction.Descending,
                workMode: WorkMode.OneShot, eventEnabled: true);
            lineTimer.LimitReached += CharacterArrived;
            timeoutTimer = new LimitTimer(machine.ClockSource, 1000000000, this, "receive time-out", ulong.MaxValue, Direction.Descending,
                workMode: WorkMode.OneShot, eventEnabled: true);
            timeoutTimer.LimitReached += () => Raise(Interrupt.ReceiveTimeout);
            Lacks("break");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            line.Clear();
            receiveFIFO.Clear();
            lineTimer.Enabled = false;
            timeoutTimer.Enabled = false;
            raw = 0;
            overrun = false;
            UpdateInterrupts();
        }

        /// <summary>Puts a character on the line to the chip; it arrives one character time after the one before.</summary>
        public void WriteChar(byte value)
        {
            line.Enqueue(value);
            if(!lineTimer.Enabled)
            {
                StartLine();
            }
        }

        [field: Transient]
        public event Action<byte> CharReceived;

        public GPIO IRQ { get; private set; }

        public uint BaudRate
        {
            get
            {
                // in 1/64 of a clock; one bit is 16 of the divisor
                var divisor = 64 * integerDivisor.Value + fractionalDivisor.Value;
                return divisor == 0 ? 0 : (uint)(4ul * clocks.Peripheral / divisor);
            }
        }

        public Bits StopBits { get { return twoStopBits.Value ? Bits.Two : Bits.One; } }

        public Parity ParityBit
        {
            get
            {
                if(!parityEnable.Value)
                {
                    return Parity.None;
                }
                if(stickParity.Value)
                {
                    return evenParity.Value ? Parity.Forced0 : Parity.Forced1;
                }
                return evenParity.Value ? Parity.Even : Parity.Odd;
            }
        }

        private void DefineRegisters()
        {
            Registers.Data.Define(this)
                .WithValueField(0, 12, valueProviderCallback: _ => ReadData(), writeCallback: (_, value) => WriteData((byte)value), name: "DATA, FE, PE, BE, OE")
                .WithReservedBits(12, 20);
            Strobe(Registers.Data);

            Registers.ReceiveStatus.Define(this)
                .WithFlag(0, name: "FE", valueProviderCallback: _ => false)
                .WithFlag(1, name: "PE", valueProviderCallback: _ => false)
                .WithFlag(2, name: "BE", valueProviderCallback: _ => false)
                .WithFlag(3, name: "OE", valueProviderCallback: _ => overrun)
                .WithReservedBits(4, 28)
                .WithWriteCallback((_, __) => overrun = false);

            Registers.Flag.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => true, name: "CTS")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => false, name: "DSR")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => false, name: "DCD")
                .WithFlag(3, FieldMode.Read, valueProviderCallback: _ => false, name: "BUSY")
                .WithFlag(4, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count == 0, name: "RXFE")
                .WithFlag(5, FieldMode.Read, valueProviderCallback: _ => false, name: "TXFF")
                .WithFlag(6, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count >= Depth, name: "RXFF")
                .WithFlag(7, FieldMode.Read, valueProviderCallback: _ => true, name: "TXFE")
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => false, name: "RI")
                .WithReservedBits(9, 23);

            Registers.IrDALowPower.Define(this).WithValueField(0, 8, name: "ILPDVSR").WithReservedBits(8, 24);
            Registers.IntegerBaudRate.Define(this).WithValueField(0, 16, out integerDivisor, name: "BAUD_DIVINT").WithReservedBits(16, 16);
            Registers.FractionalBaudRate.Define(this).WithValueField(0, 6, out fractionalDivisor, name: "BAUD_DIVFRAC").WithReservedBits(6, 26);

            Registers.LineControl.Define(this)
                .WithFlag(0, writeCallback: (_, value) => { if(value) NoteUnmodelled("break"); }, name: "BRK")
                .WithFlag(1, out parityEnable, name: "PEN")
                .WithFlag(2, out evenParity, name: "EPS")
                .WithFlag(3, out twoStopBits, name: "STP2")
                .WithFlag(4, out fifoEnable, name: "FEN")
                .WithValueField(5, 2, out wordLength, name: "WLEN")
                .WithFlag(7, out stickParity, name: "SPS")
                .WithReservedBits(8, 24)
                .WithWriteCallback((_, __) => UpdateInterrupts());

            Registers.Control.Define(this, 0x300)
                .WithFlag(0, out enable, name: "UARTEN")
                .WithFlag(1, name: "SIREN")
                .WithFlag(2, name: "SIRLP")
                .WithReservedBits(3, 4)
                .WithFlag(7, out loopback, name: "LBE")
                .WithFlag(8, out transmitEnable, name: "TXE")
                .WithFlag(9, out receiveEnable, name: "RXE")
                .WithFlag(10, name: "DTR")
                .WithFlag(11, name: "RTS")
                .WithFlag(12, name: "OUT1")
                .WithFlag(13, name: "OUT2")
                .WithFlag(14, name: "RTSEN")
                .WithFlag(15, name: "CTSEN")
                .WithReservedBits(16, 16);

            Registers.FIFOLevel.Define(this, 0x12)
                .WithValueField(0, 3, name: "TXIFLSEL")
                .WithValueField(3, 3, out receiveLevel, name: "RXIFLSEL")
                .WithReservedBits(6, 26)
                .WithWriteCallback((_, __) => UpdateInterrupts());

            Registers.InterruptMask.Define(this)
                .WithValueField(0, 11, out mask, name: "UARTIMSC").WithReservedBits(11, 21)
                .WithWriteCallback((_, __) => UpdateInterrupts());
            Registers.RawInterruptStatus.Define(this)
                .WithValueField(0, 11, FieldMode.Read, valueProviderCallback: _ => raw, name: "UARTRIS").WithReservedBits(11, 21);
            Registers.MaskedInterruptStatus.Define(this)
                .WithValueField(0, 11, FieldMode.Read, valueProviderCallback: _ => raw & (uint)mask.Value, name: "UARTMIS").WithReservedBits(11, 21);
            Registers.InterruptClear.Define(this)
                .WithValueField(0, 11, FieldMode.Write, writeCallback: (_, value) => raw &= ~(uint)value, name: "UARTICR").WithReservedBits(11, 21)
                .WithWriteCallback((_, __) => UpdateInterrupts());
            Strobe(Registers.InterruptClear);

            Registers.DMAControl.Define(this).WithValueField(0, 3, name: "RXDMAE, TXDMAE, DMAONERR").WithReservedBits(3, 29);

            Registers.PeripheralId0.DefineMany(this, 8, (register, index) => register
                .WithValueField(0, 8, FieldMode.Read, valueProviderCallback: _ => Identification[index], name: "ID").WithReservedBits(8, 24));
        }

        private void StartLine()
        {
            // a character that arrives while the clock or the divisor is still 0 waits for the software to set them up
            var baud = BaudRate;
            lineTimer.StartFor(Machine, baud == 0 ? RetryNanoseconds : BitsInACharacter * 1000000000UL / baud);
        }

        private void CharacterArrived()
        {
            lineTimer.Enabled = false;
            if(line.Count == 0)
            {
                return;
            }
            if(BaudRate != 0)
            {
                Receive(line.Dequeue());
            }
            if(line.Count > 0)
            {
                StartLine();
            }
        }

        private void Receive(byte value)
        {
            if(!enable.Value || !receiveEnable.Value)
            {
                this.Log(LogLevel.Debug, "The receiver is disabled; character 0x{0:X2} lost", value);
                return;
            }
            if(receiveFIFO.Count >= Depth)
            {
                this.Log(LogLevel.Warning, "Receive overrun; character 0x{0:X2} lost", value);
                overrun = true;
                Raise(Interrupt.Overrun);
                return;
            }
            receiveFIFO.Enqueue(value);
            RestartTimeout();
            UpdateInterrupts();
        }

        private void RestartTimeout()
        {
            timeoutTimer.Enabled = false;
            var baud = BaudRate;
            if(receiveFIFO.Count == 0 || baud == 0)
            {
                return;
            }
            timeoutTimer.StartFor(Machine, TimeoutBits * 1000000000UL / baud);
        }

        private uint ReadData()
        {
            if(receiveFIFO.Count == 0)
            {
                return 0;
            }
            uint value = receiveFIFO.Dequeue();
            if(receiveFIFO.Count < Trigger)
            {
                raw &= ~(1u << (int)Interrupt.Receive);
            }
            if(receiveFIFO.Count == 0)
            {
                raw &= ~(1u << (int)Interrupt.ReceiveTimeout);
            }
            RestartTimeout();
            UpdateInterrupts();
            return value;
        }

        private void WriteData(byte value)
        {
            if(!enable.Value || !transmitEnable.Value)
            {
                this.Log(LogLevel.Debug, "The transmitter is disabled; character 0x{0:X2} lost", value);
                return;
            }
            if(loopback.Value)
            {
                Receive(value);
            }
            else
            {
                var handler = CharReceived;
                if(handler != null)
                {
                    handler(value);
                }
            }
            // the FIFO has been above its trigger level and is below it again
            Raise(Interrupt.Transmit);
        }

        private void Raise(Interrupt interrupt)
        {
            raw |= 1u << (int)interrupt;
            UpdateInterrupts();
        }

        private void UpdateInterrupts()
        {
            if(receiveFIFO.Count >= Trigger)
            {
                raw |= 1u << (int)Interrupt.Receive;
            }
            IRQ.Set((raw & (uint)mask.Value) != 0);
        }

        /// <summary>How many characters raise the receive interrupt.</summary>
        private int Trigger
        {
            get
            {
                if(!fifoEnable.Value)
                {
                    return 1;
                }
                switch(receiveLevel.Value)
                {
                case 0:
                    return 4;
                case 1:
                    return 8;
                case 2:
                    return 16;
                case 3:
                    return 24;
                default:
                    return 28;
                }
            }
        }

        private int Depth { get { return fifoEnable.Value ? FIFODepth : 1; } }

        private ulong BitsInACharacter
        {
            get { return 1 + 5 + wordLength.Value + (parityEnable.Value ? 1u : 0u) + (twoStopBits.Value ? 2u : 1u); }
        }

        private uint raw;
        private bool overrun;
        private IValueRegisterField integerDivisor;
        private IValueRegisterField fractionalDivisor;
        private IValueRegisterField wordLength;
        private IValueRegisterField receiveLevel;
        private IValueRegisterField mask;
        private IFlagRegisterField parityEnable;
        private IFlagRegisterField evenParity;
        private IFlagRegisterField stickParity;
        private IFlagRegisterField twoStopBits;
        private IFlagRegisterField fifoEnable;
        private IFlagRegisterField enable;
        private IFlagRegisterField loopback;
        private IFlagRegisterField transmitEnable;
        private IFlagRegisterField receiveEnable;

        private readonly RP2040_Clocks clocks;
        private readonly Queue<byte> line;
        private readonly Queue<byte> receiveFIFO;
        private readonly LimitTimer lineTimer;
        private readonly LimitTimer timeoutTimer;

        private static readonly byte[] Identification = { 0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1 };

        private const int FIFODepth = 32;
        private const ulong TimeoutBits = 32;
        private const ulong RetryNanoseconds = 100000;

        private enum Interrupt
        {
            Receive = 4,
            Transmit = 5,
            ReceiveTimeout = 6,
            Framing = 7,
            Parity = 8,
            Break = 9,
            Overrun = 10,
        }

        private enum Registers
        {
            Data = 0x000,
            ReceiveStatus = 0x004,
            Flag = 0x018,
            IrDALowPower = 0x020,
            IntegerBaudRate = 0x024,
            FractionalBaudRate = 0x028,
            LineControl = 0x02C,
            Control = 0x030,
            FIFOLevel = 0x034,
            InterruptMask = 0x038,
            RawInterruptStatus = 0x03C,
            MaskedInterruptStatus = 0x040,
            InterruptClear = 0x044,
            DMAControl = 0x048,
            PeripheralId0 = 0xFE0,
        }
    }
}
