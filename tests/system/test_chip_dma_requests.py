"""DMA paced by the requests of the blocks that make them, through the blocks: firmware/chip/dma_requests."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

pytestmark = pytest.mark.usefixtures("own_board")

STREAMS = ("uart0", "uart1", "spi0", "spi1", *(f"pio{pio}.{machine}" for pio in (0, 1) for machine in range(4)))
CHECKS = (
    *(f"{block} {does}" for block in STREAMS for does in ("sends", "receives")),
    *(f"pwm{slice_} wraps" for slice_ in range(8)),
    "adc",
    "xip stream",
    "ssi receives",
    "ssi sends",
)


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    return outcomes("dma_requests", engine_of(request.config))


@pytest.mark.parametrize("check", CHECKS)
def test_check(said: dict[str, bool], check: str) -> None:
    assert said[check]


@pytest.mark.row("P7.dma-requests")
def test_every_request_paces(said: dict[str, bool]) -> None:
    assert sorted(said) == sorted(CHECKS)
    assert all(said.values())
