"""Who wants to know of which GPIO's changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Listener = Callable[[int, int], None]


class WatchedPins(Protocol):
    """What `core.machine.Machine` has for it."""

    pins_changed: Listener

    def watch(self, pins: int) -> None:
        """`pins_changed(changed, levels)` is called for each change of these GPIOs."""


class PinWatch:
    """Shares the machine's one callback."""

    def __init__(self, machine: WatchedPins) -> None:
        self._machine = machine
        self._listeners: dict[Listener, int] = {}
        machine.pins_changed = self._changed

    def watch(self, listener: Listener, pins: int) -> None:
        """`listener(changed, levels)` is called for these pins from now on, instead of those before; 0: for none."""
        if self._listeners.get(listener, 0) == pins:
            return
        if pins:
            self._listeners[listener] = pins
        else:
            del self._listeners[listener]
        watched = 0
        for mask in self._listeners.values():
            watched |= mask
        self._machine.watch(watched)

    def _changed(self, changed: int, levels: int) -> None:
        for listener, pins in list(self._listeners.items()):
            if changed & pins:
                listener(changed & pins, levels)
