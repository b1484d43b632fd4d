"""Control of execute-in-place (RP2040 datasheet, 2.6.3)."""

from __future__ import annotations

from renode_pico.rp2040.block import Alias, Number
from tests.unit.rp2040.chip_bench import Bench, Registers

XIP_CTRL, XIP_AUX = 0x1400_0000, 0x5040_0000
CTRL, FLUSH, STAT, CTR_HIT, CTR_ACC, STREAM_ADDR, STREAM_CTR, STREAM_FIFO = range(0, 0x20, 4)
FLUSH_READY, FIFO_EMPTY, FIFO_FULL = 1, 2, 4
BUSCTRL, PERFCTR2, PERFSEL2, XIP_MAIN = 0x4003_0000, 0x18, 0x1C, 0x11
DMA, DMA_EN, DMA_WORDS, DMA_INCR_READ, DMA_UNPACED = 0x5000_0000, 1, 2 << 2, 1 << 4, 0x3F << 15
WORD_S = 16 * 8e-9


def test_a_flush_takes_as_long_as_there_are_sets() -> None:
    bench = Bench()
    xip = Registers(bench, XIP_CTRL)
    xip[FLUSH] = 1
    assert xip[STAT] == FIFO_EMPTY
    bench.run(1020 * 8e-9)
    assert not xip[STAT] & FLUSH_READY
    bench.run(10 * 8e-9)
    assert xip[STAT] & FLUSH_READY
    xip[FLUSH] = 1
    assert xip[FLUSH] == 0, "the read is over when the flush is"
    assert xip[STAT] == FLUSH_READY | FIFO_EMPTY
    xip[FLUSH] = 0
    assert xip[STAT] & FLUSH_READY


def test_a_cache_that_is_powered_down_is_off() -> None:
    xip = Registers(Bench(), XIP_CTRL)
    assert xip[CTRL] == 3
    xip[CTRL] = 0xFF
    assert xip[CTRL] == 0xA
    xip[CTRL] = 1
    assert xip[CTRL] == 1


def test_words_are_streamed_from_the_flash() -> None:
    bench = Bench()
    xip = Registers(bench, XIP_CTRL)
    bench.machine.flash[0x1000:0x1010] = bytes(range(16))
    xip[STREAM_ADDR] = 0x1000_1000
    xip[STREAM_CTR] = 4
    bench.run(0.9 * WORD_S)
    assert xip[STAT] & FIFO_EMPTY
    bench.run(10 * WORD_S)
    assert xip[STAT] & FIFO_FULL, "two words, the other two wait"
    assert xip[STREAM_CTR] == 2
    assert bench.chip.xip_ctrl.dreq.level
    assert xip[STREAM_FIFO] == 0x0302_0100
    assert bench[XIP_AUX] == 0x0706_0504, "the same words"
    assert not bench.chip.xip_ctrl.dreq.level
    bench.run(3 * WORD_S)
    assert [bench[XIP_AUX] for _ in range(3)] == [0x0B0A_0908, 0x0F0E_0D0C, 0]
    assert xip[STREAM_CTR] == 0
    assert xip[STREAM_ADDR] == 0x1000_1010


def test_streaming_stops_when_its_counter_is_cleared() -> None:
    bench = Bench()
    xip = Registers(bench, XIP_CTRL)
    xip[STREAM_ADDR] = 0x1000_0000
    xip[STREAM_CTR] = 100
    bench.run(1.5 * WORD_S)
    xip[STREAM_CTR] = 0
    assert xip[STREAM_FIFO] == 0xFFFF_FFFF
    bench.run(10 * WORD_S)
    assert xip[STAT] & FIFO_EMPTY


def test_counters_saturate_and_are_cleared_by_any_write() -> None:
    bench = Bench()
    xip = Registers(bench, XIP_CTRL)
    assert (xip[CTR_HIT], xip[CTR_ACC]) == (0, 0)
    words = bench.machine.registers(Number.XIP_CTRL)
    words[CTR_ACC >> 2] = words[CTR_HIT >> 2] = 0xFFFF_FFFE
    for word in range(2):
        for _ in range(2):
            assert copied(bench, 0x1000_0000 + 4 * word, 1)  # a word each: a miss and a hit
    assert (xip[CTR_HIT], xip[CTR_ACC]) == (0xFFFF_FFFF, 0xFFFF_FFFF)
    xip[CTR_HIT] = 7
    bench.alias(XIP_CTRL + CTR_ACC, 0, Alias.SET)
    assert (xip[CTR_HIT], xip[CTR_ACC]) == (0, 0)
    assert copied(bench, 0x1000_0000, 1)
    assert (xip[CTR_HIT], xip[CTR_ACC]) == (1, 1)
    assert bench.chip.unmodelled.counts == {}


def test_a_reset_ends_counting() -> None:
    bench = Bench()
    xip = Registers(bench, XIP_CTRL)
    xip[CTR_ACC] = 0
    bench.chip.xip_ctrl.reset()
    assert copied(bench, 0x1000_0000, 4)
    assert bench.machine.registers(Number.XIP_CTRL)[CTR_ACC >> 2] == 0


def test_the_bus_counters_have_24_bits() -> None:
    bench = Bench()
    bus = Registers(bench, BUSCTRL)
    bus[PERFSEL2] = XIP_MAIN
    assert copied(bench, 0x1300_0000, 5)
    assert bus[PERFCTR2] == 5
    bench.machine.registers(Number.BUSCTRL)[PERFCTR2 >> 2] = 0xFF_FFFE
    assert copied(bench, 0x1300_0000, 5)
    assert bus[PERFCTR2] == 0xFF_FFFF
    bus[PERFCTR2] = 1
    assert bus[PERFCTR2] == 0
    bus[PERFSEL2] = 0xFF
    assert bus[PERFSEL2] == 0x1F
    assert copied(bench, 0x1300_0000, 5)
    assert bus[PERFCTR2] == 0


def copied(bench: Bench, source: int, count: int) -> bool:
    """Channel 0 of DMA copies words to SRAM; whether it was allowed to."""
    bench[DMA] = source
    bench[DMA + 0x4] = 0x2000_0000
    bench[DMA + 0x8] = count
    bench[DMA + 0xC] = DMA_EN | DMA_WORDS | DMA_INCR_READ | DMA_UNPACED
    bench.run(1e-5)
    control = bench[DMA + 0xC]
    return not control >> 24
