"""The usbtest pack: a right device passes all cases, and each case catches the device that is wrong in just that."""

from __future__ import annotations

import pytest

from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report, verify
from renode_pico.verify.table import choose, load_pack
from renode_pico.verify.verdict import Verdict
from tests.verify.right_device import DeviceTarget
from tests.verify.usbtest_device import MUTANTS, UsbtestDevice

ITEMS = load_pack("usbtest").items
IDS = [item.id for item in ITEMS]


@pytest.fixture(scope="module")
def whole_run() -> Report:
    return verify(DeviceTarget(UsbtestDevice), ITEMS, seed=7)


def test_the_pack_has_the_30_cases_and_a_mutant_for_each() -> None:
    assert [f"UT{number}" for number in range(30)] == IDS
    assert sorted(MUTANTS) == sorted(IDS)


@pytest.mark.parametrize("number", range(len(ITEMS)), ids=IDS)
def test_a_right_device_passes(whole_run: Report, number: int) -> None:
    result = whole_run.results[number]
    assert result.verdict is Verdict.PASS, reports.line(result)


@pytest.mark.parametrize("identifier", IDS)
def test_the_case_catches_its_mutant(identifier: str) -> None:
    report = verify(DeviceTarget(MUTANTS[identifier]), choose(["usbtest"], [identifier]))
    (result,) = report.results
    assert result.verdict.bad, reports.line(result)
    assert result.should
    assert result.sent != result.came
