using System;
using System.IO;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The board's serial NOR flash (a Winbond W25Q16 on the Pico) behind the SSI: a command decoder over the memory
    /// that the cores see at 0x10000000. What the boot ROM erases and programs is written through to a file, if there is one.
    /// </summary>
    /// <remarks>
    /// Erasing and programming take the typical times of the W25Q16JV's data sheet (9.6), during which the chip answers to nothing
    /// but reads of its status, a suspension and a reset. Who asks for the status of a busy chip is held up for a moment: software waits in a
    /// loop for nothing else, and emulating each of its turns would take longer than all the rest.
    /// </remarks>
    public class RP2040_Flash : IPeripheral
    {
        /// <param name="memory">What the flash holds; its size is the chip's.</param>
        /// <param name="uniqueId">What command 0x4B answers, most significant byte first.</param>
        /// <param name="jedecId">Manufacturer, type and capacity as command 0x9F answers.</param>
        public RP2040_Flash(IMachine machine, MappedMemory memory, ulong uniqueId = 0xE660583883724A2B, uint jedecId = 0xEF4015)
        {
            this.machine = machine;
            this.memory = memory;
            TimeScale = 1;
            UniqueId = uniqueId;
            this.jedecId = jedecId;
            page = new byte[PageSize];
            Fill(0, memory.Size);
            Deselect();
        }

        /// <summary>Power comes and goes, the content stays.</summary>
        public void Reset()
        {
            Deselect();
            writeEnabled = false;
            busyUntil = 0;
            suspended = false;
            resetEnabled = false;
        }

        public void Select()
        {
            selected = true;
            position = 0;
            command = 0;
            address = 0;
            pageLength = 0;
        }

        public void Deselect()
        {
            var ended = selected && position > 0;
            selected = false;
            if(ended)
            {
                Finish();
            }
        }

        /// <summary>One byte to the flash and one back; all ones when it is not selected.</summary>
        public byte Exchange(byte value)
        {
            if(!selected)
            {
                return 0xFF;
            }
            if(position == 0)
            {
                command = value;
                position = 1;
                ignored = Busy && !UnderstoodWhileBusy((Command)value);
                if(ignored)
                {
                    this.Log(LogLevel.Warning, "Command 0x{0:X2} while the flash is busy: ignored", value);
                }
                return 0xFF;
            }
            if(ignored)
            {
                position++;
                return 0xFF;
            }
            var answer = Continue(position - 1, value);
            position++;
            return answer;
        }

        /// <summary>What is at an address; behind its end the chip begins anew.</summary>
        public byte ReadByte(uint address)
        {
            return memory.ReadByte(address % memory.Size);
        }

        /// <summary>Loads a whole flash image and keeps it up to date from now on; a file that does not exist yet begins erased.</summary>
        public void PersistTo(string path)
        {
            if(string.IsNullOrEmpty(path))
            {
                file = null;
                return;
            }
            if(File.Exists(path))
            {
                var content = File.ReadAllBytes(path);
                if(content.Length > memory.Size)
                {
                    throw new RecoverableException("The flash image {0} has {1} bytes; the flash has {2}".FormatWith(path, content.Length, memory.Size));
                }
                memory.WriteBytes(0, content, 0, content.Length);
            }
            else if(!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
            {
                throw new RecoverableException("There is no directory for the flash image {0}".FormatWith(path));
            }
            file = Path.GetFullPath(path);
            WriteWholeFile();
        }

        /// <summary>Writes content from outside, as a programmer would.</summary>
        public void Load(long offset, byte[] content)
        {
            if(offset < 0 || offset + content.Length > memory.Size)
            {
                throw new RecoverableException("{0} bytes at offset 0x{1:X} do not fit into a flash of {2} bytes".FormatWith(content.Length, offset, memory.Size));
            }
            memory.WriteBytes(offset, content, 0, content.Length);
            WriteThrough(offset, content.Length);
        }

        /// <summary>Erases all of it.</summary>
        public void EraseAll()
        {
            Fill(0, memory.Size);
            WriteThrough(0, memory.Size);
        }

        public void SaveTo(string path)
        {
            File.WriteAllBytes(path, memory.ReadBytes(0, (int)memory.Size));
        }

        public ulong UniqueId { get; set; }

        /// <summary>How much of the typical times erasing and programming take: 1, or 0 for none at all.</summary>
        public double TimeScale
        {
            get { return timeScale; }
            set
            {
                if(!(value >= 0 && value <= MaximumTimeScale))
                {
                    throw new RecoverableException("The flash's times can be scaled by 0 to {0}".FormatWith(MaximumTimeScale));
                }
                timeScale = value;
            }
        }

        /// <summary>Erasing, programming or writing a status register is in progress.</summary>
        public bool Busy { get { return !suspended && Now < busyUntil; } }

        public long Size { get { return memory.Size; } }

        /// <summary>How many sectors and blocks were erased, and pages programmed, since the start.</summary>
        public uint Erasures { get; private set; }

        public uint PagesProgrammed { get; private set; }

        private byte Continue(int index, byte value)
        {
            switch((Command)command)
            {
            case Command.ReadStatus1:
                return Status1();
            case Command.ReadStatus2:
                return (byte)(StatusQuadEnabled | (suspended ? StatusSuspended : 0));
            case Command.ReadStatus3:
                return 0;
            case Command.ReadJedecId:
                return (byte)(index < 3 ? jedecId >> (8 * (2 - index)) : 0);
            case Command.ReadUniqueId:
                return index < 4 ? (byte)0xFF : (byte)(UniqueId >> (8 * (7 - (index - 4) % 8)));
            case Command.Read:
            case Command.FastRead:
                return Read(index, value, (Command)command == Command.FastRead ? 4 : 3);
            case Command.PageProgram:
                CollectPage(index, value);
                return 0xFF;
            case Command.SectorErase:
            case Command.BlockErase32:
            case Command.BlockErase64:
                TakeAddress(index, value);
                return 0xFF;
            default:
                return 0xFF;
            }
        }

        private void TakeAddress(int index, byte value)
        {
            if(index < 3)
            {
                address = address << 8 | value;
            }
        }

        private byte Read(int index, byte value, int header)
        {
            TakeAddress(index, value);
            if(index < header)
            {
                return 0xFF;
            }
            return memory.ReadByte((address + index - header) % memory.Size);
        }

        private void CollectPage(int index, byte value)
        {
            TakeAddress(index, value);
            if(index >= 3)
            {
                // more than a page wraps around, the last 256 bytes count
                page[pageLength % PageSize] = value;
                pageLength++;
            }
        }

        /// <summary>Chip select goes high: the commands that change something take effect.</summary>
        private void Finish()
        {
            if(ignored)
            {
                ignored = false;
                return;
            }
            var reset = resetEnabled;
            resetEnabled = false;
            switch((Command)command)
            {
            case Command.EnableReset:
                resetEnabled = true;
                return;
            case Command.ResetDevice:
                if(reset)
                {
                    Reset();
                }
                return;
            case Command.Suspend:
                Suspend();
                return;
            case Command.Resume:
                Resume();
                return;
            case Command.WriteEnable:
                writeEnabled = true;
                return;
            case Command.WriteDisable:
                writeEnabled = false;
                return;
            case Command.PageProgram:
                Guarded(ProgramPage, PageProgramTime);
                return;
            case Command.SectorErase:
                Guarded(() => Erase(0x1000), SectorEraseTime);
                return;
            case Command.BlockErase32:
                Guarded(() => Erase(0x8000), BlockErase32Time);
                return;
            case Command.BlockErase64:
                Guarded(() => Erase(0x10000), BlockErase64Time);
                return;
            case Command.ChipErase:
            case Command.ChipEraseAlternative:
                Guarded(() => Erase(memory.Size), ChipEraseTime);
                return;
            case Command.WriteStatus1:
            case Command.WriteStatus2:
            case Command.WriteStatus3:
                Guarded(() => { }, WriteStatusTime);
                return;
            case Command.ReadStatus1:
            case Command.ReadStatus2:
            case Command.ReadStatus3:
            case Command.Read:
            case Command.FastRead:
            case Command.ReadJedecId:
            case Command.ReadUniqueId:
            case Command.PowerUp:
            case Command.PowerDown:
            case Command.LeaveContinuousRead:
            case Command.Nothing:
                return;
            default:
                this.Log(LogLevel.Warning, "Not modelled: flash command 0x{0:X2}", command);
                return;
            }
        }

        private void Guarded(Action change, ulong time)
        {
            if(!writeEnabled)
            {
                this.Log(LogLevel.Warning, "Command 0x{0:X2} without a write enable before it: ignored", command);
                return;
            }
            if(suspended)
            {
                this.Log(LogLevel.Warning, "Command 0x{0:X2} while another one is suspended: ignored", command);
                return;
            }
            writeEnabled = false;
            change();
            busyUntil = Now + (ulong)(time * TimeScale);
        }

        private static bool UnderstoodWhileBusy(Command command)
        {
            return command == Command.ReadStatus1 || command == Command.ReadStatus2 || command == Command.ReadStatus3
                || command == Command.Suspend || command == Command.EnableReset || command == Command.ResetDevice;
        }

        private byte Status1()
        {
            var busy = Busy;
            if(busy)
            {
                HoldUp(busyUntil - Now);
            }
            return (byte)((busy ? StatusBusy : 0) | (writeEnabled ? StatusWriteEnabled : 0));
        }

        /// <summary>Lets the core that asks do so again only after some time.</summary>
        private void HoldUp(ulong nanoseconds)
        {
            ICPU cpu;
            if(!machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                return;
            }
            var core = cpu as RP2040_Core;
            if(core != null)
            {
                core.HoldUp(nanoseconds);
            }
        }

        private void Suspend()
        {
            if(Busy && !suspended)
            {
                suspended = true;
                left = busyUntil - Now;
            }
        }

        private void Resume()
        {
            if(suspended)
            {
                suspended = false;
                busyUntil = Now + left;
            }
        }

        /// <summary>Nanoseconds.</summary>
        private ulong Now { get { return machine.ExactTime().InNanoseconds(); } }

        private void Erase(long size)
        {
            var start = address % memory.Size / size * size;
            Fill(start, size);
            Erasures++;
            WriteThrough(start, size);
        }

        private void ProgramPage()
        {
            var start = address % memory.Size / PageSize * PageSize;
            var content = memory.ReadBytes(start, PageSize);
            var count = Math.Min(pageLength, PageSize);
            for(var i = 0; i < count; i++)
            {
                var from = (pageLength - count + i) % PageSize;
                // programming only ever clears bits
                content[(address + pageLength - count + i) % PageSize] &= page[from];
            }
            memory.WriteBytes(start, content, 0, PageSize);
            PagesProgrammed++;
            WriteThrough(start, PageSize);
        }

        private void Fill(long start, long size)
        {
            var erased = new byte[size];
            for(var i = 0; i < erased.Length; i++)
            {
                erased[i] = 0xFF;
            }
            memory.WriteBytes(start, erased, 0, erased.Length);
        }

        /// <summary>The file is open only while it is written: nothing open is ever part of a saved state.</summary>
        private void WriteThrough(long start, long size)
        {
            if(file == null)
            {
                return;
            }
            if(!fileInStep)
            {
                // after a Load the file may hold what came later than the saved state
                WriteWholeFile();
                return;
            }
            using(var stream = new FileStream(file, FileMode.Open, FileAccess.Write))
            {
                stream.Seek(start, SeekOrigin.Begin);
                stream.Write(memory.ReadBytes(start, (int)size), 0, (int)size);
            }
        }

        /// <summary>Somebody else has written to the flash: all of the file is written the next time.</summary>
        public void FileIsBehind()
        {
            fileInStep = false;
        }

        private void WriteWholeFile()
        {
            SaveTo(file);
            fileInStep = true;
        }

        [Transient]
        private bool fileInStep;
        private string file;
        private bool selected;
        private bool ignored;
        private bool suspended;
        private bool resetEnabled;
        private double timeScale;
        private ulong busyUntil;
        private ulong left;
        private bool writeEnabled;
        private byte command;
        private int position;
        private long address;
        private int pageLength;

        private readonly IMachine machine;
        private readonly uint jedecId;
        private readonly byte[] page;
        private readonly MappedMemory memory;

        private const int PageSize = 256;
        private const byte StatusBusy = 1;
        private const byte StatusWriteEnabled = 2;
        private const byte StatusQuadEnabled = 2;
        private const byte StatusSuspended = 0x80;

        // typical times in nanoseconds
        private const ulong PageProgramTime = 400000;
        private const ulong SectorEraseTime = 45000000;
        private const ulong BlockErase32Time = 120000000;
        private const ulong BlockErase64Time = 150000000;
        private const ulong ChipEraseTime = 5000000000;
        private const ulong WriteStatusTime = 10000000;

        private const double MaximumTimeScale = 100;

        private enum Command : byte
        {
            Nothing = 0x00,
            WriteStatus1 = 0x01,
            PageProgram = 0x02,
            Read = 0x03,
            WriteDisable = 0x04,
            ReadStatus1 = 0x05,
            WriteEnable = 0x06,
            FastRead = 0x0B,
            WriteStatus3 = 0x11,
            ReadStatus3 = 0x15,
            SectorErase = 0x20,
            WriteStatus2 = 0x31,
            ReadStatus2 = 0x35,
            ReadUniqueId = 0x4B,
            BlockErase32 = 0x52,
            ChipEraseAlternative = 0x60,
            EnableReset = 0x66,
            Suspend = 0x75,
            Resume = 0x7A,
            ResetDevice = 0x99,
            ReadJedecId = 0x9F,
            PowerUp = 0xAB,
            PowerDown = 0xB9,
            ChipErase = 0xC7,
            BlockErase64 = 0xD8,
            LeaveContinuousRead = 0xFF,
        }
    }
}
