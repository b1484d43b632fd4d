using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The system timer of a core (ARMv6-M Architecture Reference Manual, B3.3): a counter of 24 bits that falls, by clk_sys or by the
    /// watchdog's microseconds.
    /// </summary>
    public class RP2040_SysTick
    {
        /// <param name="machine">The core's.</param>
        /// <param name="owner">The interrupt controller it is a part of.</param>
        /// <param name="clocks">They give clk_sys.</param>
        /// <param name="pend">Called when the counter reaches 0 with its interrupt on.</param>
        public RP2040_SysTick(IMachine machine, IPeripheral owner, RP2040_Clocks clocks, Action pend)
        {
            this.machine = machine;
            this.clocks = clocks;
            this.pend = pend;
            timer = new LimitTimer(machine.ClockSource, ReferenceFrequency, owner, "systick", CounterMask + 1, Direction.Descending,
                enabled: false, eventEnabled: true, autoUpdate: true);
            timer.LimitReached += ReachedZero;
            clocks.Changed += FollowClock;
        }

        public void Reset()
        {
            timer.Reset();
            control = reload = standing = 0;
            countFlag = false;
        }

        public uint Read(long offset)
        {
            switch((Registers)offset)
            {
            case Registers.Control:
                var value = control | (countFlag ? CountFlag : 0);
                countFlag = false;
                return value;
            case Registers.Reload:
                return reload;
            case Registers.Current:
                return Current;
            default:
                return NoCalibration;
            }
        }

        public void Write(long offset, uint value)
        {
            switch((Registers)offset)
            {
            case Registers.Control:
                var now = Current;
                control = value & (Enable | Interrupt | ByProcessorClock);
                Start(now);
                break;
            case Registers.Reload:
                var unused = Current;
                reload = value & CounterMask;
                break;
            case Registers.Current:
                countFlag = false;
                Start(0);
                break;
            }
        }

        private void Start(uint value)
        {
            timer.Enabled = false;
            standing = value;
            if((control & Enable) == 0 || (value == 0 && reload == 0))
            {
                return;
            }
            Count(value != 0 ? value : reload + 1);
            timer.Enabled = true;
            // the core has been told how far it may run before the next event: it has to ask again
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

        private void Count(uint ticks)
        {
            timer.Frequency = Frequency;
            timer.Limit = ticks;
            timer.ResetValue();
        }

        private void FollowClock()
        {
            if(timer.Enabled)
            {
                machine.ExactTime();
                timer.Frequency = Frequency;
            }
        }

        private void ReachedZero()
        {
            countFlag = true;
            if(reload == 0)
            {
                timer.Enabled = false;
                standing = 0;
            }
            else
            {
                Count(reload + 1);
            }
            if((control & Interrupt) != 0)
            {
                pend();
            }
        }

        /// <summary>A cycle after 0 the counter is loaded anew.</summary>
        private uint Current
        {
            get
            {
                if(!timer.Enabled)
                {
                    return standing;
                }
                machine.ExactTime();
                var left = (uint)timer.Value;
                return left > reload && left == timer.Limit ? 0 : left & CounterMask;
            }
        }

        private uint Frequency
        {
            get
            {
                var system = clocks.System;
                return (control & ByProcessorClock) == 0 && system > ReferenceFrequency ? ReferenceFrequency : Math.Max(1, system);
            }
        }

        private uint control;
        private uint reload;
        /// <summary>The counter while it does not count.</summary>
        private uint standing;
        private bool countFlag;

        private readonly IMachine machine;
        private readonly RP2040_Clocks clocks;
        private readonly Action pend;
        private readonly LimitTimer timer;

        private const uint Enable = 1;
        private const uint Interrupt = 2;
        private const uint ByProcessorClock = 4;
        private const uint CountFlag = 1 << 16;
        private const uint CounterMask = 0xFFFFFF;
        /// <summary>SYST_CALIB: no reference for 10 ms is given (NOREF, SKEW).</summary>
        private const uint NoCalibration = 0xC0000000;
        private const uint ReferenceFrequency = 1000000;

        private enum Registers
        {
            Control = 0x10,
            Reload = 0x14,
            Current = 0x18,
            Calibration = 0x1C,
        }
    }
}
