"""The watchdog's tick, by which TIMER and the watchdog count, as a C program finds it: firmware/chip/tick."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

pytestmark = pytest.mark.usefixtures("own_board")

CHECKS = {
    "P5.timer": (
        "TIMER counts microseconds", "at half the rate", "no tick, no time", "it goes on with the tick",
        "clk_ref divided", "a pause is a pause",
    ),
    "P5.alarms": ("an alarm at that rate",),
    "P5.watchdog": ("the watchdog by its tick", "and waits without"),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    return outcomes("tick", engine_of(request.config))


@pytest.mark.row("P5.{part}")
@pytest.mark.parametrize(
    ("part", "check"), [(row.removeprefix("P5."), check) for row, checks in CHECKS.items() for check in checks]
)
def test_check(said: dict[str, bool], part: str, check: str) -> None:
    assert said[check]


def test_no_check_is_left_out(said: dict[str, bool]) -> None:
    assert sorted(said) == sorted(check for checks in CHECKS.values() for check in checks)
