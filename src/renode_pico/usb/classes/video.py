"""Video: formats, probe and commit, whole frames of pictures (USB Video Class 1.1 and 1.5, video streaming)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from renode_pico.errors import Timeout, UsageError, UsbError
from renode_pico.usb.classes.common import CS_INTERFACE, interfaces, none_of, required, settings
from renode_pico.usb.configured import ConfiguredDevice, Endpoint
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import Setup, TransferType

VIDEO_CLASS, STREAMING_SUBCLASS = 0x0E, 0x02
VS_FORMAT_UNCOMPRESSED, VS_FRAME_UNCOMPRESSED, VS_FORMAT_MJPEG, VS_FRAME_MJPEG = 0x04, 0x05, 0x06, 0x07
VS_FORMAT_FRAME_BASED, VS_FRAME_FRAME_BASED = 0x10, 0x11
SET_CUR, GET_CUR, GET_MIN, GET_MAX = 0x01, 0x81, 0x82, 0x83
PROBE, COMMIT = 0x0100, 0x0200
FID, EOF, ERROR = 0x01, 0x02, 0x40
"""Bits of a payload header (2.4.3.3)."""
INTERVALS_A_SECOND = 10_000_000
"""Frame intervals are in units of 100 ns."""
PACKETS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """A format and one of its frame sizes. `fourcc`: YUY2, NV12, MJPG, … `intervals`: of 100 ns."""

    format_index: int
    frame_index: int
    fourcc: str
    width: int
    height: int
    intervals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What probe and commit have agreed on (4.3.1.1)."""

    format_index: int
    frame_index: int
    interval: int
    max_frame_size: int
    max_payload: int


class Video:
    """One video streaming interface of a camera. Times are emulated seconds."""

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.interface = interface
        self.number = interface.bInterfaceNumber
        self.formats = tuple(_formats(interface))
        self._streaming: Endpoint | None = None
        self._negotiated: Negotiated | None = None
        self._fid = -1
        self._picture = bytearray()
        self._rest: list[bytes] = []

    def start(self, wanted: FrameFormat | None = None, interval: int | None = None) -> Negotiated:
        """Negotiate by probe and commit, and let the stream flow. Raises UsageError when there is no format."""
        if not self.formats:
            raise UsageError(f"interface {self.number} has no formats")
        chosen = wanted or self.formats[0]
        self.device.set_interface(self.number, 0)  # as Linux does: some devices know no stream before
        length = self._probe_length()
        request = bytearray(length)
        struct.pack_into(
            "<HBBI", request, 0, 1, chosen.format_index, chosen.frame_index, interval or chosen.intervals[0]
        )
        self._control(PROBE, bytes(request))
        answer = self._ask(GET_CUR, PROBE, length)
        self._control(COMMIT, answer)
        _, format_index, frame_index, agreed = struct.unpack_from("<HBBI", answer)
        max_frame, max_payload = struct.unpack_from("<II", answer, 18)
        self._negotiated = Negotiated(format_index, frame_index, agreed, max_frame, max_payload)
        self._streaming = self._open(max_payload)
        self._fid = -1
        self._picture.clear()
        self._rest.clear()
        return self._negotiated

    def frame(self, timeout: float = 5.0) -> bytes:
        """Return the next whole picture, as the device sends it. Raises Timeout when none comes."""
        if self._streaming is None:
            raise UsageError("the stream is not started")
        host = self.device.host
        deadline = host.now + timeout
        while True:
            while self._rest:
                picture = self._take(self._rest.pop(0))
                if picture is not None:
                    return picture
            if host.now >= deadline:
                raise Timeout(f"video: no picture within {timeout:g} emulated seconds (at {host.now:.6f} s)")
            self._rest += self._payloads(max(deadline - host.now, 0.0))

    def stop(self) -> None:
        """End the stream."""
        streaming, self._streaming = self._streaming, None
        if streaming is not None and self.device.present:
            if streaming.pipe.type is TransferType.ISOCHRONOUS:
                self.device.set_interface(self.number, 0)
            else:
                streaming.clear_halt()

    def _payloads(self, timeout: float) -> list[bytes]:
        """What comes next, cut into payloads, each with its header."""
        streaming = self._streaming
        assert streaming is not None
        size = streaming.pipe.max_packet_size
        if streaming.pipe.type is TransferType.ISOCHRONOUS:
            transfer = self.device.host.submit(streaming.pipe, length=PACKETS_AT_ONCE * size)
            self.device.host.wait(transfer, timeout=1.0)
            data, lengths = transfer.data, transfer.packets
            places = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
            return [data[begin:end] for begin, end in pairwise(places) if end > begin]
        assert self._negotiated is not None
        return [streaming.read(max(self._negotiated.max_payload, size), timeout)]

    def _take(self, payload: bytes) -> bytes | None:
        """Take a payload; the picture that it completes."""
        length = payload[0] if payload else 0
        if length < 2 or length > len(payload):
            raise UsbError(f"video: a payload header of {length} bytes in a payload of {len(payload)}")
        if payload[1] & ERROR:
            raise UsbError(f"video: the device says that its stream has an error (at {self.device.host.now:.6f} s)")
        if payload[1] & FID != self._fid:  # a picture begins; one whose end was lost is lost
            self._fid = payload[1] & FID
            self._picture.clear()
        self._picture += payload[length:]
        if not payload[1] & EOF:
            return None
        picture = bytes(self._picture)
        self._picture.clear()
        return picture

    def _open(self, max_payload: int) -> Endpoint:
        """The endpoint that streams, in the smallest setting whose packets carry a payload."""
        possible = [each for each in settings(self.device, self.number) if each.endpoints]
        if not possible:
            raise UsageError(f"video streaming interface {self.number} has no endpoints")
        if possible[0].bAlternateSetting == 0:
            return required(self.device, possible[0], True, TransferType.BULK)
        fitting = [each for each in possible if each.endpoints[0].max_packet_size >= max_payload]
        chosen = min(fitting or possible[-1:], key=lambda each: each.endpoints[0].max_packet_size)
        self.device.set_interface(self.number, chosen.bAlternateSetting)
        return required(self.device, chosen, True)

    def _probe_length(self) -> int:
        """34 bytes from UVC 1.1 on, 26 in 1.0, 48 in 1.5: as many as the device has."""
        return len(self._ask(GET_CUR, PROBE, 48))

    def _ask(self, request: int, control: int, length: int) -> bytes:
        data = self.device.control_in(Setup(0xA1, request, control, self.number, length))
        if len(data) < 26:
            raise UsbError(f"video: a probe control of {len(data)} bytes")
        return data

    def _control(self, control: int, data: bytes) -> None:
        self.device.control_out(Setup(0x21, SET_CUR, control, self.number, len(data)), data)


def _formats(interface: Interface) -> list[FrameFormat]:
    found = []
    index, fourcc = 0, ""
    for each in interface.extra:
        if len(each) < 4 or each[1] != CS_INTERFACE:
            continue
        if each[2] in (VS_FORMAT_UNCOMPRESSED, VS_FORMAT_FRAME_BASED) and len(each) >= 21:
            index, fourcc = each[3], UUID(bytes_le=each[5:21]).bytes_le[:4].decode("ascii", "replace")
        elif each[2] == VS_FORMAT_MJPEG:
            index, fourcc = each[3], "MJPG"
        elif each[2] in (VS_FRAME_UNCOMPRESSED, VS_FRAME_MJPEG, VS_FRAME_FRAME_BASED) and len(each) >= 26:
            width, height = struct.unpack_from("<HH", each, 5)
            based = each[2] == VS_FRAME_FRAME_BASED
            (default,) = struct.unpack_from("<I", each, 17 if based else 21)
            count = each[21] if based else each[25]
            places = range(26, min(26 + 4 * count, len(each) - 3), 4)
            intervals = tuple(struct.unpack_from("<I", each, at)[0] for at in places) if count else ()
            ordered = (default, *(each for each in intervals if each != default))
            found.append(FrameFormat(index, each[3], fourcc, width, height, ordered))
    return found


def videos(device: ConfiguredDevice) -> list[Video]:
    """Return all video streaming interfaces of a device. Raises UsageError when there is none."""
    found = [Video(device, each) for each in interfaces(device, VIDEO_CLASS, STREAMING_SUBCLASS)]
    if not found:
        raise none_of("video streaming interface")
    return found
