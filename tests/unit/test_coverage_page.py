"""docs/api-coverage.md and its sentence groups name only what is there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import api_coverage as coverage


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
