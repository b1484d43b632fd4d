"""The boot ROM's own USB device: a mass storage drive that programs the flash, and PICOBOOT (row P10)."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import Stall, Timeout
from renode_pico.firmware import find_image
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.classes.msc import Disk
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.transfer import Setup

BLOCK = 512
TEST_UNIT_READY, INQUIRY, READ_CAPACITY, WRITE = 0x00, 0x12, 0x25, 0x2A


class Drive:
    """A bulk-only mass storage device (USB Mass Storage Class, Bulk-Only Transport 1.0, 5)."""

    def __init__(self, device: Device) -> None:
        self.source = device.endpoint(0x81)
        self.sink = device.endpoint(0x02)
        self.tag = 0

    def command(self, block: bytes, *, out: bytes = b"", length: int = 0) -> bytes:
        """Carry one SCSI command; it must succeed. Returns at most `length` bytes of data."""
        self.tag += 1
        head = struct.pack("<4sIIBBB", b"USBC", self.tag, length or len(out), 0x80 if length else 0, 0, len(block))
        self.sink.write(head + block.ljust(16, b"\0"))
        if out:
            self.sink.write(out)
        data = self.source.read(length) if length else b""
        assert self.source.read(13) == struct.pack("<4sIIB", b"USBS", self.tag, 0, 0), f"command {block.hex(' ')}"
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write whole blocks from a block address on."""
        self.command(struct.pack(">BBIBHB", WRITE, 0, address, 0, len(data) // BLOCK, 0), out=data)


@pytest.mark.row("P10.mass-storage", "P10.uf2-runs")
@pytest.mark.pico(firmware="uart")
def test_a_uf2_written_to_the_boot_drive_is_what_runs_then(pico: Board) -> None:
    pico.host.plug()
    pico.engine.run(0.2)
    pico.engine.uart(0).write(b"import machine; machine.bootloader()\r")
    pico.host.wait_attach_count(1)
    device = enumerate_device(pico.host)
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0x2E8A, 0x0003)
    assert (device.manufacturer, device.product) == ("Raspberry Pi", "RP2 Boot")

    drive = Drive(device)
    drive.command(bytes((TEST_UNIT_READY, 0, 0, 0, 0, 0)))
    assert drive.command(bytes((INQUIRY, 0, 0, 0, 36, 0)), length=36)[8:16].rstrip() == b"RPI"
    blocks, size = struct.unpack(">II", drive.command(bytes((READ_CAPACITY, *[0] * 9)), length=8))
    assert size == BLOCK
    image = find_image("chip/usb_instrument").read_bytes()  # small: the drive takes 20 KB a second
    for offset in range(0, len(image), 64 * BLOCK):
        drive.write(blocks // 2 + offset // BLOCK, image[offset : offset + 64 * BLOCK])

    pico.host.wait_attach_count(2)
    device = enumerate_device(pico.host)
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0xF055, 0xC002)


FLASH, RAM = 0x1000_0000, 0x2000_0000
UF2_ADDRESS, UF2_COUNT, UF2_FAMILY, UF2_END = 12, 24, 28, 508
"""Where fields of a UF2 block are."""


def boot_drive(request: pytest.FixtureRequest, revision: str | None = None) -> Board:
    """A board in its boot ROM, whose flash holds MicroPython."""
    engine = cast(EngineName, engine_of(request.config))
    board = Board("uart", engine=engine, bootsel=True, revision=revision)
    board.enumerate()
    return board


@pytest.fixture(scope="module")
def drive(request: pytest.FixtureRequest) -> Iterator[Callable[[], tuple[Board, Disk]]]:
    """Calls give the same board as it was when its drive had been enumerated."""
    with boot_drive(request) as board:
        disk = board.device.msc.disk
        assert disk.block_size == BLOCK
        kept = board.snapshot(disk)

        def again() -> tuple[Board, Disk]:
            board.restore(kept)
            return board, disk

        yield again


def changed(block: bytes, offset: int, value: int) -> bytes:
    return block[:offset] + struct.pack("<I", value) + block[offset + 4 :]


def blocks_of_hello() -> list[bytes]:
    image = find_image("chip/hello").read_bytes()
    return [image[offset : offset + BLOCK] for offset in range(0, len(image), BLOCK)]


def greets(board: Board, disk: Disk, blocks: list[bytes]) -> bool:
    """Copy blocks to the drive's second half; whether what runs then is the program that says hello."""
    disk.write(disk.block_count // 2, b"".join(blocks))
    said = bytearray()

    def has_greeted() -> bool:
        said.extend(board.engine.uart(0).read())
        return b"hello" in said

    return board.engine.run_until(has_greeted, 2.0)


def shuffled(blocks: list[bytes]) -> list[bytes]:
    return random.Random(1).sample(blocks, len(blocks))


def among_others(blocks: list[bytes]) -> list[bytes]:
    """Before each block one for another chip, which would go to the same place."""
    others = [changed(block, UF2_FAMILY, 0xADA5_2840)[:32] + bytes(476) + block[UF2_END:] for block in blocks]
    return [block for pair in zip(others, blocks, strict=True) for block in pair]


@pytest.mark.usefixtures("own_board")
@pytest.mark.row("P10.uf2-runs")
@pytest.mark.parametrize("order", [list, shuffled, among_others])
def test_blocks_of_a_uf2_may_come_in_any_order(
    drive: Callable[[], tuple[Board, Disk]], order: Callable[[list[bytes]], list[bytes]]
) -> None:
    board, disk = drive()
    assert greets(board, disk, order(blocks_of_hello()))
    assert not board.device.present
    assert board.engine.flash()[256:512] == blocks_of_hello()[1][32:288]


@pytest.mark.usefixtures("own_board")
@pytest.mark.parametrize(
    ("offset", "value"),
    [(UF2_END, 0), (UF2_FAMILY, 0xADA5_2840), (UF2_ADDRESS, 0x4000_0000), (UF2_ADDRESS, FLASH + 3 * 256 + 4)],
    ids=["no magic at its end", "of another family", "for a register", "beside a page"],
)
def test_what_lacks_a_block_is_not_started(drive: Callable[[], tuple[Board, Disk]], offset: int, value: int) -> None:
    board, disk = drive()
    blocks = blocks_of_hello()
    blocks[3] = changed(blocks[3], offset, value)
    assert not greets(board, disk, blocks)
    assert board.device.present
    assert greets(board, disk, blocks_of_hello()), "the whole image does, then"


@pytest.mark.usefixtures("own_board")
def test_an_image_larger_than_the_drive_can_count_is_not_written(drive: Callable[[], tuple[Board, Disk]]) -> None:
    board, disk = drive()
    before = board.engine.flash()
    assert not greets(board, disk, [changed(block, UF2_COUNT, 200_000) for block in blocks_of_hello()])
    assert board.engine.flash() == before


@pytest.mark.usefixtures("own_board")
@pytest.mark.row("P10.mass-storage")
def test_the_drive_is_a_disk_with_two_files(drive: Callable[[], tuple[Board, Disk]]) -> None:
    """A partition table, FAT16, and what a person sees: a page that leads on, and the UF2 loader's text."""
    _, disk = drive()
    table = disk.read(0)
    kind, first, count = table[450], *struct.unpack_from("<II", table, 454)
    assert (table[510:], kind, first + count) == (b"\x55\xaa", 0x0E, disk.block_count)
    boot = disk.read(first)
    size, cluster, reserved, tables, entries = struct.unpack_from("<HBHBH", boot, 11)
    fat = struct.unpack_from("<H", boot, 22)[0]
    assert (boot[43:54], boot[54:62], size) == (b"RPI-RP2    ", b"FAT16   ", BLOCK)
    root = first + reserved + tables * fat
    listing = disk.read(root)
    names = [listing[offset : offset + 11] for offset in range(0, 128, 32)]
    assert names == [b"RPI-RP2    ", b"INDEX   HTM", b"INFO_UF2TXT", bytes(11)]
    start, length = struct.unpack_from("<HI", listing, 64 + 26)
    text = disk.read(root + entries * 32 // BLOCK + (start - 2) * cluster)[:length]
    assert text.startswith(b"UF2 Bootloader v")
    assert b"Board-ID: RPI-RP2" in text


class PicoBoot:
    """The vendor interface as picotool uses it (pico-sdk, boot/picoboot.h)."""

    MAGIC = 0x431F_D10B
    EXCLUSIVE, REBOOT, ERASE, READ, WRITE, EXIT_XIP, EXECUTE = 1, 2, 3, 0x84, 5, 6, 8

    def __init__(self, device: Device) -> None:
        self.device = device
        self.sink, self.source = device.endpoint(0x03), device.endpoint(0x84)
        self.token = 0

    def command(self, number: int, arguments: bytes = b"", *, length: int = 0, data: bytes = b"") -> bytes:
        """Send a command, move its data, acknowledge the other way round. Returns what was read."""
        self.token += 1
        head = (self.MAGIC, self.token, number, len(arguments), 0, length or len(data), arguments)
        self.sink.write(struct.pack("<IIBBHI16s", *head))
        if number & 0x80:
            read = self.source.read(length)
            self.sink.write(b"")
            return read
        if data:
            self.sink.write(data)
        assert self.source.read(64, timeout=0.5) == b""
        return b""

    def read(self, address: int, length: int) -> bytes:
        return self.command(self.READ, struct.pack("<II", address, length), length=length)

    def write(self, address: int, data: bytes) -> None:
        self.command(self.WRITE, struct.pack("<II", address, len(data)), data=data)

    def status(self) -> int:
        """The last command's, by its token."""
        token, status, _, in_progress = struct.unpack("<IIBB6x", self.device.control_in(Setup(0xC1, 0x42, 0, 1, 16)))
        assert (token, in_progress) == (self.token, 0)
        return int(status)

    def reset(self) -> None:
        """The interface's own request, and both halts cleared."""
        self.device.control_out(Setup(0x41, 0x41, 0, 1, 0))
        self.sink.clear_halt()
        self.source.clear_halt()


@pytest.mark.usefixtures("own_board")
@pytest.mark.row("P10.picoboot", "P3.erased", "P3.programmed")
@pytest.mark.parametrize("revision", ["B2", "B1"])
def test_picoboot_does_what_picotool_asks_for(request: pytest.FixtureRequest, revision: str) -> None:
    """On B1, too, though this boot ROM uses EP_ABORT with each SET_CONFIGURATION (docs/museum.md, E2)."""
    with boot_drive(request, revision) as board:
        boot = PicoBoot(board.device)
        boot.command(boot.EXCLUSIVE, b"\x01")
        assert boot.read(0x10, 4)[:3] == b"Mu\x01", "the boot ROM itself"
        boot.command(boot.EXIT_XIP)
        assert boot.read(FLASH, 512) == board.engine.flash()[:512]
        where, page = 0x10_0000, bytes(range(256))
        boot.write(FLASH + where, 2 * page)
        assert board.engine.flash()[where : where + 768] == 2 * page + b"\xff" * 256
        boot.command(boot.ERASE, struct.pack("<II", FLASH + where, 8192))
        assert board.engine.flash()[where : where + 8192] == b"\xff" * 8192
        boot.write(RAM, struct.pack("<HHHHI", 0x202A, 0x4901, 0x6008, 0x4770, RAM + 0x100))  # 42 goes there
        boot.command(boot.EXECUTE, struct.pack("<I", RAM))
        assert (boot.status(), boot.read(RAM + 0x100, 4)) == (0, b"\x2a\0\0\0")
        boot.command(boot.REBOOT, struct.pack("<III", 0, 0, 50))
        assert board.uart_repl().eval("6 * 7") == 42
        assert not board.device.present


@pytest.mark.usefixtures("own_board")
@pytest.mark.row("P10.picoboot")
def test_picoboot_refuses_with_a_reason(drive: Callable[[], tuple[Board, Disk]]) -> None:
    board, _ = drive()
    boot = PicoBoot(board.device)
    unknown, wrong_length, no_address, not_aligned = 1, 2, 4, 5
    somewhere = struct.pack("<II", 0x4000_0000, 16)
    for number, arguments, length, status in (
        (0x2A, b"", 0, unknown),
        (boot.ERASE, bytes(4), 0, wrong_length),
        (boot.READ, somewhere, 16, no_address),
    ):
        with pytest.raises(Stall):
            boot.command(number, arguments, length=length)
        assert boot.status() == status
        boot.reset()
    with pytest.raises(Timeout):  # halted is the other endpoint
        boot.command(boot.WRITE, struct.pack("<II", FLASH + 16, 256), data=bytes(256))
    assert boot.status() == not_aligned
    boot.reset()
    assert boot.read(0x10, 3)[:2] == b"Mu"
