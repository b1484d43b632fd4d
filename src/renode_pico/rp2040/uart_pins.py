"""A UART's characters at its pins, bit by bit: for whoever listens there, and from whoever drives them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from renode_pico.clock import Clock
from renode_pico.rp2040.block import Function, Machine

LCR_PEN, LCR_EPS, LCR_STP2, LCR_WLEN_LSB, LCR_SPS = 1 << 1, 1 << 2, 1 << 3, 5, 1 << 7


@dataclass(frozen=True, slots=True)
class Frame:
    """How a character looks on the line (UARTLCR_H)."""

    control: int

    @property
    def data_bits(self) -> int:
        """5 to 8."""
        return 5 + (self.control >> LCR_WLEN_LSB & 0b11)

    def parity(self, value: int) -> int | None:
        """The parity bit of a character, or None without parity."""
        if not self.control & LCR_PEN:
            return None
        even = bool(self.control & LCR_EPS)
        if self.control & LCR_SPS:
            return 0 if even else 1
        return value.bit_count() & 1 ^ (0 if even else 1)

    def bits(self, value: int) -> list[int]:
        """Start, data from the least significant bit on, parity, stop."""
        parity = self.parity(value)
        bits = [0, *(value >> number & 1 for number in range(self.data_bits))]
        bits += [] if parity is None else [parity]
        return [*bits, 1, 1] if self.control & LCR_STP2 else [*bits, 1]


class TransmitPins:
    """TX: high while nothing is sent. `bit_ns(n)`: how long n bits last, in nanoseconds."""

    def __init__(self, machine: Machine, clock: Clock, pins: int) -> None:
        self._machine = machine
        self._clock = clock
        self._pins = pins
        self._alarm = clock.alarm(self._next_edge)
        self._edges: deque[tuple[int, int]] = deque()
        """Instants, and levels from then on."""
        self.drive(1)

    def drive(self, level: int) -> None:
        """This level, whatever was under way."""
        self._edges.clear()
        self._alarm.cancel()
        self._machine.drive(Function.UART, self._pins, self._pins if level else 0, self._pins)

    def send(self, bits: list[int], bit_ns: Callable[[int], int]) -> None:
        """One character from now on."""
        now_ns = self._clock.now_ns
        level = 1
        self._edges.clear()
        for number, bit in enumerate(bits):
            if bit != level:
                self._edges.append((now_ns + bit_ns(number), bit))
                level = bit
        self._next_edge()

    def _next_edge(self) -> None:
        now_ns = self._clock.now_ns
        while self._edges and self._edges[0][0] <= now_ns:
            _, level = self._edges.popleft()
            self._machine.drive(Function.UART, self._pins, self._pins if level else 0, self._pins)
        if self._edges:
            self._alarm.schedule(self._edges[0][0] - now_ns)


class ReceivePins:
    """RX: a falling edge is a start bit; each bit is looked at in its middle.

    `received(value, sound, stop)` is called in the middle of the stop bit: the data, whether parity is right, and the
    stop bit's level.
    """

    def __init__(self, machine: Machine, clock: Clock, received: Callable[[int, bool, int], None]) -> None:
        self._machine = machine
        self._clock = clock
        self._received = received
        self._alarm = clock.alarm(self._look)
        self.pins = 0
        """Those that are the receiver's now."""
        self._frame = Frame(0)
        self._bit_ns: Callable[[int], int] = _no_time
        self._bits: list[int] = []
        self._since_ns = 0
        self._receiving = False
        self._fell = False
        """The line is low, and no character has begun with that."""

    def stop(self) -> None:
        """Whatever was under way is lost."""
        self._alarm.cancel()
        self._receiving = self._fell = False

    def changed(self) -> None:
        """The level at the pins is another one."""
        self._fell = not self._receiving and not self._level()

    def begin(self, frame: Frame, bit_ns: Callable[[int], int]) -> None:
        """A character, if the line has fallen; `frame`, `bit_ns`: what it is like."""
        if self._receiving or not self._fell:
            return
        self._receiving, self._fell = True, False
        self._frame, self._bit_ns = frame, bit_ns
        self._bits = []
        self._since_ns = self._clock.now_ns
        self._wait()

    def _level(self) -> bool:
        return not self.pins & ~self._machine.pin_inputs()

    def _wait(self) -> None:
        middle = self._bit_ns(2 * len(self._bits) + 1) // 2
        self._alarm.schedule(self._since_ns + middle - self._clock.now_ns)

    def _look(self) -> None:
        level = int(self._level())
        if not self._bits and level:
            self._receiving = False  # a spike is no start bit
            return
        self._bits.append(level)
        frame = self._frame
        parity_bits = 0 if frame.parity(0) is None else 1
        if len(self._bits) < 1 + frame.data_bits + parity_bits + 1:
            self._wait()
            return
        self._receiving = False
        value = sum(bit << number for number, bit in enumerate(self._bits[1 : 1 + frame.data_bits]))
        sound = not parity_bits or self._bits[-2] == frame.parity(value)
        self._received(value, sound, level)


def _no_time(bits: int) -> int:
    return 0
