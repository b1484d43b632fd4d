"""Two wires with their targets, byte by byte (UM10204): what an I2C controller of the chip talks to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

GENERAL_CALL = 0
TEN_BITS = 0x400
"""Added to an address of ten bits, which is another than the one of seven bits with the same number."""


class I2cTarget(Protocol):
    """Something with an address."""

    def start(self, address: int, read: bool) -> bool:
        """START or repeated START, and the address, one of ten bits with TEN_BITS; True: acknowledged.

        Then it is read from or written to until `stop`, or another `start` that it does not acknowledge.
        """

    def write(self, value: int) -> bool | None:
        """A byte for it; True: acknowledged. None: it holds the clock low until it calls `I2cBus.released`."""

    def read(self) -> int | None:
        """A byte from it. None: as above."""

    def acknowledge(self, more: bool) -> None:
        """The controller acknowledges the byte that was read (and wants another one), or not."""

    def stop(self) -> None:
        """STOP."""


@runtime_checkable
class TenBitTarget(Protocol):
    """A target that may have an address of ten bits; any other has seven, or all ten are compared at once."""

    def begins_like(self, address: int) -> bool:
        """Whether it acknowledges the first byte of this address, which has two bits of it (UM10204, 3.1.11)."""


@runtime_checkable
class SeesStart(Protocol):
    """A target that is told of each START and RESTART, whoever is meant."""

    def begun(self) -> None:
        """The condition; the address comes later."""


@runtime_checkable
class Stretches(Protocol):
    """A target that holds the clock low before a byte, where `I2cTarget` can do so only behind it."""

    def ready(self, read: bool) -> bool:
        """Whether the next byte can begin; if not, `I2cBus.released` is called when it can."""


class I2cBus:
    """One controller at a time, any number of targets; what several of them say at once is a wired AND."""

    def __init__(self) -> None:
        self.targets: list[I2cTarget] = []
        self.pulled_up = False
        """With the devices come the resistors that pull both wires up."""
        self.followers: list[Callable[[], None]] = []
        """Who is told when it is."""
        self._addressed: list[I2cTarget] = []
        self._waiting: Callable[[], None] | None = None

    def attach(self, target: I2cTarget) -> None:
        """One more device at the wires."""
        self.targets.append(target)
        self.pulled_up = True
        for follower in self.followers:
            follower()

    def join(self, controller: I2cTarget) -> None:
        """A controller of the chip, which may be a target, too, and brings no resistors."""
        self.targets.append(controller)

    def begin(self) -> None:
        """START or RESTART."""
        for target in self.targets:
            if isinstance(target, SeesStart):
                target.begun()

    def ready(self, read: bool, resume: Callable[[], None]) -> bool:
        """Whether the next byte can begin. False: the clock is held low, `resume()` is called when it no longer is."""
        if all(target.ready(read) for target in self._addressed if isinstance(target, Stretches)):
            return True
        self._waiting = resume
        return False

    def start(self, address: int, read: bool) -> bool:
        """The address and direction behind a START; whether anybody is there."""
        self._waiting = None
        self._addressed = [target for target in self.targets if target.start(address, read)]
        return bool(self._addressed)

    def begins_like(self, address: int) -> bool:
        """Whether anybody acknowledges the first byte of an address of ten bits that is nobody's."""
        return any(isinstance(target, TenBitTarget) and target.begins_like(address) for target in self.targets)

    def write(self, value: int, resume: Callable[[], None]) -> bool | None:
        """A byte to whom was addressed. None: the clock is held low, `resume()` is called when it no longer is."""
        answers = [target.write(value) for target in self._addressed]
        if None in answers:
            self._waiting = resume
            return None
        return any(answers)

    def read(self, resume: Callable[[], None]) -> int | None:
        """A byte from whom was addressed. None: as above."""
        value = 0xFF
        for target in self._addressed:
            byte = target.read()
            if byte is None:
                self._waiting = resume
                return None
            value &= byte
        return value

    def acknowledge(self, more: bool) -> None:
        """What the controller says to a byte it has read."""
        for target in self._addressed:
            target.acknowledge(more)

    def stop(self) -> None:
        """STOP, which everybody sees."""
        self._waiting = None
        self._addressed = []
        for target in self.targets:
            target.stop()

    def released(self) -> None:
        """A target no longer holds the clock low."""
        resume, self._waiting = self._waiting, None
        if resume is not None:
            resume()
