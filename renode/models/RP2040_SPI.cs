using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.SPI;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Synchronous serial port (datasheet 4.4), an ARM PL022: master and slave, frames of 4 to 16 bits, Motorola, TI and
    /// Microwire formats, two FIFOs of eight, loop back, four interrupts, data requests. Frames take their time.
    /// </summary>
    /// <remarks>
    /// Devices are registered at the number of the GPIO that selects them, whoever drives it (active low), or at
    /// <see cref="AlwaysSelected"/>. Renode's own devices take bytes: a frame of more than eight bits is two of them, the upper one first.
    /// Those that know frames implement <see cref="IRP2040_SPIDevice"/>; another SPI controller of this kind, as a slave, is one.
    ///
    /// They hear what the pins carry: with no pin selected for SPI as clock, no device is clocked; MOSI and MISO likewise.
    ///
    /// How long a frame takes follows the timing diagrams of the PL022 (ARM DDI 0194, 2.4): with SPH = 0 the chip select rises one bit's
    /// time after the last bit was captured, and is high for half of one between two frames; with SPH = 1 and in the other formats frames
    /// follow each other without a gap.
    /// </remarks>
    public class RP2040_SPI : RP2040_Peripheral, IRP2040_SPIDevice, IRP2040_PinUser
    {
        /// <param name="firstPins">The lowest GPIO that can be this controller's, 0 or 8; its pins repeat after 16.</param>
        public RP2040_SPI(IMachine machine, RP2040_Clocks clocks, RP2040_IOBank0 pins, int firstPins) : base(machine)
        {
            this.clocks = clocks;
            this.pins = pins;
            this.firstPins = firstPins;
            IRQ = new GPIO();
            TransmitRequest = new GPIO();
            ReceiveRequest = new GPIO();
            transmitFIFO = new Queue<ushort>();
            receiveFIFO = new Queue<ushort>();
            frame = new RP2040_Pace(machine, this, "frame", FrameEnds);
            timeout = new RP2040_Pace(machine, this, "receive time-out", TimedOut);
            halfBit = new RP2040_Pace(machine, this, "half bit", HalfBitPasses);
            poll = new RP2040_Poll(machine, frame);
            receivePins = MaskOf(ReceivePin);
            selectPins = MaskOf(ChipSelectPin);
            clockPins = MaskOf(ClockPin);
            transmitPins = MaskOf(TransmitPin);
            pins.AddUser(this);
            Lacks("TI and Microwire frames at the pins");
            Lacks("a slave does not hear its pins: frames reach it as a device of the master");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            frame.Stop();
            timeout.Stop();
            halfBit.Stop();
            atPins = false;
            transmitFIFO.Clear();
            receiveFIFO.Clear();
            overrun = false;
            timedOut = false;
            DriveIdle();
            Update();
        }

        public override void Register(IPeripheral peripheral, NumberRegistrationPoint<int> registrationPoint)
        {
            var pin = registrationPoint.Address;
            if(!(peripheral is ISPIPeripheral))
            {
                throw new RegistrationException("This is no SPI device");
            }
            if(pin != AlwaysSelected && (pin < 0 || pin >= NumberOfPins))
            {
                throw new RegistrationException(
                    "An SPI device is registered at the GPIO that selects it, 0 to 29, or at {0} if it always is".FormatWith(AlwaysSelected));
            }
            base.Register(peripheral, registrationPoint);
            if(pin != AlwaysSelected)
            {
                selects |= 1u << pin;
                pins.Watch(this, selects);
                ((GPIO)pins.Connections[pin]).AddStateChangedHook(level => ChipSelectChanged(pin, level));
            }
        }

        /// <summary>Wires another controller of this kind, as a slave, or any device, to this one.</summary>
        public void Attach(ISPIPeripheral device, int chipSelect)
        {
            if(device == this)
            {
                throw new RecoverableException("A controller is no slave of its own; LBM loops it back");
            }
            Register(device, new NumberRegistrationPoint<int>(chipSelect));
        }

        /// <summary>As a slave: one frame from the master, and what it gets for it.</summary>
        public ushort Transmit(ushort value, int bits)
        {
            if(!enable.Value || !slave.Value || HeldInReset)
            {
                return 0;
            }
            if(bits != FrameBits)
            {
                this.Log(LogLevel.Warning, "A frame of {0} bits from the master, and {1} are set here", bits, FrameBits);
            }
            var answer = transmitFIFO.Count > 0 ? transmitFIFO.Dequeue() : (ushort)0;
            Received((ushort)(value & FrameMask));
            Update();
            return slaveOutputDisable.Value ? (ushort)0 : answer;
        }

        /// <summary>As a slave of a master that knows bytes only.</summary>
        public byte Transmit(byte data)
        {
            return (byte)Transmit(data, 8);
        }

        public void FinishTransmission()
        {
        }

        public GPIO IRQ { get; private set; }
        public GPIO TransmitRequest { get; private set; }
        public GPIO ReceiveRequest { get; private set; }

        /// <summary>Bits per second as a master.</summary>
        public uint BitRate
        {
            get
            {
                var cycles = CyclesPerBit;
                return cycles == 0 ? 0 : (uint)(clocks.Peripheral / cycles);
            }
        }

        /// <summary>Where a device without a chip select is registered.</summary>
        public const int AlwaysSelected = -1;

        private void DefineRegisters()
        {
            Registers.SSPCR0.Define(this)
                .WithValueField(0, 4, out dataSize, name: "DSS")
                .WithValueField(4, 2, out format, name: "FRF")
                .WithFlag(6, out polarity, name: "SPO")
                .WithFlag(7, out phase, name: "SPH")
                .WithValueField(8, 8, out clockRate, name: "SCR")
                .WithReservedBits(16, 16)
                .WithWriteCallback((_, __) => ShowIdle());
            Registers.SSPCR1.Define(this)
                .WithFlag(0, out loopback, name: "LBM")
                .WithFlag(1, out enable, name: "SSE")
                .WithFlag(2, out slave, name: "MS")
                .WithFlag(3, out slaveOutputDisable, name: "SOD")
                .WithReservedBits(4, 28)
                .WithWriteCallback((_, __) => ControlWritten());
            Registers.SSPDR.Define(this)
                .WithValueField(0, 16, valueProviderCallback: _ => ReadData(), writeCallback: (_, value) => WriteData((ushort)value), name: "DATA")
                .WithNoBits(16, 16);
            Strobe(Registers.SSPDR);
            Registers.SSPSR.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => transmitFIFO.Count == 0, name: "TFE")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => transmitFIFO.Count < FIFODepth, name: "TNF")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count > 0, name: "RNE")
                .WithFlag(3, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count >= FIFODepth, name: "RFF")
                .WithFlag(4, FieldMode.Read, valueProviderCallback: _ => Busy, name: "BSY")
                .WithReservedBits(5, 27)
                .WithReadCallback((_, __) => poll.Seen());
            Registers.SSPCPSR.Define(this)
                // the lowest bit of the prescaler always reads 0
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => false, name: "CPSDVSR[0]")
                .WithValueField(1, 7, out prescaler, name: "CPSDVSR")
                .WithReservedBits(8, 24);
            Registers.SSPIMSC.Define(this)
                .WithValueField(0, 4, out mask, name: "RORIM, RTIM, RXIM, TXIM")
                .WithReservedBits(4, 28)
                .WithWriteCallback((_, __) => Update());
            Registers.SSPRIS.Define(this)
                .WithValueField(0, 4, FieldMode.Read, valueProviderCallback: _ => RawInterrupts, name: "RORRIS, RTRIS, RXRIS, TXRIS")
                .WithReservedBits(4, 28);
            Registers.SSPMIS.Define(this)
                .WithValueField(0, 4, FieldMode.Read, valueProviderCallback: _ => RawInterrupts & (uint)mask.Value, name: "RORMIS, RTMIS, RXMIS, TXMIS")
                .WithReservedBits(4, 28);
            Registers.SSPICR.Define(this)
                .WithFlag(0, FieldMode.Write, writeCallback: (_, value) => overrun &= !value, name: "RORIC")
                .WithFlag(1, FieldMode.Write, writeCallback: (_, value) => timedOut &= !value, name: "RTIC")
                .WithReservedBits(2, 30)
                .WithWriteCallback((_, __) => Update());
            Strobe(Registers.SSPICR);
            Registers.SSPDMACR.Define(this)
                .WithFlag(0, out receiveRequests, name: "RXDMAE")
                .WithFlag(1, out transmitRequests, name: "TXDMAE")
                .WithReservedBits(2, 30)
                .WithWriteCallback((_, __) => Update());
            Registers.SSPPERIPHID0.DefineMany(this, 8, (register, index) => register
                .WithValueField(0, 8, FieldMode.Read, valueProviderCallback: _ => Identification[index], name: "ID").WithReservedBits(8, 24));
        }

        private void ControlWritten()
        {
            if(!enable.Value)
            {
                frame.Stop();
            }
            ShowIdle();
            if(enable.Value)
            {
                StartFrame();
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
            if(receiveFIFO.Count == 0)
            {
                timedOut = false;
                timeout.Stop();
            }
            Update();
            return value;
        }

        private void WriteData(ushort value)
        {
            if(transmitFIFO.Count >= FIFODepth)
            {
                this.Log(LogLevel.Debug, "The transmit FIFO is full; 0x{0:X} lost", value);
                return;
            }
            transmitFIFO.Enqueue((ushort)(value & FrameMask));
            StartFrame();
            Update();
        }

        /// <summary>The next frame goes from the FIFO into the shifter, if that is free and this is a master.</summary>
        private void StartFrame()
        {
            if(!frame.Running && LoadShifter())
            {
                frame.Start(CyclesPerBit * (HalfBitsInAFrame + HalfBitsAtTheEnds), 2 * (ulong)clocks.Peripheral);
                ShowFrame(false);
            }
        }

        private bool LoadShifter()
        {
            if(!enable.Value || slave.Value || transmitFIFO.Count == 0)
            {
                return false;
            }
            if(CyclesPerBit == 0)
            {
                this.Log(LogLevel.Warning, "SSPCPSR is 0, the clock stands still: no frame leaves");
                return false;
            }
            shifter = transmitFIFO.Dequeue();
            return true;
        }

        private void FrameEnds()
        {
            if(frame.Stalled)
            {
                frame.Continue(CyclesPerBit * HalfBitsInAFrame, 2 * (ulong)clocks.Peripheral);
                return;
            }
            Received((ushort)(Exchange(shifter) & FrameMask));
            atPins = false;
            halfBit.Stop();
            var goesOn = LoadShifter();
            if(goesOn)
            {
                frame.Continue(CyclesPerBit * (HalfBitsInAFrame + HalfBitsBetween), 2 * (ulong)clocks.Peripheral);
                ShowFrame(true);
            }
            ShowIdle();
            if(!goesOn || HalfBitsBetween > 0)
            {
                ReleaseOwnChipSelect();
            }
            Update();
        }

        /// <summary>What comes in while this goes out.</summary>
        private ushort Exchange(ushort value)
        {
            if(loopback.Value)
            {
                return value;
            }
            if(!AnySelected(ClockPin))
            {
                return 0;
            }
            var sent = AnySelected(TransmitPin) ? value : (ushort)0;
            var answered = false;
            ushort answer = 0;
            foreach(var child in ChildCollection.Where(x => Selects(x.Key)).ToArray())
            {
                answered = true;
                answer |= Ask(child.Value, sent);
            }
            if(!AnySelected(ReceivePin))
            {
                return 0;
            }
            if(answered)
            {
                return answer;
            }
            // with nobody there, it is the level at the pin
            return atPins ? (ushort)bitsIn : Levels(ReceivePin) ? (ushort)FrameMask : (ushort)0;
        }

        // At the pins: a master's Motorola frames, half a bit at a time (ARM DDI 0194, 2.4), while somebody hears them.

        private void ShowFrame(bool follows)
        {
            var own = pins.PinsOf(SPIFunction) & (selectPins | clockPins | transmitPins);
            atPins = format.Value == Motorola && !loopback.Value && (pins.WatchedBesides(this, own) | (pins.Recorded & own)) != 0;
            if(!atPins)
            {
                return;
            }
            // with SPH = 0 chip select is high for half a bit between two frames
            halfBits = follows && !phase.Value ? -1 : 0;
            bitsIn = 0;
            DriveFrame();
            halfBit.Start(CyclesPerBit, 2 * (ulong)clocks.Peripheral);
        }

        private void HalfBitPasses()
        {
            if(!atPins)
            {
                return;
            }
            if(halfBit.Stalled)
            {
                halfBit.Continue(CyclesPerBit, 2 * (ulong)clocks.Peripheral);
                return;
            }
            halfBits++;
            var captures = phase.Value ? halfBits % 2 == 1 : halfBits >= 2 && halfBits % 2 == 0 && halfBits <= 2 * FrameBits;
            if(captures)
            {
                bitsIn = bitsIn << 1 | ((pins.InputsBefore & receivePins & pins.PinsOf(SPIFunction)) != 0 ? 1u : 0);
            }
            DriveFrame();
            if(halfBits + 1 < 2 * FrameBits + (phase.Value ? 0 : 2))
            {
                halfBit.Continue(CyclesPerBit, 2 * (ulong)clocks.Peripheral);
            }
        }

        private void DriveFrame()
        {
            if(halfBits < 0)
            {
                DriveIdle();
                return;
            }
            var started = phase.Value || halfBits > 0;
            var bit = Math.Min((phase.Value ? halfBits : halfBits - 1) / 2, FrameBits - 1);
            var active = started && halfBits % 2 == 0 && halfBits <= 2 * FrameBits;
            Drive(false, active != polarity.Value, started && (shifter >> (FrameBits - 1 - bit) & 1) != 0);
        }

        private void ShowIdle()
        {
            if(!frame.Running)
            {
                atPins = false;
                DriveIdle();
            }
        }

        private void DriveIdle()
        {
            Drive(true, polarity.Value, false);
        }

        /// <summary>TX is an output always (datasheet 4.4.3: nSSPOE is not connected to the pad).</summary>
        private void Drive(bool select, bool clock, bool data)
        {
            pins.SetFromFunction(SPIFunction, selectPins | clockPins | transmitPins,
                (select ? selectPins : 0) | (clock ? clockPins : 0) | (data ? transmitPins : 0),
                slave.Value ? transmitPins : uint.MaxValue);
        }

        private uint MaskOf(int role)
        {
            return Pins(role).Aggregate(0u, (all, pin) => all | 1u << pin);
        }

        private ushort Ask(IPeripheral device, ushort value)
        {
            if(format.Value == Microwire)
            {
                // eight bits of control, an idle one, then the answer
                Exchange(device, (ushort)(value & 0xFF), 8);
                return Exchange(device, 0, FrameBits);
            }
            return Exchange(device, value, FrameBits);
        }

        private static ushort Exchange(IPeripheral device, ushort value, int bits)
        {
            var framed = device as IRP2040_SPIDevice;
            if(framed != null)
            {
                return framed.Transmit(value, bits);
            }
            var bytewise = (ISPIPeripheral)device;
            if(bits <= 8)
            {
                return bytewise.Transmit((byte)value);
            }
            var upper = bytewise.Transmit((byte)(value >> 8));
            return (ushort)(upper << 8 | bytewise.Transmit((byte)value));
        }

        /// <summary>Whether the device at this chip select is selected: its pin is low, or it is this controller that pulls it low now.</summary>
        private bool Selects(int pin)
        {
            return pin == AlwaysSelected || IsOwnChipSelect(pin) || !pins.Level(pin);
        }

        private bool IsOwnChipSelect(int pin)
        {
            return Pins(ChipSelectPin).Contains(pin) && pins.FunctionOf(pin) == SPIFunction;
        }

        private void ReleaseOwnChipSelect()
        {
            foreach(var child in ChildCollection.Where(x => x.Key != AlwaysSelected && IsOwnChipSelect(x.Key)).ToArray())
            {
                ((ISPIPeripheral)child.Value).FinishTransmission();
            }
        }

        public void BringUpToDate()
        {
        }

        public void PinsChanged(uint changed, uint inputs)
        {
        }

        /// <summary>A chip select that rises ends a device's transmission.</summary>
        private void ChipSelectChanged(int pin, bool level)
        {
            IPeripheral device;
            if(level && TryGetByAddress(pin, out device) && !IsOwnChipSelect(pin))
            {
                ((ISPIPeripheral)device).FinishTransmission();
            }
        }

        private bool AnySelected(int role)
        {
            return Pins(role).Any(x => pins.FunctionOf(x) == SPIFunction);
        }

        private bool Levels(int role)
        {
            return Pins(role).Any(x => pins.FunctionOf(x) == SPIFunction && pins.Level(x));
        }

        /// <summary>The GPIOs that can have this role: RX, CSn, SCK and TX take turns (datasheet 2.19.2).</summary>
        private IEnumerable<int> Pins(int role)
        {
            for(var pin = firstPins + role; pin < NumberOfPins; pin += pin % 8 < 4 ? 4 : 12)
            {
                yield return pin;
            }
        }

        private void Received(ushort value)
        {
            if(receiveFIFO.Count >= FIFODepth)
            {
                overrun = true;
                return;
            }
            receiveFIFO.Enqueue(value);
            timedOut = false;
            if(clocks.Peripheral != 0)
            {
                timeout.Start(TimeoutBits * CyclesPerBit, clocks.Peripheral);
            }
        }

        private void TimedOut()
        {
            timedOut = receiveFIFO.Count > 0;
            Update();
        }

        private void Update()
        {
            IRQ.Set((RawInterrupts & (uint)mask.Value) != 0);
            TransmitRequest.Set(transmitRequests.Value && transmitFIFO.Count < FIFODepth);
            ReceiveRequest.Set(receiveRequests.Value && receiveFIFO.Count > 0);
        }

        private uint RawInterrupts
        {
            get
            {
                return (overrun ? 1u : 0) | (timedOut ? 2u : 0) | (receiveFIFO.Count >= FIFODepth / 2 ? 4u : 0)
                    | (transmitFIFO.Count <= FIFODepth / 2 ? 8u : 0);
            }
        }

        private ulong HalfBitsInAFrame
        {
            get { return 2 * (ulong)(format.Value == Microwire ? MicrowireControlBits + FrameBits : FrameBits); }
        }

        /// <summary>Before the first bit and after the last one, of a frame by itself.</summary>
        private ulong HalfBitsAtTheEnds { get { return format.Value == Motorola && phase.Value ? 0 : 2u; } }

        private ulong HalfBitsBetween { get { return format.Value == Motorola && !phase.Value ? 3u : 0; } }

        private bool Busy { get { return frame.Running || transmitFIFO.Count > 0; } }
        private int FrameBits { get { return (int)dataSize.Value + 1; } }
        private uint FrameMask { get { return (1u << FrameBits) - 1; } }
        private ulong CyclesPerBit { get { return 2 * prescaler.Value * (1 + clockRate.Value); } }

        private uint selects;
        private bool atPins;
        /// <summary>Since chip select went low.</summary>
        private int halfBits;
        private uint bitsIn;
        private ushort shifter;
        private bool overrun;
        private bool timedOut;
        private IValueRegisterField dataSize;
        private IValueRegisterField format;
        private IValueRegisterField clockRate;
        private IValueRegisterField prescaler;
        private IValueRegisterField mask;
        private IFlagRegisterField polarity;
        private IFlagRegisterField phase;
        private IFlagRegisterField loopback;
        private IFlagRegisterField enable;
        private IFlagRegisterField slave;
        private IFlagRegisterField slaveOutputDisable;
        private IFlagRegisterField receiveRequests;
        private IFlagRegisterField transmitRequests;

        private readonly RP2040_Clocks clocks;
        private readonly RP2040_IOBank0 pins;
        private readonly int firstPins;
        private readonly Queue<ushort> transmitFIFO;
        private readonly Queue<ushort> receiveFIFO;
        private readonly uint receivePins;
        private readonly uint selectPins;
        private readonly uint clockPins;
        private readonly uint transmitPins;
        private readonly RP2040_Pace frame;
        private readonly RP2040_Pace halfBit;
        private readonly RP2040_Pace timeout;
        private readonly RP2040_Poll poll;

        private static readonly byte[] Identification = { 0x22, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1 };

        private const int FIFODepth = 8;
        private const int NumberOfPins = 30;
        private const uint SPIFunction = 1;
        private const ulong TimeoutBits = 32;
        private const ulong Motorola = 0;
        private const ulong Microwire = 2;
        private const int MicrowireControlBits = 9;
        private const int ReceivePin = 0;
        private const int ChipSelectPin = 1;
        private const int ClockPin = 2;
        private const int TransmitPin = 3;

        // the names of the pico-sdk's header
        private enum Registers
        {
            SSPCR0 = 0x000,
            SSPCR1 = 0x004,
            SSPDR = 0x008,
            SSPSR = 0x00C,
            SSPCPSR = 0x010,
            SSPIMSC = 0x014,
            SSPRIS = 0x018,
            SSPMIS = 0x01C,
            SSPICR = 0x020,
            SSPDMACR = 0x024,
            SSPPERIPHID0 = 0xFE0,
        }
    }

    /// <summary>An SPI device that takes whole frames of 4 to 16 bits.</summary>
    public interface IRP2040_SPIDevice : ISPIPeripheral
    {
        ushort Transmit(ushort value, int bits);
    }
}
