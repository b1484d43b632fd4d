"""Targets of an I2C bus at two GPIOs, bit by bit (UM10204, 3.1): for a master that firmware makes of pins.

MicroPython scans a bus that way, as the controller cannot send an address alone.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from renode_pico.rp2040.i2c_bus import I2cBus
from renode_pico.rp2040.pin_watch import PinWatch


class DrivenPins(Protocol):
    """What `core.machine.Machine` has for it."""

    def set_external(self, pins: int, levels: int, driven: int) -> None:
        """Levels from outside; those not in `driven` are let go."""


class Phase(Enum):
    """What the bits on the bus are."""

    IDLE = auto()
    DEAF = auto()
    """Nobody here was meant, or nobody is any more: until the next START or STOP."""
    ADDRESS = auto()
    WRITE = auto()
    ACKNOWLEDGE = auto()
    READ = auto()
    MASTER_ACKNOWLEDGE = auto()


class I2cAtPins:
    """Open drain: SDA is only ever driven low, SCL when a target holds the clock.

    `freed` is called when a target no longer holds SDA.
    """

    def __init__(self, machine: DrivenPins, pins: PinWatch, bus: I2cBus, freed: Callable[[], None]) -> None:
        self._freed = freed
        self._held_for = 0
        """Clocks until a target lets SDA go."""
        self._machine = machine
        self._pins = pins
        self._sda = self._scl = 0
        self._sda_high = self._scl_high = True
        self._phase = Phase.IDLE
        self._reading = False
        self._shift = 0
        self._count = 0
        self._acknowledged = False
        self.hang_at(bus)

    def hang_at(self, bus: I2cBus) -> None:
        """The targets are those of this bus from now on."""
        self.bus = bus
        bus.followers.append(self._release)
        self._release()

    def leave(self) -> None:
        """This bus."""
        self.bus.followers.remove(self._release)

    def listen(self, sda: int, scl: int) -> None:
        """At these two pins (masks) from now on; 0, 0: at none."""
        if (sda, scl) == (self._sda, self._scl):
            return
        self._machine.set_external(self._sda | self._scl, 0, 0)
        self._phase = Phase.IDLE
        self._sda, self._scl = sda, scl
        self._sda_high = self._scl_high = True
        self._release()
        self._pins.watch(self._changed, sda | scl)

    @property
    def data_held(self) -> bool:
        """A target holds SDA low though nobody talks to it."""
        return self._held_for > 0

    def hold_data(self, clocks: int) -> None:
        """A target holds SDA low until it has seen so many clocks: it missed some in a transfer that was cut off."""
        self._held_for = clocks
        self._release()

    def _changed(self, changed: int, levels: int) -> None:
        sda_before, scl_before = self._sda_high, self._scl_high
        sda, scl = bool(levels & self._sda), bool(levels & self._scl)
        self._sda_high, self._scl_high = sda, scl
        if scl and scl_before:
            if sda_before and not sda:
                self._started()
            elif sda and not sda_before and self._phase is not Phase.IDLE:
                self._phase = Phase.IDLE
                self.bus.stop()
        elif scl:
            self._clock_rose(sda)
        elif scl_before:
            self._clock_fell()

    def _started(self) -> None:
        self._phase = Phase.ADDRESS
        self._shift = self._count = 0
        self.bus.begin()

    def _clock_rose(self, sda: bool) -> None:
        if self._phase in (Phase.ADDRESS, Phase.WRITE):
            self._shift = self._shift << 1 | sda
            self._count += 1
        elif self._phase is Phase.MASTER_ACKNOWLEDGE:
            self._acknowledged = not sda

    def _clock_fell(self) -> None:
        if self._held_for:
            self._held_for -= 1
            if not self._held_for:
                self._release()
                self._freed()
            return
        phase = self._phase
        if phase is Phase.ADDRESS and self._count == 8:
            self._reading = bool(self._shift & 1)
            self._answer(self.bus.start(self._shift >> 1, self._reading))
        elif phase is Phase.WRITE and self._count == 8:
            self._write()
        elif phase is Phase.ACKNOWLEDGE:
            self._release()
            self._shift = self._count = 0
            if self._reading:
                self._load()
            else:
                self._phase = Phase.WRITE
        elif phase is Phase.READ:
            self._next_bit()
        elif phase is Phase.MASTER_ACKNOWLEDGE:
            self.bus.acknowledge(self._acknowledged)
            if self._acknowledged:
                self._load()
            else:
                self._phase = Phase.DEAF

    def _answer(self, acknowledged: bool) -> None:
        self._phase = Phase.ACKNOWLEDGE if acknowledged else Phase.DEAF
        if acknowledged:
            self._drive(self._sda)

    def _write(self) -> None:
        acknowledged = self.bus.write(self._shift, self._write)
        if acknowledged is None:
            self._drive(self._scl)
        else:
            self._let_go(self._scl)
            self._answer(acknowledged)

    def _load(self) -> None:
        """The next byte to be read."""
        self._phase = Phase.READ
        value = self.bus.read(self._load)
        if value is None:
            self._drive(self._scl)
            return
        self._shift, self._count = value, 0
        self._next_bit()
        self._let_go(self._scl)

    def _next_bit(self) -> None:
        if self._count == 8:
            self._phase = Phase.MASTER_ACKNOWLEDGE
            self._let_go(self._sda)
            return
        high = self._shift >> (7 - self._count) & 1
        self._count += 1
        if high:
            self._let_go(self._sda)
        else:
            self._drive(self._sda)

    def _drive(self, pin: int) -> None:
        """A line low."""
        self._machine.set_external(pin, 0, pin)

    def _let_go(self, pins: int) -> None:
        """Lines that nobody here drives; the resistors do, where there are any."""
        up = pins if self.bus.pulled_up else 0
        self._machine.set_external(pins, up, up)

    def _release(self) -> None:
        """Both; one of them where a target holds it."""
        if self._sda:
            self._let_go(self._sda | self._scl)
            if self._held_for:
                self._drive(self._sda)
