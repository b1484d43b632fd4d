"""What passes between the host, who uses it and who watches it (USB 2.0, 5.4 to 5.8, and chapter 9 for control).

Below the host, streams and observers, and knowing none of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol


class TransferType(IntEnum):
    """bmAttributes bits 1..0 of an endpoint descriptor (USB 2.0, table 9-13)."""

    CONTROL = 0
    ISOCHRONOUS = 1
    BULK = 2
    INTERRUPT = 3


@dataclass(frozen=True, slots=True)
class Setup:
    """The eight bytes of a SETUP packet (USB 2.0, table 9-2)."""

    bmRequestType: int
    bRequest: int
    wValue: int = 0
    wIndex: int = 0
    wLength: int = 0

    @property
    def is_in(self) -> bool:
        """The data stage, if there is one, goes from device to host."""
        return bool(self.bmRequestType & 0x80)

    def pack(self) -> bytes:
        return struct.pack("<BBHHH", self.bmRequestType, self.bRequest, self.wValue, self.wIndex, self.wLength)

    @classmethod
    def unpack(cls, data: bytes) -> Setup:
        return cls(*struct.unpack("<BBHHH", data))

    def __str__(self) -> str:
        return (
            f"bmRequestType={self.bmRequestType:#04x} bRequest={self.bRequest:#04x} wValue={self.wValue:#06x} "
            f"wIndex={self.wIndex:#06x} wLength={self.wLength}"
        )


@dataclass(frozen=True, slots=True)
class Pipe:
    """One endpoint of one device as the host's scheduler needs it (from its endpoint descriptor).

    `endpoint_address` is bEndpointAddress (bit 7: IN); `interval` is bInterval in frames for interrupt endpoints.
    """

    address: int
    endpoint_address: int
    type: TransferType
    max_packet_size: int
    interval: int = 1

    @property
    def number(self) -> int:
        return self.endpoint_address & 0x0F

    @property
    def is_in(self) -> bool:
        return bool(self.endpoint_address & 0x80)


class Status(Enum):
    """The state of a transfer; all but PENDING are final."""

    PENDING = "pending"
    COMPLETED = "completed"
    STALLED = "stalled"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    DISCONNECTED = "disconnected"
    ERROR = "transaction error"
    BABBLE = "babble"


class Transfer(Protocol):
    """A transfer under way: given out by `Host.submit`, changed only by the host."""

    pipe: Pipe
    on_done: Callable[[Transfer], None] | None
    """Called once, at the emulated instant the transfer becomes final; it may submit the next one."""

    @property
    def status(self) -> Status:
        """PENDING until it is final."""

    @property
    def setup(self) -> Setup | None:
        """The SETUP packet of a control transfer."""

    @property
    def data(self) -> bytes:
        """IN: what has been received so far. OUT: what was to be sent."""

    @property
    def actual_length(self) -> int:
        """Bytes moved so far."""

    @property
    def packets(self) -> tuple[int, ...]:
        """Length of each acknowledged data packet, in order (packet boundaries, zero-length packets included)."""


class InStream(Protocol):
    """Transfers of one packet kept queued on an IN endpoint, so that a byte is there when it arrives.

    At most `backlog` bytes are kept; beyond them no more is asked for: the device sees back-pressure.
    """

    @property
    def available(self) -> int:
        """Bytes that have come and were not taken."""

    @property
    def failed(self) -> Transfer | None:
        """The transfer that ended the stream; None while it flows."""

    def fill(self) -> None:
        """Ask for more where there is room. Raises Disconnected."""

    def take(self) -> bytes:
        """Return everything that has come, without waiting."""

    def wait(self, until: bytes, timeout: float) -> bool:
        """Run until the one byte in `until` has come, or any if it is empty, or nothing is asked for any more.

        False when so many emulated seconds have passed first.
        """

    def close(self) -> None:
        """Cancel what is asked for; what has come stays."""
