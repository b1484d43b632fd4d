"""The board's flash file system as the rp2 port lays it out: littlefs 2 in the upper 1408 KiB of 2 MiB of flash.

MICROPY_HW_FLASH_STORAGE_BYTES of board RPI_PICO, BLOCK_SIZE_BYTES of rp2_flash.c, progsize of the port's _boot.py;
the remaining sizes are VfsLfs2's defaults (readsize 32, lookahead 32, four program sizes of cache).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from littlefs import LittleFS, LittleFSError
from littlefs.context import UserContext

from renode_pico.errors import ImageError

FLASH_SIZE = 2048 * 1024
STORAGE_SIZE = 1408 * 1024
FLASH_OFFSET = FLASH_SIZE - STORAGE_SIZE
"""Where the file system begins in the flash: 0xA0000."""
BLOCK_SIZE = 4096
PROGRAM_SIZE = 256
READ_SIZE = 32
LOOKAHEAD_SIZE = 32
CACHE_SIZE = 4 * PROGRAM_SIZE
ERROR_NO_SPACE = -28


def make_image(files: Mapping[str, bytes], size: int = STORAGE_SIZE) -> bytes:
    """Make a file system of `size` bytes with these files (path: content; directories come with them).

    Raises ImageError when they do not fit.
    """
    volume = _volume(UserContext(size))
    volume.format()
    volume.mount()
    _write(volume, files)
    return bytes(volume.context.buffer)


def update_image(image: bytes, files: Mapping[str, bytes]) -> bytes:
    """Write these files into a file system, beside or instead of what it holds; one that holds none yet is made.

    Raises ImageError when they do not fit or when what is there is no littlefs.
    """
    if image.count(0xFF) == len(image):
        return make_image(files, len(image))
    volume = _mounted(image)
    _write(volume, files)
    return bytes(volume.context.buffer)


def _write(volume: LittleFS, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = PurePosixPath("/", name)
        try:
            volume.makedirs(str(path.parent), exist_ok=True)
            with volume.open(str(path), "wb") as file:
                file.write(content)
        except LittleFSError as error:
            total = sum(map(len, files.values()))
            reason = "no space left" if error.code == ERROR_NO_SPACE else str(error)
            raise ImageError(
                f"flash file system: {name} ({len(content)} bytes) cannot be stored: {reason}; "
                f"{len(files)} files with {total} bytes are to go into {len(volume.context.buffer)} bytes"
            ) from error


def read_image(image: bytes) -> dict[str, bytes]:
    """Read all files of a file system image (path without leading slash: content). Raises ImageError."""
    if len(image) != STORAGE_SIZE:
        raise ImageError(f"flash file system: {len(image)} bytes, but the board's has {STORAGE_SIZE}")
    volume = _mounted(image)
    try:
        return {
            f"{directory}/{name}".lstrip("/"): volume.open(f"{directory}/{name}", "rb").read()
            for directory, _, names in volume.walk("/")
            for name in names
        }
    except LittleFSError as error:
        raise ImageError(f"flash file system: no littlefs that can be read: {error}") from error


def read_flash(flash: bytes) -> dict[str, bytes]:
    """Read all files out of a dump of the whole flash (`Engine.flash()`). Raises ImageError."""
    return read_image(flash[FLASH_OFFSET : FLASH_OFFSET + STORAGE_SIZE])


def _mounted(image: bytes) -> LittleFS:
    context = UserContext(len(image))
    context.buffer = bytearray(image)
    volume = _volume(context)
    try:
        volume.mount()
    except LittleFSError as error:
        raise ImageError(f"flash file system: no littlefs that can be read: {error}") from error
    return volume


def _volume(context: UserContext) -> LittleFS:
    return LittleFS(
        context=context,
        mount=False,  # It would format what it cannot read.
        block_size=BLOCK_SIZE,
        block_count=len(context.buffer) // BLOCK_SIZE,
        prog_size=PROGRAM_SIZE,
        read_size=READ_SIZE,
        cache_size=CACHE_SIZE,
        lookahead_size=LOOKAHEAD_SIZE,
    )
