using System;
using System.Text;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// What passes over the bus, gathered for a program outside the emulation, which takes it from time to time.
    /// Its twin is src/renode_pico/usb/observe.py.
    /// </summary>
    /// <remarks>
    /// Little-endian, one record after the other, in the order in which they ended, each headed by a byte that says what it is:
    /// <list type="bullet">
    /// <item>1, a transaction: int64 time, int32 duration (both emulated ns), int16 frame, bytes for token, address, endpoint, data
    /// PID, handshake, fault, int16 length, the data. A PID of 0: there was none.</item>
    /// <item>2, an event: int64 time, int16 frame, byte length, what happened, in ASCII.</item>
    /// <item>3, a transfer: int64 begin, int64 end, bytes for address, endpoint address, type, status, length of the SETUP packet
    /// (0 or 8), int32 length, int32 number of packets, the SETUP packet, the data moved, an int16 for each packet's length.</item>
    /// </list>
    /// renode_pico/engine/renode_trace.py reads them.
    /// </remarks>
    internal sealed class UsbRecords
    {
        public void Transaction(long time, long duration, int frame, UsbPid token, int address, int endpoint, UsbPid dataPid,
            byte[] data, UsbPid handshake, UsbFault fault)
        {
            lock(sync)
            {
                Begin(TransactionMark, TransactionHead + data.Length);
                Put(time, 8);
                Put(duration, 4);
                Put(frame, 2);
                Put((int)token, 1);
                Put(address, 1);
                Put(endpoint, 1);
                Put((int)dataPid, 1);
                Put((int)handshake, 1);
                Put((int)fault, 1);
                Put(data.Length, 2);
                Put(data, data.Length);
            }
        }

        public void Event(long time, int frame, string what)
        {
            var name = Encoding.ASCII.GetBytes(what);
            lock(sync)
            {
                Begin(EventMark, EventHead + name.Length);
                Put(time, 8);
                Put(frame, 2);
                Put(name.Length, 1);
                Put(name, name.Length);
            }
        }

        public void Transfer(UsbTransfer transfer)
        {
            var setup = transfer.Setup == null ? UsbPacket.NoData : transfer.Setup.Pack();
            var packets = transfer.Packets;
            lock(sync)
            {
                Begin(TransferMark, TransferHead + setup.Length + transfer.ActualLength + 2 * packets.Length);
                Put(transfer.BeginNs, 8);
                Put(transfer.EndNs, 8);
                Put(transfer.Pipe.Address, 1);
                Put(transfer.Pipe.EndpointAddress, 1);
                Put((int)transfer.Pipe.Type, 1);
                Put((int)transfer.Status, 1);
                Put(setup.Length, 1);
                Put(transfer.ActualLength, 4);
                Put(packets.Length, 4);
                Put(setup, setup.Length);
                Put(transfer.Data, transfer.ActualLength);
                foreach(var length in packets)
                {
                    Put(length, 2);
                }
            }
        }

        /// <summary>Everything since the last call.</summary>
        public byte[] Take()
        {
            lock(sync)
            {
                var taken = new byte[used];
                Buffer.BlockCopy(gathered, 0, taken, 0, used);
                used = 0;
                return taken;
            }
        }

        private void Begin(byte mark, int size)
        {
            if(gathered.Length - used < size)
            {
                Array.Resize(ref gathered, Math.Max(2 * gathered.Length, used + size));
            }
            gathered[used++] = mark;
        }

        private void Put(long value, int bytes)
        {
            for(var i = 0; i < bytes; i++)
            {
                gathered[used++] = (byte)(value >> 8 * i);
            }
        }

        private void Put(byte[] data, int length)
        {
            Buffer.BlockCopy(data, 0, gathered, used, length);
            used += length;
        }

        private byte[] gathered = new byte[1 << 16];
        private int used;

        private readonly object sync = new object();

        private const byte TransactionMark = 1;
        private const byte EventMark = 2;
        private const byte TransferMark = 3;
        // with the mark
        private const int TransactionHead = 23;
        private const int EventHead = 12;
        private const int TransferHead = 30;
    }
}
