"""Who wants to know of which GPIO's changes, and which of them are wired to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from renode_pico.core.machine import BLOCK_IO_BANK0

Listener = Callable[[int, int], None]


class Pins(Protocol):
    """What `core.machine.Machine` has for it."""

    pins_changed: Listener

    def attach(self, block: int, read: Callable[[int], int], write: Callable[[int, int, int], None]) -> None:
        """Of IO_BANK0 `write` is told when a FUNCSEL has changed."""

    def watch(self, pins: int) -> None:
        """`pins_changed(changed, levels)` is called for each change of these GPIOs."""

    def pins_heard(self) -> int:
        """Whose edges somebody wants: Python, an interrupt, PWM, a program of PIO."""

    def pin_levels(self) -> int:
        """At the pads."""

    def set_external(self, pins: int, levels: int, driven: int) -> None:
        """Levels from outside."""


class PinWatch:
    """Shares the machine's one callback."""

    def __init__(self, machine: Pins) -> None:
        self._machine = machine
        self._listeners: dict[Listener, int] = {}
        self._followers: list[Callable[[], None]] = []
        machine.pins_changed = self._changed
        machine.attach(BLOCK_IO_BANK0, _nothing_read, lambda offset, value, alias: self.functions_changed())

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

    def follow_functions(self, changed: Callable[[], None]) -> None:
        """`changed()` is called when FUNCSEL of some pin is another one."""
        self._followers.append(changed)

    def functions_changed(self) -> None:
        """Tell them."""
        for follower in self._followers:
            follower()

    @property
    def heard(self) -> int:
        """The pins at which each edge is heard by somebody."""
        return self._machine.pins_heard()

    def _changed(self, changed: int, levels: int) -> None:
        for listener, pins in list(self._listeners.items()):
            if changed & pins:
                listener(changed & pins, levels)


class Wires:
    """Jumper wires between GPIOs: what one pin drives is seen at another."""

    def __init__(self, machine: Pins, pins: PinWatch) -> None:
        self._machine = machine
        self._pins = pins
        self._ends: dict[int, list[int]] = {}

    def connect(self, source: int, target: int) -> None:
        """GPIO `target` has the level of GPIO `source` from now on."""
        self._ends.setdefault(source, []).append(target)
        watched = 0
        for number in self._ends:
            watched |= 1 << number
        self._pins.watch(self._changed, watched)
        self._changed(1 << source, self._machine.pin_levels())

    def _changed(self, changed: int, levels: int) -> None:
        for source, targets in self._ends.items():
            if changed >> source & 1:
                for target in targets:
                    self._machine.set_external(1 << target, (levels >> source & 1) << target, 1 << target)


def _nothing_read(offset: int) -> int:
    return 0
