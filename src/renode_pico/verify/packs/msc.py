"""Mass storage, bulk-only transport 1.0 and SCSI: one function for each item of `packs/msc.toml`, on logical unit 0.

The thirteen cases (6.7) are named by what the host expects and what the device intends: nothing (n), IN (i), OUT (o).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from renode_pico.usb import requests
from renode_pico.usb.classes.common import CLASS_IN, CLASS_OUT
from renode_pico.usb.classes.msc import (
    BULK_ONLY,
    BULK_ONLY_RESET,
    CBW_SIGNATURE,
    CSW_SIGNATURE,
    CSW_SIZE,
    FAILED,
    GET_MAX_LUN,
    INQUIRY,
    MASS_STORAGE_CLASS,
    PASSED,
    PHASE_ERROR,
    READ_10,
    READ_CAPACITY_10,
    REQUEST_SENSE,
    START_STOP_UNIT,
    WRITE_10,
)
from renode_pico.usb.descriptors import DescriptorType, EndpointDescriptor, Interface
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.verify.bench import Bench
from renode_pico.verify.table import check

LANGUAGE = 0x0409
DIGITS = b"0123456789ABCDEF"
LEAST_DIGITS = 12
UNKNOWN_COMMAND = 0xFF
NOT_READY, ILLEGAL_REQUEST, UNIT_ATTENTION = 2, 5, 6
NO_MEDIUM, INVALID_COMMAND, OUT_OF_RANGE = 0x3A, 0x20, 0x21
WAIT = 2.0
"""Seconds that a device may take for a stage."""
REST = 0.001
"""Seconds after a command: no host resets a bus in the microsecond in which a status wrapper has come."""
IN, OUT = 0x80, 0x00
READY = bytes(6)
INQUIRE = bytes((INQUIRY, 0, 0, 0, 36, 0))


@dataclass(frozen=True, slots=True)
class End:
    """How a command ended. `data`: what came; `residue` and `status` as its wrapper tells."""

    data: bytes
    residue: int
    status: int


class Storage:
    """A mass storage interface, as the bench sees it."""

    def __init__(self, bench: Bench, setting: Interface) -> None:
        self.bench = bench
        self.setting = setting
        self.number = setting.bInterfaceNumber
        self.into = self._endpoint(into=True)
        self.out = self._endpoint(into=False)

    def _endpoint(self, *, into: bool) -> EndpointDescriptor:
        return next(
            each
            for each in self.setting.endpoints
            if each.type is TransferType.BULK and bool(each.bEndpointAddress & 0x80) == into
        )

    def tag(self) -> int:
        """Another tag."""
        return self.bench.rng.randrange(1 << 32)

    def wrapper(self, cdb: bytes, expected: int, direction: int, tag: int) -> bytes:
        """A command block wrapper (5.1)."""
        return struct.pack("<IIIBBB16s", CBW_SIGNATURE, tag, expected, direction, 0, len(cdb), cdb)

    def command(self, cdb: bytes, expected: int = 0, direction: int = OUT, data: bytes = b"") -> End:
        """A command, `expected` bytes of which are announced; a stalled stage is cleared, as a host does (6.7)."""
        bench, tag = self.bench, self.tag()
        bench.expect(bench.write(self.out, self.wrapper(cdb, expected, direction, tag), WAIT).ok, "the wrapper taken")
        came = b""
        if expected and direction == IN:
            answer = bench.read(self.into, expected, WAIT)
            came = answer.data
            if answer.stalled:
                bench.clear_halt(self.into)
            else:
                bench.expect(answer.ok, f"at most {expected} bytes, or STALL")
        elif expected:
            answer = bench.write(self.out, data.ljust(expected, b"\0"), WAIT)
            if answer.stalled:
                bench.clear_halt(self.out)
            else:
                bench.expect(answer.ok, "the data taken, or STALL")
        return self.status(cdb, came, tag)

    def status(self, cdb: bytes, came: bytes, tag: int) -> End:
        """The status stage (5.3.2): a STALL is cleared and asked again once."""
        bench = self.bench
        answer = bench.read(self.into, CSW_SIZE, WAIT)
        if answer.stalled:
            bench.clear_halt(self.into)
            answer = bench.read(self.into, CSW_SIZE, WAIT)
        bench.note(f"command {cdb.hex(' ')}, tag {tag:#010x}", f"{len(came)} bytes; status wrapper {answer}")
        bench.expect(answer.ok and len(answer.data) == CSW_SIZE, f"a status wrapper of {CSW_SIZE} bytes")
        signature, told, residue, status = struct.unpack("<IIIB", answer.data)
        bench.expect(signature == CSW_SIGNATURE, "the signature USBS")
        bench.expect(told == tag, f"tag {tag:#010x}")
        bench.expect(status <= PHASE_ERROR, "status 0, 1 or 2")
        bench.run(REST)
        return End(came, residue, status)

    def recover(self) -> None:
        """Reset recovery (5.3.4)."""
        self.bench.do(Setup(CLASS_OUT, BULK_ONLY_RESET, 0, self.number, 0))
        self.bench.clear_halt(self.into)
        self.bench.clear_halt(self.out)

    def works(self) -> None:
        """Fail unless INQUIRY is carried out."""
        end = self.command(INQUIRE, 36, IN)
        self.bench.expect(end.status == PASSED and len(end.data) == 36, "INQUIRY carried out, with 36 bytes")

    def sense(self) -> tuple[int, int]:
        """REQUEST SENSE: the key and the additional code."""
        end = self.command(bytes((REQUEST_SENSE, 0, 0, 0, 18, 0)), 18, IN)
        self.bench.expect(end.status == PASSED and len(end.data) >= 14, "sense data of at least 14 bytes")
        return end.data[2] & 0x0F, end.data[12]

    def ready(self) -> bool:
        """TEST UNIT READY."""
        return self.command(READY).status == PASSED

    def capacity(self) -> tuple[int, int]:
        """The number of blocks and the bytes of one; a unit that is not ready has none (NotApplicable)."""
        for _ in range(3):
            if self.ready():
                break
            self.sense()
        end = self.command(bytes((READ_CAPACITY_10,)) + bytes(9), 8, IN)
        if end.status != PASSED or len(end.data) != 8:
            self.bench.skip("logical unit 0 has no medium")
        last, size = struct.unpack(">II", end.data)
        return last + 1, size

    def failed(self, end: End) -> None:
        """The device intended more than the host expected, or the other direction: phase error, or a failure."""
        self.bench.note("a command that does not fit its wrapper", f"status {end.status}, residue {end.residue}")
        self.bench.expect(end.status in (FAILED, PHASE_ERROR), "status 2, or 1")
        if end.status == PHASE_ERROR:
            self.recover()
        self.works()


def storage(bench: Bench) -> Storage:
    """The first mass storage interface of the configured device. Raises NotApplicable when there is none."""
    for setting in bench.tree.settings():
        if (setting.bInterfaceClass, setting.bInterfaceProtocol) == (MASS_STORAGE_CLASS, BULK_ONLY):
            bench.to_configured()
            return Storage(bench, setting)
    bench.skip("this device has no mass storage interface of the bulk-only transport")


def move(command: int, block: int, count: int) -> bytes:
    """READ (10) or WRITE (10)."""
    return struct.pack(">BBIBHB", command, 0, block, 0, count, 0)


@check("MSC1")
def serial_number(bench: Bench) -> None:
    """Reads the string that iSerialNumber names."""
    storage(bench)
    index = bench.tree.descriptor.iSerialNumber
    bench.note("iSerialNumber", index)
    bench.expect(index, "a serial number")
    text = bench.get(requests.get_descriptor(DescriptorType.STRING, index, LANGUAGE, 255))[2:].decode("utf-16-le")
    bench.note("serial number", text)
    bench.expect(len(text) >= LEAST_DIGITS, f"at least {LEAST_DIGITS} characters")
    bench.expect(all(ord(each) in DIGITS for each in text), "0 to 9 and A to F")


@check("MSC2")
def max_lun(bench: Bench) -> None:
    """Asks for it twice."""
    disk = storage(bench)
    for _ in range(2):
        answer = bench.control(Setup(CLASS_IN, GET_MAX_LUN, 0, disk.number, 1))
        good = answer.stalled or (answer.ok and len(answer.data) == 1 and answer.data[0] <= 15)
        bench.expect(good, "one byte of at most 15, or STALL")


@check("MSC3")
def reset(bench: Bench) -> None:
    """Resets an idle device, and one that waits to give its data."""
    disk = storage(bench)
    disk.works()
    bench.do(Setup(CLASS_OUT, BULK_ONLY_RESET, 0, disk.number, 0))
    disk.works()
    bench.expect(bench.write(disk.out, disk.wrapper(INQUIRE, 36, IN, disk.tag()), WAIT).ok, "the wrapper taken")
    disk.recover()
    disk.works()


def invalid(bench: Bench, spoil: Callable[[bytes], bytes], *, halts_only: bool = False) -> None:
    """A wrapper that is none: both endpoints must stall until reset recovery."""
    disk = storage(bench)
    disk.works()
    bench.write(disk.out, spoil(disk.wrapper(READY, 0, OUT, disk.tag())), WAIT)
    for round_ in range(2 if halts_only else 1):
        bench.expect(bench.read(disk.into, CSW_SIZE, WAIT).stalled, "STALL")
        answer = bench.write(disk.out, disk.wrapper(READY, 0, OUT, disk.tag()), WAIT)
        bench.expect(answer.stalled, "STALL")
        if halts_only and not round_:
            bench.clear_halt(disk.into)
            bench.clear_halt(disk.out)
    disk.recover()
    disk.works()


@check("MSC4")
def wrong_signature(bench: Bench) -> None:
    """Sends a wrapper of 31 bytes that begins with USBX."""
    invalid(bench, lambda wrapper: b"USBX" + wrapper[4:])


@check("MSC5")
def wrong_length(bench: Bench) -> None:
    """Sends the first 30 bytes of a wrapper, and one with a byte more."""
    invalid(bench, lambda wrapper: wrapper[:-1])
    invalid(bench, lambda wrapper: wrapper + b"\0")


@check("MSC6")
def until_reset(bench: Bench) -> None:
    """Clears both halts after a wrapper with a wrong signature, and looks for STALL again."""
    invalid(bench, lambda wrapper: b"USBX" + wrapper[4:], halts_only=True)


@check("MSC7")
def case_1(bench: Bench) -> None:
    """TEST UNIT READY with nothing announced."""
    disk = storage(bench)
    disk.capacity()
    end = disk.command(READY)
    bench.expect((end.status, end.residue) == (PASSED, 0), "status 0, residue 0")


@check("MSC8")
def case_2(bench: Bench) -> None:
    """READ (10) of a block with nothing announced."""
    disk = storage(bench)
    disk.capacity()
    disk.failed(disk.command(move(READ_10, 0, 1)))


@check("MSC9")
def case_3(bench: Bench) -> None:
    """WRITE (10) of a block with nothing announced."""
    disk = storage(bench)
    disk.capacity()
    disk.failed(disk.command(move(WRITE_10, 0, 1)))


@check("MSC10")
def case_4(bench: Bench) -> None:
    """TEST UNIT READY with 64 bytes IN announced."""
    disk = storage(bench)
    disk.capacity()
    end = disk.command(READY, 64, IN)
    bench.expect(end.status in (PASSED, FAILED) and end.residue == 64, "status 0 or 1, residue 64")
    disk.works()


@check("MSC11")
def case_5(bench: Bench) -> None:
    """INQUIRY of 36 bytes with 100 bytes IN announced."""
    disk = storage(bench)
    end = disk.command(INQUIRE, 100, IN)
    bench.expect(end.status == PASSED and end.residue == 64, "status 0, residue 64")
    bench.expect(len(end.data) in (36, 100), "36 bytes, or 100 of which 36 count")
    disk.works()


@check("MSC12")
def case_6(bench: Bench) -> None:
    """READ (10) of a block, as announced."""
    disk = storage(bench)
    _, size = disk.capacity()
    end = disk.command(move(READ_10, 0, 1), size, IN)
    bench.expect((end.status, end.residue, len(end.data)) == (PASSED, 0, size), f"status 0, residue 0, {size} bytes")


@check("MSC13")
def case_7(bench: Bench) -> None:
    """READ (10) of two blocks with one announced."""
    disk = storage(bench)
    _, size = disk.capacity()
    end = disk.command(move(READ_10, 0, 2), size, IN)
    bench.expect(len(end.data) <= size, f"at most {size} bytes")
    disk.failed(end)


@check("MSC14")
def case_8(bench: Bench) -> None:
    """WRITE (10) of a block that is announced as IN."""
    disk = storage(bench)
    _, size = disk.capacity()
    disk.failed(disk.command(move(WRITE_10, 0, 1), size, IN))


@check("MSC15")
def case_9(bench: Bench) -> None:
    """TEST UNIT READY with 64 bytes OUT announced."""
    disk = storage(bench)
    disk.capacity()
    end = disk.command(READY, 64, OUT)
    bench.expect(end.status in (PASSED, FAILED) and end.residue == 64, "status 0 or 1, residue 64")
    disk.works()


@check("MSC16")
def case_10(bench: Bench) -> None:
    """READ (10) of a block that is announced as OUT."""
    disk = storage(bench)
    _, size = disk.capacity()
    disk.failed(disk.command(move(READ_10, 0, 1), size, OUT))


def same_again(bench: Bench, disk: Storage, size: int) -> bytes:
    """What block 0 has, so that it can be written as it is; a unit that is write-protected is not meant."""
    data = disk.command(move(READ_10, 0, 1), size, IN).data
    if disk.command(move(WRITE_10, 0, 1), size, OUT, data).status != PASSED:
        bench.skip("logical unit 0 cannot be written")
    return data


@check("MSC17")
def case_11(bench: Bench) -> None:
    """WRITE (10) of a block, its own content, with two announced."""
    disk = storage(bench)
    _, size = disk.capacity()
    data = same_again(bench, disk, size)
    end = disk.command(move(WRITE_10, 0, 1), 2 * size, OUT, data)
    bench.expect(end.status in (PASSED, FAILED) and end.residue >= size, f"status 0 or 1, residue at least {size}")
    disk.works()


@check("MSC18")
def case_12(bench: Bench) -> None:
    """WRITE (10) of a block, its own content, as announced; it is read again."""
    disk = storage(bench)
    _, size = disk.capacity()
    data = same_again(bench, disk, size)
    end = disk.command(move(WRITE_10, 0, 1), size, OUT, data)
    bench.expect((end.status, end.residue) == (PASSED, 0), "status 0, residue 0")
    bench.expect(disk.command(move(READ_10, 0, 1), size, IN).data == data, "the block that was written")


@check("MSC19")
def case_13(bench: Bench) -> None:
    """WRITE (10) of two blocks with one announced, the first one's own content."""
    disk = storage(bench)
    _, size = disk.capacity()
    data = same_again(bench, disk, size)
    disk.failed(disk.command(move(WRITE_10, 0, 2), size, OUT, data))


@check("MSC20")
def tags(bench: Bench) -> None:
    """Sends 8 commands with random tags, one of them failing."""
    disk = storage(bench)
    for number in range(8):
        if number == 4:
            disk.command(bytes((UNKNOWN_COMMAND,)) + bytes(5))
        else:
            disk.works()


@check("MSC21")
def residue(bench: Bench) -> None:
    """Sends a command that does not exist, with 64 bytes IN announced."""
    disk = storage(bench)
    end = disk.command(bytes((UNKNOWN_COMMAND,)) + bytes(5), 64, IN)
    bench.expect(end.status == FAILED and end.residue == 64 - len(end.data), "status 1, residue 64 less what has come")
    disk.works()


@check("MSC22")
def medium_change(bench: Bench) -> None:
    """Ejects the medium by START STOP UNIT and loads it again."""
    disk = storage(bench)
    disk.capacity()
    if disk.command(bytes((START_STOP_UNIT, 0, 0, 0, 2, 0))).status != PASSED or disk.ready():
        disk.command(bytes((START_STOP_UNIT, 0, 0, 0, 3, 0)))
        bench.skip("logical unit 0 does not eject its medium")
    key, code = disk.sense()
    bench.note("TEST UNIT READY after the eject", f"sense key {key}, code {code:#04x}")
    bench.expect((key, code) == (NOT_READY, NO_MEDIUM), "NOT READY, code 0x3a: medium not present")
    load = disk.command(bytes((START_STOP_UNIT, 0, 0, 0, 3, 0)))
    bench.expect(load.status == PASSED, "the medium loaded")
    if not disk.ready():
        key, code = disk.sense()
        bench.note("TEST UNIT READY after the load", f"sense key {key}, code {code:#04x}")
        bench.expect(key == UNIT_ATTENTION, "ready, or UNIT ATTENTION once")
        bench.expect(disk.ready(), "ready")


@check("MSC23")
def unknown_command(bench: Bench) -> None:
    """Sends operation code 0xff, asks for the sense, and sends INQUIRY."""
    disk = storage(bench)
    disk.capacity()
    end = disk.command(bytes((UNKNOWN_COMMAND,)) + bytes(5))
    bench.expect(end.status == FAILED, "status 1")
    key, code = disk.sense()
    bench.note("an operation code that is none", f"sense key {key}, code {code:#04x}")
    bench.expect((key, code) == (ILLEGAL_REQUEST, INVALID_COMMAND), "ILLEGAL REQUEST, code 0x20")
    disk.works()


@check("MSC24")
def beyond_the_end(bench: Bench) -> None:
    """Reads the block behind the last one."""
    disk = storage(bench)
    blocks, size = disk.capacity()
    end = disk.command(move(READ_10, blocks, 1), size, IN)
    bench.expect(end.status == FAILED, "status 1")
    key, code = disk.sense()
    bench.note("READ (10) behind the end", f"sense key {key}, code {code:#04x}")
    bench.expect((key, code) == (ILLEGAL_REQUEST, OUT_OF_RANGE), "ILLEGAL REQUEST, code 0x21")
    disk.works()


@check("MSC25")
def wrong_interface(bench: Bench) -> None:
    """Sends GET_MAX_LUN and the reset to an interface number that is not in use."""
    disk = storage(bench)
    absent = max(bench.tree.interface_numbers()) + 1
    bench.refused(Setup(CLASS_IN, GET_MAX_LUN, 0, absent, 1))
    bench.refused(Setup(CLASS_OUT, BULK_ONLY_RESET, 0, absent, 0))
    disk.works()
