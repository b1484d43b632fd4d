"""What is at the other end of the embedded engine's wires."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.rp2040.uart import Uart


class UartPort:
    """`protocol.Uart`: the other end of one UART's two wires.

    `poke` is called after each byte from the chip, so that a condition that waits for it is looked at.
    """

    def __init__(self, uart: Uart, poke: Callable[[], None]) -> None:
        self._uart = uart
        self._received = bytearray()
        self._poke = poke
        uart.on_byte = self._byte_from_chip

    def write(self, data: bytes) -> None:
        """Queue bytes for the chip's RX pin; what comes while the firmware has its receiver off is lost."""
        self._uart.receive(data)

    def read(self) -> bytes:
        """Everything the chip has sent since the last call."""
        data = bytes(self._received)
        self._received.clear()
        return data

    def power_off(self) -> None:
        """What was under way in either direction is lost."""
        self._received.clear()
        self._uart.cut_line()

    def _byte_from_chip(self, value: int) -> None:
        self._received.append(value)
        self._poke()
