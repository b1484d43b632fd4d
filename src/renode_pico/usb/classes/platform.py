"""Platform capabilities: WebUSB's URLs and Microsoft's OS descriptors (WebUSB API; MS OS 1.0 and 2.0 Descriptors).

They are found by UUIDs in the BOS descriptor and read by vendor requests whose codes stand there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

from renode_pico.errors import Stall, UsageError, UsbError
from renode_pico.usb.classes.common import VENDOR_IN
from renode_pico.usb.configured import ConfiguredDevice
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.transfer import Setup

PLATFORM = 0x05
WEBUSB = UUID("3408b638-09a9-47a0-8bfd-a0768815b665")
MS_OS_20 = UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f")
GET_URL, MS_OS_20_DESCRIPTOR_INDEX = 2, 7
URL_DESCRIPTOR = 0x03
SCHEMES = {0: "http://", 1: "https://", 255: ""}
MS_OS_10_STRING, MS_OS_10_COMPATIBLE_ID = 0xEE, 4
SET_HEADER, CONFIGURATION_SUBSET, FUNCTION_SUBSET, COMPATIBLE_ID, REGISTRY_PROPERTY = 0, 1, 2, 3, 4
"""wDescriptorType (MS OS 2.0, table 9)."""
_TEXT_TYPES = (1, 2, 7)
"""REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ."""


@dataclass(frozen=True, slots=True)
class MsOs20:
    """A MS OS 2.0 descriptor set: what Windows is to make of the device.

    `windows`: the version that it is for. `compatible_ids`: by interface, "" for the whole device: (compatible, sub).
    `properties`: registry properties by name, as text where they are, else as bytes.
    """

    windows: int
    compatible_ids: dict[int | None, tuple[str, str]]
    properties: dict[str, str | bytes]
    raw: bytes


class Platform:
    """The platform capabilities of a device: its BOS descriptor's, and MS OS 1.0, which has none there."""

    def __init__(self, device: ConfiguredDevice) -> None:
        self.device = device

    @property
    def capabilities(self) -> dict[UUID, bytes]:
        """What each platform capability says behind its UUID."""
        bos = self.device.bos
        found = bos.capabilities if bos is not None else ()
        return {
            UUID(bytes_le=each[4:20]): each[20:]
            for each in found
            if len(each) >= 20 and each[1] == DescriptorType.DEVICE_CAPABILITY and each[2] == PLATFORM
        }

    def landing_page(self) -> str:
        """The URL that a browser offers (WebUSB, 4.3). Raises UsageError when the device has no WebUSB, or no page."""
        data = self._capability(WEBUSB, "WebUSB", 4)
        if not data[3]:
            raise UsageError("the device has no landing page")
        answer = self.device.control_in(Setup(VENDOR_IN, data[2], data[3], GET_URL, 255))
        if len(answer) < 3 or answer[0] != len(answer) or answer[1] != URL_DESCRIPTOR or answer[2] not in SCHEMES:
            raise UsbError(f"WebUSB: the URL descriptor is {answer.hex(' ') or 'nothing'}")
        return SCHEMES[answer[2]] + answer[3:].decode()

    def ms_os_20(self) -> MsOs20:
        """Microsoft's OS 2.0 descriptors. Raises UsageError when there are none, UsbError when they are not whole."""
        data = self._capability(MS_OS_20, "MS OS 2.0 descriptors", 8)
        windows, total, code, _ = struct.unpack_from("<IHBB", data)
        answer = self.device.control_in(Setup(VENDOR_IN, code, 0, MS_OS_20_DESCRIPTOR_INDEX, total))
        if len(answer) != total or len(answer) < 10 or struct.unpack_from("<HHIH", answer) != (10, 0, windows, total):
            raise UsbError(
                f"MS OS 2.0 descriptors: {total} bytes announced, {len(answer)} came: {answer[:10].hex(' ')}"
            )
        compatible: dict[int | None, tuple[str, str]] = {}
        properties: dict[str, str | bytes] = {}
        function: int | None = None
        at = 0
        while at + 4 <= len(answer):
            length, kind = struct.unpack_from("<HH", answer, at)
            if length < 4 or at + length > len(answer):
                raise UsbError(f"MS OS 2.0 descriptors, offset {at}: wLength is {length}, {len(answer) - at} are left")
            part = answer[at : at + length]
            if kind == FUNCTION_SUBSET:
                function = part[4]
            elif kind == COMPATIBLE_ID:
                compatible[function] = (_name(part[4:12]), _name(part[12:20]))
            elif kind == REGISTRY_PROPERTY:
                name, value = _property(part)
                properties[name] = value
            at += length
        return MsOs20(windows, compatible, properties, answer)

    def ms_os_10(self) -> dict[int, tuple[str, str]]:
        """Microsoft's OS 1.0 descriptors: compatible and sub-compatible ID by first interface; empty without them."""
        try:
            text = self.device.get_descriptor(DescriptorType.STRING, MS_OS_10_STRING, 0, 18)
        except Stall:
            return {}
        if len(text) != 18 or text[2:16] != "MSFT100".encode("utf-16-le"):
            return {}
        data = self.device.control_in(Setup(VENDOR_IN, text[16], 0, MS_OS_10_COMPATIBLE_ID, 4096))
        if len(data) < 16 or len(data) != struct.unpack_from("<I", data)[0]:
            raise UsbError(f"MS OS 1.0 compatible IDs: {data[:16].hex(' ') or 'nothing'}, {len(data)} bytes")
        parts = [data[at : at + 24] for at in range(16, len(data) - 23, 24)]
        return {part[0]: (_name(part[2:10]), _name(part[10:18])) for part in parts}

    def _capability(self, uuid: UUID, what: str, length: int) -> bytes:
        data = self.capabilities.get(uuid, b"")
        if len(data) < length:
            raise UsageError(f"the device's BOS descriptor tells of no {what}")
        return data


def _name(data: bytes) -> str:
    return data.rstrip(b"\0").decode("ascii", "replace")


def _property(part: bytes) -> tuple[str, str | bytes]:
    kind, name_length = struct.unpack_from("<HH", part, 4)
    name = part[8 : 8 + name_length].decode("utf-16-le").rstrip("\0")
    (length,) = struct.unpack_from("<H", part, 8 + name_length)
    value = part[10 + name_length : 10 + name_length + length]
    return name, value.decode("utf-16-le").rstrip("\0") if kind in _TEXT_TYPES else value
