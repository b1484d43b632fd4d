"""USB/IP on the wire: messages to and from bytes (Documentation/usb/usbip_protocol.rst of the Linux kernel).

No sockets, no USB host: a `Parser` turns what a client sends into messages, and the `pack_` functions make the answers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

VERSION = 0x0111
OP_REQ_IMPORT, OP_REP_IMPORT = 0x8003, 0x0003
OP_REQ_DEVLIST, OP_REP_DEVLIST = 0x8005, 0x0005
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
ST_OK, ST_NA, ST_DEV_BUSY, ST_DEV_ERR, ST_NODEV, ST_ERROR = range(6)
SPEED_FULL = 2
"""enum usb_device_speed of the kernel."""

URB_SHORT_NOT_OK = 0x0001
URB_ZERO_PACKET = 0x0040

NO_ISOCHRONOUS = 0xFFFFFFFF
MAX_LENGTH = 4 << 20
"""The longest transfer taken from a client."""
MAX_PACKETS = 1024
"""The most isochronous packets in one request, as in the kernel."""
MAX_ENDPOINT = 15

_OPERATION = struct.Struct(">HHI")
_BUSID = 32
_DEVICE = struct.Struct(">256s32sIIIHHHBBBBBB")
_INTERFACE = struct.Struct(">BBBx")
_HEADER_SIZE = 48
_BASE = struct.Struct(">IIIII")
_SUBMIT = struct.Struct(">IIIII IIIIi8s")
_UNLINK = struct.Struct(">IIIII I24x")
_RETURN = struct.Struct(">IIIII iIIII8x")
_PACKET = struct.Struct(">IIIi")


class ProtocolError(Exception):
    """What a client sent is no USB/IP; there is no way to find the next message."""


@dataclass(frozen=True, slots=True)
class DevlistRequest:
    """OP_REQ_DEVLIST."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """OP_REQ_IMPORT."""

    busid: str


@dataclass(frozen=True, slots=True)
class IsochronousPacket:
    """One packet of an isochronous request: `offset` and `length` in its buffer, and what became of it."""

    offset: int
    length: int
    actual_length: int = 0
    status: int = 0


@dataclass(frozen=True, slots=True)
class Submit:
    """USBIP_CMD_SUBMIT. `length`: of the transfer buffer; `data`: the buffer of an OUT transfer."""

    seqnum: int
    devid: int
    is_in: bool
    endpoint: int
    flags: int
    length: int
    start_frame: int
    interval: int
    setup: bytes
    data: bytes
    packets: tuple[IsochronousPacket, ...]

    @property
    def endpoint_address(self) -> int:
        """Endpoint number with bit 7 set for IN."""
        return self.endpoint | 0x80 if self.is_in else self.endpoint


@dataclass(frozen=True, slots=True)
class Unlink:
    """USBIP_CMD_UNLINK: forget the request `target`."""

    seqnum: int
    target: int


Message = DevlistRequest | ImportRequest | Submit | Unlink


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """struct usbip_usb_device, and the interfaces that follow it in a list. `interfaces`: class, subclass, protocol."""

    path: str
    busid: str
    busnum: int
    devnum: int
    idVendor: int
    idProduct: int
    bcdDevice: int
    bDeviceClass: int
    bDeviceSubClass: int
    bDeviceProtocol: int
    bConfigurationValue: int
    bNumConfigurations: int
    interfaces: tuple[tuple[int, int, int], ...]
    speed: int = SPEED_FULL


class Parser:
    """Takes a client's bytes in any portions. `imported` says that requests for a device follow, not operations."""

    def __init__(self) -> None:
        self.imported = False
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        self._buffer += data

    def next(self) -> Message | None:
        """Return the next complete message, None until there is one. Raises ProtocolError."""
        return self._command() if self.imported else self._operation()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _operation(self) -> Message | None:
        if len(self._buffer) < _OPERATION.size:
            return None
        version, code, _ = _OPERATION.unpack_from(self._buffer)
        if version >> 8 != VERSION >> 8:
            raise ProtocolError(f"version {version:#06x} instead of {VERSION:#06x}")
        if code == OP_REQ_DEVLIST:
            self._take(_OPERATION.size)
            return DevlistRequest()
        if code == OP_REQ_IMPORT:
            if len(self._buffer) < _OPERATION.size + _BUSID:
                return None
            busid = self._take(_OPERATION.size + _BUSID)[_OPERATION.size :].split(b"\0")[0]
            return ImportRequest(busid.decode(errors="replace"))
        raise ProtocolError(f"operation {code:#06x}")

    def _command(self) -> Message | None:
        if len(self._buffer) < _HEADER_SIZE:
            return None
        (command,) = struct.unpack_from(">I", self._buffer)
        if command == CMD_UNLINK:
            _, seqnum, _, _, _, target = _UNLINK.unpack(self._take(_HEADER_SIZE))
            return Unlink(seqnum, target)
        if command != CMD_SUBMIT:
            raise ProtocolError(f"command {command:#x}")
        return self._submit()

    def _submit(self) -> Submit | None:
        _, seqnum, devid, direction, endpoint, flags, length, start, count, interval, setup = _SUBMIT.unpack_from(
            self._buffer
        )
        if direction > 1 or endpoint > MAX_ENDPOINT:
            raise ProtocolError(f"direction {direction}, endpoint {endpoint}")
        if length > MAX_LENGTH:
            raise ProtocolError(f"a transfer of {length} bytes, the most is {MAX_LENGTH}")
        count = 0 if count == NO_ISOCHRONOUS else count
        if count > MAX_PACKETS:
            raise ProtocolError(f"{count} isochronous packets, the most are {MAX_PACKETS}")
        data_size = 0 if direction else length
        if len(self._buffer) < _HEADER_SIZE + data_size + count * _PACKET.size:
            return None
        self._take(_HEADER_SIZE)
        data = self._take(data_size)
        packets = tuple(
            IsochronousPacket(offset, size)
            for offset, size, _, _ in _PACKET.iter_unpack(self._take(count * _PACKET.size))
        )
        return Submit(seqnum, devid, bool(direction), endpoint, flags, length, start, interval, setup, data, packets)


def pack_devlist(records: list[DeviceRecord]) -> bytes:
    """OP_REP_DEVLIST."""
    answer = _OPERATION.pack(VERSION, OP_REP_DEVLIST, ST_OK) + struct.pack(">I", len(records))
    for record in records:
        answer += _pack_device(record) + b"".join(_INTERFACE.pack(*interface) for interface in record.interfaces)
    return answer


def pack_import(status: int, record: DeviceRecord | None = None) -> bytes:
    """OP_REP_IMPORT: with the device when `status` is ST_OK."""
    return _OPERATION.pack(VERSION, OP_REP_IMPORT, status) + (_pack_device(record) if record is not None else b"")


def pack_return(
    seqnum: int,
    status: int,
    actual_length: int,
    data: bytes = b"",
    packets: tuple[IsochronousPacket, ...] = (),
    start_frame: int = 0,
) -> bytes:
    """USBIP_RET_SUBMIT. status: 0 or a negative errno; `data`: what an IN transfer has received."""
    count = len(packets) if packets else NO_ISOCHRONOUS
    errors = sum(packet.status != 0 for packet in packets)
    head = _RETURN.pack(RET_SUBMIT, seqnum, 0, 0, 0, status, actual_length, start_frame, count, errors)
    tail = b"".join(_PACKET.pack(each.offset, each.length, each.actual_length, each.status) for each in packets)
    return head + data + tail


def pack_unlinked(seqnum: int, status: int) -> bytes:
    """USBIP_RET_UNLINK. status: -ECONNRESET when the request was still pending, 0 when it was over already."""
    return _RETURN.pack(RET_UNLINK, seqnum, 0, 0, 0, status, 0, 0, 0, 0)


def _pack_device(record: DeviceRecord) -> bytes:
    return _DEVICE.pack(
        record.path.encode(),
        record.busid.encode(),
        record.busnum,
        record.devnum,
        record.speed,
        record.idVendor,
        record.idProduct,
        record.bcdDevice,
        record.bDeviceClass,
        record.bDeviceSubClass,
        record.bDeviceProtocol,
        record.bConfigurationValue,
        record.bNumConfigurations,
        len(record.interfaces),
    )
