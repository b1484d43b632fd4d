"""The DFU runtime interface, and four functions in one device (firmware/apps/dfu_runtime.py, composite_four.py)."""

from __future__ import annotations

import struct

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall
from renode_pico.usb.transfer import Setup
from tests.system.classes.conftest import endpoints_of, interface_of, on_a_board, started

pytestmark = on_a_board

DETACH, DNLOAD, GETSTATUS, GETSTATE = 0, 1, 3, 5


def test_dfu_runtime(pico: Board) -> None:
    console, device = started(pico, "import dfu_runtime\nleft = []\nd = dfu_runtime.start(left.append)")
    interface = interface_of(device, 0xFE, 1)
    assert (interface.bInterfaceProtocol, interface.endpoints) == (1, ())
    (functional,) = interface.extra
    assert struct.unpack("<BBBHHH", functional) == (9, 0x21, 0x09, 1000, 256, 0x0110)
    number = interface.bInterfaceNumber
    assert device.control_in(Setup(0xA1, GETSTATE, 0, number, 1)) == b"\0"
    assert device.control_in(Setup(0xA1, GETSTATUS, 0, number, 6)) == bytes(6)
    with pytest.raises(Stall):
        device.control_out(Setup(0x21, DNLOAD, 0, number, 4), bytes(4))
    assert console.eval("len(left)") == 0
    device.control_out(Setup(0x21, DETACH, 1000, number, 0))
    assert console.eval("left == [d]") is True
    assert device.control_in(Setup(0xA1, GETSTATE, 0, number, 1)) == b"\x01"


def test_four_functions_in_one_device(pico: Board) -> None:
    console, device = started(pico, "import composite_four\nk, m, s, d = composite_four.start()")
    assert device.configuration.bNumInterfaces == 5
    assert {"Keyboard", "MIDI", "RAM disk", "DFU runtime"} <= set(device.strings.values())
    keyboard = interface_of(device, 3, 1)
    midi = interface_of(device, 1, 3)
    disk = interface_of(device, 8, 6)
    dfu = interface_of(device, 0xFE, 1)

    # All at once: a disk command under way, a MIDI event and a key press, with control requests between.
    disk_in, disk_out = endpoints_of(device, disk)
    disk_out.write(struct.pack("<IIIBBB16s", 0x43425355, 1, 512, 0x80, 0, 10, bytes.fromhex("28000000000000000100")))
    device.control_out(Setup(0x21, 0x0A, 0, keyboard.bInterfaceNumber, 0))  # SET_IDLE
    midi_in, midi_out = endpoints_of(device, midi)
    console.exec("m.on_event = lambda *event: heard.append(event); heard = []")
    midi_out.write(bytes.fromhex("09903c40"))
    console.exec("k.press(4)")
    assert device.control_in(Setup(0xA1, GETSTATE, 0, dfu.bInterfaceNumber, 1)) == b"\0"
    assert console.eval("heard") == [(9, 0x90, 60, 64)]
    keys = device.endpoint(keyboard.endpoints[0].bEndpointAddress)
    assert keys.read(8)[2] == 4
    assert disk_in.read(512) == bytes(512)
    assert struct.unpack("<IIIB", disk_in.read(13)) == (0x53425355, 1, 0, 0)
    console.exec("m.note_on(64)")
    assert midi_in.read(64) == bytes.fromhex("09904040")
