"""Class drivers against a device of plain Python: what no firmware here does, and devices that do it wrong."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renode_pico.errors import Stall, UsageError, UsbError
from renode_pico.usb.classes import audio, keys
from renode_pico.usb.classes.ethernet import NDP16, NTH16, frames_of
from renode_pico.usb.classes.hid import Hid, ReportKind, Usage
from renode_pico.usb.classes.midi import event_packets
from renode_pico.usb.classes.platform import Platform
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.transfer import Setup
from tests.unit.usb.conftest import Bench
from tests.unit.usb.fake_device import DEVICE_DESCRIPTOR

Answers = dict[tuple[int, int, int, int], bytes]
"""Answers of a device by bmRequestType, bRequest, wValue and wIndex."""


def device_of(bench: Bench, configuration: str, answers: Answers | None = None, version: int = 0x0200) -> Device:
    """A device with these descriptors behind the head of its configuration."""
    body = bytes.fromhex(configuration)
    interfaces = len({body[at + 2] for at in starts(body) if body[at + 1] == 4})
    head = struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), interfaces, 1, 0, 0x80, 50)
    bench.device.descriptors[2, 0] = head + body
    bench.device.descriptors[1, 0] = DEVICE_DESCRIPTOR[:2] + version.to_bytes(2, "little") + DEVICE_DESCRIPTOR[4:]

    def answer(setup: Setup, data: bytes) -> object:
        return (answers or {}).get((setup.bmRequestType, setup.bRequest, setup.wValue, setup.wIndex), NotImplemented)

    bench.device.on_request = answer
    return enumerate_device(bench.host)


def starts(body: bytes) -> list[int]:
    found, at = [], 0
    while at < len(body):
        found.append(at)
        at += body[at]
    return found


# HID

SIGNED_AND_BUTTONS = bytes.fromhex(
    "0501 0904 a101 8501"  # joystick, report 1
    "1581 257f 7508 9502 0930 0931 8102"  # X and Y, signed bytes
    "0509 1901 2903 1500 2501 7501 9503 8102 7505 9501 8101"  # three buttons, five bits of padding
    "0507 1900 2965 1500 2565 7508 9502 8100"  # two keys as an array
    "8502 0508 1901 2903 1500 2501 7501 9503 9102 7505 9501 9101 c0"  # report 2: three LEDs
)
HID = "0904 00 00 01 03 00 00 00  0921 1101 00 01 22 {length}  0705 81 03 0800 0a"


def joystick(bench: Bench) -> Hid:
    length = len(SIGNED_AND_BUTTONS)
    answers = {(0x81, 6, 0x2200, 0): SIGNED_AND_BUTTONS, (0x21, 0x0A, 0, 0): b""}
    bench.device.add(0x81, max_packet_size=8)
    return device_of(bench, HID.format(length=length.to_bytes(2, "little").hex()), answers).hid


def test_should_read_reports_by_usage(bench: Bench) -> None:
    stick = joystick(bench)
    assert stick.application == Usage.JOYSTICK
    bench.device.send(0x81, bytes([1, 0x80 + 3, 5, 0b101, 4, 0]))
    report = stick.read()
    assert (report.id, report[Usage.X], report[Usage.Y]) == (1, -125, 5)
    assert report.pressed == {Usage.X, Usage.Y, Usage.BUTTON_1, Usage.BUTTON_3, 0x70004}
    assert stick.encode(
        ReportKind.INPUT, {Usage.X: -125, Usage.Y: 5, Usage.BUTTON_1: 1, Usage.BUTTON_3: 1, 0x70004: 1}, 1
    ) == (report.raw)


def test_should_refuse_reports_that_are_none(bench: Bench) -> None:
    stick = joystick(bench)
    for data, message in ((b"\x01\x00", "2 bytes instead of 6"),):
        with pytest.raises(UsbError, match=message):
            stick.decode(ReportKind.INPUT, data)
    with pytest.raises(UsageError, match="no HID input report 9"):
        stick.decode(ReportKind.INPUT, bytes([9, 0, 0, 0, 0, 0]))
    with pytest.raises(UsageError, match="is not -127 to 127"):
        stick.encode(ReportKind.INPUT, {Usage.X: 128}, 1)


def test_should_light_leds_of_a_report_with_a_number(bench: Bench) -> None:
    stick = joystick(bench)
    sent = []

    def answer(setup: Setup, data: bytes) -> object:
        if (setup.bmRequestType, setup.bRequest) != (0x21, 9):
            return NotImplemented
        if data:
            sent.append((setup.wValue, data))
        return b""

    bench.device.on_request = answer
    stick.set_leds(num_lock=True, scroll_lock=True)
    assert sent == [(0x0202, b"\x02\x05")]


def test_should_know_what_an_american_keyboard_types() -> None:
    letters = "".join(keys.character(code) for code in range(0x04, 0x39))
    assert letters == "abcdefghijklmnopqrstuvwxyz1234567890\n\x1b\b\t -=[]\\;'`,./"
    shifted = "".join(keys.character(code, shift=True) for code in range(0x04, 0x39))
    assert shifted == 'ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()\n\x1b\b\t _+{}|:"~<>?'
    assert [keys.character(0x04, shift, caps) for shift in (False, True) for caps in (False, True)] == [
        "a",
        "A",
        "A",
        "a",
    ]
    assert [keys.character(0x1E, caps=True), keys.character(0x59), keys.character(0x04 - 1), keys.character(0xE0)] == [
        "1",
        "1",
        "",
        "",
    ]


# MIDI


@pytest.mark.parametrize(
    ("message", "packets"),
    [
        ("90 3c 64", "09 90 3c 64"),
        ("c3 05", "0c c3 05 00"),
        ("f1 11", "02 f1 11 00"),
        ("f2 11 22", "03 f2 11 22"),
        ("f6", "05 f6 00 00"),
        ("f8", "0f f8 00 00"),
        ("f0 f7", "06 f0 f7 00"),
        ("f0 01 f7", "07 f0 01 f7"),
        ("f0 01 02 f7", "04 f0 01 02 05 f7 00 00"),
        ("f0 01 02 03 04 f7", "04 f0 01 02 07 03 04 f7"),
    ],
)
def test_should_cut_messages_as_table_4_1_says(message: str, packets: str) -> None:
    assert b"".join(event_packets(bytes.fromhex(message))) == bytes.fromhex(packets)
    on_cable_2 = b"".join(event_packets(bytes.fromhex(message), 2))
    assert [code >> 4 for code in on_cable_2[::4]] == [2] * (len(on_cable_2) // 4)


@pytest.mark.parametrize(("message", "cable"), [("", 0), ("40", 0), ("90 00 00", 16)])
def test_should_refuse_what_is_no_midi_message(message: str, cable: int) -> None:
    with pytest.raises(UsageError, match="MIDI"):
        event_packets(bytes.fromhex(message), cable)


MIDI = """0904 00 00 00 01 01 00 00  0924 01 0001 0900 01 01
          0904 01 00 02 01 03 00 00  0705 01 02 4000 00  0705 81 02 4000 00"""


def test_should_keep_cables_apart(bench: Bench) -> None:
    bench.device.add(0x01)
    bench.device.add(0x81)
    midi = device_of(bench, MIDI).midi
    bench.device.send(0x81, bytes.fromhex("09903c40 14f00102 19904041 15f70000"))
    assert midi.receive() == mido.Message("note_on", note=60, velocity=64)
    assert midi.received(0.001, cable=1) == [mido.Message("note_on", channel=0, note=64, velocity=65)]


# Ethernet


def block(*frames: bytes, signature: int = NDP16) -> bytes:
    data = b"".join(frames)
    places, at = b"", 12
    for frame in frames:
        places += struct.pack("<HH", at, len(frame))
        at += len(frame)
    table = struct.pack("<IHH", signature, 8 + len(places) + 4, 0) + places + bytes(4)
    return struct.pack("<IHHHH", NTH16, 12, 1, 12 + len(data) + len(table), at) + data + table


@given(st.lists(st.binary(min_size=14, max_size=60), min_size=1, max_size=5))
def test_should_find_the_frames_of_a_block(frames: list[bytes]) -> None:
    assert frames_of(block(*frames)) == frames
    checked = [frame + b"\x01\x02\x03\x04" for frame in frames]
    assert frames_of(block(*checked, signature=0x314D434E)) == frames


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:11], "a block of 11 bytes"),
        (lambda data: b"X" + data[1:], "the block's header"),
        (lambda data: data[:8] + b"\xff\x00" + data[10:], "the block's header"),
        (lambda data: data[:10] + b"\xf0\x00" + data[12:], "a table of frames at 240"),
        (lambda data: data[:26] + b"X" + data[27:], "the table of frames at 26"),
        (lambda data: data[:36] + b"\xff\x00" + data[38:], "a frame of 255 bytes"),
    ],
)
def test_should_refuse_a_block_that_is_none(change: Callable[[bytes], bytes], message: str) -> None:
    with pytest.raises(UsbError, match=message):
        frames_of(change(block(bytes(14))))


# Audio

UAC1 = """0904 00 00 00 01 01 00 00  0924 01 0001 2700 01 01  0c24 02 01 0102 00 01 0000 00 00
          0924 06 02 01 01 03 00 00  0924 03 03 0101 00 02 00
          0904 01 00 00 01 02 00 00
          0904 01 01 01 01 02 00 00  0724 01 03 01 0100  0e24 02 01 01 02 10 02 401f00 803e00
          0905 81 05 2200 01 00 00  0725 01 01 00 0000"""


def test_should_record_from_a_microphone_of_uac_1(bench: Bench) -> None:
    answers = {
        (0xA2, 0x81, 0x0100, 0x81): b"\x40\x1f\x00",
        (0xA1, 0x81, 0x0200, 0x0200): struct.pack("<h", -384),
        (0xA1, 0x82, 0x0200, 0x0200): struct.pack("<h", -2560),
        (0xA1, 0x83, 0x0200, 0x0200): b"\0\0",
        (0xA1, 0x81, 0x0100, 0x0200): b"\x01",
    }
    microphone = bench.device.add(0x81, isochronous=True)
    device = device_of(bench, UAC1, answers)
    sound = device.audio
    (found,) = sound.formats
    assert (sound.version, found.channels, found.subslot, found.bits, found.rates) == (1, 1, 2, 16, (8000, 16000))
    assert (sound.rate(), sound.rates()) == (8000, ((8000, 8000), (16000, 16000)))
    assert (sound.volume(), sound.volume_range(), sound.mute()) == (-1.5, (-10.0, 0.0), True)
    for number in range(4):
        microphone.packets.append(array("h", range(8 * number, 8 * number + 8)).tobytes())
    assert list(sound.record(0.006)) == list(range(32))
    with pytest.raises(UsageError, match="no PCM stream out"):
        sound.play(array("h", [1]))


@pytest.mark.parametrize("subslot", [1, 2, 3, 4])
@given(data=st.data())
def test_should_give_samples_back_as_they_were(subslot: int, data: st.DataObject) -> None:
    limit = 1 << 8 * subslot - 1
    samples = data.draw(st.lists(st.integers(-limit, limit - 1), max_size=20))
    packed = audio.encode(array(audio._CODES[4 if subslot == 3 else subslot], samples), subslot)
    assert len(packed) == subslot * len(samples)
    assert list(audio.decode(packed, subslot)) == samples


# Platform

VENDOR = "0904 00 00 00 ff 00 00 00"


def test_should_read_what_microsofts_first_descriptors_say(bench: Bench) -> None:
    bench.device.descriptors[3, 0xEE] = b"\x12\x03" + "MSFT100".encode("utf-16-le") + b"\x21\0"
    ids = struct.pack("<IHHB7x", 40, 0x0100, 4, 1) + struct.pack("<BB8s8s6x", 0, 1, b"WINUSB", b"SUB")
    platform = device_of(bench, VENDOR, {(0xC0, 0x21, 0, 4): ids}).platform
    assert platform.ms_os_10() == {0: ("WINUSB", "SUB")}
    bench.device.on_request = lambda setup, data: ids[:-1] if setup.bRequest == 0x21 else NotImplemented
    with pytest.raises(UsbError, match="39 bytes"):
        platform.ms_os_10()


def test_should_say_what_a_device_does_not_tell(bench: Bench) -> None:
    platform: Platform = device_of(bench, VENDOR).platform
    assert (platform.capabilities, platform.ms_os_10()) == ({}, {})
    with pytest.raises(UsageError, match="no WebUSB"):
        platform.landing_page()
    with pytest.raises(UsageError, match=r"no MS OS 2\.0"):
        platform.ms_os_20()


def test_should_refuse_descriptor_sets_that_are_not_whole(bench: Bench) -> None:
    uuid = bytes.fromhex("df60ddd889 45c74c9cd2659d9e648a9f".replace(" ", ""))
    capability = bytes([28, 16, 5, 0]) + uuid + struct.pack("<IHBB", 0x06030000, 14, 0x20, 0)
    bench.device.descriptors[0x0F, 0] = struct.pack("<BBHB", 5, 15, 33, 1) + capability
    answers = {(0xC0, 0x20, 0, 7): struct.pack("<HHIH", 10, 0, 0x06030000, 14) + b"\x03\x00\x03\x00"}
    device = device_of(bench, VENDOR, answers, version=0x0201)
    assert device.problems == ()
    with pytest.raises(UsbError, match="offset 10: wLength is 3"):
        device.platform.ms_os_20()
    answers[0xC0, 0x20, 0, 7] = answers[0xC0, 0x20, 0, 7][:13]
    with pytest.raises(UsbError, match="14 bytes announced, 13 came"):
        device.platform.ms_os_20()


def test_should_find_nothing_in_a_device_that_has_nothing(bench: Bench) -> None:
    device = device_of(bench, VENDOR)
    for name in ("hid", "msc", "midi", "dfu", "usbtmc", "net", "audio", "video"):
        with pytest.raises(UsageError, match="the device has no"):
            getattr(device, name)


# Mass storage

DISK = "0904 00 00 02 08 06 50 00  0705 01 02 4000 00  0705 81 02 4000 00"


def test_should_reset_a_disk_whose_status_is_none(bench: Bench) -> None:
    bench.device.add(0x01)
    bench.device.add(0x81)
    resets = []

    def answer(setup: Setup, data: bytes) -> object:
        if (setup.bmRequestType, setup.bRequest) == (0x21, 0xFF):
            resets.append(setup)
            return b""
        return NotImplemented

    device = device_of(bench, DISK)
    bench.device.on_request = answer
    assert device.msc.units == 1
    for status in (b"USBS" + bytes(9), b"USBS\x02\0\0\0" + bytes(4) + b"\x02", b"short"):
        bench.device.send(0x81, status)
        with pytest.raises(UsbError, match="it was reset"):
            device.msc.disk.ready()
    assert len(resets) == 3


def test_should_read_the_status_though_the_data_is_stalled(bench: Bench) -> None:
    bench.device.add(0x01)
    source = bench.device.add(0x81)
    device = device_of(bench, DISK)
    source.halted = True
    bench.later(20_000_000, lambda: None)
    bench.device.send(0x81, b"USBS\x01\0\0\0" + struct.pack("<IB", 36, 1))
    answer = device.msc.command(bytes([0x12, 0, 0, 0, 36, 0]), length=36)
    assert (answer.data, answer.status, answer.residue) == (b"", 1, 36)
    with pytest.raises(Stall):
        device.control_out(Setup(0x21, 0xFF, 0, 0))
