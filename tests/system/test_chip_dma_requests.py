"""DMA paced by the requests of the blocks that make them, through the blocks: firmware/chip/dma_requests."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

CHECKS = (
    *(f"{block} {does}" for block in ("uart0", "uart1", "spi0", "spi1") for does in ("sends", "receives")),
    "adc",
    "xip stream",
)


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    if engine_of(request.config) == "embedded":
        pytest.skip("the embedded engine's DMA is rp2040py's: it waits for no request")
    return outcomes("dma_requests", engine_of(request.config))


@pytest.mark.parametrize("check", CHECKS)
def test_check(said: dict[str, bool], check: str) -> None:
    assert said[check]
