using System.Collections.Generic;
using System.Linq;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Banks 0 to 3 of SRAM one behind the other (datasheet 2.6.2); in the memory that this is a view of, their words take turns.
    /// </summary>
    /// <remarks>
    /// Renode's translator executes code from memories only. Pages in which there is code are shown in a memory of their own, which the
    /// cores map and keep up to date (<see cref="RP2040_Core"/>); nobody else looks at it.
    /// </remarks>
    public class RP2040_UnstripedSRAM : IBytePeripheral, IWordPeripheral, IDoubleWordPeripheral, IKnownSize, IMapped
    {
        public RP2040_UnstripedSRAM(IMachine machine, MappedMemory memory)
        {
            this.memory = memory;
            code = new MappedMemory(machine, Size);
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

        /// <summary>Where what is at an offset is in the memory.</summary>
        public static long Striped(long offset)
        {
            var bank = offset >> 16;
            var word = (offset & 0xFFFF) >> 2;
            return word << 4 | bank << 2 | (offset & 3);
        }

        /// <summary>Shows a page of the translator's; false: it is shown already.</summary>
        public bool Show(long page)
        {
            if(shown.Contains(page))
            {
                return false;
            }
            for(var offset = page; offset < page + Page; offset += 4)
            {
                code.WriteDoubleWord(offset, ReadDoubleWord(offset));
            }
            shown.Add(page);
            Changes++;
            return true;
        }

        /// <summary>Shows what was written to the memory; the pages that it is in.</summary>
        public IEnumerable<long> Follow(long striped, long size)
        {
            var pages = new HashSet<long>();
            for(var at = striped & ~3L; at < striped + size && at < Size; at += 4)
            {
                var offset = (at >> 2 & 3) << 16 | at >> 4 << 2;
                var page = offset / Page * Page;
                if(shown.Contains(page))
                {
                    code.WriteDoubleWord(offset, memory.ReadDoubleWord(at));
                    pages.Add(page);
                }
            }
            return pages;
        }

        /// <summary>Shows nothing any more.</summary>
        public void Forget()
        {
            if(shown.Count > 0)
            {
                shown.Clear();
                Changes++;
            }
        }

        /// <summary>Offsets of the pages that are shown.</summary>
        public ICollection<long> Shown { get { return shown; } }

        /// <summary>How often they became others.</summary>
        public int Changes { get { return changes; } private set { changes = value; } }

        public IEnumerable<IMappedSegment> MappedSegments { get { return code.MappedSegments; } }

        public long Size { get { return 0x40000; } }

        public const int Banks = 4;

        /// <summary>It goes on through a memento: who has seen a change will see the next one.</summary>
        [RP2040_OutsideOfMemento]
        private int changes;
        [RP2040_OutsideOfMemento]
        private readonly HashSet<long> shown = new HashSet<long>();
        private readonly MappedMemory memory;
        private readonly MappedMemory code;

        /// <summary>Bytes of a page of the translator.</summary>
        private const long Page = 0x400;
    }
}
