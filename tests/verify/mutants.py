"""Devices that are wrong in one thing each: for every item of the chapter 9 pack one that breaks it.

A mutant is a right device with one decision taken otherwise; its docstring says which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from renode_pico.clock import NS_PER_MS
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import ACK, NAK, STALL, Fault, Packet, Pid, Stray
from tests.unit.usb.fake_clock import FakeClock
from tests.verify.right_device import (
    DEVICE,
    KEYS,
    LOOP_IN,
    LOOP_OUT,
    NOTIFY,
    RESET_NS,
    SERIAL,
    Endpoint,
    Loop,
    RightDevice,
)

MUTANTS: dict[str, type[RightDevice]] = {}
M = TypeVar("M", bound=type[RightDevice])


def breaks(identifier: str) -> Callable[[M], M]:
    def register(mutant: M) -> M:
        assert identifier not in MUTANTS
        MUTANTS[identifier] = mutant
        return mutant

    return register


def _kind(setup: Setup) -> tuple[int, int]:
    return setup.bmRequestType, setup.bRequest


# AT


@breaks("AT1")
class PullUpWithoutVbus(RightDevice):
    """The pull-up stays on when VBUS goes."""

    def _cable_pulled(self) -> None:
        self._was_reset = False
        self._default()


@breaks("AT2")
class SlowToAttach(RightDevice):
    """It takes 150 ms from VBUS to the pull-up."""

    attach_ns = 150 * NS_PER_MS


@breaks("AT3")
class AnswersBeforeReset(RightDevice):
    """It answers at address 0 as soon as it is attached."""

    def _attach_now(self) -> None:
        self._was_reset = True
        super()._attach_now()


@breaks("AT4")
class SlowAfterReset(RightDevice):
    """It needs 15 ms after a reset."""

    def _bus_reset(self) -> None:
        super()._bus_reset()
        self._deaf_until = self.clock.now_ns + 15 * NS_PER_MS

    def _hears(self, address: int) -> bool:
        return super()._hears(address) and self.clock.now_ns >= getattr(self, "_deaf_until", 0)


@breaks("AT5")
class KeepsItsAddressInATransfer(RightDevice):
    """A reset in the middle of a control read does not change its address."""

    def _bus_reset(self) -> None:
        address, busy = self.address, self._stage == "in" and self._position > 0
        super()._bus_reset()
        if busy:
            self.address = address


@breaks("AT6")
class WakesAfterReset(RightDevice):
    """The permission to wake the host outlives a reset."""

    def _bus_reset(self) -> None:
        allowed = self.remote_wakeup
        super()._bus_reset()
        self.remote_wakeup = allowed


@breaks("AT7")
class RefusesSomeAddresses(RightDevice):
    """It refuses addresses 6, 14, 22, ..."""

    def _set_address(self, setup: Setup) -> bytes | None:
        return None if setup.wValue % 8 == 6 else super()._set_address(setup)


@breaks("AT8")
class LooksAtSixBits(RightDevice):
    """It compares the lower six bits of an address only."""

    def _hears(self, address: int) -> bool:
        return super()._hears(address & 0x3F | self.address & 0x40)


@breaks("AT9")
class StallsWhatIsNotThere(RightDevice):
    """An IN token to an endpoint that it does not have is stalled."""

    def _in(self, address: int) -> Packet | None:
        return STALL if self.configuration and address == 0x8B else super()._in(address)


@breaks("AT10")
class SlowToTakeItsAddress(RightDevice):
    """The status stage of SET_ADDRESS comes after 80 ms."""

    def __init__(self, clock: FakeClock) -> None:
        self._later = clock.alarm(lambda: self._ready(0x80))
        self._ready_ns = 0
        super().__init__(clock)

    def _set_address(self, setup: Setup) -> bytes | None:
        self._ready_ns = self.clock.now_ns + 80 * NS_PER_MS
        self._later.schedule(80 * NS_PER_MS)
        return super()._set_address(setup)

    def _control_in(self) -> Packet:
        return NAK if self.clock.now_ns < self._ready_ns else super()._control_in()


@breaks("AT11")
class KeepsItsAddressForEver(RightDevice):
    """SET_ADDRESS(0) is acknowledged and forgotten."""

    def _set_address(self, setup: Setup) -> bytes | None:
        return super()._set_address(setup) if setup.wValue else b""


@breaks("AT12")
class NotAtTheLastAddress(RightDevice):
    """It refuses address 127."""

    def _set_address(self, setup: Setup) -> bytes | None:
        return None if setup.wValue == 127 else super()._set_address(setup)


# CP


@breaks("CP1")
class DeafToSetupWhenBusy(RightDevice):
    """While a data packet waits for its ACK, no SETUP is heard."""

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        if self._stage == "status out" and address == self.address:
            self._stage = "idle"
            return None
        return super().setup(address, endpoint, data, fault)


@breaks("CP2")
class TakesSpoiledSetups(RightDevice):
    """A SETUP with a wrong CRC is carried out, in silence."""

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        answer = super().setup(address, endpoint, data, None if fault is Fault.CRC else fault)
        return None if fault is Fault.CRC else answer


@breaks("CP3")
class KeepsWhatIsLeft(RightDevice):
    """A SETUP in the middle of a data stage: the new answer begins with a byte of the old one."""

    def _carry_out(self, data: bytes) -> None:
        super()._carry_out(data)
        if self._stage == "in" and self._left:
            self._data = self._left + self._data[1:]

    def _begin(self, setup: Setup) -> None:
        left = self._data[self._position : self._position + 1] if self._stage == "in" and self._position else b""
        self._left = left
        super()._begin(setup)


@breaks("CP4")
class StatusIsData0(RightDevice):
    """The status stage of SET_CONFIGURATION(0) is an empty DATA0."""

    def _status_packet(self) -> Packet:
        setup = self._setup
        return Packet(Pid.DATA0 if _kind(setup) == (0x00, 9) and not setup.wValue else Pid.DATA1)


@breaks("CP5")
class StatusComesFirst(RightDevice):
    """The configuration is there 20 us after its status stage."""

    wanted = False

    def __init__(self, clock: FakeClock) -> None:
        self._later = clock.alarm(lambda: self._configure(1))
        super().__init__(clock)

    def _set_configuration(self, setup: Setup) -> bytes | None:
        self.wanted = setup.wValue == 1 and not self.configuration
        return b"" if self.wanted else super()._set_configuration(setup)

    def _finished(self) -> None:
        super()._finished()
        if self.wanted:
            self.wanted = False
            self._later.schedule(20_000)


@breaks("CP6")
class NoEarlyStatus(RightDevice):
    """The status stage is not taken before the last byte has been read."""

    def _control_out(self, pid: Pid, data: bytes) -> Packet | None:
        early = self._stage == "in" and self._position and self._data[self._position :]
        return NAK if early else super()._control_out(pid, data)


@breaks("CP7")
class NoEmptyPacket(RightDevice):
    """An answer of whole packets is not ended."""

    def _last(self, length: int) -> bool:
        return super()._last(length) or self._position >= len(self._data)


@breaks("CP8")
class AlwaysSendsSomething(RightDevice):
    """With wLength 0 the device descriptor is sent in the status stage."""

    def _status_packet(self) -> Packet:
        setup = self._setup
        return Packet(Pid.DATA1, bytes(self.device[:8]) if setup.is_in and setup.bRequest == 6 else b"")


@breaks("CP9")
class StallsOnce(RightDevice):
    """A refused request is stalled on the first token only."""

    def _control_in(self) -> Packet:
        answer = super()._control_in()
        if answer is STALL:
            self._stage = "idle"
        return answer


@breaks("CP10")
class SecondStallStays(RightDevice):
    """After two refused requests in a row the third is refused, too."""

    def _carry_out(self, data: bytes) -> None:
        super()._carry_out(data)
        self._refused = getattr(self, "_refused", 0)
        if self._refused == 2:
            self._stage = "stall"
        self._refused = self._refused + 1 if self._stage == "stall" else 0
        self._refused %= 3


@breaks("CP11")
class WaitsForTheLastAck(RightDevice):
    """Without the ACK of the last data packet the status stage is answered by NAK."""

    def _control_out(self, pid: Pid, data: bytes) -> Packet | None:
        waits = self._stage == "in" and len(self._packet()) < self.max_packet_size0
        return NAK if waits else super()._control_out(pid, data)


@breaks("CP12")
class GoesOnWithoutAck(RightDevice):
    """A control data packet whose ACK is lost is not sent again."""

    def _control_acknowledged(self, acknowledged: bool) -> None:
        whole = self._stage == "in" and len(self._packet()) == self.max_packet_size0
        super()._control_acknowledged(acknowledged or whole)


@breaks("CP13")
class AcknowledgesSpoiledData(RightDevice):
    """A spoiled packet of a control write flips the toggle."""

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        if fault is Fault.CRC and self._stage == "out" and endpoint == 0:
            self._toggle = self._toggle.toggled
        return super().out(address, endpoint, pid, data, fault)


@breaks("CP14")
class TakesRepetitions(RightDevice):
    """A packet of a control write that is sent again is taken again."""

    def _control_data(self, pid: Pid, data: bytes) -> Packet | None:
        self._toggle = pid
        return super()._control_data(pid, data)


@breaks("CP15")
class SlowToAnswer(RightDevice):
    """It answers after 12 bit times."""

    answer_bits = 12.0


@breaks("CP16")
class SlowRequests(RightDevice):
    """SET_CONFIGURATION takes 80 ms."""

    def _begin(self, setup: Setup) -> None:
        super()._begin(setup)
        if setup.bRequest == 9 and setup.bmRequestType == 0:
            self._ready_ns = self.clock.now_ns + 80 * NS_PER_MS
            self._retry = self.clock.alarm(lambda: self._ready(0x80))
            self._retry.schedule(80 * NS_PER_MS)

    def _control_in(self) -> Packet:
        return NAK if self.clock.now_ns < getattr(self, "_ready_ns", 0) else super()._control_in()


@breaks("CP17")
class SmallStore(RightDevice):
    """Of a control write it keeps 1024 bytes."""

    def _vendor(self, setup: Setup, data: bytes) -> bytes | None:
        return super()._vendor(setup, data[:1024])


# SR


class Requests(RightDevice):
    """One request is answered otherwise: `wrong` says how, NotImplemented where it is right."""

    def _standard(self, setup: Setup) -> bytes | None:
        answer: bytes | None = self.wrong(setup)
        return super()._standard(setup) if answer is NotImplemented else answer

    def wrong(self, setup: Setup) -> Any:
        raise NotImplementedError


@breaks("SR1")
class OtherWhenConfigured(Requests):
    """Configured, it has another release number."""

    def wrong(self, setup: Setup) -> Any:
        if _kind(setup) == (0x80, 6) and setup.wValue == 0x0100 and self.configuration:
            return DEVICE[:12] + b"\x99\x09" + DEVICE[14:]
        return NotImplemented


@breaks("SR2")
class OneByteMore(RightDevice):
    """An odd wLength below the descriptor's is rounded down."""

    def _descriptor(self, setup: Setup) -> bytes | None:
        data = super()._descriptor(setup)
        short = data is not None and setup.wLength in (5, 11) and setup.wValue == 0x0100
        return data[: setup.wLength - 1] if data is not None and short else data


@breaks("SR3")
class AnyConfigurationIndex(RightDevice):
    """Every index gives the only configuration."""

    def _has_configuration_index(self, index: int) -> bool:
        return True


@breaks("SR4")
class GivesInterfaces(Requests):
    """GET_DESCRIPTOR(interface) is answered."""

    def wrong(self, setup: Setup) -> Any:
        if _kind(setup) == (0x80, 6) and setup.wValue >> 8 == 4:
            return bytes(self.chain.parts[1])
        return NotImplemented


@breaks("SR5")
class HasAQualifier(Requests):
    """It has a DEVICE_QUALIFIER."""

    def wrong(self, setup: Setup) -> Any:
        if _kind(setup) == (0x80, 6) and setup.wValue >> 8 == 6:
            return bytes([10, 6, 0, 2, 0, 0, 0, 64, 1, 0])
        return NotImplemented


@breaks("SR6")
class AlwaysConfigured(Requests):
    """GET_CONFIGURATION says 1 in the Address state."""

    def wrong(self, setup: Setup) -> Any:
        return b"\1" if _kind(setup) == (0x80, 8) else NotImplemented


@breaks("SR7")
class CannotBeUnconfigured(RightDevice):
    """After SET_CONFIGURATION(0) its endpoints still answer."""

    def _set_configuration(self, setup: Setup) -> bytes | None:
        endpoints = self.endpoints
        answer = super()._set_configuration(setup)
        if not setup.wValue:
            self.endpoints = endpoints
        return answer


@breaks("SR8")
class AnyConfiguration(Requests):
    """Every value but 0 selects the only configuration."""

    def wrong(self, setup: Setup) -> Any:
        if _kind(setup) == (0x00, 9) and setup.wValue:
            self._configure(1)
            return b""
        return NotImplemented


@breaks("SR9")
class NothingNew(Requests):
    """Setting the configuration that is set does nothing."""

    def wrong(self, setup: Setup) -> Any:
        return b"" if _kind(setup) == (0x00, 9) and setup.wValue == self.configuration != 0 else NotImplemented


@breaks("SR10")
class ClaimsOwnPower(Requests):
    """Its status says that it has power of its own."""

    def wrong(self, setup: Setup) -> Any:
        if _kind(setup) == (0x80, 0):
            return bytes([3 if self.remote_wakeup else 1, 0])
        return NotImplemented


@breaks("SR11")
class AnyInterface(Requests):
    """GET_STATUS is answered for any interface."""

    def wrong(self, setup: Setup) -> Any:
        return bytes(2) if _kind(setup) == (0x81, 0) else NotImplemented


@breaks("SR12")
class AnyEndpoint(Requests):
    """GET_STATUS is answered for any endpoint."""

    def wrong(self, setup: Setup) -> Any:
        if _kind(setup) == (0x82, 0) and setup.wIndex & 0x7F and setup.wIndex not in self.endpoints:
            return bytes(2)
        return NotImplemented


@breaks("SR13")
class KeysCannotBeHalted(RightDevice):
    """An interrupt endpoint says that it is halted, but does not stall."""

    def _in(self, address: int) -> Packet | None:
        if address == KEYS and address in self.endpoints and self.endpoints[address].halted:
            return NAK
        return super()._in(address)


@breaks("SR14")
class ClearHaltDropsData(RightDevice):
    """CLEAR_FEATURE(ENDPOINT_HALT) on an endpoint that is not halted throws away what waits there."""

    def _halt(self, endpoint: Endpoint, halted: bool) -> None:
        if not halted and not endpoint.halted and endpoint.address == LOOP_IN:
            self.loops[LOOP_OUT] = Loop()
        super()._halt(endpoint, halted)


@breaks("SR15")
class HaltEndsByItself(RightDevice):
    """A refused request ends all halts."""

    def _carry_out(self, data: bytes) -> None:
        super()._carry_out(data)
        if self._stage == "stall" and self._setup.wValue == 0xFF00:
            for endpoint in self.endpoints.values():
                endpoint.halted = False


@breaks("SR16")
class AnyFeature(Requests):
    """SET_FEATURE with a selector that endpoints do not have is acknowledged."""

    def wrong(self, setup: Setup) -> Any:
        return b"" if _kind(setup) == (0x02, 3) and setup.wValue == 0xFF else NotImplemented


@breaks("SR17")
class CannotBeForbiddenToWake(Requests):
    """CLEAR_FEATURE(DEVICE_REMOTE_WAKEUP) is acknowledged and forgotten."""

    def wrong(self, setup: Setup) -> Any:
        return b"" if _kind(setup) == (0x00, 1) and setup.wValue == 1 else NotImplemented


@breaks("SR18")
class HasTestModes(Requests):
    """TEST_MODE is acknowledged."""

    def wrong(self, setup: Setup) -> Any:
        return b"" if _kind(setup) == (0x00, 3) and setup.wValue == 2 else NotImplemented


@breaks("SR19")
class InterfacesWithoutConfiguration(Requests):
    """GET_INTERFACE is answered in the Address state."""

    def wrong(self, setup: Setup) -> Any:
        return b"\0" if _kind(setup) == (0x81, 10) and not self.configuration and setup.wIndex == 0 else NotImplemented


@breaks("SR20")
class AnyAlternate(Requests):
    """SET_INTERFACE with a setting that does not exist is acknowledged and forgotten."""

    def wrong(self, setup: Setup) -> Any:
        return b"" if _kind(setup) == (0x01, 11) and setup.wIndex == SERIAL and setup.wValue else NotImplemented


@breaks("SR21")
class AllTogglesReset(RightDevice):
    """SET_INTERFACE gives every endpoint DATA0."""

    def _select(self, number: int, alternate: int) -> None:
        super()._select(number, alternate)
        for endpoint in self.endpoints.values():
            endpoint.toggle = Pid.DATA0


@breaks("SR22")
class SynchronizesAnything(Requests):
    """SYNCH_FRAME is answered for endpoint 0."""

    def wrong(self, setup: Setup) -> Any:
        return bytes(2) if _kind(setup) == (0x82, 12) and setup.wIndex == 0 else NotImplemented


@breaks("SR23")
class SetsNoDescriptor(RightDevice):
    """SET_DESCRIPTOR is acknowledged, its data forgotten."""

    def _takes(self, setup: Setup) -> bool:
        return _kind(setup) == (0x00, 7) or super()._takes(setup)

    def _standard(self, setup: Setup) -> bytes | None:
        return b"" if _kind(setup) == (0x00, 7) else super()._standard(setup)


@breaks("SR24")
class OneReservedRequest(Requests):
    """Standard request 0x55 is answered."""

    def wrong(self, setup: Setup) -> Any:
        return b"U" if _kind(setup) == (0x80, 0x55) else NotImplemented


@breaks("SR25")
class HangsOnWrongDirection(RightDevice):
    """GET_DESCRIPTOR with the wrong direction stops it for good."""

    hangs = False

    def _standard(self, setup: Setup) -> bytes | None:
        self.hangs = self.hangs or _kind(setup) == (0x00, 6)
        return super()._standard(setup)

    def _hears(self, address: int) -> bool:
        return super()._hears(address) and not self.hangs

    def power_on(self) -> None:
        super().power_on()
        self.hangs = False


@breaks("SR26")
class ClassOfAnything(RightDevice):
    """A class request is acknowledged for any interface."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.bRequest == 0x22 and setup.wIndex not in self.alternates:
            return b""
        return super()._class(setup, data)


# DE


class Descriptors(RightDevice):
    """A descriptor is otherwise: `change` says how."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.change()

    def change(self) -> None:
        raise NotImplementedError


@breaks("DE1")
class NotBcd(Descriptors):
    """bcdUSB is 02.0A."""

    def change(self) -> None:
        self.device[2] = 0x0A


@breaks("DE2")
class SmallPackets(Descriptors):
    """bMaxPacketSize0 says 32, packets have 64 bytes."""

    def change(self) -> None:
        self.device[7] = 32


@breaks("DE3")
class NobodysDevice(Descriptors):
    """idVendor is 0."""

    def change(self) -> None:
        self.device[8:10] = b"\0\0"


@breaks("DE4")
class PastTheEnd(Descriptors):
    """The last descriptor is longer than what is left."""

    def change(self) -> None:
        self.chain.parts[-1][0] = 9


@breaks("DE5")
class ConfigurationZero(Descriptors):
    """bConfigurationValue is 0."""

    def change(self) -> None:
        self.chain.parts[0][5] = 0


@breaks("DE6")
class ReservedBitClear(Descriptors):
    """bmAttributes D7 is clear."""

    def change(self) -> None:
        self.chain.parts[0][7] = 0x20


@breaks("DE7")
class AHole(Descriptors):
    """Interface 4 says that it is interface 5."""

    def change(self) -> None:
        self.chain.find("090404").__setitem__(2, 5)


@breaks("DE8")
class OneEndpointMore(Descriptors):
    """An interface has an endpoint less than it says."""

    def change(self) -> None:
        self.chain.find("090402")[4] = 2


@breaks("DE9")
class SharedEndpoint(Descriptors):
    """Two interfaces have the same endpoint."""

    def change(self) -> None:
        self.chain.endpoint(KEYS)[2] = NOTIFY


@breaks("DE10")
class BulkOf48(Descriptors):
    """A bulk endpoint of 48 bytes."""

    def change(self) -> None:
        self.chain.endpoint(0x84)[4] = 48


@breaks("DE11")
class NeverAsked(Descriptors):
    """bInterval of an interrupt endpoint is 0."""

    def change(self) -> None:
        self.chain.endpoint(KEYS)[6] = 0


@breaks("DE12")
class SynchronousBulk(Descriptors):
    """A bulk endpoint has synchronization bits."""

    def change(self) -> None:
        self.chain.endpoint(0x84)[3] = 0x0E


@breaks("DE13")
class AlwaysIsochronous(Descriptors):
    """The isochronous endpoints are in alternate setting 0, too."""

    def change(self) -> None:
        place = next(number for number, part in enumerate(self.chain.parts) if part.startswith(b"\x09\x04\x01\x00"))
        self.chain.parts[place][4] = 2
        self.chain.parts[place + 1 : place + 1] = [bytearray(self.chain.endpoint(a)) for a in (0x02, 0x82)]


@breaks("DE14")
class TooMuchOfAFrame(Descriptors):
    """Its isochronous endpoints take more than a frame."""

    def change(self) -> None:
        for address in (0x02, 0x82):
            self.chain.endpoint(address)[4:6] = (1023).to_bytes(2, "little")


@breaks("DE15")
class WrongAssociation(Descriptors):
    """The interface association stands behind its first interface."""

    def change(self) -> None:
        parts = self.chain.parts
        place = next(number for number, part in enumerate(parts) if part[1] == 11)
        parts[place], parts[place + 1] = parts[place + 1], parts[place]


@breaks("DE16")
class EveryString(RightDevice):
    """Every index gives a string."""

    def _string(self, index: int, language: int) -> bytes | None:
        return super()._string(index, language) or self.strings[1]


@breaks("DE17")
class ShortBos(Descriptors):
    """The BOS says that it has two capabilities, and has one."""

    def change(self) -> None:
        assert self.bos is not None
        self.bos = self.bos[:4] + b"\2" + self.bos[5:]


@breaks("DE18")
class ChangesItsMind(RightDevice):
    """The serial number counts how often it was asked for."""

    asked = 0

    def _string(self, index: int, language: int) -> bytes | None:
        data = super()._string(index, language)
        if index == 3 and data is not None:
            self.asked += 1
            return data[:-2] + bytes([0x30 + self.asked % 10, 0])
        return data


@breaks("DE19")
class UnionOfNobody(Descriptors):
    """The union names an interface that does not exist."""

    def change(self) -> None:
        self.chain.find("052406")[4] = 9


@breaks("DE20")
class LongReport(Descriptors):
    """The report descriptor is a byte longer than the HID descriptor says."""

    def change(self) -> None:
        self.report += b"\0"


# EP


@breaks("EP1")
class BeginsWithData1(RightDevice):
    """After the first configuration the IN endpoint keeps its toggle."""

    def _configure(self, value: int) -> None:
        before = getattr(self, "endpoints", {}).get(LOOP_IN)
        super()._configure(value)
        if before is not None and value and LOOP_IN in self.endpoints:
            self.endpoints[LOOP_IN].toggle = before.toggle


@breaks("EP2")
class TwoPacketsAtOnce(RightDevice):
    """Two packets that wait are sent as one of 128 bytes."""

    def _next(self, address: int) -> bytes | None:
        first = super()._next(address)
        return first if first is None or len(first) < 64 else first + (super()._next(address) or b"")


@breaks("EP3")
class LosesFullTransfers(RightDevice):
    """Of two full packets the second is kept until a short one comes."""

    full = 0

    def _take(self, number: int, data: bytes) -> bool:
        taken = super()._take(number, data)
        if taken:
            self.full = self.full + 1 if len(data) == 64 else 0
        return taken

    def _next(self, address: int) -> bytes | None:
        loop = self.loops.get(address & 0x7F)
        held = loop is not None and len(loop.packets) == 1 and self.full == 2
        return None if held else super()._next(address)


@breaks("EP4")
class TiredOfNaks(RightDevice):
    """After 5000 NAKs in a row an endpoint falls silent."""

    naks = 0

    def _in(self, address: int) -> Packet | None:
        answer = super()._in(address)
        self.naks = self.naks + 1 if answer is NAK else 0
        return None if self.naks > 5000 else answer


@breaks("EP5")
class EmptyNews(RightDevice):
    """An interrupt endpoint without news sends an empty packet."""

    def _next(self, address: int) -> bytes | None:
        return b"" if address == KEYS else super()._next(address)


@breaks("EP6")
class IsochronousHandshake(RightDevice):
    """Isochronous data is acknowledged."""

    def _isochronous_handshake(self) -> Packet | None:
        return ACK


@breaks("EP7")
class DoublesData(RightDevice):
    """A bulk OUT packet whose ACK was lost is taken twice."""

    def _out(self, number: int, pid: Pid, data: bytes) -> Packet | None:
        if number == LOOP_OUT and LOOP_OUT in self.endpoints:
            self.endpoints[number].toggle = pid
        return super()._out(number, pid, data)


@breaks("EP8")
class NoLongWait(RightDevice):
    """What comes 5 to 15 ms after a NAK of the loop's IN endpoint is lost."""

    nak_ns = -1_000 * NS_PER_MS

    def _in(self, address: int) -> Packet | None:
        answer = super()._in(address)
        if address == LOOP_IN and answer is NAK:
            self.nak_ns = self.clock.now_ns
        return answer

    def _take(self, number: int, data: bytes) -> bool:
        lost = 5 * NS_PER_MS < self.clock.now_ns - self.nak_ns < 15 * NS_PER_MS
        return lost or super()._take(number, data)


@breaks("EP9")
class TakesLongPackets(RightDevice):
    """A packet of 65 bytes is taken."""

    def _size(self, address: int) -> int:
        return super()._size(address) + 1


@breaks("EP10")
class StarvesWhileBusy(RightDevice):
    """While the keyboard is asked, the loop waits."""

    asked_ns = -1

    def _in(self, address: int) -> Packet | None:
        if address == KEYS:
            self.asked_ns = self.clock.now_ns
        return super()._in(address)

    def _next(self, address: int) -> bytes | None:
        busy = address == LOOP_IN and 0 <= self.clock.now_ns - self.asked_ns < 400 * NS_PER_MS
        return None if busy and self.asked_ns >= 0 else super()._next(address)


@breaks("EP11")
class TurnsTwoPacketsRound(RightDevice):
    """With both buffers full the second packet comes first."""

    def _next(self, address: int) -> bytes | None:
        loop = self.loops.get(address & 0x7F)
        if loop is not None and len(loop.packets) >= 6:
            loop.packets.rotate(-1)
        return super()._next(address)


# PW


@breaks("PW1")
class NeverSuspends(RightDevice):
    """It does not see that the bus is idle before it is addressed."""

    @property
    def suspended(self) -> bool:
        return False


@breaks("PW2")
class ForgetsInItsSleep(RightDevice):
    """Resume clears halts."""

    def _resumed(self) -> None:
        super()._resumed()
        for endpoint in self.endpoints.values():
            endpoint.halted = False


@breaks("PW3")
class SleepsThroughReset(RightDevice):
    """A reset of a suspended bus is not seen."""

    asleep = False

    def reset_begin(self) -> None:
        self.asleep = self.suspended
        super().reset_begin()

    def _is_reset(self, length_ns: int) -> bool:
        return super()._is_reset(length_ns) and not (self.asleep and self._was_reset and self.configuration)


@breaks("PW4")
class WakesWithoutLeave(RightDevice):
    """It wakes the host whether it may or not."""

    def _may_wake(self) -> bool:
        return True


@breaks("PW5")
class ResetByABlip(RightDevice):
    """SE0 of 1 us is a reset."""

    def _is_reset(self, length_ns: int) -> bool:
        return length_ns > RESET_NS // 5


@breaks("PW6")
class RemembersItsConfiguration(RightDevice):
    """A cable pulled between SETUP and status stage leaves the request for the next time."""

    def _cable_pulled(self) -> None:
        pending = self._stage == "status in" and self._setup.bRequest == 9
        super()._cable_pulled()
        self._left_over = pending

    def _set_address(self, setup: Setup) -> bytes | None:
        answer = super()._set_address(setup)
        if getattr(self, "_left_over", False):
            self._left_over = False
            self._configure(1)
        return answer


@breaks("PW7")
class NeedsFrames(RightDevice):
    """Without a start of frame for 5 ms bulk endpoints answer NAK."""

    sof_ns = 0

    def sof(self, frame: int) -> None:
        super().sof(frame)
        self.sof_ns = self.clock.now_ns

    def _in(self, address: int) -> Packet | None:
        late = self.clock.now_ns - self.sof_ns > 5 * NS_PER_MS
        return NAK if late and address == LOOP_IN and address in self.endpoints else super()._in(address)


# RB


@breaks("RB1")
class AnswersBrokenPids(RightDevice):
    """A token with a broken PID ends the transfer in hand."""

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        if stray is Stray.BROKEN_PID:
            self._stage = "idle"
        return super().stray(stray, address, endpoint)


@breaks("RB2")
class NoCrc5(RightDevice):
    """An IN token with a wrong CRC5 is answered."""

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        return self._control_in() if stray is Stray.IN_CRC5 else super().stray(stray, address, endpoint)


@breaks("RB3")
class DrownsInSetups(RightDevice):
    """After 300 SETUPs without a status stage it is silent."""

    setups = 0

    def _begin(self, setup: Setup) -> None:
        self.setups += 1
        super()._begin(setup)

    def _control_acknowledged(self, acknowledged: bool) -> None:
        self.setups = 0
        super()._control_acknowledged(acknowledged)

    def _hears(self, address: int) -> bool:
        return super()._hears(address) and self.setups < 300

    def power_on(self) -> None:
        super().power_on()
        self.setups = 0


@breaks("RB4")
class ATrapDoor(RightDevice):
    """A vendor request to an interface halts the loop."""

    def _request(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.bmRequestType & 0x7F == 0x41 and LOOP_OUT in self.endpoints:
            self.endpoints[LOOP_OUT].halted = True
        return super()._request(setup, data)


@breaks("RB5")
class TakesAnythingForAnAck(RightDevice):
    """A corrupt packet where the ACK should be is taken for one."""

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        if stray is Stray.BROKEN_HANDSHAKE:
            self._control_acknowledged(True)
        return super().stray(stray, address, endpoint)
