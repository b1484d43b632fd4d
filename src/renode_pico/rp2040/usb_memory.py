"""The 4 KiB of dual-port memory between processor and USB controller, device layout (`usb_device_dpram.h`)."""

from __future__ import annotations

import sys

BASE = 0x5010_0000
SIZE = 0x1000

SETUP_PACKET = 0x000
EP1_IN_CONTROL = 0x008
EP0_IN_BUFFER_CONTROL = 0x080
EP0_BUFFER_0 = 0x100
EP0_BUFFER_1 = 0x140
BUFFERS = 0x100
"""From here on it is data only: writes below configure endpoints, writes above do not."""


class EpCtrl:
    """EPn_IN_CONTROL and EPn_OUT_CONTROL."""

    ENABLE = 1 << 31
    DOUBLE_BUFFERED = 1 << 30
    INTERRUPT_PER_BUFF = 1 << 29
    INTERRUPT_PER_DOUBLE_BUFF = 1 << 28
    ENDPOINT_TYPE_LSB = 26
    ENDPOINT_TYPE_BITS = 0b11 << 26
    ENDPOINT_TYPE_ISOCHRONOUS = 0b01 << 26
    INTERRUPT_ON_STALL = 1 << 17
    INTERRUPT_ON_NAK = 1 << 16
    BUFFER_ADDRESS_BITS = 0xFFC0
    """64 byte aligned: bits 5..0 are ignored."""


class BufCtrl:
    """One half of EPn_IN_BUFFER_CONTROL or EPn_OUT_BUFFER_CONTROL: buffer 0 as it is, buffer 1 shifted by 16.

    RESET and STALL exist in the lower half only; the upper half holds DOUBLE_BUFFER_ISO_OFFSET there.
    """

    FULL = 1 << 15
    LAST = 1 << 14
    PID = 1 << 13
    RESET = 1 << 12
    STALL = 1 << 11
    AVAILABLE = 1 << 10
    LENGTH_BITS = 0x3FF
    ISO_OFFSET_LSB = 27
    HALF = 16


def endpoint_control(number: int, is_in: bool) -> int:
    """Offset of EPn_IN_CONTROL or EPn_OUT_CONTROL; endpoint 0 has none (SIE_CTRL holds its bits)."""
    return EP1_IN_CONTROL + 8 * (number - 1) + (0 if is_in else 4)


def buffer_control(number: int, is_in: bool) -> int:
    """Offset of EPn_IN_BUFFER_CONTROL or EPn_OUT_BUFFER_CONTROL."""
    return EP0_IN_BUFFER_CONTROL + 8 * number + (0 if is_in else 4)


class Dpsram:
    """Byte and word views of one memory; `memory` is writable, SIZE bytes."""

    def __init__(self, memory: memoryview | bytearray | None = None) -> None:
        assert sys.byteorder == "little", "the word view is in the processor's byte order"
        self.bytes = memoryview(bytearray(SIZE) if memory is None else memory).cast("B")
        assert len(self.bytes) == SIZE
        self.words = self.bytes.cast("I")

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes; what lies past the end of the memory wraps to its start."""
        offset %= SIZE
        data = bytes(self.bytes[offset : offset + length])
        return data if len(data) == length else data + bytes(self.bytes[: length - len(data)])

    def write(self, offset: int, data: bytes) -> None:
        """Store bytes, wrapping at the end of the memory."""
        offset %= SIZE
        first = data[: SIZE - offset]
        self.bytes[offset : offset + len(first)] = first
        rest = data[len(first) :]
        self.bytes[: len(rest)] = rest
