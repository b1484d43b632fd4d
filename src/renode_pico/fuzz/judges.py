"""What is wrong, and how one knows: judges that look at a device's answers, its packets and its memory.

A judge speaks only of what no working device does, whatever a host does to it. Each finding has a `key`: two with the
same key are the same fault.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from renode_pico.errors import UsageError
from renode_pico.usb import requests
from renode_pico.usb.configured import ConfiguredDevice
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.usb.wire import Pid

JUDGES = {
    "crash": "a panic, a fault, a lock-up, or the end of the program",
    "watchdog": "the watchdog has reset the chip",
    "dead": "the device does not answer any more, not even after a bus reset",
    "silent": "the device does not answer until the bus is reset",
    "endless": "a request has no end: neither data nor a stall for half a second (USB 2.0, 9.2.6.4)",
    "left": "the device has left the bus by itself",
    "chapter9": "an answer that USB 2.0, chapter 9 does not allow",
    "toggle": "a data packet with the PID of the one before it (USB 2.0, 8.6 and 9.1.1.5)",
    "leak": "an answer with memory beyond what it is about",
    "stack": "a core's stack has grown over its end",
    "dpsram": "the USB controller's memory was written behind an endpoint's buffer",
    "sanitizer": "the firmware does to the USB controller what it must not (docs/sanitizer.md)",
    "engines": "the two engines show different devices",
}
"""What each judge says, in general."""
GOES_ON = ("chapter9", "endless", "toggle", "leak", "dpsram", "sanitizer")
"""Judges whose findings do not end a case."""
FIRST_RESERVED_REQUEST = 13
"""Codes of standard requests from here on mean nothing to a full-speed device (USB 2.0, table 9-4)."""
RESERVED_REQUESTS = (2, 4)
_TIME = re.compile(r" (?:on core 1 )?\(at \d+\.\d+ s\)")
_NUMBER = re.compile(r"0x[0-9a-f]+|\b\d+\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a firmware. `judge`: a key of `JUDGES`. `text`: what happened, in one sentence. `stack`: functions,
    the innermost first, where that is known."""

    judge: str
    key: str
    text: str
    stack: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Findings that are not told: all of a judge's, or those with `word` among the words of their key, such as
    the check `revoked` of the sanitizer or the item `SR16` of chapter 9."""

    judge: str
    word: str = ""

    @classmethod
    def parse(cls, text: str) -> LeftOut:
        """From `JUDGE` or `JUDGE:WORD`. Raises UsageError for a judge that does not exist."""
        judge, colon, word = (part.strip() for part in text.partition(":"))
        if judge not in JUDGES:
            raise UsageError(f"there is no judge {judge!r}; there are {', '.join(JUDGES)}")
        if colon and not word:
            raise UsageError(f"{text!r}: after the colon a word of the finding is missing, such as sanitizer:revoked")
        return cls(judge, word)

    @property
    def text(self) -> str:
        """What `parse` takes."""
        return f"{self.judge}:{self.word}" if self.word else self.judge

    def __contains__(self, finding: object) -> bool:
        if not isinstance(finding, Finding) or finding.judge != self.judge:
            return False
        return not self.word or self.word in finding.key.split()[1:]


def crash(message: str) -> Finding:
    """A FirmwareError's message as a finding: the same place and cause make the same key, whenever it was."""
    text = _TIME.sub("", message)
    what, _, chain = text.partition(": ")[2].partition(" in ")
    stack, _, why = chain.partition(": ")
    kind = "jump" if any(word in why for word in ("execute", "Thumb", "undefined")) else "access" if why else ""
    key = f"crash {_NUMBER.sub('', what)} {stack.split(' < ')[0]} {kind}"
    return Finding("crash", " ".join(key.split()), text, stack)


def endless(setup: Setup, timeout: float) -> Finding:
    """A request that has no end, of a device that serves the next one: one finding for each kind and direction."""
    kind = ("standard", "class", "vendor", "reserved")[setup.bmRequestType >> 5 & 3]
    stage = ("data " if setup.wLength else "no data, ") + ("in" if setup.is_in else "out")
    stage = "" if kind == "standard" else stage
    return Finding("endless", f"endless {kind} {stage}".strip(), f"{setup}: no end of it within {timeout:g} s")


def answer_fault(setup: Setup, data: bytes, device: ConfiguredDevice, configuration: int | None) -> Finding | None:
    """What is wrong with the data stage that a device has sent, complete or short, to a request it did not stall.

    configuration: the bConfigurationValue in use as far as the host knows, None where it cannot.
    """
    if setup.bmRequestType & 0x60:
        return None
    for rule, text in _standard_faults(setup, data, device, configuration):
        return Finding("chapter9", f"chapter9 {rule}", f"{text} ({setup}: {data[:24].hex(' ') or 'nothing'})")
    return None


def _standard_faults(
    setup: Setup, data: bytes, device: ConfiguredDevice, configuration: int | None
) -> Iterator[tuple[str, str]]:
    recipient = setup.bmRequestType & 0x1F
    if setup.bRequest in RESERVED_REQUESTS or setup.bRequest >= FIRST_RESERVED_REQUEST:
        if recipient == requests.DEVICE:
            yield "reserved-request", f"standard request {setup.bRequest}, which does not exist, is not stalled (9.2.7)"
        return
    if not setup.is_in or not setup.wLength:
        return
    match setup.bRequest:
        case 0 if recipient <= requests.ENDPOINT and not setup.wValue and setup.wLength >= 2:
            allowed = {requests.DEVICE: 3, requests.INTERFACE: 0, requests.ENDPOINT: 1}[recipient]
            if len(data) != 2:
                yield "status-length", f"GET_STATUS brings {len(data)} bytes instead of 2 (9.4.5)"
            elif int.from_bytes(data, "little") & ~allowed:
                yield "status-bits", f"GET_STATUS has reserved bits set: {data.hex(' ')} (9.4.5)"
        case 6:
            yield from _descriptor_faults(setup, data, device)
        case 8 if recipient == requests.DEVICE:
            if len(data) != 1:
                yield "configuration-length", f"GET_CONFIGURATION brings {len(data)} bytes instead of 1 (9.4.2)"
            elif configuration is not None and data[0] != configuration:
                yield "configuration", f"GET_CONFIGURATION says {data[0]}, {configuration} was set (9.4.2)"
        case 10 if recipient == requests.INTERFACE:
            if len(data) != 1:
                yield "interface-length", f"GET_INTERFACE brings {len(data)} bytes instead of 1 (9.4.4)"
        case _:
            return


def _descriptor_faults(setup: Setup, data: bytes, device: ConfiguredDevice) -> Iterator[tuple[str, str]]:
    kind, index = setup.wValue >> 8, setup.wValue & 0xFF
    if setup.bmRequestType & 0x1F or kind not in (1, 2, 3, 0x0F) or len(data) < 2:
        return
    name = DescriptorType(kind).name.lower()
    if data[1] != kind:
        yield f"{name}-type", f"{name} descriptor {index} has type {data[1]} (9.4.3)"
        return
    whole = data[0] if kind in (1, 3) or len(data) < 4 else struct.unpack_from("<H", data, 2)[0]
    due = min(whole, setup.wLength) if kind in (1, 3) or setup.wLength >= 4 else len(data)
    if len(data) > due:
        yield f"{name}-beyond", f"{name} descriptor {index} has {whole} bytes, but {len(data)} were sent (9.4.3)"
    elif len(data) < due:
        yield f"{name}-short", f"{name} descriptor {index} has {whole} bytes, only {len(data)} were sent (9.4.3)"
    if kind == 1 and data != device.device_descriptor[: len(data)]:
        yield "device-changed", "the device descriptor is not the one of the enumeration"


class ToggleJudge:
    """Watches the data PIDs of IN endpoints: an observer of the bus.

    The first packet after a configuration, an interface setting, a cleared halt or a bus reset is DATA0; then they
    alternate, but where an acknowledgement was lost the packet comes once more.
    """

    wants_sof = False

    def __init__(self, device: ConfiguredDevice) -> None:
        self._counted = {
            each.bEndpointAddress
            for setting in device.configuration.settings
            for each in setting.endpoints
            if each.is_in and each.type is not TransferType.ISOCHRONOUS
        }
        self._expected: dict[int, Pid] = {}
        self._may_repeat: set[int] = set()
        self.finding: Finding | None = None

    def begin(self) -> None:
        """From now on nothing is known of any endpoint."""
        self._expected = {}
        self._may_repeat = set()
        self.finding = None

    def starts_anew(self, endpoint_address: int) -> None:
        """The next packet of an endpoint is DATA0."""
        self._expected[endpoint_address] = Pid.DATA0
        self._may_repeat.discard(endpoint_address)

    def unknown(self) -> None:
        """Nobody can say whether the device has begun anew: any PID may come next, on any endpoint."""
        self._expected.clear()

    def transaction(self, record: TransactionRecord) -> None:
        """Look at a transaction."""
        if record.data_pid is None or record.token is not Pid.IN or record.endpoint_address not in self._counted:
            return
        endpoint, pid = record.endpoint_address, record.data_pid
        if record.handshake is not Pid.ACK:
            self._may_repeat.add(endpoint)
            return
        expected = self._expected.get(endpoint, pid)
        if pid is not expected and endpoint not in self._may_repeat and self.finding is None:
            self.finding = Finding(
                "toggle",
                f"toggle {endpoint:#04x}",
                f"endpoint {endpoint:#04x}: {pid.name} where {expected.name} is due (at {record.time_ns / 1e9:.6f} s)",
            )
        self._expected[endpoint] = pid.toggled
        self._may_repeat.discard(endpoint)

    def event(self, record: BusEventRecord) -> None:
        """A bus reset makes all endpoints begin anew."""
        if record.kind in (BusEventKind.RESET_END, BusEventKind.DETACH):
            self._expected = {}
            self._may_repeat = set()

    def transfer(self, record: TransferRecord) -> None:
        """Nothing to be seen."""
