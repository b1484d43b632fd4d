using System.Collections.Generic;
using System.Linq;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// All pipes of the bus and their turns (USB 2.0, 5.11; docs/bus-timing.md, "Order in a frame").
    /// </summary>
    /// <remarks>
    /// Isochronous pipes that are due come first, then interrupt pipes that are due, then control and bulk pipes in turn, one
    /// transaction each, in the order in which they were first used. A failed transaction is tried again before anything else.
    /// </remarks>
    internal sealed class UsbSchedule
    {
        public UsbSchedule()
        {
            pipes = new List<UsbEndpointPipe>();
            periodic = new List<UsbEndpointPipe>();
            ring = new List<UsbEndpointPipe>();
        }

        /// <summary>All queued transfers, pipe by pipe in the order of first use.</summary>
        public List<UsbTransfer> Transfers()
        {
            return pipes.SelectMany(x => x.Queue).ToList();
        }

        /// <summary>Queues a transfer on its pipe, which is made at its first use.</summary>
        public void Add(UsbTransfer transfer)
        {
            var pipe = PipeFor(transfer.Pipe);
            pipe.Queue.Add(transfer);
            if(pipe.Queue.Count == 1)
            {
                pipe.HeadChanged();
            }
        }

        public void Remove(UsbTransfer transfer)
        {
            var pipe = Find(transfer.Pipe.Key);
            var wasHead = pipe.Queue[0] == transfer;
            pipe.Queue.Remove(transfer);
            if(wasHead)
            {
                pipe.HeadChanged();
            }
        }

        public void ResetToggle(int address, int endpointAddress)
        {
            var pipe = Find(address << 8 | endpointAddress);
            if(pipe != null)
            {
                pipe.Toggle = UsbPid.Data0;
            }
        }

        /// <summary>Ends the waiting of pipes that were answered NAK there; true when there was one with a transfer.</summary>
        public bool Unpark(int endpointAddress)
        {
            var found = false;
            foreach(var pipe in pipes)
            {
                if(pipe.Parked == endpointAddress)
                {
                    pipe.Parked = UsbEndpointPipe.NotParked;
                    found |= pipe.Queue.Count > 0;
                }
            }
            return found;
        }

        /// <summary>The pipe for the next transaction, one that ends before so many nanoseconds have passed; null for none.</summary>
        public UsbEndpointPipe Choose(long frame, long left)
        {
            WaitsForFrame = false;
            if(last != null && last.Attempts > 0 && last.Queue.Count > 0)
            {
                if(last.Cost < left)
                {
                    return last;
                }
                WaitsForFrame = true;
            }
            foreach(var pipe in periodic)
            {
                if(pipe.Queue.Count == 0 || pipe.Parked != UsbEndpointPipe.NotParked)
                {
                    continue;
                }
                if(pipe.Due(frame) && pipe.Cost < left)
                {
                    pipe.Serve(frame);
                    last = pipe;
                    return pipe;
                }
                WaitsForFrame = true;
            }
            var next = turn;
            for(var i = 0; i < ring.Count; i++)
            {
                if(next >= ring.Count)
                {
                    next = 0;
                }
                var pipe = ring[next];
                next++;
                if(pipe.Queue.Count == 0 || pipe.Parked != UsbEndpointPipe.NotParked)
                {
                    continue;
                }
                if(pipe.Cost < left)
                {
                    turn = next;
                    last = pipe;
                    return pipe;
                }
                WaitsForFrame = true;
            }
            return null;
        }

        /// <summary>After <see cref="Choose"/> returned null: something is to be done in a later frame.</summary>
        public bool WaitsForFrame { get; set; }

        private UsbEndpointPipe Find(int key)
        {
            foreach(var pipe in pipes)
            {
                if(pipe.Pipe.Key == key)
                {
                    return pipe;
                }
            }
            return null;
        }

        private UsbEndpointPipe PipeFor(UsbPipe pipe)
        {
            var known = Find(pipe.Key);
            if(known != null)
            {
                if(known.Pipe.Equals(pipe))
                {
                    return known;
                }
                if(known.Queue.Count > 0)
                {
                    throw new UsbArgumentException("{0} is in use with other properties".FormatText(pipe));
                }
                pipes.Remove(known);
                periodic.Remove(known);
                ring.Remove(known);
                last = last == known ? null : last;
            }
            var made = UsbEndpointPipe.For(pipe);
            if(known != null)
            {
                made.Toggle = known.Toggle;
            }
            pipes.Add(made);
            if(!made.Periodic)
            {
                ring.Add(made);
            }
            else if(pipe.Type == UsbTransferType.Isochronous)
            {
                periodic.Insert(periodic.Count(x => x.Pipe.Type == UsbTransferType.Isochronous), made);
            }
            else
            {
                periodic.Add(made);
            }
            return made;
        }

        private int turn;
        private UsbEndpointPipe last;

        private readonly List<UsbEndpointPipe> pipes;
        private readonly List<UsbEndpointPipe> periodic;
        private readonly List<UsbEndpointPipe> ring;
    }
}
