"""Each exhibit of the museum fails as it was published, and does not once it is mended (docs/museum.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.museum import EXHIBITS, WORKS, Exhibit, outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "museum.md"
EACH = pytest.mark.parametrize("exhibit", [pytest.param(each, id=each.name) for each in EXHIBITS])


@EACH
@pytest.mark.row("Y5.fails")
def test_an_exhibit_fails_as_published(exhibit: Exhibit, request: pytest.FixtureRequest) -> None:
    assert exhibit.fails in outcome(exhibit, engine_of(request.config), faulty=True)


@EACH
@pytest.mark.row("Y5.mended")
def test_an_exhibit_works_once_it_is_mended(exhibit: Exhibit, request: pytest.FixtureRequest) -> None:
    assert outcome(exhibit, engine_of(request.config), faulty=False) == WORKS


@EACH
def test_the_page_tells_of_an_exhibit(exhibit: Exhibit) -> None:
    assert f"`{exhibit.name}`" in PAGE.read_text()
