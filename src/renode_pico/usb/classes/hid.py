"""HID: reports by usage, keyboards as text, LEDs (USB HID 1.11; usages of the HID Usage Tables 1.5).

The report descriptor is read by hid-tools, by the people who keep Linux' HID layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from renode_pico.errors import Stall, Timeout, UsageError, UsbError
from renode_pico.usb.classes import keys
from renode_pico.usb.classes.common import ask, endpoint, interfaces, library, none_of, required, tell
from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.requests import get_descriptor
from renode_pico.usb.transfer import TransferType

HID_CLASS = 0x03
HID_DESCRIPTOR, REPORT_DESCRIPTOR = 0x21, 0x22
GET_REPORT, GET_IDLE, GET_PROTOCOL = 0x01, 0x02, 0x03
SET_REPORT, SET_IDLE, SET_PROTOCOL = 0x09, 0x0A, 0x0B
UNNUMBERED = -1
"""What hid-tools calls a report without an ID."""


class ReportKind(IntEnum):
    """Report types (HID 1.11, 7.2.1)."""

    INPUT = 1
    OUTPUT = 2
    FEATURE = 3


class Usage(IntEnum):
    """Usages as page << 16 | id: those that tests ask for most. Any other number is as good."""

    POINTER = 0x00010001
    MOUSE = 0x00010002
    JOYSTICK = 0x00010004
    GAMEPAD = 0x00010005
    KEYBOARD = 0x00010006
    X = 0x00010030
    Y = 0x00010031
    Z = 0x00010032
    RX = 0x00010033
    RY = 0x00010034
    RZ = 0x00010035
    WHEEL = 0x00010038
    HAT_SWITCH = 0x00010039
    NUM_LOCK = 0x00080001
    CAPS_LOCK = 0x00080002
    SCROLL_LOCK = 0x00080003
    COMPOSE = 0x00080004
    KANA = 0x00080005
    BUTTON_1 = 0x00090001
    BUTTON_2 = 0x00090002
    BUTTON_3 = 0x00090003
    VOLUME_UP = 0x000C00E9
    VOLUME_DOWN = 0x000C00EA
    AC_PAN = 0x000C0238


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a device: its ID (0 without one), its bytes as sent, and its values by usage.

    A usage that an array does not name is 0: a key that is not down. Usages are numbers, see `Usage`.
    """

    id: int
    raw: bytes
    values: Mapping[int, int]

    def __getitem__(self, usage: int) -> int:
        return self.values.get(usage, 0)

    @property
    def pressed(self) -> frozenset[int]:
        """The usages that are not 0."""
        return frozenset(usage for usage, value in self.values.items() if value)


class Hid:
    """One HID interface. Timeouts are emulated seconds.

    `descriptor`: the report descriptor's bytes. `application`: the usage of its first collection, `Usage.KEYBOARD` for
    instance.
    """

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.interface = interface
        self.number = interface.bInterfaceNumber
        self.descriptor = self._read_descriptor()
        self._parsed: Any = library("hidtools.hid").ReportDescriptor.from_bytes(self.descriptor)
        self._in = required(device, interface, True, TransferType.INTERRUPT)
        self._out = endpoint(device, interface, False, TransferType.INTERRUPT)
        self._down: frozenset[int] = frozenset()
        self._caps = False

    @property
    def application(self) -> int:
        """The usage of the first collection that has a report; 0 without one."""
        for reports in self._by_kind().values():
            for report in reports.values():
                return int(report.application or 0)
        return 0

    @property
    def report_ids(self) -> dict[ReportKind, tuple[int, ...]]:
        """The IDs of the reports of each kind; 0 for a report without one."""
        return {kind: tuple(max(each, 0) for each in reports) for kind, reports in self._by_kind().items()}

    # Reports

    def read(self, timeout: float = DEFAULT_TIMEOUT) -> Report:
        """Read the next input report from the interrupt endpoint. Raises Timeout when none comes."""
        longest = max((int(each.size) for each in self._parsed.input_reports.values()), default=0)
        if not longest:
            raise UsageError(f"interface {self.number} has no input reports")
        return self.decode(ReportKind.INPUT, self._in.read(longest, timeout))

    def get(self, kind: ReportKind = ReportKind.INPUT, report_id: int = 0) -> Report:
        """GET_REPORT (7.2.1)."""
        size = int(self._report(kind, report_id).size)
        return self.decode(kind, ask(self.device, self.number, GET_REPORT, kind << 8 | report_id, size))

    def set(
        self,
        values: Mapping[int, int],
        report_id: int = 0,
        kind: ReportKind = ReportKind.OUTPUT,
        *,
        control: bool = False,
    ) -> bytes:
        """Send a report with these values by usage, all others 0; returns its bytes.

        Through the interrupt OUT endpoint where there is one (unless `control`), else by SET_REPORT (7.2.2).
        """
        data = self.encode(kind, values, report_id)
        self.send(data, report_id, kind, control=control)
        return data

    def send(
        self, data: bytes, report_id: int = 0, kind: ReportKind = ReportKind.OUTPUT, *, control: bool = False
    ) -> None:
        """Send a report as bytes, its ID first where it has one."""
        if self._out is not None and kind is ReportKind.OUTPUT and not control:
            self._out.write(data)
        else:
            tell(self.device, self.number, SET_REPORT, kind << 8 | report_id, data)

    def decode(self, kind: ReportKind, data: bytes) -> Report:
        """Tell the values of a report by usage. Raises UsbError when it is none of the descriptor's."""
        reports = self._by_kind()[kind]
        numbered = UNNUMBERED not in reports
        report_id = data[0] if numbered and data else 0
        report = self._report(kind, report_id)
        if len(data) < report.size:
            raise UsbError(f"HID {kind.name.lower()} report {report_id}: {len(data)} bytes instead of {report.size}")
        values: dict[int, int] = {}
        for field in report.fields:
            if not field.is_const:
                values.update(_values(field, list(data)))
        return Report(report_id, bytes(data), values)

    def encode(self, kind: ReportKind, values: Mapping[int, int], report_id: int = 0) -> bytes:
        """Make a report. Raises UsageError for a usage that it has not, or a value out of its range."""
        report = self._report(kind, report_id)
        data = [0] * int(report.size)
        if report_id:
            data[0] = report_id
        left = dict(values)
        for field in report.fields:
            if not field.is_const:
                _fill(field, data, left)
        if left:
            names = ", ".join(f"{usage:#010x}" for usage in left)
            raise UsageError(f"HID {kind.name.lower()} report {report_id} has no usage {names}")
        return bytes(data)

    # Requests

    def set_idle(self, milliseconds: int = 0, report_id: int = 0) -> None:
        """SET_IDLE (7.2.4): how often an unchanged report is sent again; 0 for never."""
        tell(self.device, self.number, SET_IDLE, milliseconds // 4 << 8 | report_id)

    def get_idle(self, report_id: int = 0) -> int:
        """GET_IDLE (7.2.3), in milliseconds."""
        return ask(self.device, self.number, GET_IDLE, report_id, 1)[0] * 4

    def set_protocol(self, report: bool) -> None:
        """SET_PROTOCOL (7.2.6): the report protocol, or the boot protocol."""
        tell(self.device, self.number, SET_PROTOCOL, int(report))

    def get_protocol(self) -> bool:
        """GET_PROTOCOL (7.2.5): whether it is the report protocol."""
        return bool(ask(self.device, self.number, GET_PROTOCOL, 0, 1)[0])

    # Keyboards

    def typed(self, timeout: float = 0.25, *, until: str = "") -> str:
        """Read reports until none comes for so long, or `until` has been typed; return the text (American layout).

        A key types when it goes down. Caps Lock works as on a PC, which tells the keyboard's LED nothing of it here.
        """
        text = ""
        while not (until and until in text):
            try:
                report = self.read(timeout)
            except Timeout:
                break
            text += self._text(report)
        return text

    def _text(self, report: Report) -> str:
        down = frozenset(usage & 0xFFFF for usage in report.pressed if usage >> 16 == keys.KEYBOARD_PAGE)
        new = [code for code in sorted(down - self._down) if not keys.FIRST_MODIFIER <= code <= keys.LAST_MODIFIER]
        self._down = down
        if keys.CAPS_LOCK in new:
            self._caps = not self._caps
        shift = any(code in down for code in keys.SHIFTS)
        return "".join(keys.character(code, shift, self._caps) for code in new)

    def set_leds(self, *, num_lock: bool = False, caps_lock: bool = False, scroll_lock: bool = False) -> None:
        """Light a keyboard's LEDs, the others go out."""
        wanted = {Usage.NUM_LOCK: num_lock, Usage.CAPS_LOCK: caps_lock, Usage.SCROLL_LOCK: scroll_lock}
        for report_id, report in self._parsed.output_reports.items():
            known = {field.usage for field in report.fields}
            if Usage.CAPS_LOCK in known:
                values = {int(usage): int(on) for usage, on in wanted.items() if usage in known}
                self.set(values, max(report_id, 0))
                return
        raise UsageError(f"interface {self.number} has no LEDs")

    # Inside

    def _read_descriptor(self) -> bytes:
        described = next((each for each in self.interface.extra if len(each) >= 9 and each[1] == HID_DESCRIPTOR), None)
        if described is None:
            raise UsageError(f"interface {self.number} has no HID descriptor")
        length = described[7] | described[8] << 8
        request = get_descriptor(REPORT_DESCRIPTOR, 0, self.number, length, recipient=1)
        data = self.device.control_in(request)
        if len(data) != length:
            raise UsbError(f"report descriptor: wDescriptorLength is {length}, the device sent {len(data)} bytes")
        return data

    def _by_kind(self) -> dict[ReportKind, dict[int, Any]]:
        parsed = self._parsed
        return {
            ReportKind.INPUT: parsed.input_reports,
            ReportKind.OUTPUT: parsed.output_reports,
            ReportKind.FEATURE: parsed.feature_reports,
        }

    def _report(self, kind: ReportKind, report_id: int) -> Any:
        reports = self._by_kind()[kind]
        found = reports.get(report_id if report_id else UNNUMBERED)
        if found is None:
            raise UsageError(f"interface {self.number} has no HID {kind.name.lower()} report {report_id}")
        return found


def _values(field: Any, data: list[int]) -> dict[int, int]:
    """The values of one field by usage; of an array those that it names, as 1."""
    values = [int(each) for each in field.get_values(data)]
    if not field.is_array:
        usages = field.usages or [field.usage] * field.count
        return {int(usage): value for usage, value in zip(usages, values, strict=False)}
    named = [value - field.logical_min for value in values if field.logical_min <= value <= field.logical_max]
    usages = field.usages or []
    return {int(usages[index]): 1 for index in named if index < len(usages) and usages[index] & 0xFFFF}


def _fill(field: Any, data: list[int], values: dict[int, int]) -> None:
    """Put the values that a field has into a report, and take them away from `values`."""
    if field.is_array:
        usages = field.usages or []
        named = [usage for usage in list(values) if usage in usages][: field.count]
        indices = [usages.index(usage) + field.logical_min for usage in named if values.pop(usage)]
        field.fill_values(data, indices + [0] * (field.count - len(indices)))
        return
    usages = field.usages or [field.usage] * field.count
    given = [values.pop(usage, 0) for usage in usages[: field.count]]
    given += [0] * (field.count - len(given))
    for value in given:
        if value and not field.logical_min <= value <= field.logical_max:
            raise UsageError(f"usage {field.usage:#010x}: {value} is not {field.logical_min} to {field.logical_max}")
    field.fill_values(data, given)


def hids(device: ConfiguredDevice) -> list[Hid]:
    """Return all HID interfaces of a device. Raises UsageError when there is none.

    A driver tells the device to report changes only, as hosts do; one that stalls SET_IDLE need not know it (7.2.4).
    """
    found = [Hid(device, interface) for interface in interfaces(device, HID_CLASS)]
    if not found:
        raise none_of("HID interface")
    for each in found:
        try:
            each.set_idle(0)
        except Stall:
            continue
    return found
