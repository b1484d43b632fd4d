"""The class drivers of `renode_pico.usb.classes` with the examples of firmware/apps."""

from __future__ import annotations

import mido
import pytest

from renode_pico.board import Board
from renode_pico.errors import Timeout, UsageError
from renode_pico.usb.classes.dfu import State
from renode_pico.usb.classes.hid import ReportKind, Usage
from renode_pico.usb.classes.msc import CommandFailed
from tests.system.classes.conftest import on_a_board, started

pytestmark = on_a_board


@pytest.mark.row("R6.hid")
def test_a_keyboard_types_text_and_shows_its_leds(pico: Board) -> None:
    console, usb = started(pico, "import hid_keyboard\nk = hid_keyboard.start()\nseen = []\nk.on_leds = seen.append")
    keyboard = usb.hid
    assert usb.hid is keyboard
    assert keyboard.application == Usage.KEYBOARD
    assert keyboard.report_ids == {ReportKind.INPUT: (0,), ReportKind.OUTPUT: (0,), ReportKind.FEATURE: ()}
    console.exec("k.type('Hello, World!\\n')")
    assert keyboard.typed() == "Hello, World!\n"
    keyboard.set_leds(caps_lock=True)
    keyboard.set_leds(num_lock=True)
    assert console.exec("print(seen)").strip() == b"[2, 1]"
    console.exec("k.press(0x04, 0x02)")
    report = keyboard.read()
    assert report.pressed == {0x70004, 0x700E1}
    assert report[0x70004] == 1
    assert keyboard.get().raw == bytes(8)
    with pytest.raises(UsageError, match="no usage"):
        keyboard.set({Usage.X: 1})
    assert keyboard.get_protocol()


@pytest.mark.row("R6.mass-storage")
def test_a_disk_is_read_written_and_formatted(pico: Board) -> None:
    console, usb = started(pico, "import msc_ramdisk\ns = msc_ramdisk.start(64)")
    disk = usb.msc.disk
    assert usb.msc.units == 1
    inquiry = disk.inquiry()
    assert (inquiry.device_type, inquiry.removable) == (0, True)
    assert disk.ready()
    assert (disk.block_count, disk.block_size, disk.write_protected) == (64, 512, False)
    content = bytes(range(256)) * 6
    disk.write(5, content)
    assert disk.read(5, 3) == content
    assert (
        console.exec("b = bytearray(512)\ns.disk.readblocks(6, b)\nprint(b == bytes(range(256)) * 2)").strip()
        == b"True"
    )
    with pytest.raises(CommandFailed, match="ILLEGAL REQUEST") as failed:
        disk.read(64)
    assert (failed.value.sense.key, failed.value.sense.code) == (5, 0x21)
    assert disk.ready()
    file = disk.open()
    file.seek(5 * 512 + 250)
    file.write(b"across two blocks")
    assert disk.read(5, 3) == content[:250] + b"across two blocks" + content[267:]


@pytest.mark.row("R6.mass-storage")
def test_the_file_system_on_a_disk_is_shared_with_the_board(pico: Board) -> None:
    make = "import msc_ramdisk, vfs\ns = msc_ramdisk.start(64)\nv = vfs.VfsFat(s.disk)\nvfs.mount(v, '/d')\n"
    write = "f = open('/d/board.txt', 'w')\nf.write('from the board')\nf.close()\nvfs.umount('/d')"
    console, usb = started(pico, make + write)
    with usb.msc.disk.file_system() as files:
        assert files.readtext("/BOARD.TXT") == "from the board"
        files.writetext("/host.txt", "from the host")
    console.exec("v = vfs.VfsFat(s.disk)\nvfs.mount(v, '/d')")
    assert console.exec("print(open('/d/host.txt').read())").strip() == b"from the host"


@pytest.mark.row("R6.midi")
def test_messages_go_through_a_midi_device(pico: Board) -> None:
    console, usb = started(pico, "import midi_device\nm = midi_device.start()")
    midi = usb.midi
    midi.send(mido.Message("note_on", note=60, velocity=100))
    assert midi.receive() == mido.Message("note_on", note=72, velocity=100)
    console.exec("m.note_on(64, 1, 3)\nm.note_off(64, 2, 3)")
    assert midi.received() == [
        mido.Message("note_on", note=64, velocity=1, channel=3),
        mido.Message("note_off", note=64, velocity=2, channel=3),
    ]
    with pytest.raises(Timeout):
        midi.receive(timeout=0.01)
    with pytest.raises(UsageError, match="status byte"):
        midi.send_bytes(b"\x40\x40")


@pytest.mark.row("R6.dfu")
def test_an_application_is_told_to_detach(pico: Board) -> None:
    console, usb = started(pico, "import dfu_runtime\nd = dfu_runtime.start(on_detach=lambda _: print('detach'))")
    dfu = usb.dfu
    assert dfu.runtime
    assert dfu.status().state is State.APP_IDLE
    dfu.detach()
    assert b"detach" in console.exec("import time; time.sleep_ms(20)")


def test_a_device_without_such_a_function_says_so(pico: Board) -> None:
    _, usb = started(pico, "import dfu_runtime\nd = dfu_runtime.start()")
    for name in ("hid", "msc", "midi", "usbtmc", "net", "audio", "video"):
        with pytest.raises(UsageError, match="the device has no"):
            getattr(usb, name)
