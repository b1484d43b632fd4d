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

    /// <summary>
    /// What a host may do wrong on purpose, and a cable by itself, within one transaction. Who receives a data packet is the device
    /// in SETUP and OUT, the host in IN; the other one awaits the handshake.
    /// </summary>
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
        /// <summary>The token arrives with a wrong CRC5 (USB 2.0, 8.3.5.1, 8.7.1).</summary>
        TokenCrc,
        /// <summary>The token's PID contradicts its check bits (USB 2.0, 8.3.1).</summary>
        TokenPid,
        /// <summary>The token carries the reserved PID 0 (USB 2.0, table 8-1).</summary>
        UnknownPid,
        /// <summary>The data packet's PID contradicts its check bits.</summary>
        DataPid,
        /// <summary>Where the ACK is awaited comes a packet whose PID contradicts its check bits.</summary>
        BrokenHandshake,
        /// <summary>Where the ACK is awaited comes noise that does not end in time (USB 2.0, 8.7.4).</summary>
        Babble,
        /// <summary>The host's data packet, or its ACK, begins after 16 bit times: a device still takes it (USB 2.0, 7.1.19.1).</summary>
        Slow,
        /// <summary>It begins after 19 bit times: the device has given up, after 18 at most, and does not take it.</summary>
        Late,
    }

    public static class UsbFaultExtensions
    {
        /// <summary>The device does not hear the transaction at all.</summary>
        public static bool SpoilsToken(this UsbFault fault)
        {
            return fault == UsbFault.TokenCrc || fault == UsbFault.TokenPid || fault == UsbFault.UnknownPid;
        }

        /// <summary>Whoever receives the data packet has nothing that counts, and stays silent.</summary>
        public static bool SpoilsData(this UsbFault fault)
        {
            return fault == UsbFault.Crc || fault == UsbFault.BitStuff || fault == UsbFault.LostData || fault == UsbFault.DataPid;
        }

        /// <summary>Whoever receives the data packet has it; the other one cannot know.</summary>
        public static bool SpoilsHandshake(this UsbFault fault)
        {
            return fault == UsbFault.LostHandshake || fault == UsbFault.BrokenHandshake || fault == UsbFault.Babble;
        }
    }

    /// <summary>What may happen to a start of frame (USB 2.0, 8.4.3).</summary>
    public enum UsbSofFault
    {
        Lost,
        Doubled,
        /// <summary>Its CRC5 is wrong.</summary>
        Corrupt,
    }

    /// <summary>A packet that belongs to no transaction: a device ignores it (USB 2.0, 8.3.1, 8.6.5, 8.7).</summary>
    public enum UsbStray
    {
        /// <summary>The reserved PID 0.</summary>
        UnknownPid,
        /// <summary>A PID that contradicts its check bits.</summary>
        BrokenPid,
        /// <summary>PRE and a low-speed packet behind it, as hubs pass them on (USB 2.0, 8.6.5).</summary>
        LowSpeed,
        /// <summary>A SETUP token with a wrong CRC5, and nothing behind it.</summary>
        SetupCrc5,
        /// <summary>An OUT token with a wrong CRC5, and nothing behind it.</summary>
        OutCrc5,
        /// <summary>An IN token with a wrong CRC5.</summary>
        InCrc5,
        /// <summary>A start of frame with a wrong CRC5.</summary>
        SofCrc5,
        /// <summary>An ACK that nobody awaits, or not any more: 20 bit times after the data packet.</summary>
        LateAck,
        /// <summary>A handshake whose PID contradicts its check bits.</summary>
        BrokenHandshake,
        /// <summary>A data packet without its token.</summary>
        Data,
        /// <summary>Noise late in the frame, from EOF1 to EOF2, as a hub's neighbour makes it (USB 2.0, 11.2.5).</summary>
        Babble,
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

        /// <summary>A packet outside of any transaction; address and endpoint are those of a token. Silence (null) is right.</summary>
        UsbPacket Stray(UsbStray stray, int address, int endpoint);

        /// <summary>A SETUP transaction: token, DATA0 with 8 bytes. Answer: ACK or silence (USB 2.0, 8.5.3).</summary>
        UsbPacket Setup(int address, int endpoint, byte[] data, UsbFault fault);

        /// <summary>
        /// An OUT transaction: token, data packet. Answer: ACK, NAK, STALL or silence. With
        /// a spoiled handshake the device has taken the data but the answer is silence.
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
