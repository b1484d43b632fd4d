"""A UART of the chip as a serial line for the doors: always there, never held off, nothing to set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from renode_pico.bridge.serial_link import ROOM, Urged
from renode_pico.engine.protocol import Uart
from renode_pico.usb.cdc import LineCoding
from renode_pico.usb.device import Device

BACKLOG = 16384
"""Bytes kept for somebody who has not opened the door yet or does not read; then the oldest are lost."""


class UartLink:
    """One door's side of a UART: what `SerialLink` is of a CDC-ACM function.

    A UART has two wires: control lines, line coding and breaks are taken and change nothing, as between a chip and an
    adapter that are set alike. What the chip says before the first client comes is kept for it.
    """

    def __init__(self, loop: Urged, source: UartSource, on_data: Callable[[bytes], None]) -> None:
        self.index = source.number
        self.coding: LineCoding | None = None
        self.dtr = False
        self.rts = False
        self.is_open = False
        self._loop = loop
        self._source = source
        self._on_data = on_data
        self._accepting = True
        self._kept = bytearray()
        source.links.append(self)

    def found(self, device: Device) -> None:
        """A device on the bus has nothing to do with it."""

    def lost(self) -> None:
        """Nor has one that goes."""

    def keep(self, data: bytes) -> None:
        """Keep it before what comes next."""
        self.receive(data)

    @property
    def present(self) -> bool:
        """A chip has its UARTs."""
        return True

    def open(self, dtr: bool = True, rts: bool = True) -> None:
        """Let data flow, beginning with what was kept."""
        if not self.is_open:
            self.is_open = True
            self.dtr, self.rts = dtr, rts
            self._accepting = True
            self._pass_on()

    def close(self) -> None:
        """Keep what comes from now on."""
        self.is_open = False
        self.dtr = self.rts = False

    @property
    def room(self) -> int:
        """How many bytes `send` should be given at most."""
        return ROOM

    def send(self, data: bytes) -> None:
        """Put bytes on the line to the chip."""
        if data:
            self._source.uart.write(data)
            self._loop.hurry()

    def discard_output(self) -> None:
        """What was sent is on the line."""

    def accept(self, accepting: bool) -> None:
        """Keep what comes (False), or pass it on."""
        self._accepting = accepting
        self._pass_on()

    def set_lines(self, dtr: bool, rts: bool) -> None:
        """Remember control lines that lead nowhere."""
        self.dtr, self.rts = dtr, rts

    def set_coding(self, coding: LineCoding) -> None:
        """Remember settings that both ends are taken to agree on."""
        self.coding = coding

    def set_break(self, on: bool) -> None:
        """The engines' UARTs know no break."""

    def receive(self, data: bytes) -> None:
        """The chip has sent something."""
        self._kept += data
        del self._kept[:-BACKLOG]
        self._pass_on()

    def _pass_on(self) -> None:
        if self.is_open and self._accepting and self._kept:
            data = bytes(self._kept)
            self._kept.clear()
            self._on_data(data)
            self._loop.passed_on()


class Receiver(Protocol):
    """Who hears a UART."""

    def receive(self, data: bytes) -> None:
        """The chip has sent something."""


class UartSource:
    """A UART whose output goes to all of its doors. `look()` is to be called after each run of the engine."""

    def __init__(self, uart: Uart, number: int) -> None:
        self.uart = uart
        self.number = number
        self.links: list[Receiver] = []

    def look(self) -> None:
        """Hand out what the chip has sent."""
        data = self.uart.read()
        if data:
            for link in self.links:
                link.receive(data)
