"""The PL011 of the embedded engine and what is soldered to its pins (RP2040 datasheet, 4.2).

rp2040py's model raises its transmit interrupt at every register access: a handler that clears it finds it set again
and never ends. It also lacks the receive time-out, so the last characters of a line would wait for more. This model
takes its register storage and corrects interrupts and receiver. Offsets and bits: `hardware/regs/uart.h`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from rp2040py.peripherals.uart import RPUART

from renode_pico.clock import NS_PER_S

UARTDR = 0x00
UARTRSR = 0x04
UARTFR = 0x18
UARTILPR = 0x20
UARTIFLS = 0x34
UARTIMSC = 0x38
UARTICR = 0x44
UARTDMACR = 0x48

RSR_OE = 1 << 3
DR_OE = 1 << 11
IFLS_RESET = 0x12
RIS_OE = 1 << 10
RIS_RT = 1 << 6
RIS_TX = 1 << 5
RIS_RX = 1 << 4
LCR_H_STP2 = 1 << 3
LCR_H_PEN = 1 << 1
RECEIVE_TIMEOUT_BITS = 32
FIFO_DEPTH = 32
RX_LEVELS = (4, 8, 16, 24, 28)
"""RXIFLSEL: 1/8, 1/4, 1/2, 3/4 and 7/8 of 32 characters."""


class Pl011(RPUART):  # type: ignore[misc]
    """Transmits in no time; receives at the programmed speed.

    `on_byte` (of the base class) is called with each byte sent. What `transmit_to_chip` queues arrives at the
    receiver one character time apart and waits while the receiver is off.
    """

    def __init__(self, chip: Any, name: str, irq: int, dreq: Any) -> None:
        super().__init__(chip, name, irq, dreq)
        self._line: deque[int] = deque()
        self._character_alarm = chip.clock.create_alarm(self._character_arrives)
        self._timeout_alarm = chip.clock.create_alarm(self._line_quiet)
        self._arriving = False
        self._clear()

    def _clear(self) -> None:
        self._ifls = IFLS_RESET
        self._dmacr = 0
        self._overrun = False

    def reset(self) -> None:
        """The block's reset; what is still on the line stays there."""
        super().reset()
        self._clear()
        self._character_alarm.cancel()
        self._timeout_alarm.cancel()
        self._arriving = False

    # The line

    def transmit_to_chip(self, data: bytes) -> None:
        """Queue bytes for the RX pin."""
        self._line.extend(data)
        self._next_character()

    def cut_line(self) -> None:
        """Forget what has not arrived yet."""
        self._line.clear()

    @property
    def character_ns(self) -> int:
        """Emulated nanoseconds of one character: start, data, parity and stop bits at the programmed rate."""
        control = self._line_ctrl_register
        bits = 2 + self.word_length + bool(control & LCR_H_PEN) + bool(control & LCR_H_STP2)
        return self._bits_ns(bits)

    def _bits_ns(self, bits: int) -> int:
        return int(bits * 16 * self.baud_divider * NS_PER_S / self.rp2040.clk_peri)

    def _next_character(self) -> None:
        if self._line and not self._arriving and self.enabled and self.rx_enabled and self.baud_divider:
            self._arriving = True
            self._character_alarm.schedule(self.character_ns)

    def _character_arrives(self) -> None:
        self._arriving = False
        value = self._line.popleft()
        depth = FIFO_DEPTH if self.fifos_enabled else 1
        if self.rx_fifo.item_count >= depth:
            self._overrun = True
            self._interrupt_status |= RIS_OE
        else:
            self.rx_fifo.push(value)
            if self.rx_fifo.item_count >= self._receive_level():
                self._interrupt_status |= RIS_RX
            self._timeout_alarm.schedule(self._bits_ns(RECEIVE_TIMEOUT_BITS))
        self.check_interrupts()
        self._next_character()

    def _line_quiet(self) -> None:
        if not self.rx_fifo.empty:
            self._interrupt_status |= RIS_RT
            self.check_interrupts()

    def _receive_level(self) -> int:
        return RX_LEVELS[min(self._ifls >> 3 & 0b111, 4)] if self.fifos_enabled else 1

    # Registers

    def check_interrupts(self) -> None:
        """Raw status and mask decide; nothing is set here."""
        self.rp2040.set_interrupt(self.irq, bool(self._interrupt_status & self._interrupt_mask))

    def read_uint32(self, offset: int) -> int:
        """One register."""
        if offset == UARTDR:
            return self._read_data()
        if offset == UARTRSR:
            return RSR_OE if self._overrun else 0
        if offset == UARTIFLS:
            return self._ifls
        if offset == UARTDMACR:
            return self._dmacr
        if offset == UARTILPR:
            return 0
        return int(super().read_uint32(offset))

    def _read_data(self) -> int:
        value = int(self.rx_fifo.pull())
        if self._overrun:
            value |= DR_OE
        if self.rx_fifo.item_count < self._receive_level():
            self._interrupt_status &= ~RIS_RX
        if self.rx_fifo.empty:
            self._interrupt_status &= ~RIS_RT
            self._timeout_alarm.cancel()
        else:  # The period begins anew: MicroPython's handler takes one character an interrupt and relies on it.
            self._timeout_alarm.schedule(self._bits_ns(RECEIVE_TIMEOUT_BITS))
        self.check_interrupts()
        return value

    def write_uint32(self, offset: int, value: int) -> None:
        """One register."""
        if offset == UARTDR:
            if self.enabled and self.tx_enabled and self.on_byte is not None:
                self.on_byte(value & 0xFF)
            # The FIFO has gone from above its level to empty, at once.
            self._interrupt_status |= RIS_TX
            self.check_interrupts()
        elif offset == UARTRSR:
            self._overrun = False
        elif offset == UARTIFLS:
            self._ifls = value & 0x3F
        elif offset == UARTDMACR:
            self._dmacr = value & 0b111
        elif offset != UARTILPR:
            super().write_uint32(offset, value)
            self._next_character()


class UartPort:
    """`protocol.Uart`: the other end of one UART's two wires.

    `poke` is called after each byte from the chip, so that a condition that waits for it is looked at.
    """

    def __init__(self, model: Pl011, poke: Callable[[], None]) -> None:
        self._model = model
        self._received = bytearray()
        self._poke = poke
        model.on_byte = self._byte_from_chip

    def write(self, data: bytes) -> None:
        """Queue bytes for the chip's RX pin; they wait until the firmware has switched its receiver on."""
        self._model.transmit_to_chip(data)

    def read(self) -> bytes:
        """Everything the chip has sent since the last call."""
        data = bytes(self._received)
        self._received.clear()
        return data

    def _byte_from_chip(self, value: int) -> None:
        self._received.append(value)
        self._poke()
