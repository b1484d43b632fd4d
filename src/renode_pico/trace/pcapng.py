"""The bus trace as a pcapng file for Wireshark, tshark and their like.

Two interfaces in one file: `wire` with every packet as it was on the cable (LINKTYPE_USB_2_0_FULL_SPEED, 294) and `urb`
with every transfer as Linux's usbmon shows it (LINKTYPE_USB_LINUX_MMAPPED, 220). Changes of the line's state, which
neither link type knows, are comments of the next packet.

The head of the file comes from python-pcapng. Packets are packed here: that library takes 36 µs for one, this 1 µs, and
a transaction has three.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from typing import BinaryIO

from pcapng import FileWriter
from pcapng.blocks import InterfaceDescription, SectionHeader

from renode_pico import __version__
from renode_pico.trace.packets import sof_packet, transaction_packets
from renode_pico.trace.urb import urb_events
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord

LINKTYPE_USB_LINUX_MMAPPED = 220
LINKTYPE_USB_2_0_FULL_SPEED = 294
WIRE, URB = 0, 1
_NANOSECONDS = b"\x09"
_ENHANCED_PACKET = 6
_OPT_COMMENT = 1
_OPTION = struct.Struct("<HH")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class PcapngTrace:
    """Observes a bus and writes what it sees, as it comes, to a binary stream. The stream stays open."""

    def __init__(self, stream: BinaryIO, *, sof: bool = False) -> None:
        self._stream = stream
        self._sof = sof
        self._comment = ""
        self._urbs = 0
        section = SectionHeader(
            options={"shb_userappl": f"renode-pico {__version__}", "shb_hardware": "emulated RP2040"}
        )
        for name, link_type in (("wire", LINKTYPE_USB_2_0_FULL_SPEED), ("urb", LINKTYPE_USB_LINUX_MMAPPED)):
            section.new_member(
                InterfaceDescription, link_type=link_type, options={"if_name": name, "if_tsresol": _NANOSECONDS}
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the library's own schema
            FileWriter(stream, section)

    @property
    def wants_sof(self) -> bool:
        """Starts of frame are written when asked for."""
        return self._sof

    def transaction(self, record: TransactionRecord) -> None:
        """Write the packets of a transaction; a folded run of NAKs is one of them."""
        self._write(WIRE, transaction_packets(record))

    def event(self, record: BusEventRecord) -> None:
        """Write a start of frame, or remember what the line did for the next packet's comment."""
        if record.kind is BusEventKind.SOF:
            self._write(WIRE, [(record.time_ns, sof_packet(record.frame))])
        else:
            text = f"{record.time_ns / 1e9:.6f} s: {record.kind.value}"
            self._comment = f"{self._comment}; {text}" if self._comment else text

    def transfer(self, record: TransferRecord) -> None:
        """Write the two URB events of a transfer."""
        self._urbs += 1
        self._write(URB, urb_events(record, self._urbs))

    def close(self) -> None:
        """Write out what is buffered; the stream belongs to the caller."""
        self._stream.flush()

    def _write(self, interface: int, packets: Iterable[tuple[int, bytes]]) -> None:
        blocks = []
        for time_ns, packet in packets:
            options = self._options() if self._comment else b""
            pack, head, lengths, total = _form(interface, len(packet), len(options))
            blocks.append(pack(head, time_ns >> 32, time_ns & 0xFFFFFFFF, lengths, packet, options, total))
        self._stream.write(b"".join(blocks))

    def _options(self) -> bytes:
        """Return the comment that is due, as options of a packet."""
        comment = self._comment.encode()
        self._comment = ""
        return _OPTION.pack(_OPT_COMMENT, len(comment)) + comment + _PADDING[len(comment) & 3] + _OPTION.pack(0, 0)


@cache
def _form(interface: int, size: int, options: int) -> tuple[Callable[..., bytes], bytes, bytes, int]:
    """Return what packs an enhanced packet block, and what is the same in all of them with such lengths."""
    block = struct.Struct(f"<12sII8s{size}s{-size % 4}x{options}sI")
    head = struct.pack("<III", _ENHANCED_PACKET, block.size, interface)
    return block.pack, head, struct.pack("<II", size, size), block.size
