"""One CDC-ACM function as a serial line that outlives the device: what the pseudo-terminal and RFC 2217 stand on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from renode_pico.errors import Disconnected, UsageError
from renode_pico.usb.cdc import (
    SEND_BREAK,
    SET_CONTROL_LINE_STATE,
    SET_LINE_CODING,
    CdcFunction,
    LineCoding,
    cdc_functions,
)
from renode_pico.usb.device import Device, Endpoint
from renode_pico.usb.transfer import Setup, Status, Transfer

CLASS_REQUEST = 0x21
"""bmRequestType: host to device, class, interface."""
BREAK_ON, BREAK_OFF = 0xFFFF, 0
OUT_TRANSFER = 4096
ROOM = 16384
"""Bytes kept for the device while it takes none; then no more is taken from the outside."""
IN_TRANSFERS = 2


class Urged(Protocol):
    """Who lets time pass for a line (`bridge.loop.Loop`), and is told what is urgent."""

    def nudge(self) -> None:
        """There is something to pass on to the outside now."""

    def passed_on(self) -> None:
        """The same, of the board's own words, which may be answered."""

    def hurry(self) -> None:
        """The outside has asked for something."""


class SerialLine(Protocol):
    """What a door for other programs stands on: a CDC-ACM function (`SerialLink`) or a UART (`UartLink`)."""

    index: int
    coding: LineCoding | None
    dtr: bool
    rts: bool
    is_open: bool

    def found(self, device: Device) -> None:
        """A device has come."""

    def lost(self) -> None:
        """It has left."""

    def keep(self, data: bytes) -> None:
        """Keep what the board has said already for the first who opens the line."""

    @property
    def present(self) -> bool:
        """There is something at the other end."""

    def open(self, dtr: bool = True, rts: bool = True) -> None:
        """Raise the control lines and let data flow."""

    def close(self) -> None:
        """Drop the control lines; take no more data."""

    @property
    def room(self) -> int:
        """How many bytes `send` should be given at most."""

    def send(self, data: bytes) -> None:
        """Queue bytes for the board."""

    def discard_output(self) -> None:
        """Forget what has not been sent yet."""

    def accept(self, accepting: bool) -> None:
        """Hold the other end off (False), or let it send on."""

    def set_lines(self, dtr: bool, rts: bool) -> None:
        """Set the control lines."""

    def set_coding(self, coding: LineCoding) -> None:
        """Set baud rate and frame."""

    def set_break(self, on: bool) -> None:
        """Begin or end a break."""


MakeLine = Callable[[Callable[[bytes], None]], SerialLine]
"""Makes the line of a door, given where what the board sends is to go."""


class SerialLink:
    """The serial line number `index` of whatever device is on the bus; never waits.

    `on_data` gets what the device sends while the line is open; when `accepting` is False the device is held off.
    Line coding and control lines are kept, and set again on a device that comes back while the line is open.
    """

    def __init__(self, loop: Urged, index: int, on_data: Callable[[bytes], None]) -> None:
        self.index = index
        self.coding: LineCoding | None = None
        self.dtr = False
        self.rts = False
        self.is_open = False
        self._loop = loop
        self._on_data = on_data
        self._accepting = True
        self._device: Device | None = None
        self._function: CdcFunction | None = None
        self._in: Endpoint | None = None
        self._out: Endpoint | None = None
        self._reading: list[Transfer] = []
        self._writing: Transfer | None = None
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._kept = b""

    # The device's side

    def found(self, device: Device) -> None:
        """Take the line from a device that has come, if it has that many."""
        self.lost()
        try:
            functions = cdc_functions(device.configuration)
        except UsageError:
            return
        if self.index >= len(functions):
            return
        self._device, self._function = device, functions[self.index]
        self._in = device.endpoint(self._function.bulk_in.bEndpointAddress)
        self._out = device.endpoint(self._function.bulk_out.bEndpointAddress)
        if self.is_open:
            self._begin()

    def lost(self) -> None:
        """The device has left; what was not yet sent is gone with it."""
        self._device = self._function = self._in = self._out = self._writing = None
        self._reading.clear()
        self._queue.clear()
        self._queued = 0
        self._kept = b""

    def keep(self, data: bytes) -> None:
        """Pass on what somebody else has read of the device's output, to the first who opens the line."""
        self._kept += data
        self._pass_on_kept()

    @property
    def present(self) -> bool:
        """There is a device with this line."""
        return self._device is not None

    # The outside's side

    def open(self, dtr: bool = True, rts: bool = True) -> None:
        """Raise the control lines and let data flow."""
        if self.is_open:
            return
        self.is_open = True
        self.dtr, self.rts = dtr, rts
        self._accepting = True
        self._pass_on_kept()
        self._begin()

    def close(self) -> None:
        """Drop the control lines; take no more data."""
        if not self.is_open:
            return
        self.is_open = False
        if self._device is not None:
            for transfer in tuple(self._reading):
                self._device.host.cancel(transfer)
        self._reading.clear()
        self.set_lines(False, False)

    @property
    def room(self) -> int:
        """How many bytes `send` should be given at most."""
        return max(0, ROOM - self._queued)

    def send(self, data: bytes) -> None:
        """Queue bytes for the device; without a device they are lost, as on a line that nobody is connected to."""
        if self._out is None or not data:
            return
        self._queue.append(data)
        self._queued += len(data)
        self._write()

    def discard_output(self) -> None:
        """Forget what the device has not been sent yet."""
        self._queue.clear()
        self._queued = len(self._writing.data) if self._writing is not None else 0

    def accept(self, accepting: bool) -> None:
        """Hold the device off (False), or let it send on."""
        if accepting != self._accepting:
            self._accepting = accepting
            self._read()

    def set_lines(self, dtr: bool, rts: bool) -> None:
        """SET_CONTROL_LINE_STATE (PSTN 1.2, 6.3.12)."""
        self.dtr, self.rts = dtr, rts
        self._request(SET_CONTROL_LINE_STATE, value=dtr | rts << 1)

    def set_coding(self, coding: LineCoding) -> None:
        """SET_LINE_CODING (PSTN 1.2, 6.3.10) if it is another one; a closed line is told when it is opened."""
        if coding != self.coding:
            self.coding = coding
            if self.is_open:
                self._request(SET_LINE_CODING, data=coding.pack())

    def set_break(self, on: bool) -> None:
        """SEND_BREAK, on or off (PSTN 1.2, 6.3.13)."""
        self._request(SEND_BREAK, value=BREAK_ON if on else BREAK_OFF)

    def _pass_on_kept(self) -> None:
        if self.is_open and self._kept:
            data, self._kept = self._kept, b""
            self._on_data(data)

    # Transfers

    def _begin(self) -> None:
        if self.coding is not None:
            self._request(SET_LINE_CODING, data=self.coding.pack())
        self.set_lines(self.dtr, self.rts)
        self._read()

    def _request(self, request: int, value: int = 0, data: bytes = b"") -> None:
        device, function = self._device, self._function
        if device is None or function is None or not device.present:
            return
        setup = Setup(CLASS_REQUEST, request, value, function.control_interface, len(data))
        try:
            device.host.submit(device.control_pipe, data, setup=setup)
        except Disconnected:  # it is just coming back as another one
            return
        self._loop.hurry()

    def _read(self) -> None:
        endpoint = self._in
        while endpoint is not None and self.is_open and self._accepting and len(self._reading) < IN_TRANSFERS:
            try:
                self._reading.append(endpoint.submit_in(endpoint.pipe.max_packet_size, on_done=self._received))
            except Disconnected:
                return

    def _received(self, transfer: Transfer) -> None:
        if transfer not in self._reading:
            return
        self._reading.remove(transfer)
        if transfer.data:
            self._on_data(transfer.data)
            self._loop.passed_on()
        if transfer.status is Status.COMPLETED:
            self._read()

    def _write(self) -> None:
        if self._writing is not None or not self._queue or self._out is None:
            return
        data = bytearray()
        while self._queue and len(data) < OUT_TRANSFER:
            data += self._queue.popleft()
        try:
            self._writing = self._out.submit_out(bytes(data), on_done=self._written)
        except Disconnected:
            return
        self._loop.hurry()

    def _written(self, transfer: Transfer) -> None:
        if transfer is not self._writing:
            return
        self._writing = None
        self._queued = sum(map(len, self._queue))
        if transfer.status is Status.COMPLETED:
            self._write()
            self._loop.nudge()
