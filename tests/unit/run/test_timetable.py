"""Times, pins and buttons as the command line gives them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.errors import UsageError
from renode_pico.run.timetable import (
    Drive,
    Press,
    Timetable,
    Voltage,
    Warmth,
    parse_pin,
    parse_press,
    parse_set,
    parse_time,
)


@pytest.mark.parametrize(("text", "seconds"), [("1.5s", 1.5), ("200ms", 0.2), ("50us", 50e-6), ("2", 2.0), (".5", 0.5)])
def test_times(text: str, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "1.5h", "-1s", "soon", "1e3"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_time(text)


@pytest.mark.parametrize("text", ["gpio3", "GP3", "3"])
def test_pins(text: str) -> None:
    assert parse_pin(text) == 3


def test_a_button_is_let_go_again() -> None:
    assert parse_press("bootsel@1.5s") == (Press(1.5, "bootsel", True), Press(1.7, "bootsel", False))
    assert parse_press("bootsel@1s-3s") == (Press(1.0, "bootsel", True), Press(3.0, "bootsel", False))


def test_a_pin_is_driven_at_a_time_or_from_the_start() -> None:
    assert parse_set("gpio3=1@2s") == Drive(2.0, 3, True)
    assert parse_set("GP4=0") == Drive(0.0, 4, False)
    assert parse_set("adc1=1.65@20ms") == Voltage(0.02, 1, 1.65)
    assert parse_set("temperature=-5") == Warmth(0.0, -5.0)


@pytest.mark.parametrize("text", ["bootsel", "@1s", "bootsel@", "bootsel@1s-", "bootsel@2s-1s", "bootsel@now"])
def test_presses_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_press(text)


@pytest.mark.parametrize("text", ["gpio3", "gpio3=2@1s", "led=1@1s", "gpio3=1@", "=1@1s"])
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_set(text)


def test_everything_is_given_to_the_engine_for_its_time() -> None:
    class Engine:
        def __init__(self) -> None:
            self.waiting: list[tuple[float, Callable[[], None]]] = []
            self.pins: list[tuple[int, bool]] = []

        def at(self, seconds: float, action: Callable[[], None]) -> None:
            self.waiting.append((seconds, action))

        def set_gpio(self, pin: int, level: bool) -> None:
            self.pins.append((pin, level))

    engine = Engine()
    table = Timetable([Drive(2.0, 3, True), Drive(1.0, 4, False), Drive(1.0, 5, True)])
    table.begin(cast(Board, SimpleNamespace(engine=engine)))
    assert [seconds for seconds, _ in engine.waiting] == [1.0, 1.0, 2.0]
    for _, action in engine.waiting:
        action()
    assert engine.pins == [(4, False), (5, True), (3, True)]
