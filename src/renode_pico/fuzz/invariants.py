"""Items of the verifier that must hold at any time: what the packets of any case may not show.

The verifier asks a device for each item; here a device is only watched, whatever is done to it. A rule has the id of
its item in `verify/packs/chapter9.toml`, and says nothing where a fault on the wire or a request left halfway leaves
two answers possible.
"""

from __future__ import annotations

from collections.abc import Iterator

from renode_pico.fuzz.judges import Finding
from renode_pico.usb import requests
from renode_pico.usb.configured import ConfiguredDevice
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, Status, TransferType
from renode_pico.usb.wire import Pid

RULES = {
    "CP1": "a SETUP is acknowledged, not answered by NAK or STALL (8.4.6.4)",
    "CP4": "a control transfer's data begin with DATA1 and alternate, its status is an empty DATA1 (8.5.3)",
    "SR3": "a configuration index beyond bNumConfigurations is refused (9.4.3)",
    "SR4": "interface and endpoint descriptors cannot be asked for (9.4.3)",
    "SR5": "a full-speed device refuses DEVICE_QUALIFIER and OTHER_SPEED_CONFIGURATION (9.6.2, 9.6.4)",
    "SR11": "GET_STATUS of each interface is answered, of others refused (9.4.5)",
    "SR12": "GET_STATUS of an endpoint that does not exist is refused (9.4.5)",
    "SR13": "an endpoint that is halted stalls (9.4.5)",
    "SR15": "a halt lasts until the host ends it (9.4.5)",
    "SR16": "features that the recipient does not have are refused (9.4.1, 9.4.9)",
    "SR17": "DEVICE_REMOTE_WAKEUP is accepted if bmAttributes says so, and GET_STATUS follows it (9.4.5, 9.4.9)",
    "SR18": "TEST_MODE is refused at full speed (9.4.9)",
    "SR19": "GET_INTERFACE is refused for an interface that does not exist, or without a configuration (9.4.4)",
    "SR20": "GET_INTERFACE says what SET_INTERFACE has set (9.4.4, 9.4.10)",
    "SR22": "SYNCH_FRAME is for isochronous endpoints only (9.4.11)",
    "SR24": "reserved types and recipients are refused (9.3.1)",
    "SR26": "class and vendor requests to an interface or endpoint that does not exist are refused (9.2.7)",
    "DE18": "the configuration descriptor is the same at each reading (9.5)",
    "EP2": "no packet is longer than wMaxPacketSize (5.8.3)",
}
"""By the item of the verifier."""
LAST_FEATURE = 5
"""Features of a device: 1 and 2 are USB 2.0's, 3 to 5 On-The-Go's."""
MICROSOFT = (4, 5, 7)
"""wIndex of Microsoft's OS descriptors, which stand in vendor requests to an interface, too."""
UNKNOWN = -1


class Invariants:
    """Watches a device: an observer of the bus. `packet_sizes`: the largest of each endpoint, in any setting."""

    wants_sof = False

    def __init__(self, device: ConfiguredDevice) -> None:
        self._device = device
        self._findings: list[Finding] = []
        endpoints = [each for setting in device.configuration.settings for each in setting.endpoints]
        self.packet_sizes: dict[int, int] = {}
        for each in endpoints:
            largest = self.packet_sizes.get(each.bEndpointAddress, 0)
            self.packet_sizes[each.bEndpointAddress] = max(largest, each.max_packet_size)
        self._isochronous = {each.bEndpointAddress for each in endpoints if each.type is TransferType.ISOCHRONOUS}
        self._settings = {(each.bInterfaceNumber, each.bAlternateSetting) for each in device.configuration.settings}
        self._interfaces = {number for number, _ in self._settings}
        self._alternates: dict[int, int] = {}
        self._halted: set[int] = set()
        self._configuration = UNKNOWN
        self._wakeup: bool | None = None
        self._same_descriptors = True
        self._setup: Setup | None = None
        self._pid = Pid.DATA1
        self._faulty = False

    def begin(self, configuration: int) -> None:
        """A case begins, with this configuration set; of alternate settings and features nothing is known."""
        self._findings = []
        self._forget()
        self._configuration = configuration
        self._same_descriptors = True

    def _forget(self) -> None:
        self._alternates = {}
        self._halted = set()
        self._configuration = UNKNOWN
        self._wakeup = None
        self._setup = None
        self._faulty = False

    def take(self) -> list[Finding]:
        """What it has seen since the last time."""
        findings, self._findings = self._findings, []
        return findings

    # What the bus shows

    def transaction(self, record: TransactionRecord) -> None:
        """Look at a transaction."""
        if record.endpoint == 0:
            self._control(record)
        elif record.token is not Pid.SETUP and record.address == self._device.address:
            self._data(record)

    def event(self, record: BusEventRecord) -> None:
        """A bus reset ends all that is known (9.1.1.3)."""
        if record.kind in (BusEventKind.RESET_BEGIN, BusEventKind.RESET_END, BusEventKind.DETACH):
            self._forget()
            if record.kind is BusEventKind.RESET_END:
                self._configuration = 0
                self._wakeup = False

    def transfer(self, record: TransferRecord) -> None:
        """A request is over: what it must be, and what it changes."""
        setup = record.setup
        if record.type is not TransferType.CONTROL or setup is None:
            return
        if record.status is Status.COMPLETED and not self._faulty:
            for rule, text in self._accepted(setup, record.data):
                self._found(rule, f"{setup}: {text}")
            self._done(setup)
        elif record.status is Status.STALLED and not self._faulty:
            for rule, text in self._refused(setup):
                self._found(rule, f"{setup}: {text}")
        else:
            self._unsure(setup)

    def _found(self, rule: str, text: str) -> None:
        self._findings.append(Finding("chapter9", f"chapter9 {rule}", f"{text}; {RULES[rule]}, item {rule}"))

    # Packets

    def _control(self, record: TransactionRecord) -> None:
        if record.fault is not None:
            self._faulty = True
        if record.token is Pid.SETUP:
            self._setup = Setup.unpack(record.data) if len(record.data) == 8 and record.fault is None else None
            self._pid = Pid.DATA1
            self._faulty = record.fault is not None or record.handshake is not Pid.ACK
            if record.fault is None and record.handshake in (Pid.NAK, Pid.STALL):
                self._found("CP1", f"{self._setup}: its SETUP is answered by {record.handshake.name}")
            return
        setup = self._setup
        if record.token is not Pid.IN or record.data_pid is None or setup is None or self._faulty:
            return
        if record.handshake is not Pid.ACK:
            self._faulty = True  # the packet comes once more
        elif setup.is_in and setup.wLength:
            if record.data_pid is not self._pid:
                self._found("CP4", f"{setup}: {record.data_pid.name} where {self._pid.name} is due")
                self._faulty = True
            self._pid = record.data_pid.toggled
        elif record.data_pid is not Pid.DATA1 or record.data:
            self._found("CP4", f"{setup}: status stage with {record.data_pid.name} and {len(record.data)} bytes")
            self._faulty = True

    def _data(self, record: TransactionRecord) -> None:
        address = record.endpoint_address
        if record.token is Pid.IN and len(record.data) > self.packet_sizes.get(address, 1023):
            size = self.packet_sizes[address]
            self._found("EP2", f"endpoint {address:#04x}: a packet of {len(record.data)} bytes instead of {size}")
        if address in self._halted and record.fault is None and record.handshake in (Pid.ACK, Pid.NAK):
            self._halted.discard(address)
            self._found("SR13", f"endpoint {address:#04x}: {record.handshake.name}, though it has been halted")

    # Requests

    def _accepted(self, setup: Setup, data: bytes) -> Iterator[tuple[str, str]]:
        """What may not have been accepted as it was."""
        kind, recipient = setup.bmRequestType >> 5 & 3, setup.bmRequestType & 0x1F
        if kind == 3 or (recipient > 3 and kind != 2):
            yield "SR24", "it is accepted"
        elif kind:
            yield from self._class_accepted(setup, kind, recipient)
        elif setup.is_in and setup.wLength:
            yield from self._read(setup, data, recipient)
        elif not setup.is_in and not setup.wLength and setup.bRequest in (1, 3):
            yield from self._feature(setup, recipient)

    def _class_accepted(self, setup: Setup, kind: int, recipient: int) -> Iterator[tuple[str, str]]:
        if self._configuration != self._device.configurations[0].bConfigurationValue:
            return
        index = setup.wIndex & 0xFF
        if recipient == requests.INTERFACE and index not in self._interfaces:
            if kind != 2 or not setup.is_in or index not in MICROSOFT:
                yield "SR26", f"it is accepted, though there is no interface {index}"
        elif recipient == requests.ENDPOINT and index & 0x0F and index not in self.packet_sizes:
            yield "SR26", f"it is accepted, though there is no endpoint {index:#04x}"

    def _read(self, setup: Setup, data: bytes, recipient: int) -> Iterator[tuple[str, str]]:
        index = setup.wIndex & 0xFF
        match setup.bRequest:
            case 0 if not setup.wValue and setup.wLength >= 2:
                yield from self._status(setup, data, recipient)
            case 6 if recipient == requests.DEVICE:
                yield from self._descriptor(setup, data)
            case 10 if recipient == requests.INTERFACE and not setup.wValue and self._configuration != UNKNOWN:
                if setup.wIndex not in self._interfaces or not self._configuration:
                    yield "SR19", f"it is answered with {data.hex(' ') or 'nothing'}"
                elif len(data) == 1 and data[0] != self._alternates.get(index, data[0]):
                    yield "SR20", f"it says {data[0]}, {self._alternates[index]} has been set"
            case 12 if recipient == requests.ENDPOINT and index not in self._isochronous:
                yield "SR22", "it is answered"

    def _status(self, setup: Setup, data: bytes, recipient: int) -> Iterator[tuple[str, str]]:
        index, configured = setup.wIndex, self._configuration > 0
        status = data[0] if len(data) == 2 else None
        if recipient == requests.DEVICE and index == 0 and status is not None:
            if self._wakeup is not None and bool(status & 2) != self._wakeup:
                yield "SR17", f"it says {status:#04x}, remote wake-up has been {'al' if self._wakeup else 'disal'}lowed"
        elif recipient == requests.INTERFACE and configured and index not in self._interfaces:
            yield "SR11", f"it is answered, though there is no interface {index}"
        elif recipient == requests.ENDPOINT and configured:
            if index & 0xFF70 or (index & 0x0F and index not in self.packet_sizes):
                yield "SR12", f"it is answered, though there is no endpoint {index:#04x}"
            elif index in self._halted and status is not None and not status & 1:
                self._halted.discard(index)
                yield "SR15", "it says that the endpoint is not halted, though it has been"

    def _descriptor(self, setup: Setup, data: bytes) -> Iterator[tuple[str, str]]:
        kind, index = setup.wValue >> 8, setup.wValue & 0xFF
        if kind in (4, 5):
            yield "SR4", "it is answered"
        elif kind in (6, 7):
            yield "SR5", "it is answered"
        elif kind == 2:
            configurations = self._device.configurations
            if index >= self._device.descriptor.bNumConfigurations:
                yield "SR3", f"it is answered, though there are {self._device.descriptor.bNumConfigurations}"
            elif self._same_descriptors and index < len(configurations):
                known = configurations[index].raw
                if data[: len(known)] != known[: len(data)]:
                    yield "DE18", "it is not the one of the enumeration"

    def _feature(self, setup: Setup, recipient: int) -> Iterator[tuple[str, str]]:
        selector = setup.wValue
        if recipient == requests.DEVICE:
            if selector == requests.DEVICE_REMOTE_WAKEUP and not self._may_wake and setup.bRequest == 3:
                yield "SR17", "it is accepted"
            elif selector == requests.TEST_MODE and setup.bRequest == 3:
                yield "SR18", "it is accepted"
            elif selector == 0 or selector > LAST_FEATURE:
                yield "SR16", "it is accepted"
        elif (recipient == requests.INTERFACE or recipient == requests.ENDPOINT) and selector:
            yield "SR16", "it is accepted"

    def _refused(self, setup: Setup) -> Iterator[tuple[str, str]]:
        """What may not have been refused."""
        asks = (setup.bmRequestType, setup.bRequest, setup.wValue, setup.wLength) == (0x81, 0, 0, 2)
        if asks and self._configuration > 0 and setup.wIndex in self._interfaces:
            yield "SR11", "it is refused"

    @property
    def _may_wake(self) -> bool:
        return any(each.bmAttributes & 0x20 for each in self._device.configurations)

    # What requests change

    def _done(self, setup: Setup) -> None:
        match (setup.bmRequestType, setup.bRequest):
            case (0x00, 5):
                self._configuration = UNKNOWN  # what a configured device makes of it is its own affair (9.4.6)
                self._halted.clear()
            case (0x00, 9):
                value = setup.wValue & 0xFF
                known = {each.bConfigurationValue for each in self._device.configurations}
                self._configuration = value if value in known or not value else UNKNOWN
                self._alternates, self._wakeup = {}, None
                self._halted.clear()
            case (0x01, 11):
                if (setup.wIndex, setup.wValue) in self._settings:
                    self._alternates[setup.wIndex] = setup.wValue
                else:
                    self._alternates.clear()
                self._halted.clear()
            case (0x02, 3) if setup.wValue == requests.ENDPOINT_HALT:
                index = setup.wIndex
                if self._configuration > 0 and index in self.packet_sizes and index not in self._isochronous:
                    self._halted.add(index)
            case (0x02, 1):
                self._halted.discard(setup.wIndex & 0xFF)
            case (0x00, 1 | 3) if setup.wValue == requests.DEVICE_REMOTE_WAKEUP:
                self._wakeup = setup.bRequest == 3 if self._may_wake else None
            case (0x00, 7):
                self._same_descriptors = False
            case (0x21, 0):
                self._same_descriptors = False  # DFU_DETACH: another device comes with the next reset

    def _unsure(self, setup: Setup) -> None:
        """Nobody knows whether it has been carried out."""
        configuration = self._configuration
        if setup.bmRequestType & 0x60 == 0 and setup.bRequest in (1, 3, 5, 7, 9, 11):
            same, faulty, current = self._same_descriptors and setup.bRequest != 7, self._faulty, self._setup
            self._forget()
            self._same_descriptors, self._faulty, self._setup = same, faulty, current
            if setup.bRequest not in (5, 9):
                self._configuration = configuration
        elif setup.bmRequestType & 0x60 == 0x20 and setup.bRequest == 0:
            self._same_descriptors = False
