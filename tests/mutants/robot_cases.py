"""Test cases of Robot's by name, `robot/platform/pins.robot::Should Light The LED`, as mutants name their tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from robot.api import ExecutionResult
from robot.api.parsing import TestCaseSection, get_model


def is_case(test: str) -> bool:
    """Whether a test is one of Robot's, not one of pytest's."""
    return suite_of(test).endswith(".robot")


def suite_of(test: str) -> str:
    """The suite's file."""
    return test.partition("::")[0]


def command(engine: str, suites: Iterable[str], results: Path) -> list[str]:
    """What runs suites on an engine: on Renode its own `renode-test`."""
    if engine == "renode":
        return ["renode-test", "-r", str(results), *suites]
    return [sys.executable, "-m", "robot", "--variable", f"ENGINE:{engine}", "--outputdir", str(results), *suites]


@contextmanager
def nothing_else(root: Path, cases: Iterable[str]) -> Iterator[list[str]]:
    """The suites of some cases, with no others in their files meanwhile: `renode-test` takes no list of names."""
    suites = {suite: (root / suite).read_text() for suite in map(suite_of, cases)}
    try:
        for suite in suites:
            wanted = {case.partition("::")[2] for case in cases if suite_of(case) == suite}
            model = get_model(root / suite)
            for section in model.sections:
                if isinstance(section, TestCaseSection):
                    wanted -= (found := {case.name for case in section.body} & wanted)
                    section.body = [case for case in section.body if case.name in found]
            if wanted:
                raise LookupError(f"{suite} has no test case {', '.join(sorted(wanted))}")
            model.save()
        yield list(suites)
    finally:
        for suite, text in suites.items():
            (root / suite).write_text(text)


def passed(results: Path, root: Path) -> set[str]:
    """The cases that have passed; what could not be run is not among them."""
    found = set()
    for output in results.glob("*output.xml"):
        for case in ExecutionResult(output).suite.all_tests:
            if case.passed:
                found.add(f"{Path(case.source).relative_to(root)}::{case.name}")
    return found
