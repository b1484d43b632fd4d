"""Reading descriptors: bytes to trees (USB 2.0, 9.5 and 9.6; the trees are in `descriptor_types`).

What a descriptor says about lengths and counts is checked. A lie raises DescriptorError with the offset; with
`Problems` of a lenient host it is noted there, and what Linux makes of it is made of it: what cannot be placed is left
out, what was sent counts more than what was announced.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from renode_pico.errors import DescriptorError
from renode_pico.usb.descriptor_types import (
    Association,
    Bos,
    Configuration,
    DescriptorType,
    DeviceDescriptor,
    EndpointDescriptor,
    Interface,
)
from renode_pico.usb.temper import Problems
from renode_pico.usb.transfer import TransferType

__all__ = [
    "CONTROL_PACKET_SIZES",
    "Association",
    "Bos",
    "Configuration",
    "DescriptorType",
    "DeviceDescriptor",
    "EndpointDescriptor",
    "Interface",
    "parse_bos",
    "parse_configuration",
    "parse_device",
    "parse_languages",
    "split",
    "string_text",
]

CONTROL_PACKET_SIZES = (8, 16, 32, 64)
"""What bMaxPacketSize0 can be (USB 2.0, 9.6.1)."""
_LARGEST_PACKET = {TransferType.ISOCHRONOUS: 1023}
"""Bytes at full speed (5.6.3); 64 for every other type (5.5.3, 5.7.3, 5.8.3)."""


def split(data: bytes, what: str, problems: Problems | None = None) -> Iterator[tuple[int, bytes]]:
    """Cut a run of descriptors into (offset, descriptor), by their bLength; what cannot be cut is left out."""
    problems = problems or Problems()
    offset = 0
    while offset < len(data):
        length, left = data[offset], len(data) - offset
        if length < 2:
            problems.forgive(f"{what}, offset {offset}: bLength is {length}, a descriptor has at least 2 bytes")
            return
        if length > left:
            problems.forgive(f"{what}, offset {offset}: bLength is {length}, but only {left} bytes are left")
            return
        yield offset, data[offset : offset + length]
        offset += length


def parse_device(data: bytes, problems: Problems | None = None) -> DeviceDescriptor:
    """Parse a device descriptor (9.6.1). Raises DescriptorError when 18 bytes of it have not come."""
    problems = problems or Problems()
    what = "device descriptor"
    if len(data) < 18 or data[1] != DescriptorType.DEVICE:
        _expect(data, 0, DescriptorType.DEVICE, 18, what)
    if data[0] != len(data):
        problems.forgive(f"{what}: bLength is {data[0]}, but {len(data)} bytes were sent")
    descriptor = DeviceDescriptor(bytes(data), *struct.unpack_from("<HBBBBHHHBBBB", data, 2))
    if descriptor.bMaxPacketSize0 not in CONTROL_PACKET_SIZES:
        problems.forgive(f"{what}, offset 7: bMaxPacketSize0 is {descriptor.bMaxPacketSize0}, not 8, 16, 32 or 64")
    return descriptor


def parse_configuration(data: bytes, problems: Problems | None = None) -> Configuration:
    """Parse a configuration descriptor with all that follows it (9.6.3). Raises DescriptorError."""
    problems = problems or Problems()
    what = "configuration descriptor"
    _expect(data, 0, DescriptorType.CONFIGURATION, 9, what)
    total, interfaces, value, string, attributes, power = struct.unpack_from("<HBBBBB", data, 2)
    if total != len(data):
        problems.forgive(f"{what}, offset 2: wTotalLength is {total}, but {len(data)} bytes were sent")
    builder = _Builder(what, problems)
    for offset, descriptor in split(data, what, problems):
        if offset:
            builder.add(offset, descriptor)
    settings = builder.finish()
    numbers = {setting.bInterfaceNumber for setting in settings}
    if len(numbers) != interfaces:
        problems.forgive(f"{what}, offset 4: bNumInterfaces is {interfaces}, but {len(numbers)} are described")
    for association in builder.associations:
        first, count = association.bFirstInterface, association.bInterfaceCount
        missing = [number for number in range(first, first + count) if number not in numbers]
        if missing:
            problems.forgive(
                f"{what}: an interface association of {first} to {first + count - 1}, "
                f"but interface {missing[0]} is not described"
            )
    return Configuration(
        wTotalLength=total,
        bNumInterfaces=interfaces,
        bConfigurationValue=value,
        iConfiguration=string,
        bmAttributes=attributes,
        bMaxPower=power,
        associations=tuple(builder.associations),
        settings=settings,
        extra=tuple(builder.extra),
        raw=bytes(data),
    )


def parse_bos(data: bytes, problems: Problems | None = None) -> Bos:
    """Parse a binary device object store with its capabilities. Raises DescriptorError."""
    problems = problems or Problems()
    what = "BOS descriptor"
    _expect(data, 0, DescriptorType.BOS, 5, what)
    total, count = struct.unpack_from("<HB", data, 2)
    if total != len(data):
        problems.forgive(f"{what}, offset 2: wTotalLength is {total}, but {len(data)} bytes were sent")
    capabilities = tuple(descriptor for offset, descriptor in split(data, what, problems) if offset)
    if len(capabilities) != count:
        problems.forgive(f"{what}, offset 4: bNumDeviceCaps is {count}, but {len(capabilities)} are described")
    return Bos(total, count, capabilities, bytes(data))


def parse_languages(data: bytes, problems: Problems | None = None) -> tuple[int, ...]:
    """Parse string descriptor zero: the language identifiers (9.6.7, table 9-15). Raises DescriptorError."""
    content = _string_content(data, "string descriptor 0", problems or Problems())
    return struct.unpack(f"<{len(content) // 2}H", content)


def string_text(data: bytes, problems: Problems | None = None, what: str = "string descriptor") -> str:
    """Return the text of a string descriptor (9.6.7, table 9-16). Raises DescriptorError."""
    return _string_content(data, what, problems or Problems()).decode("utf-16-le", errors="replace")


def _string_content(data: bytes, what: str, problems: Problems) -> bytes:
    if len(data) < 2 or data[1] != DescriptorType.STRING or data[0] < 2:
        _expect(data, 0, DescriptorType.STRING, 2, what)
    if data[0] != len(data):
        problems.forgive(f"{what}: bLength is {data[0]}, but {len(data)} bytes were sent")
    length = min(data[0], len(data))
    if length % 2:
        problems.forgive(f"{what}: bLength is {data[0]}, not a whole number of UTF-16 units")
    return data[2 : length - length % 2]


def _expect(data: bytes, offset: int, kind: DescriptorType, length: int, what: str) -> None:
    if len(data) < 2:
        raise DescriptorError(f"{what}, offset {offset}: {len(data)} bytes, too few for bLength and bDescriptorType")
    if data[1] != kind:
        raise DescriptorError(f"{what}, offset {offset}: bDescriptorType is {data[1]}, not {kind.value} ({kind.name})")
    if data[0] < length or len(data) < length:
        name = kind.name.lower().replace("_", " ")
        raise DescriptorError(
            f"{what}, offset {offset}: {name} with bLength {data[0]} and {len(data)} bytes, it needs {length}"
        )


class _Builder:
    """Puts the descriptors of a configuration together, one after the other."""

    def __init__(self, what: str, problems: Problems) -> None:
        self.associations: list[Association] = []
        self.extra: list[bytes] = []
        self._what = what
        self._problems = problems
        self._settings: dict[tuple[int, int], Interface] = {}
        self._interface: tuple[int, bytes] | None = None
        self._interface_extra: list[bytes] = []
        self._endpoints: list[EndpointDescriptor] = []
        self._endpoint: bytes | None = None
        self._endpoint_size = 0
        self._endpoint_extra: list[bytes] = []

    def add(self, offset: int, descriptor: bytes) -> None:
        kind = descriptor[1]
        if kind == DescriptorType.INTERFACE_ASSOCIATION:
            if self._long_enough(offset, descriptor, DescriptorType.INTERFACE_ASSOCIATION, 8):
                self._end_interface()
                self.associations.append(Association(descriptor, *struct.unpack_from("<6B", descriptor, 2)))
        elif kind == DescriptorType.INTERFACE:
            if self._long_enough(offset, descriptor, DescriptorType.INTERFACE, 9):
                self._end_interface()
                self._interface = offset, descriptor
        elif kind == DescriptorType.ENDPOINT:
            if self._long_enough(offset, descriptor, DescriptorType.ENDPOINT, 7):
                self._add_endpoint(offset, descriptor)
        elif kind in (DescriptorType.DEVICE, DescriptorType.CONFIGURATION):
            self._forgive(offset, f"a {DescriptorType(kind).name} descriptor in the middle")
        elif self._endpoint is not None:
            self._endpoint_extra.append(descriptor)
        elif self._interface is not None:
            self._interface_extra.append(descriptor)
        else:
            self.extra.append(descriptor)

    def finish(self) -> tuple[Interface, ...]:
        self._end_interface()
        return tuple(self._settings.values())

    def _forgive(self, offset: int, problem: str) -> None:
        self._problems.forgive(f"{self._what}, offset {offset}: {problem}")

    def _long_enough(self, offset: int, descriptor: bytes, kind: DescriptorType, length: int) -> bool:
        """Whether the fields of a descriptor are all there; without them it is left out."""
        try:
            _expect(descriptor, offset, kind, length, self._what)
        except DescriptorError as error:
            self._problems.forgive(str(error))
            return False
        return True

    def _add_endpoint(self, offset: int, descriptor: bytes) -> None:
        address = descriptor[2]
        if self._interface is None:
            self._forgive(offset, "an endpoint descriptor before any interface")
            return
        self._end_endpoint()
        if address & 0x0F == 0 or address & 0x70:
            self._forgive(offset + 2, f"bEndpointAddress {address:#04x} is not allowed")
        elif any(known.bEndpointAddress == address for known in self._endpoints):
            self._forgive(offset, f"endpoint {address:#04x} twice in one interface")
        else:
            self._endpoint = descriptor
            self._endpoint_size = self._sensible_size(offset, descriptor)

    def _sensible_size(self, offset: int, descriptor: bytes) -> int:
        """An endpoint's wMaxPacketSize, its packets no larger than full speed has them."""
        given = descriptor[4] | descriptor[5] << 8
        size = given & 0x7FF
        kind = TransferType(descriptor[3] & 3)
        largest = _LARGEST_PACKET.get(kind, 64)
        if size <= largest and (size or kind is TransferType.ISOCHRONOUS):
            return given
        self._forgive(
            offset + 4,
            f"wMaxPacketSize of {kind.name.lower()} endpoint {descriptor[2]:#04x} is {size}, at full speed it is 1 to "
            f"{largest}: taken for {largest}",
        )
        return largest

    def _end_endpoint(self) -> None:
        if self._endpoint is None:
            return
        raw = self._endpoint
        self._endpoints.append(
            EndpointDescriptor(raw, tuple(self._endpoint_extra), raw[2], raw[3], self._endpoint_size, raw[6])
        )
        self._endpoint = None
        self._endpoint_extra = []

    def _end_interface(self) -> None:
        self._end_endpoint()
        if self._interface is None:
            return
        offset, raw = self._interface
        fields = struct.unpack_from("<7B", raw, 2)
        interface = Interface(raw, tuple(self._interface_extra), tuple(self._endpoints), *fields)
        name = f"interface {interface.bInterfaceNumber} alternate setting {interface.bAlternateSetting}"
        if interface.bNumEndpoints != len(self._endpoints):
            self._forgive(
                offset + 4,
                f"bNumEndpoints of {name} is {interface.bNumEndpoints}, but {len(self._endpoints)} are described",
            )
        key = interface.bInterfaceNumber, interface.bAlternateSetting
        if key in self._settings:
            self._forgive(offset, f"{name} is described twice")
        self._settings.setdefault(key, interface)
        self._interface = None
        self._interface_extra = []
        self._endpoints = []
