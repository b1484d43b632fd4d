"""A device's descriptors as text, laid out like `lsusb -v`, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from renode_pico.usb.class_codes import class_name, protocol_name, subclass_name
from renode_pico.usb.descriptors import (
    Association,
    Bos,
    Configuration,
    DescriptorType,
    DeviceDescriptor,
    EndpointDescriptor,
    Interface,
)
from renode_pico.usb.device import Device
from renode_pico.usb.transfer import TransferType

CS_INTERFACE = 0x24
HID = 0x21

_SYNCH = ("None", "Asynchronous", "Adaptive", "Synchronous")
_USAGE = ("Data", "Feedback", "Implicit feedback Data", "(reserved)")


def format_line(device: Device, bus: int = 1) -> str:
    """Return the one line `lsusb` prints without options."""
    descriptor = device.descriptor
    name = " ".join(text for text in (device.manufacturer, device.product) if text)
    line = f"Bus {bus:03} Device {device.address:03}: ID {descriptor.idVendor:04x}:{descriptor.idProduct:04x} {name}"
    return line.rstrip()


def format_device(device: Device, bus: int = 1) -> str:
    """Return all descriptors as `lsusb -v` lays them out, without asking the device anything."""
    return "\n".join([format_line(device, bus), *_device(device)])


def format_problems(device: Device) -> list[str]:
    """Return a line for each thing that was wrong with a device and was forgiven."""
    return [f"Problem: {problem}" for problem in device.problems]


def device_dict(device: Device) -> dict[str, Any]:
    """Return everything as dictionaries, lists, numbers and strings; bytes are in hexadecimal."""
    result: dict[str, Any] = _plain(device.descriptor)
    result["address"] = device.address
    result["configurations"] = [_plain(configuration) for configuration in device.configurations]
    result["bos"] = None if device.bos is None else _plain(device.bos)
    result["languages"] = list(device.languages)
    result["strings"] = {str(index): text for index, text in device.strings.items()}
    result["problems"] = list(device.problems)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(element) for element in value]
    if isinstance(value, DeviceDescriptor | Configuration | Association | Interface | EndpointDescriptor | Bos):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _field(indent: int, name: str, value: str, meaning: str | None = None) -> str:
    """Lay out a field: the value ends in column 25 of the field, its meaning follows."""
    text = f"{'  ' * indent}{name:<18}{value:>7}" if len(name) < 18 else f"{'  ' * indent}{name:<24}{value}"
    return text if meaning is None else f"{text} {meaning}"


def _number(indent: int, name: str, value: int, meaning: str | None = None) -> str:
    return _field(indent, name, str(value), meaning)


def _bcd(value: int) -> str:
    return f"{value >> 8:x}.{value & 0xFF:02x}"


def _head(indent: int, raw: bytes) -> list[str]:
    return [_number(indent, "bLength", raw[0]), _number(indent, "bDescriptorType", raw[1])]


def _class_lines(indent: int, names: tuple[str, str, str], codes: tuple[int, int, int]) -> list[str]:
    return [
        _number(indent, names[0], codes[0], class_name(codes[0])),
        _number(indent, names[1], codes[1], subclass_name(*codes[:2])),
        _number(indent, names[2], codes[2], protocol_name(*codes)),
    ]


def _device(device: Device) -> Iterator[str]:
    descriptor, strings = device.descriptor, device.strings
    codes = descriptor.bDeviceClass, descriptor.bDeviceSubClass, descriptor.bDeviceProtocol
    yield "Device Descriptor:"
    yield from _head(1, descriptor.raw)
    yield _field(1, "bcdUSB", _bcd(descriptor.bcdUSB))
    yield from _class_lines(1, ("bDeviceClass", "bDeviceSubClass", "bDeviceProtocol"), codes)
    yield _number(1, "bMaxPacketSize0", descriptor.bMaxPacketSize0)
    yield _field(1, "idVendor", f"{descriptor.idVendor:#06x}", "")
    yield _field(1, "idProduct", f"{descriptor.idProduct:#06x}", "")
    yield _field(1, "bcdDevice", _bcd(descriptor.bcdDevice))
    yield _string(1, "iManufacturer", descriptor.iManufacturer, strings)
    yield _string(1, "iProduct", descriptor.iProduct, strings)
    yield _string(1, "iSerial", descriptor.iSerialNumber, strings)
    yield _number(1, "bNumConfigurations", descriptor.bNumConfigurations)
    for configuration in device.configurations:
        yield from _configuration(configuration, strings)
    if device.bos is not None:
        yield from _bos(device.bos)


def _string(indent: int, name: str, index: int, strings: Mapping[int, str]) -> str:
    return _number(indent, name, index, strings.get(index, ""))


def _configuration(configuration: Configuration, strings: Mapping[int, str]) -> Iterator[str]:
    yield "  Configuration Descriptor:"
    yield from _head(2, configuration.raw)
    yield _field(2, "wTotalLength", f"{configuration.wTotalLength:#06x}")
    yield _number(2, "bNumInterfaces", configuration.bNumInterfaces)
    yield _number(2, "bConfigurationValue", configuration.bConfigurationValue)
    yield _string(2, "iConfiguration", configuration.iConfiguration, strings)
    yield _field(2, "bmAttributes", f"{configuration.bmAttributes:#04x}")
    yield "      Self Powered" if configuration.self_powered else "      (Bus Powered)"
    if configuration.remote_wakeup:
        yield "      Remote Wakeup"
    yield _field(2, "MaxPower", f"{configuration.bMaxPower * 2}mA").rstrip()
    for extra in configuration.extra:
        yield _unrecognized(2, extra)
    described: set[int] = set()
    for setting in configuration.settings:
        for association in configuration.associations:
            if association.bFirstInterface == setting.bInterfaceNumber and id(association) not in described:
                described.add(id(association))
                yield from _association(association, strings)
        yield from _interface(setting, strings)


def _association(association: Association, strings: Mapping[int, str]) -> Iterator[str]:
    codes = association.bFunctionClass, association.bFunctionSubClass, association.bFunctionProtocol
    yield "    Interface Association:"
    yield from _head(3, association.raw)
    yield _number(3, "bFirstInterface", association.bFirstInterface)
    yield _number(3, "bInterfaceCount", association.bInterfaceCount)
    yield from _class_lines(3, ("bFunctionClass", "bFunctionSubClass", "bFunctionProtocol"), codes)
    yield _string(3, "iFunction", association.iFunction, strings)


def _interface(interface: Interface, strings: Mapping[int, str]) -> Iterator[str]:
    codes = interface.bInterfaceClass, interface.bInterfaceSubClass, interface.bInterfaceProtocol
    yield "    Interface Descriptor:"
    yield from _head(3, interface.raw)
    yield _number(3, "bInterfaceNumber", interface.bInterfaceNumber)
    yield _number(3, "bAlternateSetting", interface.bAlternateSetting)
    yield _number(3, "bNumEndpoints", interface.bNumEndpoints)
    yield from _class_lines(3, ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"), codes)
    yield _string(3, "iInterface", interface.iInterface, strings)
    for extra in interface.extra:
        yield from _class_specific(interface, extra)
    for endpoint in interface.endpoints:
        yield from _endpoint(endpoint)


def _endpoint(endpoint: EndpointDescriptor) -> Iterator[str]:
    attributes = endpoint.bmAttributes
    direction = "IN" if endpoint.is_in else "OUT"
    extra_transactions = endpoint.wMaxPacketSize >> 11 & 3
    yield "      Endpoint Descriptor:"
    yield from _head(4, endpoint.raw)
    yield _field(4, "bEndpointAddress", f"{endpoint.bEndpointAddress:#04x}", f" EP {endpoint.number} {direction}")
    yield _number(4, "bmAttributes", attributes)
    yield f"          Transfer Type            {endpoint.type.name.capitalize()}"
    yield f"          Synch Type               {_SYNCH[attributes >> 2 & 3]}"
    yield f"          Usage Type               {_USAGE[attributes >> 4 & 3]}"
    size = f" {extra_transactions + 1}x {endpoint.max_packet_size} bytes"
    yield _field(4, "wMaxPacketSize", f"{endpoint.wMaxPacketSize:#06x}", size)
    yield _number(4, "bInterval", endpoint.bInterval)
    if endpoint.type is TransferType.ISOCHRONOUS and len(endpoint.raw) >= 9:
        yield _number(4, "bRefresh", endpoint.raw[7])
        yield _number(4, "bSynchAddress", endpoint.raw[8])
    for extra in endpoint.extra:
        yield _unrecognized(4, extra)


def _class_specific(interface: Interface, raw: bytes) -> Iterator[str]:
    if interface.bInterfaceClass == 0x02 and raw[1] == CS_INTERFACE and len(raw) > 3:
        formatter = _CDC.get(raw[2])
        if formatter is not None:
            yield from formatter(raw)
            return
    if interface.bInterfaceClass == 0x03 and raw[1] == HID and len(raw) >= 6:
        yield from _hid(raw)
        return
    yield _unrecognized(3, raw)


def _unrecognized(indent: int, raw: bytes) -> str:
    return f"{'  ' * indent}** UNRECOGNIZED:  {raw.hex(' ')}"


def _cdc_header(raw: bytes) -> Iterator[str]:
    yield "      CDC Header:"
    if len(raw) >= 5:
        yield _field(4, "bcdCDC", _bcd(raw[3] | raw[4] << 8))


def _cdc_call_management(raw: bytes) -> Iterator[str]:
    yield "      CDC Call Management:"
    yield _field(4, "bmCapabilities", f"{raw[3]:#04x}")
    if raw[3] & 1:
        yield "          call management"
    if raw[3] & 2:
        yield "          use DataInterface"
    if len(raw) >= 5:
        yield _number(4, "bDataInterface", raw[4])


def _cdc_acm(raw: bytes) -> Iterator[str]:
    yield "      CDC ACM:"
    yield _field(4, "bmCapabilities", f"{raw[3]:#04x}")
    for bit, meaning in ((8, "connection notifications"), (4, "sends break"), (2, "line coding and serial state")):
        if raw[3] & bit:
            yield f"          {meaning}"
    if raw[3] & 1:
        yield "          get/set/clear comm features"


def _cdc_union(raw: bytes) -> Iterator[str]:
    yield "      CDC Union:"
    yield _number(4, "bMasterInterface", raw[3])
    for slave in raw[4:]:
        yield _number(4, "bSlaveInterface", slave, "")


_CDC: dict[int, Callable[[bytes], Iterator[str]]] = {
    0x00: _cdc_header,
    0x01: _cdc_call_management,
    0x02: _cdc_acm,
    0x06: _cdc_union,
}


def _hid(raw: bytes) -> Iterator[str]:
    country = "Not supported" if raw[4] == 0 else ""
    yield "        HID Device Descriptor:"
    yield from _head(5, raw)
    yield _field(5, "bcdHID", _bcd(raw[2] | raw[3] << 8))
    yield _number(5, "bCountryCode", raw[4], country)
    yield _number(5, "bNumDescriptors", raw[5])
    for at in range(6, len(raw) - 2, 3):
        kind = {0x22: "Report", 0x23: "Physical"}.get(raw[at], "")
        yield _number(5, "bDescriptorType", raw[at], kind)
        yield _number(5, "wDescriptorLength", raw[at + 1] | raw[at + 2] << 8)


def _bos(bos: Bos) -> Iterator[str]:
    yield "Binary Object Store Descriptor:"
    yield _number(1, "bLength", bos.raw[0])
    yield _number(1, "bDescriptorType", int(DescriptorType.BOS))
    yield _field(1, "wTotalLength", f"{bos.wTotalLength:#06x}")
    yield _number(1, "bNumDeviceCaps", bos.bNumDeviceCaps)
    for capability in bos.capabilities:
        yield _unrecognized(1, capability)
