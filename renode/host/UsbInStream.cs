using System.Collections.Generic;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// What flows in from a bulk endpoint: transfers of one packet kept queued, their data gathered until somebody takes it.
    /// </summary>
    /// <remarks>
    /// At most so many bytes are kept; beyond them no more is asked for, and the device sees back-pressure. For programs outside the
    /// emulation, to which calling back at each packet would cost more than the packet.
    /// </remarks>
    public sealed class UsbInStream
    {
        /// <param name="host">The host.</param>
        /// <param name="pipe">An IN endpoint.</param>
        /// <param name="transfers">How many transfers are kept queued.</param>
        /// <param name="backlog">How many bytes are kept.</param>
        public UsbInStream(UsbHostController host, UsbPipe pipe, int transfers, int backlog)
        {
            this.host = host;
            this.pipe = pipe;
            this.transfers = transfers;
            this.backlog = backlog;
            pending = new List<UsbTransfer>();
            data = new List<byte>();
        }

        /// <summary>Asks for more where there is room.</summary>
        public void Fill()
        {
            while(!closed && Failed == null && pending.Count < transfers && data.Count + pending.Count * pipe.MaxPacketSize < backlog)
            {
                pending.Add(host.Submit(pipe, length: pipe.MaxPacketSize, onDone: Received));
            }
        }

        /// <summary>Everything that has come; it makes room for more.</summary>
        public byte[] Take()
        {
            var taken = data.ToArray();
            data.Clear();
            return taken;
        }

        /// <summary>Begins to look for a byte (or, with -1, any).</summary>
        public void LookFor(int until)
        {
            wanted = until;
            searched = 0;
            found = false;
        }

        /// <summary>Whether it has come, or nothing more will, as nothing is asked for.</summary>
        public bool Enough()
        {
            found = found || (wanted < 0 ? data.Count > 0 : data.IndexOf((byte)wanted, searched) >= 0);
            searched = data.Count;
            return found || pending.Count == 0;
        }

        /// <summary>Ends it; what has come stays.</summary>
        public void Close()
        {
            closed = true;
            foreach(var transfer in pending.ToArray())
            {
                host.Cancel(transfer);
            }
        }

        /// <summary>Bytes that have come and were not taken.</summary>
        public int Count { get { return data.Count; } }
        /// <summary>Transfers under way.</summary>
        public int Pending { get { return pending.Count; } }
        /// <summary>The transfer that ended the stream; null while it flows.</summary>
        public UsbTransfer Failed { get; private set; }

        private void Received(UsbTransfer transfer)
        {
            pending.Remove(transfer);
            data.AddRange(transfer.Data);
            if(transfer.Status == UsbTransferStatus.Completed)
            {
                Fill();
            }
            else if(transfer.Status != UsbTransferStatus.Cancelled)
            {
                Failed = transfer;
            }
        }

        private bool closed;
        private bool found;
        private int wanted;
        private int searched;

        private readonly UsbHostController host;
        private readonly UsbPipe pipe;
        private readonly int transfers;
        private readonly int backlog;
        private readonly List<UsbTransfer> pending;
        private readonly List<byte> data;
    }
}
