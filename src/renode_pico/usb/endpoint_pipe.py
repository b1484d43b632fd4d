"""Transfers as sequences of transactions: one small state machine for each type of pipe (USB 2.0, 8.5 and 8.6).

A pipe's `step` carries one transaction of the transfer at the head of its queue. What the device answered is known at
the token; the transfer becomes final, with the status left in `outcome`, when the transaction's time is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from renode_pico.errors import UsageError
from renode_pico.usb.bus import Bus
from renode_pico.usb.timing import BYTE_TIMES_NS, HANDSHAKED_OVERHEAD, ISOCHRONOUS_OVERHEAD
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType
from renode_pico.usb.wire import Pid

MAX_ATTEMPTS = 3
"""Attempts before a host gives up on a transaction (USB 2.0, 10.2.6)."""

NOT_PARKED = -1

_ACK, _DATA0, _DATA1, _NAK, _STALL = Pid.ACK, Pid.DATA0, Pid.DATA1, Pid.NAK, Pid.STALL
_PENDING, _COMPLETED, _STALLED = Status.PENDING, Status.COMPLETED, Status.STALLED
_ERROR, _BABBLE = Status.ERROR, Status.BABBLE
"""Members of an enumeration by names of their own: Python 3.11 takes five times as long to look one up in its class."""


class Stage(Enum):
    """Where a control transfer is (USB 2.0, 8.5.3)."""

    SETUP = auto()
    DATA = auto()
    STATUS = auto()


class HostTransfer:
    """A transfer of `BusHost`; see `transfer.Transfer` for what its owner may use."""

    __slots__ = (
        "_data",
        "begin_ns",
        "deadline_ns",
        "lengths",
        "on_done",
        "outcome",
        "pipe",
        "position",
        "received",
        "requested",
        "setup",
        "stage",
        "status",
        "takes_in",
        "zero_packet",
    )

    def __init__(
        self,
        pipe: Pipe,
        data: bytes,
        length: int,
        setup: Setup | None,
        zero_packet: bool,
        on_done: Callable[[Transfer], None] | None,
        begin_ns: int,
    ) -> None:
        self.pipe = pipe
        self.status = _PENDING
        self.on_done = on_done
        self.setup = setup
        self.zero_packet = zero_packet
        self.takes_in = setup.is_in if setup is not None else pipe.is_in
        self.requested = length
        self.received = bytearray()
        self.position = 0
        self.lengths: list[int] = []
        self.outcome: Status | None = None
        self.stage = Stage.SETUP
        self.begin_ns = begin_ns
        self.deadline_ns: int | None = None
        self._data = data

    @property
    def data(self) -> bytes:
        """IN: what has been received so far. OUT: what was to be sent."""
        return bytes(self.received) if self.takes_in else self._data

    @property
    def actual_length(self) -> int:
        """Bytes moved so far."""
        return len(self.received) if self.takes_in else self.position

    @property
    def packets(self) -> tuple[int, ...]:
        """Length of each acknowledged data packet, in order."""
        return tuple(self.lengths)

    def __repr__(self) -> str:
        return f"<{self.pipe} {self.status.value}, {self.actual_length} bytes>"

    def next_out(self, max_packet_size: int) -> bytes:
        """Return the data of the next OUT packet."""
        return self._data[self.position : self.position + max_packet_size]

    def sent(self, length: int, max_packet_size: int) -> bool:
        """Note an acknowledged OUT packet; True when it was the last one."""
        self.position += length
        self.lengths.append(length)
        if self.position < len(self._data):
            return False
        return length < max_packet_size or not self.zero_packet

    def got(self, data: bytes, max_packet_size: int) -> Status | None:
        """Take an IN packet; returns the final status if it ends the data (5.8.3), babble included (8.7.4)."""
        length = len(data)
        self.received += data
        self.lengths.append(length)
        total = len(self.received)
        if length > max_packet_size or total > self.requested:
            return _BABBLE
        if length < max_packet_size or total == self.requested:
            return _COMPLETED
        return None


class EndpointPipe:
    """The host's end of a pipe: the queue of transfers, the data toggle, what it waits for.

    `parked` is the endpoint address whose NAK is waited out, or NOT_PARKED.
    """

    periodic = False

    def __init__(self, pipe: Pipe) -> None:
        self.queue: deque[HostTransfer] = deque()
        self.toggle = _DATA0
        self.parked = NOT_PARKED
        self.attempts = 0
        self.pipe = pipe
        self.address = pipe.address
        self.number = pipe.number
        self.max_packet_size = pipe.max_packet_size

    @property
    def endpoint_addresses(self) -> tuple[int, ...]:
        """The endpoint addresses on which this pipe can be answered NAK."""
        return (self.pipe.endpoint_address,)

    def cost_ns(self) -> int:
        """Return how long the next transaction may take at most."""
        raise NotImplementedError

    def step(self, bus: Bus) -> None:
        """Carry one transaction of the transfer at the head of the queue."""
        raise NotImplementedError

    def head_changed(self) -> None:
        """Another transfer is at the head of the queue now, or none."""
        self.attempts = 0

    def failed(self, transfer: HostTransfer) -> None:
        """Count a failed attempt; after three in a row the transfer fails (8.7.1, 10.2.6)."""
        self.attempts += 1
        if self.attempts >= MAX_ATTEMPTS:
            self.attempts = 0
            transfer.outcome = _ERROR


class OutPipe(EndpointPipe):
    """Bulk or interrupt OUT (8.5.2, 8.6.1)."""

    def cost_ns(self) -> int:
        """Return the length of the next packet's transaction, acknowledged."""
        return BYTE_TIMES_NS[len(self.queue[0].next_out(self.max_packet_size)) + HANDSHAKED_OVERHEAD]

    def step(self, bus: Bus) -> None:
        """Send the next packet."""
        transfer = self.queue[0]
        data = transfer.next_out(self.max_packet_size)
        handshake = bus.out(self.address, self.number, self.toggle, data)
        if handshake is None:
            self.failed(transfer)
            return
        self.attempts = 0
        if handshake is _ACK:
            self.toggle = _DATA1 if self.toggle is _DATA0 else _DATA0
            if transfer.sent(len(data), self.max_packet_size):
                transfer.outcome = _COMPLETED
        elif handshake is _NAK:
            self.parked = self.number
        else:
            transfer.outcome = _STALLED


class InPipe(EndpointPipe):
    """Bulk or interrupt IN (8.5.2, 8.6.2)."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(pipe)
        self._cost_ns = BYTE_TIMES_NS[pipe.max_packet_size + HANDSHAKED_OVERHEAD]

    def cost_ns(self) -> int:
        """Return the length of a transaction with a full packet."""
        return self._cost_ns

    def step(self, bus: Bus) -> None:
        """Ask for the next packet."""
        transfer = self.queue[0]
        limit = min(self.max_packet_size, transfer.requested - len(transfer.received))
        packet = bus.in_(self.address, self.number, self.toggle, limit)
        if packet is None:
            self.failed(transfer)
            return
        self.attempts = 0
        pid = packet.pid
        if pid is _NAK:
            self.parked = self.number | 0x80
        elif pid is _STALL:
            transfer.outcome = _STALLED
        elif pid is self.toggle:
            self.toggle = _DATA1 if pid is _DATA0 else _DATA0
            transfer.outcome = transfer.got(packet.data, self.max_packet_size)
        # Otherwise it is the packet before once more: our ACK was lost, it is acknowledged again and dropped (8.6.4).


class PeriodicPipe(EndpointPipe):
    """What interrupt and isochronous pipes have in common: they are due every `interval` frames (5.6.4, 5.7.4)."""

    periodic = True

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(pipe)
        self.interval = max(1, pipe.interval)
        self.first_frame = -1
        self.served_frame = -1

    def due(self, frame: int) -> bool:
        """Return whether a transaction may start in this frame: at most one, in every interval-th since the first."""
        if self.first_frame < 0:
            return True
        return frame != self.served_frame and (frame - self.first_frame) % self.interval == 0

    def serve(self, frame: int) -> None:
        """Note that a transaction has been carried in this frame."""
        if self.first_frame < 0:
            self.first_frame = frame
        self.served_frame = frame


class InterruptOutPipe(PeriodicPipe, OutPipe):
    """Interrupt OUT."""


class InterruptInPipe(PeriodicPipe, InPipe):
    """Interrupt IN."""


class IsochronousOutPipe(PeriodicPipe):
    """One packet of at most the endpoint's size a frame, no handshake, no retry (5.6, 8.5.5)."""

    def cost_ns(self) -> int:
        """Return the length of the next packet's transaction."""
        return BYTE_TIMES_NS[len(self.queue[0].next_out(self.max_packet_size)) + ISOCHRONOUS_OVERHEAD]

    def step(self, bus: Bus) -> None:
        """Send the next packet."""
        transfer = self.queue[0]
        data = transfer.next_out(self.max_packet_size)
        bus.isochronous_out(self.address, self.number, data)
        if transfer.sent(len(data), self.max_packet_size):
            transfer.outcome = _COMPLETED


class IsochronousInPipe(PeriodicPipe):
    """One packet a frame, no handshake, no retry; a transfer of n full packets takes n frames, whatever they carry."""

    def cost_ns(self) -> int:
        """Return the length of a transaction with a full packet."""
        return BYTE_TIMES_NS[self.max_packet_size + ISOCHRONOUS_OVERHEAD]

    def step(self, bus: Bus) -> None:
        """Ask for the frame's packet; none counts as an empty one."""
        transfer = self.queue[0]
        data = bus.isochronous_in(self.address, self.number) or b""
        if len(data) > self.max_packet_size:
            transfer.outcome = _BABBLE
            return
        transfer.received += data
        transfer.lengths.append(len(data))
        if len(transfer.lengths) * self.max_packet_size >= transfer.requested:
            transfer.outcome = _COMPLETED


class ControlPipe(EndpointPipe):
    """SETUP, data stage, status stage (8.5.3); a new SETUP needs no leave of the device and aborts what was before."""

    @property
    def endpoint_addresses(self) -> tuple[int, ...]:
        """Both directions of the endpoint."""
        return (self.number, self.number | 0x80)

    def head_changed(self) -> None:
        """Start with a SETUP, which is never answered NAK."""
        self.attempts = 0
        self.parked = NOT_PARKED

    def cost_ns(self) -> int:
        """Return the length of the next transaction, at most."""
        transfer = self.queue[0]
        if transfer.stage is Stage.SETUP:
            return BYTE_TIMES_NS[8 + HANDSHAKED_OVERHEAD]
        return BYTE_TIMES_NS[self.max_packet_size + HANDSHAKED_OVERHEAD]

    def step(self, bus: Bus) -> None:
        """Carry the next transaction of whichever stage it is."""
        transfer = self.queue[0]
        setup = transfer.setup
        assert setup is not None
        if transfer.stage is Stage.SETUP:
            if bus.setup(self.address, self.number, setup.pack()) is None:
                self.failed(transfer)
                return
            self.attempts = 0
            self.toggle = _DATA1
            transfer.stage = Stage.DATA if setup.wLength else Stage.STATUS
        elif transfer.stage is Stage.DATA:
            if setup.is_in:
                self._data_in(bus, transfer)
            else:
                self._data_out(bus, transfer)
        elif setup.is_in and setup.wLength:
            if self._out(bus, transfer, _DATA1, b""):
                transfer.outcome = _COMPLETED
        else:
            self._status_in(bus, transfer)

    def _data_out(self, bus: Bus, transfer: HostTransfer) -> None:
        data = transfer.next_out(self.max_packet_size)
        if self._out(bus, transfer, self.toggle, data):
            self.toggle = self.toggle.toggled
            if transfer.sent(len(data), self.max_packet_size):
                transfer.stage = Stage.STATUS

    def _data_in(self, bus: Bus, transfer: HostTransfer) -> None:
        data = self._in(
            bus, transfer, self.toggle, min(self.max_packet_size, transfer.requested - len(transfer.received))
        )
        if data is None:
            return
        self.toggle = self.toggle.toggled
        status = transfer.got(data, self.max_packet_size)
        if status is _COMPLETED:
            transfer.stage = Stage.STATUS
        else:
            transfer.outcome = status

    def _status_in(self, bus: Bus, transfer: HostTransfer) -> None:
        data = self._in(bus, transfer, _DATA1, 0)
        if data is not None:
            transfer.outcome = _BABBLE if data else _COMPLETED

    def _out(self, bus: Bus, transfer: HostTransfer, pid: Pid, data: bytes) -> bool:
        handshake = bus.out(self.address, self.number, pid, data)
        if handshake is None:
            self.failed(transfer)
            return False
        self.attempts = 0
        if handshake is _NAK:
            self.parked = self.number
        elif handshake is not _ACK:
            transfer.outcome = _STALLED
        return handshake is _ACK

    def _in(self, bus: Bus, transfer: HostTransfer, expected: Pid, limit: int) -> bytes | None:
        packet = bus.in_(self.address, self.number, expected, limit)
        if packet is None:
            self.failed(transfer)
            return None
        self.attempts = 0
        if packet.pid is _NAK:
            self.parked = self.number | 0x80
        elif packet.pid is _STALL:
            transfer.outcome = _STALLED
        elif packet.pid is expected:
            return packet.data
        return None


_CLASSES: dict[tuple[TransferType, bool], Callable[[Pipe], EndpointPipe]] = {
    (TransferType.BULK, False): OutPipe,
    (TransferType.BULK, True): InPipe,
    (TransferType.INTERRUPT, False): InterruptOutPipe,
    (TransferType.INTERRUPT, True): InterruptInPipe,
    (TransferType.ISOCHRONOUS, False): IsochronousOutPipe,
    (TransferType.ISOCHRONOUS, True): IsochronousInPipe,
}


def make_pipe(pipe: Pipe) -> EndpointPipe:
    """Return the state machine for a pipe."""
    if not 1 <= pipe.max_packet_size <= 1023:
        raise UsageError(
            f"endpoint {pipe.endpoint_address:#04x}: a packet size of {pipe.max_packet_size} is not full speed"
        )
    if pipe.type is TransferType.CONTROL:
        return ControlPipe(pipe)
    return _CLASSES[pipe.type, pipe.is_in](pipe)
