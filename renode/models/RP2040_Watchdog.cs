using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Watchdog, and the microsecond tick that it makes for the timer (datasheet 4.7). Scratch registers and reason
    /// survive its own resets. The counter falls by two a tick, as on the chip (erratum RP2040-E1).
    /// </summary>
    public class RP2040_Watchdog : RP2040_Peripheral
    {
        public RP2040_Watchdog(IMachine machine, RP2040_Clocks clocks, RP2040_PSM psm, RP2040_Resets resets) : base(machine)
        {
            this.clocks = clocks;
            this.psm = psm;
            this.resets = resets;
            counter = new LimitTimer(machine.ClockSource, 1000000000, this, "watchdog", ulong.MaxValue, Direction.Descending,
                workMode: WorkMode.OneShot, eventEnabled: true);
            counter.LimitReached += () => Bite(ReasonTimer);
            Lacks("CTRL.PAUSE_DBG0, PAUSE_DBG1, PAUSE_JTAG");
            DefineRegisters();
            clocks.Changed += UpdateTick;
            Reset();
        }

        /// <summary>The RUN pin or power-on.</summary>
        public override void Reset()
        {
            base.Reset();
            reason = 0;
            remaining = 0;
            counter.Enabled = false;
            UpdateTick();
        }

        /// <summary>From one tick, which drives the timer, to the next; 0 while there is none.</summary>
        public ulong TickPicoseconds
        {
            get
            {
                var reference = clocks.Reference;
                return TickRunning ? (tickCycles.Value * PicosecondsPerSecond + reference / 2) / reference : 0;
            }
        }

        public event Action TickChanged;

        /// <summary>Cycles of clk_ref until the next tick.</summary>
        private ulong CyclesToTick
        {
            get
            {
                if(tick == 0)
                {
                    return 0;
                }
                // one of a microsecond comes with each whole one, any other began when it was set
                var now = Now.InNanoseconds() * PicosecondsPerNanosecond;
                var passed = (now - (tick == PicosecondsPerMicrosecond ? 0 : tickBegan)) % tick;
                return tickCycles.Value - passed * tickCycles.Value / tick;
            }
        }

        private bool TickRunning { get { return tickEnable.Value && tickCycles.Value != 0 && clocks.Reference != 0; } }

        private void UpdateTick()
        {
            if(tick == TickPicoseconds)
            {
                return;
            }
            remaining = Remaining;
            counter.Enabled = false;
            tick = TickPicoseconds;
            tickBegan = Now.InNanoseconds() * PicosecondsPerNanosecond;
            if(enable.Value)
            {
                Run();
            }
            var handler = TickChanged;
            if(handler != null)
            {
                handler();
            }
        }

        private void DefineRegisters()
        {
            Registers.Control.Define(this, 0x07000000)
                .WithValueField(0, 24, FieldMode.Read, valueProviderCallback: _ => Remaining, name: "TIME")
                .WithFlag(24, name: "PAUSE_JTAG")
                .WithFlag(25, name: "PAUSE_DBG0")
                .WithFlag(26, name: "PAUSE_DBG1")
                .WithReservedBits(27, 3)
                .WithFlag(30, out enable, name: "ENABLE")
                .WithFlag(31, out trigger, FieldMode.Write, name: "TRIGGER")
                .WithWriteCallback((_, __) => ControlWritten());
            Strobe(Registers.Control, 1u << 31);

            Registers.Load.Define(this)
                .WithValueField(0, 24, FieldMode.Write, writeCallback: (_, value) => Feed((uint)value), name: "LOAD")
                .WithReservedBits(24, 8);
            Strobe(Registers.Load);

            Registers.Reason.Define(this)
                .WithValueField(0, 2, FieldMode.Read, valueProviderCallback: _ => reason, name: "TIMER, FORCE")
                .WithReservedBits(2, 30);

            Registers.Scratch0.DefineMany(this, 8, (register, index) => register.WithValueField(0, 32, name: "SCRATCH"));

            Registers.Tick.Define(this, 0x200)
                .WithValueField(0, 9, out tickCycles, name: "CYCLES")
                .WithFlag(9, out tickEnable, name: "ENABLE")
                .WithFlag(10, FieldMode.Read, valueProviderCallback: _ => TickRunning, name: "RUNNING")
                .WithValueField(11, 9, FieldMode.Read, valueProviderCallback: _ => CyclesToTick, name: "COUNT")
                .WithReservedBits(20, 12)
                .WithWriteCallback((_, __) => UpdateTick());
        }

        private void ControlWritten()
        {
            if(trigger.Value)
            {
                trigger.Value = false;
                Bite(ReasonForce);
                return;
            }
            if(!enable.Value)
            {
                remaining = Remaining;
                counter.Enabled = false;
            }
            else if(!counter.Enabled)
            {
                Run();
            }
        }

        /// <summary>Counts down what remains, two a tick.</summary>
        private void Run()
        {
            SyncTime();
            if(tick != 0)
            {
                counter.StartFor(Machine, Math.Max(1, Math.Max(remaining, 1) * tick / PicosecondsPerNanosecond / CountsPerTick));
            }
        }

        private void Feed(uint load)
        {
            remaining = load;
            if(enable.Value)
            {
                Run();
            }
        }

        private uint Remaining
        {
            get
            {
                if(!counter.Enabled)
                {
                    return remaining;
                }
                SyncTime();
                return (uint)((ulong)counter.Value * CountsPerTick * PicosecondsPerNanosecond / tick);
            }
        }

        private void Bite(uint because)
        {
            this.Log(LogLevel.Info, "Resets the chip ({0})", because == ReasonForce ? "forced" : "timer");
            counter.Enabled = false;
            remaining = 0;
            enable.Value = false;
            reason = because;
            resets.WatchdogReset();
            psm.WatchdogReset();
        }

        private void SyncTime()
        {
            var unused = Now;
        }

        private IFlagRegisterField enable;
        private IFlagRegisterField trigger;
        private IFlagRegisterField tickEnable;
        private IValueRegisterField tickCycles;
        private uint reason;
        private uint remaining;
        private ulong tick;
        private ulong tickBegan;

        private readonly LimitTimer counter;
        private readonly RP2040_Clocks clocks;
        private readonly RP2040_PSM psm;
        private readonly RP2040_Resets resets;

        private const uint CountsPerTick = 2;
        private const ulong PicosecondsPerSecond = 1000000000000;
        private const ulong PicosecondsPerNanosecond = 1000;
        private const ulong PicosecondsPerMicrosecond = 1000000;
        private const uint ReasonTimer = 1;
        private const uint ReasonForce = 2;

        private enum Registers
        {
            Control = 0x00,
            Load = 0x04,
            Reason = 0x08,
            Scratch0 = 0x0C,
            Tick = 0x2C,
        }
    }
}
