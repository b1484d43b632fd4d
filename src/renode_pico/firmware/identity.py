"""What a firmware image says it is: whether it is MicroPython, and where in the flash its file system lies.

Programs made with the pico-sdk carry a table of facts about themselves (`pico/binary_info/structure.h`), the one that
picotool prints. MicroPython's file system stands there as a block device, so that images for boards that divide the
flash in another way than the Pico's get their files where they look for them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from renode_pico.firmware.images import FLASH_BASE, FLASH_SIZE, Image, load_image

SECOND_STAGE = 256
MARKER_START = 0x7188_EBF2
MARKER_END = 0xE71A_A390
TYPE_ID_AND_STRING = 6
TYPE_BLOCK_DEVICE = 7
ID_PROGRAM_NAME = 0x0203_1C86
BANNER = re.compile(rb"MicroPython (v\d[\w.+-]*)")
STORAGE = (FLASH_SIZE - 1408 * 1024, 1408 * 1024)
"""Where MicroPython for the Pico keeps its files: offset in the flash and size (MICROPY_HW_FLASH_STORAGE_BYTES)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an image is.

    `micropython`: its version, such as `v1.25.0`, or an empty string. `program`: the name that it gives itself, if any.
    `storage`: offset in the flash and size of MicroPython's file system, in bytes.
    """

    micropython: str = ""
    program: str = ""
    storage: tuple[int, int] = STORAGE


def identify(firmware: Path | Image) -> Identity:
    """Look into a firmware image. Raises ImageError when it cannot be loaded."""
    image = load_image(firmware) if isinstance(firmware, Path) else firmware
    flash = _Flash(image)
    banner = BANNER.search(flash.content)
    program, storage = "", STORAGE
    for kind, fields in flash.facts():
        if kind == TYPE_ID_AND_STRING:
            identifier, value = struct.unpack_from("<II", fields)
            program = flash.text(value) if identifier == ID_PROGRAM_NAME else program
        elif kind == TYPE_BLOCK_DEVICE:
            _, address, size = struct.unpack_from("<III", fields)
            storage = (address - FLASH_BASE, size)
    return Identity(banner[1].decode() if banner else "", program, storage)


class _Flash:
    """The flash as an image fills it, or the RAM."""

    def __init__(self, image: Image) -> None:
        self._base = FLASH_BASE if image.entry is None else image.start
        self._head = SECOND_STAGE if image.entry is None else 0
        content = bytearray(image.end - self._base)
        for segment in image.segments:
            offset = segment.address - self._base
            content[offset : offset + len(segment.data)] = segment.data
        self.content = bytes(content)

    def facts(self) -> Iterator[tuple[int, bytes]]:
        """The entries of the binary info table: type, and at least 16 bytes that follow the tag."""
        head = self.content[self._head : self._head + SECOND_STAGE]
        for at in range(0, len(head) - 16, 4):
            start, first, end, _, stop = struct.unpack_from("<5I", head, at)
            if (start, stop) == (MARKER_START, MARKER_END):
                break
        else:
            return
        for pointer in range(first, min(end, first + 4096), 4):
            entry = self._bytes(struct.unpack("<I", self._bytes(pointer, 4))[0], 20)
            yield struct.unpack_from("<H", entry)[0], entry[4:]

    def text(self, address: int) -> str:
        """A string of C."""
        return self._bytes(address, 256).partition(b"\0")[0].decode(errors="replace")

    def _bytes(self, address: int, count: int) -> bytes:
        offset = address - self._base
        return (self.content[offset : offset + count] if offset >= 0 else b"").ljust(count, b"\0")
