using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // Transactions: what answers a token, and what the firmware is told at the end (USB 2.0, 8.5; datasheet 4.1.2.6).
    public partial class RP2040_USB
    {
        /// <summary>Nothing is answered, whoever it is for; some leave a mark.</summary>
        public UsbPacket Stray(UsbStray stray, int address, int endpoint)
        {
            if(coverage != null)
            {
                coverage.Stray(stray);
            }
            Begin();
            if(!Hears)
            {
                return null;
            }
            switch(stray)
            {
            case UsbStray.Babble:
                bitStuffError.Value = true;
                break;
            case UsbStray.SetupCrc5:
            case UsbStray.OutCrc5:
            case UsbStray.InCrc5:
            case UsbStray.SofCrc5:
                crcError.Value = true;
                break;
            }
            UpdateInterrupts();
            return null;
        }

        /// <summary>Always accepted by endpoint 0, whatever its buffers are (USB 2.0, 8.5.3); no other is a control endpoint.</summary>
        private UsbPacket AnswerSetup(int address, int endpoint, byte[] data, UsbFault fault)
        {
            Begin();
            if(TokenSpoiled(fault))
            {
                return null;
            }
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
            return fault.SpoilsHandshake() ? null : UsbPacket.Ack;
        }

        private UsbPacket AnswerOut(int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault)
        {
            Begin();
            if(TokenSpoiled(fault))
            {
                return null;
            }
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
            return fault.SpoilsHandshake() ? null : UsbPacket.Ack;
        }

        private UsbPacket AnswerIn(int address, int endpoint, UsbFault fault)
        {
            Begin();
            if(TokenSpoiled(fault))
            {
                return null;
            }
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
            if(fault == UsbFault.Babble)
            {
                error = bitStuffError;
            }
            stuck |= ErratumE15 && (fault == UsbFault.Babble || fault == UsbFault.BrokenHandshake);
            if(fault.SpoilsData())
            {
                // The packet does not arrive, so no ACK comes back.
                return null;
            }
            var pid = source.Data1(source.Current) ? UsbPid.Data1 : UsbPid.Data0;
            return new UsbPacket(fault == UsbFault.WrongToggle ? pid.Toggled() : pid, source.Data(source.Current));
        }

        public void InHandshake(int address, int endpoint, bool acknowledged)
        {
            if(coverage != null)
            {
                coverage.Handshake(acknowledged);
            }
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
                if(sanitizer != null)
                {
                    sanitizer.SetupReceived();
                }
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

        // Who answers, and what

        private bool Hears { get { return line.Listening && controllerEnable.Value && !stuck; } }

        private bool Addressed(int tokenAddress)
        {
            return Hears && !hostMode.Value && tokenAddress == (int)address.Value;
        }

        private bool Aborted(RP2040_USB_Endpoint endpoint)
        {
            return (abort.Value & endpoint.Bit) != 0;
        }

        /// <summary>NAK, STALL or (null) data: EP_ABORT wins, a SETUP not yet seen by the firmware comes next.</summary>
        private UsbPacket Blocked(RP2040_USB_Endpoint endpoint)
        {
            if(Aborted(endpoint) || refusesAll)
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

        /// <summary>A token that is none; whose it was nobody knows, and the data packet behind it belongs to none.</summary>
        private bool TokenSpoiled(UsbFault fault)
        {
            if(fault == UsbFault.TokenCrc && Hears)
            {
                crcError.Value = true;
                UpdateInterrupts();
            }
            return fault.SpoilsToken();
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
            case UsbFault.DataPid:
            case UsbFault.Late:
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
            if(sanitizer != null)
            {
                sanitizer.GivenBack(endpoint);
            }
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
            if(sanitizer != null)
            {
                sanitizer.BufferStatusCleared(mask);
            }
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
            refusesAll |= begun != 0 && ErratumE2;
            if(sanitizer != null)
            {
                sanitizer.AbortBegun(begun);
            }
            if(coverage != null)
            {
                CountAborted(begun);
            }
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

        /// <summary>E2 ends for who clears EP_ABORT before EP_ABORT_DONE, as the boot ROM does, which B1 is known to survive.</summary>
        private void AbortDoneCleared(uint left)
        {
            if(!refusesAll || left != 0 || abort.Value != 0)
            {
                return;
            }
            refusesAll = false;
            foreach(var endpoint in endpoints)
            {
                LookAgain(endpoint);
            }
        }

        private uint bufferStatus;
        private uint bufferCpuShouldHandle;

        /// <summary>Answered NAK with an interrupt on NAK: the host is to try again in the next frame.</summary>
        private uint nakPolled;

        // The transaction in hand, and what is reported at its end.
        private Transaction transaction;
        private RP2040_USB_Endpoint transactionEndpoint;
        private int transactionBuffer;
        private byte[] transactionData;
        private IFlagRegisterField error;
        private RP2040_USB_Endpoint told;

        private enum Transaction
        {
            None,
            Setup,
            Out,
            In,
            InAcknowledged,
            IsochronousIn,
        }
    }
}
