"""What a test puts on the bus beside transactions: stray packets, SE0, spoiled starts of frame."""

from __future__ import annotations

from dataclasses import dataclass

from renode_pico.clock import Alarm
from renode_pico.errors import UsageError
from renode_pico.usb.bus import Bus
from renode_pico.usb.observe import BusEventKind
from renode_pico.usb.timing import (
    BYTE_TIMES_NS,
    EOF1_NS,
    EOF2_NS,
    FRAME_MASK,
    FRAME_NS,
    SE0_LONGEST_NS,
    SOF_NS,
    STRAY_DATA,
    STRAY_HANDSHAKE,
    STRAY_LOW_SPEED,
    STRAY_TOKEN,
)
from renode_pico.usb.wire import Packet, SofFault, Stray

_DURATIONS_NS = {
    Stray.UNKNOWN_PID: BYTE_TIMES_NS[STRAY_TOKEN],
    Stray.BROKEN_PID: BYTE_TIMES_NS[STRAY_TOKEN],
    Stray.LOW_SPEED: BYTE_TIMES_NS[STRAY_LOW_SPEED],
    Stray.SETUP_CRC5: BYTE_TIMES_NS[STRAY_TOKEN],
    Stray.OUT_CRC5: BYTE_TIMES_NS[STRAY_TOKEN],
    Stray.IN_CRC5: BYTE_TIMES_NS[STRAY_TOKEN],
    Stray.SOF_CRC5: BYTE_TIMES_NS[STRAY_TOKEN],
    Stray.LATE_ACK: BYTE_TIMES_NS[STRAY_HANDSHAKE],
    Stray.BROKEN_HANDSHAKE: BYTE_TIMES_NS[STRAY_HANDSHAKE],
    Stray.DATA: BYTE_TIMES_NS[STRAY_DATA],
    Stray.BABBLE: EOF1_NS - EOF2_NS,
}


class Stimulus:
    """Something that takes the bus for a while, once. `carried`: it has begun."""

    def __init__(self, bus: Bus, name: str, duration_ns: int) -> None:
        self._bus = bus
        self._name = name
        self.duration_ns = duration_ns
        self.carried = False

    def __str__(self) -> str:
        return self._name

    def begin_ns(self, now_ns: int, frame_end_ns: int) -> int:
        """When it may begin: as a transaction, only if it ends within its frame."""
        return now_ns if now_ns + self.duration_ns <= frame_end_ns else frame_end_ns + SOF_NS

    def carry(self) -> None:
        """Begin."""
        self.carried = True
        self._bus.event(BusEventKind(self._name))


class StrayPacket(Stimulus):
    """A packet outside of any transaction. `answer`: what the device sent, which should be nothing."""

    def __init__(self, bus: Bus, stray: Stray, address: int, endpoint: int) -> None:
        super().__init__(bus, f"stray {stray.value}", _DURATIONS_NS[stray])
        self.answer: Packet | None = None
        self._stray = stray
        self._token = address, endpoint

    def begin_ns(self, now_ns: int, frame_end_ns: int) -> int:
        """Babble begins at EOF1, anything else where there is room."""
        if self._stray is Stray.BABBLE:
            eof1_ns = frame_end_ns - EOF1_NS
            return eof1_ns if now_ns + self.duration_ns <= frame_end_ns else eof1_ns + FRAME_NS
        return super().begin_ns(now_ns, frame_end_ns)

    def carry(self) -> None:
        """Send it."""
        super().carry()
        self.answer = self._bus.wire.stray(self._stray, *self._token)


class Se0(Stimulus):
    """SE0 of a chosen length; `end` releases it."""

    def __init__(self, bus: Bus, duration_ns: int, end: Alarm) -> None:
        if not 0 < duration_ns <= SE0_LONGEST_NS:
            raise UsageError(f"SE0 of {duration_ns} ns: more than 0 and at most {SE0_LONGEST_NS} ns; a reset is longer")
        super().__init__(bus, BusEventKind.SE0.value, duration_ns)
        self._end = end

    def begin_ns(self, now_ns: int, frame_end_ns: int) -> int:
        """At once: frames that begin meanwhile are not heard."""
        return now_ns

    def carry(self) -> None:
        """Drive it."""
        super().carry()
        self._bus.wire.reset_begin()
        self._end.schedule(self.duration_ns)


@dataclass(slots=True)
class _SofInjection:
    fault: SofFault
    count: int
    skip: int


class SofFaults:
    """What is to happen to the next starts of frame; false when nothing is."""

    def __init__(self) -> None:
        self._queue: list[_SofInjection] = []

    def __bool__(self) -> bool:
        return bool(self._queue)

    def inject(self, fault: SofFault, count: int, skip: int) -> None:
        """See `transfer.Host.inject_sof`."""
        if count < 1 or skip < 0:
            raise UsageError(f"inject sof {fault.value}: count must be at least 1 and skip not negative")
        self._queue.append(_SofInjection(fault, count, skip))

    def carry(self, bus: Bus) -> int:
        """Begin a frame, right or wrong; returns how much longer than usual that takes, ns."""
        injection = self._queue[0]
        if injection.skip:
            injection.skip -= 1
            bus.wire.sof(bus.frame & FRAME_MASK)
            return 0
        injection.count -= 1
        if not injection.count:
            self._queue.pop(0)
        fault = injection.fault
        bus.event(BusEventKind(f"sof {fault.value}"))
        if fault is SofFault.LOST:
            return 0
        if fault is SofFault.CORRUPT:
            bus.wire.stray(Stray.SOF_CRC5, 0, 0)
            return 0
        bus.wire.sof(bus.frame & FRAME_MASK)
        bus.wire.sof(bus.frame & FRAME_MASK)
        return SOF_NS
