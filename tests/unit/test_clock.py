"""Seconds and nanoseconds."""

from __future__ import annotations

import pytest

from renode_pico.clock import nanoseconds
from renode_pico.errors import UsageError


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0), (-1e-12, 0), (-1.5, -1_500_000_000), (1e-12, 1), (0.5e-9, 1), (1e-9, 1), (1.4e-9, 1), (0.1, 100_000_000)],
)
def test_should_never_take_what_is_left_for_nothing(seconds: float, expected: int) -> None:
    assert nanoseconds(seconds) == expected


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), 1e12])
def test_should_refuse_what_no_clock_can_count(seconds: float) -> None:
    with pytest.raises(UsageError, match="a time is less than 9,000,000,000 seconds"):
        nanoseconds(seconds)
