"""Descriptors of any class as frozen trees (USB 2.0, 9.5 and 9.6; the IAD and BOS of its ECNs).

Field names are the standard's. What a descriptor says about lengths and counts is checked, and a lie raises
DescriptorError with the offset; class-specific descriptors are kept as bytes in their place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from renode_pico.errors import DescriptorError
from renode_pico.usb.transfer import TransferType


class DescriptorType(IntEnum):
    """bDescriptorType (USB 2.0, table 9-5, and the ECNs that added to it)."""

    DEVICE = 1
    CONFIGURATION = 2
    STRING = 3
    INTERFACE = 4
    ENDPOINT = 5
    DEVICE_QUALIFIER = 6
    OTHER_SPEED_CONFIGURATION = 7
    INTERFACE_POWER = 8
    OTG = 9
    DEBUG = 10
    INTERFACE_ASSOCIATION = 11
    BOS = 15
    DEVICE_CAPABILITY = 16


@dataclass(frozen=True, slots=True)
class DeviceDescriptor:
    """USB 2.0, table 9-8. `raw`, here and below: the descriptor's own bytes."""

    raw: bytes
    bcdUSB: int
    bDeviceClass: int
    bDeviceSubClass: int
    bDeviceProtocol: int
    bMaxPacketSize0: int
    idVendor: int
    idProduct: int
    bcdDevice: int
    iManufacturer: int
    iProduct: int
    iSerialNumber: int
    bNumConfigurations: int


@dataclass(frozen=True, slots=True)
class EndpointDescriptor:
    """USB 2.0, table 9-13. `extra`: the descriptors that follow it and belong to it."""

    raw: bytes
    extra: tuple[bytes, ...]
    bEndpointAddress: int
    bmAttributes: int
    wMaxPacketSize: int
    bInterval: int

    @property
    def type(self) -> TransferType:
        """Transfer type, bits 1..0 of bmAttributes."""
        return TransferType(self.bmAttributes & 3)

    @property
    def is_in(self) -> bool:
        """Data goes from device to host."""
        return bool(self.bEndpointAddress & 0x80)

    @property
    def number(self) -> int:
        """Endpoint number without direction."""
        return self.bEndpointAddress & 0x0F

    @property
    def max_packet_size(self) -> int:
        """Bits 10..0 of wMaxPacketSize."""
        return self.wMaxPacketSize & 0x7FF

    @property
    def interval(self) -> int:
        """Frames between two transactions of a full-speed interrupt or isochronous endpoint (table 9-13)."""
        if self.type is TransferType.ISOCHRONOUS:
            return int(2 ** (min(max(self.bInterval, 1), 16) - 1))
        return max(self.bInterval, 1)


@dataclass(frozen=True, slots=True)
class Interface:
    """One setting of one interface (USB 2.0, table 9-12) with its endpoints.

    `extra`: the class-specific descriptors between it and its first endpoint.
    """

    raw: bytes
    extra: tuple[bytes, ...]
    endpoints: tuple[EndpointDescriptor, ...]
    bInterfaceNumber: int
    bAlternateSetting: int
    bNumEndpoints: int
    bInterfaceClass: int
    bInterfaceSubClass: int
    bInterfaceProtocol: int
    iInterface: int


@dataclass(frozen=True, slots=True)
class Association:
    """Interfaces that make one function (Interface Association Descriptor ECN, table 9-Z)."""

    raw: bytes
    bFirstInterface: int
    bInterfaceCount: int
    bFunctionClass: int
    bFunctionSubClass: int
    bFunctionProtocol: int
    iFunction: int

    def __contains__(self, interface_number: int) -> bool:
        return self.bFirstInterface <= interface_number < self.bFirstInterface + self.bInterfaceCount


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration and all that came with it (USB 2.0, table 9-10).

    `settings`: every setting of every interface, in the order of the descriptors. `extra`: descriptors before the first
    interface that are no associations. `raw`: all wTotalLength bytes.
    """

    wTotalLength: int
    bNumInterfaces: int
    bConfigurationValue: int
    iConfiguration: int
    bmAttributes: int
    bMaxPower: int
    associations: tuple[Association, ...]
    settings: tuple[Interface, ...]
    extra: tuple[bytes, ...]
    raw: bytes

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Setting 0 of each interface (the first one described, if there is no 0), in the order of the descriptors."""
        default: dict[int, Interface] = {}
        for setting in self.settings:
            known = default.setdefault(setting.bInterfaceNumber, setting)
            if setting.bAlternateSetting == 0 and known.bAlternateSetting != 0:
                default[setting.bInterfaceNumber] = setting
        return tuple(default.values())

    def setting(self, interface: int, alternate: int = 0) -> Interface:
        """Return one setting of one interface; raises DescriptorError when it does not exist."""
        for setting in self.settings:
            if (setting.bInterfaceNumber, setting.bAlternateSetting) == (interface, alternate):
                return setting
        raise DescriptorError(
            f"configuration {self.bConfigurationValue} has no interface {interface} with alternate setting {alternate}"
        )

    @property
    def self_powered(self) -> bool:
        """Bit 6 of bmAttributes."""
        return bool(self.bmAttributes & 0x40)

    @property
    def remote_wakeup(self) -> bool:
        """Bit 5 of bmAttributes: the device can wake its host."""
        return bool(self.bmAttributes & 0x20)


@dataclass(frozen=True, slots=True)
class Bos:
    """Binary device object store (USB 2.0 LPM ECN, USB 3.2, 9.6.2): its capabilities as bytes."""

    wTotalLength: int
    bNumDeviceCaps: int
    capabilities: tuple[bytes, ...]
    raw: bytes


def split(data: bytes, what: str) -> Iterator[tuple[int, bytes]]:
    """Cut a run of descriptors into (offset, descriptor), by their bLength. Raises DescriptorError."""
    offset = 0
    while offset < len(data):
        length = data[offset]
        if length < 2:
            raise DescriptorError(f"{what}, offset {offset}: bLength is {length}, a descriptor has at least 2 bytes")
        if offset + length > len(data):
            raise DescriptorError(
                f"{what}, offset {offset}: bLength is {length}, but only {len(data) - offset} bytes are left"
            )
        yield offset, data[offset : offset + length]
        offset += length


def parse_device(data: bytes) -> DeviceDescriptor:
    """Parse a device descriptor (9.6.1). Raises DescriptorError."""
    what = "device descriptor"
    _expect(data, 0, DescriptorType.DEVICE, 18, what)
    if data[0] != len(data):
        raise DescriptorError(f"{what}: bLength is {data[0]}, but {len(data)} bytes were sent")
    descriptor = DeviceDescriptor(bytes(data), *struct.unpack_from("<HBBBBHHHBBBB", data, 2))
    if descriptor.bMaxPacketSize0 not in (8, 16, 32, 64):
        raise DescriptorError(f"{what}, offset 7: bMaxPacketSize0 is {descriptor.bMaxPacketSize0}, not 8, 16, 32 or 64")
    return descriptor


def parse_configuration(data: bytes) -> Configuration:
    """Parse a configuration descriptor with all that follows it (9.6.3). Raises DescriptorError."""
    what = "configuration descriptor"
    _expect(data, 0, DescriptorType.CONFIGURATION, 9, what)
    total, interfaces, value, string, attributes, power = struct.unpack_from("<HBBBBB", data, 2)
    if total != len(data):
        raise DescriptorError(f"{what}, offset 2: wTotalLength is {total}, but {len(data)} bytes were sent")
    builder = _Builder(what)
    for offset, descriptor in split(data, what):
        if offset:
            builder.add(offset, descriptor)
    settings = builder.finish()
    numbers = {setting.bInterfaceNumber for setting in settings}
    if len(numbers) != interfaces:
        raise DescriptorError(f"{what}, offset 4: bNumInterfaces is {interfaces}, but {len(numbers)} are described")
    for association in builder.associations:
        first, count = association.bFirstInterface, association.bInterfaceCount
        missing = [number for number in range(first, first + count) if number not in numbers]
        if missing:
            raise DescriptorError(
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


def parse_bos(data: bytes) -> Bos:
    """Parse a binary device object store with its capabilities. Raises DescriptorError."""
    what = "BOS descriptor"
    _expect(data, 0, DescriptorType.BOS, 5, what)
    total, count = struct.unpack_from("<HB", data, 2)
    if total != len(data):
        raise DescriptorError(f"{what}, offset 2: wTotalLength is {total}, but {len(data)} bytes were sent")
    capabilities = tuple(descriptor for offset, descriptor in split(data, what) if offset)
    if len(capabilities) != count:
        raise DescriptorError(f"{what}, offset 4: bNumDeviceCaps is {count}, but {len(capabilities)} are described")
    return Bos(total, count, capabilities, bytes(data))


def parse_languages(data: bytes) -> tuple[int, ...]:
    """Parse string descriptor zero: the language identifiers (9.6.7, table 9-15). Raises DescriptorError."""
    content = _string_content(data, "string descriptor 0")
    return struct.unpack(f"<{len(content) // 2}H", content)


def string_text(data: bytes) -> str:
    """Return the text of a string descriptor (9.6.7, table 9-16). Raises DescriptorError."""
    return _string_content(data, "string descriptor").decode("utf-16-le", errors="replace")


def _string_content(data: bytes, what: str) -> bytes:
    _expect(data, 0, DescriptorType.STRING, 2, what)
    if data[0] != len(data):
        raise DescriptorError(f"{what}: bLength is {data[0]}, but {len(data)} bytes were sent")
    if data[0] % 2:
        raise DescriptorError(f"{what}: bLength is {data[0]}, not a whole number of UTF-16 units")
    return data[2:]


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

    def __init__(self, what: str) -> None:
        self.associations: list[Association] = []
        self.extra: list[bytes] = []
        self._what = what
        self._settings: dict[tuple[int, int], Interface] = {}
        self._interface: tuple[int, bytes] | None = None
        self._interface_extra: list[bytes] = []
        self._endpoints: list[EndpointDescriptor] = []
        self._endpoint: bytes | None = None
        self._endpoint_extra: list[bytes] = []

    def add(self, offset: int, descriptor: bytes) -> None:
        kind = descriptor[1]
        if kind == DescriptorType.INTERFACE_ASSOCIATION:
            _expect(descriptor, offset, DescriptorType.INTERFACE_ASSOCIATION, 8, self._what)
            self._end_interface()
            self.associations.append(Association(descriptor, *struct.unpack_from("<6B", descriptor, 2)))
        elif kind == DescriptorType.INTERFACE:
            _expect(descriptor, offset, DescriptorType.INTERFACE, 9, self._what)
            self._end_interface()
            self._interface = offset, descriptor
        elif kind == DescriptorType.ENDPOINT:
            self._add_endpoint(offset, descriptor)
        elif kind in (DescriptorType.DEVICE, DescriptorType.CONFIGURATION):
            raise DescriptorError(
                f"{self._what}, offset {offset}: a {DescriptorType(kind).name} descriptor in the middle"
            )
        elif self._endpoint is not None:
            self._endpoint_extra.append(descriptor)
        elif self._interface is not None:
            self._interface_extra.append(descriptor)
        else:
            self.extra.append(descriptor)

    def finish(self) -> tuple[Interface, ...]:
        self._end_interface()
        return tuple(self._settings.values())

    def _add_endpoint(self, offset: int, descriptor: bytes) -> None:
        _expect(descriptor, offset, DescriptorType.ENDPOINT, 7, self._what)
        if self._interface is None:
            raise DescriptorError(f"{self._what}, offset {offset}: an endpoint descriptor before any interface")
        self._end_endpoint()
        address = descriptor[2]
        if address & 0x0F == 0 or address & 0x70:
            raise DescriptorError(f"{self._what}, offset {offset + 2}: bEndpointAddress {address:#04x} is not allowed")
        if any(known.bEndpointAddress == address for known in self._endpoints):
            raise DescriptorError(f"{self._what}, offset {offset}: endpoint {address:#04x} twice in one interface")
        self._endpoint = descriptor

    def _end_endpoint(self) -> None:
        if self._endpoint is None:
            return
        fields = struct.unpack_from("<BBHB", self._endpoint, 2)
        self._endpoints.append(EndpointDescriptor(self._endpoint, tuple(self._endpoint_extra), *fields))
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
            raise DescriptorError(
                f"{self._what}, offset {offset + 4}: bNumEndpoints of {name} is {interface.bNumEndpoints}, "
                f"but {len(self._endpoints)} are described"
            )
        key = interface.bInterfaceNumber, interface.bAlternateSetting
        if key in self._settings:
            raise DescriptorError(f"{self._what}, offset {offset}: {name} is described twice")
        self._settings[key] = interface
        self._interface = None
        self._interface_extra = []
        self._endpoints = []
