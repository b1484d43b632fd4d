"""docs/api-coverage.md, its sentence groups, and the mutants name only what is there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import api_coverage as coverage
from acceptance import parts_of, read_rows
from tests.mutants.catalogue import Mutant, mutants, parts_without
from tests.mutants.robot_cases import is_case

ROOT = Path(__file__).resolve().parents[2]
PARTS = parts_of(read_rows())


def test_groups_and_page_name_only_rows_and_tests_that_are_there() -> None:
    assert coverage.complaints() == []


def test_a_test_that_is_gone_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("### D99\n\n- D1.sung: gone\n  - `tests/system/test_gone.py::test_gone`\n")
    monkeypatch.setattr(coverage, "PAGE", page)
    assert coverage.complaints() == [
        "page.md names tests/system/test_gone.py::test_gone, which is not there",
        "page.md names row D99",
        "page.md names part D1.sung",
    ]


def test_groups_of_a_document_follow_each_other() -> None:
    for document in coverage.documents():
        lines = [group.lines for group in document.groups]
        assert all(first <= last for first, last in lines)
        assert all(before[1] < after[0] for before, after in pairwise(lines))


def test_a_state_is_one_word_or_one_for_each_row() -> None:
    states = {"D1": {"embedded": "proven"}, "D2": {"embedded": "failing"}}
    assert coverage.combined(states, ("D1",), "embedded") == "proven"
    assert coverage.combined(states, ("D1", "D2"), "embedded") == "D1 proven, D2 failing"
    assert coverage.combined({}, ("D1",), "renode") == "not run"


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: f"{mutant.file}: {mutant.name}")
def test_a_mutant_is_not_stale(mutant: Mutant) -> None:
    assert mutant.apply((ROOT / mutant.file).read_text()) is not None, "its old text must be in the file exactly once"
    assert set(mutant.rows) <= set(PARTS), "a mutant breaks parts"
    for test in mutant.tests:
        path, _, name = test.partition("::")
        source = (ROOT / path).read_text()
        assert f"\n{name}\n" in source if is_case(test) else f"def {name.partition('[')[0]}(" in source, test


def test_each_part_has_a_mutant_or_a_reason_why_none_can_be_made() -> None:
    broken = {part for mutant in mutants() for part in mutant.rows}
    excused = {name for name, part in PARTS.items() if part.no_mutant is not None}
    assert sorted(broken & excused) == [], "there is one: the reason in tests/rows.toml is none"
    assert [part for part in PARTS if part not in broken | excused] == parts_without()
