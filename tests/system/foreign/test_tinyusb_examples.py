"""TinyUSB's own device examples: each enumerates under a strict host and does what its source says that it does."""

from __future__ import annotations

from array import array
from itertools import pairwise

import mido
import pytest

from renode_pico.board import Board
from renode_pico.errors import Timeout
from renode_pico.usb.cdc import LineCoding
from renode_pico.usb.classes.audio import Audio, Direction
from renode_pico.usb.classes.dfu import State
from renode_pico.usb.classes.hid import ReportKind, Usage, hids
from renode_pico.usb.classes.msc import CommandFailed
from renode_pico.usb.classes.video import videos
from renode_pico.usb.device import Device
from renode_pico.usb.transfer import Setup

pytestmark = pytest.mark.row("R7.do-their-jobs")

VOLUME_DECREMENT = 0x000C00EA
CONSUMER_CONTROL = 0x000C0001
README = "This is tinyusb's MassStorage Class demo.\r\n"
BARS = [
    *(bytes((235, 128, 235, 128)), bytes((219, 16, 219, 138)), bytes((188, 154, 188, 16)), bytes((173, 42, 173, 26))),
    *(bytes((78, 214, 78, 230)), bytes((63, 102, 63, 240)), bytes((32, 240, 32, 118)), bytes((16, 128, 16, 128))),
]
"""The eight colours of the cameras' picture, two pixels of YUY2 each."""


def example(name: str) -> pytest.MarkDecorator:
    """The board of a test: one of TinyUSB's examples, a host that forgives nothing."""
    return pytest.mark.pico(firmware=f"tinyusb/{name}", temper="strict")


# Serial ports and disks


@example("cdc_msc")
def test_cdc_msc(pico: Board, usb: Device) -> None:
    port = pico.cdc(0)
    port.set_line_coding(LineCoding(9600))
    assert port.get_line_coding() == LineCoding(9600)
    text = bytes(range(256)) * 2
    port.write(text)
    assert _read(port, len(text)) == text
    disk = usb.msc.disk
    assert (disk.inquiry().vendor, disk.inquiry().product) == ("TinyUSB", "Mass Storage")
    with disk.file_system() as files:
        assert files.readtext("/README.TXT").startswith(README)
        files.writetext("/new.txt", "x" * 700)
    with disk.file_system() as files:
        assert files.readtext("/new.txt") == "x" * 700
    disk.eject()
    assert not disk.ready()


@example("cdc_dual_ports")
def test_cdc_dual_ports(pico: Board, usb: Device) -> None:
    lower, upper = pico.cdc(0), pico.cdc(1)
    for port in (lower, upper):
        port.write(b"Hello 1")
        assert _read(lower, 7) == b"hello 1"
        assert _read(upper, 7) == b"HELLO 1"


@example("dynamic_configuration")
def test_dynamic_configuration(pico: Board, usb: Device) -> None:
    port = pico.cdc(0)
    port.write(b"ab\r")  # what it said when the port was opened is sent with its first answer
    assert port.read_until(b"ab\r\n") == b"\r\nTinyUSB CDC MSC device example\r\nab\r\n"
    assert usb.midi.receive().type == "note_on"
    first = usb.descriptor.idProduct
    pico.engine.run(0.005)  # a reset in the microseconds after a transfer is the end of TinyUSB 0.18 (docs/host.md)
    pico.press("bootsel")
    pico.host.reset()
    other = pico.enumerate()
    assert other.descriptor.idProduct != first
    with other.msc.disk.file_system() as files:
        assert files.readtext("/README.TXT").startswith(README)


@example("msc_dual_lun")
def test_msc_dual_lun(pico: Board, usb: Device) -> None:
    storage = usb.msc
    assert storage.units == 2
    for number in (0, 1):
        disk = storage.unit(number)
        with disk.file_system() as files:
            assert files.readtext(f"/README{number}.TXT").startswith(f"LUN{number}: This is tinyusb's")
        block = bytes([number]) * 512
        disk.write(15, block)
        assert disk.read(15) == block
    assert storage.unit(0).read(15) == bytes(512)
    with pytest.raises(CommandFailed, match="ILLEGAL REQUEST"):
        storage.unit(0).command(bytes([0xD5, 0, 0, 0, 0, 0]))
    pico.press("bootsel")
    assert [storage.unit(number).ready() for number in (0, 1)] == [True, False]


# HID


@example("hid_composite")
def test_hid_composite(pico: Board, usb: Device) -> None:
    hid = usb.hid
    assert hid.report_ids[ReportKind.INPUT] == (1, 2, 3, 4)
    pico.press("bootsel")
    keyboard, mouse, consumer, gamepad = (hid.read() for _ in range(4))
    assert [each.id for each in (keyboard, mouse, consumer, gamepad)] == [1, 2, 3, 4]
    assert keyboard.pressed == {0x00070004}  # a
    assert (mouse[Usage.X], mouse[Usage.Y]) == (5, 5)
    assert consumer[CONSUMER_CONTROL] == VOLUME_DECREMENT & 0xFFFF or VOLUME_DECREMENT in consumer.pressed
    assert Usage.BUTTON_1 in gamepad.pressed
    assert gamepad[Usage.HAT_SWITCH] == 1
    pico.press("bootsel", False)
    released = hid.read()
    while released.id != 1 or released.pressed:
        released = hid.read(timeout=0.1)
    hid.set_leds(caps_lock=True)
    pico.engine.run(0.3)
    assert pico.led()
    hid.set_leds()
    pico.engine.run(0.005)
    assert not pico.led()
    usb.set_feature(1)  # DEVICE_REMOTE_WAKEUP
    pico.host.suspend()
    pico.press("bootsel")
    pico.host.wait_resumed(timeout=0.5)
    assert hid.read().id in (1, 2, 3, 4)


@example("hid_boot_interface")
def test_hid_boot_interface(pico: Board, usb: Device) -> None:
    keyboard, mouse = hids(usb)
    assert [each.interface.bInterfaceProtocol for each in (keyboard, mouse)] == [1, 2]
    for hid in (keyboard, mouse):
        assert hid.get_protocol()
        hid.set_protocol(report=False)
        assert not hid.get_protocol()
    pico.press("bootsel")
    assert keyboard.read().raw == bytes([0, 0, 0x4F, 0, 0, 0, 0, 0])  # right arrow, as a BIOS reads it
    assert mouse.read().raw[:3] == bytes([0, 5, 5])
    pico.press("bootsel", False)
    while keyboard.read().pressed:
        pass
    keyboard.set_leds(caps_lock=True)
    pico.engine.run(0.3)
    assert pico.led()


@example("hid_multiple_interface")
def test_hid_multiple_interface(pico: Board, usb: Device) -> None:
    keyboard, mouse = hids(usb)
    assert [each.application for each in (keyboard, mouse)] == [Usage.KEYBOARD, Usage.MOUSE]
    with pytest.raises(Timeout):
        mouse.read(timeout=0.03)
    pico.press("bootsel")
    assert keyboard.typed(until="a") == "a"
    report = mouse.read()
    assert (report[Usage.X], report[Usage.Y]) == (5, 5)
    pico.press("bootsel", False)
    while keyboard.read().pressed:
        pass


@example("hid_generic_inout")
def test_hid_generic_inout(usb: Device) -> None:
    hid = usb.hid
    assert hid.application >> 16 == 0xFF00
    for control in (False, True):
        data = bytes(range(int(control), 64 + int(control)))
        hid.send(data, control=control)
        assert hid.read().raw == data


# MIDI, instruments, firmware upgrade, the web


@example("midi_test")
def test_midi_test(pico: Board, usb: Device) -> None:
    messages = [usb.midi.receive() for _ in range(6)]
    begun = pico.engine.now
    messages += [usb.midi.receive() for _ in range(2)]
    assert 0.28 < pico.engine.now - begun < 0.29
    usb.midi.send(mido.Message("note_on", note=1))  # it throws away what it is sent, and has to go on
    messages += [usb.midi.receive() for _ in range(2)]
    on, off = messages[::2], messages[1::2]
    assert {each.type for each in on} == {"note_on"}
    assert {each.type for each in off} == {"note_off"}
    assert [each.note for each in on] == [74, 78, 81, 86, 90]
    assert [each.note for each in off[1:]] == [74, 78, 81, 86]
    assert {each.velocity for each in on} == {127}


@example("usbtmc")
def test_usbtmc(usb: Device) -> None:
    meter = usb.usbtmc
    assert meter.usb488
    assert meter.query("*IDN?") == "TinyUSB,ModelNumber,SerialNumber,FirmwareVer123456"
    meter.write("delay 2")
    message = bytes(range(200))
    meter.write(message)
    while not meter.status_byte() & 0x10:
        pass
    assert meter.read() == message
    assert not meter.status_byte() & 0x10
    meter.trigger()
    assert meter.status_byte() & 0x40
    meter.pulse()
    meter.clear()
    assert meter.query("*idn?").startswith("TinyUSB")


@example("dfu")
def test_dfu(pico: Board, usb: Device) -> None:
    dfu = usb.dfu
    assert dfu.alternates == {0: "FLASH", 1: "EEPROM"}
    for alternate in dfu.alternates:
        dfu.select(alternate)
        assert dfu.upload() == f"Hello world from TinyUSB DFU! - Partition {alternate}".encode()
        pico.engine.uart(0).read()
        text = bytes(0x20 + at % 90 for at in range(100)) * 5  # more than one block
        dfu.download(text)
        assert dfu.state() is State.IDLE
        pico.engine.run(0.01)
        printed = pico.engine.uart(0).read()
        assert printed.startswith(text)
        assert b"Download completed" in printed


@example("dfu_runtime")
def test_dfu_runtime(pico: Board, usb: Device) -> None:
    assert usb.dfu.runtime
    assert _blinks(pico, 0.9) <= 1  # once a second: mounted
    usb.dfu.detach(100)
    pico.engine.run(0.2)
    assert 4 <= _blinks(pico, 0.5) <= 5  # each 0.1 s: should reboot into its loader


@example("webusb_serial")
def test_webusb_serial(pico: Board, usb: Device) -> None:
    assert usb.platform.landing_page() == "https://example.tinyusb.org/webusb-serial/index.html"
    microsoft = usb.platform.ms_os_20()
    assert microsoft.compatible_ids == {2: ("WINUSB", "")}
    assert microsoft.properties == {"DeviceInterfaceGUIDs": "{975F44D9-0D08-43FD-8B3E-127CA8AFFF9D}"}
    port = pico.cdc(0)
    vendor = next(each for each in usb.configuration.interfaces if each.bInterfaceClass == 0xFF)
    usb.control_out(Setup(0x21, 0x22, 1, vendor.bInterfaceNumber, 0))  # the page has connected
    to_page, to_board = (usb.endpoint(each) for each in sorted(e.bEndpointAddress for e in vendor.endpoints)[::-1])
    assert to_page.read(64) == b"\r\nWebUSB interface connected\r\n"
    to_board.write(b"from the page")
    greeting = b"\r\nTinyUSB WebUSB device example\r\n"  # said as the port was opened, sent with its first answer
    assert (to_page.read(64), port.read_until(b"page")) == (b"from the page", greeting + b"from the page")
    port.write(b"from the port")
    assert (to_page.read(64), _read(port, 13)) == (b"from the port", b"from the port")


# Audio


@example("audio_test")
def test_audio_test(usb: Device) -> None:
    audio = usb.audio
    assert (audio.version, audio.rate(), audio.volume_range()) == (2, 48000, (-90 / 256, 90 / 256))
    audio.set_mute(True)
    audio.set_volume(-10)
    assert (audio.mute(), audio.volume()) == (True, -10)
    _counts(audio.record(0.02), 48)


@example("audio_test_multi_rate")
def test_audio_test_multi_rate(usb: Device) -> None:
    audio = usb.audio
    assert audio.rates() == ((32000, 32000), (48000, 48000), (96000, 96000))
    assert [(each.bits, each.subslot) for each in audio.formats] == [(16, 2), (24, 4)]
    audio.set_rate(48000)
    assert audio.rate() == 48000
    _counts(audio.record(0.02, audio.format(Direction.IN, bits=16)), 48)


@example("audio_test_multi_rate")
def test_audio_of_24_bits(usb: Device) -> None:
    audio = usb.audio
    audio.set_rate(96000)
    samples = audio.record(0.02, audio.format(Direction.IN, bits=24))
    assert samples.itemsize == 4
    assert {sample & 0xFFFF for sample in samples} == {0}
    # Once in eleven packets its flow control sends a sample more than it has: an old one, 0 here.
    counted = array("h", (sample >> 16 for sample in samples))
    turn = counted.index(0, 2 * 97)
    assert list(counted[97:turn]) == list(range(11 * 96))
    assert list(counted[turn + 1 :]) == list(range(11 * 96, 11 * 96 + len(counted) - turn - 1))


@example("audio_4_channel_mic")
def test_audio_4_channel_mic(usb: Device) -> None:
    audio = usb.audio
    samples = audio.record(0.03)
    assert audio.formats[0].channels == 4
    saw, mirrored, square, sine = (samples[channel::4] for channel in range(4))
    at = saw.index(0, len(saw) // 3)  # a turn of a millisecond begins
    assert list(saw[at : at + 96]) == [32 * number for number in range(48)] * 2
    assert list(mirrored[at : at + 48]) == [3248 - 32 * number for number in range(48)]
    assert list(square[at : at + 48]) == [3400] * 24 + [5000] * 24
    assert (max(sine), min(sine)) == (6750, 5250) or 6740 < max(sine) <= 6750


def _headset(audio: Audio, bits: int) -> None:
    """What is played comes back."""
    speaker = audio.format(Direction.OUT, bits=bits)
    unit = 1 << bits - 16 + (8 if speaker.subslot == 4 else 0)
    tone = [50 * number * unit for number in range(1, 600)]
    both = array("h" if speaker.subslot == 2 else "i", (each for each in tone for _ in range(speaker.channels)))
    heard = list(audio.play_and_record(both, out=speaker))
    at = heard.index(tone[100])
    assert heard[at - 50 : at + 150] == tone[50:250]


@example("uac2_headset")
@pytest.mark.parametrize("bits", [16, 24])
def test_uac2_headset(pico: Board, usb: Device, bits: int) -> None:
    audio = usb.audio
    assert audio.rates() == ((44100, 44100), (48000, 48000))
    audio.set_rate(48000)
    _headset(audio, bits)
    if bits == 16:
        assert (audio.volume_range(), audio.volume(1)) == ((-50, 0), 0)
        pico.press("bootsel")
        told = usb.endpoint(0x82).read(6)  # an interrupt: the volume has changed
        assert (told[1], told[3], audio.volume(1)) == (1, 2, -30)


@example("cdc_uac2")
def test_cdc_uac2(pico: Board, usb: Device) -> None:
    port = pico.cdc(0)
    port.write(b"hello")
    assert port.read(until=b"hello") == b"hello"
    pico.engine.run(0.12)
    usb.audio.set_rate(48000)
    _headset(usb.audio, 16)


@example("uac2_speaker_fb")
def test_uac2_speaker_fb(pico: Board, usb: Device) -> None:
    audio, debug = usb.audio, usb.hid
    speaker = audio.formats[0]
    assert speaker.feedback is not None
    audio.set_rate(48000)
    audio.set_volume(-3, 1)
    seen: list[bytes] = []
    pipe = usb.endpoint(0x82)

    def told(transfer: object) -> None:
        seen.append(transfer.data)  # type: ignore[attr-defined]
        pipe.submit_in(64, on_done=told)

    pipe.submit_in(64, on_done=told)
    audio.play(array("h", [0] * (2 * 48 * 100)))
    assert debug.application >> 16 == 0xFF00
    streaming = [each for each in seen if each[4] == 1]
    assert len(streaming) > 10
    assert {int.from_bytes(each[:4], "little") for each in streaming} == {48000}
    assert {int.from_bytes(each[10:12], "little", signed=True) for each in streaming} == {-3 * 256}
    counts = [int.from_bytes(each[16:18], "little") for each in streaming]
    # A frame at most is in its buffer in the beginning; by its feedback it asks for more until the buffer is half full.
    assert counts == sorted(counts)
    assert counts[0] <= 192
    assert counts[-1] > 280


# Video


@example("video_capture")
def test_video_capture(usb: Device) -> None:
    camera = usb.video
    assert [(each.fourcc, each.width, each.height) for each in camera.formats] == [("YUY2", 128, 96)]
    agreed = camera.start()
    assert agreed.max_frame_size == 128 * 96 * 2
    for number, picture in enumerate(camera.frame() for _ in range(3)):
        assert picture == _colour_bars(number)
    camera.stop()


@example("video_capture_2ch")
def test_video_capture_2ch(usb: Device) -> None:
    raw, jpeg = videos(usb)
    assert [each.formats[0].fourcc for each in (raw, jpeg)] == ["YUY2", "MJPG"]
    raw.start()
    assert raw.frame() == _colour_bars(0)
    raw.stop()
    jpeg.start()
    for _ in range(2):
        picture = jpeg.frame()
        assert (picture[:2], picture[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    jpeg.stop()


# Without USB


@example("board_test")
def test_board_test(pico: Board) -> None:
    uart = pico.engine.uart(0)
    assert _blinks(pico, 1.1) == 2  # on as it starts, off after a second
    assert uart.read() == b"Hello from TinyUSB\r\n"
    pico.press("bootsel")
    assert _blinks(pico, 0.6) in (2, 3)  # each quarter of a second
    assert uart.read().count(b"Hello") in (2, 3)
    uart.write(b"echo")
    pico.engine.run(0.02)
    assert uart.read() == b"echo"


# What they share


def _read(port: object, count: int) -> bytes:
    """So many bytes of a serial port."""
    data = b""
    while len(data) < count:
        data += port.read()  # type: ignore[attr-defined]
    return data


def _blinks(pico: Board, seconds: float) -> int:
    """How often the LED changes in that time."""
    changes: list[int] = []
    with pico.engine.pins_watched(lambda now, pin, level: changes.append(pin)):
        pico.engine.run(seconds)
    return changes.count(25)


def _counts(samples: array[int], a_frame: int) -> None:
    """Samples that count up, but for the first packets, which were prepared before the stream was opened."""
    steps = [(after - before) & 0xFFFF for before, after in pairwise(samples)]
    assert len(samples) >= 10 * a_frame
    assert set(steps[4 * a_frame :]) == {1}


def _colour_bars(start: int) -> bytes:
    """A picture of the cameras: eight bars of 16 pixels, two pixels further to the left in each."""
    line = [bar for bar in BARS for _ in range(8)]
    begin = 63 - start % 64
    turned = [line[(at - begin) % 64] for at in range(64)]
    return b"".join(turned) * 96
