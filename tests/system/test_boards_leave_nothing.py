"""A closed board on Renode leaves nothing in the process, where .NET, Python and Renode's threads could hold it."""

from __future__ import annotations

from typing import Any

import pytest

from renode_pico.board import Board
from renode_pico.engine.renode import RenodeEngine
from renode_pico.engine.renode_runtime import BOARDS_BETWEEN_COLLECTIONS

pytestmark = pytest.mark.pico(firmware="cdc")


def used(board: Board) -> Any:
    """Use a board and close it; returns what shows whether its emulation is still held."""
    from System import WeakReference

    with board:
        assert board.exec("print(6 * 7)").strip() == b"42"
        assert isinstance(board.engine, RenodeEngine)
        return WeakReference(board.engine.runtime.emulation.internal)


@pytest.mark.engine("renode", reason="what is held is .NET's")
def test_closed_board_is_let_go(pico: Board) -> None:
    assert isinstance(pico.engine, RenodeEngine)
    runtime = pico.engine.runtime
    firmware = pico.firmware
    pico.close()
    left = [used(Board(firmware, engine="renode")) for _ in range(3)]
    for _ in range(BOARDS_BETWEEN_COLLECTIONS):
        runtime.collect()
    # what the last board has left on the stack may still be there
    assert [each.IsAlive for each in left[:-1]] == [False, False]


@pytest.mark.engine("renode", reason="it has one emulation for all boards of a process")
def test_board_may_be_closed_after_a_later_one_has_begun(pico: Board) -> None:
    with Board(pico.firmware, engine="renode") as later:
        pico.close()
        assert later.exec("print(6 * 7)").strip() == b"42"
