using System;
using System.Collections.Generic;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>bmAttributes bits 1..0 of an endpoint descriptor (USB 2.0, table 9-13).</summary>
    public enum UsbTransferType
    {
        Control = 0,
        Isochronous = 1,
        Bulk = 2,
        Interrupt = 3,
    }

    /// <summary>The state of a transfer; all but <see cref="Pending"/> are final.</summary>
    public enum UsbTransferStatus
    {
        Pending,
        Completed,
        Stalled,
        TimedOut,
        Cancelled,
        Disconnected,
        Error,
        Babble,
    }

    /// <summary>Something was asked for that makes no sense, whatever is connected.</summary>
    public sealed class UsbArgumentException : RecoverableException
    {
        public UsbArgumentException(string message) : base(message)
        {
        }
    }

    /// <summary>The eight bytes of a SETUP packet (USB 2.0, table 9-2).</summary>
    public sealed class UsbSetup
    {
        public UsbSetup(byte bmRequestType, byte bRequest, ushort wValue = 0, ushort wIndex = 0, ushort wLength = 0)
        {
            RequestType = bmRequestType;
            Request = bRequest;
            Value = wValue;
            Index = wIndex;
            Length = wLength;
        }

        public static UsbSetup Unpack(byte[] data)
        {
            if(data.Length != 8)
            {
                throw new UsbArgumentException("A SETUP packet has 8 bytes, not {0}".FormatText(data.Length));
            }
            return new UsbSetup(data[0], data[1], (ushort)(data[2] | data[3] << 8), (ushort)(data[4] | data[5] << 8),
                (ushort)(data[6] | data[7] << 8));
        }

        public byte[] Pack()
        {
            return new[]
            {
                RequestType, Request, (byte)Value, (byte)(Value >> 8), (byte)Index, (byte)(Index >> 8), (byte)Length,
                (byte)(Length >> 8)
            };
        }

        public override string ToString()
        {
            return "bmRequestType=0x{0:x2} bRequest=0x{1:x2} wValue=0x{2:x4} wIndex=0x{3:x4} wLength={4}"
                .FormatText(RequestType, Request, Value, Index, Length);
        }

        public byte RequestType { get; private set; }
        public byte Request { get; private set; }
        public ushort Value { get; private set; }
        public ushort Index { get; private set; }
        public ushort Length { get; private set; }
        /// <summary>The data stage, if there is one, goes from device to host.</summary>
        public bool IsIn { get { return (RequestType & 0x80) != 0; } }
    }

    /// <summary>One endpoint of one device as the scheduler needs it (from its endpoint descriptor).</summary>
    public sealed class UsbPipe : IEquatable<UsbPipe>
    {
        /// <param name="address">Device address.</param>
        /// <param name="endpointAddress">bEndpointAddress, bit 7: IN.</param>
        /// <param name="type">Transfer type.</param>
        /// <param name="maxPacketSize">Bytes.</param>
        /// <param name="interval">bInterval in frames.</param>
        public UsbPipe(int address, int endpointAddress, UsbTransferType type, int maxPacketSize, int interval = 1)
        {
            if(maxPacketSize < 1 || maxPacketSize > UsbTiming.MaxPacket)
            {
                throw new UsbArgumentException("endpoint 0x{0:x2}: a packet size of {1} is not full speed"
                    .FormatText(endpointAddress, maxPacketSize));
            }
            Address = address;
            EndpointAddress = endpointAddress;
            Type = type;
            MaxPacketSize = maxPacketSize;
            Interval = interval;
        }

        public bool Equals(UsbPipe other)
        {
            return other != null && Address == other.Address && EndpointAddress == other.EndpointAddress && Type == other.Type
                && MaxPacketSize == other.MaxPacketSize && Interval == other.Interval;
        }

        public override bool Equals(object obj)
        {
            return Equals(obj as UsbPipe);
        }

        public override int GetHashCode()
        {
            return Key;
        }

        public override string ToString()
        {
            return "{0} endpoint 0x{1:x2} of device {2}".FormatText(Type.ToString().ToLowerInvariant(), EndpointAddress, Address);
        }

        public int Address { get; private set; }
        public int EndpointAddress { get; private set; }
        public UsbTransferType Type { get; private set; }
        public int MaxPacketSize { get; private set; }
        public int Interval { get; private set; }
        public int Number { get { return EndpointAddress & 0x0F; } }
        public bool IsIn { get { return (EndpointAddress & 0x80) != 0; } }
        /// <summary>What a pipe is known by: both directions of a control endpoint are one pipe.</summary>
        public int Key { get { return Address << 8 | (Type == UsbTransferType.Control ? Number : EndpointAddress); } }
    }

    /// <summary>A transfer under way: given out by <c>Submit</c>, changed only by the host.</summary>
    public sealed class UsbTransfer
    {
        public override string ToString()
        {
            return "<{0}: {1}, {2} bytes>".FormatText(Pipe, Status, ActualLength);
        }

        public UsbPipe Pipe { get; private set; }
        /// <summary>The SETUP packet of a control transfer.</summary>
        public UsbSetup Setup { get; private set; }
        public UsbTransferStatus Status { get; internal set; }
        public bool Final { get { return Status != UsbTransferStatus.Pending; } }
        /// <summary>IN: what has been received so far. OUT: what was to be sent.</summary>
        public byte[] Data { get { return takesIn ? received.ToArray() : outData; } }
        /// <summary>Bytes moved so far.</summary>
        public int ActualLength { get { return takesIn ? received.Count : Position; } }
        /// <summary>Length of each acknowledged data packet, in order, zero-length packets included.</summary>
        public int[] Packets { get { return packets.ToArray(); } }
        /// <summary>Emulated nanoseconds at which it was submitted and became final.</summary>
        public long BeginNs { get; internal set; }
        public long EndNs { get; internal set; }
        /// <summary>Called once, at the emulated instant the transfer becomes final; it may submit the next one.</summary>
        public Action<UsbTransfer> OnDone { get; set; }

        internal UsbTransfer(UsbPipe pipe, byte[] data, int length, UsbSetup setup, bool zeroPacket, Action<UsbTransfer> onDone)
        {
            Pipe = pipe;
            Setup = setup;
            outData = data ?? UsbPacket.NoData;
            Requested = length;
            ZeroPacket = zeroPacket;
            OnDone = onDone;
            takesIn = setup != null ? setup.IsIn : pipe.IsIn;
            received = new List<byte>();
            packets = new List<int>();
            Deadline = long.MaxValue;
        }

        /// <summary>The data of the next OUT packet.</summary>
        internal byte[] NextOut(int maxPacketSize)
        {
            var length = NextOutLength(maxPacketSize);
            var packet = new byte[length];
            Array.Copy(outData, Position, packet, 0, length);
            return packet;
        }

        internal int NextOutLength(int maxPacketSize)
        {
            return Math.Min(maxPacketSize, outData.Length - Position);
        }

        /// <summary>Notes an acknowledged OUT packet; true when it was the last one.</summary>
        internal bool Sent(int length, int maxPacketSize)
        {
            Position += length;
            packets.Add(length);
            if(Position < outData.Length)
            {
                return false;
            }
            return length < maxPacketSize || !ZeroPacket;
        }

        /// <summary>Takes an IN packet; the final status if it ends the data (5.8.3), babble included (8.7.4).</summary>
        internal UsbTransferStatus Got(byte[] data, int maxPacketSize)
        {
            received.AddRange(data);
            packets.Add(data.Length);
            if(data.Length > maxPacketSize || received.Count > Requested)
            {
                return UsbTransferStatus.Babble;
            }
            return data.Length < maxPacketSize || received.Count == Requested ? UsbTransferStatus.Completed : UsbTransferStatus.Pending;
        }

        /// <summary>Takes an isochronous packet, whatever its length; true when it was the last one.</summary>
        internal bool GotIsochronous(byte[] data, int maxPacketSize)
        {
            received.AddRange(data);
            packets.Add(data.Length);
            return packets.Count * maxPacketSize >= Requested;
        }

        internal int Requested { get; private set; }
        internal int Received { get { return received.Count; } }
        internal int Position { get; private set; }
        internal bool ZeroPacket { get; private set; }
        internal UsbStage Stage { get; set; }
        /// <summary>What the transfer's status will be when the running transaction is over.</summary>
        internal UsbTransferStatus Outcome { get; set; }
        internal long Deadline { get; set; }

        private readonly byte[] outData;
        private readonly List<byte> received;
        private readonly List<int> packets;
        private readonly bool takesIn;
    }

    /// <summary>Where a control transfer is (USB 2.0, 8.5.3).</summary>
    internal enum UsbStage
    {
        Setup,
        Data,
        Status,
    }

    public static class UsbText
    {
        public static string FormatText(this string format, params object[] arguments)
        {
            return string.Format(System.Globalization.CultureInfo.InvariantCulture, format, arguments);
        }

        /// <summary>Bytes as two hexadecimal digits each, separated by spaces.</summary>
        public static string Hex(byte[] data)
        {
            return BitConverter.ToString(data).Replace('-', ' ').ToLowerInvariant();
        }

        /// <summary>Bytes from hexadecimal digits; spaces, commas and dashes between them are ignored.</summary>
        public static byte[] FromHex(string text)
        {
            var digits = (text ?? "").Replace(" ", "").Replace(",", "").Replace("-", "").Replace("0x", "");
            var data = new byte[digits.Length / 2];
            for(var i = 0; i < data.Length; i++)
            {
                if(!byte.TryParse(digits.Substring(2 * i, 2), System.Globalization.NumberStyles.AllowHexSpecifier,
                    System.Globalization.CultureInfo.InvariantCulture, out data[i]))
                {
                    throw new UsbArgumentException("'{0}' is not a row of hexadecimal bytes".FormatText(text));
                }
            }
            if(digits.Length % 2 != 0)
            {
                throw new UsbArgumentException("'{0}' has half a byte".FormatText(text));
            }
            return data;
        }
    }
}
