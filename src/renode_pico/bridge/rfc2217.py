"""A serial line over TCP with its settings: Telnet's com port option (RFC 2217), as pyserial speaks it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

import serial
from serial.rfc2217 import PortManager

from renode_pico.bridge.channel import Channel, accept, listen
from renode_pico.bridge.loop import READ, Loop
from renode_pico.bridge.serial_link import MakeLine, SerialLine, SerialLink
from renode_pico.usb.cdc import LineCoding
from renode_pico.usb.device import Device

BACKLOG = 65536
"""Bytes kept for a client that does not read; then the device is held off."""
IAC = b"\xff"
MAX_SUBOPTION = 1024
"""Bytes of one Telnet suboption, after which its end is not waited for any longer."""

PARITIES: dict[str, int] = {
    serial.PARITY_NONE: 0,
    serial.PARITY_ODD: 1,
    serial.PARITY_EVEN: 2,
    serial.PARITY_MARK: 3,
    serial.PARITY_SPACE: 4,
}
STOP_BITS: dict[float, int] = {serial.STOPBITS_ONE: 0, serial.STOPBITS_ONE_POINT_FIVE: 1, serial.STOPBITS_TWO: 2}


class Rfc2217Port:
    """Listens on an address for one client at a time; `url` is what a client opens. Raises OSError.

    It stands on the CDC-ACM function `index`, or on what `make_line` makes; `name` is what people call that.
    """

    def __init__(
        self,
        loop: Loop,
        index: int = 0,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        make_line: MakeLine | None = None,
        name: str = "",
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.name = name or f"CDC port {index}"
        self.serial: SerialLine = (
            make_line(self._from_device) if make_line is not None else SerialLink(loop, index, self._from_device)
        )
        self._loop = loop
        self._report = report
        self._listener = listen(address, port)
        self.address, self.port = self._listener.getsockname()[:2]
        self._client: _Client | None = None
        loop.watch(self._listener, READ, self._accept)
        loop.hooks.append(self.look)

    @property
    def url(self) -> str:
        """What `serial.serial_for_url` or `mpremote connect` is given."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"rfc2217://{host}:{self.port}"

    def found(self, device: Device) -> None:
        """A device has come: connect to its line."""
        self.serial.found(device)

    def lost(self) -> None:
        """The device has gone: so does the client's port."""
        self.serial.lost()
        if self._client is not None:
            self._client.channel.end()

    @property
    def in_use(self) -> bool:
        """A client is connected."""
        return self._client is not None

    def close(self) -> None:
        """End the connection and stop listening."""
        if self._client is not None:
            self._client.channel.close()
        self._loop.forget(self._listener)
        self._loop.hooks.remove(self.look)
        self._listener.close()

    def _accept(self, events: int) -> None:
        sock = accept(self._listener)
        if sock is None:
            return
        if self._client is not None:
            self._report(f"rfc2217  {self.name} is in use: another client was turned away")
            sock.close()
            return
        self._client = _Client(self._loop, sock, self.serial, self._gone)
        self.serial.open()

    def _gone(self) -> None:
        self._client = None
        self.serial.close()

    def _from_device(self, data: bytes) -> None:
        if self._client is not None:
            self._client.channel.write(data.replace(IAC, IAC + IAC))
            self.serial.accept(self._client.channel.backlog < BACKLOG)

    def look(self) -> None:
        """Pass on what is waiting."""
        if self._client is not None:
            self._client.look_after()


class _Client:
    """One connection. pyserial's PortManager speaks Telnet; `_Line` is the serial port that it controls."""

    def __init__(self, loop: Loop, sock: socket.socket, link: SerialLine, gone: Callable[[], None]) -> None:
        self._link = link
        self.channel = Channel(loop, sock, self._received, gone)
        self._line = _Line(link)
        self._manager = PortManager(self._line, self.channel)

    def look_after(self) -> None:
        """Pass on what is waiting, in both directions, and changes of the modem lines."""
        self._manager.check_modem_lines()
        self.channel.flush()
        if not self.channel.closed:
            self.channel.hold(self._link.room == 0)
            self._link.accept(self.channel.backlog < BACKLOG)

    def _received(self, data: bytes) -> None:
        try:
            self._link.send(b"".join(self._manager.filter(data)))
        except (LookupError, TypeError, ValueError, struct.error):
            # PortManager believes what it is told about lengths and values.
            self.channel.close()
            return
        if len(self._manager.suboption or b"") > MAX_SUBOPTION:
            self.channel.close()


class _Line:
    """What PortManager expects of a serial port, told to the device as it is set."""

    def __init__(self, link: SerialLine) -> None:
        self._link = link
        self._coding = link.coding or LineCoding()
        self.xonxoff = False
        self.rtscts = False
        self.break_condition_on = False

    def _set(self, **changes: Any) -> None:
        fields = {name: getattr(self._coding, name) for name in ("baudrate", "stop_bits", "parity", "data_bits")}
        self._coding = LineCoding(**(fields | changes))
        self._link.set_coding(self._coding)

    @property
    def baudrate(self) -> int:
        return self._coding.baudrate

    @baudrate.setter
    def baudrate(self, value: int) -> None:
        if not 0 < value < 1 << 32:
            raise ValueError(f"baud rate {value}")
        self._set(baudrate=value)

    @property
    def bytesize(self) -> int:
        return self._coding.data_bits

    @bytesize.setter
    def bytesize(self, value: int) -> None:
        if value not in (5, 6, 7, 8):
            raise ValueError(f"{value} data bits")
        self._set(data_bits=value)

    @property
    def parity(self) -> str:
        return next(name for name, number in PARITIES.items() if number == self._coding.parity)

    @parity.setter
    def parity(self, value: str) -> None:
        self._set(parity=PARITIES[value])

    @property
    def stopbits(self) -> float:
        return next(value for value, number in STOP_BITS.items() if number == self._coding.stop_bits)

    @stopbits.setter
    def stopbits(self, value: float) -> None:
        self._set(stop_bits=STOP_BITS[value])

    @property
    def dtr(self) -> bool:
        return self._link.dtr

    @dtr.setter
    def dtr(self, value: bool) -> None:
        self._link.set_lines(value, self._link.rts)

    @property
    def rts(self) -> bool:
        return self._link.rts

    @rts.setter
    def rts(self, value: bool) -> None:
        self._link.set_lines(self._link.dtr, value)

    @property
    def break_condition(self) -> bool:
        return self.break_condition_on

    @break_condition.setter
    def break_condition(self, value: bool) -> None:
        self.break_condition_on = value
        self._link.set_break(value)

    @property
    def cts(self) -> bool:
        return self._link.present

    dsr = cd = cts
    ri = False

    def reset_input_buffer(self) -> None:
        """Nothing is kept on this side: what has come is on its way to the client."""

    def reset_output_buffer(self) -> None:
        self._link.discard_output()
