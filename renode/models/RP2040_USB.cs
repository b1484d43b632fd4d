using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Core.USB;
using Antmicro.Renode.Peripherals.Bus;
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
    public class RP2040_USB : RP2040_Peripheral, IUsbWire, IUSBDevice, IRP2040_ShortWay
    {
        /// <param name="machine">The machine it is part of.</param>
        /// <param name="vbusDetectPin">VBUS is detected by <see cref="VbusDetectInput"/>; otherwise by the cable itself.</param>
        public RP2040_USB(IMachine machine, bool vbusDetectPin = false) : base(machine)
        {
            this.vbusDetectPin = vbusDetectPin;
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
            Clock.Synchronize();
            Clock.Enter(() => base.WriteDoubleWord(offset, value));
        }

        // DPSRAM

        [ConnectionRegion("dpsram")]
        public byte ReadByteFromDpsram(long offset)
        {
            return memory.Bytes[offset & (RP2040_USB_Memory.Size - 1)];
        }

        [ConnectionRegion("dpsram")]
        public void WriteByteToDpsram(long offset, byte value)
        {
            offset &= RP2040_USB_Memory.Size - 1;
            if(offset >= RP2040_USB_Memory.Buffers)
            {
                memory.Bytes[offset] = value;
                return;
            }
            var shift = 8 * (int)(offset & 3);
            WriteControlWord(offset, 0xFFu << shift, (uint)value << shift);
        }

        [ConnectionRegion("dpsram")]
        public ushort ReadWordFromDpsram(long offset)
        {
            return (ushort)(memory.Word(offset) >> 8 * (int)(offset & 2));
        }

        [ConnectionRegion("dpsram")]
        public void WriteWordToDpsram(long offset, ushort value)
        {
            var shift = 8 * (int)(offset & 2);
            WriteDpsram(offset, 0xFFFFu << shift, (uint)value << shift);
        }

        [ConnectionRegion("dpsram")]
        public uint ReadDoubleWordFromDpsram(long offset)
        {
            return memory.Word(offset);
        }

        [ConnectionRegion("dpsram")]
        public void WriteDoubleWordToDpsram(long offset, uint value)
        {
            WriteDpsram(offset, uint.MaxValue, value);
        }

        /// <summary>All reads of DPSRAM, and what is written to its buffers; a control word may wake the host.</summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            value = width == 1 ? memory.Bytes[offset] : memory.Word(offset);
            return true;
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            if(offset < RP2040_USB_Memory.Buffers)
            {
                return false;
            }
            if(width == 1)
            {
                memory.Bytes[offset] = (byte)value;
            }
            else
            {
                memory.SetWord(offset, value);
            }
            return true;
        }

        // IUsbWire: power, reset, suspend

        public void Vbus(bool present)
        {
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
            transaction = Transaction.None;
            line.ResetBegin();
        }

        public void ResetEnd()
        {
            line.ResetEnd();
        }

        public void Idle()
        {
            line.Idle();
        }

        public void ResumeBegin()
        {
            line.ResumeBegin();
        }

        public void ResumeEnd()
        {
            line.ResumeEnd();
        }

        public void Sof(int frame)
        {
            if(!line.Listening || !controllerEnable.Value)
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

        // IUsbWire: transactions

        /// <summary>Always accepted by endpoint 0, whatever its buffers are (USB 2.0, 8.5.3); no other is a control endpoint.</summary>
        public UsbPacket Setup(int address, int endpoint, byte[] data, UsbFault fault)
        {
            Begin();
            if(endpoint != 0 || !Addressed(address))
            {
                return null;
            }
            if(fault == UsbFault.WrongToggle)
            {
                error = dataSequenceError;
                return null;
            }
            if(Spoiled(fault))
            {
                return null;
            }
            transaction = Transaction.Setup;
            transactionData = data;
            return fault == UsbFault.LostHandshake ? null : UsbPacket.Ack;
        }

        public UsbPacket Out(int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault)
        {
            Begin();
            var target = endpoints[2 * endpoint + 1];
            if(!Addressed(address) || !target.Enabled || Spoiled(fault))
            {
                return null;
            }
            if(target.Isochronous)
            {
                if(target.Ready && !Aborted(target) && data.Length <= UsbTiming.MaxPacket)
                {
                    Accept(Transaction.Out, target, data);
                }
                return null;
            }
            var refusal = Refusal(target);
            if(refusal != null)
            {
                return refusal;
            }
            if(data.Length > RP2040_USB_Endpoint.NonIsochronousSize)
            {
                error = receiveOverflow;
                return null;
            }
            if((pid == UsbPid.Data1) != target.Data1(target.Current))
            {
                // The packet before, sent again: its ACK was lost. Acknowledged and thrown away (USB 2.0, 8.6.4).
                error = dataSequenceError;
            }
            else
            {
                Accept(Transaction.Out, target, data);
            }
            return fault == UsbFault.LostHandshake ? null : UsbPacket.Ack;
        }

        public UsbPacket In(int address, int endpoint, UsbFault fault)
        {
            Begin();
            var source = endpoints[2 * endpoint];
            if(!Addressed(address) || !source.Enabled)
            {
                return null;
            }
            if(source.Isochronous)
            {
                if(!source.Ready || Aborted(source))
                {
                    return null;
                }
                Accept(Transaction.IsochronousIn, source, null);
                return new UsbPacket(UsbPid.Data0, source.Data(source.Current));
            }
            var refusal = Refusal(source);
            if(refusal != null)
            {
                return refusal;
            }
            Accept(Transaction.In, source, null);
            if(fault == UsbFault.Crc || fault == UsbFault.BitStuff || fault == UsbFault.LostData)
            {
                // The packet does not arrive, so no ACK comes back.
                return null;
            }
            var pid = source.Data1(source.Current) ? UsbPid.Data1 : UsbPid.Data0;
            return new UsbPacket(fault == UsbFault.WrongToggle ? pid.Toggled() : pid, source.Data(source.Current));
        }

        public void InHandshake(int address, int endpoint, bool acknowledged)
        {
            if(transaction == Transaction.In && acknowledged)
            {
                transaction = Transaction.InAcknowledged;
            }
        }

        public void TransactionEnd()
        {
            var kind = transaction;
            var endpoint = transactionEndpoint;
            transaction = Transaction.None;
            transactionEndpoint = null;
            if(error != null)
            {
                error.Value = true;
                error = null;
            }
            if(told != null)
            {
                stallNakStatus.Value |= told.Bit;
                told = null;
            }
            switch(kind)
            {
            case Transaction.Setup:
                memory.Write(0, transactionData);
                stallArm.Value = 0;
                setupReceived.Value = true;
                break;
            case Transaction.Out:
                BufferDone(endpoint, endpoint.Received(transactionBuffer, transactionData));
                break;
            case Transaction.In:
                receiveTimeout.Value = true;
                break;
            case Transaction.InAcknowledged:
                ackReceived.Value = true;
                BufferDone(endpoint, endpoint.Sent(transactionBuffer));
                break;
            case Transaction.IsochronousIn:
                BufferDone(endpoint, endpoint.Sent(transactionBuffer));
                break;
            }
            if(endpoint != null && Aborted(endpoint))
            {
                abortDone.Value |= endpoint.Bit;
            }
            UpdateInterrupts();
        }

        public GPIO IRQ { get; private set; }
        /// <summary>The cable's 5 V, for a board that leads it to a GPIO (GPIO24 on the Pico).</summary>
        public GPIO VbusSense { get; private set; }
        public UsbClock Clock { get; private set; }
        public IUsbWireListener Listener { get; set; }
        public bool PulledUp { get { return line.PullUp; } }
        /// <summary>For Renode's own USB hosts: each of their requests goes to the firmware over the bus.</summary>
        public USBDeviceCore USBCore { get { return bridge.Core; } }
        /// <summary>The device address that tokens are compared with.</summary>
        public int DeviceAddress { get { return (int)address.Value; } }

        public const int VbusDetectInput = 0;

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            if(register == (long)Registers.SieControl && operation == AtomicOperation.Clear)
            {
                // Clearing a bit that clears itself starts nothing.
                mask &= ~SelfClearing;
            }
            base.WriteRegister(register, operation, mask);
            UpdateInterrupts();
        }

        private void DefineRegisters()
        {
            Registers.AddressEndpoint.Define(this)
                .WithValueField(0, 7, out address, name: "ADDRESS")
                .WithReservedBits(7, 9)
                .WithValueField(16, 4, name: "ENDPOINT")
                .WithReservedBits(20, 12);

            for(var i = 1; i <= 15; i++)
            {
                HostOnly("ADDR_ENDP" + i, RegistersCollection.DefineRegister(4 * i)
                    .WithValueField(0, 7, name: "ADDRESS")
                    .WithReservedBits(7, 9)
                    .WithValueField(16, 4, name: "ENDPOINT")
                    .WithReservedBits(20, 5)
                    .WithFlag(25, name: "INTEP_DIR")
                    .WithFlag(26, name: "INTEP_PREAMBLE")
                    .WithReservedBits(27, 5));
            }

            Registers.MainControl.Define(this)
                .WithFlag(0, out controllerEnable, name: "CONTROLLER_EN")
                .WithFlag(1, out hostMode, name: "HOST_NDEVICE", writeCallback: (_, value) => NoteHostMode(value))
                .WithReservedBits(2, 29)
                .WithFlag(31, name: "SIM_TIMING")
                .WithWriteCallback((_, __) => PullUpChanged());

            HostOnly("SOF_WR", Registers.SofWrite.Define(this)
                .WithValueField(0, 11, FieldMode.Write, name: "COUNT")
                .WithReservedBits(11, 21));

            Registers.SofRead.Define(this)
                .WithValueField(0, 11, out sofCount, FieldMode.Read, name: "COUNT")
                .WithReservedBits(11, 21)
                .WithReadCallback((_, __) => SofWasRead());

            Registers.SieControl.Define(this)
                .WithFlag(0, FieldMode.Write, name: "START_TRANS", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(1, name: "SEND_SETUP", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(2, name: "SEND_DATA", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(3, name: "RECEIVE_DATA", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(4, FieldMode.Write, name: "STOP_TRANS", writeCallback: (_, value) => NoteHostMode(value))
                .WithReservedBits(5, 1)
                .WithFlag(6, name: "PREAMBLE_EN", writeCallback: (_, value) => NoteHostMode(value))
                .WithReservedBits(7, 1)
                .WithFlag(8, name: "SOF_SYNC", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(9, name: "SOF_EN", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(10, name: "KEEP_ALIVE_EN", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(11, name: "VBUS_EN", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(12, FieldMode.Write, name: "RESUME", writeCallback: (_, value) => WakeUp(value))
                .WithFlag(13, FieldMode.Write, name: "RESET_BUS", writeCallback: (_, value) => NoteHostMode(value))
                .WithReservedBits(14, 1)
                .WithFlag(15, name: "PULLDOWN_EN", writeCallback: (_, value) => NoteHostMode(value))
                .WithFlag(16, out pullUpEnable, name: "PULLUP_EN")
                .WithFlag(17, name: "RPU_OPT")
                .WithFlag(18, name: "TRANSCEIVER_PD")
                .WithReservedBits(19, 5)
                .WithFlag(24, name: "DIRECT_DM")
                .WithFlag(25, name: "DIRECT_DP")
                .WithFlag(26, name: "DIRECT_EN")
                .WithFlag(27, out endpoint0InterruptNak, name: "EP0_INT_NAK")
                .WithFlag(28, out endpoint0InterruptTwoBuffers, name: "EP0_INT_2BUF")
                .WithFlag(29, out endpoint0InterruptBuffer, name: "EP0_INT_1BUF")
                .WithFlag(30, out endpoint0DoubleBuffered, name: "EP0_DOUBLE_BUF")
                .WithFlag(31, out endpoint0InterruptStall, name: "EP0_INT_STALL")
                .WithWriteCallback((_, __) => SieControlChanged());
            Strobe(Registers.SieControl, SelfClearing);

            Registers.SieStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => line.Powered, name: "VBUS_DETECTED")
                .WithIgnoredBits(1, 1)
                .WithEnumField<DoubleWordRegister, LineState>(2, 2, FieldMode.Read, valueProviderCallback: _ => line.State, name: "LINE_STATE")
                .WithFlag(4, FieldMode.Read | FieldMode.Write, valueProviderCallback: _ => line.Suspended,
                    writeCallback: (_, value) => latchSuspend &= !value, name: "SUSPENDED")
                .WithIgnoredBits(5, 3)
                .WithValueField(8, 2, FieldMode.Read, valueProviderCallback: _ => 0, name: "SPEED")
                .WithFlag(10, FieldMode.Read, valueProviderCallback: _ => false, name: "VBUS_OVER_CURR")
                .WithFlag(11, out resume, FieldMode.Read | FieldMode.WriteOneToClear, name: "RESUME")
                .WithIgnoredBits(12, 4)
                .WithFlag(16, FieldMode.Read | FieldMode.Write, valueProviderCallback: _ => line.Connected,
                    writeCallback: (_, value) => latchConnection &= !value, name: "CONNECTED")
                .WithFlag(17, out setupReceived, FieldMode.Read | FieldMode.WriteOneToClear, name: "SETUP_REC",
                    changeCallback: (_, __) => LookAgainAtEndpoint0())
                .WithFlag(18, out transactionComplete, FieldMode.Read | FieldMode.WriteOneToClear, name: "TRANS_COMPLETE")
                .WithFlag(19, out busReset, FieldMode.Read | FieldMode.WriteOneToClear, name: "BUS_RESET")
                .WithIgnoredBits(20, 4)
                .WithFlag(24, out crcError, FieldMode.Read | FieldMode.WriteOneToClear, name: "CRC_ERROR")
                .WithFlag(25, out bitStuffError, FieldMode.Read | FieldMode.WriteOneToClear, name: "BIT_STUFF_ERROR")
                .WithFlag(26, out receiveOverflow, FieldMode.Read | FieldMode.WriteOneToClear, name: "RX_OVERFLOW")
                .WithFlag(27, out receiveTimeout, FieldMode.Read | FieldMode.WriteOneToClear, name: "RX_TIMEOUT")
                .WithFlag(28, FieldMode.Read | FieldMode.WriteOneToClear, name: "NAK_REC")
                .WithFlag(29, FieldMode.Read | FieldMode.WriteOneToClear, name: "STALL_REC")
                .WithFlag(30, out ackReceived, FieldMode.Read | FieldMode.WriteOneToClear, name: "ACK_REC")
                .WithFlag(31, out dataSequenceError, FieldMode.Read | FieldMode.WriteOneToClear, name: "DATA_SEQ_ERROR");
            Strobe(Registers.SieStatus);

            HostOnly("INT_EP_CTRL", Registers.InterruptEndpointControl.Define(this)
                .WithReservedBits(0, 1)
                .WithValueField(1, 15, name: "INT_EP_ACTIVE")
                .WithReservedBits(16, 16));

            Registers.BufferStatus.Define(this)
                .WithValueField(0, 32, FieldMode.Read | FieldMode.Write, name: "EP0_IN..EP15_OUT",
                    valueProviderCallback: _ => bufferStatus, writeCallback: (_, value) => BuffersHandled((uint)value));
            Strobe(Registers.BufferStatus);

            Registers.BufferCpuShouldHandle.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => bufferCpuShouldHandle, name: "EP0_IN..EP15_OUT");

            Registers.EndpointAbort.Define(this)
                .WithValueField(0, 32, out abort, name: "EP0_IN..EP15_OUT",
                    changeCallback: (before, value) => AbortChanged((uint)before, (uint)value));

            Registers.EndpointAbortDone.Define(this)
                .WithValueField(0, 32, out abortDone, FieldMode.Read | FieldMode.WriteOneToClear, name: "EP0_IN..EP15_OUT");
            Strobe(Registers.EndpointAbortDone);

            Registers.EndpointStallArm.Define(this)
                .WithValueField(0, 2, out stallArm, name: "EP0_IN, EP0_OUT", changeCallback: (_, __) => LookAgainAtEndpoint0())
                .WithReservedBits(2, 30);

            HostOnly("NAK_POLL", Registers.NakPoll.Define(this, 0x00100010)
                .WithValueField(0, 10, name: "DELAY_LS")
                .WithReservedBits(10, 6)
                .WithValueField(16, 10, name: "DELAY_FS")
                .WithReservedBits(26, 6));

            Registers.EndpointStatusStallNak.Define(this)
                .WithValueField(0, 32, out stallNakStatus, FieldMode.Read | FieldMode.WriteOneToClear, name: "EP0_IN..EP15_OUT");
            Strobe(Registers.EndpointStatusStallNak);

            Registers.UsbMuxing.Define(this)
                .WithFlag(0, out toPhy, name: "TO_PHY")
                .WithFlag(1, name: "TO_EXTPHY")
                .WithFlag(2, out toDigitalPad, name: "TO_DIGITAL_PAD")
                .WithFlag(3, name: "SOFTCON")
                .WithReservedBits(4, 28)
                .WithWriteCallback((_, __) => PullUpChanged());

            Registers.UsbPower.Define(this)
                .WithFlag(0, name: "VBUS_EN")
                .WithFlag(1, name: "VBUS_EN_OVERRIDE_EN")
                .WithFlag(2, out vbusDetect, name: "VBUS_DETECT")
                .WithFlag(3, out vbusDetectOverride, name: "VBUS_DETECT_OVERRIDE_EN")
                .WithFlag(4, name: "OVERCURR_DETECT")
                .WithFlag(5, name: "OVERCURR_DETECT_EN")
                .WithReservedBits(6, 26)
                .WithWriteCallback((_, __) => PowerChanged());

            Registers.UsbPhyDirect.Define(this)
                .WithFlag(0, name: "DP_PULLUP_HISEL")
                .WithFlag(1, out directPullUp, name: "DP_PULLUP_EN")
                .WithFlag(2, name: "DP_PULLDN_EN")
                .WithReservedBits(3, 1)
                .WithFlag(4, name: "DM_PULLUP_HISEL")
                .WithFlag(5, name: "DM_PULLUP_EN")
                .WithFlag(6, name: "DM_PULLDN_EN")
                .WithReservedBits(7, 1)
                .WithFlag(8, name: "TX_DP_OE")
                .WithFlag(9, name: "TX_DM_OE")
                .WithFlag(10, name: "TX_DP")
                .WithFlag(11, name: "TX_DM")
                .WithFlag(12, name: "RX_PD")
                .WithFlag(13, name: "TX_PD")
                .WithFlag(14, name: "TX_FSSLEW")
                .WithFlag(15, name: "TX_DIFFMODE")
                .WithFlag(16, FieldMode.Read, valueProviderCallback: _ => line.State == LineState.J, name: "RX_DD")
                .WithFlag(17, FieldMode.Read, valueProviderCallback: _ => line.State == LineState.J, name: "RX_DP")
                .WithFlag(18, FieldMode.Read, valueProviderCallback: _ => line.State == LineState.K, name: "RX_DM")
                .WithFlag(19, FieldMode.Read, name: "DP_OVCN")
                .WithFlag(20, FieldMode.Read, name: "DM_OVCN")
                .WithFlag(21, FieldMode.Read, name: "DP_OVV")
                .WithFlag(22, FieldMode.Read, name: "DM_OVV")
                .WithReservedBits(23, 9)
                .WithWriteCallback((_, __) => PullUpChanged());

            Registers.UsbPhyDirectOverride.Define(this)
                .WithFlag(0, name: "DP_PULLUP_HISEL_OVERRIDE_EN")
                .WithFlag(1, name: "DM_PULLUP_HISEL_OVERRIDE_EN")
                .WithFlag(2, out directPullUpOverride, name: "DP_PULLUP_EN_OVERRIDE_EN")
                .WithFlag(3, name: "DP_PULLDN_EN_OVERRIDE_EN")
                .WithFlag(4, name: "DM_PULLDN_EN_OVERRIDE_EN")
                .WithFlag(5, name: "TX_DP_OE_OVERRIDE_EN")
                .WithFlag(6, name: "TX_DM_OE_OVERRIDE_EN")
                .WithFlag(7, name: "TX_DP_OVERRIDE_EN")
                .WithFlag(8, name: "TX_DM_OVERRIDE_EN")
                .WithFlag(9, name: "RX_PD_OVERRIDE_EN")
                .WithFlag(10, name: "TX_PD_OVERRIDE_EN")
                .WithFlag(11, name: "TX_FSSLEW_OVERRIDE_EN")
                .WithFlag(12, name: "DM_PULLUP_OVERRIDE_EN")
                .WithReservedBits(13, 2)
                .WithFlag(15, name: "TX_DIFFMODE_OVERRIDE_EN")
                .WithReservedBits(16, 16)
                .WithWriteCallback((_, __) => PullUpChanged());

            Registers.UsbPhyTrim.Define(this, 0x00001F1F)
                .WithValueField(0, 5, name: "DP_PULLDN_TRIM")
                .WithReservedBits(5, 3)
                .WithValueField(8, 5, name: "DM_PULLDN_TRIM")
                .WithReservedBits(13, 19);

            Registers.RawInterrupts.Define(this)
                .WithValueField(0, 20, FieldMode.Read, valueProviderCallback: _ => (uint)Raw, name: "INTR")
                .WithReservedBits(20, 12);

            Registers.InterruptEnable.Define(this)
                .WithValueField(0, 20, out interruptEnable, name: "INTE")
                .WithReservedBits(20, 12);

            Registers.InterruptForce.Define(this)
                .WithValueField(0, 20, out interruptForce, name: "INTF")
                .WithReservedBits(20, 12);

            Registers.InterruptStatus.Define(this)
                .WithValueField(0, 20, FieldMode.Read, valueProviderCallback: _ => Status, name: "INTS")
                .WithReservedBits(20, 12);
        }

        private void HostOnly(string name, DoubleWordRegister register)
        {
            Lacks("host mode: " + name);
            register.WithWriteCallback((_, value) =>
            {
                // The boot ROM clears the whole block.
                if(value != 0)
                {
                    NoteUnmodelled("host mode: " + name);
                }
            });
        }

        private void NoteHostMode(bool value)
        {
            if(value)
            {
                NoteUnmodelled("the USB controller's host mode");
            }
        }

        private void ResetBlock()
        {
            var attached = line.PullUp;
            base.Reset();
            transaction = Transaction.None;
            transactionEndpoint = null;
            error = null;
            told = null;
            nakPolled = 0;
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
            if(attached && Listener != null)
            {
                Listener.PullUpChanged(false);
            }
        }

        // DPSRAM

        private void WriteDpsram(long offset, uint mask, uint value)
        {
            offset &= RP2040_USB_Memory.Size - 4;
            if(offset >= RP2040_USB_Memory.Buffers)
            {
                memory.SetWord(offset, (memory.Word(offset) & ~mask) | value);
                return;
            }
            WriteControlWord(offset, mask, value);
        }

        private void WriteControlWord(long offset, uint mask, uint value)
        {
            Clock.Synchronize();
            Clock.Enter(() =>
            {
                memory.SetWord(offset, (memory.Word(offset) & ~mask) | value);
                ControlWordWritten((int)(offset & 0xFC));
            });
        }

        private void ControlWordWritten(int offset)
        {
            if(offset < FirstEndpointControl)
            {
                return;
            }
            var endpoint = endpoints[(offset >> 2) & 0x1F];
            if(offset >= RP2040_USB_Memory.EndpointBufferControl)
            {
                endpoint.BufferControlWritten();
            }
            LookAgain(endpoint);
        }

        // Who answers, and what

        private bool Addressed(int tokenAddress)
        {
            return line.Listening && controllerEnable.Value && !hostMode.Value && tokenAddress == (int)address.Value;
        }

        private bool Aborted(RP2040_USB_Endpoint endpoint)
        {
            return (abort.Value & endpoint.Bit) != 0;
        }

        /// <summary>NAK, STALL or (null) data: EP_ABORT wins, a SETUP not yet seen by the firmware comes next.</summary>
        private UsbPacket Blocked(RP2040_USB_Endpoint endpoint)
        {
            if(Aborted(endpoint))
            {
                return UsbPacket.Nak;
            }
            if(endpoint.Number == 0 && setupReceived.Value)
            {
                // The buffers still belong to the control transfer that this SETUP has ended.
                return UsbPacket.Nak;
            }
            if(endpoint.Stalled && (endpoint.Number != 0 || (stallArm.Value & endpoint.Bit) != 0))
            {
                return UsbPacket.Stall;
            }
            return endpoint.Ready ? null : UsbPacket.Nak;
        }

        private UsbPacket Refusal(RP2040_USB_Endpoint endpoint)
        {
            var answer = Blocked(endpoint);
            if(answer == UsbPacket.Nak)
            {
                endpoint.Answered = true;
                if((endpoint.Control & RP2040_USB_Endpoint.InterruptOnNak) != 0)
                {
                    nakPolled |= endpoint.Bit;
                    told = endpoint;
                }
            }
            else if(answer == UsbPacket.Stall && (endpoint.Control & RP2040_USB_Endpoint.InterruptOnStall) != 0)
            {
                told = endpoint;
            }
            return answer;
        }

        /// <summary>Something that decides over this endpoint's answer, or over what it reports, has changed.</summary>
        private void LookAgain(RP2040_USB_Endpoint endpoint)
        {
            if(!endpoint.Answered)
            {
                return;
            }
            if(!endpoint.Enabled || Blocked(endpoint) != UsbPacket.Nak)
            {
                TellReady(endpoint);
            }
            else if((endpoint.Control & RP2040_USB_Endpoint.InterruptOnNak) != 0)
            {
                // A host that polled would be told NAK again in this very frame; one that waits is asked to try.
                nakPolled |= endpoint.Bit;
            }
        }

        private void LookAgainAtEndpoint0()
        {
            LookAgain(endpoints[0]);
            LookAgain(endpoints[1]);
        }

        private void TellReady(RP2040_USB_Endpoint endpoint)
        {
            endpoint.Answered = false;
            if(Listener != null)
            {
                Listener.EndpointReady(endpoint.EndpointAddress);
            }
        }

        // The course of a transaction

        private void Begin()
        {
            if(transaction != Transaction.None || error != null || told != null)
            {
                TransactionEnd();
            }
            line.Traffic();
        }

        private bool Spoiled(UsbFault fault)
        {
            switch(fault)
            {
            case UsbFault.Crc:
                error = crcError;
                return true;
            case UsbFault.BitStuff:
                error = bitStuffError;
                return true;
            case UsbFault.LostData:
                error = receiveTimeout;
                return true;
            default:
                return false;
            }
        }

        private void Accept(Transaction kind, RP2040_USB_Endpoint endpoint, byte[] data)
        {
            transaction = kind;
            transactionEndpoint = endpoint;
            transactionBuffer = endpoint.Current;
            transactionData = data;
        }

        private void BufferDone(RP2040_USB_Endpoint endpoint, bool last)
        {
            if(last)
            {
                transactionComplete.Value = true;
            }
            if(endpoint.Reports(transactionBuffer) && !endpoint.Done.Contains(transactionBuffer))
            {
                endpoint.Done.Add(transactionBuffer);
                ShowDone(endpoint);
            }
        }

        /// <summary>BUFF_STATUS and BUFF_CPU_SHOULD_HANDLE speak of the oldest buffer that is done.</summary>
        private void ShowDone(RP2040_USB_Endpoint endpoint)
        {
            if(endpoint.Done.Count == 0)
            {
                bufferStatus &= ~endpoint.Bit;
                return;
            }
            bufferStatus |= endpoint.Bit;
            if(endpoint.Done[0] == 1)
            {
                bufferCpuShouldHandle |= endpoint.Bit;
            }
            else
            {
                bufferCpuShouldHandle &= ~endpoint.Bit;
            }
        }

        private void BuffersHandled(uint mask)
        {
            foreach(var endpoint in endpoints)
            {
                if((mask & endpoint.Bit) != 0 && endpoint.Done.Count > 0)
                {
                    endpoint.Done.RemoveAt(0);
                    ShowDone(endpoint);
                }
            }
        }

        private void AbortChanged(uint before, uint value)
        {
            var begun = value & ~before;
            if(transactionEndpoint != null)
            {
                begun &= ~transactionEndpoint.Bit;
            }
            abortDone.Value |= begun;
            foreach(var endpoint in endpoints)
            {
                if((before & ~value & endpoint.Bit) != 0)
                {
                    LookAgain(endpoint);
                }
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
            // The buffers stay as they are: they are the firmware's to clear.
            address.Value = 0;
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

        // Interrupts

        /// <summary>INTR: the sources as levels, three of them latched.</summary>
        private Interrupts Raw
        {
            get
            {
                return (transactionComplete.Value ? Interrupts.TransactionComplete : 0)
                    | (bufferStatus != 0 ? Interrupts.BufferStatus : 0)
                    | (dataSequenceError.Value ? Interrupts.ErrorDataSequence : 0)
                    | (receiveTimeout.Value ? Interrupts.ErrorReceiveTimeout : 0)
                    | (receiveOverflow.Value ? Interrupts.ErrorReceiveOverflow : 0)
                    | (bitStuffError.Value ? Interrupts.ErrorBitStuff : 0)
                    | (crcError.Value ? Interrupts.ErrorCrc : 0)
                    | (line.Powered ? Interrupts.VbusDetect : 0)
                    | (busReset.Value ? Interrupts.BusReset : 0)
                    | (latchConnection ? Interrupts.DeviceConnection : 0)
                    | (latchSuspend ? Interrupts.DeviceSuspend : 0)
                    | (resume.Value ? Interrupts.DeviceResumeFromHost : 0)
                    | (setupReceived.Value ? Interrupts.SetupRequest : 0)
                    | (latchDeviceSof ? Interrupts.DeviceSof : 0)
                    | (abortDone.Value != 0 ? Interrupts.AbortDone : 0)
                    | (stallNakStatus.Value != 0 ? Interrupts.EndpointStallNak : 0);
            }
        }

        private uint Status { get { return ((uint)Raw & (uint)interruptEnable.Value) | (uint)interruptForce.Value; } }

        private void UpdateInterrupts()
        {
            var level = Status != 0;
            if(IRQ.IsSet != level)
            {
                IRQ.Set(level);
            }
        }

        private IValueRegisterField address;
        private IFlagRegisterField controllerEnable;
        private IFlagRegisterField hostMode;
        private IValueRegisterField sofCount;
        private IFlagRegisterField pullUpEnable;
        private IFlagRegisterField endpoint0InterruptNak;
        private IFlagRegisterField endpoint0InterruptTwoBuffers;
        private IFlagRegisterField endpoint0InterruptBuffer;
        private IFlagRegisterField endpoint0DoubleBuffered;
        private IFlagRegisterField endpoint0InterruptStall;
        private IFlagRegisterField resume;
        private IFlagRegisterField setupReceived;
        private IFlagRegisterField transactionComplete;
        private IFlagRegisterField busReset;
        private IFlagRegisterField crcError;
        private IFlagRegisterField bitStuffError;
        private IFlagRegisterField receiveOverflow;
        private IFlagRegisterField receiveTimeout;
        private IFlagRegisterField ackReceived;
        private IFlagRegisterField dataSequenceError;
        private IValueRegisterField abort;
        private IValueRegisterField abortDone;
        private IValueRegisterField stallArm;
        private IValueRegisterField stallNakStatus;
        private IFlagRegisterField toPhy;
        private IFlagRegisterField toDigitalPad;
        private IFlagRegisterField vbusDetect;
        private IFlagRegisterField vbusDetectOverride;
        private IFlagRegisterField directPullUp;
        private IFlagRegisterField directPullUpOverride;
        private IValueRegisterField interruptEnable;
        private IValueRegisterField interruptForce;

        private uint bufferStatus;
        private uint bufferCpuShouldHandle;
        private bool vbusPin;
        // Interrupts that are events, not levels.
        private bool latchDeviceSof;
        private bool latchConnection;
        private bool latchSuspend;
        /// <summary>Answered NAK with an interrupt on NAK: the host is to try again in the next frame.</summary>
        private uint nakPolled;

        // The transaction in hand, and what is reported at its end.
        private Transaction transaction;
        private RP2040_USB_Endpoint transactionEndpoint;
        private int transactionBuffer;
        private byte[] transactionData;
        private IFlagRegisterField error;
        private RP2040_USB_Endpoint told;

        private readonly bool vbusDetectPin;
        private readonly RP2040_USB_Memory memory;
        private readonly RP2040_USB_Endpoint[] endpoints;
        private readonly RP2040_USB_Line line;
        private readonly UsbCoreBridge bridge;

        // SIE_CTRL: START_TRANS, STOP_TRANS, RESUME, RESET_BUS
        private const uint SelfClearing = 1u << 0 | 1u << 4 | 1u << 12 | 1u << 13;
        private const int FirstEndpointControl = 0x08;

        private enum Transaction
        {
            None,
            Setup,
            Out,
            In,
            InAcknowledged,
            IsochronousIn,
        }

        /// <summary>INTR, INTE, INTF and INTS.</summary>
        [Flags]
        private enum Interrupts : uint
        {
            HostConnection = 1u << 0,
            HostResume = 1u << 1,
            HostSof = 1u << 2,
            TransactionComplete = 1u << 3,
            BufferStatus = 1u << 4,
            ErrorDataSequence = 1u << 5,
            ErrorReceiveTimeout = 1u << 6,
            ErrorReceiveOverflow = 1u << 7,
            ErrorBitStuff = 1u << 8,
            ErrorCrc = 1u << 9,
            Stall = 1u << 10,
            VbusDetect = 1u << 11,
            BusReset = 1u << 12,
            DeviceConnection = 1u << 13,
            DeviceSuspend = 1u << 14,
            DeviceResumeFromHost = 1u << 15,
            SetupRequest = 1u << 16,
            DeviceSof = 1u << 17,
            AbortDone = 1u << 18,
            EndpointStallNak = 1u << 19,
        }

        private enum Registers
        {
            AddressEndpoint = 0x00,
            // 0x04 to 0x3C: ADDR_ENDP1 to ADDR_ENDP15
            MainControl = 0x40,
            SofWrite = 0x44,
            SofRead = 0x48,
            SieControl = 0x4C,
            SieStatus = 0x50,
            InterruptEndpointControl = 0x54,
            BufferStatus = 0x58,
            BufferCpuShouldHandle = 0x5C,
            EndpointAbort = 0x60,
            EndpointAbortDone = 0x64,
            EndpointStallArm = 0x68,
            NakPoll = 0x6C,
            EndpointStatusStallNak = 0x70,
            UsbMuxing = 0x74,
            UsbPower = 0x78,
            UsbPhyDirect = 0x7C,
            UsbPhyDirectOverride = 0x80,
            UsbPhyTrim = 0x84,
            RawInterrupts = 0x8C,
            InterruptEnable = 0x90,
            InterruptForce = 0x94,
            InterruptStatus = 0x98,
        }
    }
}
