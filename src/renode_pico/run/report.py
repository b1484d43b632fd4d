"""A run as a JUnit report, which every CI shows."""

from __future__ import annotations

import re
from pathlib import Path

from renode_pico.board import Board
from renode_pico.run.session import Outcome
from renode_pico.run.watch import Pattern, Watcher

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold."""


def write_junit(
    path: Path, board: Board, expected: tuple[Pattern, ...], watcher: Watcher, outcome: Outcome, output: str
) -> None:
    """Write a run as a test suite: a case for each text expected, for each that must not be seen, and for the end.

    Times are emulated seconds. `output`: what the consoles have said.
    """
    from junitparser import Failure, JUnitXml, TestCase, TestSuite

    suite = TestSuite(board.firmware.name)
    name = f"{board.engine.name}.{board.firmware.name}"
    seen = {sighting.pattern: sighting for sighting in watcher.seen}
    for pattern in expected:
        case = TestCase(f"shows {clean(str(pattern))}", name)
        case.time = seen[pattern].at if pattern in seen else outcome.at
        if pattern not in seen:
            case.result = [Failure(clean(f"not seen: {outcome.reason}"))]
        suite.add_testcase(case)
    for pattern in watcher.failing:
        case = TestCase(f"never shows {clean(str(pattern))}", name, outcome.at)
        if watcher.failed is not None and watcher.failed.pattern == pattern:
            case.result = [Failure(clean(f"on {watcher.failed.console}: {watcher.failed.line}"))]
        suite.add_testcase(case)
    end = TestCase("ends well", name, outcome.at)
    if outcome.code:
        end.result = [Failure(clean(outcome.reason))]
    end.system_out = clean(output)
    suite.add_testcase(end)
    suite.add_property("engine", board.engine.version)
    suite.add_property("emulated", f"{outcome.at:.6f}")
    document = JUnitXml("renode-pico run")
    document.add_testsuite(suite)
    document.write(str(path), pretty=True)


def clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return NOT_XML.sub("�", text)
