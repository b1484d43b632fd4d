"""Judges of memory: marks in RAM that nobody has written, objects that answers run over, the end of the stack.

A chip's RAM holds anything at power-on. Here it holds marks: each word is made of its address, so that one that comes
out of the USB port tells where it was, and one that changed tells that somebody wrote there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.protocol import Engine
from renode_pico.firmware.images import FLASH_BASE, FLASH_SIZE
from renode_pico.fuzz.judges import Finding
from renode_pico.fuzz.symbols import MemoryMap
from renode_pico.usb.values import Setup

RAM, RAM_SIZE = 0x2000_0000, 0x4_2000
MEMORY = range(RAM, RAM + RAM_SIZE)
FLASH = range(FLASH_BASE, FLASH_BASE + FLASH_SIZE)
SCRATCH_Y = 0x2004_1000
FACTOR, OFFSET = 0x9E37_79B1, 0x7F4A_7C15
SHORTEST = 8
"""Bytes of an answer that are compared with memory; fewer could be anything."""
VARIETY = 3
"""Different bytes that memory behind an object must have to be told from zeros, which are everywhere."""


def mark(address: int) -> int:
    """What a word of RAM holds that nobody has written."""
    return (address * FACTOR + OFFSET) & 0xFFFF_FFFF


def fill_with_marks(engine: Engine) -> bool:
    """Fill the RAM of a board that has just been powered. False: its program runs already."""
    if engine.now > 0:
        return False
    addresses = np.arange(RAM, RAM + RAM_SIZE, 4, dtype=np.uint64)
    words = ((addresses * FACTOR + OFFSET) & 0xFFFF_FFFF).astype("<u4")
    engine.write_memory(RAM, words.tobytes())
    return True


def ram_of(engine: Engine) -> Callable[[], memoryview]:
    """Return a function that gives the RAM as it is: the chip's own, or a copy where it is another program's."""
    if isinstance(engine, EmbeddedEngine):
        sram = engine.chip.machine.sram
        return lambda: sram
    return lambda: memoryview(engine.read_memory(RAM, RAM_SIZE))


def address_of_mark(value: int) -> int | None:
    """The address of which a word is the mark, if it is one of RAM."""
    address = (value - OFFSET) * pow(FACTOR, -1, 1 << 32) & 0xFFFF_FFFF
    return address if RAM <= address < RAM + RAM_SIZE and address % 4 == 0 else None


class LeakJudge:
    """Finds memory in answers: marks, and objects of the firmware with what lies behind them."""

    def __init__(self, engine: Engine, memory: MemoryMap, *, marked: bool) -> None:
        self._marked = marked
        self._constants: dict[bytes, list[tuple[int, int, str]]] = {}
        self._variables: list[tuple[int, int, str]] = []
        self._ram = ram_of(engine)
        self._flash = memoryview(engine.read_memory(FLASH.start, FLASH_SIZE)) if memory.objects else memoryview(b"")
        for address, size, name in memory.objects:
            if size < 4:
                continue
            if address in FLASH:
                head = bytes(self._flash[address - FLASH.start :][:4])
                self._constants.setdefault(head, []).append((address - FLASH.start, size, name))
            elif address in MEMORY and address % 4 == 0:
                self._variables.append((address - RAM, size, name))
        self._heads = np.array([at // 4 for at, _, _ in self._variables], dtype=np.intp)

    def look(self, setup: Setup, data: bytes) -> Finding | None:
        """What is in an answer that does not belong there."""
        if len(data) < SHORTEST:
            return None
        return (self._unwritten(setup, data) if self._marked else None) or self._beyond(setup, data)

    def _unwritten(self, setup: Setup, data: bytes) -> Finding | None:
        for at in range(len(data) - SHORTEST + 1):
            first, second = struct.unpack_from("<II", data, at)
            address = address_of_mark(first)
            if address is not None and mark(address + 4) == second:
                text = f"{setup}: the answer of {len(data)} bytes has memory that nobody wrote, from {address:#010x} on"
                return Finding("leak", f"leak unwritten {setup.bmRequestType:#x} {setup.bRequest:#x}", text)
        return None

    def _beyond(self, setup: Setup, data: bytes) -> Finding | None:
        """An answer that begins as an object does, and goes on as the memory behind it does."""
        head = data[:4]
        found = [(self._flash, *each) for each in self._constants.get(head, ())]
        if self._variables:
            ram = self._ram()
            same = np.flatnonzero(np.frombuffer(ram, dtype="<u4")[self._heads] == struct.unpack("<I", head)[0])
            found += [(ram, *self._variables[number]) for number in same]
        for memory, at, size, name in found:
            behind = data[size:]
            near = size + SHORTEST  # farther away memory may have changed since
            if len(data) >= near and len(set(data[size:near])) >= VARIETY and memory[at : at + near] == data[:near]:
                text = (
                    f"{setup}: the answer of {len(data)} bytes is '{name}' ({size} bytes) "
                    f"and {len(behind)} bytes of memory behind it"
                )
                return Finding("leak", f"leak {name} {setup.bRequest:#x}", text)
        return None


class StackJudge:
    """Looks whether core 0's stack has grown over its end: the marks below it are still there.

    Only where the stack ends within a memory of its own that nothing else of the program is in, as the pico-sdk has it.
    """

    def __init__(self, engine: Engine, bottom: int, *, marked: bool) -> None:
        self._engine = engine
        self._first = 0
        self._marks = b""
        if not marked or not SCRATCH_Y < bottom < RAM + RAM_SIZE:
            return
        below = engine.read_memory(SCRATCH_Y, bottom - SCRATCH_Y)
        first = bottom
        while first > SCRATCH_Y and below[first - 4 - SCRATCH_Y :][:4] == mark(first - 4).to_bytes(4, "little"):
            first -= 4
        self._first = first
        self._marks = below[first - SCRATCH_Y :]

    def look(self) -> Finding | None:
        """The finding, if the stack was there."""
        guarded = self._engine.read_memory(self._first, len(self._marks)) if self._marks else b""
        if guarded == self._marks:
            return None
        written = next(at for at in reversed(range(len(guarded))) if guarded[at] != self._marks[at])
        text = f"core 0's stack has grown over its end: {self._first + written:#010x}, below it, was written"
        return Finding("stack", "stack", text)
