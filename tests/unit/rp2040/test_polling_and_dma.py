"""Status that firmware polls is served without asking Python; DMA moves data at the pace of the blocks' requests."""

from __future__ import annotations

import struct

import pytest

from renode_pico.rp2040.block import READ_HOOK, Block, Number
from tests.unit.rp2040.chip_bench import Bench
from tests.unit.rp2040.test_adc import ADC, CS, EN, FCS, FIFO, FIFO_EN, START_MANY
from tests.unit.rp2040.test_spi import CR1, DMACR, FRAME_S, LBM, SPI0, SSE, Spi
from tests.unit.rp2040.test_uart import DR, FR, UART0, Uart0

SRAM, DMA = 0x2000_0000, 0x5000_0000
READ_ADDR, WRITE_ADDR, TRANS_COUNT, CTRL_TRIG = range(0, 0x10, 4)
DMA_EN, INCR_READ, INCR_WRITE, CHAIN_LSB, TREQ_LSB, DMA_BUSY = 1, 1 << 4, 1 << 5, 11, 15, 1 << 24
DREQ_SPI0_TX, DREQ_SPI0_RX, DREQ_UART0_TX, DREQ_ADC = 16, 17, 20, 36
HALFWORDS = 1 << 2
DREQ_EN = 1 << 3

POLLED = {
    Number.UART0: (FR, 0x3C, 0x40), Number.SPI0: (0x0C, 0x18, 0x1C), Number.I2C0: (0x70, 0x34, 0x74, 0x78, 0x80, 0x9C),
    Number.ADC: (0x00, 0x04, 0x08), Number.SSI: (0x28, 0x20, 0x24), Number.RESETS: (0x00, 0x08), Number.PSM: (0x0C,),
    Number.CLOCKS: (0x38, 0x44, 0x98, 0x9C), Number.XOSC: (0x04,), Number.ROSC: (0x18,), Number.PLL_SYS: (0x00,),
    Number.XIP_CTRL: (0x08,), Number.RTC: (0x0C, 0x2C), Number.WATCHDOG: (0x08,),
}  # fmt: skip


@pytest.mark.parametrize("number", POLLED)
def test_polled_registers_need_no_python(number: Number) -> None:
    hooks = Bench().machine.hooks(number)
    assert [offset for offset in POLLED[number] if hooks[offset >> 2] & READ_HOOK] == []


def test_a_flood_through_a_uart_costs_no_call_for_each_look_at_it() -> None:
    bench = Bench()
    uart = Uart0(bench)
    uart.set_up()
    calls = {"read": 0, "write": 0}
    model: Block = uart.model

    def read(offset: int) -> int:
        calls["read"] += 1
        return model.read_register(offset)

    def write(offset: int, raw: int, alias: int) -> None:
        calls["write"] += 1
        model.write_register(offset, raw, alias)

    bench.machine.attach(Number.UART0, read, write)
    program = (
        0x6981,  # ldr r1, [r0, #0x18]: UARTFR
        0x3401,  # adds r4, #1: looks
        0x4211,  # tst r1, r2
        0xD1FB,  # bne back
        0x6003,  # str r3, [r0]: UARTDR
        0x3301,  # adds r3, #1
        0xE7F8,  # b back
    )
    bench.machine.sram[:14] = struct.pack("<7H", *program)
    bench.machine.wrote(SRAM, 14)
    for register, value in ((0, UART0), (2, 1 << 5), (3, 0), (4, 0), (15, SRAM)):
        bench.machine.set_core(0, register, value)
    uart.run(100.5)
    assert uart.text() == bytes(range(100))
    assert calls["read"] == 0
    assert calls["write"] == 100 + 32 + 1
    assert bench.machine.core(0, 4) > 100_000, "and all that time it looked"


def channel(bench: Bench, number: int, source: int, target: int, count: int, control: int) -> None:
    base = DMA + 0x40 * number
    bench[base + READ_ADDR], bench[base + WRITE_ADDR], bench[base + TRANS_COUNT] = source, target, count
    bench[base + CTRL_TRIG] = control | number << CHAIN_LSB | DMA_EN


def busy(bench: Bench, number: int) -> bool:
    return bool(bench[DMA + 0x40 * number + CTRL_TRIG] & DMA_BUSY)


def test_dma_feeds_a_uart_at_its_pace() -> None:
    bench = Bench()
    uart = Uart0(bench)
    uart.set_up()
    uart[0x48] = 2  # UARTDMACR.TXDMAE
    text = bytes(range(64))
    bench.machine.sram[: len(text)] = text
    channel(bench, 0, SRAM, UART0 + DR, len(text), INCR_READ | DREQ_UART0_TX << TREQ_LSB)
    uart.run(1)
    assert busy(bench, 0), "32 and one fit in, the rest waits"
    uart.run(66)
    assert not busy(bench, 0)
    assert uart.text() == text


def test_dma_goes_through_spi_both_ways_in_the_time_of_its_frames() -> None:
    bench = Bench()
    spi = Spi(bench)
    spi.set_up()
    spi[CR1] = SSE | LBM
    spi[DMACR] = 3
    data = bytes(range(200))
    bench.machine.sram[: len(data)] = data
    channel(bench, 1, SPI0 + 0x08, SRAM + 0x1000, len(data), INCR_WRITE | DREQ_SPI0_RX << TREQ_LSB)
    channel(bench, 0, SRAM, SPI0 + 0x08, len(data), INCR_READ | DREQ_SPI0_TX << TREQ_LSB)
    bench.run(199.5 * FRAME_S)
    assert busy(bench, 1)
    bench.run(0.6 * FRAME_S)
    assert not busy(bench, 1)
    assert bytes(bench.machine.sram[0x1000:0x10C8]) == data


def test_dma_takes_what_the_adc_samples() -> None:
    bench = Bench()
    bench.chip.adc.voltages[:] = [0.5, 1.0, 1.5, 2.0]
    bench[ADC + FCS] = FIFO_EN | DREQ_EN | 1 << 24
    channel(bench, 0, ADC + FIFO, SRAM, 8, INCR_WRITE | HALFWORDS | DREQ_ADC << TREQ_LSB)
    bench[ADC + CS] = EN | START_MANY | 0b1111 << 16
    bench.run(7.9 * 2e-6)
    assert busy(bench, 0)
    bench.run(0.2 * 2e-6)
    assert not busy(bench, 0)
    codes = [int(volts / 3.3 * 4096) for volts in (0.5, 1.0, 1.5, 2.0)]
    assert list(struct.unpack("<8H", bench.machine.sram[:16])) == codes * 2
