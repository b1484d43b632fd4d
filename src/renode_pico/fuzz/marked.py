"""Fuzzing at the end of a test: the board as the test has left it."""

from __future__ import annotations

from renode_pico.board import Board
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.program import write_actions
from renode_pico.fuzz.session import DEFAULT_CASES, Fuzzer
from renode_pico.fuzz.target import Target


def check(board: Board, *, cases: int = DEFAULT_CASES, seed: int = 1) -> str:
    """Fuzz a board's device as it is. Returns what was found, with the smallest program of each; empty for nothing.

    Raises what enumerating does when the device was not enumerated yet.
    """
    setting = Setting(str(board.firmware), "renode" if board.engine.name == "renode" else "embedded")
    fuzzer = Fuzzer(Target(board, prepared=True), setting, seed=seed)
    report = fuzzer.run(cases)
    if report.interrupted:
        raise KeyboardInterrupt
    texts = [
        f"{found.finding.judge}: {found.finding.text}\n{write_actions(found.program.actions)}" for found in report.found
    ]
    return f"usb_fuzz: {len(texts)} findings in {report.cases} cases\n\n" + "\n".join(texts) if texts else ""
