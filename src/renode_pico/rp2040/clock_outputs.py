"""CLK_GPOUT0 to CLK_GPOUT3 at their pins (RP2040 datasheet, 2.15.3.2), edge by edge."""

from __future__ import annotations

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Function, Machine
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.pin_watch import PinWatch
from renode_pico.rp2040.unmodelled import Unmodelled

PINS = (21, 23, 24, 25)
"""By number of the output (RP2040 datasheet, 2.19.2)."""
FASTEST_HZ = 100_000
"""Each edge is an event of its own: faster clocks are not shown."""


class ClockOutputs:
    """What comes out where FUNCSEL says so."""

    LACKS = (f"Outputs faster than {FASTEST_HZ // 1000} kHz stay low at their pins.",)

    def __init__(self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, pins: PinWatch) -> None:
        self._machine = machine
        self._unmodelled = unmodelled
        self._clocks = clocks
        self._alarms = [clock.alarm(lambda number=number: self._edge(number)) for number in range(len(PINS))]  # type: ignore[misc]
        self._half_ns = [0] * len(PINS)
        """Half a period; 0: nothing comes out."""
        self._high = [False] * len(PINS)
        clocks.follow(self._changed)
        pins.follow_functions(self._changed)
        for number in range(len(PINS)):
            self._drive(number, False)

    def _changed(self) -> None:
        selected = self._machine.pin_functions(Function.CLOCK)
        for number, pin in enumerate(PINS):
            hz = self._clocks.frequency[Generator(number)] if selected >> pin & 1 else 0
            if hz > FASTEST_HZ:
                self._unmodelled.note("CLOCKS", f"CLK_GPOUT{number}_CTRL", f"is too fast to be shown at GPIO{pin}")
                hz = 0
            half_ns = NS_PER_S // (2 * hz) if hz else 0
            if half_ns != self._half_ns[number]:
                self._half_ns[number] = half_ns
                self._alarms[number].cancel()
                self._drive(number, False)
                if half_ns:
                    self._alarms[number].schedule(half_ns)

    def _edge(self, number: int) -> None:
        self._drive(number, not self._high[number])
        self._alarms[number].schedule(self._half_ns[number])

    def _drive(self, number: int, high: bool) -> None:
        self._high[number] = high
        pin = 1 << PINS[number]
        self._machine.drive(Function.CLOCK, pin, pin if high else 0, pin)
