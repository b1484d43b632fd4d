using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // DPSRAM as the processor sees it: control words, which may wake the host, and the buffers behind them (4.1.2.5 to 4.1.2.7).
    public partial class RP2040_USB
    {
        [ConnectionRegion("dpsram")]
        public byte ReadByteFromDpsram(long offset)
        {
            return memory.Bytes[offset & (RP2040_USB_Memory.Size - 1)];
        }

        [ConnectionRegion("dpsram")]
        public void WriteByteToDpsram(long offset, byte value)
        {
            offset &= RP2040_USB_Memory.Size - 1;
            if(offset >= RP2040_USB_Memory.Buffers)
            {
                NoteWrite(offset, 1);
                memory.Bytes[offset] = value;
                return;
            }
            var shift = 8 * (int)(offset & 3);
            WriteControlWord(offset, 0xFFu << shift, (uint)value << shift);
        }

        [ConnectionRegion("dpsram")]
        public ushort ReadWordFromDpsram(long offset)
        {
            return (ushort)(memory.Word(offset) >> 8 * (int)(offset & 2));
        }

        [ConnectionRegion("dpsram")]
        public void WriteWordToDpsram(long offset, ushort value)
        {
            NoteWrite(offset, 2);
            var shift = 8 * (int)(offset & 2);
            WriteDpsram(offset, 0xFFFFu << shift, (uint)value << shift);
        }

        [ConnectionRegion("dpsram")]
        public uint ReadDoubleWordFromDpsram(long offset)
        {
            return memory.Word(offset);
        }

        [ConnectionRegion("dpsram")]
        public void WriteDoubleWordToDpsram(long offset, uint value)
        {
            NoteWrite(offset, 4);
            WriteDpsram(offset, uint.MaxValue, value);
        }

        /// <summary>All reads of DPSRAM, and what is written to its buffers; a control word may wake the host.</summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            value = width == 1 ? memory.Bytes[offset] : memory.Word(offset);
            return true;
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            if(offset < RP2040_USB_Memory.Buffers)
            {
                return false;
            }
            NoteWrite(offset, width);
            if(width == 1)
            {
                memory.Bytes[offset] = (byte)value;
            }
            else
            {
                memory.SetWord(offset, value);
            }
            return true;
        }

        private void WriteDpsram(long offset, uint mask, uint value)
        {
            offset &= RP2040_USB_Memory.Size - 4;
            if(offset >= RP2040_USB_Memory.Buffers)
            {
                memory.SetWord(offset, (memory.Word(offset) & ~mask) | value);
                return;
            }
            WriteControlWord(offset, mask, value);
        }

        private void WriteControlWord(long offset, uint mask, uint value)
        {
            Clock.Synchronize();
            Clock.Enter(() =>
            {
                memory.SetWord(offset, (memory.Word(offset) & ~mask) | value);
                ControlWordWritten((int)(offset & 0xFC));
            });
        }

        private void ControlWordWritten(int offset)
        {
            if(sanitizer != null)
            {
                sanitizer.ControlWordWritten(offset);
            }
            if(offset < FirstEndpointControl)
            {
                return;
            }
            var endpoint = endpoints[(offset >> 2) & 0x1F];
            if(offset >= RP2040_USB_Memory.EndpointBufferControl)
            {
                endpoint.BufferControlWritten();
            }
            LookAgain(endpoint);
        }

        private const int FirstEndpointControl = 0x08;
    }
}
