"""A USB device made of plain Python: speaks chapter 9 and misbehaves as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import (
    ACK,
    NAK,
    NO_DATA,
    NO_HANDSHAKE,
    NO_TOKEN,
    STALL,
    Fault,
    Packet,
    Pid,
    Stray,
    WireListener,
)
from tests.unit.usb.fake_clock import FakeClock

UNHEARD = NO_TOKEN | NO_DATA | {Fault.LATE}

DEVICE_DESCRIPTOR = bytes([18, 1, 0, 2, 0xEF, 2, 1, 64, 0x8A, 0x2E, 5, 0, 0, 1, 1, 2, 3, 1])
CDC_CONFIGURATION = bytes.fromhex(
    "0902 4b00 02 01 00 80 7d"
    "080b 00 02 02 02 00 00"
    "0904 00 00 01 02 02 00 04"
    "0524 00 2001"
    "0524 01 00 01"
    "0424 02 06"
    "0524 06 00 01"
    "0705 81 03 0800 10"
    "0904 01 00 02 0a 00 00 00"
    "0705 02 02 4000 00"
    "0705 82 02 4000 00"
)
LANGUAGES = bytes([4, 3, 9, 4])


def string_descriptor(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return bytes([len(data) + 2, 3]) + data


@dataclass
class Endpoint:
    """One direction of one endpoint. IN: packets to send. OUT: packets taken, `room` more may come (None: any)."""

    max_packet_size: int = 64
    isochronous: bool = False
    packets: deque[bytes] = field(default_factory=deque)
    taken: list[bytes] = field(default_factory=list)
    room: int | None = None
    toggle: Pid = Pid.DATA0
    halted: bool = False
    naks: int = 0


class FakeDevice:
    """The device's end of the wire.

    `tokens` logs (time, what); `requests` every SETUP; `silent`: endpoints (with direction) that answer nothing;
    `on_request` may answer a request in the device's place: bytes or b"" to accept, None to stall, NotImplemented to
    leave it to the device. `control_delay_ns`: how long the firmware takes to get data and status stages ready.
    """

    def __init__(
        self, clock: FakeClock, device: bytes = DEVICE_DESCRIPTOR, configuration: bytes = CDC_CONFIGURATION
    ) -> None:
        self.clock = clock
        self.listener: WireListener | None = None
        self.pulled_up = False
        self.descriptors: dict[tuple[int, int], bytes] = {
            (1, 0): device,
            (2, 0): configuration,
            (3, 0): LANGUAGES,
            (3, 1): string_descriptor("MicroPython"),
            (3, 2): string_descriptor("Board in FS mode"),
            (3, 3): string_descriptor("e6614103e7452d2f"),
            (3, 4): string_descriptor("Board CDC"),
        }
        self.endpoints: dict[int, Endpoint] = {}
        self.tokens: list[tuple[int, str]] = []
        self.sofs: list[tuple[int, int]] = []
        self.requests: list[Setup] = []
        self.out_data: list[bytes] = []
        self.silent: set[int] = set()
        self.on_request: Callable[[Setup, bytes], object] = lambda setup, data: NotImplemented
        self.control_delay_ns = 0
        self._ready_alarm = clock.alarm(self._control_ready)
        self._ready = True
        self.power_on_reset()

    def power_on_reset(self) -> None:
        self.address = 0
        self._next_address: int | None = None
        self.configuration = 0
        self.remote_wakeup_enabled = False
        self._setup: Setup | None = None
        self._control_in: deque[bytes] = deque()
        self._control_out = bytearray()
        self._stalled = False
        self._toggle = Pid.DATA1
        for endpoint in self.endpoints.values():
            endpoint.toggle = Pid.DATA0
            endpoint.halted = False

    # What a test does with it

    def pull_up(self, on: bool) -> None:
        self.pulled_up = on
        if self.listener is not None:
            self.listener.pull_up_changed(on)

    def add(self, address: int, **options: object) -> Endpoint:
        self.endpoints[address] = Endpoint(**options)  # type: ignore[arg-type]
        return self.endpoints[address]

    def send(self, address: int, *packets: bytes) -> None:
        """Give an IN endpoint packets to send."""
        self.endpoints[address].packets.extend(packets)
        self.ready(address)

    def make_room(self, address: int, packets: int | None) -> None:
        self.endpoints[address].room = packets
        self.ready(address)

    def ready(self, address: int) -> None:
        if self.listener is not None:
            self.listener.endpoint_ready(address)

    def log(self, what: str) -> None:
        self.tokens.append((self.clock.now_ns, what))

    def logged(self, prefix: str) -> list[int]:
        """The times of the log's entries that begin with a prefix."""
        return [time for time, what in self.tokens if what.startswith(prefix)]

    # Wire: line state

    def vbus(self, present: bool) -> None:
        self.log(f"vbus {present}")

    def reset_begin(self) -> None:
        self.log("reset begin")

    def reset_end(self) -> None:
        self.log("reset end")
        self.power_on_reset()

    def idle(self) -> None:
        self.log("idle")

    def resume_begin(self) -> None:
        self.log("resume begin")

    def resume_end(self) -> None:
        self.log("resume end")

    def sof(self, frame: int) -> None:
        self.sofs.append((self.clock.now_ns, frame))

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        self.log(f"stray {stray.value}")
        return None

    # Wire: transactions

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        self.log(f"SETUP {address}.{endpoint}")
        if address != self.address or endpoint != 0 or 0 in self.silent or fault in UNHEARD | {Fault.WRONG_TOGGLE}:
            return None
        self._begin(Setup.unpack(data))
        return None if fault in NO_HANDSHAKE else ACK

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        self.log(f"OUT {address}.{endpoint} {pid.name} {len(data)}")
        if address != self.address or endpoint in self.silent or fault in UNHEARD:
            return None
        answer = self._control_out_packet(pid, data) if endpoint == 0 else self._out_packet(endpoint, pid, data)
        return None if fault in NO_HANDSHAKE and answer is ACK else answer

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        self.log(f"IN {address}.{endpoint}")
        if address != self.address or endpoint | 0x80 in self.silent or fault in NO_TOKEN:
            return None
        if endpoint == 0:
            return self._control_in_packet()
        return self._in_packet(endpoint)

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        self.log(f"handshake {address}.{endpoint} {acknowledged}")
        if not acknowledged:
            return
        if endpoint == 0:
            self._control_acknowledged()
        else:
            source = self.endpoints[endpoint | 0x80]
            source.packets.popleft()
            source.toggle = source.toggle.toggled

    # Endpoints but the control endpoint

    def _out_packet(self, endpoint: int, pid: Pid, data: bytes) -> Packet | None:
        sink = self.endpoints.get(endpoint)
        if sink is None:
            return None
        if sink.isochronous:
            sink.taken.append(data)
            return None
        if sink.halted:
            return STALL
        if pid is not sink.toggle:
            return ACK
        if sink.room == 0:
            sink.naks += 1
            return NAK
        if sink.room is not None:
            sink.room -= 1
        sink.taken.append(data)
        sink.toggle = sink.toggle.toggled
        return ACK

    def _in_packet(self, endpoint: int) -> Packet | None:
        source = self.endpoints.get(endpoint | 0x80)
        if source is None:
            return None
        if source.isochronous:
            return Packet(Pid.DATA0, source.packets.popleft()) if source.packets else None
        if source.halted:
            return STALL
        if not source.packets:
            source.naks += 1
            return NAK
        return Packet(source.toggle, source.packets[0])

    # The control endpoint

    def _begin(self, setup: Setup) -> None:
        self.requests.append(setup)
        self._setup = setup
        self._control_in.clear()
        self._control_out.clear()
        self._stalled = False
        self._toggle = Pid.DATA1
        self._ready = not self.control_delay_ns
        if self.control_delay_ns:
            self._ready_alarm.schedule(self.control_delay_ns)
        if setup.is_in or setup.wLength == 0:
            self._answer(b"")

    def _answer(self, data: bytes) -> None:
        setup = self._setup
        assert setup is not None
        answer = self.on_request(setup, data)
        if answer is NotImplemented:
            answer = self._standard(setup, data)
        if answer is None:
            self._stalled = True
            return
        assert isinstance(answer, bytes)
        if setup.is_in and setup.wLength:
            told = self.descriptors.get((1, 0), b"")[7:8]
            size = told[0] if told and told[0] in (8, 16, 32, 64) else 64
            answer = answer[: setup.wLength]
            self._control_in.extend(answer[at : at + size] for at in range(0, len(answer), size))
            if len(answer) < setup.wLength and len(answer) % size == 0:
                self._control_in.append(b"")

    def _standard(self, setup: Setup, data: bytes) -> bytes | None:
        match setup.bmRequestType, setup.bRequest:
            case 0x80, 6:
                return self.descriptors.get((setup.wValue >> 8, setup.wValue & 0xFF))
            case 0x00, 5:
                self._next_address = setup.wValue
                return b""
            case 0x00, 9:
                self.configuration = setup.wValue
                return b""
            case 0x80, 8:
                return bytes([self.configuration])
            case 0x80, 0:
                return bytes([2 if self.remote_wakeup_enabled else 0, 0])
            case 0x00, (1 | 3):
                self.remote_wakeup_enabled = setup.bRequest == 3
                return b""
            case 0x82, 0:
                endpoint = self.endpoints.get(setup.wIndex)
                return None if endpoint is None else bytes([endpoint.halted, 0])
            case 0x02, (1 | 3):
                halted = self.endpoints[setup.wIndex]
                halted.halted = setup.bRequest == 3
                halted.toggle = Pid.DATA0
                return b""
            case 0x81, 10:
                return b"\0"
            case 0x01, 11:
                return b""
            case 0x21, (0x20 | 0x22 | 0x23):
                self.out_data.append(data)
                return b""
        return None

    def _control_ready(self) -> None:
        self._ready = True
        self.ready(0x00)
        self.ready(0x80)

    def _control_out_packet(self, pid: Pid, data: bytes) -> Packet | None:
        setup = self._setup
        if setup is None:
            return None
        if self._stalled:
            return STALL
        if not self._ready:
            return NAK
        if setup.is_in:
            self._setup = None
            return ACK
        if pid is not self._toggle:
            return ACK
        self._toggle = pid.toggled
        self._control_out += data
        if len(self._control_out) >= setup.wLength:
            self._answer(bytes(self._control_out))
        return ACK

    def _control_in_packet(self) -> Packet | None:
        if self._setup is None:
            return None
        if self._stalled:
            return STALL
        if not self._ready:
            return NAK
        if self._setup.is_in and self._setup.wLength:
            return Packet(self._toggle, self._control_in[0]) if self._control_in else NAK
        return Packet(Pid.DATA1)

    def _control_acknowledged(self) -> None:
        setup = self._setup
        assert setup is not None
        if setup.is_in and setup.wLength:
            self._control_in.popleft()
            self._toggle = self._toggle.toggled
            return
        self._setup = None
        if self._next_address is not None:
            self.address = self._next_address
            self._next_address = None
