"""The loop that every test program has: until a deadline, wait for what is left of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from renode_pico.board import Board
from renode_pico.errors import UsageError

WAITS: dict[str, Callable[[Board, float], object]] = {
    "engine.run": lambda board, seconds: board.engine.run(seconds),
    "engine.run_until": lambda board, seconds: board.engine.run_until(lambda: False, seconds),
    "host.run": lambda board, seconds: board.host.run(seconds),
    "host.wait_until": lambda board, seconds: board.host.wait_until(lambda: False, seconds),
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_for_what_is_left_ends(pico: Board, wait: str) -> None:
    for number in range(30):
        end = pico.engine.now + 0.001 * (number + 1) / 7
        turns = 0
        while pico.engine.now < end:
            WAITS[wait](pico, end - pico.engine.now)
            turns += 1
            assert turns < 10, f"{end - pico.engine.now} s are left, and no time passes"


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_for_no_time_that_clocks_count_is_refused(pico: Board, wait: str) -> None:
    for seconds in (float("nan"), float("inf"), 1e12):
        with pytest.raises(UsageError, match="a time is less than 9,000,000,000 seconds"):
            WAITS[wait](pico, seconds)
