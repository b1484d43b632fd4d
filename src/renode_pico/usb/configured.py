"""An enumerated device: its descriptors, its strings, its endpoints, and the standard requests (USB 2.0, chapter 9).

What class drivers build on; `device.Device` is the same with them at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from renode_pico.errors import DescriptorError, Disconnected, UsageError
from renode_pico.usb import requests
from renode_pico.usb.descriptors import (
    Bos,
    Configuration,
    DescriptorType,
    DeviceDescriptor,
    EndpointDescriptor,
    Interface,
    string_text,
)
from renode_pico.usb.transfer import Host, Pipe, Setup, Transfer, TransferType

DEFAULT_TIMEOUT = 5.0
"""Emulated seconds a transfer may take unless the caller says otherwise; Linux gives a control request as much."""


class Endpoint:
    """One endpoint of a configured device. Timeouts are emulated seconds."""

    def __init__(self, device: ConfiguredDevice, descriptor: EndpointDescriptor) -> None:
        self.device = device
        self.descriptor = descriptor
        self.address = descriptor.bEndpointAddress
        self.pipe = Pipe(device.address, self.address, descriptor.type, descriptor.max_packet_size, descriptor.interval)

    def read(self, length: int, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Read until `length` bytes or a short packet have come.

        Raises Stall, Timeout, Disconnected, TransactionError or Babble.
        """
        transfer = self.submit_in(length)
        self.device.host.wait(transfer, timeout=timeout)
        return transfer.data

    def write(self, data: bytes, timeout: float = DEFAULT_TIMEOUT, *, zero_packet: bool = False) -> int:
        """Send all of `data`, and an empty packet after a last full one if `zero_packet`; returns the bytes sent.

        Raises Stall, Timeout, Disconnected or TransactionError.
        """
        transfer = self.submit_out(data, zero_packet=zero_packet)
        self.device.host.wait(transfer, timeout=timeout)
        return transfer.actual_length

    def submit_in(
        self, length: int, *, timeout: float | None = None, on_done: Callable[[Transfer], None] | None = None
    ) -> Transfer:
        """Queue an IN transfer; see `Host.submit`."""
        if not self.pipe.is_in:
            raise UsageError(f"endpoint {self.address:#04x} is an OUT endpoint, it cannot be read from")
        self.device.expect_present()
        return self.device.host.submit(self.pipe, length=length, timeout=timeout, on_done=on_done)

    def submit_out(
        self,
        data: bytes,
        *,
        zero_packet: bool = False,
        timeout: float | None = None,
        on_done: Callable[[Transfer], None] | None = None,
    ) -> Transfer:
        """Queue an OUT transfer; see `Host.submit`."""
        if self.pipe.is_in:
            raise UsageError(f"endpoint {self.address:#04x} is an IN endpoint, it cannot be written to")
        self.device.expect_present()
        return self.device.host.submit(self.pipe, data, zero_packet=zero_packet, timeout=timeout, on_done=on_done)

    def clear_halt(self) -> None:
        """CLEAR_FEATURE(ENDPOINT_HALT), and DATA0 on both sides (9.4.5)."""
        self.device.clear_halt(self.address)


class ConfiguredDevice:
    """What `enumeration.enumerate_device` found. It stays valid until the device leaves the bus or the bus is reset.

    `device_descriptor`: 18 bytes as sent; `descriptor`: the same, parsed. `configurations`: all of them, parsed.
    `strings`: the text of every string that a descriptor names, by index, in the first language of the device's table;
    a string that the device stalls is missing. `languages`: that table. `problems`: what was wrong with its answers and
    was forgiven, attempts to enumerate it that failed included.
    """

    def __init__(
        self, host: Host, address: int, descriptor: DeviceDescriptor, max_packet_size0: int | None = None
    ) -> None:
        self.host = host
        self.address = address
        self.descriptor = descriptor
        self.device_descriptor = descriptor.raw
        self.configurations: tuple[Configuration, ...] = ()
        self.bos: Bos | None = None
        self.languages: tuple[int, ...] = ()
        self.strings: dict[int, str] = {}
        self.problems: tuple[str, ...] = ()
        self.control_pipe = Pipe(address, 0, TransferType.CONTROL, max_packet_size0 or descriptor.bMaxPacketSize0)
        self._attach_count = host.attach_count
        self._configuration: Configuration | None = None
        self._alternates: dict[int, int] = {}

    # What it is

    @property
    def configuration(self) -> Configuration:
        """The configuration in use. Raises UsageError when the device is not configured."""
        if self._configuration is None:
            raise UsageError(f"device {self.address} is not configured")
        return self._configuration

    @property
    def configuration_descriptor(self) -> bytes:
        """All bytes of the configuration in use, as sent."""
        return self.configuration.raw

    @property
    def manufacturer(self) -> str | None:
        """The string at iManufacturer."""
        return self.strings.get(self.descriptor.iManufacturer)

    @property
    def product(self) -> str | None:
        """The string at iProduct."""
        return self.strings.get(self.descriptor.iProduct)

    @property
    def serial_number(self) -> str | None:
        """The string at iSerialNumber."""
        return self.strings.get(self.descriptor.iSerialNumber)

    @property
    def present(self) -> bool:
        """The device has not left the bus since it was enumerated."""
        return self.host.attached and self.host.attach_count == self._attach_count

    def expect_present(self) -> None:
        """Raise Disconnected when the device has left the bus."""
        if not self.present:
            raise Disconnected(
                f"device {self.address} ({self.descriptor.idVendor:04x}:{self.descriptor.idProduct:04x}) has left the "
                f"bus (at {self.host.now:.6f} s); enumerate again"
            )

    # Endpoints

    def endpoint(self, address: int) -> Endpoint:
        """Return the endpoint with that bEndpointAddress in the alternate settings in use. Raises UsageError."""
        for setting in self._settings_in_use():
            for descriptor in setting.endpoints:
                if descriptor.bEndpointAddress == address:
                    return Endpoint(self, descriptor)
        raise UsageError(
            f"configuration {self.configuration.bConfigurationValue} has no endpoint {address:#04x} in its "
            f"interfaces' present settings"
        )

    def endpoints_in_use(self) -> tuple[Endpoint, ...]:
        """All endpoints of the alternate settings in use, in the order of the descriptors."""
        return tuple(Endpoint(self, each) for setting in self._settings_in_use() for each in setting.endpoints)

    def pipe(self, address: int) -> Pipe:
        """Return the pipe to an endpoint; 0 is the control endpoint."""
        return self.control_pipe if address & 0x0F == 0 else self.endpoint(address).pipe

    # Control transfers

    def control_in(self, setup: Setup, *, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Read the data stage of a control transfer (USB 2.0, 8.5.3).

        timeout: emulated seconds. Returns at most setup.wLength bytes. Raises Stall, Timeout or Disconnected.
        """
        if not setup.is_in:
            raise UsageError(f"control_in needs a request with an IN data stage, not {setup}")
        self.expect_present()
        return control_transfer(self.host, self.control_pipe, setup, b"", timeout)

    def control_out(self, setup: Setup, data: bytes = b"", *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Make a control transfer without data stage, or with an OUT data stage of wLength bytes (USB 2.0, 8.5.3).

        timeout: emulated seconds. Raises Stall, Timeout or Disconnected.
        """
        if setup.is_in:
            raise UsageError(f"control_out needs a request without an IN data stage, not {setup}")
        self.expect_present()
        control_transfer(self.host, self.control_pipe, setup, data, timeout)

    # Standard requests

    def get_descriptor(self, kind: int, index: int = 0, language: int = 0, length: int = 255) -> bytes:
        """GET_DESCRIPTOR (9.4.3)."""
        return self.control_in(requests.get_descriptor(kind, index, language, length))

    def get_string(self, index: int, language: int | None = None) -> str:
        """Read a string in a language, by default the first of the device's table, English if it has none."""
        if language is None:
            language = self.languages[0] if self.languages else 0x0409
        return string_text(self.get_descriptor(DescriptorType.STRING, index, language))

    def get_status(self) -> int:
        """GET_STATUS of the device: bit 0 self-powered, bit 1 remote wake-up enabled (figure 9-4)."""
        return self._status(requests.DEVICE, 0)

    def get_status_interface(self, interface: int) -> int:
        """GET_STATUS of an interface: reserved, 0 (figure 9-5)."""
        return self._status(requests.INTERFACE, interface)

    def get_status_endpoint(self, address: int) -> int:
        """GET_STATUS of an endpoint: bit 0 halted (figure 9-6)."""
        return self._status(requests.ENDPOINT, address)

    def set_feature(self, feature: int, recipient: int = requests.DEVICE, index: int = 0) -> None:
        """SET_FEATURE (9.4.9)."""
        self.control_out(requests.set_feature(feature, recipient, index))

    def clear_feature(self, feature: int, recipient: int = requests.DEVICE, index: int = 0) -> None:
        """CLEAR_FEATURE (9.4.1); `clear_halt` for endpoints."""
        self.control_out(requests.clear_feature(feature, recipient, index))

    def set_remote_wakeup(self, enabled: bool) -> None:
        """Allow the device to wake this host, or forbid it (9.4.1, 9.4.9)."""
        (self.set_feature if enabled else self.clear_feature)(requests.DEVICE_REMOTE_WAKEUP)

    def set_halt(self, address: int) -> None:
        """SET_FEATURE(ENDPOINT_HALT)."""
        self.set_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, address)

    def clear_halt(self, address: int) -> None:
        """CLEAR_FEATURE(ENDPOINT_HALT), and DATA0 on both sides (9.4.5)."""
        self.clear_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, address)
        self.host.reset_toggle(self.address, address)

    def get_configuration(self) -> int:
        """Ask for the bConfigurationValue in use, 0 for none (9.4.2)."""
        return self._one_byte(requests.get_configuration())

    def set_configuration(self, value: int) -> None:
        """SET_CONFIGURATION; all endpoints of the configuration start with DATA0 (9.4.7, 9.1.1.5).

        value: a bConfigurationValue, or 0 to leave the device unconfigured.
        """
        self.control_out(requests.set_configuration(value))
        self.configured(value)

    def configured(self, value: int) -> None:
        """Take note that the device has accepted SET_CONFIGURATION: the host's side of it."""
        known = [each for each in self.configurations if each.bConfigurationValue == value]
        self._configuration = known[0] if known else None
        self._alternates = {}
        if self._configuration is not None:
            for setting in self._configuration.settings:
                for endpoint in setting.endpoints:
                    self.host.reset_toggle(self.address, endpoint.bEndpointAddress)

    def get_interface(self, interface: int) -> int:
        """Ask for the alternate setting in use (9.4.4)."""
        return self._one_byte(requests.get_interface(interface))

    def set_interface(self, interface: int, alternate: int) -> None:
        """SET_INTERFACE; the setting's endpoints start with DATA0 (9.4.10, 9.1.1.5)."""
        self.configuration.setting(interface, alternate)
        self.control_out(requests.set_interface(interface, alternate))
        self.interface_set(interface, alternate)

    def interface_set(self, interface: int, alternate: int) -> None:
        """Take note that the device has accepted SET_INTERFACE: the host's side of it."""
        endpoints = self.configuration.setting(interface, alternate).endpoints
        self._alternates[interface] = alternate
        for endpoint in endpoints:
            self.host.reset_toggle(self.address, endpoint.bEndpointAddress)

    # Inside

    def _settings_in_use(self) -> Iterator[Interface]:
        for interface in self.configuration.interfaces:
            number = interface.bInterfaceNumber
            yield self.configuration.setting(number, self._alternates.get(number, interface.bAlternateSetting))

    def _status(self, recipient: int, index: int) -> int:
        data = self.control_in(requests.get_status(recipient, index))
        if len(data) != 2:
            raise DescriptorError(f"GET_STATUS: the device sent {len(data)} bytes instead of 2")
        return int.from_bytes(data, "little")

    def _one_byte(self, setup: Setup) -> int:
        data = self.control_in(setup)
        if len(data) != 1:
            raise DescriptorError(f"{setup}: the device sent {len(data)} bytes instead of 1")
        return data[0]


def control_transfer(
    host: Host, pipe: Pipe, setup: Setup, data: bytes = b"", timeout: float = DEFAULT_TIMEOUT
) -> bytes:
    """Make a control transfer and wait for its end; see `ConfiguredDevice.control_in` for what it raises."""
    transfer = host.submit(pipe, data, setup=setup)
    host.wait(transfer, timeout=timeout)
    return transfer.data
