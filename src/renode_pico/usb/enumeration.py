"""Making an attached device known, as an operating system does it (USB 2.0, 9.1.2; Linux' hub driver by what it does).

A device that does not answer, or answers nonsense, is reset and asked again: twice by the scheme that asks for the
device descriptor first (Linux' "new scheme", which Windows has, too), then twice by the one that sets the address
first. One that leaves the bus meanwhile is waited for, and what comes is enumerated from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from renode_pico.errors import DescriptorError, Disconnected, Stall, Timeout, UsageError, UsbError
from renode_pico.usb import requests
from renode_pico.usb.configured import DEFAULT_TIMEOUT, control_transfer
from renode_pico.usb.descriptors import (
    CONTROL_PACKET_SIZES,
    Bos,
    Configuration,
    DescriptorType,
    parse_bos,
    parse_configuration,
    parse_device,
    parse_languages,
    string_text,
)
from renode_pico.usb.device import Device
from renode_pico.usb.temper import Problems, Temper
from renode_pico.usb.timing import (
    ENUMERATION_PAUSE_S,
    ENUMERATION_RETRY_S,
    SET_ADDRESS_RECOVERY_S,
    SET_ADDRESS_RETRY_S,
    STRICT_SET_ADDRESS_RECOVERY_S,
)
from renode_pico.usb.transfer import Host, Pipe, Setup, TransferType

ATTEMPTS = 4
"""How often Linux begins again with a reset: the first half with the device descriptor, the rest with the address."""
REQUEST_TRIES = 3
"""How often Linux makes a request for a descriptor that fails on the wire, is stalled or answered with nonsense."""
SET_ADDRESS_TRIES = 2
MAX_DETACHES = 16
"""A device that comes and goes for ever is given up after so many times; Linux goes on for ever."""
ENGLISH = 0x0409
_DEFAULT_PIPE = Pipe(0, 0, TransferType.CONTROL, 64)


def enumerate_device(
    host: Host, *, address: int = 1, timeout: float = DEFAULT_TIMEOUT, temper: Temper = Temper.LENIENT
) -> Device:
    """Make an attached device known and configure it: its first configuration (USB 2.0, 9.1.2).

    address: 1 to 127. timeout: emulated seconds until the device must be attached, and attached again should it leave
    meanwhile. temper: LENIENT tries again and keeps notes of what it forgave in `Device.problems`; STRICT makes one
    attempt, gives the device 2 ms to take its address, and ends at the first lie.

    Raises Timeout, Disconnected, Stall, TransactionError, Babble, or DescriptorError when the device lies about itself.
    """
    if not 1 <= address <= 127:
        raise UsageError(f"a device address is 1 to 127, not {address}")
    host.wait_attached(timeout=timeout)
    problems = Problems(temper)
    detaches = failures = 0
    while True:
        count = host.attach_count
        try:
            return _Attempt(host, address, problems).run(address_first=failures >= ATTEMPTS // 2)
        except Disconnected as error:
            detaches += 1
            if not host.plugged or detaches > MAX_DETACHES:
                raise
            _wait_for_return(host, count, timeout, error)
            problems, failures = Problems(temper), 0
        except UsbError as error:
            failures += 1
            if problems.strict:
                raise
            if failures == ATTEMPTS:
                raise type(error)(f"{error}; this was attempt {failures} to enumerate the device") from None
            problems.forgive(f"attempt {failures} to enumerate it: {error}")
            host.run(ENUMERATION_PAUSE_S if failures == ATTEMPTS // 2 else ENUMERATION_RETRY_S)
            if host.attach_count != count:
                problems, failures = Problems(temper), 0


def _wait_for_return(host: Host, count: int, timeout: float, error: Disconnected) -> None:
    try:
        host.wait_attach_count(count + 1, timeout=timeout)
    except Timeout:
        raise Disconnected(f"{error}; it has not come back within {timeout:g} emulated seconds") from None


class _Attempt:
    """From one reset to a configured device."""

    def __init__(self, host: Host, address: int, problems: Problems) -> None:
        self._host = host
        self._address = address
        self._problems = problems

    def run(self, *, address_first: bool) -> Device:
        self._host.reset()
        size = self._address_first() if address_first else self._descriptor_first()
        pipe = Pipe(self._address, 0, TransferType.CONTROL, size)
        data = self._descriptor(pipe, DescriptorType.DEVICE, length=18)
        device = Device(self._host, self._address, parse_device(data, self._problems), size)
        _Reader(device, self._problems, self._descriptor).read()
        if device.configurations:
            device.set_configuration(device.configurations[0].bConfigurationValue)
        device.problems = self._problems.found
        return device

    def _descriptor_first(self) -> int:
        """64 bytes of the device descriptor at address 0, of which the first packet tells bMaxPacketSize0."""
        head = self._descriptor(_DEFAULT_PIPE, DescriptorType.DEVICE, length=64)
        size = self._control_packet_size(head)
        self._host.reset()
        self._set_address(Pipe(0, 0, TransferType.CONTROL, size))
        return size

    def _address_first(self) -> int:
        self._set_address(_DEFAULT_PIPE)
        pipe = Pipe(self._address, 0, TransferType.CONTROL, _DEFAULT_PIPE.max_packet_size)
        return self._control_packet_size(self._descriptor(pipe, DescriptorType.DEVICE, length=8))

    def _set_address(self, pipe: Pipe) -> None:
        for left in reversed(range(1 if self._problems.strict else SET_ADDRESS_TRIES)):
            try:
                control_transfer(self._host, pipe, requests.set_address(self._address))
                break
            except (Disconnected, Timeout):
                raise
            except UsbError:
                if not left:
                    raise
                self._host.run(SET_ADDRESS_RETRY_S)
        self._host.run(STRICT_SET_ADDRESS_RECOVERY_S if self._problems.strict else SET_ADDRESS_RECOVERY_S)

    def _control_packet_size(self, head: bytes) -> int:
        if len(head) < 8:
            raise DescriptorError(
                f"device descriptor: the device sent {head.hex(' ') or 'nothing'} at its first request"
            )
        if head[7] in CONTROL_PACKET_SIZES:
            return head[7]
        self._problems.forgive(f"device descriptor, offset 7: bMaxPacketSize0 is {head[7]}, not 8, 16, 32 or 64")
        return len(head) if len(head) in CONTROL_PACKET_SIZES else CONTROL_PACKET_SIZES[-1]

    def _descriptor(
        self, pipe: Pipe, kind: DescriptorType, index: int = 0, language: int = 0, *, length: int, tries: int = 0
    ) -> bytes:
        """GET_DESCRIPTOR (9.4.3), made again when it fails in any way but a time-out, or brings something else."""
        setup = requests.get_descriptor(kind, index, language, length)
        for left in reversed(range(1 if self._problems.strict else tries or REQUEST_TRIES)):
            try:
                return _expect_kind(control_transfer(self._host, pipe, setup), kind, setup)
            except (Disconnected, Timeout):
                raise
            except UsbError:
                if not left:
                    raise
        raise AssertionError("a request is made at least once")


def _expect_kind(data: bytes, kind: DescriptorType, setup: Setup) -> bytes:
    if len(data) < 2 or data[1] != kind:
        name = kind.name.lower().replace("_", " ")
        raise DescriptorError(f"{name} descriptor ({setup}): the device sent {data.hex(' ') or 'nothing'}")
    return data


class _Reader:
    """Reads everything a device has to say about itself."""

    def __init__(self, device: Device, problems: Problems, descriptor: Callable[..., bytes]) -> None:
        self._device = device
        self._problems = problems
        self._get = descriptor

    def read(self) -> None:
        """All configurations, the BOS of a device that says it may have one, and all strings."""
        device = self._device
        device.configurations = tuple(self._configuration(i) for i in range(device.descriptor.bNumConfigurations))
        if device.descriptor.bcdUSB >= 0x0201:
            device.bos = self._bos()
        self._strings()

    def _configuration(self, index: int) -> Configuration:
        head = self._descriptor(DescriptorType.CONFIGURATION, index, length=9)
        if len(head) < 9:
            raise DescriptorError(f"configuration descriptor {index}: asked for 9 bytes, the device sent {len(head)}")
        total = head[2] | head[3] << 8
        if total < 9:
            self._problems.forgive(
                f"configuration descriptor {index}, offset 2: wTotalLength is {total}, at least 9 are due"
            )
        data = self._descriptor(DescriptorType.CONFIGURATION, index, length=max(total, 9))
        return parse_configuration(data, self._problems)

    def _bos(self) -> Bos | None:
        try:
            head = self._descriptor(DescriptorType.BOS, length=5, tries=1)
            if len(head) < 5:
                raise DescriptorError(f"BOS descriptor: asked for 5 bytes, the device sent {len(head)}")
            return parse_bos(self._descriptor(DescriptorType.BOS, length=head[2] | head[3] << 8), self._problems)
        except Stall:
            return None
        except DescriptorError as error:
            self._problems.forgive(str(error))
            return None

    def _strings(self) -> None:
        device = self._device
        indices = dict.fromkeys(index for index in string_indices(device) if index)
        if not indices:
            return
        try:
            languages = self._descriptor(DescriptorType.STRING, length=255, tries=1)
            device.languages = parse_languages(languages, self._problems)
        except Stall:
            return
        except DescriptorError as error:
            self._problems.forgive(str(error))
        language = device.languages[0] if device.languages else ENGLISH
        for index in indices:
            try:
                data = self._descriptor(DescriptorType.STRING, index, language, length=255, tries=1)
                device.strings[index] = string_text(data, self._problems, f"string descriptor {index}")
            except Stall:
                continue
            except DescriptorError as error:
                self._problems.forgive(f"string {index}: {error}")

    def _descriptor(
        self, kind: DescriptorType, index: int = 0, language: int = 0, *, length: int, tries: int = 0
    ) -> bytes:
        return self._get(self._device.control_pipe, kind, index, language, length=length, tries=tries)


def string_indices(device: Device) -> Iterator[int]:
    """The index of every string that a device's descriptors name, 0 for none, in the order of the descriptors."""
    yield from (device.descriptor.iManufacturer, device.descriptor.iProduct, device.descriptor.iSerialNumber)
    for configuration in device.configurations:
        yield configuration.iConfiguration
        yield from (association.iFunction for association in configuration.associations)
        yield from (setting.iInterface for setting in configuration.settings)
