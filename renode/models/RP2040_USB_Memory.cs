using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>The 4 KiB between processor and USB controller, device layout (usb_device_dpram.h).</summary>
    public class RP2040_USB_Memory
    {
        public uint Word(long offset)
        {
            return BitConverter.ToUInt32(Bytes, (int)(offset & 0xFFC));
        }

        public void SetWord(long offset, uint value)
        {
            var index = (int)(offset & 0xFFC);
            Bytes[index] = (byte)value;
            Bytes[index + 1] = (byte)(value >> 8);
            Bytes[index + 2] = (byte)(value >> 16);
            Bytes[index + 3] = (byte)(value >> 24);
        }

        /// <summary>Bytes from an offset on; past the end it goes on at the start.</summary>
        public byte[] Read(int offset, int length)
        {
            var data = new byte[length];
            var first = Math.Min(length, Size - offset);
            Array.Copy(Bytes, offset, data, 0, first);
            Array.Copy(Bytes, 0, data, first, length - first);
            return data;
        }

        public void Write(int offset, byte[] data)
        {
            var first = Math.Min(data.Length, Size - offset);
            Array.Copy(data, 0, Bytes, offset, first);
            Array.Copy(data, first, Bytes, 0, data.Length - first);
        }

        public readonly byte[] Bytes = new byte[Size];

        public const int Size = 0x1000;
        public const int EndpointBufferControl = 0x80;
        public const int Endpoint0Buffer0 = 0x100;
        public const int Endpoint0Buffer1 = 0x140;
        /// <summary>Below it words have a meaning to the controller, from it on it is data.</summary>
        public const int Buffers = 0x100;
    }
}
