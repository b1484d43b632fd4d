"""DE: descriptors (USB 2.0, 9.5 and 9.6; the class documents for DE19 and DE20)."""

from __future__ import annotations

from collections import Counter

from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType, EndpointDescriptor, split
from renode_pico.usb.temper import Problems, Temper
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.verify.bench import Bench
from renode_pico.verify.table import check
from renode_pico.verify.tree import CDC_CONTROL, HID

FRAME_BYTES = 1500
"""Byte times of a frame at 12 Mbit/s."""
PERIODIC_BYTES = FRAME_BYTES * 9 // 10
ISOCHRONOUS_COST, INTERRUPT_COST = 9, 13
"""Byte times of a transaction beside its data (tables 5-4 and 5-7)."""
LANGUAGE = 0x0409
UNUSED_STRING = 0xB7
"""An index that is taken when no descriptor names it."""
GET_LINE_CODING, SEND_BREAK = 0x21, 0x23


def _get(bench: Bench, kind: int, index: int = 0, language: int = 0, length: int = 255) -> bytes:
    return bench.get(requests.get_descriptor(kind, index, language, length))


def _about(bench: Bench, what: str, value: object, condition: object, should: str) -> None:
    """A field of a descriptor is as it should be."""
    bench.note(f"GET_DESCRIPTOR: {what}", value)
    bench.expect(condition, should)


def _endpoints(bench: Bench) -> list[tuple[str, EndpointDescriptor]]:
    """Every endpoint descriptor of the first configuration with words for where it is."""
    return [
        (f"interface {s.bInterfaceNumber}.{s.bAlternateSetting} endpoint {e.bEndpointAddress:#04x}", e)
        for s in bench.tree.settings()
        for e in s.endpoints
    ]


@check("DE1")
def de1(bench: Bench) -> None:
    """Reads the device descriptor and looks at bLength, bcdUSB and the class triple; associations ask for EF/02/01."""
    tree = bench.tree
    raw, descriptor = tree.device, tree.descriptor
    _about(bench, "device: length", f"{len(raw)} bytes, bLength {raw[0]}", len(raw) == raw[0] == 18, "18")
    digits = f"{descriptor.bcdUSB:04x}"
    _about(bench, "bcdUSB", digits, digits.isdigit() and descriptor.bcdUSB >= 0x0100, "a version in BCD")
    triple = raw[4], raw[5], raw[6]
    shown = "/".join(f"{byte:02x}" for byte in triple)
    if triple[0] == 0:
        _about(bench, "class triple", shown, triple[1] == 0 and triple[2] in (0, 0xFF), "00/00/00")
    elif triple[0] != 0xFF:
        _about(
            bench, "class triple", shown, triple[0] != 0 and (triple[1] or not triple[2] or triple[0] != 9), "a class"
        )
    if any(configuration.associations for configuration in tree.configurations):
        _about(bench, "class triple beside interface associations", shown, triple == (0xEF, 2, 1), "ef/02/01")


@check("DE2")
def de2(bench: Bench) -> None:
    """Reads the first configuration and compares the length of each packet with bMaxPacketSize0."""
    size = bench.tree.device[7]
    _about(bench, "bMaxPacketSize0", size, size in (8, 16, 32, 64), "8, 16, 32 or 64")
    bench.to_default()
    answer = bench.control(requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, 255))
    bench.expect(answer.ok, "the configuration descriptor")
    packets = answer.packets
    bench.note(bench.sent, f"packets of {', '.join(map(str, packets))} bytes")
    bench.expect(all(length == size for length in packets[:-1]), f"packets of {size} bytes, but for the last")


@check("DE3")
def de3(bench: Bench) -> None:
    """Looks at bNumConfigurations and idVendor."""
    descriptor = bench.tree.descriptor
    _about(bench, "bNumConfigurations", descriptor.bNumConfigurations, descriptor.bNumConfigurations, "1 or more")
    _about(bench, "idVendor", f"{descriptor.idVendor:04x}", descriptor.idVendor, "a vendor's id")


@check("DE4")
def de4(bench: Bench) -> None:
    """Walks through each configuration by bLength."""
    for index, raw in enumerate(bench.tree.raw_configurations):
        total = int.from_bytes(raw[2:4], "little")
        _about(bench, f"configuration {index}", f"{len(raw)} bytes", len(raw) == total, f"wTotalLength, {total}")
        problems = Problems(Temper.LENIENT)
        end = sum(len(part) for _, part in split(raw, f"configuration {index}", problems))
        whole = end == total and not problems.found
        _about(bench, f"configuration {index}", "; ".join(problems.found) or f"{end} bytes", whole, f"{total} bytes")


@check("DE5")
def de5(bench: Bench) -> None:
    """Compares the bConfigurationValue of all configurations."""
    values = [configuration.bConfigurationValue for configuration in bench.tree.configurations]
    good = all(values) and len(set(values)) == len(values)
    _about(bench, "bConfigurationValue", values, good, "different values, none of them 0")


@check("DE6")
def de6(bench: Bench) -> None:
    """Looks at bmAttributes and bMaxPower of each configuration."""
    for configuration in bench.tree.configurations:
        attributes, power = configuration.bmAttributes, configuration.bMaxPower
        _about(bench, "bmAttributes", f"{attributes:#04x}", attributes & 0x9F == 0x80, "D7 set, D4 to D0 clear")
        _about(bench, "bMaxPower", power, power <= 250, "at most 250, which is 500 mA")


@check("DE7")
def de7(bench: Bench) -> None:
    """Counts interfaces and the alternate settings of each, as the descriptors come."""
    for raw in bench.tree.raw_configurations:
        settings = [
            (part[2], part[3])
            for _, part in split(raw, "configuration", Problems(Temper.LENIENT))
            if part[1] == DescriptorType.INTERFACE and len(part) >= 9
        ]
        numbers = sorted({number for number, _ in settings})
        _about(bench, "bInterfaceNumber", numbers, numbers == list(range(raw[4])), f"0 to {raw[4] - 1}: bNumInterfaces")
        for number in numbers:
            alternates = sorted(alternate for each, alternate in settings if each == number)
            good = alternates == list(range(len(alternates)))
            _about(bench, f"interface {number}: bAlternateSetting", alternates, good, "0, 1, ... without holes")


@check("DE8")
def de8(bench: Bench) -> None:
    """Counts the endpoint descriptors behind each interface descriptor."""
    for raw in bench.tree.raw_configurations:
        said = found = 0
        where = ""
        for _, part in (
            *split(raw, "configuration", Problems(Temper.LENIENT)),
            (0, bytes([9, 4, 0, 0, 0, 0, 0, 0, 0])),
        ):
            if part[1] == DescriptorType.INTERFACE and len(part) >= 9:
                _about(bench, f"{where}endpoint descriptors", found, found == said, f"bNumEndpoints, {said}")
                said, found, where = part[4], 0, f"interface {part[2]}.{part[3]}: "
            elif part[1] == DescriptorType.ENDPOINT:
                found += 1


@check("DE9")
def de9(bench: Bench) -> None:
    """Looks at each bEndpointAddress, and whether two interfaces or one setting have the same twice."""
    for raw in bench.tree.raw_configurations:
        owner: dict[int, int] = {}
        interface, seen = -1, set[int]()
        for _, part in split(raw, "configuration", Problems(Temper.LENIENT)):
            if part[1] == DescriptorType.INTERFACE and len(part) >= 9:
                interface, seen = part[2], set()
            elif part[1] == DescriptorType.ENDPOINT and len(part) >= 7:
                address = part[2]
                shown = f"{address:#04x}"
                good = address & 0x0F and not address & 0x70
                _about(bench, f"interface {interface}: bEndpointAddress", shown, good, "1 to 15, bits 6 to 4 clear")
                _about(bench, f"interface {interface}: bEndpointAddress", shown, address not in seen, "another address")
                seen.add(address)
                other = owner.setdefault(address, interface)
                _about(bench, f"{shown}: interface", interface, other == interface, f"{other} only")


@check("DE10")
def de10(bench: Bench) -> None:
    """Looks at the wMaxPacketSize of each endpoint descriptor."""
    for raw in bench.tree.raw_configurations:
        for _, part in split(raw, "configuration", Problems(Temper.LENIENT)):
            if part[1] != DescriptorType.ENDPOINT or len(part) < 7:
                continue
            size = part[4] | part[5] << 8
            kind = TransferType(part[3] & 3)
            good, should = {
                TransferType.CONTROL: (size in (8, 16, 32, 64), "8, 16, 32 or 64"),
                TransferType.BULK: (size in (8, 16, 32, 64), "8, 16, 32 or 64"),
                TransferType.INTERRUPT: (1 <= size <= 64, "1 to 64"),
                TransferType.ISOCHRONOUS: (size <= 1023, "0 to 1023, bits 15 to 11 clear"),
            }[kind]
            _about(bench, f"endpoint {part[2]:#04x}, {kind.name.lower()}: wMaxPacketSize", size, good, should)


@check("DE11")
def de11(bench: Bench) -> None:
    """Looks at the bInterval of periodic endpoints."""
    for where, endpoint in _endpoints(bench):
        interval = endpoint.bInterval
        if endpoint.type is TransferType.INTERRUPT:
            _about(bench, f"{where}: bInterval", interval, 1 <= interval <= 255, "1 to 255")
        elif endpoint.type is TransferType.ISOCHRONOUS:
            _about(bench, f"{where}: bInterval", interval, 1 <= interval <= 16, "1 to 16")


@check("DE12")
def de12(bench: Bench) -> None:
    """Looks at the bmAttributes of each endpoint."""
    for where, endpoint in _endpoints(bench):
        attributes = endpoint.bmAttributes
        allowed = 0x3F if endpoint.type is TransferType.ISOCHRONOUS else 0x03
        good = not attributes & ~allowed and attributes >> 4 & 3 != 3
        _about(bench, f"{where}: bmAttributes", f"{attributes:#04x}", good, "reserved bits 0")


@check("DE13")
def de13(bench: Bench) -> None:
    """Looks at the isochronous endpoints of each alternate setting 0."""
    for setting in bench.tree.settings():
        if setting.bAlternateSetting == 0:
            for endpoint in setting.endpoints:
                if endpoint.type is TransferType.ISOCHRONOUS:
                    where = f"interface {setting.bInterfaceNumber}.0 endpoint {endpoint.bEndpointAddress:#04x}"
                    size = endpoint.max_packet_size
                    _about(bench, f"{where}, isochronous: wMaxPacketSize", size, size == 0, "0, or another setting")


@check("DE14")
def de14(bench: Bench) -> None:
    """Adds up what periodic endpoints cost in a frame in which all are due, in the dearest settings."""
    cost: dict[int, int] = {}
    for setting in bench.tree.settings():
        mine = sum(
            endpoint.max_packet_size
            + (ISOCHRONOUS_COST if endpoint.type is TransferType.ISOCHRONOUS else INTERRUPT_COST)
            for endpoint in setting.endpoints
            if endpoint.type in (TransferType.ISOCHRONOUS, TransferType.INTERRUPT)
        )
        cost[setting.bInterfaceNumber] = max(cost.get(setting.bInterfaceNumber, 0), mine)
    total = sum(cost.values())
    _about(bench, "byte times of the periodic endpoints", total, total <= PERIODIC_BYTES, f"at most {PERIODIC_BYTES}")


@check("DE15")
def de15(bench: Bench) -> None:
    """Looks at what follows each interface association descriptor."""
    found = False
    for raw in bench.tree.raw_configurations:
        parts = [part for _, part in split(raw, "configuration", Problems(Temper.LENIENT))]
        numbers = [part[2] for part in parts if part[1] == DescriptorType.INTERFACE and len(part) >= 9]
        for place, part in enumerate(parts):
            if part[1] != DescriptorType.INTERFACE_ASSOCIATION:
                continue
            found = True
            _about(bench, "interface association: length", len(part), len(part) == 8, "8")
            first, count = part[2], part[3]
            then = next((each for each in parts[place + 1 :]), b"")
            good = len(then) >= 9 and then[1] == DescriptorType.INTERFACE and then[2] == first
            follows = f"interface {then[2]}" if len(then) > 2 and then[1] == 4 else (then.hex(" ") or "nothing")
            _about(bench, "behind an interface association", follows, good, f"interface {first}")
            order = list(dict.fromkeys(numbers))
            at = order.index(first)
            together = order[at : at + count]
            good = count > 0 and together == list(range(first, first + count))
            _about(bench, "the interfaces of an association", together, good, f"{count} from {first} on")
    if not found:
        bench.skip("the device has no interface association")


@check("DE16")
def de16(bench: Bench) -> None:
    """Reads every string that a descriptor names in every language of string 0, and one that nothing names."""
    indices = set(_string_indices(bench)) - {0}
    bench.to_default()
    if not indices:
        bench.skip("no descriptor names a string")
    table = _get(bench, DescriptorType.STRING)
    good = len(table) >= 4 and len(table) == table[0] and table[1] == DescriptorType.STRING and not len(table) % 2
    bench.expect(good, "a table of language ids")
    languages = [int.from_bytes(table[at : at + 2], "little") for at in range(2, len(table), 2)]
    bench.expect(all(languages) and len(set(languages)) == len(languages), "different language ids, none of them 0")
    for language in languages:
        for index in sorted(indices):
            data = _get(bench, DescriptorType.STRING, index, language)
            whole = len(data) >= 2 and data[0] == len(data) and data[1] == DescriptorType.STRING and not data[0] % 2
            bench.expect(whole, "a string descriptor of even length")
            try:
                data[2:].decode("utf-16-le")
            except UnicodeDecodeError:
                bench.fail("whole UTF-16")
    unused = next(index for index in range(UNUSED_STRING, 0, -1) if index not in indices)
    bench.refused(requests.get_descriptor(DescriptorType.STRING, unused, languages[0], 255))


def _string_indices(bench: Bench) -> list[int]:
    descriptor = bench.tree.descriptor
    named = [descriptor.iManufacturer, descriptor.iProduct, descriptor.iSerialNumber]
    for configuration in bench.tree.configurations:
        named.append(configuration.iConfiguration)
        named += [association.iFunction for association in configuration.associations]
        named += [setting.iInterface for setting in configuration.settings]
    return named


@check("DE17")
def de17(bench: Bench) -> None:
    """Asks for the BOS, walks through it, and looks at the USB 2.0 extension's reserved bits."""
    bcd = bench.tree.descriptor.bcdUSB
    bench.to_default()
    setup = requests.get_descriptor(DescriptorType.BOS, 0, 0, 255)
    if bcd < 0x0201:
        answer = bench.control(setup)
        if answer.ok:
            bench.advise(f"a device of bcdUSB {bcd:04x} has a BOS, for which hosts ask from 0201 on")
        else:
            bench.expect(answer.stalled, "STALL")
        return
    data = bench.get(setup)
    total = int.from_bytes(data[2:4], "little")
    bench.expect(len(data) == total >= 5 and data[0] == 5 and data[1] == DescriptorType.BOS, "a whole BOS")
    parts = [part for offset, part in split(data, "BOS", Problems(Temper.LENIENT)) if offset]
    bench.expect(sum(map(len, parts)) + 5 == total and len(parts) == data[4], f"{data[4]} capabilities, {total} bytes")
    bench.expect(all(len(part) >= 3 and part[1] == 0x10 for part in parts), "device capability descriptors")
    for part in parts:
        if part[2] == 2:
            attributes = int.from_bytes(part[3:7], "little")
            bench.expect(len(part) == 7 and not attributes & 1, "7 bytes, bit 0 of bmAttributes clear")


@check("DE18")
def de18(bench: Bench) -> None:
    """Reads device, configurations and strings twice in each state, after another enumeration each time."""
    tree = bench.tree
    indices = sorted(set(_string_indices(bench)) - {0})
    first: dict[tuple[int, int], bytes] = {(DescriptorType.DEVICE, 0): tree.device}
    for number, raw in enumerate(tree.raw_configurations):
        first[DescriptorType.CONFIGURATION, number] = raw
    for _ in bench.in_each_state():
        for kind, index in list(first) + [(DescriptorType.STRING, each) for each in indices]:
            language = LANGUAGE if kind == DescriptorType.STRING else 0
            length = len(first.get((kind, index), b"")) or 255
            answer = bench.control(requests.get_descriptor(kind, index, language, length))
            data = answer.data if answer.ok else b"refused"
            known = first.setdefault((kind, index), data)
            bench.expect(data == known, f"{known[:24].hex(' ')}, as before")


@check("DE19")
def de19(bench: Bench) -> None:
    """Compares the functional descriptors of each CDC-ACM interface with the interfaces, and asks for what D1 says."""
    ports = [
        setting
        for setting in bench.tree.settings()
        if (setting.bInterfaceClass, setting.bInterfaceSubClass) == (CDC_CONTROL, 2)
    ]
    if not ports:
        bench.skip("the device has no CDC-ACM function")
    numbers = bench.tree.interface_numbers()
    bench.to_configured()
    for port in ports:
        control = port.bInterfaceNumber
        where = f"interface {control}"
        functional = [part for part in port.extra if len(part) >= 3 and part[1] == 0x24]
        kinds = [part[2] for part in functional]
        _about(bench, f"{where}: functional descriptors", kinds, kinds[:1] == [0], "the header first")
        header = functional[0]
        _about(bench, f"{where}: header", header.hex(" "), len(header) == 5, "5 bytes with bcdCDC")
        unions = [part for part in functional if part[2] == 6]
        _about(bench, f"{where}: unions", len(unions), len(unions) == 1 and len(unions[0]) >= 5, "one union")
        union = unions[0]
        good = union[3] == control and all(each in numbers for each in union[4:])
        _about(bench, f"{where}: union", union.hex(" "), good, f"master {control} and interfaces that are there")
        for part in functional:
            if part[2] == 1:
                good = len(part) == 5 and not part[3] & ~3 and (not part[3] & 2 or part[4] in numbers)
                _about(bench, f"{where}: call management", part.hex(" "), good, "a data interface that is there")
        management = [part for part in functional if part[2] == 2]
        good = len(management) == 1 and len(management[0]) == 4 and not management[0][3] & ~0x0F
        _about(
            bench, f"{where}: ACM", [part.hex(" ") for part in management], good, "one of 4 bytes, bits 7 to 4 clear"
        )
        capabilities = management[0][3]
        coding = bench.control(Setup(0xA1, GET_LINE_CODING, 0, control, 7))
        if capabilities & 2:
            bench.expect(coding.ok and len(coding.data) == 7, "7 bytes of line coding, as bmCapabilities D1 says")
        if capabilities & 4:
            bench.do(Setup(0x21, SEND_BREAK, 0, control, 0))
        else:
            answer = bench.control(Setup(0x21, SEND_BREAK, 0, control, 0))
            bench.expect(answer.stalled, "STALL, as bmCapabilities D2 does not say that it can send a break")


@check("DE20")
def de20(bench: Bench) -> None:
    """Reads each report descriptor, walks through its items and adds up the reports."""
    interfaces = [setting for setting in bench.tree.settings() if setting.bInterfaceClass == HID]
    if not interfaces:
        bench.skip("the device has no HID interface")
    bench.to_configured()
    for setting in interfaces:
        number = setting.bInterfaceNumber
        hid = next((part for part in setting.extra if len(part) >= 9 and part[1] == 0x21), None)
        _about(bench, f"interface {number}: HID descriptor", hid and hid.hex(" "), hid is not None, "one of 9 bytes")
        assert hid is not None
        length = hid[7] | hid[8] << 8
        _about(bench, f"interface {number}: type", hid[6], hid[6] == 0x22 and length, "0x22 with a length")
        setup = requests.get_descriptor(0x22, 0, number, length + 64, requests.INTERFACE)
        report = bench.get(setup)
        bench.expect(len(report) == length, f"{length} bytes, as wDescriptorLength says")
        sizes = report_sizes(report)
        bench.expect(sizes is not None, "a report descriptor that parses")
        assert sizes is not None
        for endpoint in setting.endpoints:
            if endpoint.bEndpointAddress & 0x80:
                longest = max((size for kind, size in sizes.items() if kind[0] == 0x80), default=0)
                bench.note(f"interface {number}: input reports", f"up to {longest} bytes")
                bench.expect(longest <= endpoint.max_packet_size, f"at most {endpoint.max_packet_size}")


def report_sizes(report: bytes) -> dict[tuple[int, int], int] | None:
    """Bytes of each report by (main item's tag, report id), the id's byte included; None when it does not parse.

    Input is 0x80, Output 0x90, Feature 0xB0 (HID 1.11, 6.2.2.4).
    """
    bits: Counter[tuple[int, int]] = Counter()
    size = count = identifier = depth = at = 0
    stack: list[tuple[int, int, int]] = []
    while at < len(report):
        head = report[at]
        if head == 0xFE:
            if at + 2 >= len(report):
                return None
            at += 3 + report[at + 1]
            continue
        length = (0, 1, 2, 4)[head & 3]
        if at + 1 + length > len(report):
            return None
        value = int.from_bytes(report[at + 1 : at + 1 + length], "little")
        tag = head & 0xFC
        if tag == 0x74:
            size = value
        elif tag == 0x94:
            count = value
        elif tag == 0x84:
            identifier = value
        elif tag == 0xA4:
            stack.append((size, count, identifier))
        elif tag == 0xB4:
            if not stack:
                return None
            size, count, identifier = stack.pop()
        elif tag in (0x80, 0x90, 0xB0):
            bits[tag, identifier] += size * count
        elif tag == 0xA0:
            depth += 1
        elif tag == 0xC0:
            depth -= 1
            if depth < 0:
                return None
        at += 1 + length
    if depth or at != len(report) or not report:
        return None
    return {key: (total + 7) // 8 + (1 if key[1] else 0) for key, total in bits.items()}
