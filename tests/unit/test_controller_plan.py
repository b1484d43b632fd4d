"""The USB controller's test plan: what it names is there, every vector has its point, no bin is left (row Y4)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import controller_coverage as coverage
import pytest

from renode_pico.rp2040.usb import UsbController
from renode_pico.rp2040.usb_coverage import CountingUsbController, Cover
from tests.unit.rp2040.vectors import VectorFile

ROOT = Path(__file__).resolve().parents[2]
PLAN = coverage.read_plan()


@pytest.fixture(scope="module")
def cover() -> Cover:
    return coverage.count()


@pytest.mark.row("Y4.test-plan", engine="embedded")
def test_every_point_is_proven_by_vectors_or_tests_that_are_there() -> None:
    names = {vector.name for vector in VectorFile().vectors}
    assert len({point.id for point in PLAN.points}) == len(PLAN.points)
    for point in PLAN.points:
        assert point.vectors or point.tests, point.id
        assert set(point.vectors) <= names, point.id
        for test in point.tests:
            file, function = test.split("::")
            assert re.search(rf"^def {function}\(", (ROOT / file).read_text(), re.M), test


@pytest.mark.row("Y4.test-plan", engine="embedded")
def test_every_vector_has_its_point() -> None:
    planned = {vector.name for vector in coverage.planned(VectorFile())}
    named = [name for point in PLAN.points for name in point.vectors]
    assert set(named) == planned
    assert len(named) == len(set(named)), "a vector belongs to one point"


@pytest.mark.row("Y4.coverage", engine="embedded")
def test_every_bin_is_covered_or_cannot_be(cover: Cover) -> None:
    assert [hole for group in PLAN.groups for hole in group.holes(cover)] == []
    assert [what for group in PLAN.groups for what in group.contradictions(cover)] == []


@pytest.mark.row("Y4.coverage", engine="embedded")
def test_the_page_is_what_the_vectors_count(cover: Cover) -> None:
    assert coverage.PAGE.read_text() == coverage.write(PLAN, cover), "run tools/controller_coverage.py"


def test_a_hole_is_seen() -> None:
    group = PLAN.groups[0]
    assert len(group.holes(Counter())) == len(group.rows) * len(group.columns) - len(group.impossible)
    assert replace(group, rows=()).contradictions(Counter({(group.name, "ACK", "0"): 1})) == [f"{group.title}: ACK × 0"]


def test_every_counted_group_is_in_the_plan(cover: Cover) -> None:
    assert {group for group, _, _ in cover} == {group.name for group in PLAN.groups}


def test_what_does_not_count_is_the_plain_controller() -> None:
    assert issubclass(CountingUsbController, UsbController)
    assert not hasattr(UsbController, "cover")
