"""Descriptors of any class, and those that lie."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from usb_protocol.types.descriptors.standard import DeviceDescriptor as ReferenceDevice
from usb_protocol.types.descriptors.standard import EndpointDescriptor as ReferenceEndpoint
from usb_protocol.types.descriptors.standard import InterfaceDescriptor as ReferenceInterface

from renode_pico.errors import DescriptorError
from renode_pico.usb.descriptors import (
    parse_bos,
    parse_configuration,
    parse_device,
    parse_languages,
    string_text,
)
from renode_pico.usb.transfer import TransferType
from tests.unit.usb.fake_device import CDC_CONFIGURATION, DEVICE_DESCRIPTOR, string_descriptor

CONFIGURATION = "09 02 {total:02x} 00 {interfaces:02x} 01 00 80 32"
INTERFACE = "09 04 {number:02x} {alternate:02x} {endpoints:02x} ff 00 00 00"
BULK_IN, BULK_OUT = "07 05 81 02 40 00 00", "07 05 01 02 40 00 00"


def interface(number: int = 0, alternate: int = 0, endpoints: int = 0) -> str:
    return INTERFACE.format(number=number, alternate=alternate, endpoints=endpoints)


def configuration(*parts: str, interfaces: int = 1, total: int | None = None) -> bytes:
    body = bytes.fromhex(" ".join(parts))
    length = len(body) + 9 if total is None else total
    return bytes.fromhex(CONFIGURATION.format(total=length, interfaces=interfaces)) + body


def test_should_read_a_device_descriptor_as_usb_protocol_does() -> None:
    ours = parse_device(DEVICE_DESCRIPTOR)
    theirs = ReferenceDevice.parse(DEVICE_DESCRIPTOR)
    assert (ours.idVendor, ours.idProduct, ours.bMaxPacketSize0) == (
        theirs.idVendor,
        theirs.idProduct,
        theirs.bMaxPacketSize0,
    )
    assert (ours.bDeviceClass, ours.bDeviceSubClass, ours.bDeviceProtocol) == (
        theirs.bDeviceClass,
        theirs.bDeviceSubclass,
        theirs.bDeviceProtocol,
    )
    assert (ours.iManufacturer, ours.iProduct, ours.iSerialNumber, ours.bNumConfigurations) == (
        theirs.iManufacturer,
        theirs.iProduct,
        theirs.iSerialNumber,
        theirs.bNumConfigurations,
    )
    assert ours.bcdUSB == 0x0200
    assert ours.raw == DEVICE_DESCRIPTOR


def test_should_build_the_tree_of_a_cdc_device() -> None:
    tree = parse_configuration(CDC_CONFIGURATION)
    assert [each.bFunctionClass for each in tree.associations] == [2]
    assert [each.bInterfaceClass for each in tree.interfaces] == [2, 10]
    assert [len(each) for each in tree.interfaces[0].extra] == [5, 5, 4, 5]
    assert [each.bEndpointAddress for each in tree.interfaces[1].endpoints] == [0x02, 0x82]
    notification = tree.interfaces[0].endpoints[0]
    assert (notification.type, notification.max_packet_size, notification.interval) == (TransferType.INTERRUPT, 8, 16)
    assert tree.raw == CDC_CONFIGURATION
    for setting in tree.settings:
        theirs = ReferenceInterface.parse(setting.raw)
        assert (setting.bInterfaceNumber, setting.bInterfaceClass) == (theirs.bInterfaceNumber, theirs.bInterfaceClass)
        for endpoint in setting.endpoints:
            reference = ReferenceEndpoint.parse(endpoint.raw)
            assert (endpoint.bEndpointAddress, endpoint.wMaxPacketSize) == (
                reference.bEndpointAddress,
                reference.wMaxPacketSize,
            )


def test_should_keep_alternate_settings_and_descriptors_in_their_place() -> None:
    tree = parse_configuration(
        configuration(
            "03 41 07",
            interface(0, 0),
            "04 24 01 02",
            interface(0, 1, 1),
            "07 05 83 05 ff 03 04",
            "03 25 aa",
            "03 25 bb",
        )
    )
    assert tree.extra == (b"\x03\x41\x07",)
    assert [(each.bAlternateSetting, each.extra) for each in tree.settings] == [(0, (b"\x04\x24\x01\x02",)), (1, ())]
    assert len(tree.interfaces) == 1
    endpoint = tree.setting(0, 1).endpoints[0]
    assert endpoint.extra == (b"\x03\x25\xaa", b"\x03\x25\xbb")
    assert (endpoint.type, endpoint.max_packet_size, endpoint.interval) == (TransferType.ISOCHRONOUS, 1023, 8)
    with pytest.raises(DescriptorError, match="no interface 0 with alternate setting 2"):
        tree.setting(0, 2)


def test_should_accept_longer_standard_descriptors() -> None:
    tree = parse_configuration(configuration(interface(0, 0, 1), "09 05 81 01 40 00 01 02 03"))
    assert len(tree.interfaces[0].endpoints[0].raw) == 9


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (configuration(interface(), "00 24"), "offset 18: bLength is 0"),
        (configuration(interface(), "01 24"), "offset 18: bLength is 1"),
        (configuration(interface(), "09 24 01"), "offset 18: bLength is 9, but only 3 bytes"),
        (configuration(interface(), total=17), "wTotalLength is 17, but 18 bytes"),
        (configuration(interface(), total=99), "wTotalLength is 99, but 18 bytes"),
        (configuration(interface(), interfaces=2), "bNumInterfaces is 2, but 1"),
        (configuration(BULK_IN, interface()), "offset 9: an endpoint descriptor before any interface"),
        (configuration(interface(endpoints=2), BULK_IN), "offset 13: bNumEndpoints of interface 0.* is 2, but 1"),
        (configuration(interface(endpoints=0), BULK_IN), "bNumEndpoints of interface 0.* is 0, but 1"),
        (configuration(interface(endpoints=2), BULK_IN, BULK_IN), "endpoint 0x81 twice"),
        (configuration(interface(endpoints=1), "07 05 80 02 40 00 00"), "bEndpointAddress 0x80 is not allowed"),
        (configuration(interface(endpoints=1), "06 05 81 02 40 00"), "offset 18: endpoint with bLength 6"),
        (configuration(interface(), interface()), "described twice"),
        (configuration("08 04 00 00 00 ff 00 00"), "offset 9: interface with bLength 8"),
        (configuration("08 0b 00 02 02 02 00 00", interface()), "association of 0 to 1, but interface 1"),
        (configuration("07 0b 00 01 02 02 00", interface()), "interface association with bLength 7"),
        (configuration(interface(), "09 02 12 00 01 01 00 80 32"), "CONFIGURATION descriptor in the middle"),
        (b"", "0 bytes, too few"),
        (b"\x09", "1 bytes, too few"),
        (b"\x09\x02\x09\x00", "9 and 4 bytes, it needs 9"),
        (DEVICE_DESCRIPTOR, "bDescriptorType is 1, not 2"),
    ],
)
def test_should_say_where_and_how_a_configuration_lies(data: bytes, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        parse_configuration(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DEVICE_DESCRIPTOR[:17], "18 and 17 bytes, it needs 18"),
        (b"\x11" + DEVICE_DESCRIPTOR[1:], "bLength is 17, but 18"),
        (b"\x13" + DEVICE_DESCRIPTOR[1:], "bLength is 19, but 18"),
        (DEVICE_DESCRIPTOR[:7] + b"\x07" + DEVICE_DESCRIPTOR[8:], "bMaxPacketSize0 is 7"),
        (b"\x12\x02" + DEVICE_DESCRIPTOR[2:], "bDescriptorType is 2, not 1"),
    ],
)
def test_should_say_how_a_device_descriptor_lies(data: bytes, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        parse_device(data)


def test_should_read_strings_and_languages() -> None:
    assert string_text(string_descriptor("Größe 𝄞")) == "Größe 𝄞"
    assert string_text(b"\x02\x03") == ""
    assert parse_languages(b"\x06\x03\x09\x04\x07\x04") == (0x0409, 0x0407)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x06\x03a\0", "bLength is 6, but 4"),
        (b"\x03\x03a", "not a whole number"),
        (b"\x04\x02a\0", "bDescriptorType is 2"),
        (b"", "too few"),
    ],
)
def test_should_say_how_a_string_lies(data: bytes, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        string_text(data)


def test_should_read_a_bos() -> None:
    bos = parse_bos(bytes.fromhex("05 0f 0c 00 01 07 10 02 02 00 00 00"))
    assert bos.capabilities == (bytes.fromhex("07 10 02 02 00 00 00"),)
    with pytest.raises(DescriptorError, match="bNumDeviceCaps is 2, but 1"):
        parse_bos(bytes.fromhex("05 0f 0c 00 02 07 10 02 02 00 00 00"))


@given(st.binary(max_size=120))
@example(b"\x09\x02\x09\x00\x00\x01\x00\x80\x32")
def test_should_parse_or_refuse_any_bytes(data: bytes) -> None:
    for parse in (parse_device, parse_configuration, parse_bos, parse_languages, string_text):
        with suppress(DescriptorError):
            assert parse(data) is not None


@given(st.data())
def test_should_parse_or_refuse_a_configuration_with_any_byte_changed(data: st.DataObject) -> None:
    changed = bytearray(CDC_CONFIGURATION)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        tree = parse_configuration(bytes(changed))
    except DescriptorError:
        return
    assert tree.bNumInterfaces == len({each.bInterfaceNumber for each in tree.settings})
