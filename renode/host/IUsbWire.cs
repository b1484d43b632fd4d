using Antmicro.Renode.Peripherals;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>Packet identifiers (USB 2.0, table 8-1).</summary>
    public enum UsbPid
    {
        None = 0x0,
        Out = 0x1,
        Ack = 0x2,
        Data0 = 0x3,
        Sof = 0x5,
        In = 0x9,
        Nak = 0xA,
        Data1 = 0xB,
        Setup = 0xD,
        Stall = 0xE,
    }

    /// <summary>What a host may do wrong on purpose, and a cable by itself.</summary>
    public enum UsbFault
    {
        None,
        /// <summary>The data packet arrives with a wrong CRC (USB 2.0, 8.7.1).</summary>
        Crc,
        /// <summary>The data packet arrives with a bit stuffing error.</summary>
        BitStuff,
        /// <summary>The token arrives, the data packet does not: the receiver times out.</summary>
        LostData,
        /// <summary>The data packet carries the PID of the one before it.</summary>
        WrongToggle,
        /// <summary>The transaction succeeds but its ACK never reaches the other side (USB 2.0, 8.6.4).</summary>
        LostHandshake,
    }

    /// <summary>What a device sends back: a handshake, or a data packet. Silence is null.</summary>
    public sealed class UsbPacket
    {
        public UsbPacket(UsbPid pid, byte[] data)
        {
            Pid = pid;
            Data = data;
        }

        public UsbPid Pid { get; private set; }
        public byte[] Data { get; private set; }

        public static readonly byte[] NoData = new byte[0];
        public static readonly UsbPacket Ack = new UsbPacket(UsbPid.Ack, NoData);
        public static readonly UsbPacket Nak = new UsbPacket(UsbPid.Nak, NoData);
        public static readonly UsbPacket Stall = new UsbPacket(UsbPid.Stall, NoData);
    }

    public static class UsbPidExtensions
    {
        /// <summary>The other data PID of a two-phase sequence (USB 2.0, 8.6).</summary>
        public static UsbPid Toggled(this UsbPid pid)
        {
            return pid == UsbPid.Data1 ? UsbPid.Data0 : UsbPid.Data1;
        }
    }

    /// <summary>What a device can do to the bus without being asked. Called at the emulated instant it happens.</summary>
    public interface IUsbWireListener
    {
        /// <summary>The device switched its D+ pull-up: a full-speed attach or a detach (USB 2.0, 7.1.5, 7.1.7.3).</summary>
        void PullUpChanged(bool attached);

        /// <summary>The device drives K on a suspended bus (USB 2.0, 7.1.7.7).</summary>
        void RemoteWakeup();

        /// <summary>An endpoint that answered NAK (bit 7 for IN) would answer otherwise now.</summary>
        void EndpointReady(int endpointAddress);
    }

    /// <summary>
    /// The device's end of the cable: what passes through it, transaction by transaction (USB 2.0, chapter 8).
    /// </summary>
    /// <remarks>
    /// The host owns time; every call happens at the emulated instant of its token, except for
    /// <see cref="TransactionEnd"/>. A token for an address or an endpoint that the device does not serve is answered by
    /// silence (null).
    /// </remarks>
    public interface IUsbWire : IPeripheral
    {
        IUsbWireListener Listener { get; set; }

        /// <summary>The emulated time that both ends of the cable go by.</summary>
        UsbClock Clock { get; }

        /// <summary>The D+ pull-up is on: a host that has power on the cable sees a full-speed device.</summary>
        bool PulledUp { get; }

        /// <summary>The host switches the cable's 5 V.</summary>
        void Vbus(bool present);

        /// <summary>The host drives SE0 (USB 2.0, 7.1.7.5).</summary>
        void ResetBegin();

        /// <summary>The host releases SE0: the device is in the Default state.</summary>
        void ResetEnd();

        /// <summary>The host stops all traffic; after 3 ms of it the device is suspended (USB 2.0, 7.1.7.6).</summary>
        void Idle();

        /// <summary>The host drives K (USB 2.0, 7.1.7.7).</summary>
        void ResumeBegin();

        /// <summary>The host ends the resume signal; traffic goes on.</summary>
        void ResumeEnd();

        /// <summary>Start of frame with its 11-bit number (USB 2.0, 8.4.3).</summary>
        void Sof(int frame);

        /// <summary>A SETUP transaction: token, DATA0 with 8 bytes. Answer: ACK or silence (USB 2.0, 8.5.3).</summary>
        UsbPacket Setup(int address, int endpoint, byte[] data, UsbFault fault);

        /// <summary>
        /// An OUT transaction: token, data packet. Answer: ACK, NAK, STALL or silence. With
        /// <see cref="UsbFault.LostHandshake"/> the device has taken the data but the answer is silence.
        /// </summary>
        UsbPacket Out(int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault);

        /// <summary>An IN token. Answer: a data packet, NAK, STALL or silence.</summary>
        UsbPacket In(int address, int endpoint, UsbFault fault);

        /// <summary>The host's ACK for the data packet just sent, or (false) none: the device keeps it for the retry.</summary>
        void InHandshake(int address, int endpoint, bool acknowledged);

        /// <summary>The last transaction's time is over: status bits and interrupts that report it come now.</summary>
        void TransactionEnd();
    }
}
