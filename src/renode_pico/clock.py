"""Emulated time, as the controller model and the host see it.

Nothing in this package but `bridge/` and the command line knows any other time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from renode_pico.errors import UsageError

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000
LONGEST = 9_000_000_000
"""Seconds: their nanoseconds still have room in 64 bits."""


def countable(seconds: float) -> float:
    """The seconds. Raises UsageError for what clocks cannot count: NaN, infinity, 285 years and more."""
    if not -LONGEST < seconds < LONGEST:
        raise UsageError(f"{seconds:g} seconds: a time is less than {LONGEST:,} seconds")
    return seconds


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds of a time in seconds; a time that is not over yet is at least one.

    So a loop that waits for what is left until a deadline comes to its end, however little is left.
    Raises UsageError for what clocks cannot count.
    """
    rounded = round(countable(seconds) * NS_PER_S)
    return rounded if rounded or seconds <= 0 else 1


class Alarm(Protocol):
    """One callback that can be armed again and again; arming an armed alarm moves it."""

    def schedule(self, delay_ns: int) -> None:
        """Call back `delay_ns` emulated nanoseconds from now (0: as soon as the current event is over)."""

    def schedule_at(self, at_ns: int) -> None:
        """Call back at an instant, in emulated nanoseconds since power-on, that is not over."""

    def cancel(self) -> None:
        """Forget the pending call, if there is one."""


class Clock(Protocol):
    """The engine's clock."""

    @property
    def now_ns(self) -> int:
        """Emulated nanoseconds since power-on."""

    def alarm(self, callback: Callable[[], None]) -> Alarm:
        """A new, unarmed alarm. Callbacks due at the same instant run in the order they were armed."""


class Runner(Protocol):
    """Lets emulated time pass until something has happened: what a host that waits is given by its engine.

    Never called from inside an alarm callback, except for `poke`.
    """

    def run_until(self, condition: Callable[[], bool], deadline_ns: int) -> bool:
        """Run until `condition()` holds (True) or the clock has reached `deadline_ns` (False).

        The condition is looked at before anything runs, after each event that called `poke`, at least each emulated
        millisecond, and once more at the deadline. It stops at the instant of the event, not at the end of a batch.
        """

    def poke(self) -> None:
        """Called inside an alarm callback when something has become final: look at the condition now."""
