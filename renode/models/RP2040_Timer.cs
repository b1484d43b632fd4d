using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// 64 bit timer with four alarms (datasheet 4.6) that counts the watchdog's tick: a microsecond, if software has set it so. Without
    /// a watchdog it counts microseconds.
    /// </summary>
    public class RP2040_Timer : RP2040_Peripheral, IRP2040_ShortWay
    {
        public RP2040_Timer(IMachine machine, RP2040_Watchdog watchdog = null) : base(machine)
        {
            tick = watchdog == null ? PicosecondsPerMicrosecond : watchdog.TickPicoseconds;
            if(watchdog != null)
            {
                watchdog.TickChanged += () => SetTick(watchdog.TickPicoseconds);
            }
            Alarm0IRQ = new GPIO();
            Alarm1IRQ = new GPIO();
            Alarm2IRQ = new GPIO();
            Alarm3IRQ = new GPIO();
            interrupts = new[] { Alarm0IRQ, Alarm1IRQ, Alarm2IRQ, Alarm3IRQ };
            alarms = new LimitTimer[NumberOfAlarms];
            targets = new uint[NumberOfAlarms];
            for(var i = 0; i < NumberOfAlarms; i++)
            {
                var index = i;
                alarms[i] = new LimitTimer(machine.ClockSource, 1000000000, this, "alarm" + i, ulong.MaxValue, Direction.Descending,
                    workMode: WorkMode.OneShot, eventEnabled: true);
                alarms[i].LimitReached += () => Fire(index);
            }
            Lacks("DBGPAUSE");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            foreach(var alarm in alarms)
            {
                alarm.Enabled = false;
            }
            armed = 0;
            raw = 0;
            latchedHigh = 0;
            writtenLow = 0;
            paused = false;
            SetTime(0);
            UpdateInterrupts();
        }

        /// <summary>
        /// The raw count: software that waits asks for it again and again. Core 1 has its turn first and reads what the bus would tell
        /// it, the time that both cores have come to.
        /// </summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            value = 0;
            if(width != 4 || HeldInReset)
            {
                return false;
            }
            switch((Registers)offset)
            {
            case Registers.RawHigh:
                value = (uint)(CountAt(TimeFor(core)) >> 32);
                return true;
            case Registers.RawLow:
                value = (uint)CountAt(TimeFor(core));
                return true;
            }
            return false;
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            return false;
        }

        public GPIO Alarm0IRQ { get; private set; }
        public GPIO Alarm1IRQ { get; private set; }
        public GPIO Alarm2IRQ { get; private set; }
        public GPIO Alarm3IRQ { get; private set; }

        private void DefineRegisters()
        {
            Registers.TimeHighWrite.Define(this)
                .WithValueField(0, 32, FieldMode.Write, writeCallback: (_, value) => SetTime((ulong)value << 32 | writtenLow), name: "TIMEHW");
            Registers.TimeLowWrite.Define(this)
                .WithValueField(0, 32, FieldMode.Write, writeCallback: (_, value) => writtenLow = (uint)value, name: "TIMELW");
            Registers.TimeHighRead.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => latchedHigh, name: "TIMEHR");
            Registers.TimeLowRead.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => LatchTime(), name: "TIMELR");

            Registers.Alarm0.DefineMany(this, NumberOfAlarms, (register, index) => register
                .WithValueField(0, 32, name: "ALARM",
                    writeCallback: (_, value) => Arm(index, (uint)value), valueProviderCallback: _ => targets[index]));

            Registers.Armed.Define(this)
                .WithValueField(0, NumberOfAlarms, valueProviderCallback: _ => armed, writeCallback: (_, value) => Disarm((uint)value), name: "ARMED")
                .WithReservedBits(NumberOfAlarms, 28);
            Strobe(Registers.Armed);

            Registers.RawHigh.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => Count >> 32, name: "TIMERAWH");
            Registers.RawLow.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => (uint)Count, name: "TIMERAWL");

            Registers.DebugPause.Define(this, 0x7)
                .WithReservedBits(0, 1)
                .WithFlag(1, name: "DBG0")
                .WithFlag(2, name: "DBG1")
                .WithReservedBits(3, 29);
            Registers.Pause.Define(this)
                .WithFlag(0, valueProviderCallback: _ => paused, writeCallback: (_, value) => SetPaused(value), name: "PAUSE")
                .WithReservedBits(1, 31);

            Registers.InterruptRaw.Define(this)
                .WithValueField(0, NumberOfAlarms, valueProviderCallback: _ => raw, writeCallback: (_, value) => raw &= ~(uint)value, name: "INTR")
                .WithReservedBits(NumberOfAlarms, 28)
                .WithWriteCallback((_, __) => UpdateInterrupts());
            Strobe(Registers.InterruptRaw);
            Registers.InterruptEnable.Define(this)
                .WithValueField(0, NumberOfAlarms, out interruptEnable, name: "INTE")
                .WithReservedBits(NumberOfAlarms, 28)
                .WithWriteCallback((_, __) => UpdateInterrupts());
            Registers.InterruptForce.Define(this)
                .WithValueField(0, NumberOfAlarms, out interruptForce, name: "INTF")
                .WithReservedBits(NumberOfAlarms, 28)
                .WithWriteCallback((_, __) => UpdateInterrupts());
            Registers.InterruptStatus.Define(this)
                .WithValueField(0, NumberOfAlarms, FieldMode.Read, valueProviderCallback: _ => Status, name: "INTS")
                .WithReservedBits(NumberOfAlarms, 28);
        }

        private ulong Count
        {
            get { return CountAt(Now); }
        }

        /// <remarks>
        /// Core 1's slice of time comes before core 0's: as long as it lasts, the emulation's time stands where core 0 is. To tell it how
        /// far core 1 has come changes nothing, and takes longer than twenty reads.
        /// </remarks>
        private TimeInterval TimeFor(RP2040_Core core)
        {
            return core.MultiprocessingId == 0 ? core.TimeOfInstruction : Machine.ElapsedVirtualTime.TimeElapsed;
        }

        private ulong CountAt(TimeInterval time)
        {
            if(paused)
            {
                return pausedAt;
            }
            if(tick == PicosecondsPerMicrosecond)
            {
                return time.Ticks / TimeInterval.TicksPerMicrosecond + offset;
            }
            return tick == 0 ? fromCount : fromCount + (time.InNanoseconds() - from) * PicosecondsPerNanosecond / tick;
        }

        /// <summary>A tick of a microsecond comes with each whole one since power-on; any other begins where it was set.</summary>
        private void SetTick(ulong picoseconds)
        {
            if(picoseconds == tick)
            {
                return;
            }
            var count = Count;
            tick = picoseconds;
            SetTime(count);
        }

        private uint LatchTime()
        {
            var now = Count;
            latchedHigh = (uint)(now >> 32);
            return (uint)now;
        }

        private void SetTime(ulong value)
        {
            if(paused)
            {
                pausedAt = value;
            }
            else
            {
                Begin(value);
            }
            for(var i = 0; i < NumberOfAlarms; i++)
            {
                if((armed & (1u << i)) != 0)
                {
                    Schedule(i);
                }
            }
        }

        private void Begin(ulong count)
        {
            var now = Now;
            offset = count - now.Ticks / TimeInterval.TicksPerMicrosecond;
            from = now.InNanoseconds();
            fromCount = count;
        }

        private void SetPaused(bool value)
        {
            if(value == paused)
            {
                return;
            }
            if(value)
            {
                pausedAt = Count;
                paused = true;
            }
            else
            {
                paused = false;
                Begin(pausedAt);
            }
            for(var i = 0; i < NumberOfAlarms; i++)
            {
                if((armed & (1u << i)) != 0)
                {
                    Schedule(i);
                }
            }
        }

        private void Arm(int index, uint target)
        {
            targets[index] = target;
            armed |= 1u << index;
            Schedule(index);
        }

        private void Schedule(int index)
        {
            alarms[index].Enabled = false;
            if(paused || tick == 0)
            {
                return;
            }
            // the alarm compares the low 32 bits only, so it is due within 2^32 ticks
            var count = Count;
            ulong wait = targets[index] - (uint)count;
            if(wait == 0)
            {
                wait = 1UL << 32;
            }
            if(tick != PicosecondsPerMicrosecond)
            {
                var due = from + ((count - fromCount + wait) * tick + PicosecondsPerNanosecond - 1) / PicosecondsPerNanosecond;
                alarms[index].StartFor(Machine, due - Machine.ElapsedVirtualTime.TimeElapsed.InNanoseconds());
                return;
            }
            var sinceLastMicrosecond = Machine.ElapsedVirtualTime.TimeElapsed.InNanoseconds() % 1000;
            alarms[index].StartFor(Machine, wait * 1000 - sinceLastMicrosecond);
        }

        private void Disarm(uint mask)
        {
            armed &= ~mask;
            for(var i = 0; i < NumberOfAlarms; i++)
            {
                if((mask & (1u << i)) != 0)
                {
                    alarms[i].Enabled = false;
                }
            }
        }

        private void Fire(int index)
        {
            armed &= ~(1u << index);
            raw |= 1u << index;
            alarms[index].Enabled = false;
            UpdateInterrupts();
        }

        private uint Status { get { return (raw & (uint)interruptEnable.Value) | (uint)interruptForce.Value; } }

        private void UpdateInterrupts()
        {
            var status = Status;
            for(var i = 0; i < NumberOfAlarms; i++)
            {
                interrupts[i].Set((status & (1u << i)) != 0);
            }
        }

        private IValueRegisterField interruptEnable;
        private IValueRegisterField interruptForce;
        private uint armed;
        private uint raw;
        private uint latchedHigh;
        private uint writtenLow;
        private bool paused;
        private ulong pausedAt;
        /// <summary>Picoseconds from one to the next; 0: there is none.</summary>
        private ulong tick;
        /// <summary>What is to be added to the microseconds since power-on, with a tick of one.</summary>
        private ulong offset;
        /// <summary>With any other: nanoseconds at which it was <see cref="fromCount"/>.</summary>
        private ulong from;
        private ulong fromCount;

        private readonly LimitTimer[] alarms;
        private readonly uint[] targets;
        private readonly GPIO[] interrupts;

        private const int NumberOfAlarms = 4;
        private const ulong PicosecondsPerMicrosecond = 1000000;
        private const ulong PicosecondsPerNanosecond = 1000;

        private enum Registers
        {
            TimeHighWrite = 0x00,
            TimeLowWrite = 0x04,
            TimeHighRead = 0x08,
            TimeLowRead = 0x0C,
            Alarm0 = 0x10,
            Armed = 0x20,
            RawHigh = 0x24,
            RawLow = 0x28,
            DebugPause = 0x2C,
            Pause = 0x30,
            InterruptRaw = 0x34,
            InterruptEnable = 0x38,
            InterruptForce = 0x3C,
            InterruptStatus = 0x40,
        }
    }
}
