"""The keyboard of firmware/apps/hid_keyboard.py, against HID 1.11."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall, Timeout
from renode_pico.micropython.repl import Repl
from renode_pico.usb.device import Device, Endpoint
from renode_pico.usb.transfer import Setup
from tests.system.classes.conftest import interface_of, on_a_board, started

pytestmark = on_a_board

START = "import hid_keyboard\nk = hid_keyboard.start()"
GET_REPORT, GET_IDLE, GET_PROTOCOL, SET_REPORT, SET_IDLE, SET_PROTOCOL = 0x01, 0x02, 0x03, 0x09, 0x0A, 0x0B
INPUT, OUTPUT, FEATURE = 0x0100, 0x0200, 0x0300
REPORT_DESCRIPTOR = 0x22
RELEASED = bytes(8)


def quiet(pico: Board) -> tuple[Repl, Device, Endpoint]:
    """A keyboard that the host has told to report changes only, as hosts do."""
    console, device = started(pico, START)
    device.control_out(Setup(0x21, SET_IDLE, 0, 0, 0))
    keys = device.endpoint(0x81)
    while True:  # what it had reported before
        try:
            keys.read(8, timeout=0.05)
        except Timeout:
            return console, device, keys


def test_descriptors(pico: Board) -> None:
    _, device = started(pico, START)
    interface = interface_of(device, 3, 1)
    assert interface.bInterfaceProtocol == 1
    (hid,) = interface.extra
    assert struct.unpack("<BBHBBBH", hid)[1:] == (0x21, 0x0111, 0, 1, REPORT_DESCRIPTOR, hid[7])
    report = device.control_in(Setup(0x81, 6, REPORT_DESCRIPTOR << 8, 0, 255))
    assert len(report) == hid[7]
    assert report[:6] == bytes.fromhex("0501 0906 a101")
    assert report[-1] == 0xC0
    assert device.control_in(Setup(0x81, 6, 0x2100, 0, 9)) == hid
    with pytest.raises(Stall):
        device.control_in(Setup(0x81, 6, 0x2300, 0, 255))
    assert [each.bInterval for each in interface.endpoints] == [8]
    assert device.strings[interface.iInterface] == "Keyboard"


def test_typing(pico: Board) -> None:
    console, _, keys = quiet(pico)
    console.exec("k.type('aZ1 !\\n\\t~é')")
    reports = [keys.read(8) for _ in range(14)]
    pressed = [(0, 0x04), (2, 0x1D), (0, 0x1E), (0, 0x2C), (2, 0x1E), (0, 0x28), (0, 0x2B)]
    assert reports == [report for shift, key in pressed for report in (bytes((shift, 0, key, 0, 0, 0, 0, 0)), RELEASED)]
    assert [keys.read(8) for _ in range(2)] == [bytes((2, 0, 0x35, 0, 0, 0, 0, 0)), RELEASED]
    with pytest.raises(Timeout):
        keys.read(8, timeout=0.1)


def test_idle_repeats_the_report(pico: Board) -> None:
    _, device, keys = quiet(pico)
    assert device.control_in(Setup(0xA1, GET_IDLE, 0, 0, 1)) == b"\0"
    with pytest.raises(Timeout):
        keys.read(8, timeout=1.0)
    device.control_out(Setup(0x21, SET_IDLE, 5 << 8, 0, 0))  # 20 ms
    assert device.control_in(Setup(0xA1, GET_IDLE, 0, 0, 1)) == b"\x05"
    times = []
    for _ in range(5):
        assert keys.read(8) == RELEASED
        times.append(pico.engine.now)
    assert all(0.010 < later - sooner < 0.030 for sooner, later in pairwise(times))


def test_leds_by_output_report(pico: Board) -> None:
    console, device, _ = quiet(pico)
    assert console.eval("k.leds") == 0
    device.control_out(Setup(0x21, SET_REPORT, OUTPUT, 0, 1), b"\x02")  # Caps Lock
    assert console.eval("k.leds") == 2
    assert pico.engine.gpio(25) is True
    assert device.control_in(Setup(0xA1, GET_REPORT, OUTPUT, 0, 1)) == b"\x02"
    device.control_out(Setup(0x21, SET_REPORT, OUTPUT, 0, 1), b"\x01")  # Num Lock
    assert console.eval("k.leds") == 1
    assert pico.engine.gpio(25) is False
    with pytest.raises(Stall):
        device.control_out(Setup(0x21, SET_REPORT, FEATURE, 0, 1), b"\0")


def test_get_report_and_protocol(pico: Board) -> None:
    console, device, keys = quiet(pico)
    assert device.control_in(Setup(0xA1, GET_REPORT, INPUT, 0, 8)) == RELEASED
    assert device.control_in(Setup(0xA1, GET_PROTOCOL, 0, 0, 1)) == b"\x01"
    device.control_out(Setup(0x21, SET_PROTOCOL, 0, 0, 0))
    assert device.control_in(Setup(0xA1, GET_PROTOCOL, 0, 0, 1)) == b"\0"
    console.exec("k.press(4)")
    assert keys.read(8)[2] == 4
    for setup in (Setup(0xA1, 0x04, 0, 0, 1), Setup(0xA1, GET_REPORT, FEATURE, 0, 1)):
        with pytest.raises(Stall):
            device.control_in(setup)
    with pytest.raises(Stall):
        device.control_out(Setup(0x21, 0x0C, 0, 0, 0))
    pico.enumerate()
    assert pico.device.control_in(Setup(0xA1, GET_PROTOCOL, 0, 0, 1)) == b"\x01"  # a reset brings the report protocol
