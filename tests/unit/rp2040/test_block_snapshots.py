"""A snapshot in the middle of transfers: blocks, alarms and lines go on from there as they did, every time."""

from __future__ import annotations

import pytest

from renode_pico.engine.memento import Memento
from tests.unit.rp2040.test_adc import ADC, CS, EN, FCS, FIFO_EN, START_MANY
from tests.unit.rp2040.test_i2c import DATA_CMD, I2C0, STOP, I2c, Memory
from tests.unit.rp2040.test_spi import CR1, LBM, SPI0, SSE, Spi
from tests.unit.rp2040.test_uart import DR, UART1
from tests.unit.rp2040.test_uart_pins import Pair

BLOCK_OF = {address: (address - 0x4000_0000) >> 14 for address in (0x4003_4000, UART1, SPI0, I2C0, ADC)}


@pytest.mark.row("E3.equal", "E3.any-number", engine="embedded")
def test_transfers_under_way_go_on_as_they_did() -> None:
    pair = Pair()
    bench = pair.bench
    i2c, spi = I2c(bench), Spi(bench)
    i2c.set_up()
    i2c.model.bus.attach(Memory(0x50))
    spi.set_up()
    spi[CR1] = SSE | LBM
    bench[ADC + FCS] = FIFO_EN
    bench[ADC + CS] = EN | START_MANY
    for value in b"hello world":
        pair.uart0[DR] = value
    for value in (0x10, 1, 2, STOP | 3):
        i2c[DATA_CMD] = value
    for value in range(8):
        spi[0x08] = value
    bench.run(3.3e-6)

    def what_follows() -> tuple[object, ...]:
        bench.run(0.002)
        registers = [bytes(bench.machine.registers(block)) for block in BLOCK_OF.values()]
        received = [pair.uart1[DR] for _ in range(12)], [spi[0x08] for _ in range(8)]
        return bench.machine.now_ns, bench.machine.cycles, bench.machine.pin_levels(), registers, received

    snapshot, memento = bench.machine.snapshot(), Memento(bench.chip)
    first = what_follows()
    assert bytes(pair.uart0.text()) == b"hello world"
    for _ in range(3):
        bench.machine.restore(snapshot)
        memento.restore()
        assert what_follows() == first
