"""The processor's rate, as a board is asked to have it (row P9)."""

from __future__ import annotations

import pytest

from renode_pico.board import Board

LOOP = """
import time
def loop():
    t = time.ticks_us()
    for _ in range(2000): pass
    return time.ticks_diff(time.ticks_us(), t)
loop()
"""


def took(board: Board) -> int:
    """Emulated microseconds for a loop of the processor's."""
    repl = board.uart_repl()
    repl.exec(LOOP)
    microseconds = repl.eval("loop()")
    assert isinstance(microseconds, int)
    return microseconds


@pytest.mark.row("P9.instruction-rate")
@pytest.mark.engine("renode", reason="the embedded engine has one rate")
@pytest.mark.pico(firmware="uart", mips=25)
def test_a_board_runs_at_the_rate_it_was_made_with(pico: Board) -> None:
    slow = took(pico)
    pico.close()
    for mips in (None, 125):
        with Board("uart", engine="renode", mips=mips) as other:
            assert 4.8 < slow / took(other) < 5.2
