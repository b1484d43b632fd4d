"""CDC-ACM ports: the serial port class driver (USB CDC 1.2 and its PSTN subclass 1.2)."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass

from renode_pico.errors import Disconnected, Timeout, UsageError, UsbError
from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice
from renode_pico.usb.descriptors import Configuration, EndpointDescriptor, Interface
from renode_pico.usb.failure import failure
from renode_pico.usb.in_stream import InStream
from renode_pico.usb.transfer import Setup, Status, Transfer, TransferType

COMMUNICATIONS_CLASS = 0x02
ACM_SUBCLASS = 0x02
DATA_CLASS = 0x0A
CS_INTERFACE = 0x24
UNION = 0x06

SET_LINE_CODING = 0x20
GET_LINE_CODING = 0x21
SET_CONTROL_LINE_STATE = 0x22
SEND_BREAK = 0x23
SERIAL_STATE = 0x20
"""Requests and notification (PSTN 1.2, tables 13 and 30)."""

NOTIFICATION_SIZE = 64
"""More than any notification has, so that a short packet ends it."""
IN_TRANSFERS = 2
"""IN transfers kept queued while a port is open; each takes one packet, so that a byte is seen when it arrives."""
BACKLOG = 65536
"""Bytes kept for an owner who does not read; beyond them the port asks for no more: the device sees back-pressure."""


@dataclass(frozen=True, slots=True)
class LineCoding:
    """PSTN 1.2, table 17. stop_bits: 0 is 1, 1 is 1.5, 2 is 2; parity: 0 none, 1 odd, 2 even, 3 mark, 4 space."""

    baudrate: int = 115200
    stop_bits: int = 0
    parity: int = 0
    data_bits: int = 8

    def pack(self) -> bytes:
        """Return the seven bytes of SET_LINE_CODING."""
        return struct.pack("<IBBB", self.baudrate, self.stop_bits, self.parity, self.data_bits)

    @classmethod
    def unpack(cls, data: bytes) -> LineCoding:
        """Take the seven bytes of GET_LINE_CODING."""
        return cls(*struct.unpack("<IBBB", data))


@dataclass(frozen=True, slots=True)
class CdcFunction:
    """The interfaces and endpoints of one port."""

    control_interface: int
    data_interface: int
    notification: EndpointDescriptor | None
    bulk_in: EndpointDescriptor
    bulk_out: EndpointDescriptor


def cdc_functions(configuration: Configuration) -> list[CdcFunction]:
    """Find the CDC-ACM functions of a configuration by their union descriptors, else by their association."""
    functions = []
    for interface in configuration.interfaces:
        if (interface.bInterfaceClass, interface.bInterfaceSubClass) != (COMMUNICATIONS_CLASS, ACM_SUBCLASS):
            continue
        data = _data_interface(configuration, interface)
        if data is None:
            continue
        bulk = [endpoint for endpoint in data.endpoints if endpoint.type is TransferType.BULK]
        sources = [endpoint for endpoint in bulk if endpoint.is_in]
        sinks = [endpoint for endpoint in bulk if not endpoint.is_in]
        if sources and sinks:
            notification = next((each for each in interface.endpoints if each.is_in), None)
            functions.append(
                CdcFunction(interface.bInterfaceNumber, data.bInterfaceNumber, notification, sources[0], sinks[0])
            )
    return functions


def _data_interface(configuration: Configuration, control: Interface) -> Interface | None:
    candidates: list[int] = []
    for descriptor in control.extra:
        if len(descriptor) >= 5 and descriptor[1] == CS_INTERFACE and descriptor[2] == UNION:
            candidates += descriptor[4:]
    for association in configuration.associations:
        if control.bInterfaceNumber in association:
            first = association.bFirstInterface
            candidates += range(first, first + association.bInterfaceCount)
    candidates.append(control.bInterfaceNumber + 1)
    interfaces = {interface.bInterfaceNumber: interface for interface in configuration.interfaces}
    for number in candidates:
        settings = [each for each in configuration.settings if each.bInterfaceNumber == number and each.endpoints]
        if number in interfaces and settings and settings[0].bInterfaceClass == DATA_CLASS:
            return settings[0]
    return None


def cdc_ports(device: ConfiguredDevice) -> list[CdcPort]:
    """Return all CDC-ACM ports of a configured device, not yet open."""
    return [CdcPort(device, index) for index in range(len(cdc_functions(device.configuration)))]


class CdcPort:
    """One serial port of a device. Timeouts are emulated seconds.

    While it is open, IN transfers are kept queued, so that what the device sends flows into a backlog of at most
    `backlog` bytes; when the owner does not read, no more is asked for, so that the device sees back-pressure.
    `serial_state`: the bits of the last SERIAL_STATE notification (PSTN 1.2, table 31).
    """

    def __init__(self, device: ConfiguredDevice, index: int = 0, *, backlog: int = BACKLOG) -> None:
        functions = cdc_functions(device.configuration)
        if not 0 <= index < len(functions):
            raise UsageError(f"the device has {len(functions)} CDC-ACM ports, there is no port {index}")
        self.device = device
        self.index = index
        self.function = functions[index]
        self.serial_state = 0
        self.is_open = False
        self._backlog = backlog
        self._put_back = b""
        self._in = device.endpoint(self.function.bulk_in.bEndpointAddress)
        self._out = device.endpoint(self.function.bulk_out.bEndpointAddress)
        self._stream: InStream | None = None
        self._notification: Transfer | None = None

    # Opening and closing

    def open(self, dtr: bool = True, rts: bool = True) -> None:
        """Raise DTR and RTS and let the device's output flow. An open port stays open."""
        if self.is_open:
            return
        self.set_control_line_state(dtr, rts)
        self.is_open = True
        if self._stream is not None:
            self._put_back += self._stream.take()
        self._stream = self.device.host.in_stream(self._in.pipe, transfers=IN_TRANSFERS, backlog=self._backlog)
        self._listen()
        self._fill()

    def close(self) -> None:
        """Drop DTR and RTS and stop reading; what was received is still there. Also after the device has gone."""
        if not self.is_open:
            return
        self.is_open = False
        if self._stream is not None:
            self._stream.close()
        if self._notification is not None:
            self.device.host.cancel(self._notification)
        self._notification = None
        if self.device.present:
            self.set_control_line_state(False, False)

    # Data

    def write(self, data: bytes, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Send all of `data` and return its length. Raises Timeout, Stall or Disconnected."""
        return self._out.write(data, timeout) if data else 0

    def submit_write(self, data: bytes) -> Transfer:
        """Queue `data` without waiting."""
        return self._out.submit_out(data)

    def read(self, timeout: float = DEFAULT_TIMEOUT, *, until: bytes = b"") -> bytes:
        """Return everything received so far; waits for the first byte, or for the one in `until`.

        With `until`, what has come is returned also when the time is over or the backlog full. Raises Timeout when
        nothing came, or what ended the reading (Disconnected, Stall) once the rest is delivered.
        """
        if self._put_back:
            return self.read_available()
        stream, host = self._stream, self.device.host
        if stream is None:
            raise UsageError(f"CDC port {self.index} is not open")
        if not stream.available:
            self._raise_failure()
        meanwhile = host.meanwhile()
        if (not stream.available or until) and not stream.wait(until, timeout) and not stream.available:
            raise Timeout(
                f"CDC port {self.index} (endpoint {self._in.address:#04x}): nothing received within "
                f"{timeout:g} emulated seconds (at {host.now:.6f} s){meanwhile}"
            )
        if not stream.available:
            self._raise_failure()
        return self.read_available()

    def read_available(self) -> bytes:
        """Return everything received so far, without waiting.

        Raises Disconnected when nothing is left and the device is gone.
        """
        stream = self._stream
        data = self._put_back + (stream.take() if stream is not None else b"")
        self._put_back = b""
        if data:
            self._fill()
        elif stream is not None and stream.failed is not None:
            self._raise_failure()
        return data

    def read_until(self, marker: bytes, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Read up to and with `marker`; what follows it stays. Raises Timeout with what was received instead."""
        host = self.device.host
        deadline = host.now + timeout
        meanwhile = host.meanwhile()
        taken = bytearray()
        while True:
            end = taken.find(marker)
            if end >= 0:
                self._put_back = bytes(taken[end + len(marker) :]) + self._put_back
                return bytes(taken[: end + len(marker)])
            try:
                taken += self.read(max(deadline - host.now, 0.0), until=marker[-1:])
            except Timeout:
                self._put_back = bytes(taken) + self._put_back
                raise Timeout(
                    f"CDC port {self.index}: {marker!r} did not come within {timeout:g} emulated seconds "
                    f"(at {host.now:.6f} s), the last that came is {bytes(taken[-200:])!r}{meanwhile}"
                ) from None

    # Requests

    def set_line_coding(self, coding: LineCoding) -> None:
        """SET_LINE_CODING (PSTN 1.2, 6.3.10)."""
        self.device.control_out(self._request(SET_LINE_CODING, length=7), coding.pack())

    def get_line_coding(self) -> LineCoding:
        """GET_LINE_CODING (PSTN 1.2, 6.3.11)."""
        data = self.device.control_in(self._request(GET_LINE_CODING, length=7, is_in=True))
        if len(data) != 7:
            raise UsbError(f"GET_LINE_CODING: the device sent {len(data)} bytes instead of 7")
        return LineCoding.unpack(data)

    def set_control_line_state(self, dtr: bool, rts: bool) -> None:
        """SET_CONTROL_LINE_STATE (PSTN 1.2, 6.3.12)."""
        self.device.control_out(self._request(SET_CONTROL_LINE_STATE, value=dtr | rts << 1))

    def send_break(self, milliseconds: int) -> None:
        """SEND_BREAK: 0xFFFF until it is called with 0 (PSTN 1.2, 6.3.13)."""
        self.device.control_out(self._request(SEND_BREAK, value=milliseconds))

    def _request(self, request: int, value: int = 0, length: int = 0, is_in: bool = False) -> Setup:
        return Setup(0xA1 if is_in else 0x21, request, value, self.function.control_interface, length)

    # Reading ahead

    def _fill(self) -> None:
        if self._stream is not None and self.is_open:
            with suppress(Disconnected):
                self._stream.fill()

    def _raise_failure(self) -> None:
        if self._stream is not None and self._stream.failed is not None:
            raise failure(self._stream.failed, self.device.host.now)
        self.device.expect_present()
        if not self.is_open:
            raise UsageError(f"CDC port {self.index} is not open")
        self._fill()

    def _listen(self) -> None:
        if self.function.notification is not None:
            endpoint = self.device.endpoint(self.function.notification.bEndpointAddress)
            self._notification = endpoint.submit_in(NOTIFICATION_SIZE, on_done=self._notified)

    def _notified(self, transfer: Transfer) -> None:
        self._notification = None
        if transfer.status is not Status.COMPLETED:
            return
        data = transfer.data
        if len(data) >= 10 and data[0] == 0xA1 and data[1] == SERIAL_STATE:
            self.serial_state = data[8] | data[9] << 8
        if self.is_open:
            self._listen()
