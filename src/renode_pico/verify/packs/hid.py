"""HID 1.11: one function for each item of `packs/hid.toml`, on every HID interface of the device in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from renode_pico.usb import requests
from renode_pico.usb.classes.common import CLASS_IN, CLASS_OUT
from renode_pico.usb.classes.hid import (
    GET_IDLE,
    GET_PROTOCOL,
    GET_REPORT,
    HID_CLASS,
    HID_DESCRIPTOR,
    REPORT_DESCRIPTOR,
    SET_IDLE,
    SET_PROTOCOL,
    SET_REPORT,
    ReportKind,
)
from renode_pico.usb.descriptors import EndpointDescriptor, Interface
from renode_pico.usb.transfer import Setup
from renode_pico.verify.bench import Bench
from renode_pico.verify.packs.chapter9.descriptors import report_sizes
from renode_pico.verify.table import check

BOOT = 1
ABSENT_REPORT = 0xEE
MAIN_ITEMS = {0x80: ReportKind.INPUT, 0x90: ReportKind.OUTPUT, 0xB0: ReportKind.FEATURE}
RATE = 10
"""An idle rate, in 4 ms."""
TOLERANCE = 0.1
"""How much a rate may be off (7.2.4)."""
POLLED = 0.0105
"""Seconds beyond that: an endpoint's interval, and a frame."""


@dataclass(frozen=True, slots=True)
class Function:
    """An HID interface. `sizes`: bytes of a report, its ID included, by kind and ID."""

    setting: Interface
    hid: bytes
    report: bytes
    sizes: dict[tuple[ReportKind, int], int]

    @property
    def number(self) -> int:
        """The interface."""
        return self.setting.bInterfaceNumber

    def ids(self, kind: ReportKind) -> list[int]:
        """The IDs of its reports of a kind; 0 for one that has none."""
        return [identifier for each, identifier in self.sizes if each is kind]

    def ask(self, request: int, value: int, length: int) -> Setup:
        """A class request that reads."""
        return Setup(CLASS_IN, request, value, self.number, length)

    def tell(self, request: int, value: int, length: int = 0) -> Setup:
        """A class request that writes."""
        return Setup(CLASS_OUT, request, value, self.number, length)

    def endpoint(self, into: bool) -> EndpointDescriptor | None:
        """Its interrupt endpoint of a direction."""
        return next((each for each in self.setting.endpoints if bool(each.bEndpointAddress & 0x80) == into), None)


def functions(bench: Bench) -> Iterator[Function]:
    """The HID interfaces of the configured device. Raises NotApplicable when there is none."""
    found = [each for each in bench.tree.settings() if each.bInterfaceClass == HID_CLASS]
    if not found:
        bench.skip("this device has no HID interface")
    bench.to_configured()
    for setting in found:
        hid = next((part for part in setting.extra if len(part) >= 9 and part[1] == HID_DESCRIPTOR), b"")
        length = int.from_bytes(hid[7:9], "little")
        report = bench.get(requests.get_descriptor(REPORT_DESCRIPTOR, 0, setting.bInterfaceNumber, length or 4096, 1))
        sizes = report_sizes(report)
        bench.expect(sizes, "a report descriptor that parses")
        assert sizes is not None
        kinds = {(MAIN_ITEMS[tag], identifier): size for (tag, identifier), size in sizes.items()}
        yield Function(setting, hid, report, kinds)


@check("HID1")
def descriptors(bench: Bench) -> None:
    """Asks for both descriptors, the report descriptor with 64 bytes more than it has."""
    for each in functions(bench):
        came = bench.get(requests.get_descriptor(HID_DESCRIPTOR, 0, each.number, 255, 1))
        bench.expect(came == each.hid, f"{each.hid.hex(' ')}, as in the configuration")
        length = int.from_bytes(each.hid[7:9], "little")
        came = bench.get(requests.get_descriptor(REPORT_DESCRIPTOR, 0, each.number, length + 64, 1))
        bench.expect(len(came) == length, f"{length} bytes")


@check("HID2")
def idle(bench: Bench) -> None:
    """Sets rates of 40 ms, 1020 ms and none, and asks after each."""
    known = False
    for each in functions(bench):
        if not bench.control(each.tell(SET_IDLE, RATE << 8)).ok:
            bench.refused(each.ask(GET_IDLE, 0, 1))
            continue
        known = True
        for rate in (RATE, 255, 0):
            bench.do(each.tell(SET_IDLE, rate << 8))
            bench.expect(bench.get(each.ask(GET_IDLE, 0, 1)) == bytes([rate]), f"{rate}")
    if not known:
        bench.skip("this device knows no idle rate")


@check("HID3")
def idle_by_report(bench: Bench) -> None:
    """Gives two input reports different rates, then both the same through report 0."""
    for each in functions(bench):
        ids = each.ids(ReportKind.INPUT)
        if len(ids) < 2 or not bench.control(each.tell(SET_IDLE, RATE << 8)).ok:
            continue
        first, second = ids[:2]
        bench.do(each.tell(SET_IDLE, 25 << 8 | first))
        bench.do(each.tell(SET_IDLE, 50 << 8 | second))
        bench.expect(bench.get(each.ask(GET_IDLE, first, 1)) == bytes([25]), "25, the rate of this report")
        bench.expect(bench.get(each.ask(GET_IDLE, second, 1)) == bytes([50]), "50, the rate of this report")
        bench.do(each.tell(SET_IDLE, 0))
        bench.expect(bench.get(each.ask(GET_IDLE, first, 1)) == bytes([0]), "0, the rate of all reports")
        return
    bench.skip("no HID interface with an idle rate has two input reports")


@check("HID4")
def boot_protocol(bench: Bench) -> None:
    """Asks for the protocol, sets each, and configures the device anew."""
    boot = [each for each in functions(bench) if each.setting.bInterfaceSubClass == BOOT]
    if not boot:
        bench.skip("no HID interface is of the boot subclass")
    for each in boot:
        ask = each.ask(GET_PROTOCOL, 0, 1)
        bench.expect(bench.get(ask) == b"\x01", "1, the report protocol")
        for protocol in (0, 1, 0):
            bench.do(each.tell(SET_PROTOCOL, protocol))
            bench.expect(bench.get(ask) == bytes([protocol]), f"{protocol}")
        bench.to_configured()
        bench.expect(bench.get(ask) == b"\x01", "1, the report protocol, after a reset")


@check("HID5")
def no_boot_protocol(bench: Bench) -> None:
    """Asks for the protocol and sets it."""
    others = [each for each in functions(bench) if each.setting.bInterfaceSubClass != BOOT]
    if not others:
        bench.skip("all HID interfaces are of the boot subclass")
    for each in others:
        bench.refused(each.ask(GET_PROTOCOL, 0, 1))
        bench.refused(each.tell(SET_PROTOCOL, 0))


def report_of(bench: Bench, each: Function, kind: ReportKind, identifier: int) -> bytes | None:
    """GET_REPORT with room for more; None when it is refused. Its length and ID must be right."""
    size = each.sizes[kind, identifier]
    answer = bench.control(each.ask(GET_REPORT, kind << 8 | identifier, size + 8))
    if answer.stalled:
        return None
    bench.expect(answer.ok and len(answer.data) == size, f"{size} bytes")
    if identifier:
        bench.expect(answer.data[0] == identifier, f"the ID {identifier} first")
    return answer.data


@check("HID6")
def input_reports(bench: Bench) -> None:
    """Asks for each input report of each interface, with room for 8 bytes more."""
    for each in functions(bench):
        for identifier in each.ids(ReportKind.INPUT):
            bench.expect(
                report_of(bench, each, ReportKind.INPUT, identifier) is not None, "a report: this is mandatory"
            )


@check("HID7")
def other_reports(bench: Bench) -> None:
    """Asks for each output and feature report."""
    found = False
    for each in functions(bench):
        for kind in (ReportKind.OUTPUT, ReportKind.FEATURE):
            for identifier in each.ids(kind):
                found = True
                report_of(bench, each, kind, identifier)
    if not found:
        bench.skip("this device has no output or feature report")


@check("HID8")
def feature_reports(bench: Bench) -> None:
    """Sets each feature report to random bits below 0x40 and asks for it; a report that is refused is not meant."""
    found = False
    for each in functions(bench):
        for identifier in each.ids(ReportKind.FEATURE):
            size = each.sizes[ReportKind.FEATURE, identifier]
            head = bytes([identifier]) if identifier else b""
            data = head + bytes(bench.rng.randrange(0x40) for _ in range(size - len(head)))
            value = ReportKind.FEATURE << 8 | identifier
            if not bench.control(each.tell(SET_REPORT, value, size), data).ok:
                continue
            came = report_of(bench, each, ReportKind.FEATURE, identifier)
            if came is not None:
                found = True
                bench.expect(came == data, f"{data.hex(' ')}, as it was set")
    if not found:
        bench.skip("this device has no feature report that is set and told")


@check("HID9")
def absent_reports(bench: Bench) -> None:
    """Asks for a report with an ID, and of a kind, that are not there."""
    for each in functions(bench):
        bench.refused(each.ask(GET_REPORT, ReportKind.INPUT << 8 | ABSENT_REPORT, 64))
        bench.refused(each.ask(GET_REPORT, 0x7F00, 64))


@check("HID10")
def idle_in_time(bench: Bench) -> None:
    """Sets 40 ms and looks when three reports come that nothing has changed."""
    tried = False
    for each in functions(bench):
        endpoint = each.endpoint(into=True)
        if endpoint is None or not bench.control(each.tell(SET_IDLE, RATE << 8)).ok:
            continue
        tried = True
        times = []
        for _ in range(4):
            answer = bench.read(endpoint, endpoint.max_packet_size, 0.2)
            bench.expect(answer.ok, "a report every 40 ms")
            times.append(bench.link.now)
        bench.do(each.tell(SET_IDLE, 0))
        gaps = [after - before for before, after in pairwise(times[1:])]
        bench.note("SET_IDLE of 40 ms", f"reports {', '.join(f'{gap * 1000:.1f}' for gap in gaps)} ms apart")
        expected = RATE * 0.004
        good = all(expected * (1 - TOLERANCE) - POLLED <= gap <= expected * (1 + TOLERANCE) + POLLED for gap in gaps)
        bench.expect(good, "40 ms, within a tenth and an interval of the endpoint")
    if not tried:
        bench.skip("this device knows no idle rate")


@check("HID11")
def idle_never(bench: Bench) -> None:
    """Sets rate 0, reads what is there, and looks for equal reports within 200 ms."""
    tried = False
    for each in functions(bench):
        endpoint = each.endpoint(into=True)
        if endpoint is None or not bench.control(each.tell(SET_IDLE, 0)).ok:
            continue
        tried = True
        bench.read(endpoint, endpoint.max_packet_size, 0.05)
        last = bench.read(endpoint, endpoint.max_packet_size, 0.1)
        if last.ok:
            again = bench.read(endpoint, endpoint.max_packet_size, 0.1)
            bench.expect(not again.ok or again.data != last.data, "no report, or another one")
    if not tried:
        bench.skip("this device knows no idle rate")


@check("HID12")
def output_reports(bench: Bench) -> None:
    """Sends each output report with one bit set and with none, by SET_REPORT and by the interrupt endpoint."""
    found = False
    for each in functions(bench):
        for identifier in each.ids(ReportKind.OUTPUT):
            found = True
            size = each.sizes[ReportKind.OUTPUT, identifier]
            head = bytes([identifier]) if identifier else b""
            endpoint = each.endpoint(into=False)
            for bit in (1, 0):
                data = (head + bytes([bit])).ljust(size, b"\0")
                bench.do(each.tell(SET_REPORT, ReportKind.OUTPUT << 8 | identifier, size), data)
                _told(bench, each, identifier, data)
                if endpoint is not None:
                    bench.expect(bench.write(endpoint, data).ok, "the report taken")
                    _told(bench, each, identifier, data)
    if not found:
        bench.skip("this device has no output report")


def _told(bench: Bench, each: Function, identifier: int, data: bytes) -> None:
    bench.run(0.005)
    came = report_of(bench, each, ReportKind.OUTPUT, identifier)
    if came is not None:
        bench.expect(came == data, f"{data.hex(' ')}, as it was sent")


@check("HID13")
def wrong_interface(bench: Bench) -> None:
    """Sends GET_REPORT, GET_IDLE and SET_IDLE to an interface number that is not in use."""
    _ = list(functions(bench))
    absent = max(bench.tree.interface_numbers()) + 1
    for request, value, length in ((GET_REPORT, 0x100, 8), (GET_IDLE, 0, 1), (GET_PROTOCOL, 0, 1)):
        bench.refused(Setup(CLASS_IN, request, value, absent, length))
    bench.refused(Setup(CLASS_OUT, SET_IDLE, 0, absent, 0))
