"""The tables of the verifier's packs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from renode_pico.cli.verify import explained
from renode_pico.errors import UsageError
from renode_pico.verify.catalogue import page
from renode_pico.verify.table import choose, load_pack, pack_names

COUNTS = {"AT": 12, "CP": 17, "SR": 26, "DE": 20, "EP": 11, "PW": 7, "RB": 5}


def test_chapter9_has_its_98_items() -> None:
    items = load_pack("chapter9").items
    assert [item.id for item in items] == [f"{kind}{n}" for kind, count in COUNTS.items() for n in range(1, count + 1)]
    assert len(items) == 98


@pytest.mark.parametrize("name", pack_names())
def test_every_item_has_a_sentence_a_section_and_a_function_of_its_own(name: str) -> None:
    items = load_pack(name).items
    assert len({item.check for item in items}) == len(items)
    for item in items:
        assert item.says.endswith("."), item.id
        assert item.section, item.id
        assert item.origin, item.id
        assert item.explanation, item.id
        assert item.check.__name__ == item.id.lower() or name != "chapter9"


def test_items_are_chosen_by_id_in_any_case() -> None:
    assert [item.id for item in choose(["chapter9"], ["sr8", "AT1"])] == ["AT1", "SR8"]


def test_an_unknown_pack_or_id_is_told() -> None:
    with pytest.raises(UsageError, match=re.escape("pack 'nothing': there are chapter9")):
        choose(["nothing"])
    with pytest.raises(UsageError, match="item SR99"):
        choose(["chapter9"], ["SR99"])


def test_an_item_that_needs_a_loop_says_what_one_is() -> None:
    assert "gives back what it is given" in explained("SR14")
    assert "gives back what it is given" not in explained("AT1")


def test_packs_come_with_both_files() -> None:
    folder = Path(__file__).parents[2] / "src" / "renode_pico" / "verify" / "packs"
    for name in pack_names():
        assert (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def test_the_page_of_items_is_up_to_date() -> None:
    path = Path(__file__).parents[2] / "docs" / "verify.md"
    told = "python -m renode_pico.verify.catalogue docs/verify.md brings it up to date"
    assert page(path.read_text()) == path.read_text(), told
