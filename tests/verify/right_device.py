"""A USB device that does everything right: no firmware, no chip, the device's end of the wire itself.

Every item of the chapter 9 pack applies to it: it loops data back, has isochronous endpoints in an alternate setting, a
serial port, a keyboard, strings in two languages, a BOS, remote wake-up, and keeps control data. Each decision is a
method or an attribute, so that a mutant is wrong in one of them (`mutants`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from renode_pico.clock import NS_PER_MS
from renode_pico.usb.host import BusHost
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import (
    ACK,
    NAK,
    NO_HANDSHAKE,
    NO_TOKEN,
    STALL,
    Fault,
    Packet,
    Pid,
    Stray,
    WireListener,
)
from renode_pico.verify.link import HostLink
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import UNHEARD

RESET_NS = 2_500
SUSPEND_NS = 3 * NS_PER_MS
WAKE_NS = 6 * NS_PER_MS
LOOP_OUT, LOOP_IN, ISO_OUT, ISO_IN, NOTIFY, SERIAL_OUT, SERIAL_IN, KEYS = 0x01, 0x81, 0x02, 0x82, 0x83, 0x04, 0x84, 0x85
LOOP, ISOCHRONOUS, SERIAL, SERIAL_DATA, KEYBOARD = range(5)
ROOM = 128
"""Bytes that a loop keeps: two packets."""

DEVICE = bytes([18, 1, 0x01, 0x02, 0xEF, 2, 1, 64, 0x09, 0x12, 0x01, 0, 0x00, 0x01, 1, 2, 3, 1])
REPORT = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503910195067508"
    "1500256505071900296581 00c0"
)
CONFIGURATION = [
    "09 02 0000 05 01 00 a0 32",
    "09 04 00 00 02 ff 00 00 00",
    "07 05 01 02 4000 00",
    "07 05 81 02 4000 00",
    "09 04 00 01 02 ff 00 00 00",
    "07 05 01 02 4000 00",
    "07 05 81 02 4000 00",
    "09 04 01 00 00 ff 00 00 00",
    "09 04 01 01 02 ff 00 00 00",
    "07 05 02 01 6400 01",
    "07 05 82 01 6400 01",
    "08 0b 02 02 02 02 01 00",
    "09 04 02 00 01 02 02 01 00",
    "05 24 00 2001",
    "05 24 01 00 03",
    "04 24 02 06",
    "05 24 06 02 03",
    "07 05 83 03 0800 10",
    "09 04 03 00 02 0a 00 00 00",
    "07 05 04 02 4000 00",
    "07 05 84 02 4000 00",
    "09 04 04 00 01 03 01 01 00",
    f"09 21 1101 00 01 22 {len(REPORT):02x}00",
    "07 05 85 03 0800 0a",
]
BOS = bytes.fromhex("050f0c0001 07100200000000")
LANGUAGES = (0x0409, 0x0407)


def text(string: str) -> bytes:
    data = string.encode("utf-16-le")
    return bytes([len(data) + 2, 3]) + data


class Chain:
    """A configuration descriptor, part by part."""

    def __init__(self) -> None:
        self.parts = [bytearray.fromhex(part) for part in CONFIGURATION]

    def find(self, beginning: str) -> bytearray:
        """The first part that begins with these bytes."""
        head = bytes.fromhex(beginning)
        return next(part for part in self.parts if part.startswith(head))

    def endpoint(self, address: int) -> bytearray:
        return self.find(f"0705{address:02x}")

    def pack(self) -> bytes:
        data = bytearray(b"".join(self.parts))
        data[2:4] = len(data).to_bytes(2, "little")
        return bytes(data)


class Endpoint:
    def __init__(self, address: int) -> None:
        self.address = address
        self.toggle = Pid.DATA0
        self.halted = False
        self.sending: bytes | None = None
        """IN: the packet that waits for its ACK."""


class Loop:
    """What connects an OUT endpoint to an IN endpoint."""

    def __init__(self) -> None:
        self.packets: deque[bytes] = deque()

    @property
    def full(self) -> bool:
        return sum(map(len, self.packets)) >= ROOM


class RightDevice:
    """`Wire`, and what `usb.raw` asks of one beside that."""

    attach_ns = 20 * NS_PER_MS
    answer_bits = 4.0
    max_packet_size0 = 64

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.listener: WireListener | None = None
        self.chain = Chain()
        self.device = bytearray(DEVICE)
        self.bos: bytes | None = BOS
        self.report = REPORT
        self.strings = {
            1: text("renode-pico"),
            2: text("a device that is right in everything")[:62] + b"!\0",
            3: text("E6614103E7452D2F"),
        }
        self.strings[2] = bytes([64]) + self.strings[2][1:]
        self.pulled_up = False
        self._vbus = False
        self._attach = clock.alarm(self._attach_now)
        self._wake = clock.alarm(self._wake_now)
        self.power_on()

    def power_on(self) -> None:
        """Everything as when the power comes."""
        self._pull_up(False)
        self._attach.cancel()
        self._se0_ns: int | None = None
        self._active_ns = self.clock.now_ns
        self._idle = False
        self._wants_wake = False
        self._was_reset = False
        self.stored = b""
        self.line_coding = bytes.fromhex("80250000000008")
        self.idle_rate = 0
        self.protocol = 1
        self.frames = 0
        self._default()
        if self._vbus:
            self._attach.schedule(self.attach_ns)

    def _default(self) -> None:
        """The Default state."""
        self.address = 0
        self._next_address: int | None = None
        self.remote_wakeup = False
        self._stage = "idle"
        self._setup = Setup(0, 0)
        self._data = b""
        self._position = 0
        self._toggle = Pid.DATA1
        self._received = bytearray()
        self._configure(0)

    # Line

    def vbus(self, present: bool) -> None:
        self._vbus = present
        if present:
            self._attach.schedule(self.attach_ns)
        else:
            self._cable_pulled()

    def _cable_pulled(self) -> None:
        self._attach.cancel()
        self._was_reset = False
        self._default()
        self._pull_up(False)

    def _attach_now(self) -> None:
        self._pull_up(True)

    def _pull_up(self, on: bool) -> None:
        changed, self.pulled_up = on != self.pulled_up, on
        if changed and self.listener is not None:
            self.listener.pull_up_changed(on)

    def reset_begin(self) -> None:
        self._se0_ns = self.clock.now_ns

    def reset_end(self) -> None:
        began, self._se0_ns = self._se0_ns, None
        if began is not None and self._is_reset(self.clock.now_ns - began):
            self._bus_reset()
        self._traffic()

    def _is_reset(self, length_ns: int) -> bool:
        return length_ns >= RESET_NS

    def _bus_reset(self) -> None:
        self._was_reset = True
        self._default()

    def idle(self) -> None:
        self._idle = True
        self._active_ns = self.clock.now_ns
        self._arm_wake()

    def resume_begin(self) -> None:
        self._resumed()

    def resume_end(self) -> None:
        self._traffic()

    def _resumed(self) -> None:
        self._traffic()

    def sof(self, frame: int) -> None:
        self._traffic()
        self.frames += 1
        if ISO_IN in self.endpoints:
            self.endpoints[ISO_IN].sending = self.frames.to_bytes(8, "little")

    def _traffic(self) -> None:
        self._idle = False
        self._active_ns = self.clock.now_ns

    @property
    def suspended(self) -> bool:
        return self._idle and self.clock.now_ns - self._active_ns >= SUSPEND_NS

    def wake(self) -> None:
        """The user wants the host to wake up."""
        self._wants_wake = self._may_wake()
        self._arm_wake()

    def _may_wake(self) -> bool:
        return self.remote_wakeup

    def _arm_wake(self) -> None:
        if self._wants_wake and self._idle:
            self._wake.schedule(max(0, self._active_ns + WAKE_NS - self.clock.now_ns))

    def _wake_now(self) -> None:
        if self._wants_wake and self._idle and self.listener is not None:
            self._wants_wake = False
            self.listener.remote_wakeup()

    # Transactions

    def _hears(self, address: int) -> bool:
        self._traffic()
        return self.pulled_up and self._was_reset and self._se0_ns is None and address == self.address

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        if not self._hears(address) or endpoint or not self._setup_is_whole(fault):
            return None
        self._begin(Setup.unpack(data))
        return None if fault in NO_HANDSHAKE else ACK

    def _setup_is_whole(self, fault: Fault | None) -> bool:
        return fault not in UNHEARD and fault is not Fault.WRONG_TOGGLE

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        if not self._hears(address) or fault in UNHEARD:
            return None
        answer = self._control_out(pid, data) if endpoint == 0 else self._out(endpoint, pid, data)
        return None if fault in NO_HANDSHAKE and answer is ACK else answer

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        if not self._hears(address) or fault in NO_TOKEN:
            return None
        return self._control_in() if endpoint == 0 else self._in(endpoint | 0x80)

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        if endpoint == 0:
            self._control_acknowledged(acknowledged)
        else:
            self._in_acknowledged(endpoint | 0x80, acknowledged)

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        self._traffic()
        return None

    # Endpoint 0

    def _begin(self, setup: Setup) -> None:
        self._setup = setup
        self._toggle = Pid.DATA1
        self._position = 0
        self._data = b""
        self._received = bytearray()
        if setup.wLength and not setup.is_in:
            self._stage = "out" if self._takes(setup) else "stall"
            return
        self._carry_out(b"")

    def _carry_out(self, data: bytes) -> None:
        setup = self._setup
        answer = self._request(setup, data)
        if answer is None:
            self._stage = "stall"
        elif setup.is_in and setup.wLength:
            self._stage, self._data = "in", answer[: setup.wLength]
        else:
            self._stage = "status in"

    def _packet(self) -> bytes:
        return self._data[self._position : self._position + self.max_packet_size0]

    def _control_in(self) -> Packet:
        if self._stage == "stall":
            return STALL
        if self._stage == "in":
            return Packet(self._toggle, self._packet())
        if self._stage == "status in":
            return self._status_packet()
        return NAK

    def _status_packet(self) -> Packet:
        return Packet(Pid.DATA1)

    def _control_acknowledged(self, acknowledged: bool) -> None:
        if not acknowledged:
            return
        if self._stage == "in":
            length = len(self._packet())
            self._position += length
            self._toggle = self._toggle.toggled
            if self._last(length):
                self._stage = "status out"
        elif self._stage == "status in":
            self._stage = "idle"
            self._finished()

    def _last(self, length: int) -> bool:
        return length < self.max_packet_size0 or self._position >= self._setup.wLength

    def _finished(self) -> None:
        if self._next_address is not None:
            self.address, self._next_address = self._next_address, None

    def _control_out(self, pid: Pid, data: bytes) -> Packet | None:
        if self._stage == "stall":
            return STALL
        if self._stage in ("in", "status out"):
            self._stage = "idle"
            return ACK
        if self._stage == "out":
            return self._control_data(pid, data)
        return ACK

    def _control_data(self, pid: Pid, data: bytes) -> Packet | None:
        if pid is self._toggle:
            self._toggle = self._toggle.toggled
            self._received += data
            if len(self._received) >= self._setup.wLength or len(data) < self.max_packet_size0:
                self._carry_out(bytes(self._received))
        return ACK

    # Requests

    def _takes(self, setup: Setup) -> bool:
        """Whether there is such a request with an OUT data stage."""
        kind = setup.bmRequestType, setup.bRequest
        if kind == (0x40, 0x5B):
            return True
        if self.configuration and kind == (0x21, 0x20) and setup.wIndex == SERIAL:
            return setup.wLength == 7
        return bool(self.configuration) and kind == (0x21, 9) and setup.wIndex == KEYBOARD

    def _request(self, setup: Setup, data: bytes) -> bytes | None:
        kind = setup.bmRequestType & 0x60
        if kind == 0:
            return self._standard(setup)
        if kind == 0x40:
            return self._vendor(setup, data)
        if kind == 0x20 and setup.bmRequestType & 0x1F == 1 and self.configuration:
            return self._class(setup, data)
        return None

    def _vendor(self, setup: Setup, data: bytes) -> bytes | None:
        if (setup.bmRequestType, setup.bRequest) == (0x40, 0x5B):
            self.stored = data
            return b""
        if (setup.bmRequestType, setup.bRequest) == (0xC0, 0x5C):
            return self.stored
        return None

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        match setup.wIndex, setup.bmRequestType & 0x80, setup.bRequest:
            case 2, 0, 0x20:
                self.line_coding = data
                return b""
            case 2, 0x80, 0x21:
                return self.line_coding
            case 2, 0, (0x22 | 0x23):
                return b""
            case 4, 0x80, 1:
                return bytes(8)
            case 4, 0x80, 2:
                return bytes([self.idle_rate])
            case 4, 0x80, 3:
                return bytes([self.protocol])
            case 4, 0, 9:
                return b""
            case 4, 0, 0x0A:
                self.idle_rate = setup.wValue >> 8
                return b""
            case 4, 0, 0x0B if setup.wValue < 2:
                self.protocol = setup.wValue
                return b""
        return None

    def _standard(self, setup: Setup) -> bytes | None:
        match setup.bmRequestType, setup.bRequest:
            case ((0x80 | 0x81), 6):
                return self._descriptor(setup)
            case 0x00, 5:
                return self._set_address(setup)
            case 0x80, 8:
                return bytes([self.configuration])
            case 0x00, 9:
                return self._set_configuration(setup)
            case 0x80, 0:
                return bytes([2 if self.remote_wakeup else 0, 0])
            case 0x81, 0:
                return bytes(2) if self._has_interface(setup) else None
            case 0x82, 0:
                return self._endpoint_status(setup)
            case 0x00, (1 | 3):
                return self._device_feature(setup)
            case 0x02, (1 | 3):
                return self._endpoint_feature(setup)
            case 0x81, 10:
                return self._get_interface(setup)
            case 0x01, 11:
                return self._set_interface(setup)
            case 0x82, 12:
                return bytes(2) if self._is_isochronous(setup.wIndex) else None
        return None

    def _descriptor(self, setup: Setup) -> bytes | None:
        kind, index = setup.wValue >> 8, setup.wValue & 0xFF
        if setup.bmRequestType == 0x81:
            return self.report if self.configuration and kind == 0x22 and setup.wIndex == KEYBOARD else None
        if kind == 1 and index == 0:
            return bytes(self.device)
        if kind == 2:
            return self.chain.pack() if self._has_configuration_index(index) else None
        if kind == 3:
            return self._string(index, setup.wIndex)
        return self.bos if kind == 15 else None

    def _has_configuration_index(self, index: int) -> bool:
        return index == 0

    def _string(self, index: int, language: int) -> bytes | None:
        if index == 0:
            return bytes([2 + 2 * len(LANGUAGES), 3]) + b"".join(each.to_bytes(2, "little") for each in LANGUAGES)
        return self.strings.get(index) if language in LANGUAGES else None

    def _set_address(self, setup: Setup) -> bytes | None:
        if setup.wValue > 127:
            return None
        self._next_address = setup.wValue
        return b""

    def _set_configuration(self, setup: Setup) -> bytes | None:
        if setup.wValue not in (0, 1):
            return None
        self._configure(setup.wValue)
        return b""

    def _configure(self, value: int) -> None:
        self.configuration = value
        self.alternates = dict.fromkeys(range(5), 0) if value else {}
        self.loops = {LOOP_OUT: Loop(), SERIAL_OUT: Loop()}
        addresses = (LOOP_OUT, LOOP_IN, NOTIFY, SERIAL_OUT, SERIAL_IN, KEYS) if value else ()
        self.endpoints = {address: Endpoint(address) for address in addresses}

    def _has_interface(self, setup: Setup) -> bool:
        return setup.wIndex in self.alternates

    def _endpoint_status(self, setup: Setup) -> bytes | None:
        if setup.wIndex & 0x7F == 0:
            return bytes(2)
        endpoint = self.endpoints.get(setup.wIndex)
        return None if endpoint is None else bytes([endpoint.halted, 0])

    def _device_feature(self, setup: Setup) -> bytes | None:
        if setup.wValue != 1:
            return None
        self.remote_wakeup = setup.bRequest == 3
        return b""

    def _endpoint_feature(self, setup: Setup) -> bytes | None:
        if setup.wValue != 0:
            return None
        endpoint = self.endpoints.get(setup.wIndex)
        if endpoint is None:
            return b"" if setup.wIndex & 0x7F == 0 else None
        self._halt(endpoint, setup.bRequest == 3)
        return b""

    def _halt(self, endpoint: Endpoint, halted: bool) -> None:
        endpoint.halted = halted
        if not halted:
            endpoint.toggle = Pid.DATA0
        self._ready(endpoint.address)

    def _get_interface(self, setup: Setup) -> bytes | None:
        return bytes([self.alternates[setup.wIndex]]) if setup.wIndex in self.alternates else None

    def _set_interface(self, setup: Setup) -> bytes | None:
        number, alternate = setup.wIndex, setup.wValue
        if number not in self.alternates or alternate > (1 if number in (LOOP, ISOCHRONOUS) else 0):
            return None
        self._select(number, alternate)
        return b""

    def _select(self, number: int, alternate: int) -> None:
        self.alternates[number] = alternate
        mine = {
            LOOP: (LOOP_OUT, LOOP_IN),
            ISOCHRONOUS: (ISO_OUT, ISO_IN),
            SERIAL: (NOTIFY,),
            SERIAL_DATA: (SERIAL_OUT, SERIAL_IN),
            KEYBOARD: (KEYS,),
        }[number]
        for address in mine:
            if number == ISOCHRONOUS and not alternate:
                self.endpoints.pop(address, None)
            else:
                self.endpoints[address] = Endpoint(address)
        for address in mine:
            if address in self.loops:
                self.loops[address] = Loop()

    def _is_isochronous(self, address: int) -> bool:
        return address in (ISO_OUT, ISO_IN) and address in self.endpoints

    # Other endpoints

    def _out(self, number: int, pid: Pid, data: bytes) -> Packet | None:
        endpoint = self.endpoints.get(number)
        if endpoint is None:
            return None
        if number == ISO_OUT:
            return self._isochronous_handshake()
        if endpoint.halted:
            return STALL
        if len(data) > self._size(number):
            return None
        if pid is not endpoint.toggle:
            return ACK
        if not self._take(number, data):
            return NAK
        endpoint.toggle = endpoint.toggle.toggled
        return ACK

    def _isochronous_handshake(self) -> Packet | None:
        return None

    def _size(self, address: int) -> int:
        return 8 if address in (NOTIFY, KEYS) else 64

    def _take(self, number: int, data: bytes) -> bool:
        loop = self.loops[number]
        if loop.full:
            return False
        if data:
            loop.packets.append(data)
        self._ready(number | 0x80)
        return True

    def _in(self, address: int) -> Packet | None:
        endpoint = self.endpoints.get(address)
        if endpoint is None:
            return None
        if address == ISO_IN:
            data, endpoint.sending = endpoint.sending, None
            return None if data is None else Packet(Pid.DATA0, data)
        if endpoint.halted:
            return STALL
        if endpoint.sending is None:
            endpoint.sending = self._next(address)
        return NAK if endpoint.sending is None else Packet(endpoint.toggle, endpoint.sending)

    def _next(self, address: int) -> bytes | None:
        """The next packet of an IN endpoint."""
        loop = self.loops.get(address & 0x7F)
        if loop is None or not loop.packets:
            return None
        data = loop.packets.popleft()
        self._ready(address & 0x7F)
        return data

    def _in_acknowledged(self, address: int, acknowledged: bool) -> None:
        endpoint = self.endpoints.get(address)
        if acknowledged and endpoint is not None:
            endpoint.sending = None
            endpoint.toggle = endpoint.toggle.toggled

    def _ready(self, address: int) -> None:
        if self.listener is not None:
            self.listener.endpoint_ready(address)


class DeviceTarget:
    """`Target` for a device on the wire."""

    engine = "the wire"

    def __init__(self, make: Callable[[FakeClock], RightDevice] = RightDevice) -> None:
        clock = FakeClock()
        self.device = make(clock)
        self.name = make.__name__
        self.host = BusHost(self.device, clock, clock)
        self.link = HostLink(self.host)
        self.wake: Callable[[], None] | None = self.device.wake

    def restart(self, *, plugged: bool) -> None:
        self.host.unplug()
        self.device.power_on()
        if plugged:
            self.host.plug()

    def last_words(self) -> str:
        return ""
