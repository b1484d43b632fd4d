"""Real time clock (RP2040 datasheet, 4.8; `rtc.h`): a calendar and one alarm."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Irq, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.unmodelled import Unmodelled

CTRL_ENABLE, CTRL_ACTIVE, CTRL_LOAD, CTRL_FORCE_NOTLEAPYEAR = 1 << 0, 1 << 1, 1 << 4, 1 << 8
DATE_BITS, TIME_BITS = 0x00FF_FF1F, 0x071F_3F3F
YEAR_LSB, MONTH_LSB = 12, 8
DOTW_LSB, HOUR_LSB, MIN_LSB = 24, 16, 8
DAY_ENA, MONTH_ENA, YEAR_ENA, MATCH_ENA, MATCH_ACTIVE = 1 << 24, 1 << 25, 1 << 26, 1 << 28, 1 << 29
SEC_ENA, MIN_ENA, HOUR_ENA, DOTW_ENA = 1 << 28, 1 << 29, 1 << 30, 1 << 31
_DATE_FIELDS = ((DAY_ENA, 0x1F), (MONTH_ENA, 0xF << MONTH_LSB), (YEAR_ENA, 0xFFF << YEAR_LSB))
_TIME_FIELDS = (
    (SEC_ENA, 0x3F),
    (MIN_ENA, 0x3F << MIN_LSB),
    (HOUR_ENA, 0x1F << HOUR_LSB),
    (DOTW_ENA, 0x7 << DOTW_LSB),
)
_DAYS = (31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 31, 31)
"""By MONTH, wrong values included."""


class Rtc(Block):
    """Counts seconds of CLKDIV_M1 + 1 cycles of clk_rtc. Date and time are kept as the registers show them.

    `wake()` is called with its interrupt: it ends dormancy, when clk_rtc comes from outside.
    """

    NAME = "RTC"

    CLKDIV_M1 = Register(0x00, mask=0xFFFF)
    SETUP_0 = Register(0x04, mask=DATE_BITS)
    SETUP_1 = Register(0x08, mask=TIME_BITS)
    CTRL = Register(0x0C, mask=CTRL_ENABLE | CTRL_FORCE_NOTLEAPYEAR)
    IRQ_SETUP_0 = Register(0x10, mask=0x17FF_FF1F)
    IRQ_SETUP_1 = Register(0x14, mask=0xF71F_3F3F)
    RTC_1 = Register(0x18, mask=0)
    RTC_0 = Register(0x1C, mask=0)
    INTR = Register(0x20, mask=0)
    INTE = Register(0x24, mask=1)
    INTF = Register(0x28, mask=1)
    INTS = Register(0x2C, mask=0)

    def __init__(
        self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, wake: Callable[[], None]
    ) -> None:
        self._clocks = clocks
        self._wake = wake
        self.irq = Line(machine.set_irq, Irq.RTC)
        self._second_alarm = clock.alarm(self._second)
        self._hz = 0
        self._date = 0
        """RTC_1 shows the date of when RTC_0 was read last."""
        super().__init__(machine, Number.RTC, unmodelled)
        clocks.follow(self._clock_changed)

    def reset(self) -> None:
        """Stopped, at year 0."""
        super().reset()
        self._second_alarm.cancel()
        self._date = 0
        self.irq.set(False)

    @CTRL.written
    def _ctrl_written(self, before: int, raw: int) -> None:
        if raw & CTRL_LOAD:
            self._date, self.RTC_0 = self.SETUP_0, self.SETUP_1
            self._compare()
        running = bool(self.CTRL & CTRL_ENABLE)
        self.CTRL = self.CTRL | CTRL_ACTIVE if running else self.CTRL & ~CTRL_ACTIVE
        if running and not before & CTRL_ENABLE:
            self._wait_for_second()
        elif not running:
            self._second_alarm.cancel()

    def _clock_changed(self) -> None:
        if self._clocks.frequency[Generator.RTC] != self._hz and self.CTRL & CTRL_ENABLE:
            self._wait_for_second()

    def _wait_for_second(self) -> None:
        self._second_alarm.cancel()
        self._hz = self._clocks.frequency[Generator.RTC]
        if self._hz:
            self._second_alarm.schedule(max(1, (self.CLKDIV_M1 + 1) * NS_PER_S // self._hz))

    def _second(self) -> None:
        time = self.RTC_0
        second, minute, hour, weekday = time & 0x3F, time >> MIN_LSB & 0x3F, time >> HOUR_LSB & 0x1F, time >> DOTW_LSB
        second += 1
        if second >= 60:
            second, minute = 0, minute + 1
        if minute >= 60:
            minute, hour = 0, hour + 1
        if hour >= 24:
            hour, weekday = 0, (weekday + 1) % 7
            self._next_day()
        self.RTC_0 = weekday << DOTW_LSB | hour << HOUR_LSB | minute << MIN_LSB | second
        self._compare()
        self._wait_for_second()

    def _next_day(self) -> None:
        day, month, year = self._date & 0x1F, self._date >> MONTH_LSB & 0xF, self._date >> YEAR_LSB
        # The chip takes every fourth year for a leap year; firmware forces the exceptions.
        leap = month == 2 and not year % 4 and not self.CTRL & CTRL_FORCE_NOTLEAPYEAR
        day += 1
        if day > _DAYS[month] + leap:
            day, month = 1, month + 1
        if month > 12:
            month, year = 1, year + 1
        self._date = (year & 0xFFF) << YEAR_LSB | month << MONTH_LSB | day

    @RTC_0.read
    def _time_read(self) -> int:
        self.RTC_1 = self._date
        return self.RTC_0

    @IRQ_SETUP_0.written
    @IRQ_SETUP_1.written
    def _irq_setup_written(self, before: int, raw: int) -> None:
        enabled = self.IRQ_SETUP_0 & MATCH_ENA
        self.IRQ_SETUP_0 = self.IRQ_SETUP_0 & ~MATCH_ACTIVE | (MATCH_ACTIVE if enabled else 0)
        self._compare()

    def _compare(self) -> None:
        matched = bool(self.IRQ_SETUP_0 & MATCH_ENA)
        for enable, bits in _DATE_FIELDS:
            if self.IRQ_SETUP_0 & enable and (self.IRQ_SETUP_0 ^ self._date) & bits:
                matched = False
        for enable, bits in _TIME_FIELDS:
            if self.IRQ_SETUP_1 & enable and (self.IRQ_SETUP_1 ^ self.RTC_0) & bits:
                matched = False
        self.INTR = int(matched)
        self._update_interrupt()

    @INTE.written
    @INTF.written
    def _interrupt_written(self, before: int, raw: int) -> None:
        self._update_interrupt()

    def _update_interrupt(self) -> None:
        self.INTS = self.INTR & self.INTE | self.INTF
        self.irq.set(bool(self.INTS))
        if self.INTS:
            self._wake()
