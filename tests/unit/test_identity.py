"""What a firmware image says it is, by the table that the pico-sdk puts into it."""

from __future__ import annotations

import struct
from pathlib import Path

from renode_pico.firmware.identity import STORAGE, identify
from renode_pico.firmware.images import FLASH_BASE

FACTS = 0x300
NAME, PLACE, TEXT = 0x400, 0x420, 0x440


def image(folder: Path, *, banner: bytes = b"", storage: tuple[int, int] | None = None) -> Path:
    """A flat image with a binary info table: a name, perhaps a block device."""
    content = bytearray(0x1000)
    entries = [NAME] + ([PLACE] if storage else [])
    end = FLASH_BASE + FACTS + 4 * len(entries)
    struct.pack_into("<5I", content, 0x1D4, 0x7188EBF2, FLASH_BASE + FACTS, end, 0, 0xE71AA390)
    for number, entry in enumerate(entries):
        struct.pack_into("<I", content, FACTS + 4 * number, FLASH_BASE + entry)
    struct.pack_into("<HHII", content, NAME, 6, 0x5052, 0x02031C86, FLASH_BASE + TEXT)
    content[TEXT : TEXT + 8] = b"blinker\0"
    if storage:
        offset, size = storage
        struct.pack_into("<HHIII", content, PLACE, 7, 0x504D, FLASH_BASE + TEXT, FLASH_BASE + offset, size)
    content[0x800 : 0x800 + len(banner)] = banner
    path = folder / "image.bin"
    path.write_bytes(content)
    return path


def test_a_program_tells_its_name(tmp_path: Path) -> None:
    found = identify(image(tmp_path))
    assert (found.program, found.micropython, found.storage) == ("blinker", "", STORAGE)


def test_micropython_is_known_by_its_banner(tmp_path: Path) -> None:
    found = identify(image(tmp_path, banner=b"3.4.0; MicroPython v1.26.0-preview.7 on 2025-06-01\0"))
    assert found.micropython == "v1.26.0-preview.7"


def test_an_image_for_another_board_tells_where_its_files_are(tmp_path: Path) -> None:
    pico_w = (0x12C000, 848 * 1024)
    assert identify(image(tmp_path, storage=pico_w)).storage == pico_w


def test_an_image_without_the_table_is_none_the_worse(tmp_path: Path) -> None:
    path = tmp_path / "plain.bin"
    path.write_bytes(bytes(range(256)) * 8)
    assert identify(path).program == ""
