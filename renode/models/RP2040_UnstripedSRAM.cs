using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Banks 0 to 3 of SRAM one behind the other (datasheet 2.6.2); in the memory that this is a view of, their words take turns.
    /// Code is not executed here.
    /// </summary>
    public class RP2040_UnstripedSRAM : IBytePeripheral, IWordPeripheral, IDoubleWordPeripheral, IKnownSize
    {
        public RP2040_UnstripedSRAM(MappedMemory memory)
        {
            this.memory = memory;
        }

        public void Reset()
        {
        }

        public byte ReadByte(long offset)
        {
            return memory.ReadByte(Striped(offset));
        }

        public void WriteByte(long offset, byte value)
        {
            memory.WriteByte(Striped(offset), value);
        }

        public ushort ReadWord(long offset)
        {
            return memory.ReadWord(Striped(offset));
        }

        public void WriteWord(long offset, ushort value)
        {
            memory.WriteWord(Striped(offset), value);
        }

        public uint ReadDoubleWord(long offset)
        {
            return memory.ReadDoubleWord(Striped(offset));
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            memory.WriteDoubleWord(Striped(offset), value);
        }

        public long Size { get { return 0x40000; } }

        private static long Striped(long offset)
        {
            var bank = offset >> 16;
            var word = (offset & 0xFFFF) >> 2;
            return word << 4 | bank << 2 | (offset & 3);
        }

        private readonly MappedMemory memory;
    }
}
