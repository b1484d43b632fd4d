"""What oscillators and PLLs have in common: a frequency that others follow."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Machine
from renode_pico.rp2040.unmodelled import Unmodelled

DORMANT_COMA, DORMANT_WAKE = 0x636F_6D61, 0x7761_6B65
"""What firmware writes to DORMANT of an oscillator, and what it reads when it runs."""


class ClockSource(Block):
    """A block that makes a clock."""

    def __init__(self, machine: Machine, number: int, unmodelled: Unmodelled, name: str = "") -> None:
        self.frequency = 0
        """Hz; 0 while it stands still."""
        self._followers: list[Callable[[], None]] = []
        self.fell_asleep: Callable[[], None] = _nothing
        """Called when firmware has made it dormant."""
        super().__init__(machine, number, unmodelled, name)

    def follow(self, changed: Callable[[], None]) -> None:
        """`changed()` is called when the frequency is another one."""
        self._followers.append(changed)

    def _runs_at(self, frequency: int) -> None:
        if frequency != self.frequency:
            self.frequency = frequency
            for changed in self._followers:
                changed()


class Countdown:
    """The oscillators' small down counter: counts cycles to zero and stops (RP2040 datasheet, 2.16.6)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cycles = 0
        self._hz = 0
        self._started_ns = 0

    def load(self, cycles: int, hz: int) -> None:
        """Count this many cycles of a clock from now on."""
        self._cycles, self._hz, self._started_ns = cycles, hz, self._clock.now_ns

    @property
    def value(self) -> int:
        """What is left."""
        if not self._cycles:
            return 0
        passed = (self._clock.now_ns - self._started_ns) * self._hz // NS_PER_S
        return max(0, self._cycles - passed)


def _nothing() -> None:
    pass
