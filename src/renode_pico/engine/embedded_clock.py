"""Emulated time of the embedded engine: rp2040py's clock as `Clock`, and its instruction loop as `Runner`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rp2040py.execute_batch import execute_batch

from renode_pico.clock import NS_PER_MS, Alarm, Clock

TICK_BATCH = 1
"""Instructions between two looks at the alarms: 1 makes every alarm fire at its instant."""


class EmbeddedClock:
    """`Clock` on rp2040py's: its alarms are the protocol's, and fire in the order they were armed."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.alarm: Callable[[Callable[[], None]], Alarm] = clock.create_alarm

    @property
    def now_ns(self) -> int:
        """Emulated nanoseconds since power-on."""
        return int(self._clock.nanos)


class EmbeddedRunner:
    """Drives rp2040py's instruction loop synchronously, up to an emulated instant or a `poke`.

    The loop also returns after some wall time, at any instruction; it is simply entered again, so that nothing
    depends on it. `check` is called after each piece and may raise.
    """

    def __init__(self, chip: Any, clock: Clock, check: Callable[[], None]) -> None:
        # What execute_batch() asks of a simulator.
        self.rp2040 = chip
        self.clock = chip.clock
        self.stopped = True
        self._time = clock
        self._check = check
        self._stop_alarm = clock.alarm(self.poke)
        self._running = False

    def poke(self) -> None:
        """Stop after the current instruction and look at the condition."""
        self.stopped = True

    def run_until(self, condition: Callable[[], bool], deadline_ns: int) -> bool:
        """Run until `condition()` holds (True) or the clock has reached `deadline_ns` (False)."""
        if self._running:
            raise RuntimeError("the engine is running already: only poke() may be called from inside an event")
        self._running = True
        try:
            while not condition():
                now_ns = self._time.now_ns
                if now_ns >= deadline_ns:
                    return False
                self._run_piece(min(deadline_ns - now_ns, NS_PER_MS))
                self._check()
            return True
        finally:
            self._running = False

    def _run_piece(self, length_ns: int) -> None:
        self._stop_alarm.schedule(length_ns)
        self.stopped = False
        while not self.stopped:
            execute_batch(self, TICK_BATCH)
        self._stop_alarm.cancel()
