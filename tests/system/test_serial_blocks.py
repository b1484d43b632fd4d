"""SPI, UART and I2S under MicroPython's own tests, as they are in its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.board import Board

TESTS = Path(__file__).resolve().parents[2] / "firmware" / "build" / "src" / "micropython" / "tests" / "extmod"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("machine_uart_tx", marks=pytest.mark.row("P12.uart")),
        pytest.param("machine_uart_irq_txidle", marks=pytest.mark.row("P12.uart")),
        pytest.param("machine_spi_rate", marks=[pytest.mark.row("P12.spi"), pytest.mark.row("P7.spi-data-requests")]),
        pytest.param(
            "machine_i2s_rate", marks=pytest.mark.engine("embedded", reason="it passes on Renode, too, in a minute")
        ),
    ],
)
def test_micropython_measures_what_it_does_on_a_board(pico: Board, name: str) -> None:
    said = pico.exec((TESTS / f"{name}.py").read_text(), timeout=60).replace(b"\r\n", b"\n")
    assert said == (TESTS / f"{name}.py.exp").read_bytes()
