"""What somebody does to a board at an emulated time: buttons pressed, pins driven."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from renode_pico.board import Board
from renode_pico.engine.parts import adc_input, finite
from renode_pico.errors import UsageError

HOLD = 0.2
"""Emulated seconds for which a button is held when it is not said how long."""
UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(s|ms|us)?")
ADC = re.compile(r"adc(\d+)", re.IGNORECASE)
PIN = re.compile(r"(?:gpio|gp)?(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Press:
    """A button goes down or is let go."""

    at: float
    button: str
    down: bool

    def do(self, board: Board) -> None:
        """Do it now."""
        board.press(self.button, self.down)


@dataclass(frozen=True, slots=True)
class Drive:
    """A pin is driven from outside."""

    at: float
    pin: int
    level: bool

    def do(self, board: Board) -> None:
        """Do it now."""
        board.engine.set_gpio(self.pin, self.level)


@dataclass(frozen=True, slots=True)
class Voltage:
    """An ADC input sees another voltage."""

    at: float
    channel: int
    volts: float

    def do(self, board: Board) -> None:
        """Do it now."""
        board.set_adc(self.channel, self.volts)


@dataclass(frozen=True, slots=True)
class Warmth:
    """The chip is at another temperature."""

    at: float
    celsius: float

    def do(self, board: Board) -> None:
        """Do it now."""
        board.set_temperature(self.celsius)


Event = Press | Drive | Voltage | Warmth


def parse_time(text: str) -> float:
    """Read `1.5s`, `200ms`, `50us` or `2` (seconds). Raises UsageError."""
    match = TIME.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is no time: give 1.5s, 200ms or 50us")
    return float(match[1]) * UNITS[match[2] or ""]


def parse_pin(text: str) -> int:
    """Read `gpio3`, `GP3` or `3`. Raises UsageError."""
    match = PIN.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is no pin: give gpio0 to gpio29")
    return int(match[1])


def parse_press(text: str) -> tuple[Press, Press]:
    """Read `bootsel@1.5s`, held for 0.2 s, or `bootsel@1.5s-3s`. Raises UsageError."""
    name, at, when = text.partition("@")
    begin, dash, end = when.partition("-")
    if not name or not at or (dash and not end):
        raise UsageError(f"--press {text}: give NAME@TIME or NAME@FROM-UNTIL, such as bootsel@1.5s")
    down = parse_time(begin)
    up = parse_time(end) if dash else down + HOLD
    if up <= down:
        raise UsageError(f"--press {text}: it ends before it begins")
    return Press(down, name, True), Press(up, name, False)


def parse_set(text: str) -> Drive | Voltage | Warmth:
    """Read `gpio3=1@2s`, `adc0=1.65@1s`, `temperature=40@1s`; without a time from the start. Raises UsageError."""
    what, at, when = text.partition("@")
    name, equals, value = what.partition("=")
    wanted = "give gpio3=1@2s (0 or 1), adc0=1.65@1s (volts) or temperature=40@1s (degrees Celsius)"
    if not equals or (at and not when):
        raise UsageError(f"--set {text}: {wanted}")
    time = parse_time(when) if at else 0.0
    adc = ADC.fullmatch(name.strip())
    if adc is None and name.strip().lower() != "temperature":
        if value not in ("0", "1"):
            raise UsageError(f"--set {text}: {wanted}")
        return Drive(time, parse_pin(name), value == "1")
    try:
        number = float(value)
    except ValueError:
        raise UsageError(f"--set {text}: {wanted}") from None
    return Voltage(time, int(adc[1]), number) if adc is not None else Warmth(time, number)


class Timetable:
    """Events in the order of their times; at the same time, in the order given. Times are since power-on."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = sorted(events, key=lambda event: event.at)

    def check(self, board: Board) -> None:
        """Ask the board for every button and pin before it runs. Raises UsageError."""
        for event in self._events:
            if isinstance(event, Press):
                board.press(event.button, False)
            elif isinstance(event, Drive):
                board.engine.gpio(event.pin)
            elif isinstance(event, Voltage):
                adc_input(event.channel)
                finite(event.volts, "a voltage")
            else:
                finite(event.celsius, "a temperature")

    def begin(self, board: Board) -> None:
        """Have everything done at its emulated instant, whatever the host is about then; at once what is past."""
        for event in self._events:
            board.engine.at(event.at, partial(event.do, board))
