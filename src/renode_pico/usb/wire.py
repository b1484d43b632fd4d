"""The wire: what passes through the cable, transaction by transaction (USB 2.0, chapter 8).

A controller model stands behind `Wire`, a host before it. A transaction is one call: the answer is the packet the
device sends back, or None for silence. The host owns time; every call happens at the emulated instant of its token.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol


class Pid(IntEnum):
    """Packet identifiers (USB 2.0, table 8-1)."""

    OUT = 0x1
    ACK = 0x2
    DATA0 = 0x3
    SOF = 0x5
    IN = 0x9
    NAK = 0xA
    DATA1 = 0xB
    SETUP = 0xD
    STALL = 0xE

    @property
    def toggled(self) -> Pid:
        """The other data PID of a two-phase sequence (USB 2.0, 8.6)."""
        return Pid.DATA0 if self is Pid.DATA1 else Pid.DATA1


class Fault(Enum):
    """What a host may do wrong on purpose, and a cable by itself."""

    CRC = "crc"
    """The data packet arrives with a wrong CRC (USB 2.0, 8.7.1)."""
    BIT_STUFF = "bit-stuff"
    """The data packet arrives with a bit stuffing error."""
    LOST_DATA = "lost-data"
    """The token arrives, the data packet does not: the receiver times out."""
    WRONG_TOGGLE = "wrong-toggle"
    """The data packet carries the PID of the one before it. (`Wire.out` is given the PID as it is on the wire.)"""
    LOST_HANDSHAKE = "lost-handshake"
    """The transaction succeeds but its ACK never reaches the other side (USB 2.0, 8.6.4)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a device sends back: a handshake (`pid` ACK, NAK, STALL) or a data packet (`pid` DATA0 or DATA1)."""

    pid: Pid
    data: bytes = b""


ACK = Packet(Pid.ACK)
NAK = Packet(Pid.NAK)
STALL = Packet(Pid.STALL)


class WireListener(Protocol):
    """What a device can do to the bus without being asked. Called at the emulated instant it happens."""

    def pull_up_changed(self, attached: bool) -> None:
        """The device switched its D+ pull-up: a full-speed attach or a detach (USB 2.0, 7.1.5, 7.1.7.3)."""

    def remote_wakeup(self) -> None:
        """The device drives K on a suspended bus (USB 2.0, 7.1.7.7)."""

    def endpoint_ready(self, endpoint_address: int) -> None:
        """An endpoint that answered NAK (`endpoint_address` with bit 7 for IN) would answer otherwise now.

        A host may poll a NAKing endpoint as often as it likes; one that waits for this call instead sees the same
        bytes in the same order and spares the machine the polling.
        """


class Wire(Protocol):
    """The device's end of the cable.

    `address` and `endpoint` are the token's fields, `endpoint` without direction bit. A token for an address or an
    endpoint that the device does not serve is answered by silence.
    """

    listener: WireListener | None

    @property
    def pulled_up(self) -> bool:
        """The D+ pull-up is on: a host that has power on the cable sees a full-speed device."""

    def vbus(self, present: bool) -> None:
        """The host switches the cable's 5 V."""

    def reset_begin(self) -> None:
        """The host drives SE0 (USB 2.0, 7.1.7.5)."""

    def reset_end(self) -> None:
        """The host releases SE0: the device is in the Default state."""

    def idle(self) -> None:
        """The host stops all traffic, SOF included; after 3 ms of it the device is suspended (USB 2.0, 7.1.7.6)."""

    def resume_begin(self) -> None:
        """The host drives K (USB 2.0, 7.1.7.7)."""

    def resume_end(self) -> None:
        """The host ends the resume signal; traffic goes on."""

    def sof(self, frame: int) -> None:
        """Start of frame with its 11-bit number (USB 2.0, 8.4.3)."""

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """A SETUP transaction: token, DATA0 with 8 bytes. Answer: ACK or silence (USB 2.0, 8.5.3)."""

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        """An OUT transaction: token, data packet. Answer: ACK, NAK, STALL or silence.

        With LOST_HANDSHAKE the device has taken the data but the return value is None.
        """

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        """An IN token. Answer: a data packet, NAK, STALL or silence.

        After a data packet the host says with `in_handshake` whether its ACK went out. An isochronous endpoint
        knows no handshake: the packet is sent once and for all.
        """

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        """The host's ACK for the data packet just sent, or (False) none: the device keeps it for the retry."""
