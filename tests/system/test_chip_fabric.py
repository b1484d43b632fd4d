"""Bus fabric, execute-in-place, windows of SRAM and the boot ROM as a C program finds them: firmware/chip/fabric."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

pytestmark = pytest.mark.usefixtures("own_board")

CHECKS = (
    "XIP_CTRL after reset", "XIP counters are cleared", "a line is read once", "a line is filled by words",
    "a line has eight bytes", "a write gives a line up", "and changes nothing", "two ways",
    "a third takes the place of one",
    "0x11 looks and keeps nothing", "0x12 does not look and keeps", "0x13 does neither",
    "nor does it look for what is there", "the windows show the same", "without the cache", "a flush takes its time",
    "writes to 0x11 to 0x13 are bus errors", "or ignored", "no SRAM while there is a cache", "the cache as SRAM",
    "not when it is powered down", "which keeps what was in it", "code in each window",
    "code is fetched through the cache",
    "a stream by DMA", "a stream that is halted", "the bus counts nothing at first", "priorities",
    "accesses to ROM, XIP, the fast peripherals and a bank", "not those to others",
    "a counter that is written is cleared", "striped words take turns", "unstriped ones do not",
    "accesses to the APB", "those of DMA", "nothing selected", "the same words in both windows", "a write is a write",
    "nothing behind the banks", "DMA from and to a bank", "code in a bank",
    "code in a bank that is written over", "the boot ROM ignores writes",
)  # fmt: skip


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    return outcomes("fabric", engine_of(request.config))


@pytest.mark.parametrize("check", CHECKS)
def test_check(said: dict[str, bool], check: str) -> None:
    assert said[check]


def test_no_check_is_left_out(said: dict[str, bool]) -> None:
    assert sorted(said) == sorted(CHECKS)
