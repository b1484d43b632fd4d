"""The receive time-out of UART and SPI: silence of so many bits behind what was received (ARM DDI 0183 and 0194)."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import Clock

SILENT_BITS = 32


class ReceiveTimeout:
    """`reached()` is called when `period()` nanoseconds have passed without `begin` being called.

    The alarm is set once and looks, when it rings, how long ago the last character was: one for each would cost more
    than the character.
    """

    def __init__(self, clock: Clock, period: Callable[[], int], reached: Callable[[], None]) -> None:
        self._clock = clock
        self._period = period
        self._reached = reached
        self._alarm = clock.alarm(self._rings)
        self._since_ns = 0
        """0: it is not under way."""

    def begin(self) -> None:
        """From now on, anew if it was under way."""
        under_way = bool(self._since_ns)
        self._since_ns = self._clock.now_ns
        if not under_way:
            self._alarm.schedule(self._period())

    def end(self) -> None:
        """Nothing is waited for."""
        self._alarm.cancel()
        self._since_ns = 0

    def _rings(self) -> None:
        left = self._since_ns + self._period() - self._clock.now_ns
        if left > 0:
            self._alarm.schedule(left)
            return
        self._since_ns = 0
        self._reached()
