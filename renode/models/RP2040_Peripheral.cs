using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// What every register block of the RP2040 has in common (datasheet 2.1):
    /// the atomic set, clear and xor aliases, narrow accesses, a reset line, and warnings about what is not modelled.
    /// </summary>
    /// <remarks>
    /// A write through an alias reaches a register as (operation, raw mask). Bits that a register treats as strobes
    /// (write 1 to clear, self clearing, write only) must see the raw mask and not what a read-modify-write would make of
    /// it: a block declares them with <see cref="Strobe"/>.
    ///
    /// Each block can hold what is attached to it (an LED at a pin, the flash chip at the SSI) under a number, so that the
    /// part has a name in the monitor.
    /// </remarks>
    public abstract class RP2040_Peripheral : SimpleContainer<IPeripheral>, IDoubleWordPeripheral, IWordPeripheral, IBytePeripheral, IKnownSize,
        IProvidesRegisterCollection<DoubleWordRegisterCollection>, IGPIOReceiver
    {
        protected RP2040_Peripheral(IMachine machine) : base(machine)
        {
            strobes = new Dictionary<long, uint>();
            unmodelled = new Dictionary<string, uint>();
            lacking = new List<string>();
            RegistersCollection = new DoubleWordRegisterCollection(this);
        }

        public override void Reset()
        {
            RegistersCollection.Reset();
        }

        public virtual uint ReadDoubleWord(long offset)
        {
            return ReadRegister(offset & RegisterMask);
        }

        public virtual void WriteDoubleWord(long offset, uint value)
        {
            var register = offset & RegisterMask;
            if(HeldInReset)
            {
                this.Log(LogLevel.Debug, "Held in reset: write to offset 0x{0:X} ignored", register);
                return;
            }
            WriteRegister(register, (AtomicOperation)((offset >> AliasShift) & 3), value);
        }

        public ushort ReadWord(long offset)
        {
            return (ushort)(ReadDoubleWord(offset & ~3L) >> (int)(8 * (offset & 2)));
        }

        /// <summary>A narrow write is seen by the block as a full one, with the value on every lane (datasheet 2.1.4).</summary>
        public void WriteWord(long offset, ushort value)
        {
            WriteDoubleWord(offset & ~3L, value * 0x00010001u);
        }

        public virtual byte ReadByte(long offset)
        {
            return (byte)(ReadDoubleWord(offset & ~3L) >> (int)(8 * (offset & 3)));
        }

        public void WriteByte(long offset, byte value)
        {
            WriteDoubleWord(offset & ~3L, value * 0x01010101u);
        }

        /// <summary>Input <see cref="ResetLine"/> is the block's reset, as RESETS drives it.</summary>
        public virtual void OnGPIO(int number, bool value)
        {
            if(number != ResetLine)
            {
                this.Log(LogLevel.Error, "There is no input {0}", number);
                return;
            }
            HeldInReset = value;
            if(value)
            {
                Reset();
            }
        }

        /// <summary>One row for each thing that software touched and this model does not do: what, how often.</summary>
        public string[,] UnmodelledAccesses()
        {
            var table = new string[unmodelled.Count + 1, 2];
            table[0, 0] = "access";
            table[0, 1] = "count";
            var row = 1;
            foreach(var entry in unmodelled.OrderBy(x => x.Key, StringComparer.Ordinal))
            {
                table[row, 0] = entry.Key;
                table[row, 1] = entry.Value.ToString();
                row++;
            }
            return table;
        }

        /// <summary>One row for each register, field or behaviour that this model does not do, whether software asked for it or not.</summary>
        public string[,] NotModelled()
        {
            var table = new string[lacking.Count + 1, 1];
            table[0, 0] = "not modelled";
            for(var i = 0; i < lacking.Count; i++)
            {
                table[i + 1, 0] = lacking[i];
            }
            return table;
        }

        public uint UnmodelledCount
        {
            get { return (uint)unmodelled.Values.Sum(x => (long)x); }
        }

        /// <summary>The block's 4 KiB and their three aliases.</summary>
        public virtual long Size { get { return 0x4000; } }

        public bool HeldInReset { get; private set; }

        public DoubleWordRegisterCollection RegistersCollection { get; private set; }

        /// <summary>The number of the GPIO input that resets a block.</summary>
        public const int ResetLine = 64;

        protected virtual uint ReadRegister(long register)
        {
            uint value;
            if(RegistersCollection.TryRead(register, out value))
            {
                return value;
            }
            NoteUnmodelled("reserved offset 0x{0:X} read".FormatWith(register));
            return 0;
        }

        protected virtual void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            var value = mask;
            if(operation != AtomicOperation.Write)
            {
                uint strobe;
                strobes.TryGetValue(register, out strobe);
                uint old = 0;
                if(strobe != uint.MaxValue)
                {
                    forAlias = true;
                    RegistersCollection.TryRead(register, out old);
                    forAlias = false;
                }
                value = (Apply(operation, old, mask) & ~strobe) | (mask & strobe);
            }
            // Software that clears a whole block clears what is not there, too.
            if(!RegistersCollection.TryWrite(register, value) && value != 0)
            {
                NoteUnmodelled("reserved offset 0x{0:X} written".FormatWith(register));
            }
        }

        protected static uint Apply(AtomicOperation operation, uint old, uint mask)
        {
            switch(operation)
            {
            case AtomicOperation.Xor:
                return old ^ mask;
            case AtomicOperation.Set:
                return old | mask;
            case AtomicOperation.Clear:
                return old & ~mask;
            default:
                return mask;
            }
        }

        /// <summary>Declares that bits of a register act on the raw mask of a write, through whichever alias it comes.</summary>
        protected void Strobe(Enum register, uint bits = uint.MaxValue)
        {
            strobes[Convert.ToInt64(register)] = bits;
        }

        /// <summary>
        /// Declares a register that keeps what is written, does nothing, and says so. To write what it holds already is
        /// no claim on the model: software that puts unused blocks to rest does it.
        /// </summary>
        protected void Unmodelled(Enum register, uint resetValue = 0)
        {
            var name = register.ToString();
            lacking.Add(name);
            RegistersCollection.DefineRegister(Convert.ToInt64(register), resetValue)
                .WithValueField(0, 32, name: name,
                    readCallback: (_, __) => { if(!forAlias) NoteUnmodelled(name + " read"); },
                    changeCallback: (_, __) => NoteUnmodelled(name + " written"));
        }

        /// <summary>
        /// Lists a field or a behaviour that this model does not have. What is passed to <see cref="NoteUnmodelled"/> is listed
        /// first; what it takes from software for nothing may be listed as well.
        /// </summary>
        protected void Lacks(string what)
        {
            lacking.Add(what);
        }

        /// <summary>All registers of a block that is not modelled; those that are not named have a reset value of 0.</summary>
        protected void Unmodelled<TRegisters>(Dictionary<TRegisters, uint> resetValues)
        {
            foreach(TRegisters register in Enum.GetValues(typeof(TRegisters)))
            {
                uint resetValue;
                resetValues.TryGetValue(register, out resetValue);
                Unmodelled((Enum)(object)register, resetValue);
            }
        }

        /// <summary>Counts, and at the first time warns with the program counter.</summary>
        protected void NoteUnmodelled(string what)
        {
            uint count;
            unmodelled.TryGetValue(what, out count);
            unmodelled[what] = count + 1;
            RP2040_Report.Noted++;
            if(count == 0)
            {
                this.Log(LogLevel.Warning, "Not modelled: {0}{1}", what, WhereFrom());
            }
        }

        /// <summary>Emulated time, exact at the instruction that asks.</summary>
        protected TimeInterval Now
        {
            get { return Machine.ExactTime(); }
        }

        protected IMachine Machine { get { return machine; } }

        private string WhereFrom()
        {
            CPU.ICPU cpu;
            if(!Machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                return "";
            }
            return " (PC 0x{0:X8}, core {1})".FormatWith(cpu.PC.RawValue, cpu.MultiprocessingId);
        }

        private const long RegisterMask = 0xFFF;
        private const int AliasShift = 12;

        private readonly Dictionary<long, uint> strobes;
        private readonly Dictionary<string, uint> unmodelled;
        private readonly List<string> lacking;
        private bool forAlias;
    }

    /// <summary>How a write changes a register: by which of the four aliases it came (datasheet 2.1.2).</summary>
    public enum AtomicOperation
    {
        Write = 0,
        Xor = 1,
        Set = 2,
        Clear = 3,
    }

    public static class RP2040_Extensions
    {
        /// <summary>Emulated time, exact at the instruction that asks (and not at the start of its block).</summary>
        public static TimeInterval ExactTime(this IMachine machine)
        {
            CPU.ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                cpu.SyncTime();
            }
            return machine.ElapsedVirtualTime.TimeElapsed;
        }

        /// <summary>Bits that are not there: they read as 0, whatever is written. Renode keeps those that are ignored.</summary>
        public static DoubleWordRegister WithNoBits(this DoubleWordRegister register, int position, int width)
        {
            return register.WithValueField(position, width, FieldMode.Read, valueProviderCallback: _ => 0, name: "-");
        }

        /// <summary>Whole nanoseconds (1.15 has no property for it).</summary>
        public static ulong InNanoseconds(this TimeInterval time)
        {
            return time.Ticks / TimeInterval.TicksPerNanosecond;
        }

        /// <summary>Starts a timer that counts nanoseconds so that it is over after this many.</summary>
        public static void StartFor(this LimitTimer timer, IMachine machine, ulong nanoseconds)
        {
            timer.Enabled = false;
            timer.Limit = nanoseconds;
            timer.ResetValue();
            timer.Enabled = true;
            // the core has been told how far it may run before the next event: it has to ask again (1.16 does this by itself)
            CPU.ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                var controllable = cpu as CPU.IControllableCPU;
                if(controllable != null)
                {
                    controllable.RequestReturn();
                }
            }
        }

        public static string FormatWith(this string format, params object[] arguments)
        {
            return string.Format(format, arguments);
        }
    }
}
