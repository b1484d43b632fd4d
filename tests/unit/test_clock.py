"""Seconds and nanoseconds."""

from __future__ import annotations

import pytest

from renode_pico.clock import nanoseconds


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0), (-1e-12, 0), (-1.5, -1_500_000_000), (1e-12, 1), (0.5e-9, 1), (1e-9, 1), (1.4e-9, 1), (0.1, 100_000_000)],
)
def test_should_never_take_what_is_left_for_nothing(seconds: float, expected: int) -> None:
    assert nanoseconds(seconds) == expected
