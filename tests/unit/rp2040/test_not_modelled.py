"""docs/not-modelled.md is what the models say."""

from __future__ import annotations

from pathlib import Path

from renode_pico.rp2040.not_modelled import lacks, page

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "not-modelled.md").read_text() == page(), "python -m renode_pico.rp2040.not_modelled"


def test_each_register_that_warns_is_listed() -> None:
    listed = {(lack.block, lack.register) for lack in lacks()}
    assert ("XOSC", "DORMANT") in listed
    assert ("USBCTRL_REGS", "SOF_WR") in listed
