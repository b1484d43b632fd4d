using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.UART;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// UART (datasheet 4.2): an ARM PL011 with FIFOs of 32, all its receive and transmit interrupts, breaks, line errors, hardware flow
    /// control, loop back and data requests. Characters take their time in both directions.
    /// </summary>
    /// <remarks>
    /// What is attached to it in Renode (terminals, hubs, testers) is at the other end of the line and keeps the baud rate that software
    /// has set; it holds its characters back while RTS is high and RTSEN is set. Infrared (SIREN) is not modelled.
    /// </remarks>
    public class RP2040_UART : RP2040_Peripheral, IUART, IRP2040_PinUser
    {
        /// <param name="number">0 or 1: which pins can be its own (datasheet 2.19.2).</param>
        public RP2040_UART(IMachine machine, RP2040_Clocks clocks, RP2040_IOBank0 pins, int number) : base(machine)
        {
            this.clocks = clocks;
            this.pins = pins;
            this.number = number;
            IRQ = new GPIO();
            TransmitRequest = new GPIO();
            ReceiveRequest = new GPIO();
            RTS = new GPIO();
            line = new Queue<ushort>();
            receiveFIFO = new Queue<ushort>();
            transmitFIFO = new Queue<byte>();
            arrival = new RP2040_Pace(machine, this, "arriving character", CharacterArrives);
            departure = new RP2040_Pace(machine, this, "leaving character", CharacterLeaves);
            timeout = new RP2040_Pace(machine, this, "receive time-out", () => Raise(Interrupt.ReceiveTimeout));
            loopedBreak = new RP2040_Pace(machine, this, "looped break", BreakLasts);
            bitOut = new RP2040_Pace(machine, this, "leaving bit", BitLeaves);
            bitIn = new RP2040_Pace(machine, this, "arriving bit", BitArrives);
            transmitPins = MaskOf(TransmitPin);
            receivePins = MaskOf(ReceivePin);
            clearPins = MaskOf(ClearToSendPin);
            requestPins = MaskOf(RequestToSendPin);
            poll = new RP2040_Poll(machine, arrival, departure);
            pins.AddUser(this);
            pins.Selected += _ => PinsSelected();
            Lacks("UARTCR.SIREN");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            line.Clear();
            receiveFIFO.Clear();
            transmitFIFO.Clear();
            arrival.Stop();
            departure.Stop();
            timeout.Stop();
            loopedBreak.Stop();
            bitOut.Stop();
            bitIn.Stop();
            lineOut = true;
            inBreak = false;
            inOwnBreak = false;
            raw = 0;
            receiveStatus = 0;
            lost = false;
            clearToSend = ClearToSend;
            Update();
        }

        /// <summary>Puts a character on the line to the chip; it arrives one character time after the one before.</summary>
        public void WriteChar(byte value)
        {
            Put(value);
        }

        /// <summary>Holds the line to the chip low for longer than a character.</summary>
        public void ReceiveBreak()
        {
            Put(BreakError | FramingError);
        }

        /// <summary>Puts a character on the line that arrives without its stop bit, or with the wrong parity.</summary>
        public void ReceiveDamaged(byte value, bool framing, bool parity)
        {
            Put((ushort)(value | (framing ? FramingError : 0) | (parity ? ParityError : 0)));
        }

        [field: Transient]
        public event Action<byte> CharReceived;

        public void BringUpToDate()
        {
        }

        public void PinsChanged(uint changed, uint inputs)
        {
            if((changed & clearPins) != 0)
            {
                ClearToSendChanged();
            }
            var lines = receivePins & pins.PinsOf(UARTFunction);
            if((changed & lines) != 0)
            {
                LineInChanged((inputs & lines) != 0);
            }
        }

        /// <summary>Input 0 is nUARTCTS, for a line that is not at the pins.</summary>
        public override void OnGPIO(int number, bool value)
        {
            if(number != ClearToSendInput)
            {
                base.OnGPIO(number, value);
                return;
            }
            held = value;
            ClearToSendChanged();
        }

        /// <summary>nUARTRTS: low while there is room for more.</summary>
        public GPIO RTS { get; private set; }

        public GPIO IRQ { get; private set; }
        public GPIO TransmitRequest { get; private set; }
        public GPIO ReceiveRequest { get; private set; }

        public uint BaudRate
        {
            get
            {
                var divisor = Divisor;
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

        /// <summary>Software holds the line from the chip low.</summary>
        public bool Breaking { get { return breaking.Value && !departure.Running; } }

        private void DefineRegisters()
        {
            Registers.UARTDR.Define(this)
                .WithValueField(0, 12, valueProviderCallback: _ => ReadData(), writeCallback: (_, value) => WriteData((byte)value), name: "DATA, FE, PE, BE, OE")
                .WithNoBits(12, 20);
            Strobe(Registers.UARTDR);

            Registers.UARTRSR.Define(this)
                .WithValueField(0, 4, valueProviderCallback: _ => receiveStatus, writeCallback: (_, __) => receiveStatus = 0, name: "FE, PE, BE, OE")
                .WithReservedBits(4, 28);
            Strobe(Registers.UARTRSR);

            Registers.UARTFR.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => ClearToSend, name: "CTS")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => false, name: "DSR")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => false, name: "DCD")
                .WithFlag(3, FieldMode.Read, valueProviderCallback: _ => departure.Running || transmitFIFO.Count > 0, name: "BUSY")
                .WithFlag(4, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count == 0, name: "RXFE")
                .WithFlag(5, FieldMode.Read, valueProviderCallback: _ => transmitFIFO.Count >= Depth, name: "TXFF")
                .WithFlag(6, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count >= Depth, name: "RXFF")
                .WithFlag(7, FieldMode.Read, valueProviderCallback: _ => transmitFIFO.Count == 0, name: "TXFE")
                .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => false, name: "RI")
                .WithReservedBits(9, 23)
                .WithReadCallback((_, __) => poll.Seen());

            Registers.UARTILPR.Define(this).WithValueField(0, 8, name: "ILPDVSR").WithReservedBits(8, 24);
            Registers.UARTIBRD.Define(this).WithValueField(0, 16, out integerDivisor, name: "BAUD_DIVINT").WithReservedBits(16, 16);
            Registers.UARTFBRD.Define(this).WithValueField(0, 6, out fractionalDivisor, name: "BAUD_DIVFRAC").WithReservedBits(6, 26);

            Registers.UARTLCR_H.Define(this)
                .WithFlag(0, out breaking, name: "BRK")
                .WithFlag(1, out parityEnable, name: "PEN")
                .WithFlag(2, out evenParity, name: "EPS")
                .WithFlag(3, out twoStopBits, name: "STP2")
                .WithFlag(4, out fifoEnable, changeCallback: (_, __) => FlushFIFOs(), name: "FEN")
                .WithValueField(5, 2, out wordLength, name: "WLEN")
                .WithFlag(7, out stickParity, name: "SPS")
                .WithReservedBits(8, 24)
                .WithWriteCallback((_, __) => LineControlWritten());

            Registers.UARTCR.Define(this, 0x300)
                .WithFlag(0, out enable, name: "UARTEN")
                .WithFlag(1, writeCallback: (_, value) => { if(value) NoteUnmodelled("UARTCR.SIREN"); }, name: "SIREN")
                .WithFlag(2, name: "SIRLP")
                .WithReservedBits(3, 4)
                .WithFlag(7, out loopback, name: "LBE")
                .WithFlag(8, out transmitEnable, name: "TXE")
                .WithFlag(9, out receiveEnable, name: "RXE")
                .WithFlag(10, name: "DTR")
                .WithFlag(11, out requestToSend, name: "RTS")
                .WithFlag(12, name: "OUT1")
                .WithFlag(13, name: "OUT2")
                .WithFlag(14, out automaticRequest, name: "RTSEN")
                .WithFlag(15, out automaticClear, name: "CTSEN")
                .WithReservedBits(16, 16)
                .WithWriteCallback((_, __) => ControlWritten());

            Registers.UARTIFLS.Define(this, 0x12)
                .WithValueField(0, 3, out transmitLevel, name: "TXIFLSEL")
                .WithValueField(3, 3, out receiveLevel, name: "RXIFLSEL")
                .WithReservedBits(6, 26)
                // the interrupts are for passing a level: another one raises none
                .WithWriteCallback((_, __) => Update());

            Registers.UARTIMSC.Define(this)
                .WithValueField(0, 11, out mask, name: "UARTIMSC").WithReservedBits(11, 21)
                .WithWriteCallback((_, __) => Update());
            Registers.UARTRIS.Define(this)
                .WithValueField(0, 11, FieldMode.Read, valueProviderCallback: _ => raw, name: "UARTRIS").WithReservedBits(11, 21);
            Registers.UARTMIS.Define(this)
                .WithValueField(0, 11, FieldMode.Read, valueProviderCallback: _ => raw & (uint)mask.Value, name: "UARTMIS").WithReservedBits(11, 21);
            Registers.UARTICR.Define(this)
                .WithValueField(0, 11, FieldMode.Write, writeCallback: (_, value) => raw &= ~(uint)value, name: "UARTICR").WithReservedBits(11, 21)
                .WithWriteCallback((_, __) => Update());
            Strobe(Registers.UARTICR);

            Registers.UARTDMACR.Define(this)
                .WithFlag(0, out receiveRequests, name: "RXDMAE")
                .WithFlag(1, out transmitRequests, name: "TXDMAE")
                .WithFlag(2, out requestsEndOnError, name: "DMAONERR")
                .WithReservedBits(3, 29)
                .WithWriteCallback((_, __) => Update());

            Registers.UARTPERIPHID0.DefineMany(this, 8, (register, index) => register
                .WithValueField(0, 8, FieldMode.Read, valueProviderCallback: _ => Identification[index], name: "ID").WithReservedBits(8, 24));
        }

        private void ControlWritten()
        {
            if(lineInFell)
            {
                // it was low already when the receiver was switched on
                LineInChanged(false);
            }
            ContinueArrival();
            StartDeparture();
            Update();
            ClearToSendChanged();
        }

        private void LineControlWritten()
        {
            LookAtBreak();
            StartDeparture();
            Update();
        }

        /// <summary>A break begins behind the character that is being sent (UARTLCR_H.BRK).</summary>
        private void LookAtBreak()
        {
            if(Breaking == inOwnBreak)
            {
                return;
            }
            inOwnBreak = !inOwnBreak;
            loopedBreak.Stop();
            if(inOwnBreak && loopback.Value && BitClock != 0)
            {
                loopedBreak.Start(CyclesPerBit * BitsInACharacter, BitClock);
            }
        }

        // At the pins. A character's bits are put there only when somebody watches; the receiver samples in the middle of each bit.

        private void PinsSelected()
        {
            pins.Watch(this, (receivePins | clearPins) & pins.PinsOf(UARTFunction));
            ClearToSendChanged();
        }

        private void DriveLines()
        {
            var line = lineOut && !Breaking;
            pins.SetFromFunction(UARTFunction, transmitPins | requestPins, (line ? transmitPins : 0) | (RequestsToSend ? 0 : requestPins), uint.MaxValue);
        }

        private void SendBits()
        {
            if(loopback.Value || (pins.Watched & pins.PinsOf(UARTFunction) & transmitPins) == 0)
            {
                return;
            }
            var data = 5 + (int)wordLength.Value;
            bitsOut = (uint)shifter << 1;
            bitsLeft = 1 + data;
            if(parityEnable.Value)
            {
                bitsOut |= ParityOf(shifter) << bitsLeft;
                bitsLeft++;
            }
            lineOut = false;
            DriveLines();
            bitOut.Start(CyclesPerBit, BitClock);
        }

        private void BitLeaves()
        {
            bitsOut >>= 1;
            bitsLeft--;
            lineOut = bitsLeft == 0 || (bitsOut & 1) != 0;
            DriveLines();
            if(bitsLeft > 0)
            {
                bitOut.Continue(CyclesPerBit, BitClock);
            }
        }

        private void LineInChanged(bool level)
        {
            inBreak &= !level;
            lineInFell = !level;
            if(level || inBreak || bitIn.Running || loopback.Value || !enable.Value || !receiveEnable.Value || BitClock == 0)
            {
                return;
            }
            bitsIn = 0;
            sampled = 0;
            bitIn.Start(CyclesPerBit / 2, BitClock);
        }

        private void BitArrives()
        {
            var level = (pins.InputsBefore & receivePins & pins.PinsOf(UARTFunction)) != 0;
            var data = 5 + (int)wordLength.Value;
            var parity = parityEnable.Value ? 1 : 0;
            if(sampled == 0 && level)
            {
                // a spike and no start bit
                return;
            }
            bitsIn |= level ? 1u << sampled : 0;
            sampled++;
            if(sampled < 1 + data + parity + 1)
            {
                bitIn.Continue(CyclesPerBit, BitClock);
                return;
            }
            var character = (int)(bitsIn >> 1) & WordMask;
            var isBreak = bitsIn == 0;
            var wrongParity = parity != 0 && (bitsIn >> (1 + data) & 1) != ParityOf((byte)character);
            inBreak = isBreak;
            Receive(isBreak ? BreakError | FramingError : character | (level ? 0 : FramingError) | (wrongParity ? ParityError : 0));
        }

        private uint ParityOf(byte character)
        {
            if(stickParity.Value)
            {
                return evenParity.Value ? 0u : 1u;
            }
            var odd = 0;
            for(int rest = character; rest != 0; rest >>= 1)
            {
                odd ^= rest & 1;
            }
            return evenParity.Value ? (uint)odd : 1u - (uint)odd;
        }

        private void BreakLasts()
        {
            if(enable.Value && receiveEnable.Value)
            {
                Receive(BreakError | FramingError);
            }
        }

        private void FlushFIFOs()
        {
            receiveFIFO.Clear();
            transmitFIFO.Clear();
            timeout.Stop();
            raw &= ~(Bit(Interrupt.Receive) | Bit(Interrupt.ReceiveTimeout));
        }

        private void Put(int character)
        {
            line.Enqueue((ushort)character);
            ContinueArrival();
        }

        private void ContinueArrival()
        {
            if(!arrival.Running && line.Count > 0 && !HeldOff)
            {
                arrival.Start(CyclesPerBit * BitsInACharacter, BitClock);
            }
        }

        private void CharacterArrives()
        {
            // while the clock or the divisor is still 0, it waits for the software to set them up
            if(!arrival.Stalled && line.Count > 0)
            {
                var character = line.Dequeue();
                if(enable.Value && receiveEnable.Value && !loopback.Value)
                {
                    Receive(character);
                }
                else
                {
                    this.Log(LogLevel.Debug, "The receiver is disabled; character 0x{0:X2} lost", character);
                }
            }
            if(line.Count > 0 && !HeldOff)
            {
                arrival.Continue(CyclesPerBit * BitsInACharacter, BitClock);
            }
        }

        private void Receive(int character)
        {
            var errors = (uint)character >> ErrorShift;
            if(receiveFIFO.Count >= Depth)
            {
                this.Log(LogLevel.Warning, "Receive overrun; character 0x{0:X2} lost", character & 0xFF);
                lost = true;
                receiveStatus |= OverrunError >> ErrorShift;
                Raise(Interrupt.Overrun);
                return;
            }
            receiveFIFO.Enqueue((ushort)((character & ~0xFF) | (character & WordMask) | (lost ? OverrunError : 0)));
            lost = false;
            RestartTimeout();
            // FE, PE and BE are interrupts 7, 8 and 9
            raw |= errors << (int)Interrupt.Framing;
            ReceiveLevelReached();
        }

        private void RestartTimeout()
        {
            timeout.Stop();
            if(receiveFIFO.Count > 0 && BitClock != 0)
            {
                timeout.Start(CyclesPerBit * TimeoutBits, BitClock);
            }
        }

        private void ReceiveLevelReached()
        {
            if(receiveFIFO.Count >= ReceiveTrigger)
            {
                raw |= Bit(Interrupt.Receive);
            }
            Update();
        }

        private uint ReadData()
        {
            if(receiveFIFO.Count == 0)
            {
                return 0;
            }
            uint value = receiveFIFO.Dequeue();
            // the status is that of the character just read; an overrun stays until it is cleared
            receiveStatus = (receiveStatus & (OverrunError >> ErrorShift)) | (value >> ErrorShift & 7);
            if(receiveFIFO.Count < ReceiveTrigger)
            {
                raw &= ~Bit(Interrupt.Receive);
            }
            if(receiveFIFO.Count == 0)
            {
                raw &= ~Bit(Interrupt.ReceiveTimeout);
            }
            RestartTimeout();
            ContinueArrival();
            Update();
            return value;
        }

        private void WriteData(byte value)
        {
            if(transmitFIFO.Count >= Depth)
            {
                this.Log(LogLevel.Debug, "The transmit FIFO is full; character 0x{0:X2} lost", value);
                return;
            }
            transmitFIFO.Enqueue((byte)(value & WordMask));
            if(transmitFIFO.Count > TransmitTrigger)
            {
                raw &= ~Bit(Interrupt.Transmit);
            }
            StartDeparture();
            Update();
        }

        private void StartDeparture()
        {
            if(!departure.Running && LoadShifter())
            {
                departure.Start(CyclesPerBit * BitsInACharacter, BitClock);
                SendBits();
            }
        }

        /// <summary>The next character goes from the FIFO into the shifter, if it may be sent.</summary>
        private bool LoadShifter()
        {
            if(transmitFIFO.Count == 0 || !enable.Value || !transmitEnable.Value || breaking.Value || (automaticClear.Value && !ClearToSend))
            {
                return false;
            }
            shifter = transmitFIFO.Dequeue();
            // the interrupt is for the passage through the level, not for being below it (datasheet 4.2.6)
            if(transmitFIFO.Count == TransmitTrigger)
            {
                raw |= Bit(Interrupt.Transmit);
            }
            return true;
        }

        private void CharacterLeaves()
        {
            if(departure.Stalled)
            {
                departure.Continue(CyclesPerBit * BitsInACharacter, BitClock);
                return;
            }
            var sent = shifter;
            if(LoadShifter())
            {
                departure.Continue(CyclesPerBit * BitsInACharacter, BitClock);
                SendBits();
            }
            LookAtBreak();
            if(!loopback.Value)
            {
                var handler = CharReceived;
                if(handler != null)
                {
                    handler(sent);
                }
            }
            else if(enable.Value && receiveEnable.Value)
            {
                Receive(sent);
            }
            Update();
        }

        private void ClearToSendChanged()
        {
            if(ClearToSend == clearToSend)
            {
                return;
            }
            clearToSend = !clearToSend;
            Raise(Interrupt.ClearToSend);
            StartDeparture();
            Update();
        }

        private void Raise(Interrupt interrupt)
        {
            raw |= Bit(interrupt);
            Update();
        }

        private void Update()
        {
            IRQ.Set((raw & (uint)mask.Value) != 0);
            TransmitRequest.Set(transmitRequests.Value && transmitFIFO.Count < Depth);
            ReceiveRequest.Set(receiveRequests.Value && receiveFIFO.Count > 0 && !(requestsEndOnError.Value && (raw & AnyError) != 0));
            RTS.Set(!RequestsToSend);
            DriveLines();
            if(loopback.Value)
            {
                // RTS is CTS then
                ClearToSendChanged();
            }
        }

        private bool RequestsToSend
        {
            get { return automaticRequest.Value ? receiveFIFO.Count < ReceiveTrigger : requestToSend.Value; }
        }

        /// <summary>What is at the other end of the line minds RTS when the chip uses it.</summary>
        private bool HeldOff { get { return automaticRequest.Value && !RequestsToSend; } }

        private bool ClearToSend
        {
            get
            {
                if(loopback.Value)
                {
                    return RequestsToSend;
                }
                return !held && (pins.InputsBefore & pins.PinsOf(UARTFunction) & MaskOf(ClearToSendPin)) == 0;
            }
        }

        /// <summary>The GPIOs that can have this role: TX, RX, CTS, RTS take turns, and the two UARTs (datasheet 2.19.2).</summary>
        private IEnumerable<int> Pins(int role)
        {
            for(var pin = role; pin < NumberOfPins; pin += 4)
            {
                if((pin + 4) / 8 % 2 == number)
                {
                    yield return pin;
                }
            }
        }

        private uint MaskOf(int role)
        {
            return Pins(role).Aggregate(0u, (all, pin) => all | 1u << pin);
        }

        private static uint Bit(Interrupt interrupt)
        {
            return 1u << (int)interrupt;
        }

        /// <summary>How many characters raise the receive interrupt, and make RTS go away.</summary>
        private int ReceiveTrigger { get { return fifoEnable.Value ? Levels[Math.Min((int)receiveLevel.Value, 4)] : 1; } }

        /// <summary>Down to how many characters raise the transmit interrupt.</summary>
        private int TransmitTrigger { get { return fifoEnable.Value ? Levels[Math.Min((int)transmitLevel.Value, 4)] : 0; } }

        private int Depth { get { return fifoEnable.Value ? FIFODepth : 1; } }
        private int WordMask { get { return 0xFF >> (int)(3 - wordLength.Value); } }

        private ulong BitsInACharacter
        {
            get { return 1 + 5 + wordLength.Value + (parityEnable.Value ? 1u : 0u) + (twoStopBits.Value ? 2u : 1u); }
        }

        /// <summary>In 1/64: what the clock is divided by for the sixteen samples of a bit.</summary>
        private ulong Divisor { get { return 64 * integerDivisor.Value + fractionalDivisor.Value; } }
        private ulong CyclesPerBit { get { return 16 * Divisor; } }

        /// <summary>64 times clk_peri; 0 while no baud rate is set.</summary>
        private ulong BitClock { get { return Divisor == 0 ? 0 : 64 * (ulong)clocks.Peripheral; } }

        private uint raw;
        private uint receiveStatus;
        private bool lost;
        private bool held;
        private bool clearToSend;
        private byte shifter;
        private bool lineOut;
        private bool inBreak;
        private bool inOwnBreak;
        private bool lineInFell;
        private uint bitsOut;
        private uint bitsIn;
        private int bitsLeft;
        private int sampled;
        private IValueRegisterField integerDivisor;
        private IValueRegisterField fractionalDivisor;
        private IValueRegisterField wordLength;
        private IValueRegisterField transmitLevel;
        private IValueRegisterField receiveLevel;
        private IValueRegisterField mask;
        private IFlagRegisterField breaking;
        private IFlagRegisterField parityEnable;
        private IFlagRegisterField evenParity;
        private IFlagRegisterField stickParity;
        private IFlagRegisterField twoStopBits;
        private IFlagRegisterField fifoEnable;
        private IFlagRegisterField enable;
        private IFlagRegisterField loopback;
        private IFlagRegisterField transmitEnable;
        private IFlagRegisterField receiveEnable;
        private IFlagRegisterField requestToSend;
        private IFlagRegisterField automaticRequest;
        private IFlagRegisterField automaticClear;
        private IFlagRegisterField receiveRequests;
        private IFlagRegisterField transmitRequests;
        private IFlagRegisterField requestsEndOnError;

        private readonly RP2040_Clocks clocks;
        private readonly RP2040_IOBank0 pins;
        private readonly int number;
        private readonly Queue<ushort> line;
        private readonly Queue<ushort> receiveFIFO;
        private readonly Queue<byte> transmitFIFO;
        private readonly RP2040_Pace arrival;
        private readonly RP2040_Pace departure;
        private readonly RP2040_Pace timeout;
        private readonly RP2040_Pace loopedBreak;
        private readonly RP2040_Pace bitOut;
        private readonly RP2040_Pace bitIn;
        private readonly RP2040_Poll poll;
        private readonly uint transmitPins;
        private readonly uint receivePins;
        private readonly uint clearPins;
        private readonly uint requestPins;

        private static readonly byte[] Identification = { 0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1 };
        private static readonly int[] Levels = { 4, 8, 16, 24, 28 };

        private const int FIFODepth = 32;
        private const ulong TimeoutBits = 32;
        private const int NumberOfPins = 30;
        private const uint UARTFunction = 2;
        private const int TransmitPin = 0;
        private const int ReceivePin = 1;
        private const int ClearToSendPin = 2;
        private const int RequestToSendPin = 3;
        private const int ClearToSendInput = 0;

        // a character's errors as UARTDR has them
        private const int ErrorShift = 8;
        private const ushort FramingError = 1 << 8;
        private const ushort ParityError = 1 << 9;
        private const ushort BreakError = 1 << 10;
        private const ushort OverrunError = 1 << 11;
        private const uint AnyError = 0xF << (int)Interrupt.Framing;

        private enum Interrupt
        {
            ClearToSend = 1,
            Receive = 4,
            Transmit = 5,
            ReceiveTimeout = 6,
            Framing = 7,
            Parity = 8,
            Break = 9,
            Overrun = 10,
        }

        // the names of the pico-sdk's header
        private enum Registers
        {
            UARTDR = 0x000,
            UARTRSR = 0x004,
            UARTFR = 0x018,
            UARTILPR = 0x020,
            UARTIBRD = 0x024,
            UARTFBRD = 0x028,
            UARTLCR_H = 0x02C,
            UARTCR = 0x030,
            UARTIFLS = 0x034,
            UARTIMSC = 0x038,
            UARTRIS = 0x03C,
            UARTMIS = 0x040,
            UARTICR = 0x044,
            UARTDMACR = 0x048,
            UARTPERIPHID0 = 0xFE0,
        }
    }
}
