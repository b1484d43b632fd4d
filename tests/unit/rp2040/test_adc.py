"""Conversions, the FIFO, round robin (RP2040 datasheet, 4.9)."""

from __future__ import annotations

import pytest

from tests.unit.rp2040.chip_bench import CLOCKS, Bench, Registers

ADC = 0x4004_C000
CS, RESULT, FCS, FIFO, DIV, INTR, INTE, INTF, INTS = range(0, 0x24, 4)
EN, TS_EN, START_ONCE, START_MANY, READY = 1, 2, 4, 8, 1 << 8
FIFO_EN, SHIFT, DREQ_EN, EMPTY, FULL, UNDER, OVER = 1, 2, 8, 1 << 8, 1 << 9, 1 << 10, 1 << 11
CONVERSION_S = 2e-6
"""96 cycles of 48 MHz."""


class Adc(Registers):
    def __init__(self) -> None:
        super().__init__(Bench(), ADC)
        self.model = self.bench.chip.adc

    def run(self, conversions: float) -> None:
        self.bench.run(conversions * CONVERSION_S)

    def convert(self, channel: int, flags: int = 0) -> int:
        self[CS] = EN | START_ONCE | channel << 12 | flags
        self.run(1.01)
        assert self[CS] & READY
        return self[RESULT]


@pytest.fixture
def adc() -> Adc:
    return Adc()


def test_a_conversion_takes_96_cycles(adc: Adc) -> None:
    adc.model.voltages[0] = 1.65
    assert not adc[CS] & READY
    adc[CS] = EN
    assert adc[CS] & READY
    adc[CS] = EN | START_ONCE
    assert adc[CS] == EN, "START_ONCE clears itself, not ready"
    adc.run(0.99)
    assert not adc[CS] & READY
    adc.run(0.02)
    assert adc[CS] & READY
    assert adc[RESULT] == 2048


def test_channels_and_ends_of_the_scale(adc: Adc) -> None:
    adc.model.voltages[:] = [0.0, 3.3, -1.0, 5.0]
    assert [adc.convert(channel) for channel in range(5)] == [0, 4095, 0, 4095, 0]
    adc.model.voltages[1] = 0.825
    assert adc.convert(1) == 1024
    adc.model.reference = 1.65
    assert adc.convert(1) == 2048


@pytest.mark.parametrize("degrees", [-20, 27, 85])
def test_the_temperature_sensor(adc: Adc, degrees: int) -> None:
    adc.model.temperature = degrees
    assert adc.convert(4) == 0, "it is off"
    volts = adc.convert(4, TS_EN) * 3.3 / 4096
    assert 27 - (volts - 0.706) / 0.001721 == pytest.approx(degrees, abs=0.5)


def test_nothing_without_its_clock(adc: Adc) -> None:
    adc.bench[CLOCKS + 0x60] = 0
    adc[CS] = EN | START_MANY
    adc.run(100)
    assert adc[RESULT] == 0
    adc.model.voltages[0] = 3.3
    adc.bench[CLOCKS + 0x60] = 1 << 11
    adc.run(1.01)
    assert adc[RESULT] == 4095


def test_free_running_at_its_pace(adc: Adc) -> None:
    adc[FCS] = FIFO_EN
    adc[CS] = EN | START_MANY
    adc.run(2.5)
    assert adc[FCS] >> 16 & 0xF == 2
    adc[CS] = EN
    adc.run(10)
    assert adc[FCS] >> 16 & 0xF == 3, "the one under way is finished"
    for _ in range(3):
        adc[FIFO]
    adc[DIV] = 479 << 8
    adc[CS] = EN | START_MANY
    adc.run(1.1)
    assert adc[FCS] >> 16 & 0xF == 1
    adc.run(3.8)
    assert adc[FCS] >> 16 & 0xF == 1, "480 cycles from start to start"
    adc.run(1.2)
    assert adc[FCS] >> 16 & 0xF == 2


def test_round_robin(adc: Adc) -> None:
    adc.model.voltages[:] = [0.1, 0.2, 0.3, 0.4]
    adc[FCS] = FIFO_EN
    adc[CS] = EN | START_MANY | 1 << 12 | 0b1011 << 16
    adc.run(4.2)
    adc[CS] = 0
    codes = [int(volts / 3.3 * 4096) for volts in (0.2, 0.4, 0.1, 0.2)]
    assert [adc[FIFO] for _ in range(4)] == codes


def test_the_fifo_and_its_flags(adc: Adc) -> None:
    adc.model.voltages[0] = 3.3
    assert adc[FCS] & EMPTY
    adc[FIFO]
    assert adc[FCS] & UNDER
    adc[FCS] = FIFO_EN | SHIFT | UNDER
    assert adc[FCS] == FIFO_EN | SHIFT | EMPTY
    for _ in range(5):
        adc.convert(0)
    assert adc[FCS] & (FULL | OVER) == FULL | OVER
    assert [adc[FIFO] for _ in range(4)] == [0xFF] * 4
    adc[FCS] = FIFO_EN | OVER
    assert adc[FCS] == FIFO_EN | EMPTY


def test_interrupt_and_data_request_at_the_threshold(adc: Adc) -> None:
    adc[FCS] = FIFO_EN | DREQ_EN | 2 << 24
    adc[INTE] = 1
    adc.convert(0)
    assert not adc[INTS]
    assert not adc.model.dreq.level
    adc.convert(0)
    assert adc[INTS] == adc[INTR] == 1
    assert adc.model.irq.level
    assert adc.model.dreq.level
    adc[FIFO]
    assert not adc.model.irq.level
    assert not adc.model.dreq.level
    adc[INTF] = 1
    assert adc.model.irq.level
