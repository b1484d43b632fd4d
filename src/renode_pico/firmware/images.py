"""Firmware images: UF2, ELF and flat binaries, checked before anything is loaded.

UF2: blocks of 512 bytes, https://github.com/microsoft/uf2. What is wrong with a file is one line that names it. An
image is for the flash or for the RAM, as the pico-sdk's `no_flash` and `blocked_ram` binaries are (RP2040 datasheet,
2.8.4.2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from renode_pico.errors import ImageError

FLASH_BASE = 0x1000_0000
FLASH_SIZE = 2 * 1024 * 1024
"""The Pico's W25Q16JV."""
SECOND_STAGE_SIZE = 256
RAM_BASE = 0x2000_0000
RAM_SIZE = 264 * 1024
RAM_BANKS_BASE, RAM_BANKS_SIZE = 0x2100_0000, 256 * 1024
"""The four large banks once more, one after the other (RP2040 datasheet, 2.6.2)."""
WATCHDOG_BOOT = 0xB007_C0D3
"""What in SCRATCH4 makes the boot ROM go to SCRATCH7, with SCRATCH6 as stack pointer (RP2040 datasheet, 2.8.1.1)."""

UF2_BLOCK = 512
UF2_FIELDS = struct.Struct("<8I476sI")
"""Two magic numbers, flags, address, size, number, count, family; data; the last magic number."""
UF2_MAGIC_START = (0x0A32_4655, 0x9E5D_5157)
UF2_MAGIC_END = 0x0AB1_6F30
UF2_FLAG_NOT_MAIN_FLASH = 0x0000_0001
UF2_FLAG_FAMILY_ID = 0x0000_2000
UF2_MAX_PAYLOAD = 476
RP2040_FAMILY_ID = 0xE48B_FF56
FAMILIES = {
    0xE48B_FF57: "RP2350 absolute",
    0xE48B_FF58: "data for any RP2",
    0xE48B_FF59: "RP2350 Arm, secure",
    0xE48B_FF5A: "RP2350 RISC-V",
    0xE48B_FF5B: "RP2350 Arm, non-secure",
    0x1C5F_21B0: "ESP32",
    0x6885_1E77: "STM32F4",
    0x5577_5A00: "SAMD51",
    0x6883_5DBA: "SAMD21",
    0xADA5_2840: "nRF52840",
}
"""Names of some families that are not the RP2040, for the message."""

ELF_MAGIC = b"\x7fELF"
INTEL_HEX = b":"
_IN_RAM = (range(RAM_BASE, RAM_BASE + RAM_SIZE), range(RAM_BANKS_BASE, RAM_BANKS_BASE + RAM_BANKS_SIZE))


@dataclass(frozen=True, slots=True)
class Segment:
    """`data` goes to `address` (of the processor's address space)."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """A firmware image: what goes where in the flash, or in the RAM.

    `entry`: the address at which one for the RAM begins; None for the flash, which begins with a second stage.
    """

    path: Path
    segments: tuple[Segment, ...]
    entry: int | None = None

    @property
    def start(self) -> int:
        """The lowest address."""
        return min(segment.address for segment in self.segments)

    @property
    def end(self) -> int:
        """The first address behind the highest."""
        return max(segment.address + len(segment.data) for segment in self.segments)

    @property
    def not_started(self) -> str:
        """Why the boot ROM does not start it, but its own USB device (RP2040 datasheet, 2.8.1.2); empty if it does."""
        if self.entry is not None:
            return ""
        first = self.segments[0].data[:SECOND_STAGE_SIZE].ljust(SECOND_STAGE_SIZE, b"\xff")
        code, stored = first[:-4], int.from_bytes(first[-4:], "little")
        found = second_stage_crc(code)
        if found == stored:
            return ""
        return (
            "the boot ROM does not start it but its own USB device, BOOTSEL: its first 256 bytes are no second stage, "
            f"as their checksum is {found:#010x} and {stored:#010x} is written there"
        )

    @property
    def watchdog_scratch(self) -> tuple[int, int, int, int]:
        """SCRATCH4 to SCRATCH7, by which the boot ROM starts an image for the RAM as after a download over USB."""
        entry = (self.entry or 0) | 1
        return WATCHDOG_BOOT, (entry ^ -WATCHDOG_BOOT) & 0xFFFF_FFFF, RAM_BASE + RAM_SIZE, entry


class _ForeignBlock(ImageError):
    """A UF2 block for another chip."""


def second_stage_crc(code: bytes) -> int:
    """CRC-32 as the boot ROM computes it: not reflected, not inverted at the end (RP2040 datasheet, 2.8.1.3.1)."""
    crc = 0xFFFF_FFFF
    for byte in code:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C1_1DB7 if crc >> 31 else crc << 1) & 0xFFFF_FFFF
    return crc


def load_image(path: Path) -> Image:
    """Read a firmware image of any kind: by its content, not by its name.

    Raises ImageError.
    """
    return _parse(path, _read(path))


@lru_cache(maxsize=2)
def _parse(path: Path, data: bytes) -> Image:
    """A board's engine and whoever asks what its firmware is take the same file apart: once is enough."""
    entry: int | None = None
    if data.startswith(ELF_MAGIC):
        segments, entry = _elf(path, data)
    elif _looks_like_uf2(data):
        segments = _uf2(path, data)
    elif path.suffix.lower() == ".uf2":
        raise ImageError(
            f"{path}: not a UF2 file: it begins with {data[:8].hex(' ')}, not with 55 46 32 0a 57 51 5d 9e"
        )
    elif path.suffix.lower() == ".elf":
        raise ImageError(f"{path}: not an ELF file: it begins with {data[:4].hex(' ')}, not with 7f 45 4c 46")
    elif data.startswith(INTEL_HEX) and path.suffix.lower() in (".hex", ".ihex"):
        raise ImageError(f"{path}: Intel HEX is not read here: take the .uf2 or .elf file of the same build")
    else:
        segments = _flat(path, data)
    image = Image(path, segments)
    if all(_is_in_ram(segment) for segment in segments):
        return Image(path, segments, image.start if entry is None else entry)
    _check_place(image)
    return Image(path, _joined(segments))


def _joined(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """What one segment continues of the one before is one with it: a UF2 file has thousands."""
    joined: list[Segment] = []
    pieces: list[bytes] = []
    start = end = 0
    for segment in segments:
        if pieces and segment.address != end:
            joined.append(Segment(start, b"".join(pieces)))
            pieces = []
        if not pieces:
            start = end = segment.address
        pieces.append(segment.data)
        end += len(segment.data)
    joined.append(Segment(start, b"".join(pieces)))
    return tuple(joined)


def read_flash_file(path: Path) -> bytes:
    """Read a saved flash: exactly FLASH_SIZE bytes. Raises ImageError."""
    data = _read(path)
    if len(data) != FLASH_SIZE:
        raise ImageError(f"{path}: a saved flash has {FLASH_SIZE} bytes, this file has {len(data)}")
    return data


def check_fits(data: bytes, offset: int, what: str) -> None:
    """Raise ImageError unless `data` fits into the flash at `offset`."""
    if offset < 0 or offset + len(data) > FLASH_SIZE:
        raise ImageError(f"{what}: {len(data)} bytes at offset {offset:#x} do not fit into {FLASH_SIZE} bytes of flash")


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from error
    if not data:
        raise ImageError(f"{path}: the file is empty")
    return data


def _looks_like_uf2(data: bytes) -> bool:
    return len(data) >= 8 and struct.unpack_from("<II", data) == UF2_MAGIC_START


def _uf2(path: Path, data: bytes) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    foreign: _ForeignBlock | None = None
    for number in range(-(-len(data) // UF2_BLOCK)):
        try:
            segment = _uf2_block(path, data, number)
        except _ForeignBlock as block:
            # The boot ROM passes over blocks of other families; one file may hold firmware for several chips.
            foreign = foreign or block
            continue
        if segment is not None:
            segments.append(segment)
    if not segments and foreign is not None:
        raise foreign
    if not segments:
        raise ImageError(f"{path}: no block of this UF2 file goes into the main flash")
    return tuple(segments)


def _uf2_block(path: Path, data: bytes, number: int) -> Segment | None:
    offset = number * UF2_BLOCK
    if len(data) - offset < UF2_BLOCK:
        raise ImageError(f"{_uf2_place(path, number)}: truncated, {len(data) - offset} of {UF2_BLOCK} bytes")
    start0, start1, flags, address, size, index, total, family, payload, end = UF2_FIELDS.unpack_from(data, offset)
    if (start0, start1) != UF2_MAGIC_START or end != UF2_MAGIC_END:
        raise ImageError(f"{_uf2_place(path, number)}: not a UF2 block, its magic numbers are wrong")
    if total * UF2_BLOCK > len(data) and index == number:
        raise ImageError(f"{path}: truncated, {len(data) // UF2_BLOCK} of {total} blocks")
    if flags & UF2_FLAG_NOT_MAIN_FLASH:
        return None
    if flags & UF2_FLAG_FAMILY_ID and family != RP2040_FAMILY_ID:
        name = FAMILIES.get(family, "unknown")
        raise _ForeignBlock(
            f"{_uf2_place(path, number)}: for another chip, family {family:#010x} ({name}), "
            f"not {RP2040_FAMILY_ID:#010x} (RP2040)"
        )
    if not 0 < size <= UF2_MAX_PAYLOAD:
        raise ImageError(
            f"{_uf2_place(path, number)}: a payload of {size} bytes, at most {UF2_MAX_PAYLOAD} are possible"
        )
    return Segment(address, payload[:size])


def _uf2_place(path: Path, number: int) -> str:
    return f"{path}: block {number} (offset {number * UF2_BLOCK:#x})"


def _elf(path: Path, data: bytes) -> tuple[tuple[Segment, ...], int]:
    """What an ELF file loads, and its entry."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(BytesIO(data))
        if elf.header.e_machine != "EM_ARM" or elf.elfclass != 32:
            raise ImageError(f"{path}: for another processor ({elf.header.e_machine}, {elf.elfclass} bit), not ARM")
        if elf.header.e_type != "ET_EXEC":
            raise ImageError(f"{path}: not linked to an executable ({elf.header.e_type})")
        entry = int(elf.header.e_entry)
        segments = tuple(
            Segment(segment.header.p_paddr, segment.data())
            for segment in elf.iter_segments("PT_LOAD")
            if segment.header.p_filesz
        )
        short = [
            segment.header.p_paddr
            for segment in elf.iter_segments("PT_LOAD")
            if len(segment.data()) < segment.header.p_filesz
        ]
    except (ELFError, struct.error, UnicodeDecodeError, ValueError, AttributeError) as error:
        raise ImageError(f"{path}: a damaged ELF file: {error}") from error
    if short:
        raise ImageError(f"{path}: truncated, the segment for {short[0]:#010x} is not complete")
    if not segments:
        raise ImageError(f"{path}: this ELF file has nothing to load")
    return segments, entry


def _flat(path: Path, data: bytes) -> tuple[Segment, ...]:
    if len(data) < 256:
        raise ImageError(f"{path}: {len(data)} bytes are no firmware, the second stage alone has 256")
    return (Segment(FLASH_BASE, data),)


def _is_in_ram(segment: Segment) -> bool:
    return any(segment.address in ram and segment.address + len(segment.data) <= ram.stop for ram in _IN_RAM)


def _check_place(image: Image) -> None:
    if image.end > RAM_BASE and any(segment.address in ram for segment in image.segments for ram in _IN_RAM):
        other = next(segment for segment in image.segments if not _is_in_ram(segment))
        end = other.address + len(other.data)
        raise ImageError(f"{image.path}: is for the RAM, where {other.address:#010x} to {end:#010x} does not lie")
    for segment in image.segments:
        first, end = segment.address, segment.address + len(segment.data)
        if first >= FLASH_BASE and end <= FLASH_BASE + FLASH_SIZE:
            continue
        if first >= FLASH_BASE:
            limit = FLASH_BASE + FLASH_SIZE
            raise ImageError(f"{image.path}: too large, it reaches {end:#010x} and the flash ends at {limit:#010x}")
        raise ImageError(f"{image.path}: {first:#010x} is not in the flash, which begins at {FLASH_BASE:#010x}")
    if image.start != FLASH_BASE:
        raise ImageError(
            f"{image.path}: begins at {image.start:#010x}; without a second stage at {FLASH_BASE:#010x} it cannot start"
        )
