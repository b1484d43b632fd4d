"""The PL022 of the chip (RP2040 datasheet, 4.4)."""

from __future__ import annotations

from typing import TypeVar

import pytest

from renode_pico.rp2040.spi import SpiDevice
from tests.unit.rp2040.chip_bench import CYCLE_S, Bench, Registers

D = TypeVar("D", bound=SpiDevice)
SPI0, SPI1, IO_BANK0 = 0x4003_C000, 0x4004_0000, 0x4001_4000
RX_PIN, SCK_PIN, TX_PIN, FUNCSEL_SIO = 16, 18, 19, 5
CR0, CR1, DR, SR, CPSR, IMSC, RIS, MIS, ICR, DMACR = range(0, 0x28, 4)
LBM, SSE, MS, SOD = 1, 2, 4, 8
TFE, TNF, RNE, RFF, BSY = 1, 2, 4, 8, 16
ROR, RT, RX, TX = 1, 2, 4, 8
FRAME_S = 8 * 10 * CYCLE_S
SPH = 1 << 7
"""Frames follow each other without a gap."""
"""Eight bits at 12.5 MHz."""


class Spi(Registers):
    def __init__(self, bench: Bench, which: int = 0) -> None:
        super().__init__(bench, (SPI0, SPI1)[which])
        self.model = bench.chip.spis[which]

    def set_up(self, control: int = 0, bits: int = 8) -> None:
        self[CPSR] = 10
        self[CR0] = SPH | bits - 1
        self[CR1] = SSE | control

    def run(self, frames: float) -> None:
        self.bench.run(frames * FRAME_S)

    def attach(self, device: D) -> D:
        """At SPI0's pins."""
        for pin in (RX_PIN, SCK_PIN, TX_PIN):
            self.select(pin)
        self.model.device = device
        return device

    def select(self, pin: int, function: int = 1) -> None:
        self.bench[IO_BANK0 + 8 * pin + 4] = function


class Echo:
    """Answers each frame with the one before."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def exchange(self, value: int, bits: int) -> int:
        self.seen.append((value, bits))
        return self.seen[-2][0] if len(self.seen) > 1 else 0xFFFF_FFFF


@pytest.fixture
def spi() -> Spi:
    spi = Spi(Bench())
    spi.set_up()
    return spi


def test_frames_take_their_time(spi: Spi) -> None:
    echo = spi.attach(Echo())
    assert spi[SR] == TFE | TNF
    spi[DR] = 0x5A
    assert spi[SR] & BSY
    spi.run(0.98)
    assert not spi[SR] & RNE
    spi.run(0.04)
    assert spi[SR] == TFE | TNF | RNE
    assert echo.seen == [(0x5A, 8)]
    assert spi[DR] == 0xFF
    spi[DR] = 0x1C3
    spi.run(1.1)
    assert echo.seen[1] == (0xC3, 8), "right-justified, upper bits ignored"
    assert spi[DR] == 0x5A


@pytest.mark.parametrize(("bits", "scr"), [(4, 0), (16, 0), (8, 4)])
def test_length_and_rate_are_programmed(spi: Spi, bits: int, scr: int) -> None:
    spi[CR0] = scr << 8 | SPH | bits - 1
    start = spi.bench.now
    echo = spi.attach(Echo())
    spi[DR] = 0xFFFF
    spi.run(bits / 8 * (1 + scr) - 0.02)
    assert echo.seen == []
    spi.run(0.04)
    assert echo.seen == [((1 << bits) - 1, bits)]
    assert spi.bench.now - start < 2 * FRAME_S * bits / 8 * (1 + scr)


def test_it_needs_a_prescaler_and_the_enable(spi: Spi) -> None:
    echo = spi.attach(Echo())
    spi[CR1] = 0
    spi[DR] = 1
    spi.run(3)
    assert echo.seen == []
    spi[CPSR] = 0
    spi[CR1] = SSE
    spi.run(3)
    assert echo.seen == []
    spi[CPSR] = 10
    spi.run(1.1)
    assert len(echo.seen) == 1


def test_fifos_of_eight(spi: Spi) -> None:
    spi[CR1] = SSE | LBM
    for value in range(9):
        assert spi[SR] & TNF
        spi[DR] = value
    assert not spi[SR] & TNF
    spi[DR] = 99
    spi.run(10)
    assert spi[SR] == TFE | TNF | RNE | RFF
    assert spi[RIS] & ROR, "nine frames, room for eight"
    assert [spi[DR] for _ in range(8)] == list(range(8))
    assert spi[DR] == 0
    spi[ICR] = ROR
    assert not spi[RIS] & ROR


def test_interrupts_by_level(spi: Spi) -> None:
    spi[CR1] = LBM
    spi[IMSC] = TX
    assert spi[MIS] == TX
    assert spi.model.irq.level
    for value in range(5):
        spi[DR] = value
    assert not spi[MIS]
    assert not spi.model.irq.level
    spi[IMSC] = RX
    spi[CR1] = SSE | LBM
    spi.run(3.5)
    assert not spi[MIS]
    spi.run(1)
    assert spi[MIS] == RX
    assert spi.model.irq.level
    spi[DR]
    spi[DR]
    assert not spi.model.irq.level


def test_the_time_out_tells_of_a_few_frames(spi: Spi) -> None:
    spi[CR1] = SSE | LBM
    spi[IMSC] = RT
    spi[DR] = 1
    spi.run(4.5)
    assert not spi[MIS]
    spi.run(1)
    assert spi[MIS] == RT, "32 bits after the last frame"
    spi[ICR] = RT
    assert not spi[MIS]
    spi[DR]
    spi.run(10)
    assert not spi[MIS], "nothing is there any more"


def test_without_a_device_the_pin_is_sampled(spi: Spi) -> None:
    spi[DR] = 0x12
    spi.run(1.1)
    assert spi[DR] == 0
    spi.bench[0x4001_4000 + 8 * 16 + 4] = 1
    spi.bench.machine.set_external(1 << 16, 1 << 16, 1 << 16)
    spi[DR] = 0x12
    spi.run(1.1)
    assert spi[DR] == 0xFF


def test_one_of_them_is_the_others_slave() -> None:
    bench = Bench()
    master, slave = Spi(bench), Spi(bench, 1)
    master.set_up()
    slave.set_up(MS)
    master.attach(slave.model)
    for value in (0xA1, 0xA2):
        slave[DR] = value
    for value in (1, 2, 3):
        master[DR] = value
    master.run(3.1)
    assert [master[DR] for _ in range(3)] == [0xA1, 0xA2, 0], "it had two only"
    assert [slave[DR] for _ in range(3)] == [1, 2, 3]
    slave[DR] = 0xFF
    slave[CR1] = SSE | MS | SOD
    master[DR] = 4
    master.run(1.1)
    assert master[DR] == 0, "its output is off"
    assert slave[DR] == 4


def test_data_requests(spi: Spi) -> None:
    spi[CR1] = SSE | LBM
    spi[DMACR] = 3
    assert spi.model.tx_dreq.level
    assert not spi.model.rx_dreq.level
    for value in range(9):
        spi[DR] = value
    assert not spi.model.tx_dreq.level
    spi.run(1.1)
    assert spi.model.tx_dreq.level
    assert spi.model.rx_dreq.level
    spi[DR]
    assert not spi.model.rx_dreq.level


def test_it_is_a_pl022() -> None:
    bench = Bench()
    for base in (SPI0, SPI1):
        assert [bench[base + 0xFE0 + 4 * n] for n in range(8)] == [0x22, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1]


def test_chip_select_takes_its_time_around_frames(spi: Spi) -> None:
    spi[CR0] = 7  # SPH = 0
    echo = spi.attach(Echo())
    bit = 1 / 8
    for _ in range(3):
        spi[DR] = 0x55
    spi.run(1 + bit - 0.02)
    assert echo.seen == []
    spi.run(0.04)
    assert len(echo.seen) == 1, "a bit's time at its end"
    spi.run(1 + 1.5 * bit - 0.06)
    assert len(echo.seen) == 1
    spi.run(0.08)
    assert len(echo.seen) == 2, "and half of one before the next"
    spi.run(1 + 1.5 * bit)
    assert len(echo.seen) == 3


def test_without_its_pins_a_device_is_not_heard_or_does_not_hear(spi: Spi) -> None:
    echo = spi.attach(Echo())

    def exchange(value: int) -> int:
        spi[DR] = value
        spi.run(1.1)
        return spi[DR]

    assert [exchange(0x11), exchange(0x22)] == [0xFF, 0x11]
    spi.select(RX_PIN, FUNCSEL_SIO)
    assert exchange(0x33) == 0
    spi.select(RX_PIN)
    spi.select(TX_PIN, FUNCSEL_SIO)
    assert [exchange(0x44), exchange(0x55)] == [0x33, 0]
    assert [value for value, _ in echo.seen] == [0x11, 0x22, 0x33, 0, 0]
    spi.select(SCK_PIN, FUNCSEL_SIO)
    exchange(0x66)
    assert len(echo.seen) == 5, "without a clock there is no frame"
