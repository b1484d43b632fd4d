"""What a REPL talks through: a USB serial port or a UART of the chip."""

from __future__ import annotations

from typing import Protocol

from renode_pico.engine.protocol import Engine
from renode_pico.errors import Timeout
from renode_pico.usb.cdc import CdcPort
from renode_pico.usb.meanwhile import Meanwhile


class Stream(Protocol):
    """Bytes both ways; times are emulated seconds."""

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises Timeout or Disconnected."""

    def read(self, timeout: float, until: bytes = b"") -> bytes:
        """Return what has come, at least one byte. Raises Timeout or Disconnected.

        until: one byte that is waited for; what came before it may be returned earlier.
        """

    def meanwhile(self) -> Meanwhile:
        """Watch from now on what the firmware touches of what is not modelled."""


class CdcStream:
    """A CDC-ACM port, opened if it is not."""

    def __init__(self, port: CdcPort) -> None:
        self.port = port
        port.open()

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self.port.device.host.now

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        self.port.write(data)

    def read(self, timeout: float, until: bytes = b"") -> bytes:
        """Return what has come, at least one byte."""
        return self.port.read(timeout, until=until)

    def meanwhile(self) -> Meanwhile:
        """Watch from now on what the firmware touches of what is not modelled."""
        return self.port.device.host.meanwhile()


class UartStream:
    """One UART of the chip."""

    def __init__(self, engine: Engine, number: int = 0) -> None:
        self._engine = engine
        self._number = number
        self._uart = engine.uart(number)

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self._engine.now

    def write(self, data: bytes) -> None:
        """Queue `data` for the chip's RX pin."""
        self._uart.write(data)

    def read(self, timeout: float, until: bytes = b"") -> bytes:
        """Return what has come, at least one byte."""
        received = bytearray()

        def something() -> bool:
            received.extend(self._uart.read())
            return bool(received)

        meanwhile = self.meanwhile()
        if not self._engine.run_until(something, timeout):
            raise Timeout(
                f"UART{self._number}: nothing received within {timeout:g} emulated seconds "
                f"(at {self.now:.6f} s){meanwhile}"
            )
        return bytes(received)

    def meanwhile(self) -> Meanwhile:
        """Watch from now on what the firmware touches of what is not modelled."""
        return self._engine.host.meanwhile()
