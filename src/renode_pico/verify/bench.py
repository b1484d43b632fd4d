"""What an item works with: requests, transfers, single transactions, the device's states, and how to say what is wrong.

Each exchange leaves in `sent` and `came` what a person wants to read should it turn out to be wrong.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol, TypeVar

from renode_pico.errors import DescriptorError, Disconnected, Timeout
from renode_pico.trace.text import format_record
from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType, EndpointDescriptor, Interface, parse_device
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.raw import RawHost
from renode_pico.usb.temper import Problems, Temper
from renode_pico.usb.transfer import Host, Pipe, Setup, TransferType
from renode_pico.usb.wire import Fault, Packet, Pid
from renode_pico.verify.link import Answer, Link
from renode_pico.verify.tree import Tree
from renode_pico.verify.verdict import Failed, NotApplicable

ADDRESS = 5
"""The address a device is given unless the item is about addresses."""
SHOWN = 16
"""How many transactions before a failure the report shows."""
SET_ADDRESS_RECOVERY = 0.002
"""What a device may take to its new address (9.2.6.3), seconds."""
PATIENCE = 0.5
"""Seconds for which an endpoint may answer NAK: what a device has for a data packet (9.2.6.4)."""


T = TypeVar("T")


class Restart(Protocol):
    """Powers the device on anew."""

    def __call__(self, *, plugged: bool) -> None:
        """With its cable in or out."""


class Window:
    """Keeps the last records of a bus."""

    wants_sof = False

    def __init__(self) -> None:
        self.records: deque[TransactionRecord | BusEventRecord | TransferRecord] = deque(maxlen=SHOWN)

    def transaction(self, record: TransactionRecord) -> None:
        """A transaction is over; NAKs in a row are one line."""
        last = self.records[-1] if self.records else None
        if (
            record.handshake is Pid.NAK
            and isinstance(last, TransactionRecord)
            and last.handshake is Pid.NAK
            and (last.address, last.endpoint_address) == (record.address, record.endpoint_address)
        ):
            self.records[-1] = last._replace(nak_count=last.nak_count + record.nak_count)
        else:
            self.records.append(record)

    def event(self, record: BusEventRecord) -> None:
        """The line has changed."""
        self.records.append(record)

    def transfer(self, record: TransferRecord) -> None:
        """A transfer is over; its transactions say it all."""

    def lines(self) -> list[str]:
        """Them in words."""
        return [format_record(record) for record in self.records]


class Bench:
    """One device, and one host to verify it with.

    `rng`: the run's seed and the item's id make its numbers. `advice`: what an item has to say beside its verdict.
    `alternates`: the settings in use that are not 0. `loop`: the endpoints that give back what they are given, once
    `loop_known`; see `verify.loop`. `store`: see `verify.store`; False when there is none, None when nobody has looked.
    `restart`: powers the device on anew, None where nobody can. `wake`: makes the device want to wake the host, None
    where nothing does.
    """

    def __init__(
        self,
        link: Link,
        seed: int = 0,
        restart: Restart | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self.link = link
        self.restart = restart
        self.wake = wake
        self.seed = seed
        self.rng = random.Random(seed)
        self.advice: list[str] = []
        self.sent = "nothing"
        self.came = "nothing"
        self.address = 0
        self.alternates: dict[int, int] = {}
        self.window = Window()
        self._pids: dict[int, Pid] = {}
        self._tree: Tree | None = None
        self._size0 = 64
        self.loop: tuple[EndpointDescriptor, EndpointDescriptor] | None = None
        self.loop_known = False
        self.store: object = None
        if link.host is not None:
            link.host.add_observer(self.window)

    def begin(self, identifier: str) -> None:
        """Another item: nothing of the one before is left."""
        self.rng = random.Random(f"{self.seed} {identifier}")
        self.advice = []
        self.sent = self.came = "nothing"
        self.alternates = {}
        self.window.records.clear()

    def close(self) -> None:
        """Watch the bus no longer."""
        if self.link.host is not None:
            self.link.host.remove_observer(self.window)

    # Saying what is wrong

    def fail(self, should: str) -> NoReturn:
        """The last exchange is wrong: say what should have come."""
        raise Failed(should)

    def expect(self, condition: object, should: str) -> None:
        """Fail unless the condition holds."""
        if not condition:
            self.fail(should)

    def note(self, sent: str, came: object) -> None:
        """Say in words what was exchanged, where that is clearer than the last packet."""
        self.sent, self.came = sent, str(came)

    def advise(self, text: str) -> None:
        """Something worth knowing that is not wrong."""
        self.advice.append(text)

    def optional(self, look: Callable[[], T]) -> T | None:
        """What `look` finds, or None where it says that there is nothing of the kind."""
        try:
            return look()
        except NotApplicable:
            return None

    def skip(self, reason: str) -> NoReturn:
        """The item says nothing about this device."""
        raise NotApplicable(reason)

    # What is there

    @property
    def host(self) -> Host:
        """Our host, for what only it can do. Raises NotApplicable where there is none."""
        if self.link.host is None:
            self.skip(self.link.why_not_raw)
        return self.link.host

    @property
    def raw(self) -> RawHost:
        """Single transactions. Raises NotApplicable where there are none."""
        if self.link.raw is None:
            self.skip(self.link.why_not_raw)
        return self.link.raw

    @property
    def states(self) -> tuple[str, ...]:
        """The states that this host can bring the device to."""
        return ("Default", "Address", "Configured") if self.link.host is not None else ("Configured",)

    @property
    def tree(self) -> Tree:
        """The descriptors, read once; a device that does not give them fails the item."""
        if self._tree is None:
            self._tree = self._read_tree()
        return self._tree

    @property
    def packet_size(self) -> int:
        """Bytes in a packet of endpoint 0."""
        return self._size0 if self._size0 in (8, 16, 32, 64) else 64

    def pipe0(self) -> Pipe:
        """The pipe to endpoint 0."""
        return Pipe(self.address, 0, TransferType.CONTROL, self.packet_size)

    def pipe(self, endpoint: EndpointDescriptor) -> Pipe:
        """The pipe to another endpoint."""
        interval = endpoint.bInterval if endpoint.type is TransferType.INTERRUPT else 1
        return Pipe(
            self.address, endpoint.bEndpointAddress, endpoint.type, endpoint.max_packet_size or 1, interval or 1
        )

    def endpoints(self, *types: TransferType, into: bool | None = None) -> list[EndpointDescriptor]:
        """The endpoints in use of some types, IN (`into`) or OUT only."""
        return [
            endpoint
            for endpoint in self.tree.endpoints(self.alternates)
            if (not types or endpoint.type in types)
            and (into is None or into == bool(endpoint.bEndpointAddress & 0x80))
        ]

    def _read_tree(self) -> Tree:
        address = self.address
        if self.link.host is not None:
            self.to_default()
        head = self.get(requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 64))
        try:
            tree = Tree(head, parse_device(head, Problems(Temper.LENIENT)))
            self._size0 = tree.descriptor.bMaxPacketSize0
            for index in range(max(1, tree.descriptor.bNumConfigurations)):
                first = self.get(requests.get_descriptor(DescriptorType.CONFIGURATION, index, 0, 9))
                total = int.from_bytes(first[2:4], "little")
                tree.add(self.get(requests.get_descriptor(DescriptorType.CONFIGURATION, index, 0, max(9, total))))
        except DescriptorError as error:
            self.came = str(error)
            self.fail("descriptors that can be read")
        self._tree = tree
        if address and not self.address:
            self.to_address(address)
        return tree

    # States

    def attach(self) -> None:
        """See that the cable is in and a device attached. Raises Failed when none comes."""
        host = self.host
        if not host.plugged:
            host.plug()
        try:
            host.wait_attached(timeout=10.0)
        except Timeout:
            self.note("VBUS", "no device within 10 s")
            self.fail("a device that attaches")

    def to_default(self) -> None:
        """Reset: the Default state, as far as the host lets it stay there."""
        if self.link.host is not None:
            self.attach()
            if self.link.host.suspended:
                self.link.host.resume()
        try:
            self.address = self.link.reset()
        except Disconnected as error:
            self.note("a bus reset", error)
            self.fail("a device that stays attached")
        self.alternates = {}
        self._pids = {}

    def need_reset(self) -> None:
        """Raise NotApplicable where the host cannot reset the bus."""
        self.to_default()
        if not self.link.resets:
            self.skip("this host cannot reset the device")

    def to_address(self, address: int = ADDRESS) -> None:
        """The Address state."""
        self.to_default()
        if self.address == 0:
            self.do(requests.set_address(address))
            self.run(SET_ADDRESS_RECOVERY)
            self.address = address

    def to_configured(self, value: int | None = None, address: int = ADDRESS) -> None:
        """The Configured state, by default in the first configuration, all endpoints at DATA0."""
        _ = self.tree
        self.to_address(address)
        self.configure(value)
        if not self.link.resets:
            for endpoint in self.endpoints(TransferType.BULK, TransferType.INTERRUPT):
                self.clear_halt(endpoint)

    def configure(self, value: int | None = None) -> None:
        """SET_CONFIGURATION, and the host's side of it."""
        self.do(requests.set_configuration(self.tree.first.bConfigurationValue if value is None else value))
        self.alternates = {}
        self.begin_toggles(self.tree.endpoints())

    def begin_toggles(self, endpoints: list[EndpointDescriptor]) -> None:
        """The host's side of endpoints that begin with DATA0."""
        for endpoint in endpoints:
            self._pids[endpoint.bEndpointAddress] = Pid.DATA0
            self.link.reset_toggle(self.pipe(endpoint))

    def select(self, setting: Interface) -> None:
        """SET_INTERFACE, and the host's side of it."""
        self.do(requests.set_interface(setting.bInterfaceNumber, setting.bAlternateSetting))
        self.alternates[setting.bInterfaceNumber] = setting.bAlternateSetting
        self.begin_toggles(list(setting.endpoints))

    def in_each_state(self) -> Iterator[str]:
        """Bring the device to each state in turn."""
        for state in self.states:
            {"Default": self.to_default, "Address": self.to_address, "Configured": self.to_configured}[state]()
            yield state

    # Requests and transfers

    def control(self, setup: Setup, data: bytes = b"", timeout: float = 5.0) -> Answer:
        """A control transfer, however it ends."""
        try:
            answer = self.link.control(self.pipe0(), setup, data, timeout)
        except Disconnected as error:
            self.note(f"address {self.address}: {setup}", error)
            self.fail("a device that stays on the bus")
        out = f" with {len(data)} bytes" if data else ""
        self.note(f"address {self.address}: {setup}{out}", answer)
        return answer

    def get(self, setup: Setup) -> bytes:
        """A request that must be answered."""
        answer = self.control(setup)
        self.expect(answer.ok, "an answer")
        return answer.data

    def do(self, setup: Setup, data: bytes = b"") -> Answer:
        """A request that must be carried out."""
        answer = self.control(setup, data)
        self.expect(answer.ok, "the request carried out")
        return answer

    def refused(self, setup: Setup, data: bytes = b"") -> None:
        """A request that must be stalled."""
        self.expect(self.control(setup, data).stalled, "STALL")

    def status(self, recipient: int = requests.DEVICE, index: int = 0) -> int:
        """GET_STATUS, which must be answered with two bytes."""
        data = self.get(requests.get_status(recipient, index))
        self.expect(len(data) == 2, "2 bytes")
        return int.from_bytes(data, "little")

    def halted(self, endpoint: EndpointDescriptor) -> bool:
        """Whether GET_STATUS says that an endpoint is halted."""
        return bool(self.status(requests.ENDPOINT, endpoint.bEndpointAddress) & 1)

    def set_halt(self, endpoint: EndpointDescriptor) -> None:
        """SET_FEATURE(ENDPOINT_HALT)."""
        self.do(requests.set_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, endpoint.bEndpointAddress))

    def clear_halt(self, endpoint: EndpointDescriptor) -> None:
        """CLEAR_FEATURE(ENDPOINT_HALT), and DATA0 on the host's side."""
        self.do(requests.clear_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, endpoint.bEndpointAddress))
        self.begin_toggles([endpoint])

    def read(self, endpoint: EndpointDescriptor, length: int, timeout: float = 1.0) -> Answer:
        """An IN transfer."""
        answer = self.link.transfer(self.pipe(endpoint), b"", length, timeout, False)
        self.note(f"IN {endpoint.bEndpointAddress:#04x}, {length} bytes", answer)
        return answer

    def write(
        self, endpoint: EndpointDescriptor, data: bytes, timeout: float = 1.0, *, zero_packet: bool = False
    ) -> Answer:
        """An OUT transfer."""
        answer = self.link.transfer(self.pipe(endpoint), data, 0, timeout, zero_packet)
        self.note(f"OUT {endpoint.bEndpointAddress:#04x}, {len(data)} bytes", answer)
        return answer

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.link.run(seconds)

    # Single transactions

    def tx_setup(
        self, setup: Setup | bytes, fault: Fault | None = None, *, address: int | None = None
    ) -> Packet | None:
        """A SETUP transaction to endpoint 0."""
        data = setup if isinstance(setup, bytes) else setup.pack()
        where = self.address if address is None else address
        answer = self.raw.setup(where, 0, data, fault)
        return self._noted(f"SETUP {where}.0 {data.hex(' ')}", fault, answer)

    def tx_out(
        self,
        endpoint: int,
        pid: Pid,
        data: bytes,
        fault: Fault | None = None,
        *,
        address: int | None = None,
        patience: float = 0.0,
    ) -> Packet | None:
        """An OUT transaction; sent again as long as the answer is NAK and `patience` seconds are not over."""
        where = self.address if address is None else address
        answer = self.raw.out(where, endpoint & 0x0F, pid, data, fault, patience=patience)
        return self._noted(f"OUT {where}.{endpoint & 15} {pid.name} {len(data)} bytes", fault, answer)

    def tx_in(
        self,
        endpoint: int,
        fault: Fault | None = None,
        *,
        address: int | None = None,
        isochronous: bool = False,
        patience: float = 0.0,
    ) -> Packet | None:
        """An IN transaction; asked again as long as the answer is NAK and `patience` seconds are not over."""
        where = self.address if address is None else address
        answer = self.raw.in_(where, endpoint & 0x0F, fault, isochronous=isochronous, patience=patience)
        return self._noted(f"IN {where}.{endpoint & 15}", fault, answer)

    def _noted(self, sent: str, fault: Fault | None, answer: Packet | None) -> Packet | None:
        self.note(sent + (f" ({fault.value})" if fault is not None else ""), words(answer))
        return answer

    def data_in(self, endpoint: int, timeout: float = PATIENCE) -> Packet | None:
        """IN tokens until something else than NAK comes, or so many seconds are over."""
        return self.tx_in(endpoint, patience=timeout)

    def data_out(self, endpoint: int, pid: Pid, data: bytes, timeout: float = PATIENCE) -> Packet | None:
        """An OUT packet again and again until something else than NAK comes."""
        return self.tx_out(endpoint, pid, data, patience=timeout)

    def tx_control_in(self, setup: Setup, *, packets: int | None = None) -> list[Packet]:
        """SETUP and the data stage, packet by packet, without the status stage; at most so many packets."""
        self.expect(is_ack(self.tx_setup(setup)), "ACK")
        came: list[Packet] = []
        total = 0
        while total < setup.wLength and (packets is None or len(came) < packets):
            packet = self.data_in(0)
            self.expect(packet is not None and packet.pid in (Pid.DATA0, Pid.DATA1), "a data packet")
            assert packet is not None
            came.append(packet)
            total += len(packet.data)
            if len(packet.data) < self.packet_size:
                break
        return came

    def tx_status_out(self) -> None:
        """The status stage of a control read."""
        self.expect(is_ack(self.data_out(0, Pid.DATA1, b"")), "ACK")

    def tx_status_in(self) -> None:
        """The status stage of a control write."""
        self.expect(self.data_in(0) == Packet(Pid.DATA1), "an empty DATA1")

    # Endpoints by single transactions, with the toggles that `configure` has begun

    def pid(self, endpoint: EndpointDescriptor) -> Pid:
        """The toggle of the next packet."""
        return self._pids.setdefault(endpoint.bEndpointAddress, Pid.DATA0)

    def toggle(self, endpoint: EndpointDescriptor) -> None:
        """A packet has passed."""
        self._pids[endpoint.bEndpointAddress] = self.pid(endpoint).toggled


def is_ack(answer: Packet | None) -> bool:
    """The answer is ACK."""
    return answer is not None and answer.pid is Pid.ACK


def is_stall(answer: Packet | None) -> bool:
    """The answer is STALL."""
    return answer is not None and answer.pid is Pid.STALL


def is_nak(answer: Packet | None) -> bool:
    """The answer is NAK."""
    return answer is not None and answer.pid is Pid.NAK


def words(answer: Packet | None) -> str:
    """A packet as a person reads it."""
    if answer is None:
        return "silence"
    if answer.pid not in (Pid.DATA0, Pid.DATA1):
        return answer.pid.name
    return f"{answer.pid.name}, {len(answer.data)} bytes{': ' if answer.data else ''}{answer.data[:24].hex(' ')}"
