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
            "machine_i2s_rate",
            marks=[
                pytest.mark.row("P8.i2s"),
                pytest.mark.engine(
                    "embedded", reason="all of it takes Renode two minutes: two of its eight measurements are below"
                ),
            ],
        ),
    ],
)
def test_micropython_measures_what_it_does_on_a_board(pico: Board, name: str) -> None:
    said = pico.exec((TESTS / f"{name}.py").read_text(), timeout=60).replace(b"\r\n", b"\n")
    assert said == (TESTS / f"{name}.py.exp").read_bytes()


@pytest.mark.row("P8.i2s")
@pytest.mark.engine("renode", reason="the embedded engine runs all of it")
def test_micropython_measures_i2s_in_both_directions(pico: Board) -> None:
    program = (TESTS / "machine_i2s_rate.py").read_text()
    expected = (TESTS / "machine_i2s_rate.py.exp").read_text().splitlines()
    pico.exec(program[: program.index("for i2s_id, sck_pin")], timeout=5)
    measured = pico.exec(
        "test(0, Pin(0), Pin(1), Pin(2), I2S.TX, 32, I2S.STEREO)\n"
        "test(1, Pin(0), Pin(1), Pin(2), I2S.RX, 16, I2S.MONO)\n",
        timeout=10,
    )
    assert measured.decode().split("\r\n")[:2] == [expected[3], expected[4]]
