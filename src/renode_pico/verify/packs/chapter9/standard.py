"""SR: the standard requests (USB 2.0, 9.4)."""

from __future__ import annotations

from collections.abc import Iterator

from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType, EndpointDescriptor
from renode_pico.usb.requests import DEVICE, ENDPOINT, INTERFACE
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.verify.bench import SET_ADDRESS_RECOVERY, Bench
from renode_pico.verify.loop import ROUNDS, Loop, letters, loop, open_ports, shown
from renode_pico.verify.table import check

HANDSHAKED = (TransferType.BULK, TransferType.INTERRUPT)
UNKNOWN_SELECTORS = {DEVICE: (0, 6, 0xFF, 0xFFFF), INTERFACE: (0, 2, 0xFF), ENDPOINT: (1, 2, 0xFF)}
TEST_J = 0x0100
STANDARD_IN = 0x80


def _descriptor(kind: int, index: int = 0, language: int = 0, length: int = 255) -> Setup:
    return requests.get_descriptor(kind, index, language, length)


def _absent_endpoint(bench: Bench) -> int:
    """An endpoint that no setting has."""
    known = {e.bEndpointAddress & 15 for setting in bench.tree.settings() for e in setting.endpoints}
    free = [number for number in range(15, 0, -1) if number not in known]
    if not free:
        bench.skip("the device has all endpoints")
    return free[0]


def _absent_interface(bench: Bench) -> int:
    return max(bench.tree.interface_numbers(), default=0) + 1


def _absent_configuration(bench: Bench) -> int:
    known = {configuration.bConfigurationValue for configuration in bench.tree.configurations}
    return next(value for value in range(0x7E, 0, -1) if value not in known)


def _loop_or_none(bench: Bench) -> Loop | None:
    """The loop, where the device has one; the device is configured in either case."""
    pair = bench.optional(lambda: loop(bench))
    if pair is None:
        bench.to_configured()
    return pair


def _passes(bench: Bench, pair: Loop, length: int, should: str) -> None:
    bench.expect(pair.passes(letters(bench, length)), f"the same {length} bytes: {should}")


@check("SR1")
def sr1(bench: Bench) -> None:
    """Reads 18 bytes in each state."""
    known = b""
    for _ in bench.in_each_state():
        data = bench.get(_descriptor(DescriptorType.DEVICE, length=18))
        known = known or data
        bench.expect(data == known and len(data) == 18, f"18 bytes, the same in each state: {known.hex(' ')}")


@check("SR2")
def sr2(bench: Bench) -> None:
    """Asks for the device, configuration and string descriptors with every length up to 64 bytes beyond their size."""
    tree = bench.tree
    wanted = [(DescriptorType.DEVICE, 0, 0), (DescriptorType.CONFIGURATION, 0, 0)]
    index = tree.descriptor.iProduct or tree.descriptor.iManufacturer
    if index:
        wanted.append((DescriptorType.STRING, index, 0x0409))
    bench.to_default()
    for kind, number, language in wanted:
        whole = bench.get(_descriptor(kind, number, language, 0xFFFF))
        for length in (*range(len(whole) + 65), 0xFFFF):
            data = bench.get(_descriptor(kind, number, language, length))
            bench.expect(data == whole[:length], f"the first {min(length, len(whole))} bytes")


@check("SR3")
def sr3(bench: Bench) -> None:
    """Asks for the configurations behind the last one."""
    count = bench.tree.descriptor.bNumConfigurations
    for _ in bench.in_each_state():
        for index in (count, count + 1, 255):
            bench.refused(_descriptor(DescriptorType.CONFIGURATION, index, length=9))


@check("SR4")
def sr4(bench: Bench) -> None:
    """Asks for them in each state."""
    for _ in bench.in_each_state():
        for kind in (DescriptorType.INTERFACE, DescriptorType.ENDPOINT, 0x42, 0xFF):
            bench.refused(_descriptor(kind))


@check("SR5")
def sr5(bench: Bench) -> None:
    """Asks for both in each state."""
    for _ in bench.in_each_state():
        bench.refused(_descriptor(DescriptorType.DEVICE_QUALIFIER, length=10))
        bench.refused(_descriptor(DescriptorType.OTHER_SPEED_CONFIGURATION, length=9))


@check("SR6")
def sr6(bench: Bench) -> None:
    """Sets each configuration in turn."""
    if "Address" in bench.states:
        bench.to_address()
        bench.expect(bench.get(requests.get_configuration()) == b"\0", "00, as it is not configured")
    for configuration in bench.tree.configurations:
        value = configuration.bConfigurationValue
        bench.to_configured(value)
        bench.expect(bench.get(requests.get_configuration()) == bytes([value]), f"{value:02x}")


@check("SR7")
def sr7(bench: Bench) -> None:
    """Unconfigures the device, looks at GET_CONFIGURATION, sends tokens where it can, and configures it again."""
    bench.to_configured()
    bench.do(requests.set_configuration(0))
    bench.expect(bench.get(requests.get_configuration()) == b"\0", "00")
    if bench.link.raw is not None:
        for endpoint in bench.tree.endpoints():
            if endpoint.bEndpointAddress & 0x80 and endpoint.type is not TransferType.ISOCHRONOUS:
                bench.expect(bench.tx_in(endpoint.bEndpointAddress) is None, "silence, as it is not configured")
    bench.configure()
    value = bench.tree.first.bConfigurationValue
    bench.expect(bench.get(requests.get_configuration()) == bytes([value]), f"{value:02x}")


@check("SR8")
def sr8(bench: Bench) -> None:
    """Asks for a configuration that does not exist, configured and not."""
    bench.to_configured()
    wrong, right = _absent_configuration(bench), bench.tree.first.bConfigurationValue
    bench.refused(requests.set_configuration(wrong))
    bench.expect(bench.get(requests.get_configuration()) == bytes([right]), f"{right:02x}, as before")
    if "Address" in bench.states:
        bench.to_address()
        bench.refused(requests.set_configuration(wrong))
        bench.expect(bench.get(requests.get_configuration()) == b"\0", "00, as before")


@check("SR9")
def sr9(bench: Bench) -> None:
    """Moves packets, configures anew, moves more; then the same with every endpoint halted and other settings."""
    pair = _loop_or_none(bench)
    said: set[bytes] = set()
    for packets in ROUNDS if pair is not None else ():
        pair = loop(bench)
        pair.packets(packets)
        bench.configure()
        open_ports(bench)
        said.add(pair.greeting(letters(bench, 3), "the same 3 bytes, DATA0 first"))
        bench.expect(len(said) == 1, "the same greeting, DATA0 first")
    for endpoint in bench.endpoints(*HANDSHAKED):
        bench.set_halt(endpoint)
    for setting in bench.tree.settings():
        if setting.bAlternateSetting == 1:
            bench.do(requests.set_interface(setting.bInterfaceNumber, 1))
    bench.configure()
    for endpoint in bench.endpoints(*HANDSHAKED):
        bench.expect(not bench.halted(endpoint), "no halt after SET_CONFIGURATION")
    for setting in bench.tree.settings():
        if setting.bAlternateSetting == 1:
            bench.expect(bench.get(requests.get_interface(setting.bInterfaceNumber)) == b"\0", "00, the first setting")


@check("SR10")
def sr10(bench: Bench) -> None:
    """Reads the status, addressed and configured."""
    own_power = bool(bench.tree.first.bmAttributes & 0x40)
    for state in bench.in_each_state():
        if state == "Default":
            continue  # 9.4.5: not specified there
        status = bench.status()
        bench.expect(not status & ~3, "D15 to D2 zero")
        bench.expect(own_power or not status & 1, "D0 zero: bmAttributes D6 says it has no power of its own")


@check("SR11")
def sr11(bench: Bench) -> None:
    """Asks each interface, and one that is not there."""
    bench.to_configured()
    for number in bench.tree.interface_numbers():
        bench.expect(bench.status(INTERFACE, number) == 0, "0")
    bench.refused(requests.get_status(INTERFACE, _absent_interface(bench)))


@check("SR12")
def sr12(bench: Bench) -> None:
    """Asks endpoint 0, each endpoint halted and not, and one that is not there."""
    bench.to_configured()
    bench.expect(bench.status(ENDPOINT, 0) == 0, "0: endpoint 0 is not halted")
    for endpoint in bench.endpoints(*HANDSHAKED):
        bench.expect(bench.status(ENDPOINT, endpoint.bEndpointAddress) == 0, "0")
        bench.set_halt(endpoint)
        bench.expect(bench.status(ENDPOINT, endpoint.bEndpointAddress) == 1, "1")
        bench.clear_halt(endpoint)
    absent = _absent_endpoint(bench)
    bench.refused(requests.get_status(ENDPOINT, absent))
    bench.refused(requests.get_status(ENDPOINT, absent | 0x80))


@check("SR13")
def sr13(bench: Bench) -> None:
    """Halts each endpoint, uses it twice, clears the halt; then those of a loop, with packets before and after."""
    pair = _loop_or_none(bench)
    endpoints = bench.endpoints(*HANDSHAKED)
    if not endpoints:
        bench.skip("the device has no bulk or interrupt endpoint")
    for endpoint in endpoints:
        bench.set_halt(endpoint)
        bench.expect(bench.halted(endpoint), "a halt")
        for _ in range(2):
            bench.expect(_used(bench, endpoint), "STALL, as the endpoint is halted")
        bench.clear_halt(endpoint)
        bench.expect(not bench.halted(endpoint), "no halt after CLEAR_FEATURE")
        if endpoint.bEndpointAddress & 0x80:
            answer = bench.read(endpoint, endpoint.max_packet_size, 0.005)
            bench.expect(not answer.stalled, "no STALL after CLEAR_FEATURE")
    for packets in ROUNDS if pair is not None else ():
        pair = loop(bench)
        pair.packets(packets)
        for endpoint in (pair.out, pair.into):
            bench.set_halt(endpoint)
            bench.clear_halt(endpoint)
        bench.expect(pair.passes(letters(bench, 3)), "the same 3 bytes, DATA0 first after CLEAR_FEATURE")


def _used(bench: Bench, endpoint: EndpointDescriptor) -> bool:
    """Whether an endpoint that is used answers STALL."""
    if endpoint.bEndpointAddress & 0x80:
        return bench.read(endpoint, endpoint.max_packet_size, 0.3).stalled
    return bench.write(endpoint, b"\0", 0.3).stalled


@check("SR14")
def sr14(bench: Bench) -> None:
    """Clears a halt that is not there, on both endpoints of a loop, with data waiting to be read."""
    for packets in ROUNDS:
        pair = loop(bench)
        pair.packets(packets)
        bench.clear_halt(pair.out)
        bench.clear_halt(pair.into)
        pair.packets(packets)
        data = letters(bench, 5)
        bench.expect(bench.write(pair.out, data).ok, "the packet taken")
        bench.run(0.02)
        bench.clear_halt(pair.into)
        came = pair.gather(len(data))
        bench.note("5 bytes that wait to be read, CLEAR_FEATURE(ENDPOINT_HALT), then IN", shown(came))
        bench.expect(came == data, "all 5 bytes, DATA0 first")


@check("SR15")
def sr15(bench: Bench) -> None:
    """Halts an endpoint, makes other requests, then ends the halt in each way that does."""
    pair = _loop_or_none(bench)
    endpoints = bench.endpoints(*HANDSHAKED)
    if not endpoints:
        bench.skip("the device has no bulk or interrupt endpoint")
    endpoint = pair.into if pair is not None else endpoints[0]
    others = [each for each in endpoints if each is not endpoint]
    bench.set_halt(endpoint)
    bench.get(_descriptor(DescriptorType.DEVICE, length=18))
    bench.status()
    bench.control(_descriptor(0xFF))
    for other in others[:2]:
        bench.set_halt(other)
        bench.clear_halt(other)
    bench.expect(bench.halted(endpoint), "still halted after other requests")
    bench.expect(_used(bench, endpoint), "STALL: still halted after other requests")
    bench.configure()
    bench.expect(not bench.halted(endpoint), "no halt after SET_CONFIGURATION")
    bench.set_halt(endpoint)
    setting = next(s for s in bench.tree.settings() if endpoint in s.endpoints)
    if bench.control(requests.set_interface(setting.bInterfaceNumber, 0)).ok:
        bench.expect(not bench.halted(endpoint), "no halt after SET_INTERFACE")
        bench.set_halt(endpoint)
    if bench.link.host is not None:
        bench.to_configured()
        bench.expect(not bench.halted(endpoint), "no halt after a reset")


@check("SR16")
def sr16(bench: Bench) -> None:
    """Sets and clears features that the recipient does not have."""
    bench.to_configured()
    endpoints = bench.endpoints(*HANDSHAKED)
    for recipient, selectors in UNKNOWN_SELECTORS.items():
        if recipient == ENDPOINT and not endpoints:
            continue
        index = endpoints[0].bEndpointAddress if recipient == ENDPOINT else 0
        for selector in selectors:
            bench.refused(requests.set_feature(selector, recipient, index))
            bench.refused(requests.clear_feature(selector, recipient, index))


@check("SR17")
def sr17(bench: Bench) -> None:
    """Sets and clears the feature, reads the status, and resets."""
    can_wake = bool(bench.tree.first.bmAttributes & 0x20)
    bench.to_configured()
    if not can_wake:
        bench.refused(requests.set_feature(requests.DEVICE_REMOTE_WAKEUP))
        bench.expect(not bench.status() & 2, "D1 zero")
        return
    bench.do(requests.set_feature(requests.DEVICE_REMOTE_WAKEUP))
    bench.expect(bench.status() & 2, "D1 set")
    bench.do(requests.clear_feature(requests.DEVICE_REMOTE_WAKEUP))
    bench.expect(not bench.status() & 2, "D1 zero after CLEAR_FEATURE")
    if bench.link.host is not None:
        bench.do(requests.set_feature(requests.DEVICE_REMOTE_WAKEUP))
        bench.to_configured()
        bench.expect(not bench.status() & 2, "D1 zero after a reset")


@check("SR18")
def sr18(bench: Bench) -> None:
    """Sets TEST_MODE with Test_J, in each state."""
    for _ in bench.in_each_state():
        bench.refused(requests.set_feature(requests.TEST_MODE, DEVICE, TEST_J))


@check("SR19")
def sr19(bench: Bench) -> None:
    """Asks each interface, one that is not there, and the first one in the Address state."""
    bench.to_configured()
    for number in bench.tree.interface_numbers():
        bench.expect(bench.get(requests.get_interface(number)) == b"\0", "00, the first setting")
    bench.refused(requests.get_interface(_absent_interface(bench)))
    if "Address" in bench.states:
        bench.to_address()
        bench.refused(requests.get_interface(bench.tree.interface_numbers()[0]))


@check("SR20")
def sr20(bench: Bench) -> None:
    """Selects each setting and one that is not there; an interface with one setting may refuse that one, too."""
    bench.to_configured()
    for number in bench.tree.interface_numbers():
        settings = [s for s in bench.tree.settings() if s.bInterfaceNumber == number]
        for setting in (*settings, settings[0]):
            answer = bench.control(requests.set_interface(number, setting.bAlternateSetting))
            if len(settings) == 1 and answer.stalled:
                continue
            bench.expect(answer.ok, "the setting selected")
            came = bench.get(requests.get_interface(number))
            bench.expect(came == bytes([setting.bAlternateSetting]), f"{setting.bAlternateSetting:02x}")
        bench.refused(requests.set_interface(number, len(settings)))
        bench.expect(bench.get(requests.get_interface(number)) == b"\0", "00, as before")
    bench.refused(requests.set_interface(_absent_interface(bench), 0))


@check("SR21")
def sr21(bench: Bench) -> None:
    """Moves packets through a loop before and after SET_INTERFACE of another interface and of its own."""
    pair = loop(bench)
    settings = list(bench.tree.settings())
    mine = next(setting for setting in settings if pair.out in setting.endpoints)
    other = next((each for each in settings if each.bInterfaceNumber != mine.bInterfaceNumber), None)
    for packets in ROUNDS:
        pair = loop(bench)
        pair.packets(packets)
        if other is not None and bench.control(requests.set_interface(other.bInterfaceNumber, 0)).ok:
            _passes(bench, pair, 3, "the toggles of another interface stay")
        if not bench.control(requests.set_interface(mine.bInterfaceNumber, 0)).ok:
            bench.skip("the interface has one setting and refuses SET_INTERFACE, as it may")
        bench.begin_toggles(list(mine.endpoints))
        _passes(bench, pair, 3, "DATA0 first after SET_INTERFACE")


@check("SR22")
def sr22(bench: Bench) -> None:
    """Asks endpoint 0 and each endpoint that is not isochronous."""
    bench.to_configured()
    for address in (0, *(endpoint.bEndpointAddress for endpoint in bench.endpoints(*HANDSHAKED))):
        bench.refused(requests.synch_frame(address))


@check("SR23")
def sr23(bench: Bench) -> None:
    """Sets the device descriptor to what it is, and a string."""
    bench.to_configured()
    device = bench.tree.device
    if bench.control(requests.set_descriptor(DescriptorType.DEVICE, 0, 0, len(device)), device).ok:
        bench.expect(bench.get(_descriptor(DescriptorType.DEVICE, length=18)) == device, "what was set")
    else:
        bench.expect(bench.came == "STALL", "STALL, or the descriptor taken")
    text = bytes([8, 3, *"ABC".encode("utf-16-le")])
    answer = bench.control(requests.set_descriptor(DescriptorType.STRING, 1, 0x0409, len(text)), text)
    if answer.ok:
        bench.expect(bench.get(_descriptor(DescriptorType.STRING, 1, 0x0409)) == text, "what was set")
    else:
        bench.expect(answer.stalled, "STALL, or the descriptor taken")


def _reserved() -> Iterator[Setup]:
    for number in (2, 4, *range(13, 256)):
        yield Setup(STANDARD_IN, number, 0, 0, 8)
    for kind in (0x60, 0xE0):
        yield Setup(kind, 0, 0, 0, 2 if kind & 0x80 else 0)
    for recipient in range(4, 32):
        yield Setup(STANDARD_IN | recipient, 0, 0, 0, 2)


@check("SR24")
def sr24(bench: Bench) -> None:
    """Makes all of them, a descriptor read in between."""
    bench.to_configured()
    for number, setup in enumerate(_reserved()):
        bench.refused(setup)
        if number % 16 == 0:
            bench.get(_descriptor(DescriptorType.DEVICE, length=18))


@check("SR25")
def sr25(bench: Bench) -> None:
    """Makes requests with fields that nothing specifies; after each the device is reset and read."""
    odd = (
        Setup(0x80, 0, 0x1234, 0, 2),
        Setup(0x80, 0, 0, 0, 1),
        Setup(0x80, 0, 0, 0, 64),
        Setup(0x80, 8, 0, 0, 5),
        Setup(0x00, 6, 0x0100, 0, 0),
        Setup(0x00, 0, 0, 0, 0),
        Setup(0x80, 9, 1, 0, 0),
        Setup(0x80, 5, 9, 0, 0),
        Setup(0x00, 5, 0x00FF, 0, 0),
        Setup(0x00, 5, 0x1234, 7, 0),
        Setup(0x00, 9, 0x0101, 0, 0),
        Setup(0x00, 9, 1, 3, 0),
        Setup(0x81, 10, 5, 0, 1),
        Setup(0x00, 1, 0, 0, 0),
        Setup(0x82, 12, 0, 0, 2),
    )
    for setup in odd:
        bench.to_configured()
        bench.control(setup, timeout=1.0)
        bench.run(SET_ADDRESS_RECOVERY)
        bench.to_configured()
        data = bench.get(_descriptor(DescriptorType.DEVICE, length=18))
        bench.expect(data == bench.tree.device, f"the device descriptor, after {setup}")


@check("SR26")
def sr26(bench: Bench) -> None:
    """Makes class and vendor requests to an interface and an endpoint that are not there."""
    bench.to_configured()
    interface, endpoint = _absent_interface(bench), _absent_endpoint(bench)
    for kind in (0x20, 0x40):
        for recipient, index in ((INTERFACE, interface), (ENDPOINT, endpoint)):
            bench.refused(Setup(0x80 | kind | recipient, 0x21, 0, index, 7))
            bench.refused(Setup(kind | recipient, 0x22, 3, index, 0))
