"""The same firmware and the same stimuli give the same run (row C17)."""

from __future__ import annotations

from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.pytest_plugin import engine_of
from renode_pico.trace.session import ObservableHost
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord

Record = TransactionRecord | BusEventRecord | TransferRecord


class Everything:
    """Keeps all that is reported of a bus but the starts of frames."""

    wants_sof = False

    def __init__(self) -> None:
        self.records: list[Record] = []

    def transaction(self, record: TransactionRecord) -> None:
        self.records.append(record)

    def event(self, record: BusEventRecord) -> None:
        self.records.append(record)

    def transfer(self, record: TransferRecord) -> None:
        self.records.append(record)


def session(board: Board) -> tuple[list[Record], int, float]:
    """Enumerate, use the REPL; everything on the bus with its time, instructions executed, emulated time."""
    seen = Everything()
    assert isinstance(board.host, ObservableHost)
    board.host.add_observer(seen)
    repl = board.repl()
    assert repl.eval("sum(range(100))") == 4950
    board.host.suspend()
    board.host.resume()
    board.host.run(0.01)
    board.host.remove_observer(seen)
    return seen.records, board.engine.instructions, board.engine.now


@pytest.mark.row("C17.same-trace")
def test_two_runs_are_the_same_to_the_nanosecond(pico: Board) -> None:
    first = session(pico)
    with Board(engine=cast(EngineName, pico.engine.name)) as again:
        second = session(again)
    assert len(first[0]) > 100
    assert first == second


THREAD = """
import _thread, time
def work():
    for _ in range(20): time.sleep_ms(1)
_thread.start_new_thread(work, ())
time.sleep_ms(30)
"""


@pytest.mark.row("C17.same-trace")
@pytest.mark.usefixtures("own_board")
def test_runs_of_two_cores_are_the_same_too(pytestconfig: pytest.Config) -> None:
    def run() -> tuple[object, object]:
        with Board(engine=cast(EngineName, engine_of(pytestconfig)), cores=2) as board:
            before = session(board)
            board.exec(THREAD)
            return before, session(board)

    first = run()
    for _ in range(2):
        assert run() == first
