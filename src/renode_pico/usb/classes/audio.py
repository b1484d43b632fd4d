"""Audio: samples in and out as arrays, rates, volume and mute (USB Audio 1.0 and 2.0, PCM of format type I)."""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from renode_pico.errors import UsageError, UsbError
from renode_pico.usb.classes.common import CS_INTERFACE, class_descriptors, interfaces, none_of, settings
from renode_pico.usb.configured import ConfiguredDevice, Endpoint
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.timing import FRAME_NS
from renode_pico.usb.transfer import Setup, Status, Transfer, TransferType

AUDIO_CLASS, CONTROL_SUBCLASS, STREAMING_SUBCLASS = 0x01, 0x01, 0x02
IP_VERSION_02_00 = 0x20
AC_HEADER, AC_INPUT_TERMINAL, AC_OUTPUT_TERMINAL, AC_FEATURE_UNIT, AC_CLOCK_SOURCE = 0x01, 0x02, 0x03, 0x06, 0x0A
AS_GENERAL, AS_FORMAT_TYPE = 0x01, 0x02
FORMAT_TYPE_I = 0x01
USB_STREAMING = 0x0101
MUTE, VOLUME = 0x01, 0x02
SAMPLING_FREQ = 0x01
"""Control selectors of feature units, of clock sources and of UAC 1 endpoints."""
CUR, RANGE = 0x01, 0x02
SET_CUR_1, GET_CUR_1, GET_MIN_1, GET_MAX_1 = 0x01, 0x81, 0x82, 0x83
FRAMES_A_SECOND = 1_000_000_000 // FRAME_NS
FRAMES_AHEAD = 2
"""Packets to a speaker that are queued: what its feedback says counts from the third frame on."""
DRAIN = 10
"""Frames for which a microphone is listened to after the last samples went to the speaker."""
FEEDBACK_ENDPOINT = 0x11
"""bmAttributes of an isochronous feedback endpoint (USB 2.0, table 9-13), its synchronization left out."""
_CODES = {1: "b", 2: "h", 4: "i"}


class Direction(Enum):
    """Which way samples go, as the host has it."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Format:
    """What a streaming setting carries. `subslot`: bytes of a sample; `bits`: those of them that count."""

    interface: int
    alternate: int
    channels: int
    subslot: int
    bits: int
    rates: tuple[int, ...]
    endpoint: Endpoint
    feedback: Endpoint | None = None
    """Where a speaker with a clock of its own says how many samples a frame it wants (USB 2.0, 5.12.4.2)."""

    @property
    def direction(self) -> Direction:
        """IN: from a microphone. OUT: to a speaker."""
        return Direction.IN if self.endpoint.pipe.is_in else Direction.OUT

    @property
    def frame(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.subslot


class _Feedback:
    """What a feedback endpoint says, read as often as it has something: samples a frame (USB 2.0, 5.12.4.2).

    Full speed has 10.14 in three bytes; devices that send four have 16.16, as at high speed, and Linux takes both.
    """

    def __init__(self, endpoint: Endpoint, rate: int) -> None:
        self.samples = Fraction(rate, FRAMES_A_SECOND)
        self._endpoint = endpoint
        self._ended = False
        self._transfer = self._ask()

    def end(self) -> None:
        """Ask no more."""
        self._ended = True
        self._endpoint.device.host.cancel(self._transfer)

    def _ask(self) -> Transfer:
        return self._endpoint.submit_in(self._endpoint.pipe.max_packet_size, on_done=self._take)

    def _take(self, transfer: Transfer) -> None:
        if len(transfer.data) >= 3:
            fraction = 14 if len(transfer.data) == 3 else 16
            self.samples = Fraction(int.from_bytes(transfer.data, "little"), 1 << fraction)
        if not self._ended and transfer.status is Status.COMPLETED:
            self._transfer = self._ask()


class Audio:
    """One audio function: its control interface and what streams to and from it.

    `version`: 1 or 2. `formats`: every setting that carries PCM. Samples are signed, those of all channels one
    after the other, in an `array` of 1, 2 or 4 bytes (those of 3 bytes in 4). Times are emulated seconds.
    """

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.number = interface.bInterfaceNumber
        self.version = 2 if interface.bInterfaceProtocol == IP_VERSION_02_00 else 1
        self._units = [each for each in interface.extra if len(each) >= 4 and each[1] == CS_INTERFACE]
        self.formats = tuple(self._formats())

    # Streams

    def format(self, direction: Direction, *, channels: int | None = None, bits: int | None = None) -> Format:
        """Return the first format with that. Raises UsageError when there is none."""
        for each in self.formats:
            if each.direction is direction and channels in (None, each.channels) and bits in (None, each.bits):
                return each
        raise UsageError(f"the audio function has no PCM stream {direction.value} like that")

    def record(self, seconds: float, wanted: Format | None = None) -> array[int]:
        """Return what comes from a microphone in that time, one packet a frame; its stream is opened and closed."""
        chosen = wanted or self.format(Direction.IN)
        self.device.set_interface(chosen.interface, chosen.alternate)
        try:
            pipe = chosen.endpoint.pipe
            transfer = self.device.host.submit(pipe, length=round(seconds * FRAMES_A_SECOND) * pipe.max_packet_size)
            self.device.host.wait(transfer, timeout=seconds + 1.0)
        finally:
            self._close(chosen)
        data = transfer.data
        return decode(data[: len(data) - len(data) % chosen.frame], chosen.subslot)

    def play(self, samples: array[int], rate: int | None = None, wanted: Format | None = None) -> None:
        """Send samples to a speaker, as many in each frame as the rate has; its stream is opened and closed.

        rate: samples a second; without it the one that the device has. It is not changed: `set_rate` does that. A
        speaker with a feedback endpoint is given as many as it asks for there.
        """
        chosen = wanted or self.format(Direction.OUT)
        self.device.set_interface(chosen.interface, chosen.alternate)
        try:
            self._send(samples, rate or self.rate(chosen), chosen)
            self.device.host.run(2 / FRAMES_A_SECOND)
        finally:
            self._close(chosen)

    def play_and_record(
        self, samples: array[int], rate: int | None = None, out: Format | None = None, wanted: Format | None = None
    ) -> array[int]:
        """Send samples to a speaker while a microphone is listened to, both streams open; return what came in.

        rate, out: as `play` has them; wanted: the microphone's format, by default one with as many bits.
        """
        speaker = out or self.format(Direction.OUT)
        microphone = wanted or self.format(Direction.IN, bits=speaker.bits)
        rate = rate or self.rate(speaker)
        frames = -(-len(samples) // speaker.channels * FRAMES_A_SECOND // rate) + DRAIN
        pipe = microphone.endpoint.pipe
        for each in (microphone, speaker):
            self.device.set_interface(each.interface, each.alternate)
        try:
            heard = self.device.host.submit(pipe, length=frames * pipe.max_packet_size)
            self._send(samples, rate, speaker)
            self.device.host.wait(heard, timeout=frames / FRAMES_A_SECOND + 1.0)
        finally:
            for each in (speaker, microphone):
                self._close(each)
        return decode(heard.data[: len(heard.data) - len(heard.data) % microphone.frame], microphone.subslot)

    def _send(self, samples: array[int], rate: int, chosen: Format) -> None:
        """Send all of it, as many samples in each frame as the rate has, or as the feedback endpoint wants."""
        data = encode(samples, chosen.subslot)
        feedback = _Feedback(chosen.feedback, rate) if chosen.feedback is not None else None
        under_way: list[Transfer] = []
        due = Fraction(0)
        sent = 0
        while sent < len(data):
            due += feedback.samples if feedback is not None else Fraction(rate, FRAMES_A_SECOND)
            end = min(sent + int(due) * chosen.frame, len(data))
            due -= int(due)
            under_way.append(chosen.endpoint.submit_out(data[sent:end]))
            sent = end
            if len(under_way) > FRAMES_AHEAD:
                self.device.host.wait(under_way.pop(0), timeout=1.0)
        self.device.host.wait(*under_way, timeout=1.0)
        if feedback is not None:
            feedback.end()

    def _close(self, chosen: Format) -> None:
        if self.device.present:
            self.device.set_interface(chosen.interface, 0)

    # Rates

    def rate(self, wanted: Format | None = None) -> int:
        """Samples a second, as the device says: of its clock source (UAC 2) or of the endpoint (UAC 1)."""
        if self.version == 2:
            return int(struct.unpack("<I", self._get_2(CUR, SAMPLING_FREQ << 8, self._clock(), 4))[0])
        chosen = wanted or self.formats[0]
        if len(chosen.rates) == 1:
            return chosen.rates[0]
        setup = Setup(0xA2, GET_CUR_1, SAMPLING_FREQ << 8, chosen.endpoint.address, 3)
        return int.from_bytes(self.device.control_in(setup), "little")

    def set_rate(self, rate: int, wanted: Format | None = None) -> None:
        """Choose the samples a second."""
        if self.version == 2:
            self._set_2(SAMPLING_FREQ << 8, self._clock(), struct.pack("<I", rate))
            return
        chosen = wanted or self.formats[0]
        setup = Setup(0x22, SET_CUR_1, SAMPLING_FREQ << 8, chosen.endpoint.address, 3)
        self.device.control_out(setup, rate.to_bytes(3, "little"))

    def rates(self) -> tuple[tuple[int, int], ...]:
        """The ranges of rates that the clock source has (UAC 2), or of the first format (UAC 1), lowest and highest."""
        if self.version == 1:
            return tuple((each, each) for each in self.formats[0].rates)
        (count,) = struct.unpack("<H", self._get_2(RANGE, SAMPLING_FREQ << 8, self._clock(), 2))
        data = self._get_2(RANGE, SAMPLING_FREQ << 8, self._clock(), 2 + 12 * count)
        return tuple(struct.unpack_from("<II", data, 2 + 12 * each) for each in range(count))

    # Mute and volume

    def mute(self, channel: int = 0) -> bool:
        """Whether a channel of the feature unit is mute; 0: all."""
        return bool(self._get(MUTE, channel, 1)[0])

    def set_mute(self, on: bool, channel: int = 0) -> None:
        """Mute a channel of the feature unit."""
        self._set(MUTE, channel, bytes([on]))

    def volume(self, channel: int = 0) -> float:
        """The volume of a channel in dB."""
        return float(struct.unpack("<h", self._get(VOLUME, channel, 2))[0]) / 256

    def set_volume(self, decibels: float, channel: int = 0) -> None:
        """Set the volume of a channel."""
        self._set(VOLUME, channel, struct.pack("<h", round(decibels * 256)))

    def volume_range(self, channel: int = 0) -> tuple[float, float]:
        """The lowest and the highest volume in dB."""
        unit = self._feature_unit()
        if self.version == 2:
            data = self._get_2(RANGE, VOLUME << 8 | channel, unit, 8)
            low, high = struct.unpack_from("<hh", data, 2)
        else:
            wanted = VOLUME << 8 | channel
            index = unit << 8 | self.number
            answers = [self.device.control_in(Setup(0xA1, get, wanted, index, 2)) for get in (GET_MIN_1, GET_MAX_1)]
            low, high = (struct.unpack("<h", each)[0] for each in answers)
        return low / 256, high / 256

    # Inside

    def _get(self, selector: int, channel: int, length: int) -> bytes:
        value, unit = selector << 8 | channel, self._feature_unit()
        if self.version == 2:
            return self._get_2(CUR, value, unit, length)
        return self._whole(Setup(0xA1, GET_CUR_1, value, unit << 8 | self.number, length))

    def _set(self, selector: int, channel: int, data: bytes) -> None:
        value, unit = selector << 8 | channel, self._feature_unit()
        if self.version == 2:
            self._set_2(value, unit, data)
        else:
            self.device.control_out(Setup(0x21, SET_CUR_1, value, unit << 8 | self.number, len(data)), data)

    def _get_2(self, request: int, value: int, entity: int, length: int) -> bytes:
        return self._whole(Setup(0xA1, request, value, entity << 8 | self.number, length))

    def _set_2(self, value: int, entity: int, data: bytes) -> None:
        self.device.control_out(Setup(0x21, CUR, value, entity << 8 | self.number, len(data)), data)

    def _whole(self, setup: Setup) -> bytes:
        data = self.device.control_in(setup)
        if len(data) < setup.wLength:
            raise UsbError(f"audio request ({setup}): the device sent {len(data)} bytes")
        return data

    def _entity(self, subtype: int, what: str) -> int:
        for each in self._units:
            if each[2] == subtype:
                return each[3]
        raise UsageError(f"the audio function has no {what}")

    def _clock(self) -> int:
        return self._entity(AC_CLOCK_SOURCE, "clock source")

    def _feature_unit(self) -> int:
        return self._entity(AC_FEATURE_UNIT, "feature unit")

    def _formats(self) -> list[Format]:
        found = []
        for interface in interfaces(self.device, AUDIO_CLASS, STREAMING_SUBCLASS):
            for setting in settings(self.device, interface.bInterfaceNumber):
                described = self._format(setting)
                if described is not None:
                    found.append(described)
        return found

    def _format(self, setting: Interface) -> Format | None:
        described = class_descriptors(setting)
        general, kind = described.get(AS_GENERAL, b""), described.get(AS_FORMAT_TYPE, b"")
        data = [
            each for each in setting.endpoints if each.type is TransferType.ISOCHRONOUS and not each.bmAttributes & 0x30
        ]
        if not data or len(kind) < 6 or kind[3] != FORMAT_TYPE_I:
            return None
        endpoint = Endpoint(self.device, data[0])
        asking = [each for each in setting.endpoints if each.bmAttributes & 0x33 == FEEDBACK_ENDPOINT]
        feedback = Endpoint(self.device, asking[0]) if asking else None
        place = setting.bInterfaceNumber, setting.bAlternateSetting
        if self.version == 2:
            if len(general) < 11:
                return None
            return Format(*place, general[10], kind[4], kind[5], (), endpoint, feedback)
        rates = [int.from_bytes(kind[at : at + 3], "little") for at in range(8, len(kind) - 2, 3)]
        return Format(*place, kind[4], kind[5], kind[6], tuple(rates), endpoint, feedback)


def decode(data: bytes, subslot: int) -> array[int]:
    """Return little-endian samples of so many bytes as an array."""
    if subslot == 3:
        data = b"".join(
            data[at : at + 3] + (b"\xff" if data[at + 2] & 0x80 else b"\0") for at in range(0, len(data), 3)
        )
    samples = array(_CODES[4 if subslot == 3 else subslot], data)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def encode(samples: array[int], subslot: int) -> bytes:
    """Return an array's samples as little-endian bytes, so many each."""
    return b"".join(sample.to_bytes(subslot, "little", signed=True) for sample in samples)


def audios(device: ConfiguredDevice) -> list[Audio]:
    """Return all audio functions of a device. Raises UsageError when there is none."""
    found = [Audio(device, each) for each in interfaces(device, AUDIO_CLASS, CONTROL_SUBCLASS)]
    if not any(each.formats for each in found):
        raise none_of("audio function with a PCM stream")
    return [each for each in found if each.formats]
