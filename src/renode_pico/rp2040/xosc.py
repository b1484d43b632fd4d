"""Crystal oscillator (RP2040 datasheet, 2.16; `xosc.h`)."""

from __future__ import annotations

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Machine, Number, Register
from renode_pico.rp2040.clock_source import DORMANT_COMA, DORMANT_WAKE, ClockSource, Countdown
from renode_pico.rp2040.unmodelled import Unmodelled

CRYSTAL_HZ = 12_000_000
"""What is soldered to a Pico."""
ENABLE, DISABLE = 0xFAB, 0xD1E
FREQ_RANGE = range(0xAA0, 0xAA4)
STATUS_ENABLED, STATUS_BADWRITE, STATUS_STABLE = 1 << 12, 1 << 24, 1 << 31
STARTUP_DELAY_BITS, STARTUP_X4 = 0x3FFF, 1 << 20
CYCLES_PER_DELAY = 256


class Xosc(ClockSource):
    """Runs as soon as it is enabled, and says that it is stable when the start-up delay is over."""

    NAME = "XOSC"
    LACKS = ("While it is dormant, PIO, PWM, DMA and the USB controller go on.",)

    CTRL = Register(0x00, mask=0x00FF_FFFF)
    STATUS = Register(0x04, mask=0)
    DORMANT = Register(0x08, mask=0)
    STARTUP = Register(0x0C, mask=0x0010_3FFF)
    COUNT = Register(0x1C, mask=0)

    def __init__(self, machine: Machine, clock: Clock, unmodelled: Unmodelled) -> None:
        self._stable_alarm = clock.alarm(self._stable)
        self._countdown = Countdown(clock)
        super().__init__(machine, Number.XOSC, unmodelled)

    def reset(self) -> None:
        """Off."""
        super().reset()
        self._stable_alarm.cancel()
        self._countdown.load(0, 0)
        self._runs_at(0)

    @CTRL.written
    def _ctrl_written(self, before: int, raw: int) -> None:
        enable = self.CTRL >> 12
        if enable not in (ENABLE, DISABLE) or self.CTRL & 0xFFF not in FREQ_RANGE:
            self.STATUS |= STATUS_BADWRITE
        enabled = enable != DISABLE  # "an invalid setting will enable the oscillator", and the SDK relies on it
        if enabled == bool(self.STATUS & STATUS_ENABLED):
            return
        self.STATUS ^= STATUS_ENABLED
        if enabled:
            self._start()
        else:
            self._stop()

    def _start(self) -> None:
        cycles = (self.STARTUP & STARTUP_DELAY_BITS) * CYCLES_PER_DELAY * (4 if self.STARTUP & STARTUP_X4 else 1)
        self._stable_alarm.schedule(cycles * NS_PER_S // CRYSTAL_HZ)
        self._runs_at(CRYSTAL_HZ)

    def _stop(self) -> None:
        self.STATUS &= ~STATUS_STABLE
        self._stable_alarm.cancel()
        self._runs_at(0)

    @STATUS.written
    def _status_written(self, before: int, raw: int) -> None:
        self.STATUS &= ~(raw & STATUS_BADWRITE)

    @DORMANT.written
    def _dormant_written(self, before: int, raw: int) -> None:
        if raw == DORMANT_COMA:
            self.DORMANT = raw
            self._stop()
            self.fell_asleep()
        else:
            self.STATUS |= STATUS_BADWRITE if raw != DORMANT_WAKE else 0

    @property
    def dormant(self) -> bool:
        """It was stopped until something wakes it."""
        return self.DORMANT == DORMANT_COMA

    def wake(self) -> None:
        """A pin that may end its sleep has done so."""
        if self.dormant:
            self.DORMANT = DORMANT_WAKE
            if self.STATUS & STATUS_ENABLED:
                self._start()

    def _stable(self) -> None:
        self.STATUS |= STATUS_STABLE

    @COUNT.written
    def _count_written(self, before: int, raw: int) -> None:
        self._countdown.load(raw & 0xFF, CRYSTAL_HZ)

    @COUNT.read
    def _count_read(self) -> int:
        return self._countdown.value
