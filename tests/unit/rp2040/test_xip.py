"""Control of execute-in-place (RP2040 datasheet, 2.6.3)."""

from __future__ import annotations

from tests.unit.rp2040.chip_bench import Bench, Registers

XIP_CTRL, XIP_AUX, XIP_SRAM = 0x1400_0000, 0x5040_0000, 0x1500_0000
CTRL, FLUSH, STAT, CTR_HIT, CTR_ACC, STREAM_ADDR, STREAM_CTR, STREAM_FIFO = range(0, 0x20, 4)
FLUSH_READY, FIFO_EMPTY, FIFO_FULL = 1, 2, 4
WORD_S = 16 * 8e-9


def test_flushing_takes_no_time() -> None:
    bench = Bench()
    xip = Registers(bench, XIP_CTRL)
    assert xip[CTRL] == 3
    xip[FLUSH] = 1
    assert xip[FLUSH] == 0
    assert xip[STAT] == FLUSH_READY | FIFO_EMPTY
    xip[CTRL] = 0xFF
    assert xip[CTRL] == 0xB


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


def test_what_is_not_counted_says_so() -> None:
    bench = Bench()
    assert bench[XIP_CTRL + CTR_ACC] == 0
    assert bench.chip.unmodelled.counts == {"XIP_CTRL.CTR_HIT, CTR_ACC": 1}
