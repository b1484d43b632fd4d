using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // The register file: what is stored, what is cleared by writing, what has effects elsewhere (datasheet 4.1.4).
    public partial class RP2040_USB
    {
        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            CountCause("register");
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
                .WithValueField(0, 7, out address, name: "ADDRESS",
                    changeCallback: (_, value) => { if(sanitizer != null) sanitizer.AddressChanged((int)value); })
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
                .WithValueField(0, 32, out abortDone, FieldMode.Read | FieldMode.WriteOneToClear, name: "EP0_IN..EP15_OUT",
                    changeCallback: (_, value) => AbortDoneCleared((uint)value));
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

        // SIE_CTRL: START_TRANS, STOP_TRANS, RESUME, RESET_BUS
        private const uint SelfClearing = 1u << 0 | 1u << 4 | 1u << 12 | 1u << 13;

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
