"""The same programs on another engine: does the host see the same device?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from renode_pico.engine.select import EngineName
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.judges import Finding
from renode_pico.fuzz.program import Control, Program, Spoil
from renode_pico.fuzz.target import Answer, Target

ENDS = ("completed", "stalled", "babble", "transaction error")
"""How what is compared may end; the rest is a matter of when, and engines differ in that."""


def comparable(program: Program) -> bool:
    """Whether answers do not depend on instants: no request is left halfway, no fault waits for its turn."""
    return not any(
        isinstance(action, Spoil) or (isinstance(action, Control) and action.leave_us is not None)
        for action in program.actions
    )


def compare(
    target: Target, programs: Iterable[Program], setting: Setting, engine: EngineName
) -> tuple[int, list[tuple[Program, Finding]]]:
    """Run programs on `target` and on a board of another engine.

    Returns how many were run, and those that showed a difference.
    """
    programs = [program for program in programs if comparable(program)]
    different: list[tuple[Program, Finding]] = []
    with replace(setting, engine=engine).open() as board:
        other = Target(board)
        for program in programs:
            ours, theirs = target.run(program), other.run(program)
            text = _difference(ours.answers, theirs.answers)
            if text:
                key = f"engines {text.split(':')[0]}"
                different.append((program, Finding("engines", key, f"{text} ({engine} beside {target.engine.name})")))
    return len(programs), different


def _difference(ours: list[Answer], theirs: list[Answer]) -> str:
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if one.ended not in ENDS or other.ended not in ENDS:
            continue
        if one.ended != other.ended:
            return f"action {number}: it is {other.ended}, not {one.ended}"
        if one.data != other.data:
            return (
                f"action {number}: {other.data[:16].hex(' ') or 'nothing'}, not {one.data[:16].hex(' ') or 'nothing'}"
            )
    return ""
