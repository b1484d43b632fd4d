"""The RAM disk of firmware/apps/msc_ramdisk.py, against the bulk-only transport 1.0 and what SCSI hosts ask for."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall
from renode_pico.usb.device import Device, Endpoint
from renode_pico.usb.transfer import Setup
from tests.system.classes.conftest import endpoints_of, interface_of, on_a_board, started

pytestmark = on_a_board

START = "import msc_ramdisk\ns = msc_ramdisk.start()"
PASSED, FAILED, PHASE_ERROR = 0, 1, 2
BLOCK = 512


@dataclass
class Drive:
    """A host's end of the bulk-only transport."""

    device: Device
    in_: Endpoint
    out: Endpoint
    tag: int = 0

    def command(self, cdb: str, expected: int = 0, data: bytes | None = None) -> tuple[bytes, int, int]:
        """Command, data and status; the data read, the residue and the status. `expected`: bytes to read."""
        command = bytes.fromhex(cdb)
        self.tag += 1
        length = expected if data is None else len(data)
        flags = 0 if data is not None else 0x80
        self.out.write(struct.pack("<IIIBBB16s", 0x43425355, self.tag, length, flags, 0, len(command), command))
        read = b""
        if data:
            try:
                self.out.write(data)
            except Stall:
                self.out.clear_halt()
        elif expected:
            transfer = self.in_.submit_in(expected)
            try:
                self.device.host.wait(transfer)
            except Stall:
                self.in_.clear_halt()
            read = transfer.data
        residue, status = self.status()
        if status == PHASE_ERROR:  # 5.3.3.1
            self.recover()
        return read, residue, status

    def recover(self) -> None:
        """Reset recovery (5.3.4)."""
        self.device.control_out(Setup(0x21, 0xFF, 0, 0, 0))
        self.in_.clear_halt()
        self.out.clear_halt()

    def status(self) -> tuple[int, int]:
        """Residue and status of the status wrapper, which may take a second attempt (5.3.3, 6.7.2)."""
        try:
            wrapper = self.in_.read(64)
        except Stall:
            self.in_.clear_halt()
            wrapper = self.in_.read(64)
        signature, tag, residue, status = struct.unpack("<IIIB", wrapper)
        assert (signature, tag) == (0x53425355, self.tag)
        return residue, status

    def sense(self) -> tuple[int, int]:
        """Sense key and additional sense code."""
        data, residue, status = self.command("03 00 00 00 12 00", 18)
        assert (len(data), residue, status) == (18, 0, PASSED)
        return data[2], data[12]

    def read(self, block: int, count: int) -> bytes:
        data, residue, status = self.command(struct.pack(">BBIBHB", 0x28, 0, block, 0, count, 0).hex(), count * BLOCK)
        assert (residue, status) == (0, PASSED)
        return data

    def write(self, block: int, data: bytes) -> None:
        cdb = struct.pack(">BBIBHB", 0x2A, 0, block, 0, len(data) // BLOCK, 0)
        assert self.command(cdb.hex(), data=data) == (b"", 0, PASSED)


def drive(pico: Board) -> Drive:
    _, device = started(pico, START)
    return Drive(device, *endpoints_of(device, interface_of(device, 8, 6)))


def test_a_host_finds_out_what_it_is(pico: Board) -> None:
    disk = drive(pico)
    assert interface_of(disk.device, 8, 6).bInterfaceProtocol == 0x50
    assert disk.device.control_in(Setup(0xA1, 0xFE, 0, 0, 1)) == b"\0"  # one logical unit
    inquiry, residue, status = disk.command("12 00 00 00 24 00", 36)
    assert (len(inquiry), residue, status) == (36, 0, PASSED)
    assert inquiry[:2] == b"\x00\x80"
    assert inquiry[4] == 31
    assert inquiry[8:] == b"MicroPy RAM disk        1.00"
    assert disk.command("00 00 00 00 00 00") == (b"", 0, PASSED)
    assert disk.command("25" + " 00" * 9, 8) == (struct.pack(">II", 127, BLOCK), 0, PASSED)
    assert disk.command("1a 00 3f 00 04 00", 4) == (b"\x03\0\0\0", 0, PASSED)
    capacities, _, status = disk.command("23 00 00 00 00 00 00 00 fc 00", 252)
    assert (capacities, status) == (struct.pack(">IIBBH", 8, 128, 2, 0, BLOCK), PASSED)
    assert disk.command("1e 00 00 00 01 00") == (b"", 0, PASSED)


def test_blocks_written_are_read_back_and_the_board_sees_them(pico: Board) -> None:
    disk = drive(pico)
    assert disk.read(0, 1)[510:] == b"\x55\xaa"  # formatted
    data = bytes((i * 7 + (i >> 9)) & 0xFF for i in range(24 * BLOCK))
    disk.write(100, data)
    assert disk.read(100, 24) == data
    assert disk.read(101, 1) == data[BLOCK : 2 * BLOCK]
    console = pico.uart_repl()
    assert console.eval("bytes(s.disk.view[100 * 512:100 * 512 + 16])") == data[:16]
    console.exec("s.disk.data[51200:51205] = b'board'")
    assert disk.read(100, 1)[:5] == b"board"


def test_the_whole_disk_in_one_command(pico: Board) -> None:
    """64 KiB: more than one transfer of the firmware can carry."""
    disk = drive(pico)
    data = b"".join(struct.pack("<I", i) for i in range(128 * BLOCK // 4))
    disk.write(0, data)
    assert disk.read(0, 128) == data


def test_commands_that_fail_say_why(pico: Board) -> None:
    disk = drive(pico)
    assert disk.sense() == (0, 0)
    assert disk.command("a0" + " 00" * 11) == (b"", 0, FAILED)
    assert disk.sense() == (5, 0x20)
    assert disk.sense() == (0, 0)
    assert disk.command("5a" + " 00" * 9, 100) == (b"", 100, FAILED)  # with data expected: a stall on IN
    assert disk.sense() == (5, 0x20)
    assert disk.command("28 00 00 00 00 80 00 00 01 00", BLOCK) == (b"", BLOCK, FAILED)
    assert disk.sense() == (5, 0x21)
    assert disk.command("2a 00 00 00 00 7f 00 00 02 00", data=bytes(2 * BLOCK)) == (b"", 2 * BLOCK, FAILED)
    assert disk.sense() == (5, 0x21)
    assert disk.command("12 01 80 00 ff 00", 255) == (b"", 255, FAILED)
    assert disk.sense() == (5, 0x24)
    assert disk.command("00 00 00 00 00 00") == (b"", 0, PASSED)


def test_data_shorter_than_the_host_expects(pico: Board) -> None:
    """Cases 4, 5 and 11 of the transport's thirteen (6.7)."""
    disk = drive(pico)
    data, residue, status = disk.command("12 00 00 00 ff 00", 255)
    assert (len(data), residue, status) == (36, 219, PASSED)
    data, residue, status = disk.command("28 00 00 00 00 00 00 00 01 00", 2 * BLOCK)
    assert (len(data), residue, status) == (BLOCK, BLOCK, PASSED)
    _, residue, status = disk.command("2a 00 00 00 00 10 00 00 01 00", data=bytes(range(256)) * 4)
    assert (residue, status) == (BLOCK, PASSED)
    assert disk.read(16, 1) == bytes(range(256)) * 2


def test_data_longer_than_the_host_expects(pico: Board) -> None:
    """Cases 2, 3, 7, 8, 10 and 13: a phase error."""
    disk = drive(pico)
    assert disk.command("28 00 00 00 00 00 00 00 01 00") == (b"", 0, PHASE_ERROR)
    assert disk.command("2a 00 00 00 00 00 00 00 01 00", data=b"") == (b"", 0, PHASE_ERROR)
    data, residue, status = disk.command("28 00 00 00 00 00 00 00 02 00", BLOCK)
    assert (len(data), residue, status) == (BLOCK, 0, PHASE_ERROR)
    assert disk.command("2a 00 00 00 00 00 00 00 01 00", BLOCK) == (b"", BLOCK, PHASE_ERROR)
    assert disk.command("28 00 00 00 00 00 00 00 01 00", data=bytes(BLOCK))[2] == PHASE_ERROR
    assert disk.command("2a 00 00 00 00 00 00 00 02 00", data=bytes(BLOCK))[2] == PHASE_ERROR
    assert len(disk.read(0, 1)) == BLOCK


@pytest.mark.parametrize("wrapper", [b"short", b"X" * 31, struct.pack("<IIIBBB16x", 0x43425355, 1, 0, 0, 0, 0)])
def test_an_invalid_command_stalls_both_pipes_until_the_host_recovers(pico: Board, wrapper: bytes) -> None:
    """5.3.4 and 6.6.1: clearing the stalls is not enough."""
    disk = drive(pico)
    disk.out.write(wrapper)
    pico.engine.run(0.01)
    for _ in range(2):
        with pytest.raises(Stall):
            disk.in_.read(13)
        with pytest.raises(Stall):
            disk.out.write(bytes(31))
        disk.in_.clear_halt()
        disk.out.clear_halt()
    disk.recover()
    assert disk.command("00 00 00 00 00 00") == (b"", 0, PASSED)
