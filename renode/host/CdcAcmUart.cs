using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Migrant;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.UART;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// A CDC-ACM function of the attached device as one of Renode's UARTs (USB CDC 1.2 and its PSTN subclass 1.2).
    /// </summary>
    /// <remarks>
    /// It exists before the device does and stays when the device goes: then it is silent, and what is typed waits. What is
    /// typed is sent from the beginning of the next frame on, so that it does not matter on which thread it was typed.
    /// </remarks>
    public sealed class CdcAcmUart : IUART
    {
        public CdcAcmUart(UsbHost host, int number)
        {
            this.host = host;
            Number = number;
            typed = new Queue<byte>();
            reading = new List<UsbTransfer>();
            BaudRate = 115200;
            DataBits = 8;
            StopBits = Bits.One;
            ParityBit = Parity.None;
        }

        /// <summary>The machine's reset does not reach the host.</summary>
        public void Reset()
        {
        }

        public void WriteChar(byte value)
        {
            lock(typed)
            {
                typed.Enqueue(value);
            }
        }

        /// <summary>Types text; a line end is as given.</summary>
        public void Write(string text)
        {
            foreach(var character in text)
            {
                WriteChar((byte)character);
            }
        }

        /// <summary>Types a line, ended by a carriage return as a terminal does.</summary>
        public void WriteLine(string text = "")
        {
            Write(text + "\r");
        }

        /// <summary>Raises DTR and RTS and lets the device's output flow.</summary>
        public void Open()
        {
            SetControlLineState(true, true);
            host.Perform(StartReading);
        }

        /// <summary>Drops DTR and RTS and stops reading: the device sees back-pressure.</summary>
        public void Close()
        {
            host.Perform(StopReading);
            SetControlLineState(false, false);
        }

        /// <summary>SET_CONTROL_LINE_STATE (PSTN 1.2, 6.3.12).</summary>
        public void SetControlLineState(bool dtr, bool rts)
        {
            this.dtr = dtr;
            this.rts = rts;
            host.Perform(SendControlLineState);
        }

        /// <summary>SET_LINE_CODING (PSTN 1.2, 6.3.10).</summary>
        public void SetLineCoding(uint baudRate, byte dataBits = 8, Parity parity = Parity.None, Bits stopBits = Bits.One)
        {
            BaudRate = baudRate;
            DataBits = dataBits;
            ParityBit = parity;
            StopBits = stopBits;
            host.Perform(SendLineCoding);
        }

        [field: Transient]
        public event Action<byte> CharReceived;

        public int Number { get; private set; }
        /// <summary>A device that has this port is configured.</summary>
        public bool Present { get { return function != null; } }
        public bool Dtr
        {
            get { return dtr; }
            set { SetControlLineState(value, rts); }
        }
        public bool Rts
        {
            get { return rts; }
            set { SetControlLineState(dtr, value); }
        }
        public uint BaudRate { get; private set; }
        public byte DataBits { get; private set; }
        public Bits StopBits { get; private set; }
        public Parity ParityBit { get; private set; }
        public long BytesReceived { get; private set; }
        public long BytesSent { get; private set; }
        /// <summary>The bits of the last SERIAL_STATE notification (PSTN 1.2, table 31).</summary>
        public int SerialState { get; private set; }

        /// <summary>A device with this port has been configured.</summary>
        internal void Bind(UsbDevice device, CdcFunction found, bool open)
        {
            function = found;
            controlPipe = device.ControlPipe;
            bulkIn = found.BulkIn.Pipe(device.Address);
            bulkOut = found.BulkOut.Pipe(device.Address);
            notification = found.Notification == null ? null : found.Notification.Pipe(device.Address);
            if(open)
            {
                dtr = true;
                rts = true;
                SendControlLineState();
                StartReading();
            }
        }

        /// <summary>The device is gone; its transfers have ended.</summary>
        internal void Unbind()
        {
            function = null;
            sending = null;
            open = false;
            listening = null;
            reading.Clear();
        }

        /// <summary>A frame begins: time to send what was typed.</summary>
        internal void FrameBegun()
        {
            if(function == null || sending != null || typed.Count == 0)
            {
                return;
            }
            byte[] data;
            lock(typed)
            {
                data = Enumerable.Range(0, Math.Min(typed.Count, Chunk)).Select(_ => typed.Dequeue()).ToArray();
            }
            sending = host.SubmitInside(bulkOut, data, 0, null, Sent);
        }

        private void Sent(UsbTransfer transfer)
        {
            BytesSent += transfer.ActualLength;
            if(transfer == sending)
            {
                sending = null;
            }
        }

        private void StartReading()
        {
            open = true;
            if(function == null)
            {
                return;
            }
            while(reading.Count < InTransfers)
            {
                reading.Add(host.SubmitInside(bulkIn, null, bulkIn.MaxPacketSize, null, Received));
            }
            if(notification != null && listening == null)
            {
                listening = host.SubmitInside(notification, null, notification.MaxPacketSize, null, Notified);
            }
        }

        private void StopReading()
        {
            open = false;
            foreach(var transfer in reading.ToArray())
            {
                host.CancelInside(transfer);
            }
            if(listening != null)
            {
                host.CancelInside(listening);
            }
        }

        private void Received(UsbTransfer transfer)
        {
            if(!reading.Remove(transfer))
            {
                return;
            }
            var data = transfer.Data;
            BytesReceived += data.Length;
            var received = CharReceived;
            if(received != null)
            {
                foreach(var value in data)
                {
                    received(value);
                }
            }
            if(transfer.Status == UsbTransferStatus.Completed && open)
            {
                StartReading();
            }
            else if(transfer.Status != UsbTransferStatus.Cancelled && transfer.Status != UsbTransferStatus.Disconnected)
            {
                host.Log(LogLevel.Warning, "CDC port {0}: reading ended with {1}", Number, UsbHost.Name(transfer.Status));
            }
        }

        private void Notified(UsbTransfer transfer)
        {
            listening = null;
            if(transfer.Status != UsbTransferStatus.Completed)
            {
                return;
            }
            var data = transfer.Data;
            if(data.Length >= 10 && data[0] == 0xA1 && data[1] == SerialStateNotification)
            {
                SerialState = data[8] | data[9] << 8;
            }
            if(open)
            {
                StartReading();
            }
        }

        private void SendControlLineState()
        {
            if(function != null)
            {
                Request(SetControlLineStateRequest, (dtr ? 1 : 0) | (rts ? 2 : 0), null);
            }
        }

        private void SendLineCoding()
        {
            if(function == null)
            {
                return;
            }
            var parity = ParityBit == Parity.Odd ? 1 : ParityBit == Parity.Even ? 2 : ParityBit == Parity.Forced1 ? 3
                : ParityBit == Parity.Forced0 ? 4 : 0;
            var stop = StopBits == Bits.Two ? 2 : StopBits == Bits.OneAndAHalf ? 1 : 0;
            Request(SetLineCodingRequest, 0, new byte[]
            {
                (byte)BaudRate, (byte)(BaudRate >> 8), (byte)(BaudRate >> 16), (byte)(BaudRate >> 24), (byte)stop, (byte)parity, DataBits
            });
        }

        private void Request(byte request, int value, byte[] data)
        {
            var setup = new UsbSetup(0x21, request, (ushort)value, (ushort)function.ControlInterface, (ushort)(data == null ? 0 : data.Length));
            host.SubmitInside(controlPipe, data, 0, setup, RequestDone);
        }

        private void RequestDone(UsbTransfer transfer)
        {
            if(transfer.Status != UsbTransferStatus.Completed && transfer.Status != UsbTransferStatus.Disconnected)
            {
                host.Log(LogLevel.Warning, "CDC port {0}: request {1}: {2}", Number, transfer.Setup, UsbHost.Name(transfer.Status));
            }
        }

        private CdcFunction function;
        private UsbPipe controlPipe;
        private UsbPipe bulkIn;
        private UsbPipe bulkOut;
        private UsbPipe notification;
        private UsbTransfer sending;
        private UsbTransfer listening;
        private bool open;
        private bool dtr;
        private bool rts;

        private readonly UsbHost host;
        private readonly Queue<byte> typed;
        private readonly List<UsbTransfer> reading;

        private const byte SetLineCodingRequest = 0x20;
        private const byte SetControlLineStateRequest = 0x22;
        private const byte SerialStateNotification = 0x20;
        /// <summary>IN transfers kept queued; each takes one packet, so that a byte is seen when it arrives.</summary>
        private const int InTransfers = 2;
        private const int Chunk = 4096;
    }

    /// <summary>The interfaces and endpoints of one CDC-ACM port.</summary>
    internal sealed class CdcFunction
    {
        /// <summary>The ports of a configuration, found by their union descriptors, else by their associations.</summary>
        public static List<CdcFunction> Find(UsbConfigurationDescriptor configuration)
        {
            var functions = new List<CdcFunction>();
            foreach(var control in configuration.Settings.Where(x => x.Alternate == 0 && x.Class == 0x02 && x.SubClass == 0x02))
            {
                var data = DataInterface(configuration, control);
                if(data == null)
                {
                    continue;
                }
                var source = data.Endpoints.FirstOrDefault(x => x.IsIn && x.Type == UsbTransferType.Bulk);
                var sink = data.Endpoints.FirstOrDefault(x => !x.IsIn && x.Type == UsbTransferType.Bulk);
                if(source != null && sink != null)
                {
                    functions.Add(new CdcFunction
                    {
                        ControlInterface = control.Number,
                        Notification = control.Endpoints.FirstOrDefault(x => x.IsIn),
                        BulkIn = source,
                        BulkOut = sink,
                    });
                }
            }
            return functions;
        }

        public int ControlInterface { get; private set; }
        public UsbEndpointDescriptor Notification { get; private set; }
        public UsbEndpointDescriptor BulkIn { get; private set; }
        public UsbEndpointDescriptor BulkOut { get; private set; }

        private static UsbInterfaceDescriptor DataInterface(UsbConfigurationDescriptor configuration, UsbInterfaceDescriptor control)
        {
            var candidates = new List<int>();
            foreach(var union in control.Others.Where(x => x.Length >= 5 && x[1] == 0x24 && x[2] == 0x06))
            {
                candidates.AddRange(union.Skip(4).Select(x => (int)x));
            }
            foreach(var association in configuration.Associations.Where(x => control.Number >= x[0] && control.Number < x[0] + x[1]))
            {
                candidates.AddRange(Enumerable.Range(association[0], association[1]));
            }
            candidates.Add(control.Number + 1);
            return candidates.Select(number => configuration.Settings.FirstOrDefault(x => x.Number == number && x.Endpoints.Count > 0))
                .FirstOrDefault(x => x != null && x.Class == 0x0A);
        }
    }
}
