"""DMA as C programs drive it through the pico-sdk: firmware/chip/dma."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

pytestmark = pytest.mark.usefixtures("own_board")

CHECKS = {
    "": (
        "copy words", "addresses advance", "copy halfwords", "copy bytes", "byte swap", "ring of writes",
        "ring of reads", "trigger by each alias", "trigger several", "an interrupt line for each",
        "quiet but for a null trigger", "a forced interrupt", "pause", "chained to itself is not chained",
        "twelve channels",
    ),
    "P7.dma-chains": ("chain", "control blocks and a null trigger"),
    "P7.dma-rings": ("two chained to each other go on", "and can be stopped"),
    "P7.dma-timers": ("paced by a timer", "paced by a fraction"),
    "P7.dma-abort": ("abort what nobody requests", "abort in the middle, and go on"),
    "P7.dma-errors": ("a read error", "a write error", "errors are cleared by writing them", "no way to SIO"),
    "P7.dma-sniffer": (
        "CRC-32", "CRC-32 of reversed bits", "CRC-16 of reversed bits", "CRC-16", "CRC-16 of words", "sum",
        "sum of swapped bytes", "parity",
    ),
    "P12.dma": ("a transfer a cycle", "two share the bus"),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    return outcomes("dma", engine_of(request.config))


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, marks=[pytest.mark.row(row)] if row else [])
        for row, checks in CHECKS.items()
        for check in checks
    ],
)
def test_check(said: dict[str, bool], check: str) -> None:
    assert said[check]


def test_no_check_is_left_out(said: dict[str, bool]) -> None:
    assert sorted(said) == sorted(check for checks in CHECKS.values() for check in checks)
