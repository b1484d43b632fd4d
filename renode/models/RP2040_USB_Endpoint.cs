using System.Collections.Generic;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// One direction of one endpoint: its two words in DPSRAM, its buffers, and which of them is next (datasheet 4.1.2.5, 4.1.2.7).
    /// </summary>
    public class RP2040_USB_Endpoint
    {
        public RP2040_USB_Endpoint(RP2040_USB_Memory memory, int index)
        {
            this.memory = memory;
            Index = index;
            Number = index / 2;
            IsIn = index % 2 == 0;
            Done = new List<int>();
        }

        /// <summary>The block's reset: DPSRAM keeps its content, the buffer selector and what was pending do not.</summary>
        public void Reset()
        {
            selector = 0;
            Answered = false;
            Done.Clear();
        }

        /// <summary>The firmware wrote the buffer control word: RESET takes the selector back to buffer 0.</summary>
        public void BufferControlWritten()
        {
            if((BufferControl & BufferReset) != 0)
            {
                selector = 0;
            }
        }

        /// <summary>The half of the buffer control word that belongs to a buffer.</summary>
        public uint Half(int buffer)
        {
            return BufferControl >> (16 * buffer) & 0xFFFF;
        }

        /// <summary>Where a buffer begins in DPSRAM.</summary>
        public int Address(int buffer)
        {
            if(Number == 0)
            {
                return buffer == 0 ? RP2040_USB_Memory.Endpoint0Buffer0 : RP2040_USB_Memory.Endpoint0Buffer1;
            }
            var address = (int)(Control & BufferAddress);
            if(buffer == 1)
            {
                address += Isochronous ? 128 << (int)(BufferControl >> IsochronousOffset & 3) : NonIsochronousSize;
            }
            return address & (RP2040_USB_Memory.Size - 1);
        }

        /// <summary>What an IN buffer holds, as long as its length field says.</summary>
        public byte[] Data(int buffer)
        {
            return memory.Read(Address(buffer), (int)(Half(buffer) & BufferLength));
        }

        /// <summary>IN, over: AVAILABLE and FULL are cleared, length and PID stay. True if it was marked LAST.</summary>
        public bool Sent(int buffer)
        {
            return GiveBack(buffer, Half(buffer) & ~(BufferAvailable | BufferFull));
        }

        /// <summary>OUT: the data is stored, FULL set, AVAILABLE cleared, the length as received. True if marked LAST.</summary>
        public bool Received(int buffer, byte[] data)
        {
            memory.Write(Address(buffer), data);
            return GiveBack(buffer, (Half(buffer) & ~(BufferAvailable | BufferLength)) | BufferFull | (uint)data.Length);
        }

        /// <summary>
        /// Whether the end of a buffer is reported in BUFF_STATUS. With an interrupt per two buffers that is the second one,
        /// or a first one marked LAST with nothing behind it.
        /// </summary>
        public bool Reports(int buffer)
        {
            if((Control & InterruptPerBuffer) != 0)
            {
                return true;
            }
            if((Control & InterruptPerTwoBuffers) == 0)
            {
                return false;
            }
            return buffer == 1 || ((Half(0) & BufferLast) != 0 && (Half(1) & BufferAvailable) == 0);
        }

        public int Index { get; private set; }
        public int Number { get; private set; }
        public bool IsIn { get; private set; }
        /// <summary>Its bit in BUFF_STATUS, EP_ABORT and the registers like them.</summary>
        public uint Bit { get { return 1u << Index; } }
        public int EndpointAddress { get { return Number | (IsIn ? 0x80 : 0); } }
        /// <summary>EPn_IN_CONTROL or EPn_OUT_CONTROL; endpoint 0 has none, the controller makes one from SIE_CTRL.</summary>
        public uint Control { get { return Number == 0 ? Endpoint0Control : memory.Word(4 * Index); } }
        public uint Endpoint0Control { get; set; }
        public uint BufferControl { get { return memory.Word(RP2040_USB_Memory.EndpointBufferControl + 4 * Index); } }
        public bool Enabled { get { return (Control & Enable) != 0; } }
        public bool Isochronous { get { return (Control & TypeMask) == TypeIsochronous; } }
        public bool Stalled { get { return (BufferControl & BufferStall) != 0; } }
        /// <summary>The buffer that is next: 0 or 1; a single-buffered endpoint knows buffer 0 only.</summary>
        public int Current { get { return (Control & DoubleBuffered) != 0 ? selector : 0; } }
        /// <summary>The next buffer is the controller's: full of data for IN, empty for OUT.</summary>
        public bool Ready
        {
            get { return (Half(Current) & (BufferAvailable | BufferFull)) == (IsIn ? BufferAvailable | BufferFull : BufferAvailable); }
        }
        public bool Available(int buffer)
        {
            return (Half(buffer) & BufferAvailable) != 0;
        }
        public bool Full(int buffer)
        {
            return (Half(buffer) & BufferFull) != 0;
        }
        public bool Data1(int buffer)
        {
            return (Half(buffer) & BufferPid) != 0;
        }
        /// <summary>The host was answered NAK here and waits to hear that this has changed.</summary>
        public bool Answered { get; set; }
        /// <summary>Buffers over and not yet acknowledged through BUFF_STATUS, oldest first.</summary>
        public List<int> Done { get; private set; }

        // EPn_IN_CONTROL, EPn_OUT_CONTROL
        public const uint Enable = 1u << 31;
        public const uint DoubleBuffered = 1u << 30;
        public const uint InterruptPerBuffer = 1u << 29;
        public const uint InterruptPerTwoBuffers = 1u << 28;
        public const uint InterruptOnStall = 1u << 17;
        public const uint InterruptOnNak = 1u << 16;

        /// <summary>Size of a buffer and distance between the two of a control, bulk or interrupt endpoint, bytes.</summary>
        public const int NonIsochronousSize = 64;

        private bool GiveBack(int buffer, uint half)
        {
            var shift = 16 * buffer;
            var word = (BufferControl & ~(0xFFFFu << shift)) | half << shift;
            // The selector is about to move: a RESET bit that stayed would take it back at the firmware's next write.
            memory.SetWord(RP2040_USB_Memory.EndpointBufferControl + 4 * Index, word & ~BufferReset);
            if((Control & DoubleBuffered) != 0)
            {
                selector = buffer ^ 1;
            }
            return (half & BufferLast) != 0;
        }

        private int selector;

        private readonly RP2040_USB_Memory memory;

        private const uint TypeMask = 3u << 26;
        private const uint TypeIsochronous = 1u << 26;
        private const uint BufferAddress = 0xFFC0;

        // EPn_IN_BUFFER_CONTROL, EPn_OUT_BUFFER_CONTROL: the half of buffer 0; buffer 1's is 16 bits up
        private const uint BufferFull = 1u << 15;
        private const uint BufferLast = 1u << 14;
        private const uint BufferPid = 1u << 13;
        private const uint BufferReset = 1u << 12;
        private const uint BufferStall = 1u << 11;
        private const uint BufferAvailable = 1u << 10;
        private const uint BufferLength = 0x3FF;
        private const int IsochronousOffset = 27;
    }
}
