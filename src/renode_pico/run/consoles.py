"""The places where a board speaks: UARTs, RTT, semihosting, the CDC-ACM ports of the device it shows on the bus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from renode_pico.bridge.serial_link import SerialLink
from renode_pico.engine.protocol import Engine
from renode_pico.engine.semihosting import has_semihosting
from renode_pico.errors import UsageError
from renode_pico.run.rtt import RttConsole, rtt_of
from renode_pico.usb.cdc import cdc_functions
from renode_pico.usb.device import Device


class Console(Protocol):
    """One of them: `uart0`, `cdc1`."""

    @property
    def name(self) -> str:
        """What people call it."""

    def take(self) -> bytes:
        """What the board has said since the last call."""

    def send(self, data: bytes) -> None:
        """Say something to the board; never waits."""


class UartConsole:
    """A UART of the chip."""

    def __init__(self, engine: Engine, number: int) -> None:
        self.name = f"uart{number}"
        self._uart = engine.uart(number)

    def take(self) -> bytes:
        """What came out of the TX pin."""
        return self._uart.read()

    def send(self, data: bytes) -> None:
        """Put bytes on the RX pin."""
        self._uart.write(data)


class SemihostingConsole:
    """What the firmware says and reads by BKPT 0xAB."""

    name = "semihosting"

    def __init__(self, engine: Engine) -> None:
        self._host = engine.enable_semihosting()

    def take(self) -> bytes:
        """What it has written."""
        return self._host.read()

    def send(self, data: bytes) -> None:
        """Queue bytes for it to read."""
        self._host.write(data)


class CdcConsole:
    """A CDC-ACM port, opened as soon as a device with that many is on the bus, and again whenever one comes back."""

    def __init__(self, index: int) -> None:
        self.name = f"cdc{index}"
        self.link = SerialLink(self, index, self._received)
        self.link.open()
        self._data = bytearray()

    def take(self) -> bytes:
        """What the device has sent."""
        data = bytes(self._data)
        self._data.clear()
        return data

    def send(self, data: bytes) -> None:
        """Queue bytes for the device; without one they are lost."""
        self.link.send(data)

    def _received(self, data: bytes) -> None:
        self._data += data

    def passed_on(self) -> None:
        """Nobody else has a turn."""

    def nudge(self) -> None:
        """Data has come; it is looked at after each slice of emulated time anyway."""

    def hurry(self) -> None:
        """Data is to go out; it does in the next slice."""


def consoles_of(engine: Engine, firmware: Path, uarts: tuple[int, ...], *, semihosting: bool = False) -> Consoles:
    """The consoles that an image has. `semihosting`: it has that one, whatever it looks like."""
    others: list[Console] = []
    where = rtt_of(firmware)
    if where is not None:
        others.append(RttConsole(engine, where))
    if semihosting or has_semihosting(firmware):
        others.append(SemihostingConsole(engine))
    return Consoles(engine, uarts, others)


class Consoles:
    """All consoles of a board, in the order in which they were found; follows the device on the bus.

    `others`: RTT and semihosting, where the image has them.
    """

    def __init__(self, engine: Engine, uarts: tuple[int, ...], others: Sequence[Console] = ()) -> None:
        self._all: list[Console] = [*(UartConsole(engine, number) for number in uarts), *others]
        self._others = tuple(others)
        self._ports: list[CdcConsole] = []
        self._present = 0

    def __iter__(self) -> Iterator[Console]:
        return iter(self._all)

    def typed_to(self, name: str) -> Console | None:
        """The console that a person types to: the one named, None while there is none of that name.

        With `auto` it is the first CDC port, else RTT or semihosting, else the first UART.
        """
        if name == "auto":
            return self._ports[0] if self._present else (*self._others, *self._all)[0]
        return next((console for console in self._all if console.name == name), None)

    def found(self, device: Device) -> None:
        """Open the device's CDC ports."""
        try:
            self._present = len(cdc_functions(device.configuration))
        except UsageError:
            self._present = 0
        for index in range(len(self._ports), self._present):
            port = CdcConsole(index)
            self._ports.append(port)
            self._all.append(port)
        for port in self._ports:
            port.link.found(device)

    def lost(self) -> None:
        """The device has left the bus."""
        self._present = 0
        for port in self._ports:
            port.link.lost()
