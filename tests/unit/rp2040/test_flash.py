"""The flash chip behind the SSI: commands of the W25Q16JV, frames and chip select (RP2040 datasheet, 4.10)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from renode_pico.rp2040.block import Dreq
from tests.unit.rp2040.chip_bench import Bench, Registers

SSI, IO_QSPI_SS_CTRL = 0x1800_0000, 0x4001_800C
CTRLR0, SSIENR, SER, BAUDR, RXFLR, SR, DMACR, DR0 = 0x00, 0x08, 0x10, 0x14, 0x24, 0x28, 0x4C, 0x60
CTRLR1, SPI_CTRLR0 = 0x04, 0xF4
TFNF, TFE, RFNE, RFF = 2, 4, 8, 16
NORMAL, LOW, HIGH = 0, 2, 3
FLASH = 0x1000_0000


class Flash(Registers):
    """The SSI as the boot ROM drives it: eight-bit frames, chip select by IO_QSPI's override."""

    def __init__(self) -> None:
        super().__init__(Bench(), SSI)
        self.bench[IO_QSPI_SS_CTRL] = 0
        self[BAUDR] = 6
        self[CTRLR0] = 7 << 16
        self[SER] = 1
        self[SSIENR] = 1
        self.model = self.bench.chip.flash
        self.model.time_scale = 0
        self.memory = self.bench.machine.flash

    def select(self, override: int) -> None:
        self.bench[IO_QSPI_SS_CTRL] = override << 8

    def command(self, *values: int, answer: int = 0) -> bytes:
        """Send a command and `answer` bytes more; what came back for those."""
        self.select(LOW)
        received = []
        for value in (*values, *bytes(answer)):
            self[DR0] = value
            received.append(self[DR0])
        self.select(HIGH)
        return bytes(received[len(values) :])

    def enabled(self, *values: int) -> None:
        self.command(0x06)
        self.command(*values)


def address(at: int) -> Iterable[int]:
    return at.to_bytes(3, "big")


@pytest.fixture
def flash() -> Flash:
    return Flash()


def test_who_it_is(flash: Flash) -> None:
    assert flash.command(0x9F, answer=3) == b"\xef\x40\x15"
    assert flash.command(0x4B, 0, 0, 0, 0, answer=8) == bytes.fromhex("e6605838 83724a2b")
    assert flash.command(0x90, 0, 0, 0, answer=2) == b"\xef\x14"
    assert flash.command(0xAB, 0, 0, 0, answer=1) == b"\x14"
    assert flash.command(0x35, answer=1) == b"\x02", "QE"


def test_reading_is_what_the_cores_see(flash: Flash) -> None:
    flash.memory[0x1234:0x1238] = b"word"
    assert flash.command(0x03, *address(0x1234), answer=4) == b"word"
    assert flash.command(0x0B, *address(0x1234), 0, answer=4) == b"word"
    assert flash.command(0x03, *address(0x1FFFFF), answer=2)[1] == flash.memory[0], "it wraps around"


def test_programming_clears_bits_only(flash: Flash) -> None:
    flash.enabled(0x02, *address(0x1000), *b"\xf0\x0f")
    assert flash.bench[FLASH + 0x1000] == 0xFFFF_0FF0
    flash.enabled(0x02, *address(0x1000), 0x3C)
    assert flash.bench[FLASH + 0x1000] == 0xFFFF_0F30


def test_a_page_wraps_and_keeps_the_last_256_bytes(flash: Flash) -> None:
    flash.enabled(0x02, *address(0x20F0), *bytes(range(32)))
    assert bytes(flash.memory[0x20F0:0x2100]) == bytes(range(16))
    assert bytes(flash.memory[0x2000:0x2010]) == bytes(range(16, 32))
    flash.enabled(0x02, *address(0x3000), *(number & 0xFF for number in range(260)))
    assert bytes(flash.memory[0x3000:0x3006]) == bytes((0, 1, 2, 3, 4, 5))
    assert flash.memory[0x3100] == 0xFF


@pytest.mark.parametrize(("command", "size"), [(0x20, 0x1000), (0x52, 0x8000), (0xD8, 0x1_0000)])
def test_erasing(flash: Flash, command: int, size: int) -> None:
    flash.memory[:] = bytes(len(flash.memory))
    flash.enabled(command, *address(0x1_2345))
    start = 0x1_2345 // size * size
    assert flash.memory[start - 1] == flash.memory[start + size] == 0
    assert set(flash.memory[start : start + size]) == {0xFF}


def test_erasing_everything(flash: Flash) -> None:
    flash.memory[:] = bytes(len(flash.memory))
    flash.enabled(0xC7)
    assert set(flash.memory) == {0xFF}


def test_nothing_changes_without_a_write_enable(flash: Flash) -> None:
    flash.memory[0x1000] = 0
    flash.command(0x20, *address(0x1000))
    assert flash.memory[0x1000] == 0
    assert flash.command(0x05, answer=1) == b"\x00"
    flash.command(0x06)
    assert flash.command(0x05, answer=1) == b"\x02", "WEL"
    flash.command(0x04)
    flash.command(0x20, *address(0x1000))
    assert flash.memory[0x1000] == 0
    flash.enabled(0x20, *address(0x1000))
    assert flash.memory[0x1000] == 0xFF
    assert flash.command(0x05, answer=1) == b"\x00"


def test_a_command_that_nobody_models_says_so(flash: Flash) -> None:
    assert flash.command(0x5A, 0, 0, 0, 0, answer=4) == b"\xff" * 4
    assert flash.bench.chip.unmodelled.counts == {"FLASH.0x5a": 1}


def test_the_cores_run_what_was_programmed(flash: Flash) -> None:
    """Code that was decoded is forgotten when the flash changes under it."""
    machine = flash.bench.machine
    flash.memory[0x100:0x104] = b"\x01\x20\xfe\xe7"  # movs r0, #1; b .
    machine.wrote(FLASH + 0x100, 4)
    machine.set_core(0, 15, FLASH + 0x100)
    flash.bench.run(1e-6)
    assert machine.core(0, 0) == 1
    flash.enabled(0x20, *address(0))
    flash.enabled(0x02, *address(0x100), *b"\x02\x20\xfe\xe7")
    machine.set_core(0, 15, FLASH + 0x100)
    flash.bench.run(1e-6)
    assert machine.core(0, 0) == 2


# Time


BUSY, WEL, SUS = 1, 2, 0x80


@pytest.mark.parametrize(
    ("command", "milliseconds"), [(0x02, 0.4), (0x20, 45), (0x52, 120), (0xD8, 150), (0xC7, 5000), (0x01, 10)]
)
def test_it_is_busy_for_the_typical_time(flash: Flash, command: int, milliseconds: float) -> None:
    flash.model.time_scale = 1
    flash.enabled(command, *address(0x1000), 0)
    flash.bench.run(milliseconds / 1000 - 20e-6)
    assert flash.command(0x05, answer=1) == bytes((BUSY,))
    flash.bench.run(25e-6)
    assert flash.command(0x05, answer=1) == b"\x00"


def test_busy_it_understands_nothing_but_questions_for_its_status(flash: Flash) -> None:
    flash.memory[0x5000] = 0
    flash.model.time_scale = 1
    flash.enabled(0x20, *address(0x1000))
    assert flash.command(0x9F, answer=3) == b"\xff" * 3
    flash.enabled(0x20, *address(0x5000))
    flash.bench.run(0.046)
    assert flash.memory[0x5000] == 0
    assert flash.bench.chip.unmodelled.counts == {"FLASH.0x9f": 1, "FLASH.0x06": 1, "FLASH.0x20": 1}
    assert flash.command(0x9F, answer=3) == b"\xef\x40\x15"


def test_an_erasure_is_suspended_and_goes_on(flash: Flash) -> None:
    flash.model.time_scale = 1
    flash.enabled(0x20, *address(0x1000))
    flash.bench.run(0.015)
    flash.command(0x75)
    assert flash.command(0x05, answer=1) == b"\x00"
    assert flash.command(0x35, answer=1)[0] & SUS
    flash.memory[0x8000] = 0x12
    assert flash.command(0x03, *address(0x8000), answer=1) == b"\x12"
    flash.bench.run(1)
    flash.command(0x7A)
    assert flash.command(0x05, answer=1) == bytes((BUSY,))
    flash.bench.run(0.029)
    assert flash.command(0x05, answer=1) == bytes((BUSY,))
    flash.bench.run(0.002)
    assert flash.command(0x05, answer=1) == b"\x00"
    assert not flash.command(0x35, answer=1)[0] & SUS


def test_a_reset_needs_its_two_commands(flash: Flash) -> None:
    flash.command(0x06)
    flash.command(0x99)
    assert flash.command(0x05, answer=1) == bytes((WEL,))
    flash.command(0x66)
    flash.command(0x99)
    assert flash.command(0x05, answer=1) == b"\x00"


def test_who_asks_a_busy_flash_is_held_up_a_moment_and_wakes_in_time(flash: Flash) -> None:
    bench, machine = flash.bench, flash.bench.machine
    machine.bus_write(0x2000_0000, 0xE7FD_3001)  # adds r0, #1; b back
    machine.set_core(0, 15, 0x2000_0000)
    flash.model.time_scale = 1
    flash.enabled(0x20, *address(0x1000))
    flash.command(0x05, answer=1)
    before = machine.core(0, 0)
    bench.run(90e-6)
    assert machine.core(0, 0) - before < 3
    bench.run(50e-6)
    assert machine.core(0, 0) - before > 1000
    bench.run(0.045 - 150e-6)
    flash.command(0x05, answer=1)
    before = machine.core(0, 0)
    bench.run(20e-6)
    assert machine.core(0, 0) - before > 200, "no longer than the flash is busy"


# The SSI


def test_status_and_levels(flash: Flash) -> None:
    flash.select(LOW)
    assert flash[SR] == TFNF | TFE
    for number in range(16):
        flash[DR0] = number
    assert flash[RXFLR] == 16
    assert flash[SR] == TFNF | TFE | RFNE | RFF
    flash[DR0]
    assert flash[RXFLR] == 15
    flash[SSIENR] = 0
    assert flash[RXFLR] == 0
    flash[DR0] = 1
    assert flash[RXFLR] == 0, "disabled"


def test_chip_select_by_itself_frames_what_is_written_in_time(flash: Flash) -> None:
    """As the second stage does it: write a command, wait for the end of it, take what came."""
    flash.select(NORMAL)
    flash[DR0] = 0x9F
    for _ in range(3):
        flash[DR0] = 0
    assert [flash[DR0] for _ in range(4)] == [0xFF, 0xEF, 0x40, 0x15]
    flash.bench.run(4 * 8 * 6 * 8e-9 + 1e-7)
    assert not flash.model.selected
    flash[DR0] = 0x06
    assert not flash.model.write_enabled
    flash.bench.run(1e-6)
    assert flash.model.write_enabled


def test_chip_select_stays_high_by_override_or_without_the_slave_enable(flash: Flash) -> None:
    flash.select(HIGH)
    flash[DR0] = 0x9F
    flash[DR0] = 0
    assert [flash[DR0], flash[DR0]] == [0xFF, 0xFF]
    flash.bench.run(1e-5)
    flash.select(NORMAL)
    flash[SER] = 0
    flash[DR0] = 0x9F
    flash[DR0] = 0
    assert [flash[DR0], flash[DR0]] == [0xFF, 0xFF]


def test_wide_frames(flash: Flash) -> None:
    flash.memory[0x1234:0x1238] = b"\x12\x34\x56\x78"
    flash[SSIENR] = 0
    flash[CTRLR0] = 31 << 16
    flash[SSIENR] = 1
    flash.select(LOW)
    flash[DR0] = 0x0300_1234
    flash[DR0] = 0
    assert [flash[DR0], flash[DR0]] == [0xFFFF_FFFF, 0x1234_5678]


def test_transmit_only_receives_nothing(flash: Flash) -> None:
    flash[CTRLR0] = 7 << 16 | 1 << 8
    flash.select(LOW)
    flash[DR0] = 0x9F
    assert flash[RXFLR] == 0


def test_data_requests(flash: Flash) -> None:
    machine = flash.bench.machine
    flash[DMACR] = 3
    assert machine.dreq(Dreq.XIP_SSITX)
    assert not machine.dreq(Dreq.XIP_SSIRX)
    flash.select(LOW)
    flash[DR0] = 0x9F
    assert machine.dreq(Dreq.XIP_SSIRX)
    flash[DR0]
    assert not machine.dreq(Dreq.XIP_SSIRX)


def test_it_is_a_dw_apb_ssi(flash: Flash) -> None:
    assert flash[0x58] == 0x5153_5049
    assert flash[0x5C] == 0x3430_312A
    assert flash[0xF4] == 0x0300_0000


def test_a_quad_read_of_many_frames_waits_for_the_fifo(flash: Flash) -> None:
    """As software reads in the mode of execute-in-place, whose address has the mode's bits behind it (4.10.10)."""
    flash.memory[0x1234 : 0x1234 + 80] = bytes(range(80))
    flash[SSIENR] = 0
    flash[CTRLR0] = 2 << 21 | 31 << 16 | 3 << 8
    flash[CTRLR1] = 19
    flash[SPI_CTRLR0] = 8 << 2
    flash[SSIENR] = 1
    flash[DR0] = 0x1234 << 8 | 0xA0
    assert flash[RXFLR] == 16
    words = [flash[DR0] for _ in range(20)]
    assert words == [int.from_bytes(bytes(range(4 * n, 4 * n + 4)), "big") for n in range(20)]
    assert flash[RXFLR] == 0


def test_an_instruction_before_the_address_is_no_address(flash: Flash) -> None:
    flash.memory[0x20:0x22] = b"\x5a\xa5"
    flash[SSIENR] = 0
    flash[CTRLR0] = 1 << 21 | 15 << 16 | 3 << 8
    flash[SPI_CTRLR0] = 2 << 8 | 6 << 2
    flash[SSIENR] = 1
    flash[DR0] = 0xBB
    assert flash[RXFLR] == 0
    flash[DR0] = 0x20
    assert [flash[RXFLR], flash[DR0]] == [1, 0x5AA5]
