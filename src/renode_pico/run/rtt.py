"""SEGGER's real time transfer: a console in RAM, which firmware and debugger read and write without stopping.

The control block begins with `SEGGER RTT`, padded with zeros to 16 bytes. Then come the numbers of up and down buffers,
and descriptors of 24 bytes: name, buffer, size, write offset, read offset, flags. Up is to the host; channel 0 is the
terminal.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from renode_pico.engine.embedded_backtrace import RAM, find_elf, symbol_values
from renode_pico.engine.protocol import Engine
from renode_pico.errors import ImageError
from renode_pico.firmware.images import load_image

SYMBOL = "_SEGGER_RTT"
ID = b"SEGGER RTT\0\0\0\0\0\0"
MARKERS = (b"SEGGER RTT", b"TTR REGGES", b"RTT stdin / stdout")
"""What images have in flash: the name, as it is or backwards, or what the pico-sdk tells picotool."""
HEADER = struct.Struct("<16sII")
DESCRIPTOR = struct.Struct("<6I")
MOST_BUFFERS = 16
WRITE_OFFSET, READ_OFFSET = 12, 16
LOOK = 0.001
"""Emulated seconds between two looks at the buffers: their usual kilobyte holds what 8 Mbit/s bring in it."""
SEARCH = 0.01
"""Emulated seconds between two searches through RAM."""


@dataclass(frozen=True, slots=True)
class Where:
    """What is known of the control block of an image: its address, or that there is one somewhere."""

    address: int | None


def rtt_of(firmware: Path) -> Where | None:
    """Where an image has its control block; None for one without. By the ELF file's symbols, else by what is in it."""
    elf = find_elf(firmware)
    if elf is not None:
        try:
            address = symbol_values(elf).get(SYMBOL)
        except Exception:  # a broken ELF file beside the image
            address = None
        if address is not None and address in RAM:
            return Where(address)
    try:
        segments = load_image(firmware).segments
    except ImageError:
        return None
    return Where(None) if any(marker in segment.data for segment in segments for marker in MARKERS) else None


@dataclass(frozen=True, slots=True)
class Buffer:
    """A ring in RAM; `descriptor` is the address of what describes it."""

    descriptor: int
    start: int
    size: int
    written: int
    read: int


class RttConsole:
    """Channel 0 of a board's control block, looked at each emulated millisecond from the start."""

    name = "rtt"

    def __init__(self, engine: Engine, where: Where) -> None:
        self._engine = engine
        self._fixed = where.address
        self._address = where.address
        self._output = bytearray()
        self._input = bytearray()
        self._follow()

    def take(self) -> bytes:
        """What the board has said since the last call."""
        self._look()
        data = bytes(self._output)
        self._output.clear()
        return data

    def send(self, data: bytes) -> None:
        """Queue bytes for the board's down buffer."""
        self._input += data

    def _follow(self) -> None:
        self._look()
        pause = LOOK if self._address is not None else SEARCH
        self._engine.at(self._engine.now + pause, self._follow)

    def _look(self) -> None:
        if self._address is None:
            self._address = self._search()
        if self._address is None:
            return
        up, down = self._buffers(self._address)
        if up is not None:
            self._receive(up)
        if down is not None and self._input:
            self._fill(down)

    def _search(self) -> int | None:
        content = self._engine.read_memory(RAM.start, len(RAM))
        place = content.find(ID)
        while place >= 0 and place % 4:
            place = content.find(ID, place + 1)
        return RAM.start + place if place >= 0 else None

    def _buffers(self, address: int) -> tuple[Buffer | None, Buffer | None]:
        """The first up and the first down buffer; none while the firmware has not made them."""
        head = self._engine.read_memory(address, HEADER.size)
        if len(head) < HEADER.size or not head.startswith(ID):
            self._address = self._fixed  # gone, with a reset or what came after
            return None, None
        _, ups, downs = HEADER.unpack(head)
        if not (ups <= MOST_BUFFERS and downs <= MOST_BUFFERS):
            return None, None
        first = address + HEADER.size
        return (
            self._buffer(first) if ups else None,
            self._buffer(first + ups * DESCRIPTOR.size) if downs else None,
        )

    def _buffer(self, descriptor: int) -> Buffer | None:
        data = self._engine.read_memory(descriptor, DESCRIPTOR.size)
        if len(data) < DESCRIPTOR.size:
            return None
        _, start, size, written, read, _ = DESCRIPTOR.unpack(data)
        sound = size and start in RAM and start + size <= RAM.stop and written < size and read < size
        return Buffer(descriptor, start, size, written, read) if sound else None

    def _receive(self, up: Buffer) -> None:
        if up.read == up.written:
            return
        content = self._engine.read_memory(up.start, up.size)
        if up.read < up.written:
            self._output += content[up.read : up.written]
        else:
            self._output += content[up.read :] + content[: up.written]
        self._engine.write_memory(up.descriptor + READ_OFFSET, up.written.to_bytes(4, "little"))

    def _fill(self, down: Buffer) -> None:
        written = down.written
        room = (down.read - written - 1) % down.size
        for value in self._input[:room]:
            self._engine.write_memory(down.start + written, bytes((value,)))
            written = (written + 1) % down.size
        del self._input[:room]
        self._engine.write_memory(down.descriptor + WRITE_OFFSET, written.to_bytes(4, "little"))
