"""The class drivers as Robot keywords: a part of `renode_pico.robot_library.PicoLibrary`."""

from __future__ import annotations

from robot.api.deco import keyword

from renode_pico.usb.device import Device


class ClassKeywords:
    """Keywords about what a device does for its host. Bytes are hexadecimal digits; times emulated seconds."""

    @property
    def device(self) -> Device:
        """The device as last enumerated."""
        raise NotImplementedError

    @keyword
    def the_keyboard_types(self, text: str, timeout: float = 1.0) -> None:
        """Keys go down on the device's first HID interface and make this text; `\\n` is Enter."""
        typed = self.device.hid.typed(float(timeout), until=text)
        if typed != text:
            raise AssertionError(f"the keyboard typed {typed!r}, not {text!r}")

    @keyword
    def the_leds_are_lit(self, *names: str) -> None:
        """Of Num Lock, Caps Lock and Scroll Lock those that are named; the others go out."""
        wanted = {name.casefold().replace(" ", "_"): True for name in names}
        self.device.hid.set_leds(**wanted)

    @keyword
    def the_disk_holds(self, path: str, text: str) -> None:
        """A file of the file system on the device's first disk has this text."""
        with self.device.msc.disk.file_system() as files:
            found = files.readtext(path)
        if found != text:
            raise AssertionError(f"{path} holds {found!r}, not {text!r}")

    @keyword
    def the_disk_is_given(self, path: str, text: str) -> None:
        """A file is written to the file system on the device's first disk."""
        with self.device.msc.disk.file_system() as files:
            files.writetext(path, text)

    @keyword("The MIDI Device Is Sent")
    def the_midi_device_is_sent(self, message: str) -> None:
        """A message as mido writes it: note_on channel=0 note=60 velocity=64."""
        from mido import Message

        self.device.midi.send(Message.from_str(message))

    @keyword("The MIDI Device Sends")
    def the_midi_device_sends(self, message: str, timeout: float = 1.0) -> None:
        """The next message from the device, as mido writes it."""
        from mido import Message

        received = self.device.midi.receive(float(timeout))
        if received != Message.from_str(message):
            raise AssertionError(f"the device sent {received}, not {message}")

    @keyword
    def the_instrument_answers(self, question: str, answer: str) -> None:
        """A USBTMC query and its answer, without the end of the line."""
        found = self.device.usbtmc.query(question)
        if found != answer:
            raise AssertionError(f"{question} is answered {found!r}, not {answer!r}")

    @keyword
    def the_host_sends_a_frame(self, data: str) -> None:
        """An Ethernet frame to the device's network function."""
        self.device.net.send(bytes.fromhex(data))

    @keyword
    def a_frame_comes(self, data: str, timeout: float = 1.0) -> None:
        """The next Ethernet frame from the device is this one."""
        frame = self.device.net.receive(float(timeout)).hex(" ")
        if frame != bytes.fromhex(data).hex(" "):
            raise AssertionError(f"the frame is {frame}, not {data}")

    @keyword
    def firmware_is_downloaded(self, data: str, memory: int = 0) -> None:
        """By DFU, into one of the device's memories."""
        self.device.dfu.select(int(memory))
        self.device.dfu.download(bytes.fromhex(data))

    @keyword
    def the_landing_page_is(self, url: str) -> None:
        """WebUSB's URL."""
        found = self.device.platform.landing_page()
        if found != url:
            raise AssertionError(f"the landing page is {found}, not {url}")
