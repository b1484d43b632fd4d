"""TinyUSB's drivers at the other end: the programs firmware/chip/usb_*, through the drivers of `usb.classes`."""

from __future__ import annotations

from array import array

import mido
import pytest

from renode_pico.board import Board
from renode_pico.errors import Timeout, UsageError, UsbError
from renode_pico.usb.classes.dfu import DfuError, State
from renode_pico.usb.classes.hid import ReportKind, Usage, hids
from renode_pico.usb.classes.msc import CommandFailed
from renode_pico.usb.device import Device

VENDOR = 0xFF000000
"""Page of the box's usages: 0x10 to 0x17 in, 0x20 to 0x27 out, 0x30 to 0x33 of the feature."""

composite = pytest.mark.pico(firmware="chip/usb_composite", temper="strict")
instrument = pytest.mark.pico(firmware="chip/usb_instrument", temper="strict")


@composite
@pytest.mark.row("R6.hid")
def test_a_keyboard_and_reports_with_numbers(pico: Board, usb: Device) -> None:
    keyboard, box = hids(usb)
    port = pico.cdc(0)
    port.write(b"hello")
    assert keyboard.typed(until="hello") == "hello"
    keyboard.set_leds(caps_lock=True, scroll_lock=True)
    assert keyboard.get(ReportKind.OUTPUT).pressed == {Usage.CAPS_LOCK, Usage.SCROLL_LOCK}
    assert box.report_ids == {ReportKind.INPUT: (1, 2), ReportKind.OUTPUT: (2,), ReportKind.FEATURE: (2,)}
    port.write(b"M")
    mouse = box.read()
    assert (mouse.id, mouse[Usage.X], mouse[Usage.Y], mouse[Usage.WHEEL]) == (1, 5, -3, 1)
    assert Usage.BUTTON_2 in mouse.pressed
    assert Usage.BUTTON_1 not in mouse.pressed
    for control in (False, True):
        box.set({VENDOR | 0x20: 7, VENDOR | 0x27: 9}, 2, control=control)
        answer = box.read()
        assert (answer.id, answer.raw) == (2, bytes([2, 8, 1, 1, 1, 1, 1, 1, 10]))
    box.set({VENDOR | 0x31: 0xAB}, 2, ReportKind.FEATURE)
    assert box.get(ReportKind.FEATURE, 2).values == {
        VENDOR | 0x30: 0,
        VENDOR | 0x31: 0xAB,
        VENDOR | 0x32: 0,
        VENDOR | 0x33: 0,
    }
    with pytest.raises(UsageError, match="no HID output report 1"):
        box.set({VENDOR | 0x20: 7}, 1)
    with pytest.raises(UsageError, match="is not 0 to 255"):
        box.set({VENDOR | 0x20: 256}, 2)
    with pytest.raises(Timeout):
        box.read(timeout=0.02)


@composite
@pytest.mark.row("R6.mass-storage")
def test_a_disk_with_a_file_system(usb: Device) -> None:
    disk = usb.msc.disk
    assert (disk.inquiry().vendor, disk.inquiry().product) == ("TinyUSB", "Disk in RAM")
    with disk.file_system() as files:
        assert files.readtext("/README.TXT") == "from a disk in RAM\n"
        files.writetext("/new.txt", "x" * 700)
    with disk.file_system() as files:
        assert sorted(files.listdir("/")) == ["README.TXT", "new.txt"]
        assert files.readtext("/new.txt") == "x" * 700
    with pytest.raises(CommandFailed, match=r"NOT READY \(ASC 0x3a"):  # so says TinyUSB of any write that fails
        disk.write(64, bytes(512))
    with pytest.raises(CommandFailed, match="ILLEGAL REQUEST"):
        disk.command(bytes([0xD5, 0, 0, 0, 0, 0]))
    disk.eject()
    assert not disk.ready()
    sense = disk.sense()
    assert (sense.key, sense.code) == (2, 0x3A)
    disk.load()
    assert disk.ready()
    assert disk.read(3)[:6] == b"from a"


@composite
@pytest.mark.row("R6.midi")
def test_midi_messages_come_back(usb: Device) -> None:
    messages = [
        mido.Message("control_change", control=7, value=99, channel=4),
        mido.Message("program_change", program=3),
        mido.Message("songpos", pos=300),
        mido.Message("clock"),
        *(mido.Message("sysex", data=range(length)) for length in range(6)),
    ]
    for message in messages:
        usb.midi.send(message)
        assert usb.midi.receive() == message
    usb.midi.send_bytes(bytes.fromhex("f0 01 02 f7"))
    assert [usb.midi.read_packets() for _ in range(2)] == [b"\x04\xf0\x01\x02", b"\x05\xf7\x00\x00"], "table 4-1"


@instrument
@pytest.mark.row("R6.usbtmc")
def test_an_instrument_is_asked(usb: Device) -> None:
    meter = usb.usbtmc
    assert meter.usb488
    assert meter.capabilities[0] == 1
    assert meter.query("*IDN?") == "renode-pico,meter,0002,1.0"
    for length in (1, 51, 52, 53, 500, 1500):
        message = bytes(at & 0xFF for at in range(length))
        meter.write(message)
        assert meter.status_byte() & 0x10
        assert meter.read() == message
        assert not meter.status_byte() & 0x10
    meter.trigger()
    meter.pulse()
    assert meter.status_byte() & 0x03 == 0x03
    meter.clear()
    assert meter.status_byte() & 0x01 == 0
    assert meter.query("*IDN?").startswith("renode-pico")
    with pytest.raises(UsbError):
        meter.remote()


@instrument
@pytest.mark.row("R6.dfu")
def test_a_memory_is_downloaded_and_uploaded(usb: Device) -> None:
    dfu = usb.dfu
    assert not dfu.runtime
    assert dfu.alternates == {0: "first", 1: "second"}
    content = bytes(range(200))
    dfu.download(content)
    assert dfu.state() is State.IDLE
    assert dfu.upload() == content
    assert dfu.upload(limit=100) == content[:100]
    with pytest.raises(DfuError) as failed:
        dfu.download(bytes(300))
    assert (failed.value.status, dfu.state()) == (8, State.ERROR)
    dfu.clear_status()
    dfu.select(1)
    with pytest.raises(DfuError) as failed:
        dfu.download(b"x")
    assert failed.value.status == 3
    dfu.clear_status()
    assert dfu.status().state is State.IDLE


@instrument
@pytest.mark.row("R6.webusb")
def test_what_browsers_and_windows_are_told(usb: Device) -> None:
    platform = usb.platform
    assert len(platform.capabilities) == 2
    assert platform.landing_page() == "https://example.org/pico"
    microsoft = platform.ms_os_20()
    assert microsoft.compatible_ids == {2: ("WINUSB", "")}
    assert microsoft.properties == {"DeviceInterfaceGUIDs": "{975F44D9-0D08-43FD-8B3E-127CA8AFFF9D}"}
    assert platform.ms_os_10() == {}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.pico(firmware=f"chip/usb_{kind}", temper="strict"))
        for kind in ("ncm", "ecm")
    ],
)
@pytest.mark.row("R6.{kind}")
def test_ethernet_frames_go_out_and_come_back(usb: Device, kind: str) -> None:
    net = usb.net
    assert (net.ncm, net.mac, net.max_segment) == (kind == "ncm", "02021A2B3C4D", 1514)
    net.wait_connected()
    head, back = bytes(range(12)), bytes([*range(6, 12), *range(6)])
    for length in (60, 64, 127, 128, 500, 1500, 1514):
        rest = bytes(at & 0xFF for at in range(length - 12))
        net.send(head + rest)
        assert net.receive() == back + rest
    frames = [head + bytes([number]) * (50 + 7 * number) for number in range(5)]
    if net.ncm:
        net.send_together(frames)
    else:
        for frame in frames:
            net.send(frame)
    assert [net.receive() for _ in frames] == [back + frame[12:] for frame in frames]
    with pytest.raises(Timeout):
        net.receive(timeout=0.02)


@pytest.mark.pico(firmware="chip/usb_audio", temper="strict")
@pytest.mark.row("R6.audio")
def test_what_is_played_is_recorded(usb: Device) -> None:
    audio = usb.audio
    assert (audio.version, audio.rate(), audio.rates(), audio.volume_range()) == (
        2,
        16000,
        ((16000, 16000),),
        (-50.0, 0.0),
    )
    audio.set_volume(-12.5)
    audio.set_mute(True)
    assert (audio.volume(), audio.mute()) == (-12.5, True)
    assert [(each.channels, each.bits) for each in audio.formats] == [(1, 16), (1, 16)]
    samples = array("h", (7 * number - 3000 for number in range(800)))
    audio.play(samples)
    recorded = audio.record(0.08)
    assert len(recorded) == 1280
    start = recorded.index(
        samples[16]
    )  # TinyUSB sends the packet that it had prepared when the stream was opened first
    assert list(recorded[start : start + 700]) == list(samples[16:716])


@pytest.mark.pico(firmware="chip/usb_video", temper="strict")
@pytest.mark.row("R6.video")
def test_pictures_come_from_a_camera(pico: Board, usb: Device) -> None:
    camera = usb.video
    (wanted,) = camera.formats
    assert (wanted.fourcc, wanted.width, wanted.height, wanted.intervals) == ("YUY2", 32, 24, (1_000_000,))
    agreed = camera.start()
    assert (agreed.interval, agreed.max_frame_size) == (1_000_000, 32 * 24 * 2)
    begun = pico.engine.now
    pictures = [camera.frame() for _ in range(4)]
    assert pictures == [bytes([number]) * 1536 for number in range(4)]
    assert 0.3 < pico.engine.now - begun < 0.5
    camera.stop()
    with pytest.raises(UsageError, match="not started"):
        camera.frame()
