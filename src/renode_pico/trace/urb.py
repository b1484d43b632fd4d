"""Transfers as Linux's usbmon reports them: a pair of URB events, submitted and completed.

The layout is `struct mon_bin_hdr` with 64 bytes of header, which Wireshark calls LINKTYPE_USB_LINUX_MMAPPED (220); see
Documentation/usb/usbmon.rst of the Linux kernel.
"""

from __future__ import annotations

import errno
import struct

from renode_pico.clock import NS_PER_S, NS_PER_US
from renode_pico.usb.observe import TransferRecord
from renode_pico.usb.transfer import Status, TransferType

BUS = 1
_HEADER = struct.Struct("<QcBBBHBBqiiII8siiII")
_ISOCHRONOUS = struct.Struct("<iIII")
_SUBMIT = b"S"
_COMPLETE = b"C"
_XFER_TYPE = {TransferType.ISOCHRONOUS: 0, TransferType.INTERRUPT: 1, TransferType.CONTROL: 2, TransferType.BULK: 3}
_ERRNO = {
    Status.PENDING: -errno.EINPROGRESS,
    Status.COMPLETED: 0,
    Status.STALLED: -errno.EPIPE,
    Status.TIMED_OUT: -errno.ENOENT,
    Status.CANCELLED: -errno.ECONNRESET,
    Status.DISCONNECTED: -errno.ESHUTDOWN,
    Status.ERROR: -errno.EPROTO,
    Status.BABBLE: -errno.EOVERFLOW,
}


def urb_status(status: Status) -> int:
    """Return the kernel's number for a transfer's state: 0 or a negative errno."""
    return _ERRNO[status]


def urb_events(record: TransferRecord, identifier: int) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """Return the submit and the complete event of a transfer, each with its emulated nanosecond."""
    takes_in = record.setup.is_in if record.setup is not None else bool(record.endpoint_address & 0x80)
    packets = _isochronous(record)
    requested = record.setup.wLength if record.setup is not None else len(record.data)
    submit = _event(record, identifier, _SUBMIT, b"" if takes_in else record.data, requested, packets)
    complete = _event(record, identifier, _COMPLETE, record.data if takes_in else b"", len(record.data), packets)
    return (record.begin_ns, submit), (record.end_ns, complete)


def _isochronous(record: TransferRecord) -> bytes:
    if record.type is not TransferType.ISOCHRONOUS:
        return b""
    offset, descriptors = 0, []
    for length in record.packets:
        descriptors.append(_ISOCHRONOUS.pack(0, offset, length, 0))
        offset += length
    return b"".join(descriptors)


def _event(record: TransferRecord, identifier: int, kind: bytes, data: bytes, length: int, packets: bytes) -> bytes:
    time_ns = record.begin_ns if kind == _SUBMIT else record.end_ns
    takes_in = record.setup.is_in if record.setup is not None else bool(record.endpoint_address & 0x80)
    has_setup = record.setup is not None and kind == _SUBMIT
    number = len(packets) // _ISOCHRONOUS.size
    if record.type is TransferType.ISOCHRONOUS:
        union = struct.pack("<ii", 0, number)
    else:
        union = record.setup.pack() if has_setup and record.setup is not None else bytes(8)
    return (
        _HEADER.pack(
            identifier,
            kind,
            _XFER_TYPE[record.type],
            record.endpoint_address & 0x0F | (0x80 if takes_in else 0),
            record.address,
            BUS,
            0 if has_setup else ord("-"),
            0 if data or packets else ord("<" if takes_in else ">"),
            time_ns // NS_PER_S,
            time_ns % NS_PER_S // NS_PER_US,
            _ERRNO[Status.PENDING] if kind == _SUBMIT else _ERRNO[record.status],
            length,
            len(packets) + len(data),
            union,
            0,
            0,
            0,
            number,
        )
        + packets
        + data
    )
