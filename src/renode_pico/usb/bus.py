"""Single transactions: what a host puts on the wire, what comes back, how long it takes, what is spoiled on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from renode_pico.clock import Clock
from renode_pico.errors import UsageError
from renode_pico.usb.observe import BusEventKind, BusEventRecord, BusObserver, TransactionRecord
from renode_pico.usb.timing import (
    BYTE_TIMES_NS,
    FAULT_DELAYS,
    FRAME_MASK,
    HANDSHAKED_OVERHEAD,
    ISOCHRONOUS_OVERHEAD,
    MAX_PACKET,
    REFUSED_IN,
    SILENCE,
    TOKEN,
    TOKEN_AND_DATA_OVERHEAD,
)
from renode_pico.usb.wire import NO_HANDSHAKE, Fault, Packet, Pid, Wire

_ACK, _DATA0, _DATA1, _IN, _NAK, _OUT, _STALL = (
    Pid.ACK, Pid.DATA0, Pid.DATA1, Pid.IN, Pid.NAK, Pid.OUT, Pid.STALL,
)  # fmt: skip
"""Members of an enumeration by names of their own: Python 3.11 takes five times as long to look one up in its class."""
_UNANSWERED_NS = BYTE_TIMES_NS[TOKEN + SILENCE]
_REFUSED_IN_NS = BYTE_TIMES_NS[REFUSED_IN]

_IN_ARRIVES = NO_HANDSHAKE | {Fault.SLOW, Fault.LATE}
"""What does not keep the data of an IN from the host: it is about the host's ACK."""


def _failed(fault: Fault | None) -> bool:
    """Whether a spoiled transaction counts as failed for the host."""
    return fault is not None and fault is not Fault.SLOW


@dataclass(slots=True)
class _Injection:
    fault: Fault
    count: int
    skip: int
    late: bool


LATE_NS = 100_000
"""A transaction that begins within it before the end of a frame is late: a hub may garble what comes last."""


class Bus:
    """Carries transactions one at a time (USB 2.0, 8.5).

    Each method is called at the instant of the token and leaves the transaction's length in `duration_ns`.
    `frame` counts frames since the last reset; its low 11 bits are on the wire.
    """

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self.wire = wire
        self.clock = clock
        self.count = 0
        self.frame = 0
        self.duration_ns = 0
        self.frame_end_ns = 0
        """When the frame in hand ends; the host says it."""
        self.observers: tuple[BusObserver, ...] = ()
        self._injections: dict[int, list[_Injection]] = {}

    def inject(self, fault: Fault, endpoint_address: int, count: int, skip: int, late: bool = False) -> None:
        """Spoil `count` transactions of an endpoint that carry data, after leaving `skip` of them alone.

        A transaction answered by NAK or STALL carries no data and does not count. A spoiled one counts as failed,
        whatever the device answered, with two exceptions: what concerns the ACK of an IN, where the host has the data
        already, and SLOW, which is right. `late`: those that begin in the last LATE_NS of a frame; others do not count.
        """
        if count < 1 or skip < 0:
            raise UsageError(f"inject {fault.value}: count must be at least 1 and skip not negative")
        self._injections.setdefault(endpoint_address, []).append(_Injection(fault, count, skip, late))

    def setup(self, address: int, endpoint: int, data: bytes) -> Pid | None:
        """Carry a SETUP transaction; ACK, or None when it failed (8.5.3)."""
        self.count += 1
        injection = self._injection(endpoint) if self._injections else None
        fault = None if injection is None or injection.skip else injection.fault
        answer = self.wire.setup(address, endpoint, data, fault)
        handshake = None if answer is None else answer.pid
        self._end(len(data) + (TOKEN_AND_DATA_OVERHEAD + SILENCE if answer is None else HANDSHAKED_OVERHEAD), fault)
        if self.observers:
            data_pid = Pid.DATA1 if fault is Fault.WRONG_TOGGLE else Pid.DATA0
            self._report(Pid.SETUP, address, endpoint, data_pid, data, handshake, fault)
        if injection is not None and (fault is not None or handshake is Pid.ACK):
            self._consume(endpoint, injection)
        return None if _failed(fault) or handshake is not Pid.ACK else handshake

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes) -> Pid | None:
        """Carry an OUT transaction; ACK, NAK, STALL, or None when it failed (8.5.2)."""
        self.count += 1
        if self._injections:
            return self._out_with_faults(address, endpoint, pid, data)
        answer = self.wire.out(address, endpoint, pid, data)
        if answer is None:
            handshake = None
            self.duration_ns = BYTE_TIMES_NS[len(data) + TOKEN_AND_DATA_OVERHEAD + SILENCE]
        else:
            handshake = answer.pid
            self.duration_ns = BYTE_TIMES_NS[len(data) + HANDSHAKED_OVERHEAD]
        if self.observers:
            self._report(_OUT, address, endpoint, pid, data, handshake, None)
        return handshake

    def _out_with_faults(self, address: int, endpoint: int, pid: Pid, data: bytes) -> Pid | None:
        injection = self._injection(endpoint)
        fault = None if injection is None or injection.skip else injection.fault
        sent = pid.toggled if fault is Fault.WRONG_TOGGLE else pid
        answer = self.wire.out(address, endpoint, sent, data, fault)
        handshake = None if answer is None else answer.pid
        self._end(len(data) + (TOKEN_AND_DATA_OVERHEAD + SILENCE if answer is None else HANDSHAKED_OVERHEAD), fault)
        if self.observers:
            self._report(_OUT, address, endpoint, sent, data, handshake, fault)
        if handshake is _NAK or handshake is _STALL:
            return handshake
        if injection is not None and (fault is not None or handshake is _ACK):
            self._consume(endpoint, injection)
        return None if _failed(fault) else handshake

    def in_(self, address: int, endpoint: int, expected: Pid, limit: int) -> Packet | None:
        """Carry an IN transaction; the packet, NAK, STALL, or None when it failed (8.5.2).

        A data packet is acknowledged unless it has the `expected` PID and is longer than `limit` bytes: that is babble
        (8.7.4). With the other PID it is the one before, sent again as its ACK was lost, and acknowledged (8.6.4).
        """
        self.count += 1
        if self._injections:
            return self._in_with_faults(address, endpoint, expected, limit)
        packet = self.wire.in_(address, endpoint)
        if packet is None:
            self.duration_ns = _UNANSWERED_NS
            if self.observers:
                self._report(_IN, address, endpoint, None, b"", None, None)
            return None
        pid = packet.pid
        if pid is _NAK or pid is _STALL:
            self.duration_ns = _REFUSED_IN_NS
            if self.observers:
                self._report(_IN, address, endpoint, None, b"", pid, None)
            return packet
        data = packet.data
        acknowledged = len(data) <= limit or pid is not expected
        self.duration_ns = BYTE_TIMES_NS[min(len(data), MAX_PACKET) + HANDSHAKED_OVERHEAD]
        self.wire.in_handshake(address, endpoint, acknowledged)
        if self.observers:
            self._report(_IN, address, endpoint, pid, data, _ACK if acknowledged else None, None)
        return packet

    def _in_with_faults(self, address: int, endpoint: int, expected: Pid, limit: int) -> Packet | None:
        injection = self._injection(endpoint | 0x80)
        fault = None if injection is None or injection.skip else injection.fault
        packet = self.wire.in_(address, endpoint, fault)
        if packet is None:
            self.duration_ns = _UNANSWERED_NS
            if self.observers:
                self._report(_IN, address, endpoint, None, b"", None, fault)
            if injection is not None and fault is not None:
                self._consume(endpoint | 0x80, injection)
            return None
        if packet.pid is _NAK or packet.pid is _STALL:
            self.duration_ns = _REFUSED_IN_NS
            if self.observers:
                self._report(_IN, address, endpoint, None, b"", packet.pid, None)
            return packet
        acknowledged = not _failed(fault) and (len(packet.data) <= limit or packet.pid is not expected)
        self._end(len(packet.data) + HANDSHAKED_OVERHEAD, fault)
        self.wire.in_handshake(address, endpoint, acknowledged)
        if self.observers:
            handshake = _ACK if acknowledged else None
            self._report(_IN, address, endpoint, packet.pid, packet.data, handshake, fault)
        if injection is not None:
            self._consume(endpoint | 0x80, injection)
        return packet if fault is None or fault in _IN_ARRIVES else None

    def isochronous_out(self, address: int, endpoint: int, data: bytes) -> None:
        """Send one isochronous packet; nobody answers (8.5.5)."""
        self.count += 1
        injection = self._injection(endpoint) if self._injections else None
        fault = None if injection is None or injection.skip else injection.fault
        self.wire.out(address, endpoint, Pid.DATA0, data, fault)
        self._end(len(data) + ISOCHRONOUS_OVERHEAD, fault)
        if self.observers:
            self._report(Pid.OUT, address, endpoint, Pid.DATA0, data, None, fault)
        if injection is not None:
            self._consume(endpoint, injection)

    def isochronous_in(self, address: int, endpoint: int) -> bytes | None:
        """Ask for one isochronous packet; None when nothing good arrived (8.5.5)."""
        self.count += 1
        injection = self._injection(endpoint | 0x80) if self._injections else None
        fault = None if injection is None or injection.skip else injection.fault
        packet = self.wire.in_(address, endpoint, fault)
        if packet is None or packet.pid is Pid.NAK or packet.pid is Pid.STALL:
            self.duration_ns = _UNANSWERED_NS
            if self.observers:
                self._report(Pid.IN, address, endpoint, None, b"", None if packet is None else packet.pid, fault)
            return None
        self._end(len(packet.data) + ISOCHRONOUS_OVERHEAD, None)
        if self.observers:
            self._report(Pid.IN, address, endpoint, packet.pid, packet.data, None, fault)
        if injection is not None:
            self._consume(endpoint | 0x80, injection)
        return packet.data if fault is None or fault in _IN_ARRIVES else None

    def raw(
        self,
        token: Pid,
        address: int,
        endpoint: int,
        pid: Pid | None,
        data: bytes,
        fault: Fault | None,
        *,
        isochronous: bool = False,
    ) -> Packet | None:
        """Carry one transaction as it is told, whatever was injected; what the device sent, None for silence.

        A data packet is acknowledged unless there is a fault or the endpoint is isochronous.
        """
        self.count += 1
        handshake: Pid | None
        if token is Pid.IN:
            answer = self.wire.in_(address, endpoint, fault)
            refused = answer is None or answer.pid is Pid.NAK or answer.pid is Pid.STALL
            if answer is None or refused:
                self.duration_ns = _REFUSED_IN_NS if answer is not None else _UNANSWERED_NS
                handshake = None if answer is None else answer.pid
            else:
                pid, data = answer.pid, answer.data
                self._end(len(data) + (ISOCHRONOUS_OVERHEAD if isochronous else HANDSHAKED_OVERHEAD), fault)
                if not isochronous:
                    self.wire.in_handshake(address, endpoint, not _failed(fault))
                handshake = None if isochronous or _failed(fault) else Pid.ACK
        else:
            if token is Pid.SETUP:
                answer = self.wire.setup(address, endpoint, data, fault)
            else:
                assert pid is not None
                answer = self.wire.out(address, endpoint, pid, data, fault)
            self._end(len(data) + (TOKEN_AND_DATA_OVERHEAD + SILENCE if answer is None else HANDSHAKED_OVERHEAD), fault)
            handshake = None if answer is None else answer.pid
        if self.observers:
            self._report(token, address, endpoint, pid, data, handshake, fault)
        return answer

    def event(self, kind: BusEventKind) -> None:
        """Tell the observers of a change of the line's state."""
        if self.observers:
            record = BusEventRecord(self.clock.now_ns, self.frame & FRAME_MASK, kind)
            for observer in self.observers:
                observer.event(record)

    def _end(self, byte_times: int, fault: Fault | None) -> None:
        delay = 0 if fault is None else FAULT_DELAYS.get(fault, 0)
        self.duration_ns = BYTE_TIMES_NS[min(byte_times, MAX_PACKET + HANDSHAKED_OVERHEAD) + delay]

    def _injection(self, endpoint_address: int) -> _Injection | None:
        queue = self._injections.get(endpoint_address)
        if not queue or (queue[0].late and self.frame_end_ns - self.clock.now_ns > LATE_NS):
            return None
        return queue[0]

    def _consume(self, endpoint_address: int, injection: _Injection) -> None:
        if injection.skip:
            injection.skip -= 1
            return
        injection.count -= 1
        if injection.count == 0:
            queue = self._injections[endpoint_address]
            queue.remove(injection)
            if not queue:
                del self._injections[endpoint_address]

    def _report(
        self,
        token: Pid,
        address: int,
        endpoint: int,
        data_pid: Pid | None,
        data: bytes,
        handshake: Pid | None,
        fault: Fault | None,
    ) -> None:
        record = TransactionRecord(
            self.clock.now_ns,
            self.duration_ns,
            self.frame & FRAME_MASK,
            token,
            address,
            endpoint,
            data_pid,
            data,
            handshake,
            fault,
            1 if handshake is Pid.NAK else 0,
        )
        for observer in self.observers:
            observer.transaction(record)
