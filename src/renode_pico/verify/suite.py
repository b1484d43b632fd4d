"""The verifier in somebody's test: the object of pytest's fixture, which Robot's keywords use, too."""

from __future__ import annotations

from renode_pico.board import Board
from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report
from renode_pico.verify.runner import verify as run
from renode_pico.verify.table import choose
from renode_pico.verify.target import BoardTarget


class Verify:
    """Verifies a test's board: `verify.chapter9()`, `verify.pack("hid")`.

    Both give the report and raise AssertionError when an item has failed. `seed`: of what is random.
    """

    def __init__(self, board: Board, seed: int = 0) -> None:
        self._board = board
        self.seed = seed

    def chapter9(self, *only: str, without: tuple[str, ...] = ()) -> Report:
        """All items of chapter 9, those with the given ids only, or all `without` some."""
        return self.pack("chapter9", *only, without=without)

    def pack(self, name: str, *only: str, without: tuple[str, ...] = ()) -> Report:
        """The items of a pack. Raises UsageError for a name or an id that there is not."""
        left_out = {item.id for item in choose([name], without)} if without else set()
        items = [item for item in choose([name], only) if item.id not in left_out]
        report = run(BoardTarget(self._board), items, seed=self.seed)
        self._board.forget_device()
        bad = [reports.line(result) for result in report.results if result.verdict.bad]
        if bad:
            raise AssertionError("\n".join([f"{len(bad)} of {len(items)} items failed", *bad]))
        return report
