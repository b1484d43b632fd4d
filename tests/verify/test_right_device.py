"""A right device passes all items (row Y1)."""

from __future__ import annotations

import pytest

from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report, verify
from renode_pico.verify.table import Item, load_pack
from renode_pico.verify.verdict import Verdict
from tests.verify.right_device import DeviceTarget

ITEMS = load_pack("chapter9").items


@pytest.fixture(scope="module")
def whole_run() -> Report:
    return verify(DeviceTarget(), ITEMS, seed=7)


@pytest.mark.row("Y1.right-device")
@pytest.mark.parametrize("number", range(len(ITEMS)), ids=[item.id for item in ITEMS])
def test_a_right_device_passes(whole_run: Report, number: int) -> None:
    result = whole_run.results[number]
    assert result.item is ITEMS[number]
    assert result.verdict is Verdict.PASS, reports.line(result)


@pytest.mark.row("Y1.right-device")
@pytest.mark.parametrize("item", ITEMS, ids=[item.id for item in ITEMS])
def test_a_right_device_passes_each_item_alone(item: Item) -> None:
    """As with `--only`: nothing is left to an item by those before it, the descriptors among it."""
    (result,) = verify(DeviceTarget(), [item], seed=7).results
    assert result.verdict is Verdict.PASS, reports.line(result)
