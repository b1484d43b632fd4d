using Antmicro.Renode.Core;
using Antmicro.Renode.Core.USB;
using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The USB controller in device mode (datasheet 4.1): the device's end of the wire.
    /// </summary>
    /// <remarks>
    /// It knows registers, buffers and packets; what a request means is the firmware's business. The answer to a token
    /// is fixed when the token comes; what reports the transaction to the firmware happens at its end (docs/bus-timing.md).
    ///
    /// Two regions: the registers with their aliases, and region "dpsram". Inputs: <see cref="VbusDetectInput"/> is what a
    /// GPIO muxed to USB VBUS DETECT carries; <see cref="VbusSense"/> is the cable's 5 V, which a board leads to a pin.
    /// </remarks>
    public partial class RP2040_USB : RP2040_Peripheral, IUsbWire, IUSBDevice, IRP2040_ShortWay
    {
        /// <param name="machine">The machine it is part of.</param>
        /// <param name="vbusDetectPin">VBUS is detected by <see cref="VbusDetectInput"/>; otherwise by the cable itself.</param>
        /// <param name="clocks">Where the sanitizer learns how fast clk_sys and clk_usb are.</param>
        public RP2040_USB(IMachine machine, bool vbusDetectPin = false, RP2040_Clocks clocks = null) : base(machine)
        {
            this.vbusDetectPin = vbusDetectPin;
            this.clocks = clocks;
            IRQ = new GPIO();
            VbusSense = new GPIO();
            Clock = new UsbClock(machine, this);
            memory = new RP2040_USB_Memory();
            endpoints = new RP2040_USB_Endpoint[32];
            for(var i = 0; i < endpoints.Length; i++)
            {
                endpoints[i] = new RP2040_USB_Endpoint(memory, i);
            }
            line = new RP2040_USB_Line(Clock, BusResetSeen, ResumeSeen, ConnectedChanged, SuspendedChanged);
            bridge = new UsbCoreBridge(this, this);
            Lacks("the USB controller's host mode");
            DefineRegisters();
            ResetBlock();
        }

        public override void Reset()
        {
            Clock.Enter(ResetBlock);
        }

        public override void OnGPIO(int number, bool value)
        {
            if(number != VbusDetectInput)
            {
                base.OnGPIO(number, value);
                return;
            }
            vbusPin = value;
            Clock.Enter(PowerChanged);
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(sanitizer != null && HeldInReset)
            {
                sanitizer.WrittenInReset(offset & 0xFFF, value);
            }
            Clock.Synchronize();
            Clock.Enter(() => base.WriteDoubleWord(offset, value));
        }

        // IUsbWire: power, reset, suspend

        public void Vbus(bool present)
        {
            CountCause("VBUS");
            if(present == line.Vbus)
            {
                return;
            }
            transaction = Transaction.None;
            line.SetVbus(present);
            VbusSense.Set(present);
            PowerChanged();
        }

        public void ResetBegin()
        {
            CountCause("SE0");
            transaction = Transaction.None;
            line.ResetBegin();
        }

        public void ResetEnd()
        {
            line.ResetEnd();
        }

        public void Idle()
        {
            CountCause("idle");
            line.Idle();
        }

        public void ResumeBegin()
        {
            CountCause("K");
            line.ResumeBegin();
        }

        public void ResumeEnd()
        {
            line.ResumeEnd();
        }

        public void Sof(int frame)
        {
            CountCause("SOF");
            line.NotIdle();
            if(!Hears)
            {
                return;
            }
            line.Traffic();
            sofCount.Value = (ulong)frame;
            latchDeviceSof = true;
            UpdateInterrupts();
            if(nakPolled == 0)
            {
                return;
            }
            var polled = nakPolled;
            nakPolled = 0;
            foreach(var endpoint in endpoints)
            {
                if((polled & endpoint.Bit) != 0)
                {
                    TellReady(endpoint);
                }
            }
        }

        /// <summary>The cable's 5 V, for a board that leads it to a GPIO (GPIO24 on the Pico).</summary>
        public GPIO VbusSense { get; private set; }
        public UsbClock Clock { get; private set; }
        public IUsbWireListener Listener { get; set; }
        public bool PulledUp { get { return line.PullUp; } }
        /// <summary>For Renode's own USB hosts: each of their requests goes to the firmware over the bus.</summary>
        public USBDeviceCore USBCore { get { return bridge.Core; } }
        /// <summary>RP2040-E15, only on request: noise where the ACK of an IN is awaited, and nothing is heard until the block is reset.</summary>
        public bool ErratumE15 { get; set; }
        /// <summary>RP2040-E5, of B0 and B1: a busy bus keeps the device in its reset.</summary>
        public bool ErratumE5 { get { return line.NeedsIdle; } set { line.NeedsIdle = value; } }
        /// <summary>RP2040-E2, of B0 and B1: once EP_ABORT was used, every endpoint answers NAK until the block is reset
        /// or EP_ABORT was given back in the order of the boot ROM (AbortDoneCleared).</summary>
        public bool ErratumE2 { get; set; }

        /// <summary>The errata of a revision of the chip: 1 for B0 and B1, 2 for B2.</summary>
        public void OfRevision(uint revision)
        {
            ErratumE2 = revision < 2;
            ErratumE5 = revision < 2;
        }

        /// <summary>The device address that tokens are compared with.</summary>
        public int DeviceAddress { get { return (int)address.Value; } }

        public const int VbusDetectInput = 0;

        private void ResetBlock()
        {
            var attached = line.PullUp;
            base.Reset();
            transaction = Transaction.None;
            transactionEndpoint = null;
            error = null;
            told = null;
            nakPolled = 0;
            stuck = false;
            refusesAll = false;
            bufferStatus = 0;
            bufferCpuShouldHandle = 0;
            foreach(var endpoint in endpoints)
            {
                endpoint.Reset();
            }
            line.BlockReset();
            line.SetPowered(VbusDetected);
            latchDeviceSof = false;
            latchConnection = false;
            latchSuspend = false;
            SieControlChanged();
            UpdateInterrupts();
            if(sanitizer != null)
            {
                sanitizer.Reset();
            }
            if(attached && Listener != null)
            {
                Listener.PullUpChanged(false);
            }
        }

        // The line

        private bool VbusDetected { get { return vbusDetectOverride.Value ? vbusDetect.Value : vbusDetectPin ? vbusPin : line.Vbus; } }

        private void PowerChanged()
        {
            line.SetPowered(VbusDetected);
            UpdateInterrupts();
        }

        private void SieControlChanged()
        {
            // Endpoint 0's bits have the positions of an endpoint control word, NAK and STALL apart.
            var control = RP2040_USB_Endpoint.Enable
                | (endpoint0DoubleBuffered.Value ? RP2040_USB_Endpoint.DoubleBuffered : 0)
                | (endpoint0InterruptBuffer.Value ? RP2040_USB_Endpoint.InterruptPerBuffer : 0)
                | (endpoint0InterruptTwoBuffers.Value ? RP2040_USB_Endpoint.InterruptPerTwoBuffers : 0)
                | (endpoint0InterruptNak.Value ? RP2040_USB_Endpoint.InterruptOnNak : 0)
                | (endpoint0InterruptStall.Value ? RP2040_USB_Endpoint.InterruptOnStall : 0);
            endpoints[0].Endpoint0Control = control;
            endpoints[1].Endpoint0Control = control;
            LookAgainAtEndpoint0();
            PullUpChanged();
        }

        private void PullUpChanged()
        {
            var on = directPullUpOverride.Value ? directPullUp.Value
                : pullUpEnable.Value && controllerEnable.Value && toPhy.Value;
            line.ForcePad(toDigitalPad.Value && !toPhy.Value);
            if(!line.SetPullUp(on))
            {
                return;
            }
            if(!on)
            {
                transaction = Transaction.None;
                transactionEndpoint = null;
            }
            if(Listener != null)
            {
                Listener.PullUpChanged(on);
            }
        }

        private void WakeUp(bool value)
        {
            if(value && line.WakeUp() && Listener != null)
            {
                Listener.RemoteWakeup();
            }
        }

        private void BusResetSeen()
        {
            // Address and buffers stay as they are: they are the firmware's to clear.
            nakPolled = 0;
            foreach(var endpoint in endpoints)
            {
                endpoint.Answered = false;
            }
            busReset.Value = true;
            UpdateInterrupts();
        }

        private void ResumeSeen()
        {
            resume.Value = true;
            UpdateInterrupts();
        }

        private void ConnectedChanged()
        {
            latchConnection = true;
            UpdateInterrupts();
        }

        private void SuspendedChanged()
        {
            latchSuspend = true;
            UpdateInterrupts();
        }

        private void SofWasRead()
        {
            latchDeviceSof = false;
            UpdateInterrupts();
        }

        private bool vbusPin;
        private bool stuck;
        private bool refusesAll;

        private readonly bool vbusDetectPin;
        private readonly RP2040_USB_Memory memory;
        private readonly RP2040_USB_Endpoint[] endpoints;
        private readonly RP2040_USB_Line line;
        private readonly UsbCoreBridge bridge;
    }
}
