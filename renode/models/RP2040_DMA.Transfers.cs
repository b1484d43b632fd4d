namespace Antmicro.Renode.Peripherals.RP2040
{
    // One transfer, or several of a copy at once: addresses, data between the masters, bus errors.
    public partial class RP2040_DMA
    {
        /// <summary>A bus error ends the sequence. An address is taken as aligned, as the bus does.</summary>
        private bool Transfer(int number)
        {
            var channel = channels[number];
            var size = channel.Size;
            var from = channel.ReadAddress & ~(size - 1);
            var to = channel.WriteAddress & ~(size - 1);
            uint data;
            if(!TryRead(from, size, out data))
            {
                Fail(number, ReadErrorBit);
                return false;
            }
            if(!TryWrite(to, size, Observe(number, data, size)))
            {
                Fail(number, WriteErrorBit);
                return false;
            }
            return true;
        }

        private bool TryRead(uint address, uint size, out uint data)
        {
            data = 0;
            if(!IsThere(address, ref pageRead) || IsCacheOnly(address))
            {
                return false;
            }
            NoteAccess(address, false);
            var bus = Machine.SystemBus;
            data = size == 1 ? bus.ReadByte(address) : size == 2 ? bus.ReadWord(address) : bus.ReadDoubleWord(address);
            return true;
        }

        private bool TryWrite(uint address, uint size, uint data)
        {
            if(!IsThere(address, ref pageWritten) || IsCacheOnly(address))
            {
                return false;
            }
            NoteAccess(address, true);
            if(address < EndOfFlash)
            {
                return address < Flash || xip == null || xip.TakesWrite(address); // the boot ROM, and the cache in front of the flash: dropped
            }
            var bus = Machine.SystemBus;
            switch(size)
            {
            case 1:
                bus.WriteByte(address, (byte)data);
                break;
            case 2:
                bus.WriteWord(address, (ushort)data);
                break;
            default:
                bus.WriteDoubleWord(address, data);
                break;
            }
            return true;
        }

        private void NoteAccess(uint address, bool write)
        {
            if(xip != null)
            {
                waits += xip.Count(address, write);
            }
            if(busControl != null)
            {
                busControl.Count(address);
            }
        }

        /// <summary>The cache's memory, while it is one.</summary>
        private bool IsCacheOnly(uint address)
        {
            return address >> 24 == XipSram && xip != null && !xip.IsSram;
        }

        private bool IsCounted { get { return (xip != null && xip.Counting) || (busControl != null && busControl.Counting); } }

        /// <summary>The processors' own registers are not on this bus.</summary>
        private bool IsThere(uint address, ref uint knownPage)
        {
            var page = address >> PageShift;
            if(page == knownPage)
            {
                return true;
            }
            if(address >= ProcessorsOwn || Machine.SystemBus.WhatPeripheralIsAt(address) == null)
            {
                return false;
            }
            knownPage = page;
            return true;
        }

        /// <summary>Several transfers of a copy at once, where that is the same.</summary>
        private bool TryCopyBlock(int number, uint count)
        {
            var channel = channels[number];
            var from = channel.ReadSpan(count);
            var to = channel.WriteSpan(count);
            var size = channel.Size;
            if(IsCounted || !IsMemory(from) || !IsMemory(to) || to.Start < SRAM || from.Overlaps(to) || ((channel.ReadAddress | channel.WriteAddress) & (size - 1)) != 0)
            {
                return false;
            }
            var source = Machine.SystemBus.ReadBytes(from.Start, (int)from.Length);
            if(channel.IsPlainCopy && !IsSniffed(number))
            {
                channel.ReadAddress += (uint)from.Length;
                channel.WriteAddress += (uint)to.Length;
                channel.Count -= count;
                Machine.SystemBus.WriteBytes(source, to.Start);
                return true;
            }
            var target = Machine.SystemBus.ReadBytes(to.Start, (int)to.Length);
            for(var i = 0; i < count; i++)
            {
                var data = ReadFrom(source, (int)(channel.ReadAddress - from.Start), size);
                var at = (int)(channel.WriteAddress - to.Start);
                data = Observe(number, data, size);
                for(var n = 0; n < size; n++)
                {
                    target[at + n] = (byte)(data >> (8 * n));
                }
            }
            Machine.SystemBus.WriteBytes(target, to.Start);
            return true;
        }

        private static uint ReadFrom(byte[] bytes, int at, uint size)
        {
            uint data = 0;
            for(var n = 0; n < size; n++)
            {
                data |= (uint)bytes[at + n] << (8 * n);
            }
            return data;
        }

        private static bool IsMemory(Span span)
        {
            return span.Length <= LongestBlock && (span.IsWithin(SRAM, EndOfSRAM) || span.IsWithin(Flash, EndOfFlashWindow) || span.IsWithin(0, EndOfROM));
        }

        /// <summary>What is between the masters: data that was read, on its way to be written.</summary>
        private uint Observe(int number, uint data, uint size)
        {
            var channel = channels[number];
            if(channel.Has(SwapBit))
            {
                data = RP2040_Sniffer.SwapBytes(data, size);
            }
            if(IsSniffed(number))
            {
                sniffer.See(data, size);
            }
            channel.Count--;
            channel.AdvanceRead(size);
            channel.AdvanceWrite(size);
            return data;
        }

        private bool IsSniffed(int number)
        {
            return sniffer.Watches(number) && channels[number].Has(SniffBit);
        }

        /// <summary>Cycles that the transfer in hand waits for the flash.</summary>
        private uint waits;
        private uint pageRead = NoPage;
        private uint pageWritten = NoPage;

        private const int PageShift = 12;
        private const uint NoPage = uint.MaxValue;
        private const uint EndOfROM = 0x4000;
        private const uint XipSram = 0x15;
        private const uint Flash = 0x10000000;
        private const uint EndOfFlashWindow = 0x10200000;
        private const uint EndOfFlash = 0x14000000;
        private const uint SRAM = 0x20000000;
        private const uint EndOfSRAM = 0x20042000;
        private const uint ProcessorsOwn = 0xD0000000;
        private const ulong LongestBlock = 4 * Slice;
    }
}
