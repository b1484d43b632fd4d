"""A master's Motorola frames at the pins of an SPI, half a bit at a time (ARM DDI 0194, 2.4), for whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from renode_pico.clock import Clock
from renode_pico.rp2040.block import Function, Machine

RX, CSN, SCK, TX = (tuple(pins << role for pins in (0x0011_0011, 0x1100_1100)) for role in range(4))
"""By number of the SPI: RX, CSn, SCK and TX take turns (RP2040 datasheet, 2.19.2)."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Of the three outputs; chip select is low while it selects."""

    select: bool
    clock: bool
    data: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, from when it begins: half bit 0. `follows`: another one was before it without a pause."""

    value: int
    bits: int
    polarity: bool
    """SPO: the clock's level between frames."""
    phase: bool
    """SPH: data is captured at the clock's second edge."""
    follows: bool

    def idle(self) -> Levels:
        """Before the first frame and behind the last."""
        return Levels(select=True, clock=self.polarity, data=False)

    def _at(self, half: int) -> int:
        """The half bit since chip select went low: with SPH = 0 it is high for one between two frames."""
        return half - (self.follows and not self.phase)

    @property
    def half_bits(self) -> int:
        """Of the whole frame."""
        return 2 * self.bits + (0 if self.phase else 2 + self.follows)

    def levels(self, half: int) -> Levels:
        """From that half bit on."""
        at = self._at(half)
        if at < 0:
            return self.idle()
        if not self.phase and at == 0:
            return Levels(select=False, clock=self.polarity, data=False)
        number = min((at if self.phase else at - 1) // 2, self.bits - 1)
        active = at % 2 == 0 and at <= 2 * self.bits
        return Levels(False, active != self.polarity, bool(self.value >> (self.bits - 1 - number) & 1))

    def captures(self, half: int) -> bool:
        """Whether both sides look at the data at the beginning of that half bit."""
        at = self._at(half)
        return at % 2 == 1 if self.phase else at >= 2 and at % 2 == 0 and at <= 2 * self.bits


class MasterPins:
    """SCK, TX and CSn of SPI `which`; RX is looked at where a frame captures."""

    def __init__(self, machine: Machine, clock: Clock, which: int) -> None:
        self._machine = machine
        self._clock = clock
        self._which = which
        self._alarm = clock.alarm(self._next)
        self._frame: Frame | None = None
        self._half_bits_ns: Callable[[int], int] = _no_time
        self._half = 0
        self._since_ns = 0
        self._received = 0

    @property
    def outputs(self) -> int:
        """Pins, whatever function they have."""
        return CSN[self._which] | SCK[self._which] | TX[self._which]

    def idle(self, *, polarity: bool, master: bool) -> None:
        """Between frames. TX is an output always (RP2040 datasheet, 4.4.3: nSSPOE is not connected to the pad)."""
        self._alarm.cancel()
        self._frame = None
        select, clock, data = CSN[self._which], SCK[self._which], TX[self._which]
        out = select | (clock if polarity else 0)
        self._machine.drive(Function.SPI, self.outputs, out, (select | clock if master else 0) | data)

    def send(self, frame: Frame, half_bits_ns: Callable[[int], int]) -> None:
        """From now on. `half_bits_ns(n)`: how long n half bits last, in nanoseconds."""
        self._frame, self._half_bits_ns = frame, half_bits_ns
        self._half = self._received = 0
        self._since_ns = self._clock.now_ns
        self._show()

    def end(self) -> int | None:
        """The frame is over: what was received; None when there was none at the pins."""
        frame, self._frame = self._frame, None
        self._alarm.cancel()
        return None if frame is None else self._received

    def _next(self) -> None:
        self._half += 1
        frame = self._frame
        if frame is not None and frame.captures(self._half):
            pins = RX[self._which] & self._machine.pin_functions(Function.SPI)
            self._received = self._received << 1 | bool(pins & self._machine.pin_inputs())
        self._show()

    def _show(self) -> None:
        frame = self._frame
        if frame is None:
            return
        levels = frame.levels(self._half)
        out = CSN[self._which] if levels.select else 0
        out |= SCK[self._which] if levels.clock else 0
        out |= TX[self._which] if levels.data else 0
        self._machine.drive(Function.SPI, self.outputs, out, self.outputs)
        if self._half + 1 < frame.half_bits:
            self._alarm.schedule(self._since_ns + self._half_bits_ns(self._half + 1) - self._clock.now_ns)


def _no_time(half_bits: int) -> int:
    return 0
