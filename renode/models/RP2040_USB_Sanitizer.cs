using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Sees what firmware does to the USB controller that the model forgives and silicon punishes at random: looks at each write
    /// before the controller acts on it, and at what the controller gives back. Its twin is rp2040/usb_sanitizer.py.
    /// </summary>
    public class RP2040_USB_Sanitizer
    {
        public RP2040_USB_Sanitizer(RP2040_USB block, IMachine machine, RP2040_Clocks clocks, RP2040_USB_Memory memory,
            RP2040_USB_Endpoint[] endpoints)
        {
            this.block = block;
            this.machine = machine;
            this.clocks = clocks;
            this.memory = memory;
            this.endpoints = endpoints;
            sysinfo = machine.GetPeripheralsOfType<RP2040_SYSINFO>().FirstOrDefault();
            Reset();
        }

        // What the controller tells

        /// <summary>The block was reset; DPSRAM is what it is.</summary>
        public void Reset()
        {
            for(var i = 0; i < words.Length; i++)
            {
                words[i] = memory.Word(4 * i);
            }
            rearmed.Clear();
            statusDone = true;
            armed.Clear();
            foreach(var endpoint in endpoints)
            {
                LookAtBuffers(endpoint);
            }
            SetGuard();
        }

        public void SetupReceived()
        {
            statusDone = false;
        }

        /// <summary>The controller has changed the buffer control word: a buffer is the firmware's again.</summary>
        public void GivenBack(RP2040_USB_Endpoint endpoint)
        {
            if(endpoint.Index == 0)
            {
                statusDone = true;
            }
            words[FirstBufferControl + endpoint.Index] = endpoint.BufferControl;
            LookAtBuffers(endpoint);
            SetGuard();
        }

        // What the firmware writes

        /// <summary>DPSRAM is about to be written, or would be but for an access that is not aligned.</summary>
        public void MemoryWritten(long offset, int width)
        {
            if((offset & (width - 1)) != 0 || (width == 1 && IsPieceOfUnaligned(offset)))
            {
                Report("unaligned", null);
            }
            if((guard >> (int)(offset >> PieceBits & 0x3F) & 1) != 0)
            {
                BufferWritten(offset);
            }
        }

        public void ControlWordWritten(int offset)
        {
            var index = offset >> 2;
            var before = words[index];
            var after = memory.Word(offset);
            if(before == after)
            {
                return;
            }
            words[index] = after;
            if(index >= FirstBufferControl)
            {
                BufferControlWritten(endpoints[index & 0x1F], before, after);
            }
            else if(index >= FirstEndpointControl)
            {
                EndpointControlWritten(endpoints[index & 0x1F], before, after);
            }
        }

        /// <summary>
        /// Renode's translator makes bytes of an unaligned store, the last one first, before its HardFault: seen at the
        /// second of them, when the instruction is none that stores a byte.
        /// </summary>
        private bool IsPieceOfUnaligned(long offset)
        {
            var downwards = offset == lastByte - 1;
            lastByte = offset;
            ICPU cpu;
            if(!downwards || !machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                inPieces = false;
                return false;
            }
            var instruction = machine.SystemBus.ReadWord(cpu.PC.RawValue & ~1ul);
            var before = inPieces;
            inPieces = (instruction & 0xF800) != StoreByteImmediate && (instruction & 0xFE00) != StoreByteRegister;
            return inPieces && !before;
        }

        private void BufferWritten(long offset)
        {
            foreach(var entry in armed)
            {
                if(!Live(entry.Key) || Revocable(entry.Key))
                {
                    continue;
                }
                foreach(var range in entry.Value)
                {
                    if(offset >= range.Start && offset < range.End)
                    {
                        Report("armed-buffer", entry.Key);
                        return;
                    }
                }
            }
        }

        /// <summary>BUFF_STATUS is about to be cleared.</summary>
        public void BufferStatusCleared(uint mask)
        {
            foreach(var endpoint in endpoints)
            {
                if((mask & endpoint.Bit) != 0 && endpoint.Done.Count > 0 && rearmed.Remove(2 * endpoint.Index + endpoint.Done[0]))
                {
                    Report("late-clear", endpoint);
                }
            }
        }

        /// <summary>Bits of EP_ABORT have been set; RP2040-E2: it can be used from B2 on.</summary>
        public void AbortBegun(uint mask)
        {
            if(mask == 0 || (sysinfo == null ? Revision : sysinfo.Revision) >= 2)
            {
                return;
            }
            foreach(var endpoint in endpoints)
            {
                if((mask & endpoint.Bit) != 0)
                {
                    Report("abort", endpoint);
                    return;
                }
            }
        }

        /// <summary>ADDR_ENDP has got another device address.</summary>
        public void AddressChanged(int address)
        {
            var wanted = memory.Bytes[0] == 0 && memory.Bytes[1] == SetAddress;
            if(address != 0 && wanted && !statusDone)
            {
                Report("early-address", endpoints[0]);
            }
        }

        /// <summary>
        /// A register was written while RESETS holds the block, and nothing came of it. Each program made with the pico-sdk powers
        /// the transceiver down at its start, whether there is a clock or not: that this is lost does nobody harm.
        /// </summary>
        public void WrittenInReset(long register, uint value)
        {
            if(register != SieControl || value != TransceiverPowerDown)
            {
                Report("in-reset", null);
            }
        }

        public static string[,] Table(RP2040_USB_Sanitizer sanitizer)
        {
            var rows = sanitizer == null ? new List<Misuse>() : sanitizer.misuses;
            var head = new[] { "check", "endpoint", "by", "PC", "LR", "first (ns)", "count" };
            var table = new string[rows.Count + 1, head.Length];
            for(var i = 0; i < head.Length; i++)
            {
                table[0, i] = head[i];
            }
            for(var row = 0; row < rows.Count; row++)
            {
                var misuse = rows[row];
                table[row + 1, 0] = misuse.Check;
                table[row + 1, 1] = misuse.Endpoint == null ? "" : "0x{0:x2}".FormatWith(misuse.Endpoint.EndpointAddress);
                table[row + 1, 2] = misuse.Master;
                table[row + 1, 3] = "0x{0:x8}".FormatWith(misuse.PC);
                table[row + 1, 4] = "0x{0:x8}".FormatWith(misuse.LR);
                table[row + 1, 5] = misuse.FirstAt.ToString();
                table[row + 1, 6] = misuse.Count.ToString();
            }
            return table;
        }

        /// <summary>What was found is forgotten.</summary>
        public void Forget()
        {
            misuses.Clear();
        }

        /// <summary>Of clk_sys and clk_usb, Hz, where there are no clocks to ask.</summary>
        public uint SystemFrequency { get; set; } = 125000000;
        public uint UsbFrequency { get; set; } = 48000000;
        /// <summary>Of the chip, where there is nothing that says it: 1 for B0 and B1, 2 for B2.</summary>
        public uint Revision { get; set; } = 2;

        // The checks

        private void BufferControlWritten(RP2040_USB_Endpoint endpoint, uint before, uint after)
        {
            var live = Live(endpoint);
            for(var buffer = 0; buffer < 2; buffer++)
            {
                var was = before >> (16 * buffer) & 0xFFFF;
                var now = after >> (16 * buffer) & 0xFFFF;
                if(was == now)
                {
                    continue;
                }
                var others = ((was ^ now) & ~Available) != 0;
                if((was & Available) != 0)
                {
                    if(live && !Revocable(endpoint))
                    {
                        Report("revoked", endpoint);
                    }
                }
                else if((now & Available) != 0)
                {
                    if(live && buffer == ((after & BufferReset) != 0 ? 0 : endpoint.Current))
                    {
                        CheckAvailable(endpoint, buffer, others);
                    }
                    if(endpoint.Done.Contains(buffer))
                    {
                        rearmed.Add(2 * endpoint.Index + buffer);
                    }
                }
                if(others)
                {
                    changed[2 * endpoint.Index + buffer] = Now;
                }
            }
            List<Range> had;
            armed.TryGetValue(endpoint, out had);
            LookAtBuffers(endpoint);
            SetGuard();
            if(live)
            {
                CheckOverlap(endpoint, had);
            }
        }

        private void CheckAvailable(RP2040_USB_Endpoint endpoint, int buffer, bool withOthers)
        {
            var system = clocks == null ? SystemFrequency : clocks.System;
            var usb = clocks == null ? UsbFrequency : clocks.USB;
            if(system == usb)
            {
                return;
            }
            var waited = Now - changed[2 * endpoint.Index + buffer];
            if(withOthers || waited * usb < NanosecondsPerSecond)
            {
                Report("early-available", endpoint);
            }
        }

        private void CheckOverlap(RP2040_USB_Endpoint endpoint, List<Range> had)
        {
            List<Range> mine;
            if(!armed.TryGetValue(endpoint, out mine))
            {
                return;
            }
            foreach(var range in mine)
            {
                if(had != null && had.Contains(range))
                {
                    continue;
                }
                foreach(var entry in armed)
                {
                    // Both directions of endpoint 0 have one buffer: that is the chip's own way.
                    if(entry.Key == endpoint || (entry.Key.Number | endpoint.Number) == 0)
                    {
                        continue;
                    }
                    foreach(var other in entry.Value)
                    {
                        if(range.Start < other.End && other.Start < range.End)
                        {
                            Report("overlap", endpoint);
                            return;
                        }
                    }
                }
            }
        }

        private void EndpointControlWritten(RP2040_USB_Endpoint endpoint, uint before, uint after)
        {
            var isArmed = ((endpoint.BufferControl | endpoint.BufferControl >> 16) & Available) != 0;
            if(isArmed && (before & after & RP2040_USB_Endpoint.Enable) != 0 && Live(endpoint) && !Revocable(endpoint))
            {
                Report("armed-control", endpoint);
            }
            LookAtBuffers(endpoint);
            SetGuard();
        }

        // What the checks ask

        /// <summary>A token may come for it at any moment.</summary>
        private bool Live(RP2040_USB_Endpoint endpoint)
        {
            return block.PulledUp && endpoint.Enabled;
        }

        /// <summary>The controller has let go: EP_ABORT_DONE says so, or a SETUP that the firmware has not yet seen.</summary>
        private bool Revocable(RP2040_USB_Endpoint endpoint)
        {
            return block.LetGo(endpoint);
        }

        /// <summary>Which ranges of DPSRAM are the controller's now.</summary>
        private void LookAtBuffers(RP2040_USB_Endpoint endpoint)
        {
            armed.Remove(endpoint);
            if(((endpoint.BufferControl | endpoint.BufferControl >> 16) & Available) == 0 || !endpoint.Enabled)
            {
                return;
            }
            var ranges = new List<Range>();
            var buffers = (endpoint.Control & RP2040_USB_Endpoint.DoubleBuffered) != 0 ? 2 : 1;
            for(var buffer = 0; buffer < buffers; buffer++)
            {
                var half = endpoint.Half(buffer);
                if((half & Available) != 0)
                {
                    var start = endpoint.Address(buffer);
                    var length = endpoint.IsIn || endpoint.Isochronous ? (int)(half & Length) : RP2040_USB_Endpoint.NonIsochronousSize;
                    ranges.Add(new Range { Start = start, End = start + length });
                }
            }
            if(ranges.Count > 0)
            {
                armed[endpoint] = ranges;
            }
        }

        private void SetGuard()
        {
            guard = 0;
            foreach(var ranges in armed.Values)
            {
                foreach(var range in ranges)
                {
                    for(var piece = range.Start >> PieceBits; piece << PieceBits < range.End && piece < 64; piece++)
                    {
                        guard |= 1ul << piece;
                    }
                }
            }
        }

        /// <summary>Emulated nanoseconds; exact, as the controller synchronizes before it writes a control word or a register.</summary>
        private ulong Now { get { return (ulong)block.Clock.Now; } }

        private void Report(string check, RP2040_USB_Endpoint endpoint)
        {
            ICPU cpu;
            var found = new Misuse { Check = check, Endpoint = endpoint, Master = "debugger", Count = 1 };
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                found.Master = "core{0}".FormatWith(cpu.MultiprocessingId);
                found.PC = (uint)cpu.PC.RawValue & ~1u;
                var core = cpu as RP2040_Core;
                found.LR = core == null ? 0 : (uint)core.LR.RawValue;
            }
            foreach(var misuse in misuses)
            {
                if(misuse.Check == check && misuse.Master == found.Master && misuse.PC == found.PC)
                {
                    misuse.Count++;
                    return;
                }
            }
            found.FirstAt = Now;
            misuses.Add(found);
            block.Log(LogLevel.Warning, "Misuse: {0}{1} (PC 0x{2:X8}, {3}); docs/sanitizer.md says what it means", check,
                endpoint == null ? "" : " of endpoint 0x{0:x2}".FormatWith(endpoint.EndpointAddress), found.PC, found.Master);
        }

        private bool statusDone;
        private long lastByte = -1;
        private bool inPieces;
        private ulong guard;

        private readonly RP2040_USB block;
        private readonly IMachine machine;
        private readonly RP2040_Clocks clocks;
        private readonly RP2040_SYSINFO sysinfo;
        private readonly RP2040_USB_Memory memory;
        private readonly RP2040_USB_Endpoint[] endpoints;
        /// <summary>The control words as they were before the write in hand.</summary>
        private readonly uint[] words = new uint[RP2040_USB_Memory.Buffers / 4];
        /// <summary>When a half of a buffer control word got other bits than AVAILABLE from the firmware, in nanoseconds.</summary>
        private readonly ulong[] changed = new ulong[64];
        /// <summary>Buffers that are the controller's, of endpoints that are enabled.</summary>
        private readonly Dictionary<RP2040_USB_Endpoint, List<Range>> armed = new Dictionary<RP2040_USB_Endpoint, List<Range>>();
        /// <summary>2 * endpoint + buffer: made available while its last completion was still in BUFF_STATUS.</summary>
        private readonly HashSet<int> rearmed = new HashSet<int>();
        private readonly List<Misuse> misuses = new List<Misuse>();

        private const int FirstEndpointControl = 0x08 / 4;
        private const int FirstBufferControl = RP2040_USB_Memory.EndpointBufferControl / 4;
        private const int PieceBits = 6;
        private const uint BufferReset = 1u << 12;
        private const uint Available = 1u << 10;
        private const uint Length = 0x3FF;
        private const uint StoreByteImmediate = 0x7000;
        private const uint StoreByteRegister = 0x5400;
        private const byte SetAddress = 5;
        private const long SieControl = 0x4C;
        private const uint TransceiverPowerDown = 1u << 18;
        private const ulong NanosecondsPerSecond = 1000000000;

        private struct Range
        {
            public int Start;
            public int End;
        }

        private class Misuse
        {
            public string Check;
            public RP2040_USB_Endpoint Endpoint;
            public string Master;
            public uint PC;
            public uint LR;
            public ulong FirstAt;
            public uint Count;
        }
    }
}
