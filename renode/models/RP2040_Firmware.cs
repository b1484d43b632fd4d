using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// A firmware image as what it puts where: UF2, ELF or a flat binary for the start of flash. It is for the flash or,
    /// as the pico-sdk's no_flash binaries are, for the RAM (datasheet 2.8.4.2). An image for another chip, a truncated
    /// one or one that lies in neither is refused with the reason.
    /// </summary>
    public class RP2040_Firmware
    {
        public RP2040_Firmware(string path, byte[] content)
        {
            uint? start = null;
            Pieces = Joined(Parse(path, content, ref start)).ToList();
            IsForRAM = Pieces.All(piece => IsIn(piece, RAMStart, RAMEnd));
            Entry = (start ?? (uint)Pieces.Min(piece => piece.Key)) | 1;
            foreach(var piece in Pieces.Where(piece => !IsForRAM && !IsIn(piece, FlashStart, FlashEnd)))
            {
                throw Refuse(path, "it has content for 0x{0:X8}, which is not in the RP2040's flash".FormatWith(piece.Key));
            }
        }

        /// <summary>Pairs of address and content, in as few pieces as possible.</summary>
        public List<KeyValuePair<long, byte[]>> Pieces { get; private set; }

        public bool IsForRAM { get; private set; }

        /// <summary>Where an image for the RAM begins, with the Thumb bit.</summary>
        public uint Entry { get; private set; }

        private static bool IsIn(KeyValuePair<long, byte[]> piece, uint start, uint end)
        {
            return piece.Key >= start && piece.Key + piece.Value.Length <= end;
        }

        private static IEnumerable<KeyValuePair<long, byte[]>> Parse(string path, byte[] content, ref uint? start)
        {
            if(content.Length == 0)
            {
                throw Refuse(path, "the file is empty");
            }
            if(content.Length >= 8 && Word(content, 0) == UF2Magic0 && Word(content, 4) == UF2Magic1)
            {
                return ParseUF2(path, content);
            }
            if(content.Length >= 4 && Word(content, 0) == ELFMagic)
            {
                var pieces = ParseELF(path, content);
                start = Word(content, 24);
                return pieces;
            }
            if(path.EndsWith(".uf2", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".elf", StringComparison.OrdinalIgnoreCase))
            {
                throw Refuse(path, "it is not what its name says");
            }
            return new[] { new KeyValuePair<long, byte[]>(FlashStart, content) };
        }

        private static IEnumerable<KeyValuePair<long, byte[]>> Joined(IEnumerable<KeyValuePair<long, byte[]>> pieces)
        {
            var result = new List<KeyValuePair<long, byte[]>>();
            var start = 0L;
            var joined = new MemoryStream();
            foreach(var piece in pieces)
            {
                if(joined.Length > 0 && piece.Key != start + joined.Length)
                {
                    result.Add(new KeyValuePair<long, byte[]>(start, joined.ToArray()));
                    joined.SetLength(0);
                }
                if(joined.Length == 0)
                {
                    start = piece.Key;
                }
                joined.Write(piece.Value, 0, piece.Value.Length);
            }
            result.Add(new KeyValuePair<long, byte[]>(start, joined.ToArray()));
            return result;
        }

        private static List<KeyValuePair<long, byte[]>> ParseUF2(string path, byte[] content)
        {
            if(content.Length % UF2Block != 0)
            {
                throw Refuse(path, "the UF2 file is truncated: {0} bytes are no whole blocks of 512".FormatWith(content.Length));
            }
            var result = new List<KeyValuePair<long, byte[]>>();
            uint? foreign = null;
            for(var at = 0; at < content.Length; at += UF2Block)
            {
                var number = at / UF2Block;
                if(Word(content, at) != UF2Magic0 || Word(content, at + 4) != UF2Magic1 || Word(content, at + 508) != UF2MagicEnd)
                {
                    throw Refuse(path, "block {0} of the UF2 file is damaged".FormatWith(number));
                }
                if(Word(content, at + 20) == number && (ulong)Word(content, at + 24) * UF2Block > (ulong)content.Length)
                {
                    throw Refuse(path, "the UF2 file is truncated: {0} of {1} blocks".FormatWith(content.Length / UF2Block, Word(content, at + 24)));
                }
                var flags = Word(content, at + 8);
                if((flags & UF2NotMainFlash) != 0)
                {
                    continue;
                }
                if((flags & UF2FamilyPresent) != 0 && Word(content, at + 28) != RP2040Family)
                {
                    foreign = Word(content, at + 28); // as the boot ROM does: a file may hold firmware for several chips
                    continue;
                }
                var size = Word(content, at + 16);
                if(size > UF2MaximalPayload)
                {
                    throw Refuse(path, "block {0} of the UF2 file claims {1} bytes".FormatWith(number, size));
                }
                result.Add(Piece(path, content, (uint)at + 32, Word(content, at + 12), size));
            }
            if(result.Count == 0 && foreign != null)
            {
                throw Refuse(path, "it is for another chip: UF2 family 0x{0:X8}, the RP2040 is 0x{1:X8}".FormatWith(foreign, RP2040Family));
            }
            if(result.Count == 0)
            {
                throw Refuse(path, "no block of the UF2 file is to be loaded");
            }
            return result;
        }

        private static List<KeyValuePair<long, byte[]>> ParseELF(string path, byte[] content)
        {
            if(content.Length < ELFHeader || content[4] != 1 || content[5] != 1 || Half(content, 18) != ELFMachineARM)
            {
                throw Refuse(path, "it is no 32 bit little endian ARM executable");
            }
            var result = new List<KeyValuePair<long, byte[]>>();
            var table = Word(content, 28);
            var entrySize = Half(content, 42);
            var entries = Half(content, 44);
            for(var i = 0; i < entries; i++)
            {
                var at = table + (uint)i * entrySize;
                if(at + 32 > content.Length)
                {
                    throw Refuse(path, "the ELF file is truncated");
                }
                var size = Word(content, (int)at + 16);
                if(Word(content, (int)at) != ELFLoad || size == 0)
                {
                    continue;
                }
                result.Add(Piece(path, content, Word(content, (int)at + 4), Word(content, (int)at + 12), size));
            }
            if(result.Count == 0)
            {
                throw Refuse(path, "the ELF file has nothing to load");
            }
            return result;
        }

        private static KeyValuePair<long, byte[]> Piece(string path, byte[] content, uint from, uint address, uint size)
        {
            if((ulong)from + size > (ulong)content.Length)
            {
                throw Refuse(path, "it is truncated");
            }
            var piece = new byte[size];
            Array.Copy(content, from, piece, 0, size);
            return new KeyValuePair<long, byte[]>(address, piece);
        }

        private static RecoverableException Refuse(string path, string reason)
        {
            return new RecoverableException("Cannot load the firmware {0}: {1}".FormatWith(path, reason));
        }

        private static uint Word(byte[] content, int at)
        {
            return BitConverter.ToUInt32(content, at);
        }

        private static ushort Half(byte[] content, int at)
        {
            return BitConverter.ToUInt16(content, at);
        }

        private const int UF2Block = 512;
        private const uint UF2MaximalPayload = 476;
        private const uint UF2Magic0 = 0x0A324655;
        private const uint UF2Magic1 = 0x9E5D5157;
        private const uint UF2MagicEnd = 0x0AB16F30;
        private const uint UF2NotMainFlash = 0x00000001;
        private const uint UF2FamilyPresent = 0x00002000;
        private const uint RP2040Family = 0xE48BFF56;
        private const uint ELFMagic = 0x464C457F;
        private const int ELFHeader = 52;
        private const ushort ELFMachineARM = 40;
        private const uint ELFLoad = 1;
        private const uint FlashStart = 0x10000000;
        private const uint FlashEnd = 0x11000000;
        private const uint RAMStart = 0x20000000;
        private const uint RAMEnd = 0x20042000;
    }
}
