"""Fuzzing at the end of a test: the board as the test has left it."""

from __future__ import annotations

from collections.abc import Iterable

from renode_pico.board import Board
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.judges import LeftOut
from renode_pico.fuzz.program import write_actions
from renode_pico.fuzz.session import DEFAULT_CASES, Fuzzer
from renode_pico.fuzz.target import Target


def check(board: Board, *, cases: int = DEFAULT_CASES, seed: int = 1, without: Iterable[str] = ()) -> str:
    """Fuzz a board's device as it is. Returns what was found, with the smallest program of each; empty for nothing.

    without: judges that are left out, as `JUDGE` or `JUDGE:WORD`. Raises UsageError for one that does not exist, and
    what enumerating does when the device was not enumerated yet.
    """
    left_out = [LeftOut.parse(text) for text in without]
    setting = Setting(str(board.firmware), "renode" if board.engine.name == "renode" else "embedded")
    fuzzer = Fuzzer(Target(board, prepared=True), setting, seed=seed, without=left_out)
    report = fuzzer.run(cases)
    if report.interrupted:
        raise KeyboardInterrupt
    texts = [
        f"{found.finding.judge}: {found.finding.text}\n{write_actions(found.program.actions)}" for found in report.found
    ]
    return f"usb_fuzz: {len(texts)} findings in {report.cases} cases\n\n" + "\n".join(texts) if texts else ""
