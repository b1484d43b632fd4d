using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The flash once more, in a window that does not keep in the cache what is read, or does not look there (datasheet 2.6.3.1).
    /// Cores and DMA ask <see cref="RP2040_XIP"/> before they write.
    /// </summary>
    public class RP2040_XIPWindow : IBytePeripheral, IWordPeripheral, IDoubleWordPeripheral, IKnownSize, IMapped
    {
        public RP2040_XIPWindow(MappedMemory memory)
        {
            this.memory = memory;
        }

        public void Reset()
        {
        }

        public byte ReadByte(long offset)
        {
            return memory.ReadByte(offset);
        }

        public void WriteByte(long offset, byte value)
        {
        }

        public ushort ReadWord(long offset)
        {
            return memory.ReadWord(offset);
        }

        public void WriteWord(long offset, ushort value)
        {
        }

        public uint ReadDoubleWord(long offset)
        {
            return memory.ReadDoubleWord(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
        }

        public IEnumerable<IMappedSegment> MappedSegments { get { return memory.MappedSegments; } }

        public long Size { get { return memory.Size; } }

        private readonly MappedMemory memory;
    }
}
