"""Enumeration and the standard requests (USB 2.0, chapter 9)."""

from __future__ import annotations

import json

import pytest

from renode_pico.clock import NS_PER_MS
from renode_pico.errors import DescriptorError, Disconnected, Stall, Timeout, UsageError
from renode_pico.usb import requests
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.lsusb import device_dict, format_device, format_line
from renode_pico.usb.temper import Temper
from renode_pico.usb.transfer import Setup, TransferType
from tests.unit.usb.conftest import Bench


@pytest.fixture
def device(bench: Bench) -> Device:
    for address in (0x02, 0x81, 0x82):
        bench.device.add(address)
    return enumerate_device(bench.host)


def test_should_enumerate_as_linux_does(bench: Bench, device: Device) -> None:
    seen = [(setup.bRequest, setup.wValue, setup.wLength) for setup in bench.device.requests]
    assert seen == [
        (6, 0x0100, 64),
        (5, 1, 0),
        (6, 0x0100, 18),
        (6, 0x0200, 9),
        (6, 0x0200, 75),
        (6, 0x0300, 255),
        (6, 0x0301, 255),
        (6, 0x0302, 255),
        (6, 0x0303, 255),
        (6, 0x0304, 255),
        (9, 1, 0),
    ]
    assert len(bench.device.logged("reset begin")) == 2
    assert bench.device.logged("SETUP 1.0")[0] - bench.device.logged("SETUP 0.0")[-1] > 2 * NS_PER_MS


def test_should_know_what_it_is(device: Device) -> None:
    assert (device.address, device.descriptor.idVendor, device.descriptor.idProduct) == (1, 0x2E8A, 0x0005)
    assert (device.manufacturer, device.product, device.serial_number) == (
        "MicroPython",
        "Board in FS mode",
        "e6614103e7452d2f",
    )
    assert device.strings[4] == "Board CDC"
    assert device.languages == (0x0409,)
    assert device.configuration.bConfigurationValue == 1
    assert device.pipe(0x82).type is TransferType.BULK
    assert device.pipe(0x81).interval == 16
    assert device.pipe(0) is device.control_pipe


@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_should_learn_the_size_of_control_packets_from_the_first_answer(bench: Bench, size: int) -> None:
    descriptor = bytearray(bench.device.descriptors[1, 0])
    descriptor[7] = size
    bench.device.descriptors[1, 0] = bytes(descriptor)
    device = enumerate_device(bench.host, address=99)
    assert (device.control_pipe.max_packet_size, device.address) == (size, 99)
    assert device.device_descriptor == bytes(descriptor)


def test_should_do_without_strings_that_are_stalled(bench: Bench) -> None:
    del bench.device.descriptors[3, 2]
    device = enumerate_device(bench.host)
    assert device.product is None
    assert device.serial_number == "e6614103e7452d2f"


def test_should_do_without_any_strings(bench: Bench) -> None:
    del bench.device.descriptors[3, 0]
    assert enumerate_device(bench.host).strings == {}


def test_should_ask_for_strings_in_the_first_language_of_the_table(bench: Bench) -> None:
    bench.device.descriptors[3, 0] = b"\x06\x03\x07\x04\x09\x04"
    enumerate_device(bench.host)
    languages = {setup.wIndex for setup in bench.device.requests if setup.wValue >> 8 == 3 and setup.wValue & 0xFF}
    assert languages == {0x0407}


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ((1, 0), b"\x12\x01\x00\x02", "first request"),
        ((1, 0), b"\x12\x01\x00\x02\x00\x00\x00\x09" + bytes(10), "bMaxPacketSize0 is 9"),
        ((2, 0), b"\x09\x02\x00\x00\x00\x01\x00\x80\x32", "wTotalLength is 0"),
        ((2, 0), b"\x09\x02\x40\x00\x00\x01\x00\x80\x32", "wTotalLength is 64, but 9 bytes"),
        ((2, 0), b"\x09\x02\x09", "asked for 9 bytes, the device sent 3"),
        ((3, 1), b"\x20\x03a\0", "bLength is 32, but 4"),
    ],
)
def test_should_name_the_lie_of_a_device(bench: Bench, key: tuple[int, int], content: bytes, message: str) -> None:
    bench.device.descriptors[key] = content
    with pytest.raises(DescriptorError, match=message):
        enumerate_device(bench.host, temper=Temper.STRICT)


def test_should_give_up_on_a_device_that_never_answers(bench: Bench) -> None:
    bench.device.control_delay_ns = 60_000 * NS_PER_MS
    begun = bench.clock.now_ns
    with pytest.raises(Timeout, match="bRequest=0x05"):
        enumerate_device(bench.host)
    assert bench.clock.now_ns - begun < 22_000 * NS_PER_MS


def test_should_wait_for_a_device_to_attach(bench: Bench) -> None:
    bench.device.pull_up(False)
    with pytest.raises(Timeout, match="attach"):
        enumerate_device(bench.host, timeout=1)


def test_should_refuse_an_address_that_does_not_exist(bench: Bench) -> None:
    with pytest.raises(UsageError):
        enumerate_device(bench.host, address=128)


def test_should_read_and_write_endpoints(bench: Bench, device: Device) -> None:
    bench.device.send(0x82, b"from the device")
    assert device.endpoint(0x82).read(64) == b"from the device"
    assert device.endpoint(0x02).write(bytes(64), zero_packet=True) == 64
    assert bench.device.endpoints[0x02].taken == [bytes(64), b""]
    with pytest.raises(UsageError, match="no endpoint 0x05"):
        device.endpoint(0x05)
    with pytest.raises(UsageError, match="cannot be read"):
        device.endpoint(0x02).read(1)
    with pytest.raises(UsageError, match="cannot be written"):
        device.endpoint(0x82).write(b"x")


def test_should_clear_a_halt_on_both_sides(bench: Bench, device: Device) -> None:
    endpoint = device.endpoint(0x02)
    endpoint.write(b"one packet, so that DATA1 is next")
    device.set_halt(0x02)
    assert device.get_status_endpoint(0x02) == 1
    with pytest.raises(Stall):
        endpoint.write(b"refused")
    endpoint.clear_halt()
    assert device.get_status_endpoint(0x02) == 0
    endpoint.write(b"again")
    assert bench.device.tokens[-1][1].startswith("OUT 1.2 DATA0")
    assert bench.device.endpoints[0x02].taken[-1] == b"again"


def test_should_make_the_standard_requests(bench: Bench, device: Device) -> None:
    assert device.get_status() == 0
    device.set_remote_wakeup(True)
    assert device.get_status() == 2
    device.set_remote_wakeup(False)
    assert device.get_status() == 0
    assert device.get_configuration() == 1
    assert device.get_interface(0) == 0
    device.set_interface(1, 0)
    assert bench.device.requests[-1] == Setup(0x01, 11, 0, 1, 0)
    with pytest.raises(DescriptorError, match="alternate setting 5"):
        device.set_interface(1, 5)
    device.set_configuration(0)
    with pytest.raises(UsageError, match="not configured"):
        device.endpoint(0x02)


def test_should_start_all_endpoints_with_data0_after_set_configuration(bench: Bench, device: Device) -> None:
    device.endpoint(0x02).write(b"x")
    for endpoint in bench.device.endpoints.values():
        endpoint.toggle = type(endpoint.toggle).DATA0
    device.set_configuration(1)
    device.endpoint(0x02).write(b"y")
    assert bench.device.endpoints[0x02].taken == [b"x", b"y"]


def test_should_say_that_the_device_has_left(bench: Bench, device: Device) -> None:
    bench.device.pull_up(False)
    bench.device.pull_up(True)
    bench.host.wait_attach_count(2)
    assert not device.present
    for action in (device.get_status, lambda: device.endpoint(0x02).write(b"x"), lambda: device.endpoint(0x82).read(1)):
        with pytest.raises(Disconnected, match="2e8a:0005"):
            action()


def test_should_refuse_control_requests_in_the_wrong_direction(device: Device) -> None:
    with pytest.raises(UsageError):
        device.control_in(Setup(0x40, 1))
    with pytest.raises(UsageError):
        device.control_out(Setup(0xC0, 1, wLength=1))


@pytest.mark.parametrize(
    ("setup", "packed"),
    [
        (requests.get_status(), "80 00 00 00 00 00 02 00"),
        (requests.get_status(requests.ENDPOINT, 0x81), "82 00 00 00 81 00 02 00"),
        (requests.clear_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, 0x81), "02 01 00 00 81 00 00 00"),
        (requests.set_feature(requests.DEVICE_REMOTE_WAKEUP), "00 03 01 00 00 00 00 00"),
        (requests.set_address(5), "00 05 05 00 00 00 00 00"),
        (requests.get_descriptor(3, 2, 0x0409, 255), "80 06 02 03 09 04 ff 00"),
        (requests.get_descriptor(0x22, 0, 1, 64, requests.INTERFACE), "81 06 00 22 01 00 40 00"),
        (requests.set_descriptor(3, 1, 0x0409, 4), "00 07 01 03 09 04 04 00"),
        (requests.get_configuration(), "80 08 00 00 00 00 01 00"),
        (requests.set_configuration(1), "00 09 01 00 00 00 00 00"),
        (requests.get_interface(2), "81 0a 00 00 02 00 01 00"),
        (requests.set_interface(2, 1), "01 0b 01 00 02 00 00 00"),
        (requests.synch_frame(0x84), "82 0c 00 00 84 00 02 00"),
    ],
)
def test_should_pack_the_standard_requests(setup: Setup, packed: str) -> None:
    assert setup.pack() == bytes.fromhex(packed)


def test_should_print_the_tree_as_lsusb_does(device: Device) -> None:
    assert format_line(device) == "Bus 001 Device 001: ID 2e8a:0005 MicroPython Board in FS mode"
    lines = format_device(device).splitlines()
    for line in (
        "  bcdUSB               2.00",
        "  bDeviceClass          239 Miscellaneous Device",
        "  bDeviceProtocol         1 Interface Association",
        "  idVendor           0x2e8a ",
        "  iSerial                 3 e6614103e7452d2f",
        "    wTotalLength       0x004b",
        "    MaxPower            250mA",
        "      bFunctionSubClass       2 Abstract (modem)",
        "      iInterface              4 Board CDC",
        "      CDC Union:",
        "        bSlaveInterface         1 ",
        "        bEndpointAddress     0x82  EP 2 IN",
        "          Transfer Type            Bulk",
        "        wMaxPacketSize     0x0040  1x 64 bytes",
    ):
        assert line in lines


HID_AND_MORE = bytes.fromhex(
    "0902 3700 02 01 00 e0 32"
    "0904 00 00 01 03 01 01 00"
    "0921 1101 00 01 22 4100"
    "0705 81 03 0800 0a"
    "0904 01 00 01 ff 12 34 00"
    "05 ff 01 02 03"
    "0705 83 0d ff03 01"
)


def test_should_decode_hid_and_show_what_it_does_not_know(bench: Bench) -> None:
    bench.device.descriptors[2, 0] = HID_AND_MORE
    text = format_device(enumerate_device(bench.host)).splitlines()
    for line in (
        "    bmAttributes         0xe0",
        "      Self Powered",
        "      Remote Wakeup",
        "      bInterfaceProtocol      1 Keyboard",
        "        HID Device Descriptor:",
        "          bcdHID               1.11",
        "          bCountryCode            0 Not supported",
        "          bDescriptorType        34 Report",
        "          wDescriptorLength      65",
        "      bInterfaceClass       255 Vendor Specific Class",
        "      ** UNRECOGNIZED:  05 ff 01 02 03",
        "          Transfer Type            Isochronous",
        "          Synch Type               Synchronous",
        "        wMaxPacketSize     0x03ff  1x 1023 bytes",
    ):
        assert line in text, line


def test_should_read_the_bos_of_a_device_that_may_have_one(bench: Bench) -> None:
    descriptor = bytearray(bench.device.descriptors[1, 0])
    descriptor[2:4] = b"\x10\x02"
    bench.device.descriptors[1, 0] = bytes(descriptor)
    assert enumerate_device(bench.host).bos is None
    bench.device.descriptors[0x0F, 0] = bytes.fromhex("05 0f 0c 00 01 07 10 02 02 00 00 00")
    device = enumerate_device(bench.host)
    assert device.bos is not None
    assert device.bos.bNumDeviceCaps == 1
    assert "Binary Object Store Descriptor:" in format_device(device)


def test_should_give_everything_as_json(device: Device) -> None:
    tree = json.loads(json.dumps(device_dict(device)))
    assert tree["idVendor"] == 0x2E8A
    assert tree["configurations"][0]["settings"][1]["endpoints"][0]["bEndpointAddress"] == 2
    assert tree["strings"]["4"] == "Board CDC"
