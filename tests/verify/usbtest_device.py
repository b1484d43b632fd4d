"""A device on the wire that is all that usbtest wants: right, or wrong in one thing each (row Y2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from renode_pico.clock import NS_PER_MS
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import ACK, STALL, Packet, Pid
from tests.unit.usb.fake_clock import FakeClock
from tests.verify.right_device import DEVICE, ISO_IN, ISO_OUT, Chain, Endpoint, RightDevice

BULK_OUT, BULK_IN, INTERRUPT_OUT, INTERRUPT_IN = 0x01, 0x81, 0x03, 0x83
PAIRS = ((BULK_OUT, BULK_IN), (INTERRUPT_OUT, INTERRUPT_IN), (ISO_OUT, ISO_IN))
SIZES = {1: 64, 2: 100, 3: 32}
CONFIGURATION = [
    "09 02 0000 01 01 00 80 32",
    "09 04 00 00 02 ff 00 00 00",
    "07 05 01 02 4000 00",
    "07 05 81 02 4000 00",
    "09 04 00 01 02 ff 00 00 00",
    "07 05 03 03 2000 02",
    "07 05 83 03 2000 02",
    "09 04 00 02 02 ff 00 00 00",
    "07 05 02 01 6400 01",
    "07 05 82 01 6400 01",
]


def pattern(length: int) -> bytes:
    return bytes(n % 63 for n in range(length))


class UsbtestDevice(RightDevice):
    """Sources and sinks: alternate 0 bulk, 1 interrupt, 2 isochronous."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.chain = Chain()
        self.chain.parts = [bytearray.fromhex(part) for part in CONFIGURATION]
        self.device = bytearray(DEVICE)
        self.device[4:7] = bytes(3)

    def _configure(self, value: int) -> None:
        self.configuration = value
        self.alternates = {0: 0} if value else {}
        self.loops = {}
        self.endpoints = {}
        self.taken: list[int] = []
        """Lengths of the OUT packets since SET_CONFIGURATION."""
        self.given = 0
        """IN packets since then."""
        if value:
            self._select(0, 0)

    def _set_interface(self, setup: Setup) -> bytes | None:
        if setup.wIndex != 0 or not self.configuration or setup.wValue >= len(PAIRS):
            return None
        self._select(0, setup.wValue)
        return b""

    def _select(self, number: int, alternate: int) -> None:
        self.alternates[number] = alternate
        self.endpoints = {address: Endpoint(address) for address in PAIRS[alternate]}

    def sof(self, frame: int) -> None:
        self._traffic()
        self.frames += 1
        if ISO_IN in self.endpoints:
            self.endpoints[ISO_IN].sending = self._source(ISO_IN)

    def _size(self, address: int) -> int:
        return SIZES[address & 0x0F]

    def _takes(self, setup: Setup) -> bool:
        return (setup.bmRequestType, setup.bRequest) == (0x40, 0x5B)

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        return None

    def _out(self, number: int, pid: Pid, data: bytes) -> Packet | None:
        if number == ISO_OUT and number in self.endpoints:
            self.taken.append(len(data))
        return super()._out(number, pid, data)

    def _take(self, number: int, data: bytes) -> bool:
        self.taken.append(len(data))
        if data != pattern(len(data)):
            self._halt(self.endpoints[number], True)
        return True

    def _next(self, address: int) -> bytes | None:
        self.given += 1
        return self._source(address)

    def _source(self, address: int) -> bytes:
        return pattern(self._size(address))


MUTANTS: dict[str, type[UsbtestDevice]] = {}
M = TypeVar("M", bound=type[UsbtestDevice])


def breaks(identifier: str) -> Callable[[M], M]:
    def register(mutant: M) -> M:
        assert identifier not in MUTANTS
        MUTANTS[identifier] = mutant
        return mutant

    return register


class Refuses(UsbtestDevice):
    """Its sink halts where `_wrong` says so."""

    def _wrong(self, data: bytes) -> bool:
        raise NotImplementedError

    def _take(self, number: int, data: bytes) -> bool:
        if super()._take(number, data) and self._wrong(data):
            self._halt(self.endpoints[number], True)
        return True


class Falsifies(UsbtestDevice):
    """Its source sends another byte where `_wrong` says so."""

    def _wrong(self) -> bool:
        raise NotImplementedError

    def _next(self, address: int) -> bytes | None:
        data = super()._next(address)
        return data[:-1] + b"\xff" if data and self._wrong() else data


@breaks("UT0")
class NoPairs(UsbtestDevice):
    """Its settings have no endpoints."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.chain.parts = [bytearray.fromhex(part) for part in (CONFIGURATION[0], "09 04 00 00 00 ff 00 00 00")]


@breaks("UT1")
class LosesPlace(Refuses):
    """Its sink loses its place after 5 full packets."""

    def _wrong(self, data: bytes) -> bool:
        return len(self.taken) > 5


@breaks("UT2")
class SpoilsThird(Falsifies):
    """Every third packet of its source is wrong."""

    def _wrong(self) -> bool:
        return self.given % 3 == 0


@breaks("UT3")
class NoShortPackets(UsbtestDevice):
    """A packet of one byte is never taken."""

    def _take(self, number: int, data: bytes) -> bool:
        return len(data) != 1 and super()._take(number, data)


@breaks("UT4")
class EndsEarly(UsbtestDevice):
    """Its 20th packet is short."""

    def _next(self, address: int) -> bytes | None:
        data = super()._next(address)
        return data[:-1] if data and self.given == 20 else data


@breaks("UT5")
class TiresOfQueues(Refuses):
    """Its sink halts when 100 packets came without a pause."""

    def _wrong(self, data: bytes) -> bool:
        return len(self.taken) == 100


@breaks("UT6")
class DriesUp(UsbtestDevice):
    """Its source is empty after 100 packets."""

    def _next(self, address: int) -> bytes | None:
        return super()._next(address) if self.given < 100 else None


@breaks("UT7")
class MergesShortPackets(Refuses):
    """A short packet behind a full one is mixed up with it."""

    def _wrong(self, data: bytes) -> bool:
        return len(self.taken) > 1 and self.taken[-2] == 64 > len(data) > 0


@breaks("UT8")
class SpoilsEleventh(Falsifies):
    """The eleventh packet is wrong."""

    def _wrong(self) -> bool:
        return self.given == 11


@breaks("UT9")
class TellsAlternateZero(UsbtestDevice):
    """GET_INTERFACE always tells 0."""

    def _get_interface(self, setup: Setup) -> bytes | None:
        return b"\0" if setup.wIndex in self.alternates else None


@breaks("UT10")
class StallsTwice(UsbtestDevice):
    """The request after a refused one is refused, too."""

    _refused = False

    def _request(self, setup: Setup, data: bytes) -> bytes | None:
        refused, answer = self._refused, super()._request(setup, data)
        self._refused = answer is None
        return None if refused else answer


@breaks("UT11")
class NoticesUnlink(UsbtestDevice):
    """A source that is not asked for half a millisecond begins somewhere else in its pattern."""

    _asked_ns = 0

    def _next(self, address: int) -> bytes | None:
        data, pause = super()._next(address), self.clock.now_ns - self._asked_ns
        self._asked_ns = self.clock.now_ns
        return data[1:] + b"\0" if data and self.given > 2 and pause > NS_PER_MS // 2 else data


@breaks("UT12")
class WaitsForTheRest(Refuses):
    """It takes transfers of 4096 bytes only, once one has begun that is not complete."""

    def _wrong(self, data: bytes) -> bool:
        return len(self.taken) % 64 == 17


@breaks("UT13")
class ForgetsHalt(UsbtestDevice):
    """A halt ends with the first STALL."""

    def _in(self, address: int) -> Packet | None:
        answer = super()._in(address)
        if answer is STALL:
            self.endpoints[address].halted = False
        return answer


@breaks("UT14")
class KeepsTwoPackets(UsbtestDevice):
    """Control data beyond 128 bytes is dropped."""

    def _vendor(self, setup: Setup, data: bytes) -> bytes | None:
        return super()._vendor(setup, data[:128])


@breaks("UT15")
class AcknowledgesIsochronous(UsbtestDevice):
    """An isochronous packet is acknowledged."""

    def _isochronous_handshake(self) -> Packet | None:
        return ACK


@breaks("UT16")
class MissesFrames(UsbtestDevice):
    """Every fifth frame has no packet."""

    def sof(self, frame: int) -> None:
        super().sof(frame)
        if frame % 5 == 0 and ISO_IN in self.endpoints:
            self.endpoints[ISO_IN].sending = None


@breaks("UT17")
class DislikesOddLengths(Refuses):
    """A packet of an odd length is an error."""

    def _wrong(self, data: bytes) -> bool:
        return len(data) % 2 == 1


@breaks("UT18")
class SpoilsFifteenth(Falsifies):
    """Every fifteenth packet is wrong."""

    def _wrong(self) -> bool:
        return self.given % 15 == 0


@breaks("UT19")
class CountsInBytes(Refuses):
    """A count of packets in seven bits runs over."""

    def _wrong(self, data: bytes) -> bool:
        return len(self.taken) == 128


@breaks("UT20")
class SourceCountsInBytes(Falsifies):
    """A count of packets in seven bits runs over."""

    def _wrong(self) -> bool:
        return self.given == 128


@breaks("UT21")
class LosesWholePackets(UsbtestDevice):
    """Control data that ends with a packet is lost."""

    def _vendor(self, setup: Setup, data: bytes) -> bytes | None:
        return super()._vendor(setup, b"" if len(data) % 64 == 0 and len(data) > 64 else data)


@breaks("UT22")
class AcknowledgesOddPackets(UsbtestDevice):
    """An isochronous packet of an odd length is acknowledged."""

    def _isochronous_handshake(self) -> Packet | None:
        return ACK if self.taken[-1] % 2 else None


@breaks("UT23")
class ShortIsochronous(UsbtestDevice):
    """Every fourth frame's packet is short."""

    def sof(self, frame: int) -> None:
        super().sof(frame)
        sending = self.endpoints[ISO_IN].sending if ISO_IN in self.endpoints else None
        if frame % 4 == 0 and sending is not None:
            self.endpoints[ISO_IN].sending = sending[:-1]


@breaks("UT24")
class MissesTheMiddle(Refuses):
    """It counts on 8 transfers."""

    def _wrong(self, data: bytes) -> bool:
        return len(self.taken) == 6 * 16 + 1


@breaks("UT25")
class SlowInterruptOut(UsbtestDevice):
    """Every second interrupt packet is answered NAK."""

    _turn = False

    def _take(self, number: int, data: bytes) -> bool:
        self._turn = not self._turn
        if number == INTERRUPT_OUT and self._turn:
            self.clock.alarm(lambda: self._ready(number)).schedule(NS_PER_MS)
            return False
        return super()._take(number, data)


@breaks("UT26")
class SlowInterruptIn(UsbtestDevice):
    """Every second token to the interrupt source is answered NAK."""

    _turn = False

    def _next(self, address: int) -> bytes | None:
        self._turn = not self._turn
        if address == INTERRUPT_IN and self._turn:
            self.clock.alarm(lambda: self._ready(address)).schedule(NS_PER_MS)
            return None
        return super()._next(address)


class Slow(UsbtestDevice):
    """It takes or gives a packet every 2 ms."""

    _moved_ns = 0

    def _late(self, address: int) -> bool:
        if self.clock.now_ns - self._moved_ns >= 2 * NS_PER_MS:
            self._moved_ns = self.clock.now_ns
            return False
        self.clock.alarm(lambda: self._ready(address)).schedule(2 * NS_PER_MS)
        return True


@breaks("UT27")
class SlowSink(Slow):
    """It takes a packet every 2 ms."""

    def _take(self, number: int, data: bytes) -> bool:
        return not self._late(number) and super()._take(number, data)


@breaks("UT28")
class SlowSource(Slow):
    """It gives a packet every 2 ms."""

    def _next(self, address: int) -> bytes | None:
        return None if self._late(address) else super()._next(address)


@breaks("UT29")
class KeepsToggle(UsbtestDevice):
    """CLEAR_FEATURE(ENDPOINT_HALT) changes nothing on an endpoint that is not halted."""

    def _halt(self, endpoint: Endpoint, halted: bool) -> None:
        if halted or endpoint.halted:
            super()._halt(endpoint, halted)
