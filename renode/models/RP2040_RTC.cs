using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Real time clock (datasheet 4.8): a calendar that counts seconds of clk_rtc / (CLKDIV_M1 + 1), and one alarm.</summary>
    public class RP2040_RTC : RP2040_Peripheral
    {
        public RP2040_RTC(IMachine machine, RP2040_Clocks clocks) : base(machine)
        {
            this.clocks = clocks;
            IRQ = new GPIO();
            second = new LimitTimer(machine.ClockSource, 1000000000, this, "second", 1000000000, Direction.Descending,
                workMode: WorkMode.Periodic, eventEnabled: true);
            second.LimitReached += Advance;
            DefineRegisters();
            Reset();
            clocks.Changed += FollowClock;
        }

        public override void Reset()
        {
            base.Reset();
            second.Enabled = false;
            year = month = day = weekday = hour = minute = seconds = 0;
            latchedDate = 0;
            matched = false;
            UpdateInterrupt();
        }

        public GPIO IRQ { get; private set; }

        /// <summary>The calendar as text: year-month-day hour:minute:second.</summary>
        public string Time
        {
            get { return string.Format("{0:D4}-{1:D2}-{2:D2} {3:D2}:{4:D2}:{5:D2}", year, month, day, hour, minute, seconds); }
        }

        private void DefineRegisters()
        {
            Registers.Divider.Define(this)
                .WithValueField(0, 16, out divider, name: "CLKDIV_M1").WithReservedBits(16, 16);
            Registers.Setup0.Define(this)
                .WithValueField(0, 5, out setupDay, name: "DAY").WithReservedBits(5, 3)
                .WithValueField(8, 4, out setupMonth, name: "MONTH")
                .WithValueField(12, 12, out setupYear, name: "YEAR").WithReservedBits(24, 8);
            Registers.Setup1.Define(this)
                .WithValueField(0, 6, out setupSecond, name: "SEC").WithReservedBits(6, 2)
                .WithValueField(8, 6, out setupMinute, name: "MIN").WithReservedBits(14, 2)
                .WithValueField(16, 5, out setupHour, name: "HOUR").WithReservedBits(21, 3)
                .WithValueField(24, 3, out setupWeekday, name: "DOTW").WithReservedBits(27, 5);
            Registers.Control.Define(this)
                .WithFlag(0, out enable, name: "RTC_ENABLE")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => enable.Value, name: "RTC_ACTIVE")
                .WithReservedBits(2, 2)
                .WithFlag(4, FieldMode.Write, writeCallback: (_, value) => { if(value) LoadSetup(); }, name: "LOAD")
                .WithReservedBits(5, 3)
                .WithFlag(8, out notLeapYear, name: "FORCE_NOTLEAPYEAR")
                .WithReservedBits(9, 23)
                .WithWriteCallback((_, __) => UpdateRunning());
            Strobe(Registers.Control, 1u << 4);

            Registers.InterruptSetup0.Define(this)
                .WithValueField(0, 5, out alarmDay, name: "DAY").WithReservedBits(5, 3)
                .WithValueField(8, 4, out alarmMonth, name: "MONTH")
                .WithValueField(12, 12, out alarmYear, name: "YEAR")
                .WithFlag(24, out matchDay, name: "DAY_ENA")
                .WithFlag(25, out matchMonth, name: "MONTH_ENA")
                .WithFlag(26, out matchYear, name: "YEAR_ENA")
                .WithReservedBits(27, 1)
                .WithFlag(28, out matchEnable, name: "MATCH_ENA")
                .WithFlag(29, FieldMode.Read, valueProviderCallback: _ => matchEnable.Value, name: "MATCH_ACTIVE")
                .WithReservedBits(30, 2)
                .WithWriteCallback((_, __) => Compare());
            Registers.InterruptSetup1.Define(this)
                .WithValueField(0, 6, out alarmSecond, name: "SEC").WithReservedBits(6, 2)
                .WithValueField(8, 6, out alarmMinute, name: "MIN").WithReservedBits(14, 2)
                .WithValueField(16, 5, out alarmHour, name: "HOUR").WithReservedBits(21, 3)
                .WithValueField(24, 3, out alarmWeekday, name: "DOTW").WithReservedBits(27, 1)
                .WithFlag(28, out matchSecond, name: "SEC_ENA")
                .WithFlag(29, out matchMinute, name: "MIN_ENA")
                .WithFlag(30, out matchHour, name: "HOUR_ENA")
                .WithFlag(31, out matchWeekday, name: "DOTW_ENA");

            Registers.Date.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => latchedDate, name: "RTC_1: YEAR, MONTH, DAY");
            Registers.TimeOfDay.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => LatchTime(), name: "RTC_0: DOTW, HOUR, MIN, SEC");

            Registers.InterruptRaw.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => matched, name: "RTC").WithReservedBits(1, 31);
            Registers.InterruptEnable.Define(this)
                .WithFlag(0, out interruptEnable, name: "RTC").WithReservedBits(1, 31)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptForce.Define(this)
                .WithFlag(0, out interruptForce, name: "RTC").WithReservedBits(1, 31)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.InterruptStatus.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => Status, name: "RTC").WithReservedBits(1, 31);
        }

        private void LoadSetup()
        {
            year = (int)setupYear.Value;
            month = (int)setupMonth.Value;
            day = (int)setupDay.Value;
            weekday = (int)setupWeekday.Value;
            hour = (int)setupHour.Value;
            minute = (int)setupMinute.Value;
            seconds = (int)setupSecond.Value;
            Compare();
        }

        private void UpdateRunning()
        {
            if(!enable.Value)
            {
                second.Enabled = false;
                return;
            }
            if(second.Enabled)
            {
                return;
            }
            WaitForSecond();
        }

        private void FollowClock()
        {
            if(clocks.RTC != frequency && enable.Value)
            {
                WaitForSecond();
            }
        }

        private void WaitForSecond()
        {
            second.Enabled = false;
            frequency = clocks.RTC;
            if(frequency != 0)
            {
                var unused = Now;
                second.StartFor(Machine, (divider.Value + 1) * 1000000000UL / frequency);
            }
        }

        private void Advance()
        {
            seconds++;
            if(seconds >= 60)
            {
                seconds = 0;
                minute++;
            }
            if(minute >= 60)
            {
                minute = 0;
                hour++;
            }
            if(hour >= 24)
            {
                hour = 0;
                day++;
                weekday = (weekday + 1) % 7;
            }
            if(day > DaysInMonth)
            {
                day = 1;
                month++;
            }
            if(month > 12)
            {
                month = 1;
                year++;
            }
            Compare();
        }

        private int DaysInMonth
        {
            get
            {
                switch(month)
                {
                case 2:
                    // the chip takes every fourth year for a leap year; software forces the exceptions
                    return year % 4 == 0 && !notLeapYear.Value ? 29 : 28;
                case 4:
                case 6:
                case 9:
                case 11:
                    return 30;
                default:
                    return 31;
                }
            }
        }

        private uint LatchTime()
        {
            latchedDate = (uint)(year << 12 | month << 8 | day);
            return (uint)(weekday << 24 | hour << 16 | minute << 8 | seconds);
        }

        private void Compare()
        {
            matched = matchEnable.Value
                && (!matchYear.Value || alarmYear.Value == (ulong)year)
                && (!matchMonth.Value || alarmMonth.Value == (ulong)month)
                && (!matchDay.Value || alarmDay.Value == (ulong)day)
                && (!matchWeekday.Value || alarmWeekday.Value == (ulong)weekday)
                && (!matchHour.Value || alarmHour.Value == (ulong)hour)
                && (!matchMinute.Value || alarmMinute.Value == (ulong)minute)
                && (!matchSecond.Value || alarmSecond.Value == (ulong)seconds);
            UpdateInterrupt();
        }

        private bool Status { get { return (matched && interruptEnable.Value) || interruptForce.Value; } }

        private void UpdateInterrupt()
        {
            IRQ.Set(Status);
        }

        private int year;
        private int month;
        private int day;
        private int weekday;
        private int hour;
        private int minute;
        private int seconds;
        private uint latchedDate;
        private uint frequency;
        private bool matched;
        private IValueRegisterField divider;
        private IValueRegisterField setupYear;
        private IValueRegisterField setupMonth;
        private IValueRegisterField setupDay;
        private IValueRegisterField setupWeekday;
        private IValueRegisterField setupHour;
        private IValueRegisterField setupMinute;
        private IValueRegisterField setupSecond;
        private IValueRegisterField alarmYear;
        private IValueRegisterField alarmMonth;
        private IValueRegisterField alarmDay;
        private IValueRegisterField alarmWeekday;
        private IValueRegisterField alarmHour;
        private IValueRegisterField alarmMinute;
        private IValueRegisterField alarmSecond;
        private IFlagRegisterField enable;
        private IFlagRegisterField notLeapYear;
        private IFlagRegisterField matchEnable;
        private IFlagRegisterField matchYear;
        private IFlagRegisterField matchMonth;
        private IFlagRegisterField matchDay;
        private IFlagRegisterField matchWeekday;
        private IFlagRegisterField matchHour;
        private IFlagRegisterField matchMinute;
        private IFlagRegisterField matchSecond;
        private IFlagRegisterField interruptEnable;
        private IFlagRegisterField interruptForce;
        private readonly LimitTimer second;
        private readonly RP2040_Clocks clocks;

        private enum Registers
        {
            Divider = 0x00,
            Setup0 = 0x04,
            Setup1 = 0x08,
            Control = 0x0C,
            InterruptSetup0 = 0x10,
            InterruptSetup1 = 0x14,
            Date = 0x18,
            TimeOfDay = 0x1C,
            InterruptRaw = 0x20,
            InterruptEnable = 0x24,
            InterruptForce = 0x28,
            InterruptStatus = 0x2C,
        }
    }
}
