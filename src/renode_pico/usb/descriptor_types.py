"""Descriptors of any class as frozen trees (USB 2.0, 9.5 and 9.6; the IAD and BOS of its ECNs).

Field names are the standard's. Class-specific descriptors are kept as bytes in their place. `descriptors` reads them.
"""

from __future__ import annotations

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
