"""Judges of memory: marks in RAM that nobody wrote, objects that answers run over, the ends of stacks and buffers.

A chip's RAM holds anything at power-on. Here it holds marks: each word is made of its address, so that one that comes
out of the USB port tells where it was, and one that changed tells that somebody wrote there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import numpy as np

from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.protocol import Engine
from renode_pico.firmware.images import FLASH_BASE, FLASH_SIZE
from renode_pico.fuzz.judges import Finding
from renode_pico.fuzz.symbols import MemoryMap
from renode_pico.rp2040 import usb_memory
from renode_pico.rp2040.usb_memory import EpCtrl
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.values import Setup

RAM, RAM_SIZE = 0x2000_0000, 0x4_2000
MEMORY = range(RAM, RAM + RAM_SIZE)
FLASH = range(FLASH_BASE, FLASH_BASE + FLASH_SIZE)
SCRATCH = (0x2004_1000, 0x2004_0000)
"""Where the stacks of core 0 and core 1 are: SCRATCH_Y and SCRATCH_X."""
SCRATCH_SIZE = 0x1000
PIECE = 64
"""DPSRAM's buffers are in whole pieces of so many bytes."""
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
    """Looks whether a core's stack has grown over its end: the marks below it are still there.

    Only where the stack ends within a memory of its own that nothing else of the program is in, as the pico-sdk has it:
    core 0's in SCRATCH_Y, core 1's in SCRATCH_X.
    """

    def __init__(self, engine: Engine, core: int, bottom: int, *, marked: bool) -> None:
        self._engine = engine
        self._core = core
        self._first = 0
        self._marks = b""
        scratch = SCRATCH[core]
        if not marked or not scratch < bottom < scratch + SCRATCH_SIZE:
            return
        below = engine.read_memory(scratch, bottom - scratch)
        first = bottom
        while first > scratch and below[first - 4 - scratch :][:4] == mark(first - 4).to_bytes(4, "little"):
            first -= 4
        self._first = first
        self._marks = below[first - scratch :]

    def look(self) -> Finding | None:
        """The finding, if the stack was there."""
        guarded = self._engine.read_memory(self._first, len(self._marks)) if self._marks else b""
        if guarded == self._marks:
            return None
        written = next(at for at in reversed(range(len(guarded))) if guarded[at] != self._marks[at])
        text = f"core {self._core}'s stack has grown over its end: {self._first + written:#010x}, below it, was written"
        return Finding("stack", f"stack {self._core}" if self._core else "stack", text)


class DpsramJudge:
    """Looks whether the USB controller's memory was written behind an endpoint's buffer, where no other one lies.

    A buffer is as long as its endpoint's largest packet, in whole pieces of 64 bytes, twice where it is double
    (datasheet, 4.1.2.7). Writes into the next endpoint's buffer are the sanitizer's business.

    Where the memory can be looked at while the bus runs, it is also an observer of the bus: a buffer may be double for
    the few packets of one transfer only.
    """

    wants_sof = False

    def __init__(self, engine: Engine, packet_sizes: Mapping[int, int]) -> None:
        self._engine = engine
        self._sizes = packet_sizes
        self._direct = engine.chip.machine.dpsram if isinstance(engine, EmbeddedEngine) else None
        self._before = bytes(self._read(0, usb_memory.SIZE))
        self._known: dict[bytes, dict[int, range]] = {}
        self._known_gaps: dict[frozenset[tuple[int, range]], list[tuple[range, range, int]]] = {}
        self._used: dict[int, range] = {}
        self._seen: set[bytes] = set()
        self.note()
        self._first = dict(self._used), set(self._seen)

    def _read(self, first: int, size: int) -> bytes | memoryview:
        if self._direct is not None:
            return self._direct[first : first + size]
        return self._engine.read_memory(usb_memory.BASE + first, size)

    def begin(self) -> None:
        """A case begins, with the buffers that there were when this was made."""
        used, seen = self._first
        self._used, self._seen = dict(used), set(seen)

    def note(self) -> None:
        """Take note of the buffers that there are now."""
        controls = bytes(self._read(0, usb_memory.EP0_IN_BUFFER_CONTROL))  # and the SETUP packet before them
        if controls not in self._seen:
            self._seen.add(controls)
            if controls not in self._known:
                self._known[controls] = self._buffers(controls)
            for key, buffer in self._known[controls].items():
                if len(buffer) > len(self._used.get(key, ())):  # double for one transfer, single for the next
                    self._used[key] = buffer

    def _buffers(self, controls: bytes) -> dict[int, range]:
        """By the address of the endpoint and where its buffer begins."""
        found = {0: range(usb_memory.EP0_BUFFER_0, usb_memory.EP0_BUFFER_1 + PIECE)}
        for at in range(usb_memory.EP1_IN_CONTROL, len(controls), 4):
            word = int.from_bytes(controls[at:][:4], "little")
            if word & EpCtrl.ENABLE:
                endpoint = at // 8 | (0 if at % 8 else 0x80)
                pieces = -(-self._sizes.get(endpoint, PIECE) // PIECE)
                size = pieces * PIECE * (2 if word & EpCtrl.DOUBLE_BUFFERED else 1)
                first = word & EpCtrl.BUFFER_ADDRESS_BITS
                found[first << 8 | endpoint] = range(first, first + size)
        return found

    def transaction(self, record: TransactionRecord) -> None:
        """A data packet: its endpoint's buffers are as they were when it was sent or received."""
        if self._direct is not None and record.endpoint_address & 0x0F:
            self.note()

    def event(self, record: BusEventRecord) -> None:
        """Nothing to be seen."""

    def transfer(self, record: TransferRecord) -> None:
        """Nothing to be seen."""

    def look(self) -> Finding | None:
        """The finding, if something was written there since the case began."""
        self.note()
        for behind, buffer, endpoint in self._gaps():
            now = self._read(behind.start, len(behind))
            before = self._before[behind.start : behind.stop]
            if now != before:
                at = behind[next(n for n in range(len(behind)) if now[n] != before[n])]
                text = (
                    f"DPSRAM at {at:#05x} was written, {at - buffer.stop} bytes behind the buffer of endpoint "
                    f"{endpoint:#04x}, which begins at {buffer.start:#05x} and has {len(buffer)} bytes"
                )
                return Finding("dpsram", f"dpsram {endpoint:#04x}", text)
        return None

    def _gaps(self) -> list[tuple[range, range, int]]:
        """What lies behind each buffer and belongs to no other: that, the buffer, its endpoint."""
        used = frozenset(self._used.items())
        if used not in self._known_gaps:
            gaps = []
            for key, buffer in self._used.items():
                stop = min([buffer.stop + PIECE, usb_memory.SIZE, *self._next(buffer.stop)])
                if stop > buffer.stop:
                    gaps.append((range(buffer.stop, stop), buffer, key & 0xFF))
            self._known_gaps[used] = gaps
        return self._known_gaps[used]

    def _next(self, at: int) -> list[int]:
        """Where other buffers begin from there on; `at` itself when it is within one."""
        return [max(at, other.start) for other in self._used.values() if at < other.stop]
