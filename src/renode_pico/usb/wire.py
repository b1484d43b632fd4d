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
    """What a host may do wrong on purpose, and a cable by itself, within one transaction.

    Who receives a data packet is the device in SETUP and OUT, the host in IN; the other one awaits the handshake.
    """

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
    TOKEN_CRC = "token-crc"
    """The token arrives with a wrong CRC5 (USB 2.0, 8.3.5.1, 8.7.1)."""
    TOKEN_PID = "token-pid"
    """The token's PID contradicts its check bits (USB 2.0, 8.3.1)."""
    UNKNOWN_PID = "unknown-pid"
    """The token carries the reserved PID 0 (USB 2.0, table 8-1)."""
    DATA_PID = "data-pid"
    """The data packet's PID contradicts its check bits."""
    BROKEN_HANDSHAKE = "broken-handshake"
    """Where the ACK is awaited comes a packet whose PID contradicts its check bits."""
    BABBLE = "babble"
    """Where the ACK is awaited comes noise that does not end in time (USB 2.0, 8.7.4)."""
    SLOW = "slow"
    """The host's data packet, or its ACK, begins after 16 bit times: a device still takes it (USB 2.0, 7.1.19.1)."""
    LATE = "late"
    """It begins after 19 bit times: the device has given up, after 18 at most, and does not take it."""


NO_TOKEN = frozenset({Fault.TOKEN_CRC, Fault.TOKEN_PID, Fault.UNKNOWN_PID})
"""The device does not hear the transaction at all."""
NO_DATA = frozenset({Fault.CRC, Fault.BIT_STUFF, Fault.LOST_DATA, Fault.DATA_PID})
"""Whoever receives the data packet has nothing that counts, and stays silent."""
NO_HANDSHAKE = frozenset({Fault.LOST_HANDSHAKE, Fault.BROKEN_HANDSHAKE, Fault.BABBLE})
"""Whoever receives the data packet has it; the other one cannot know."""


class SofFault(Enum):
    """What may happen to a start of frame (USB 2.0, 8.4.3)."""

    LOST = "lost"
    DOUBLED = "doubled"
    CORRUPT = "corrupt"
    """Its CRC5 is wrong."""


class Stray(Enum):
    """A packet that belongs to no transaction: a device ignores it (USB 2.0, 8.3.1, 8.6.5, 8.7)."""

    UNKNOWN_PID = "unknown-pid"
    """The reserved PID 0."""
    BROKEN_PID = "broken-pid"
    """A PID that contradicts its check bits."""
    LOW_SPEED = "low-speed"
    """PRE and a low-speed packet behind it, as hubs pass them on (USB 2.0, 8.6.5)."""
    SETUP_CRC5 = "setup-crc5"
    """A SETUP token with a wrong CRC5, and nothing behind it."""
    OUT_CRC5 = "out-crc5"
    """An OUT token with a wrong CRC5, and nothing behind it."""
    IN_CRC5 = "in-crc5"
    """An IN token with a wrong CRC5."""
    SOF_CRC5 = "sof-crc5"
    """A start of frame with a wrong CRC5."""
    LATE_ACK = "late-ack"
    """An ACK that nobody awaits, or not any more: 20 bit times after the data packet."""
    BROKEN_HANDSHAKE = "broken-handshake"
    """A handshake whose PID contradicts its check bits."""
    DATA = "data"
    """A data packet without its token."""
    BABBLE = "babble"
    """Noise late in the frame, from EOF1 to EOF2, as a hub's neighbour makes it (USB 2.0, 11.2.5)."""


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

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        """A packet outside of any transaction; `address`, `endpoint`: those of a token. None is right: silence."""

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """A SETUP transaction: token, DATA0 with 8 bytes. Answer: ACK or silence (USB 2.0, 8.5.3)."""

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        """An OUT transaction: token, data packet. Answer: ACK, NAK, STALL or silence.

        With a fault of NO_HANDSHAKE the device has taken the data but the return value is None.
        """

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        """An IN token. Answer: a data packet, NAK, STALL or silence.

        After a data packet the host says with `in_handshake` whether its ACK arrives. An isochronous endpoint
        knows no handshake: the packet is sent once and for all.
        """

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        """The host's ACK for the data packet just sent, or (False) none: the device keeps it for the retry."""
