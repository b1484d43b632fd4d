"""The class packs: a right device passes all items, and each item catches the device that is wrong in just that."""

from __future__ import annotations

import pytest

from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report, verify
from renode_pico.verify.table import choose
from renode_pico.verify.verdict import Verdict
from tests.verify.class_device import ClassDevice
from tests.verify.class_mutants import MUTANTS
from tests.verify.right_device import LOOP_OUT, SERIAL_OUT, DeviceTarget

PACKS = ("hid", "msc", "cdc", "midi", "dfu")
ITEMS = choose(PACKS)
IDS = [item.id for item in ITEMS]


@pytest.fixture(scope="module")
def whole_run() -> Report:
    return verify(DeviceTarget(ClassDevice), ITEMS, seed=7)


def test_there_is_a_mutant_for_each_item() -> None:
    assert sorted(MUTANTS) == sorted(IDS)


@pytest.mark.parametrize("number", range(len(ITEMS)), ids=IDS)
def test_a_right_device_passes(whole_run: Report, number: int) -> None:
    result = whole_run.results[number]
    assert result.verdict is Verdict.PASS, reports.line(result)


@pytest.mark.parametrize("identifier", IDS)
def test_the_item_catches_its_mutant(identifier: str) -> None:
    report = verify(DeviceTarget(MUTANTS[identifier]), choose(PACKS, [identifier]))
    (result,) = report.results
    assert result.verdict.bad, reports.line(result)
    assert result.should
    assert result.sent != result.came


class EndsWithEmptyPackets(ClassDevice):
    """Sends an empty packet after each whole one, as TinyUSB's CDC driver does when it has no more."""

    def _take(self, number: int, data: bytes) -> bool:
        took = super()._take(number, data)
        if took and number == SERIAL_OUT and len(data) == 64:
            self.loops[number].packets.append(b"")
        return took


def test_empty_packets_are_read_away_as_well() -> None:
    report = verify(DeviceTarget(EndsWithEmptyPackets), choose(("cdc", "chapter9"), ["CDC8", "EP3"]))
    assert [result.verdict for result in report.results] == [Verdict.PASS] * 2, list(map(reports.line, report.results))


class Greets(ClassDevice):
    """Sends a line to whoever opens its port, as TinyUSB's examples do; nothing else loops."""

    def _take(self, number: int, data: bytes) -> bool:
        return number == LOOP_OUT or super()._take(number, data)

    def _lines(self, state: int) -> bytes | None:
        if state & 1:
            self.loops[SERIAL_OUT].packets.append(b"hello\r\n")
            self._ready(SERIAL_OUT | 0x80)
        return super()._lines(state)


def test_a_greeting_is_no_fault() -> None:
    for identifier in ("AT6", "SR9", "EP1", "EP3", "CDC8"):
        (result,) = verify(DeviceTarget(Greets), choose(("cdc", "chapter9"), [identifier])).results
        assert result.verdict is Verdict.PASS, reports.line(result)
