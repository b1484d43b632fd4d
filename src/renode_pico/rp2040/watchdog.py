"""Watchdog, and the tick that it makes for the timer (RP2040 datasheet, 4.7; `watchdog.h`)."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.unmodelled import Unmodelled

CTRL_TIME_BITS, CTRL_ENABLE, CTRL_TRIGGER = 0x00FF_FFFF, 1 << 30, 1 << 31
CTRL_BITS = 0x4700_0000
REASON_TIMER, REASON_FORCE = 1 << 0, 1 << 1
TICK_CYCLES_BITS, TICK_ENABLE, TICK_RUNNING, TICK_COUNT_LSB = 0x1FF, 1 << 9, 1 << 10, 11
PS_PER_S = 1000 * NS_PER_S
NS_PER_US = 1000
COUNTS_PER_TICK = 2
"""Erratum RP2040-E1."""


class Watchdog(Block):
    """Its registers survive what it does: only RUN and power-on reset them.

    `on_fired`: the counter has come to its end, or TRIGGER was written.
    """

    NAME = "WATCHDOG"
    LACKS = ("Debuggers do not pause the watchdog, whatever PAUSE_* say.",)

    CTRL = Register(0x00, reset=0x0700_0000, mask=CTRL_BITS)
    LOAD = Register(0x04, mask=0)
    REASON = Register(0x08, mask=0)
    SCRATCH0 = Register(0x0C)
    SCRATCH1 = Register(0x10)
    SCRATCH2 = Register(0x14)
    SCRATCH3 = Register(0x18)
    SCRATCH4 = Register(0x1C)
    SCRATCH5 = Register(0x20)
    SCRATCH6 = Register(0x24)
    SCRATCH7 = Register(0x28)
    TICK = Register(0x2C, reset=TICK_ENABLE, mask=TICK_ENABLE | TICK_CYCLES_BITS)

    def __init__(
        self,
        machine: Machine,
        clock: Clock,
        unmodelled: Unmodelled,
        clocks: Clocks,
        on_fired: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._clocks = clocks
        self._on_fired = on_fired
        self._alarm = clock.alarm(lambda: self._fire(REASON_TIMER))
        self._counts = 0
        """What was left at `_since_ns`."""
        self._since_ns = 0
        self._tick_ns = 0
        self._tick_since_ns = 0
        super().__init__(machine, Number.WATCHDOG, unmodelled)
        clocks.follow(self._tick_changed)

    def reset(self) -> None:
        """RUN or power-on."""
        super().reset()
        self._alarm.cancel()
        self._counts = 0
        self._tick_changed()

    # The tick

    @TICK.written
    def _tick_written(self, before: int, raw: int) -> None:
        self._tick_changed()

    def _tick_changed(self) -> None:
        cycles, ref = self.TICK & TICK_CYCLES_BITS, self._clocks.frequency[Generator.REF]
        running = bool(self.TICK & TICK_ENABLE and cycles and ref)
        self.TICK = self.TICK | TICK_RUNNING if running else self.TICK & ~TICK_RUNNING
        self._machine.set_timer_tick(round(cycles * PS_PER_S / ref) if running else 0)
        tick_ns = round(cycles * NS_PER_S / ref) if running else 0
        if tick_ns != self._tick_ns:
            # one of a microsecond comes with each whole one, any other begins now
            self._tick_since_ns = 0 if tick_ns == NS_PER_US else self._clock.now_ns
            counts = self._left(self.CTRL)
            self._tick_ns = tick_ns
            self._count_from(counts)

    @TICK.read
    def _tick_read(self) -> int:
        """COUNT: cycles of clk_ref until the next tick."""
        if not self._tick_ns:
            return self.TICK
        cycles = self.TICK & TICK_CYCLES_BITS
        passed = (self._clock.now_ns - self._tick_since_ns) % self._tick_ns * cycles // self._tick_ns
        return self.TICK | (cycles - passed) << TICK_COUNT_LSB

    # The counter

    def _left(self, control: int) -> int:
        if not (control & CTRL_ENABLE and self._tick_ns):
            return self._counts
        passed = (self._clock.now_ns - self._since_ns) // self._tick_ns * COUNTS_PER_TICK
        return max(0, self._counts - passed)

    def _count_from(self, counts: int) -> None:
        self._counts, self._since_ns = counts, self._clock.now_ns
        self._alarm.cancel()
        if self.CTRL & CTRL_ENABLE and self._tick_ns:
            self._alarm.schedule(max(1, -(-counts // COUNTS_PER_TICK)) * self._tick_ns)

    @CTRL.read
    def _ctrl_read(self) -> int:
        return self.CTRL | self._left(self.CTRL)

    @CTRL.written
    def _ctrl_written(self, before: int, raw: int) -> None:
        if raw & CTRL_TRIGGER:
            self._fire(REASON_FORCE)
        elif (before ^ self.CTRL) & CTRL_ENABLE:
            self._count_from(self._left(before))

    @LOAD.written
    def _load_written(self, before: int, raw: int) -> None:
        self._count_from(raw & CTRL_TIME_BITS)

    def _fire(self, reason: int) -> None:
        self._alarm.cancel()
        self._counts = 0
        self.CTRL &= ~CTRL_ENABLE
        self.REASON = reason
        self._on_fired()
