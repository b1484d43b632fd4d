"""Registers of SIO, TIMER, IO_BANK0 and the watchdog as a C program finds them: firmware/chip/blocks."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

pytestmark = pytest.mark.usefixtures("own_board")

CHECKS = {
    "P2.dividers": (
        "quotients round to zero", "unsigned operands", "by zero", "by zero with a sign", "the least integer by -1",
        "dirty until the quotient is read", "ready after eight cycles", "results that a handler puts back",
        "operands are the same registers", "CSR takes no writes",
    ),
    "P2.interpolators": (
        "shifted and masked", "the sign is that of the highest bit", "raw accumulators are added", "crossed inputs",
        "results go back, crossed or not", "bits forced for the bus", "what is added to accumulators",
        "both bases at once", "overflow above the mask", "blending", "blending down, and with signs",
        "clamping with a sign", "clamping without", "one blends, the other clamps",
    ),
    "P5.timer": ("the upper word is that of the lower one", "TIMER paused and set"),
    "P5.alarms": (
        "alarms armed and disarmed", "an alarm when the lower words are equal", "an alarm's interrupt forced",
    ),
    "P6.gpio": ("OUTOVER", "OEOVER", "INOVER", "a pin that nobody drives"),
    "P6.pads": ("a pad's input enable", "a pad's output disable"),
    "P6.gpio-interrupts": ("an edge", "levels, edges, forces and IRQOVER"),
    "P5.watchdog": ("cycles to the next tick", "scratch registers"),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    return outcomes("blocks", engine_of(request.config))


def checks_of(row: str) -> list[tuple[str, str]]:
    return [
        (part.removeprefix(row), check) for part, checks in CHECKS.items() if part.startswith(row) for check in checks
    ]


@pytest.mark.row("P2.{part}")
@pytest.mark.parametrize(("part", "check"), checks_of("P2."))
def test_sio(said: dict[str, bool], part: str, check: str) -> None:
    assert said[check]


@pytest.mark.row("P5.{part}")
@pytest.mark.parametrize(("part", "check"), checks_of("P5."))
def test_timer_and_watchdog(said: dict[str, bool], part: str, check: str) -> None:
    assert said[check]


@pytest.mark.row("P6.{part}")
@pytest.mark.parametrize(("part", "check"), checks_of("P6."))
def test_pins(said: dict[str, bool], part: str, check: str) -> None:
    assert said[check]


def test_no_check_is_left_out(said: dict[str, bool]) -> None:
    assert sorted(said) == sorted(check for checks in CHECKS.values() for check in checks)
