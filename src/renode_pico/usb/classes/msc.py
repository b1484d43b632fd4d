"""Mass storage: the bulk-only transport 1.0, and SCSI on it (SPC-4, SBC-3), as far as operating systems use them."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

from renode_pico.errors import Stall, UsageError, UsbError
from renode_pico.usb.classes.common import ask, interfaces, library, none_of, required, tell
from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import TransferType

MASS_STORAGE_CLASS, SCSI_SUBCLASS, BULK_ONLY = 0x08, 0x06, 0x50
BULK_ONLY_RESET, GET_MAX_LUN = 0xFF, 0xFE
CBW_SIGNATURE, CSW_SIGNATURE = 0x43425355, 0x53425355
CSW_SIZE = 13
PASSED, FAILED, PHASE_ERROR = 0, 1, 2

TEST_UNIT_READY, REQUEST_SENSE, INQUIRY, MODE_SENSE_6 = 0x00, 0x03, 0x12, 0x1A
START_STOP_UNIT, PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1B, 0x1E
READ_FORMAT_CAPACITIES, READ_CAPACITY_10, READ_10, WRITE_10, SYNCHRONIZE_CACHE_10 = 0x23, 0x25, 0x28, 0x2A, 0x35
SENSE_KEYS = (
    "NO SENSE", "RECOVERED ERROR", "NOT READY", "MEDIUM ERROR", "HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION",
    "DATA PROTECT", "BLANK CHECK", "VENDOR SPECIFIC", "COPY ABORTED", "ABORTED COMMAND", "", "VOLUME OVERFLOW",
    "MISCOMPARE", "COMPLETED",
)  # fmt: skip
MAX_BLOCKS = 128
"""Blocks moved by one command."""


@dataclass(frozen=True, slots=True)
class Sense:
    """Why a command failed (SPC-4, 4.5.3): sense key, additional sense code and its qualifier."""

    key: int
    code: int
    qualifier: int

    def __str__(self) -> str:
        return f"{SENSE_KEYS[self.key]} (ASC {self.code:#04x}, ASCQ {self.qualifier:#04x})"


class CommandFailed(UsbError):
    """The device answered a SCSI command with CHECK CONDITION; `sense` says why."""

    def __init__(self, message: str, sense: Sense) -> None:
        super().__init__(message)
        self.sense = sense


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Who a logical unit is (SPC-4, 6.6.2). `device_type` 0: a disk."""

    device_type: int
    removable: bool
    vendor: str
    product: str
    revision: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a command: its data, its wrapper's status, and how many bytes of what was announced did not move."""

    data: bytes
    status: int
    residue: int


class MassStorage:
    """One mass storage interface; `unit(0)` and so on are its disks. Timeouts are emulated seconds."""

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.interface = interface
        self.number = interface.bInterfaceNumber
        self._in = required(device, interface, True, TransferType.BULK)
        self._out = required(device, interface, False, TransferType.BULK)
        self._tag = 0

    @property
    def units(self) -> int:
        """How many logical units there are: GET_MAX_LUN + 1 (bulk-only transport, 3.2); 1 where it is stalled."""
        try:
            return ask(self.device, self.number, GET_MAX_LUN, 0, 1)[0] + 1
        except Stall:
            return 1

    def unit(self, number: int = 0) -> Disk:
        """A logical unit."""
        return Disk(self, number)

    @property
    def disk(self) -> Disk:
        """Logical unit 0."""
        return self.unit(0)

    def reset(self) -> None:
        """Reset recovery (5.3.4): the class reset, and both endpoints' halts cleared."""
        tell(self.device, self.number, BULK_ONLY_RESET)
        self._in.clear_halt()
        self._out.clear_halt()

    def command(
        self, cdb: bytes, *, length: int = 0, data: bytes = b"", unit: int = 0, timeout: float = DEFAULT_TIMEOUT
    ) -> Answer:
        """Carry one command block (5): to read `length` bytes, to write `data`, or neither.

        A stalled data or status stage is cleared and the status read all the same (6.7.2, 6.7.3). Raises UsbError when
        the status wrapper is none or says phase error, after reset recovery, Timeout, Disconnected.
        """
        if length and data:
            raise UsageError("a command reads or writes, not both")
        self._tag += 1
        expected = length or len(data)
        wrapper = struct.pack(
            "<IIIBBB16s", CBW_SIGNATURE, self._tag, expected, 0x80 if length else 0, unit, len(cdb), bytes(cdb)
        )
        self._out.write(wrapper, timeout)
        read = self._read_data(length, timeout) if length else b""
        if data:
            self._write_data(data, timeout)
        status, residue = self._status(timeout)
        return Answer(read, status, residue)

    def _read_data(self, length: int, timeout: float) -> bytes:
        transfer = self._in.submit_in(length)
        try:
            self.device.host.wait(transfer, timeout=timeout)
        except Stall:
            self._in.clear_halt()
        return transfer.data

    def _write_data(self, data: bytes, timeout: float) -> None:
        try:
            self._out.write(data, timeout)
        except Stall:
            self._out.clear_halt()

    def _status(self, timeout: float) -> tuple[int, int]:
        try:
            wrapper = self._in.read(CSW_SIZE, timeout)
        except Stall:
            self._in.clear_halt()
            wrapper = self._in.read(CSW_SIZE, timeout)
        if len(wrapper) == CSW_SIZE:
            signature, tag, residue, status = struct.unpack("<IIIB", wrapper)
            if (signature, tag) == (CSW_SIGNATURE, self._tag) and status != PHASE_ERROR:
                return status, residue
        self.reset()
        raise UsbError(f"mass storage: the device's status is {wrapper.hex(' ') or 'nothing'}; it was reset")


class Disk:
    """A logical unit, in blocks of `block_size` bytes. All raise CommandFailed with the device's sense."""

    def __init__(self, storage: MassStorage, unit: int = 0) -> None:
        self.storage = storage
        self.unit = unit
        self._capacity: tuple[int, int] | None = None

    @property
    def block_count(self) -> int:
        """How many blocks it has, by READ CAPACITY (10)."""
        return self._read_capacity()[0]

    @property
    def block_size(self) -> int:
        """Bytes of a block."""
        return self._read_capacity()[1]

    @property
    def write_protected(self) -> bool:
        """Bit 7 of the device-specific parameter that MODE SENSE (6) answers with (SBC-3, 6.4.1)."""
        return bool(self.command(bytes((MODE_SENSE_6, 0, 0x3F, 0, 192, 0)), length=192)[2] & 0x80)

    def ready(self) -> bool:
        """TEST UNIT READY: whether there is a medium to read."""
        return self.storage.command(bytes((TEST_UNIT_READY, 0, 0, 0, 0, 0)), unit=self.unit).status == PASSED

    def sense(self) -> Sense:
        """REQUEST SENSE: why the last command failed."""
        answer = self.storage.command(bytes((REQUEST_SENSE, 0, 0, 0, 18, 0)), length=18, unit=self.unit)
        if answer.status != PASSED or len(answer.data) < 14:
            raise UsbError(f"REQUEST SENSE: status {answer.status}, {len(answer.data)} bytes")
        return Sense(answer.data[2] & 0x0F, answer.data[12], answer.data[13])

    def inquiry(self) -> Inquiry:
        """INQUIRY: who it is."""
        data = self.command(bytes((INQUIRY, 0, 0, 0, 36, 0)), length=36)
        texts = (data[8:16], data[16:32], data[32:36])
        vendor, product, revision = (text.decode("ascii", "replace").strip(" \0") for text in texts)
        return Inquiry(data[0] & 0x1F, bool(data[1] & 0x80), vendor, product, revision, data)

    def read(self, block: int, count: int = 1) -> bytes:
        """READ (10)."""
        data = b""
        for first, some in _pieces(block, count):
            cdb = struct.pack(">BBIBHB", READ_10, 0, first, 0, some, 0)
            data += self.command(cdb, length=some * self.block_size)
        return data

    def write(self, block: int, data: bytes) -> None:
        """WRITE (10): whole blocks."""
        size = self.block_size
        if len(data) % size:
            raise UsageError(f"{len(data)} bytes are not whole blocks of {size}")
        for first, some in _pieces(block, len(data) // size):
            cdb = struct.pack(">BBIBHB", WRITE_10, 0, first, 0, some, 0)
            self.command(cdb, data=data[(first - block) * size : (first - block + some) * size])

    def eject(self) -> None:
        """START STOP UNIT with LoEj: the medium goes out."""
        self.command(bytes((START_STOP_UNIT, 0, 0, 0, 2, 0)))

    def load(self) -> None:
        """START STOP UNIT with LoEj and Start: the medium comes in."""
        self.command(bytes((START_STOP_UNIT, 0, 0, 0, 3, 0)))

    def command(self, cdb: bytes, *, length: int = 0, data: bytes = b"") -> bytes:
        """Carry a command; the data it read. Raises CommandFailed with the sense, UsbError where bytes are missing."""
        answer = self.storage.command(cdb, length=length, data=data, unit=self.unit)
        if answer.status == FAILED:
            sense = self.sense()
            raise CommandFailed(f"SCSI command {cdb.hex(' ')}: {sense}", sense)
        if answer.residue and cdb[0] in (READ_10, WRITE_10):
            raise UsbError(f"SCSI command {cdb.hex(' ')}: {answer.residue} bytes did not move, and it says it passed")
        return answer.data

    def open(self) -> BlockFile:
        """The disk as a file of bytes, to be given to other libraries."""
        return BlockFile(self)

    def file_system(self) -> Any:
        """The FAT file system on it, as a `fs.base.FS` (PyFilesystem) by pyfatfs; close it to have all written.

        Raises EngineMissing without pyfatfs, and what pyfatfs raises where there is no file system.
        """
        return library("pyfatfs.PyFatFS").PyFatBytesIOFS(fp=self.open())

    def _read_capacity(self) -> tuple[int, int]:
        if self._capacity is None:
            data = self.command(struct.pack(">BBIBHB", READ_CAPACITY_10, 0, 0, 0, 0, 0), length=8)
            last, size = struct.unpack(">II", data)
            self._capacity = last + 1, size
        return self._capacity


class BlockFile(io.RawIOBase):
    """A disk as a file: reads and writes of any length at any place, by whole blocks; nothing is kept back."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk
        self._size = disk.block_size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is, as long as the device takes it."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._disk.block_count * self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read up to so many bytes, all that are left with -1."""
        end = self._disk.block_count * self._size
        length = end - self._at if size is None or size < 0 else min(size, end - self._at)
        if length <= 0:
            return b""
        first, last = self._at // self._size, (self._at + length - 1) // self._size
        data = self._disk.read(first, last - first + 1)
        begin = self._at - first * self._size
        self._at += length
        return data[begin : begin + length]

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        """Write bytes; the rest of the first and the last block is read before."""
        content = bytes(data)
        if not content:
            return 0
        first, last = self._at // self._size, (self._at + len(content) - 1) // self._size
        begin = self._at - first * self._size
        if begin or (begin + len(content)) % self._size:
            blocks = bytearray(self._disk.read(first, last - first + 1))
            blocks[begin : begin + len(content)] = content
        else:
            blocks = bytearray(content)
        self._disk.write(first, bytes(blocks))
        self._at += len(content)
        return len(content)


def _pieces(block: int, count: int) -> list[tuple[int, int]]:
    return [(first, min(MAX_BLOCKS, block + count - first)) for first in range(block, block + count, MAX_BLOCKS)]


def mass_storages(device: ConfiguredDevice) -> list[MassStorage]:
    """Return all bulk-only SCSI interfaces of a device. Raises UsageError when there is none."""
    found = [MassStorage(device, each) for each in interfaces(device, MASS_STORAGE_CLASS, SCSI_SUBCLASS, BULK_ONLY)]
    if not found:
        raise none_of("mass storage interface")
    return found
