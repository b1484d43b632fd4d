"""What class drivers have in common: interfaces and endpoints, class requests, libraries that may be absent."""

from __future__ import annotations

import importlib
from types import ModuleType

from renode_pico.errors import EngineMissing, UsageError
from renode_pico.usb.configured import ConfiguredDevice, Endpoint
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import Setup, TransferType

CS_INTERFACE = 0x24
CS_ENDPOINT = 0x25
CLASS_OUT, CLASS_IN = 0x21, 0xA1
"""bmRequestType of a class request to an interface (USB 2.0, table 9-2)."""
VENDOR_IN = 0xC0


def library(name: str) -> ModuleType:
    """Import a library that only a class driver needs. Raises EngineMissing with what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EngineMissing(f"{name.partition('.')[0]} is not installed: pip install 'renode-pico[classes]'") from error


def interfaces(
    device: ConfiguredDevice, code: int, subclass: int | None = None, protocol: int | None = None
) -> list[Interface]:
    """Return the interfaces of a class, each in its setting 0, in the order of the descriptors."""
    wanted = (code, subclass, protocol)
    return [
        each
        for each in device.configuration.interfaces
        if all(
            want in (None, have)
            for want, have in zip(
                wanted, (each.bInterfaceClass, each.bInterfaceSubClass, each.bInterfaceProtocol), strict=True
            )
        )
    ]


def settings(device: ConfiguredDevice, interface: int) -> list[Interface]:
    """Return all settings of an interface."""
    return [each for each in device.configuration.settings if each.bInterfaceNumber == interface]


def endpoint(
    device: ConfiguredDevice, interface: Interface, is_in: bool, kind: TransferType | None = None
) -> Endpoint | None:
    """Return an interface's first endpoint of a direction and type."""
    for each in interface.endpoints:
        if each.is_in == is_in and kind in (None, each.type):
            return Endpoint(device, each)
    return None


def required(device: ConfiguredDevice, interface: Interface, is_in: bool, kind: TransferType | None = None) -> Endpoint:
    """Return an interface's first endpoint of a direction and type. Raises UsageError when it has none."""
    found = endpoint(device, interface, is_in, kind)
    if found is None:
        name = f"{kind.name.lower()} " if kind is not None else ""
        raise UsageError(
            f"interface {interface.bInterfaceNumber} has no {name}{'IN' if is_in else 'OUT'} endpoint in its setting "
            f"{interface.bAlternateSetting}"
        )
    return found


def ask(device: ConfiguredDevice, interface: int, request: int, value: int = 0, length: int = 0) -> bytes:
    """Make a class request to an interface that reads `length` bytes."""
    return device.control_in(Setup(CLASS_IN, request, value, interface, length))


def tell(device: ConfiguredDevice, interface: int, request: int, value: int = 0, data: bytes = b"") -> None:
    """Make a class request to an interface that writes bytes, or none."""
    device.control_out(Setup(CLASS_OUT, request, value, interface, len(data)), data)


def class_descriptors(interface: Interface, kind: int = CS_INTERFACE) -> dict[int, bytes]:
    """Return an interface's class-specific descriptors by their subtype; the first of each."""
    found: dict[int, bytes] = {}
    for each in interface.extra:
        if len(each) >= 3 and each[1] == kind:
            found.setdefault(each[2], each)
    return found


def none_of(what: str) -> UsageError:
    """Return the error of a device that has no such function."""
    return UsageError(f"the device has no {what}")
