"""What a read of the flash takes past the cache of execute-in-place (RP2040 datasheet, 2.6.3, 4.10): `flash_latency`.

The reader is native code in SRAM, so that nothing but what it reads comes from the flash. A word takes as many clocks
of the serial bus as the SSI's registers say: 8 for address and mode on four lines, 4 of waiting, 8 for the data, 1 for
chip select; two cycles each at the divider of the Pico's second stage; and three cycles for the SSI at its bus: 45.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import UsageError
from renode_pico.pytest_plugin import engine_of

pytestmark = [pytest.mark.usefixtures("own_board"), pytest.mark.row("P9.flash-latency")]

WORDS = 1000
WORD_CYCLES = 45
CYCLES_PER_US = 125
LATENCY_US = WORDS * WORD_CYCLES // CYCLES_PER_US
CACHED, LOOKED_UP, FILLING, UNCACHED, IN_SRAM = 0x1008_0000, 0x1108_0000, 0x1208_0000, 0x1308_0000, 0x2001_0000

# Of the SSI: CTRLR0 for reads of 32 bits on so many lines, SPI_CTRLR0 with what leads up to them
SERIAL, DUAL, QUAD = (lines << 21 | 31 << 16 | 3 << 8 for lines in (0, 1, 2))
ADDRESS_AND_MODE = 0xA0 << 24 | 4 << 11 | 8 << 2 | 2
READ_COMMAND = 0x03 << 24 | 2 << 8 | 6 << 2
QUAD_IO_COMMAND = 0xEB << 24 | 4 << 11 | 2 << 8 | 8 << 2 | 1
DUAL_IO_COMMAND = 0xBB << 24 | 2 << 8 | 8 << 2 | 1

PROGRAM = """
import array, machine, micropython

@micropython.viper
def _passes(where: ptr32, passes: int, count: int, took: ptr32):
    timer = ptr32(0x40054000)
    for n in range(passes):
        at = ptr32(where[n])
        begun = timer[10]
        for i in range(count):
            at[i]
        took[n] = timer[10] - begun

@micropython.viper
def _flush():
    xip = ptr32(0x14000000)
    xip[1] = 1
    xip[1]

@micropython.viper
def _with_cache(on: int):
    ptr32(0x14000000)[0] = on | 2

@micropython.viper
def _read_by(baudr: int, ctrlr0: int, spi_ctrlr0: int):
    ssi = ptr32(0x18000000)
    ssi[2] = 0
    ssi[5] = baudr
    ssi[0] = ctrlr0
    ssi[61] = spi_ctrlr0
    ssi[2] = 1

@micropython.viper
def _copied(at: int, to: ptr32, count: int) -> int:
    timer = ptr32(0x40054000)
    dma = ptr32(0x500002c0)
    begun = timer[10]
    dma[0] = at
    dma[1] = int(to)
    dma[2] = count
    dma[3] = 1 | 2 << 2 | 1 << 4 | 1 << 5 | 11 << 11 | 0x3f << 15
    while dma[3] & 1 << 24:
        pass
    return timer[10] - begun

def passes(*where):
    took = array.array("i", where)
    at = array.array("I", where)
    state = machine.disable_irq()
    _flush()
    _passes(at, len(at), 1000, took)
    machine.enable_irq(state)
    return list(took)

def ssi():
    return machine.mem32[0x18000014], machine.mem32[0x18000000], machine.mem32[0x180000f4]

def read_by(*how):
    before = ssi()
    state = machine.disable_irq()
    _read_by(*how)
    machine.enable_irq(state)
    took = passes(0x13080000, 0x20010000)
    _read_by(*before)
    return took

@micropython.viper
def _call(work, seen: ptr32):
    timer, xip = ptr32(0x40054000), ptr32(0x14000000)
    xip[3] = xip[4] = 0
    begun = timer[10]
    work()
    seen[0] = timer[10] - begun
    hits = xip[3]
    seen[1] = xip[4] - hits

def calls():
    cold, warm = array.array("i", (0, 0)), array.array("i", (0, 0))
    state = machine.disable_irq()
    _call(work, cold)  # what the interpreter keeps of a first call is there from the second on
    _flush()
    _call(work, cold)
    _call(work, warm)
    machine.enable_irq(state)
    return list(cold), list(warm)

def work():
    return sum(range(20))

def on_core_1():
    import _thread
    took, done = [], _thread.allocate_lock()
    done.acquire()
    def there():
        took.extend(passes(*[0x13080000] * 10, *[0x20010000] * 10))
        done.release()
    _thread.start_new_thread(there, ())
    done.acquire()
    return sum(took[:10]) - sum(took[10:])
"""


@pytest.fixture(scope="module")
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    with Board("cdc", engine=cast(EngineName, engine_of(request.config)), flash_latency=1, cores=2) as board:
        board.exec(PROGRAM)
        yield board


def waited(board: Board, *where: int) -> list[int]:
    """Microseconds that a pass through so many words at each of these addresses takes more than one in SRAM.

    It begins with an empty cache.
    """
    *took, base = board.repl().eval(f"passes{(*where, IN_SRAM)}")
    return [each - base for each in took]


def test_what_the_cache_holds_is_there_at_once(board: Board) -> None:
    assert waited(board, CACHED, CACHED, LOOKED_UP) == pytest.approx([LATENCY_US, 0, 0], abs=1)


def test_each_window_waits_for_what_it_does_not_take_from_the_cache(board: Board) -> None:
    every_time = [LOOKED_UP, UNCACHED, FILLING, FILLING, UNCACHED]
    assert waited(board, *every_time, CACHED) == pytest.approx([LATENCY_US] * len(every_time) + [0], abs=1)


def test_without_the_cache_each_word_is_waited_for(board: Board) -> None:
    board.exec("_with_cache(0)")
    assert waited(board, CACHED, CACHED) == pytest.approx([LATENCY_US, LATENCY_US], abs=1)
    board.exec("_with_cache(1)")
    assert waited(board, CACHED, CACHED) == pytest.approx([LATENCY_US, 0], abs=1)


@pytest.mark.parametrize(
    ("baudr", "ctrlr0", "spi_ctrlr0", "cycles"),
    [
        pytest.param(4, QUAD, ADDRESS_AND_MODE, 4 * 21 + 3, id="a slower clock"),
        pytest.param(2, SERIAL, READ_COMMAND, 2 * (8 + 24 + 32 + 1) + 3, id="the boot ROM's 03h"),
        pytest.param(2, QUAD, QUAD_IO_COMMAND, 2 * (8 + 8 + 4 + 8 + 1) + 3, id="EBh on one line, the address on four"),
        pytest.param(6, DUAL, DUAL_IO_COMMAND, 6 * (8 + 16 + 16 + 1) + 3, id="BBh on one line, the address on two"),
    ],
)
def test_the_ssi_says_how_long_a_word_takes(
    board: Board, baudr: int, ctrlr0: int, spi_ctrlr0: int, cycles: int
) -> None:
    took, base = board.repl().eval(f"read_by({baudr}, {ctrlr0}, {spi_ctrlr0})")
    assert took - base == pytest.approx(WORDS * cycles / CYCLES_PER_US, abs=1.1)


def test_dma_waits_as_a_core_does(board: Board) -> None:
    board.exec(f"to = bytearray({4 * WORDS})")
    base, took = (board.repl().eval(f"_copied({at}, to, {WORDS})") for at in (IN_SRAM, UNCACHED))
    assert took - base == pytest.approx(LATENCY_US, abs=2)
    assert board.repl().eval(f"bytes(to) == bytes(machine.mem8[{UNCACHED} + i] for i in range(len(to)))")


def test_instructions_wait_to_be_fetched(board: Board) -> None:
    """What a call takes longer with an empty cache is what the words take that were not hits."""
    (cold_us, cold_misses), (warm_us, warm_misses) = board.repl().eval("calls()")
    assert cold_misses - warm_misses > 100
    waiting_us = (cold_misses - warm_misses) * WORD_CYCLES / CYCLES_PER_US
    assert cold_us - warm_us == pytest.approx(waiting_us, rel=0.02, abs=2)


def test_core_1_waits_too(board: Board) -> None:
    took = board.repl().eval("on_core_1()")
    assert took == pytest.approx(10 * LATENCY_US, abs=101), "on Renode core 1 sees TIMER go on in steps of its turns"


def test_a_snapshot_holds_what_is_in_the_cache(board: Board) -> None:
    code = "import time; t = time.ticks_us(); sum(range(50)); print(time.ticks_us() - t)"
    then = board.snapshot()
    first = board.exec(code)
    board.exec("_flush(); list(range(1000))")
    board.restore(then)
    assert board.exec(code) == first


def test_what_cannot_be_is_refused(request: pytest.FixtureRequest) -> None:
    with pytest.raises(UsageError, match="0 to 100 times the chip's, not -1"):
        Board("cdc", engine=cast(EngineName, engine_of(request.config)), flash_latency=-1)


def test_it_outlives_a_reset(board: Board) -> None:
    board.reset()
    board.exec(PROGRAM)
    assert waited(board, UNCACHED, CACHED, CACHED) == pytest.approx([LATENCY_US, LATENCY_US, 0], abs=1)


def test_a_board_is_asked_for_a_part_of_it(request: pytest.FixtureRequest) -> None:
    with Board("cdc", engine=cast(EngineName, engine_of(request.config)), flash_latency=0.2) as board:
        board.exec(PROGRAM)
        assert waited(board, CACHED, CACHED) == pytest.approx([LATENCY_US / 5, 0], abs=1)


def test_without_it_the_flash_is_as_fast_as_memory(request: pytest.FixtureRequest) -> None:
    with Board("cdc", engine=cast(EngineName, engine_of(request.config))) as board:
        board.exec(PROGRAM)
        assert waited(board, CACHED, UNCACHED, FILLING) == pytest.approx([0, 0, 0], abs=1)
