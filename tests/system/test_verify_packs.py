"""The verifier's packs beside chapter 9 on firmware (row Y2; tests/verify has the devices that are wrong)."""

from __future__ import annotations

from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.pytest_plugin import engine_of
from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report, verify
from renode_pico.verify.table import choose, load_pack
from renode_pico.verify.target import BoardTarget
from renode_pico.verify.verdict import Verdict

USBTEST = load_pack("usbtest").items


def run_of(firmware: str, engine: str, *packs: str) -> Report:
    with Board(firmware, engine=cast(EngineName, engine)) as board:
        return verify(BoardTarget(board), choose(packs), seed=3)


@pytest.fixture(scope="module")
def usbtest(request: pytest.FixtureRequest) -> Report:
    """The 30 cases on firmware/chip/usbtest."""
    return run_of("chip/usbtest", engine_of(request.config), "usbtest")


@pytest.mark.row("Y2.usbtest")
@pytest.mark.parametrize("number", range(len(USBTEST)), ids=[item.id for item in USBTEST])
def test_the_cases_of_usbtest_pass_on_a_program_for_them(usbtest: Report, number: int) -> None:
    result = usbtest.results[number]
    assert result.verdict is Verdict.PASS, reports.line(result)
