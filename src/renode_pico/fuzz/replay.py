"""Running one program again, with its trace: the same board, the same instant, the same bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.program import Program
from renode_pico.fuzz.target import Outcome, Target
from renode_pico.trace.session import traced
from renode_pico.trace.text import TextTrace


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it. `trace`: the bus trace as text, from the program's beginning on; `sha256`: of it."""

    outcome: Outcome
    trace: str

    @property
    def sha256(self) -> str:
        """Of the trace: equal for two runs that are equal to the bit."""
        return hashlib.sha256(self.trace.encode()).hexdigest()


def run_traced(target: Target, program: Program, outputs: Sequence[Path] = ()) -> Replay:
    """Run a program on a target and keep the trace, in files, too (`.txt`, `.pcapng`, `.html`)."""
    text = io.StringIO()
    trace = TextTrace(text)
    target.restore()
    with ExitStack() as stack:
        if outputs:
            stack.enter_context(traced(target.host, outputs))
        target.host.add_observer(trace)
        try:
            outcome = target.run(program, restore=False)
        finally:
            trace.close()
            target.host.remove_observer(trace)
    return Replay(outcome, text.getvalue())


def replay(setting: Setting, program: Program, outputs: Sequence[Path] = ()) -> Replay:
    """Boot a board, enumerate it, and run a program. Raises what booting and enumerating do."""
    with setting.open() as board:
        return run_traced(Target(board), program, outputs)
