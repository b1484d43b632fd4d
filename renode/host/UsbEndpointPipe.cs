using System;
using System.Collections.Generic;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// The host's end of a pipe: the queue of transfers, the data toggle, what it waits for; <see cref="Step"/> carries one
    /// transaction of the transfer at the head of the queue (USB 2.0, 8.5 and 8.6).
    /// </summary>
    /// <remarks>
    /// What the device answered is known at the token; the transfer becomes final, with the status left in
    /// <see cref="UsbTransfer.Outcome"/>, when the transaction's time is over.
    /// </remarks>
    internal abstract class UsbEndpointPipe
    {
        public static UsbEndpointPipe For(UsbPipe pipe)
        {
            switch(pipe.Type)
            {
            case UsbTransferType.Control:
                return new UsbControlPipe(pipe);
            case UsbTransferType.Isochronous:
                return pipe.IsIn ? (UsbEndpointPipe)new UsbIsochronousInPipe(pipe) : new UsbIsochronousOutPipe(pipe);
            default:
                return pipe.IsIn ? (UsbEndpointPipe)new UsbInPipe(pipe) : new UsbOutPipe(pipe);
            }
        }

        /// <summary>How long the next transaction may take at most.</summary>
        public abstract long Cost { get; }

        public abstract void Step(UsbBus bus);

        /// <summary>Another transfer is at the head of the queue now, or none.</summary>
        public virtual void HeadChanged()
        {
            Attempts = 0;
        }

        /// <summary>Whether a periodic pipe may start a transaction in this frame: at most one, in every interval-th since the first.</summary>
        public bool Due(long frame)
        {
            return firstFrame < 0 || (frame != servedFrame && (frame - firstFrame) % Math.Max(1, Pipe.Interval) == 0);
        }

        public void Serve(long frame)
        {
            if(firstFrame < 0)
            {
                firstFrame = frame;
            }
            servedFrame = frame;
        }

        public UsbPipe Pipe { get; private set; }
        public List<UsbTransfer> Queue { get; private set; }
        public UsbPid Toggle { get; set; }
        /// <summary>The endpoint address whose NAK is waited out, or <see cref="NotParked"/>.</summary>
        public int Parked { get; set; }
        /// <summary>Failed attempts at the transaction in hand.</summary>
        public int Attempts { get; private set; }
        public bool Periodic { get { return Pipe.Type == UsbTransferType.Interrupt || Pipe.Type == UsbTransferType.Isochronous; } }

        public const int NotParked = -1;

        protected UsbEndpointPipe(UsbPipe pipe)
        {
            Pipe = pipe;
            Queue = new List<UsbTransfer>();
            Toggle = UsbPid.Data0;
            Parked = NotParked;
            firstFrame = -1;
            servedFrame = -1;
        }

        /// <summary>Three attempts in a row and the transfer fails (8.7.1, 10.2.6).</summary>
        protected void Failed(UsbTransfer transfer)
        {
            Attempts++;
            if(Attempts >= MaxAttempts)
            {
                Attempts = 0;
                transfer.Outcome = UsbTransferStatus.Error;
            }
        }

        protected void Answered()
        {
            Attempts = 0;
        }

        /// <summary>One OUT transaction; true when it was acknowledged.</summary>
        protected bool Send(UsbBus bus, UsbTransfer transfer, UsbPid pid, byte[] data)
        {
            var handshake = bus.Out(Pipe.Address, Pipe.Number, pid, data);
            if(handshake == UsbPid.None)
            {
                Failed(transfer);
                return false;
            }
            Answered();
            if(handshake == UsbPid.Nak)
            {
                Parked = Pipe.Number;
            }
            else if(handshake != UsbPid.Ack)
            {
                transfer.Outcome = UsbTransferStatus.Stalled;
            }
            return handshake == UsbPid.Ack;
        }

        /// <summary>One IN transaction; the data, or null when there is none (yet).</summary>
        protected byte[] Receive(UsbBus bus, UsbTransfer transfer, UsbPid expected, int limit)
        {
            var packet = bus.In(Pipe.Address, Pipe.Number, expected, limit);
            if(packet == null)
            {
                Failed(transfer);
                return null;
            }
            Answered();
            if(packet.Pid == UsbPid.Nak)
            {
                Parked = Pipe.Number | 0x80;
            }
            else if(packet.Pid == UsbPid.Stall)
            {
                transfer.Outcome = UsbTransferStatus.Stalled;
            }
            else if(packet.Pid == expected)
            {
                return packet.Data;
            }
            // Otherwise it is the packet before once more: our ACK was lost; acknowledged again and dropped (8.6.4).
            return null;
        }

        private long firstFrame;
        private long servedFrame;

        private const int MaxAttempts = 3;
    }

    /// <summary>Bulk or interrupt OUT (8.5.2, 8.6.1).</summary>
    internal sealed class UsbOutPipe : UsbEndpointPipe
    {
        public UsbOutPipe(UsbPipe pipe) : base(pipe)
        {
        }

        public override long Cost
        {
            get { return UsbTiming.ByteTimes(Queue[0].NextOutLength(Pipe.MaxPacketSize) + UsbTiming.HandshakedOverhead); }
        }

        public override void Step(UsbBus bus)
        {
            var transfer = Queue[0];
            var data = transfer.NextOut(Pipe.MaxPacketSize);
            if(Send(bus, transfer, Toggle, data))
            {
                Toggle = Toggle.Toggled();
                if(transfer.Sent(data.Length, Pipe.MaxPacketSize))
                {
                    transfer.Outcome = UsbTransferStatus.Completed;
                }
            }
        }
    }

    /// <summary>Bulk or interrupt IN (8.5.2, 8.6.2).</summary>
    internal sealed class UsbInPipe : UsbEndpointPipe
    {
        public UsbInPipe(UsbPipe pipe) : base(pipe)
        {
        }

        public override long Cost { get { return UsbTiming.ByteTimes(Pipe.MaxPacketSize + UsbTiming.HandshakedOverhead); } }

        public override void Step(UsbBus bus)
        {
            var transfer = Queue[0];
            var data = Receive(bus, transfer, Toggle, Math.Min(Pipe.MaxPacketSize, transfer.Requested - transfer.Received));
            if(data != null)
            {
                Toggle = Toggle.Toggled();
                transfer.Outcome = transfer.Got(data, Pipe.MaxPacketSize);
            }
        }
    }

    /// <summary>One packet of at most the endpoint's size a frame, no handshake, no retry (5.6, 8.5.5).</summary>
    internal sealed class UsbIsochronousOutPipe : UsbEndpointPipe
    {
        public UsbIsochronousOutPipe(UsbPipe pipe) : base(pipe)
        {
        }

        public override long Cost
        {
            get { return UsbTiming.ByteTimes(Queue[0].NextOutLength(Pipe.MaxPacketSize) + UsbTiming.IsochronousOverhead); }
        }

        public override void Step(UsbBus bus)
        {
            var transfer = Queue[0];
            var data = transfer.NextOut(Pipe.MaxPacketSize);
            bus.IsochronousOut(Pipe.Address, Pipe.Number, data);
            if(transfer.Sent(data.Length, Pipe.MaxPacketSize))
            {
                transfer.Outcome = UsbTransferStatus.Completed;
            }
        }
    }

    /// <summary>One packet a frame, no handshake, no retry; a transfer of n full packets takes n frames, whatever they carry.</summary>
    internal sealed class UsbIsochronousInPipe : UsbEndpointPipe
    {
        public UsbIsochronousInPipe(UsbPipe pipe) : base(pipe)
        {
        }

        public override long Cost { get { return UsbTiming.ByteTimes(Pipe.MaxPacketSize + UsbTiming.IsochronousOverhead); } }

        public override void Step(UsbBus bus)
        {
            var transfer = Queue[0];
            var data = bus.IsochronousIn(Pipe.Address, Pipe.Number) ?? UsbPacket.NoData;
            if(data.Length > Pipe.MaxPacketSize)
            {
                transfer.Outcome = UsbTransferStatus.Babble;
            }
            else if(transfer.GotIsochronous(data, Pipe.MaxPacketSize))
            {
                transfer.Outcome = UsbTransferStatus.Completed;
            }
        }
    }

    /// <summary>SETUP, data stage, status stage (8.5.3); a SETUP needs no leave of the device and aborts what was before.</summary>
    internal sealed class UsbControlPipe : UsbEndpointPipe
    {
        public UsbControlPipe(UsbPipe pipe) : base(pipe)
        {
        }

        public override long Cost
        {
            get
            {
                var length = Queue[0].Stage == UsbStage.Setup ? 8 : Pipe.MaxPacketSize;
                return UsbTiming.ByteTimes(length + UsbTiming.HandshakedOverhead);
            }
        }

        public override void HeadChanged()
        {
            base.HeadChanged();
            // A SETUP is never answered NAK.
            Parked = NotParked;
        }

        public override void Step(UsbBus bus)
        {
            var transfer = Queue[0];
            switch(transfer.Stage)
            {
            case UsbStage.Setup:
                SetupStage(bus, transfer);
                break;
            case UsbStage.Data:
                DataStage(bus, transfer);
                break;
            default:
                StatusStage(bus, transfer);
                break;
            }
        }

        private void SetupStage(UsbBus bus, UsbTransfer transfer)
        {
            if(bus.Setup(Pipe.Address, Pipe.Number, transfer.Setup.Pack()) == UsbPid.None)
            {
                Failed(transfer);
                return;
            }
            Answered();
            Toggle = UsbPid.Data1;
            transfer.Stage = transfer.Setup.Length > 0 ? UsbStage.Data : UsbStage.Status;
        }

        private void DataStage(UsbBus bus, UsbTransfer transfer)
        {
            if(!transfer.Setup.IsIn)
            {
                var packet = transfer.NextOut(Pipe.MaxPacketSize);
                if(Send(bus, transfer, Toggle, packet))
                {
                    Toggle = Toggle.Toggled();
                    if(transfer.Sent(packet.Length, Pipe.MaxPacketSize))
                    {
                        transfer.Stage = UsbStage.Status;
                    }
                }
                return;
            }
            var data = Receive(bus, transfer, Toggle, Math.Min(Pipe.MaxPacketSize, transfer.Requested - transfer.Received));
            if(data == null)
            {
                return;
            }
            Toggle = Toggle.Toggled();
            var outcome = transfer.Got(data, Pipe.MaxPacketSize);
            if(outcome == UsbTransferStatus.Completed)
            {
                transfer.Stage = UsbStage.Status;
            }
            else
            {
                transfer.Outcome = outcome;
            }
        }

        private void StatusStage(UsbBus bus, UsbTransfer transfer)
        {
            if(transfer.Setup.IsIn && transfer.Setup.Length > 0)
            {
                if(Send(bus, transfer, UsbPid.Data1, UsbPacket.NoData))
                {
                    transfer.Outcome = UsbTransferStatus.Completed;
                }
                return;
            }
            var data = Receive(bus, transfer, UsbPid.Data1, 0);
            if(data != null)
            {
                transfer.Outcome = data.Length > 0 ? UsbTransferStatus.Babble : UsbTransferStatus.Completed;
            }
        }
    }
}
