"""Ring oscillator (RP2040 datasheet, 2.17; `rosc.h`)."""

from __future__ import annotations

from renode_pico.clock import Clock
from renode_pico.rp2040.block import Machine, Number, Register
from renode_pico.rp2040.clock_source import DORMANT_COMA, DORMANT_WAKE, ClockSource, Countdown
from renode_pico.rp2040.unmodelled import Unmodelled

NOMINAL_HZ = 6_500_000
"""With its divider's reset value, 16."""
DISABLE = 0xD1E
DIV_PASS, DIV_RESET = 0xAA0, 16
STATUS_ENABLED, STATUS_DIV_RUNNING, STATUS_STABLE = 1 << 12, 1 << 16, 1 << 31
RUNNING = STATUS_ENABLED | STATUS_DIV_RUNNING | STATUS_STABLE
SEED = 0x2040


class Rosc(ClockSource):
    """Runs from power-on at its nominal frequency; its random bits are the same in each run."""

    NAME = "ROSC"
    LACKS = (
        "The drive strengths of FREQA and FREQB and the range do not change the frequency, only DIV does.",
        "BADWRITE is never set: wrong values are stored.",
    )

    CTRL = Register(0x00, reset=0xAA0, mask=0x00FF_FFFF)
    FREQA = Register(0x04, mask=0xFFFF_7777)
    FREQB = Register(0x08, mask=0xFFFF_7777)
    DORMANT = Register(0x0C, mask=0)
    DIV = Register(0x10, reset=DIV_PASS + DIV_RESET, mask=0xFFF)
    PHASE = Register(0x14, reset=0x08, mask=0xFFF)
    STATUS = Register(0x18, reset=RUNNING, mask=0)
    RANDOMBIT = Register(0x1C, reset=1, mask=0)
    COUNT = Register(0x20, mask=0)

    def __init__(self, machine: Machine, clock: Clock, unmodelled: Unmodelled) -> None:
        self._countdown = Countdown(clock)
        self._random = SEED
        super().__init__(machine, Number.ROSC, unmodelled)
        self._changed()

    def reset(self) -> None:
        """Running; the random bits begin anew."""
        super().reset()
        self._random = SEED
        self._countdown.load(0, 0)
        self._changed()

    @CTRL.written
    def _ctrl_written(self, before: int, raw: int) -> None:
        self._changed()

    @DIV.written
    def _div_written(self, before: int, raw: int) -> None:
        self._changed()

    def _changed(self) -> None:
        runs = self.CTRL >> 12 != DISABLE and not self.dormant
        self.STATUS = RUNNING if runs else 0
        divisor = self.DIV - DIV_PASS if DIV_PASS <= self.DIV < DIV_PASS + 32 else 31
        self._runs_at(NOMINAL_HZ * DIV_RESET // (divisor or 32) if runs else 0)

    @DORMANT.written
    def _dormant_written(self, before: int, raw: int) -> None:
        if raw == DORMANT_COMA:
            self.DORMANT = raw
            self._changed()
            self.fell_asleep()

    @property
    def dormant(self) -> bool:
        """It was stopped until something wakes it."""
        return self.DORMANT == DORMANT_COMA

    def wake(self) -> None:
        """A pin that may end its sleep has done so."""
        if self.dormant:
            self.DORMANT = DORMANT_WAKE
            self._changed()

    @RANDOMBIT.read
    def _random_bit(self) -> int:
        # xorshift32: the low bits of a plain linear shift register would be too regular
        word = self._random
        word ^= word << 13 & 0xFFFF_FFFF
        word ^= word >> 17
        word ^= word << 5 & 0xFFFF_FFFF
        self._random = word
        return word & 1

    @COUNT.written
    def _count_written(self, before: int, raw: int) -> None:
        self._countdown.load(raw & 0xFF, self.frequency)

    @COUNT.read
    def _count_read(self) -> int:
        return self._countdown.value
