using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Single-cycle IO (datasheet 2.3.1): CPUID, GPIO, mailboxes between the cores, spin locks, dividers, interpolators.
    /// </summary>
    /// <remarks>
    /// It has no aliases of its own, and its registers are decoded by hand: MicroPython reads CPUID four times in each
    /// turn of its interpreter's loop.
    /// </remarks>
    public class RP2040_SIO : RP2040_Peripheral, IRP2040_ShortWay
    {
        public RP2040_SIO(IMachine machine, RP2040_IOBank0 pins, RP2040_IOQSPI flashPins, RP2040_PSM psm) : base(machine)
        {
            processors = psm;
            this.pins = pins;
            this.flashPins = flashPins;
            Processor0IRQ = new GPIO();
            Processor1IRQ = new GPIO();
            cores = new[] { new Core(), new Core() };
            if(!processors.HasCoreOne)
            {
                Lacks("message to core 1, which this platform has not: load platforms/boards/rpi_pico.repl for it");
            }
            Lacks("the eight cycles of a division");
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            foreach(var core in cores)
            {
                core.Reset();
            }
            output = outputEnable = 0;
            flashOutput = flashOutputEnable = 0;
            spinLocks = 0;
            CoreOneMissed = false;
            DrivePins();
            UpdateInterrupts();
        }

        public override byte ReadByte(long offset)
        {
            return offset == (long)Registers.CPUID ? (byte)CurrentCore : base.ReadByte(offset);
        }

        public override uint ReadDoubleWord(long offset)
        {
            uint value;
            if(TryReadOwn(offset, (uint)CurrentCore, out value))
            {
                return value;
            }
            var core = cores[CurrentCore];
            if(offset >= (long)Registers.Interpolator0 && offset < (long)Registers.Interpolator0 + 0x80)
            {
                return core.Interpolators[(offset - (long)Registers.Interpolator0) / 0x40].Read((offset - (long)Registers.Interpolator0) % 0x40);
            }
            switch((Registers)offset)
            {
            case Registers.Input:
                return pins.Inputs;
            case Registers.FlashInput:
                return flashPins.Inputs;
            case Registers.Output:
            case Registers.OutputSet:
            case Registers.OutputClear:
            case Registers.OutputXor:
                return output;
            case Registers.OutputEnable:
            case Registers.OutputEnableSet:
            case Registers.OutputEnableClear:
            case Registers.OutputEnableXor:
                return outputEnable;
            case Registers.FlashOutput:
            case Registers.FlashOutputSet:
            case Registers.FlashOutputClear:
            case Registers.FlashOutputXor:
                return flashOutput;
            case Registers.FlashOutputEnable:
            case Registers.FlashOutputEnableSet:
            case Registers.FlashOutputEnableClear:
            case Registers.FlashOutputEnableXor:
                return flashOutputEnable;
            case Registers.FIFOStatus:
                return FIFOStatus(CurrentCore);
            case Registers.FIFORead:
                return ReadFIFO(CurrentCore);
            case Registers.SpinLockState:
                return spinLocks;
            case Registers.DividerUnsignedDividend:
            case Registers.DividerSignedDividend:
                return core.Divider.Dividend;
            case Registers.DividerUnsignedDivisor:
            case Registers.DividerSignedDivisor:
                return core.Divider.Divisor;
            }
            NoteUnmodelled("reserved offset 0x{0:X} read".FormatWith(offset));
            return 0;
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(TryWriteOwn(offset, (uint)CurrentCore, value))
            {
                return;
            }
            var core = cores[CurrentCore];
            if(offset >= (long)Registers.Interpolator0 && offset < (long)Registers.Interpolator0 + 0x80)
            {
                core.Interpolators[(offset - (long)Registers.Interpolator0) / 0x40].Write((offset - (long)Registers.Interpolator0) % 0x40, value);
                return;
            }
            if(offset >= (long)Registers.Output && offset <= (long)Registers.FlashOutputEnableXor)
            {
                WriteOutputs(offset, value);
                return;
            }
            switch((Registers)offset)
            {
            case Registers.FIFOStatus:
                if((value & FIFOOverflow) != 0)
                {
                    core.Overflow = false;
                }
                if((value & FIFOUnderflow) != 0)
                {
                    core.Underflow = false;
                }
                UpdateInterrupts();
                return;
            case Registers.FIFOWrite:
                WriteFIFO(CurrentCore, value);
                return;
            case Registers.DividerQuotient:
                core.Divider.SetQuotient(value);
                return;
            case Registers.DividerRemainder:
                core.Divider.SetRemainder(value);
                return;
            }
            NoteUnmodelled("reserved offset 0x{0:X} written".FormatWith(offset));
        }

        /// <summary>CPUID, spin locks, the core's own divider; what may touch another block goes over the bus.</summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            value = 0;
            return (width == 4 || offset == (uint)Registers.CPUID) && TryReadOwn(offset, core.MultiprocessingId, out value);
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            return width == 4 && TryWriteOwn(offset, core.MultiprocessingId, value);
        }

        /// <summary>Input <see cref="CoreOneReset"/> is the reset line of core 1, beside the block's own.</summary>
        public override void OnGPIO(int number, bool value)
        {
            if(number != CoreOneReset)
            {
                base.OnGPIO(number, value);
                return;
            }
            if(!value && !processors.HasCoreOne)
            {
                // what the boot ROM's core 1 does when it comes out of reset: software waits for it (datasheet 2.8.2)
                cores[0].Inbox.Enqueue(0);
                UpdateInterrupts();
            }
        }

        /// <summary>Core 0 has sent something to core 1 since the last reset, and there is none.</summary>
        public bool CoreOneMissed { get; private set; }

        public GPIO Processor0IRQ { get; private set; }
        public GPIO Processor1IRQ { get; private set; }

        /// <summary>The block lies on the cores' own port, without the aliases of the bus.</summary>
        public override long Size { get { return 0x1000; } }

        private void WriteOutputs(long offset, uint value)
        {
            // OUT, OUT_SET, OUT_CLR, OUT_XOR, then the same for OE, HI_OUT, HI_OE
            var operation = WayOfWriting[(offset >> 2) & 3];
            switch((Registers)(offset & ~0xFL))
            {
            case Registers.Output:
                output = Apply(operation, output, value) & PinMask;
                break;
            case Registers.OutputEnable:
                outputEnable = Apply(operation, outputEnable, value) & PinMask;
                break;
            case Registers.FlashOutput:
                flashOutput = Apply(operation, flashOutput, value) & FlashPinMask;
                break;
            default:
                flashOutputEnable = Apply(operation, flashOutputEnable, value) & FlashPinMask;
                break;
            }
            DrivePins();
        }

        private void DrivePins()
        {
            pins.SetFromFunction(SIOFunction, uint.MaxValue, output, outputEnable);
            flashPins.SetFromFunction(SIOFunction, uint.MaxValue, flashOutput, flashOutputEnable);
        }

        private bool TryReadOwn(long offset, uint core, out uint value)
        {
            switch((Registers)offset)
            {
            case Registers.CPUID:
                value = core;
                return true;
            case Registers.DividerQuotient:
                value = cores[core].Divider.ReadQuotient();
                return true;
            case Registers.DividerRemainder:
                value = cores[core].Divider.Remainder;
                return true;
            case Registers.DividerStatus:
                value = cores[core].Divider.Status;
                return true;
            }
            if(IsSpinLock(offset))
            {
                value = ClaimSpinLock((int)(offset - (long)Registers.SpinLock0) / 4);
                return true;
            }
            value = 0;
            return false;
        }

        private bool TryWriteOwn(long offset, uint core, uint value)
        {
            var divider = cores[core].Divider;
            switch((Registers)offset)
            {
            case Registers.DividerUnsignedDividend:
                divider.Start(value, divider.Divisor, false);
                return true;
            case Registers.DividerUnsignedDivisor:
                divider.Start(divider.Dividend, value, false);
                return true;
            case Registers.DividerSignedDividend:
                divider.Start(value, divider.Divisor, true);
                return true;
            case Registers.DividerSignedDivisor:
                divider.Start(divider.Dividend, value, true);
                return true;
            }
            if(IsSpinLock(offset))
            {
                spinLocks &= ~(1u << (int)((offset - (long)Registers.SpinLock0) / 4));
                return true;
            }
            return false;
        }

        private static bool IsSpinLock(long offset)
        {
            return offset >= (long)Registers.SpinLock0 && offset < (long)Registers.SpinLock0 + 4 * 32;
        }

        private uint ClaimSpinLock(int index)
        {
            var bit = 1u << index;
            if((spinLocks & bit) != 0)
            {
                return 0;
            }
            spinLocks |= bit;
            return bit;
        }

        private uint FIFOStatus(int core)
        {
            return (cores[core].Inbox.Count > 0 ? FIFOValid : 0)
                | (cores[1 - core].Inbox.Count < FIFODepth ? FIFOReady : 0)
                | (cores[core].Overflow ? FIFOOverflow : 0)
                | (cores[core].Underflow ? FIFOUnderflow : 0);
        }

        private uint ReadFIFO(int core)
        {
            uint value = 0;
            if(cores[core].Inbox.Count == 0)
            {
                cores[core].Underflow = true;
            }
            else
            {
                value = cores[core].Inbox.Dequeue();
            }
            UpdateInterrupts();
            return value;
        }

        private void WriteFIFO(int core, uint value)
        {
            if(core == 0)
            {
                if(!processors.HasCoreOne)
                {
                    CoreOneMissed = true;
                    NoteUnmodelled("message to core 1, which this platform has not: load platforms/boards/rpi_pico.repl for it");
                    return;
                }
                processors.CoreOneLaunched();
            }
            if(cores[1 - core].Inbox.Count >= FIFODepth)
            {
                cores[core].Overflow = true;
            }
            else
            {
                cores[1 - core].Inbox.Enqueue(value);
            }
            UpdateInterrupts();
        }

        private void UpdateInterrupts()
        {
            Processor0IRQ.Set((FIFOStatus(0) & (FIFOValid | FIFOOverflow | FIFOUnderflow)) != 0);
            Processor1IRQ.Set((FIFOStatus(1) & (FIFOValid | FIFOOverflow | FIFOUnderflow)) != 0);
        }

        private int CurrentCore
        {
            get
            {
                ICPU cpu;
                return Machine.SystemBus.TryGetCurrentCPU(out cpu) ? (int)cpu.MultiprocessingId : 0;
            }
        }

        private uint output;
        private uint outputEnable;
        private uint flashOutput;
        private uint flashOutputEnable;
        private uint spinLocks;

        private readonly RP2040_PSM processors;
        private readonly Core[] cores;
        private readonly RP2040_IOBank0 pins;
        private readonly RP2040_IOQSPI flashPins;

        private static readonly AtomicOperation[] WayOfWriting =
        {
            AtomicOperation.Write, AtomicOperation.Set, AtomicOperation.Clear, AtomicOperation.Xor
        };

        private const int CoreOneReset = 65;
        private const uint SIOFunction = 5;
        private const int FIFODepth = 8;
        private const uint FIFOValid = 1;
        private const uint FIFOReady = 2;
        private const uint FIFOOverflow = 4;
        private const uint FIFOUnderflow = 8;
        private const uint PinMask = 0x3FFFFFFF;
        private const uint FlashPinMask = 0x3F;

        /// <summary>What each core has for itself.</summary>
        private class Core
        {
            public Core()
            {
                Inbox = new Queue<uint>();
                Divider = new RP2040_Divider();
                Interpolators = new[] { new RP2040_Interpolator(false), new RP2040_Interpolator(true) };
            }

            public void Reset()
            {
                Inbox.Clear();
                Overflow = false;
                Underflow = false;
                Divider.Reset();
                Interpolators[0].Reset();
                Interpolators[1].Reset();
            }

            public bool Overflow;
            public bool Underflow;
            public readonly Queue<uint> Inbox;
            public readonly RP2040_Divider Divider;
            public readonly RP2040_Interpolator[] Interpolators;
        }

        private enum Registers
        {
            CPUID = 0x000,
            Input = 0x004,
            FlashInput = 0x008,
            Output = 0x010,
            OutputSet = 0x014,
            OutputClear = 0x018,
            OutputXor = 0x01C,
            OutputEnable = 0x020,
            OutputEnableSet = 0x024,
            OutputEnableClear = 0x028,
            OutputEnableXor = 0x02C,
            FlashOutput = 0x030,
            FlashOutputSet = 0x034,
            FlashOutputClear = 0x038,
            FlashOutputXor = 0x03C,
            FlashOutputEnable = 0x040,
            FlashOutputEnableSet = 0x044,
            FlashOutputEnableClear = 0x048,
            FlashOutputEnableXor = 0x04C,
            FIFOStatus = 0x050,
            FIFOWrite = 0x054,
            FIFORead = 0x058,
            SpinLockState = 0x05C,
            DividerUnsignedDividend = 0x060,
            DividerUnsignedDivisor = 0x064,
            DividerSignedDividend = 0x068,
            DividerSignedDivisor = 0x06C,
            DividerQuotient = 0x070,
            DividerRemainder = 0x074,
            DividerStatus = 0x078,
            Interpolator0 = 0x080,
            Interpolator1 = 0x0C0,
            SpinLock0 = 0x100,
        }
    }
}
