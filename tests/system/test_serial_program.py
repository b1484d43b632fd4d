"""The C program firmware/chip/serial: what it found out about SPI, I2C, UART, ADC and flash.

SPI1 is wired to SPI0, and I2C1 to I2C0, each as the other's slave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.renode_runtime import runtime
from renode_pico.engine.select import EngineName
from renode_pico.pytest_plugin import engine_of

pytestmark = pytest.mark.usefixtures("own_board")

LONGEST = 1.5
"""Emulated seconds that the program takes at most."""
LONGER = {"i2c time of 10 bytes at 100 kHz": 12, "i2c time with clk_sys at 48 MHz": 34}
"""Microseconds more on the embedded engine: the SDK's loop from byte to byte takes more cycles than instructions."""


def row(name: str) -> pytest.MarkDecorator:
    return pytest.mark.row(name)


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What the program printed, by the name of the check."""
    with Board("chip/serial", engine=cast(EngineName, engine_of(request.config))) as board:
        engine = board.engine
        if isinstance(engine, EmbeddedEngine):
            engine.chip.spis[0].device = engine.chip.spis[1]
            engine.chip.i2cs[0].join(engine.chip.i2cs[1].bus)
        else:
            runtime().command("sysbus.spi0 Attach sysbus.spi1 17")
            runtime().command("sysbus.i2c0 Attach sysbus.i2c1")
        board.set_adc(0, 1.65)
        board.set_adc(1, 0.825)
        said = bytearray()

        def done() -> bool:
            said.extend(engine.uart(0).read())
            return b"\ndone" in said

        assert engine.run_until(done, LONGEST), said.decode()
        yield dict(line.rsplit(": ", 1) for line in said.decode().splitlines() if ": " in line)


@pytest.mark.parametrize(
    ("check", "result"),
    [
        pytest.param("spi loop back, 4 to 16 bits", "ok", marks=row("P7.spi-loop-back")),
        pytest.param("spi receive time-out", "ok", marks=row("P7.spi-master")),
        pytest.param("spi receive time-out of what is left", "ok", marks=row("P7.spi-master")),
        pytest.param("spi frames of each format", "ok", marks=row("P7.spi-loop-back")),
        pytest.param("spi levels and overrun", "ok", marks=row("P7.spi-master")),
        pytest.param("spi data requests", "ok", marks=row("P7.spi-data-requests")),
        pytest.param("spi slave", "ok", marks=row("P7.spi-slave")),
        pytest.param("spi slave with its output disabled", "ok", marks=row("P7.spi-slave")),
        pytest.param("i2c slave written and read", "ok", marks=[row("P7.i2c-slave"), row("P7.i2c-master")]),
        pytest.param("i2c slave's interrupts", "ok", marks=row("P7.i2c-slave")),
        pytest.param("i2c slave stretches the clock", "ok", marks=row("P7.i2c-slave")),
        pytest.param("i2c abort: nobody at the address", "0x1000001", marks=row("P7.i2c-nack")),
        pytest.param("i2c abort: nobody at ten bits", "0x1000002", marks=row("P7.i2c-nack")),
        pytest.param("i2c abort: second byte of ten bits", "0x1000004", marks=row("P7.i2c-nack")),
        pytest.param("i2c abort: data unanswered", "0x1000008", marks=row("P7.i2c-nack")),
        pytest.param("i2c abort: general call unanswered", "0x1000010", marks=row("P7.i2c-nack")),
        pytest.param("i2c abort: general call read", "0x20", marks=row("P7.i2c-master")),
        pytest.param("i2c abort: START byte without RESTART", "0x200", marks=row("P7.i2c-master")),
        pytest.param("i2c abort: ten bits read without RESTART", "0x400", marks=row("P7.i2c-master")),
        pytest.param("i2c abort: no master", "0x800800", marks=row("P7.i2c-master")),
        pytest.param("i2c abort: slave flushes", "0x2000", marks=row("P7.i2c-slave")),
        pytest.param("i2c abort: slave reads", "0x8000", marks=row("P7.i2c-slave")),
        pytest.param("i2c data requests of writing", "ok", marks=row("P7.dma-requests")),
        pytest.param("i2c data requests of reading", "ok", marks=row("P7.dma-requests")),
        pytest.param("i2c ten bits written", "0x0", marks=[row("P7.i2c-slave"), row("P7.i2c-master")]),
        pytest.param("i2c ten bits read", "0x0", marks=[row("P7.i2c-slave"), row("P7.i2c-master")]),
        pytest.param("i2c START byte", "0x0", marks=row("P7.i2c-master")),
        pytest.param("i2c restart with a new target", "ok", marks=[row("P7.i2c-slave"), row("P7.i2c-master")]),
        pytest.param("i2c abort: by the user", "0x10000", marks=row("P7.i2c-master")),
        pytest.param("uart overrun", "ok", marks=row("P6.uart1")),
        pytest.param("uart break", "ok", marks=row("P6.uart1")),
        pytest.param("uart seven bits", "ok", marks=row("P6.uart1")),
        pytest.param("uart transmit interrupt", "ok", marks=row("P6.uart1")),
        pytest.param("uart flow control", "ok", marks=row("P6.uart1")),
        pytest.param("adc round robin to memory", "ok", marks=row("P6.adc")),
        pytest.param("flash holds it", "ok", marks=row("P3.programmed")),
    ],
)
def test_a_check_of_the_program(found: dict[str, str], check: str, result: str) -> None:
    assert found[check] == result


@pytest.mark.parametrize(
    ("what", "between"),
    [
        # 800 bits at 0.992 MHz, in microseconds; with CPHA 0 the select is high between two frames
        pytest.param("spi time of 100 bytes at 1 MHz", [(806, 810), (956, 962)], marks=row("P12.spi")),
        # of 12 bits, with 1.5 between and one around them; with one around all; with nine of control before each
        pytest.param("spi time of 4 frames of 12 bits", [(53, 56), (48, 51), (84, 88)], marks=row("P12.spi")),
        pytest.param("spi time with clk_peri at 48 MHz", [(2100, 2104)], marks=row("P12.clk-peri")),
        # START, 11 bytes of nine bits of 1304 cycles, STOP; what the processor does in between takes its cycles, too
        pytest.param("i2c time of 10 bytes at 100 kHz", [(1047, 1058)], marks=row("P12.i2c")),
        pytest.param("i2c time with clk_sys at 48 MHz", [(2727, 2750)], marks=row("P12.clk-sys")),
        pytest.param("uart time of 10 characters 7E2 at 9600", [(11456, 11462)], marks=row("P12.uart")),
        pytest.param("adc time of 100 conversions", [(200, 225)], marks=row("P12.adc")),
        pytest.param("adc time of 100 samples at 100 kHz", [(990, 995)], marks=row("P12.adc")),
        # milliseconds of a sector, microseconds of a page, milliseconds of a block
        pytest.param("flash time", [(45, 45), (400, 700), (150, 150)], marks=row("P12.flash")),
    ],
)
def test_a_time_that_the_program_measured(
    found: dict[str, str], what: str, between: list[tuple[int, int]], request: pytest.FixtureRequest
) -> None:
    measured = [int(number) for number in re.findall(r"(?<!CPHA )\b\d+\b", found[what])]
    assert len(measured) == len(between)
    more = LONGER.get(what, 0) if engine_of(request.config) == "embedded" else 0
    assert all(least <= number <= most + more for number, (least, most) in zip(measured, between, strict=True)), (
        measured
    )
