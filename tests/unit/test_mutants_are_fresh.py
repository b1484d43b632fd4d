"""Each mutant still finds the text that it changes, the tests that must notice it are there, and no part is without one
(tests/mutants).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from acceptance import parts_of, read_rows
from tests.mutants.catalogue import Mutant, mutants
from tests.mutants.robot_cases import is_case, suite_of
from tests.processes import run

ROOT = Path(__file__).parents[2]
PARTS = parts_of(read_rows())


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_its_text_is_there_once(mutant: Mutant) -> None:
    assert mutant.apply((ROOT / mutant.file).read_text()) is not None, "its old text must be in the file exactly once"
    assert set(mutant.rows) <= set(PARTS), "a mutant breaks parts"


@pytest.mark.parametrize("engine", ["embedded", "renode"])
def test_its_tests_are_there(engine: str) -> None:
    named = {test for mutant in mutants() if mutant.engine == engine for test in mutant.tests}
    wanted = {test for test in named if not is_case(test)}
    files = sorted({test.partition("::")[0] for test in wanted})
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--engine", engine]
    found = set(run([*collect, *files], cwd=ROOT).stdout.splitlines())
    assert sorted(wanted - found - {test.partition("[")[0] for test in found}) == []


def test_its_robot_cases_are_there() -> None:
    named = {test for mutant in mutants() for test in mutant.tests if is_case(test)}
    for case in named:
        assert case.partition("::")[2] in (ROOT / suite_of(case)).read_text().splitlines(), case


def test_each_part_has_one_or_a_reason_why_none_can_be_made() -> None:
    broken = {part for mutant in mutants() for part in mutant.rows}
    excused = {name for name, part in PARTS.items() if part.no_mutant is not None}
    assert sorted(broken & excused) == [], "there is one: the reason in tests/rows.toml is none"
    assert sorted(PARTS.keys() - broken - excused) == []
