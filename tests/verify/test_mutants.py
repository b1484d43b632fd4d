"""Each item catches the device that is wrong in just that (row Y1)."""

from __future__ import annotations

import pytest

from renode_pico.verify import report as reports
from renode_pico.verify.runner import verify
from renode_pico.verify.table import choose, load_pack
from renode_pico.verify.verdict import Verdict
from tests.verify.mutants import MUTANTS
from tests.verify.right_device import DeviceTarget

IDS = [item.id for item in load_pack("chapter9").items]
DIE = {"AT4", "SR25", "RB3"}
"""Their mutants do not answer at all any more."""


def test_there_is_a_mutant_for_each_item() -> None:
    assert sorted(MUTANTS) == sorted(IDS)


@pytest.mark.row("Y1.caught")
@pytest.mark.parametrize("identifier", IDS)
def test_the_item_catches_its_mutant(identifier: str) -> None:
    report = verify(DeviceTarget(MUTANTS[identifier]), choose(["chapter9"], [identifier]))
    (result,) = report.results
    assert result.verdict is (Verdict.DIED if identifier in DIE else Verdict.FAIL), reports.line(result)
    assert result.should
    assert result.sent != result.came
