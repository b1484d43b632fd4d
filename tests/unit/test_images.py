"""Firmware images, good and bad."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from renode_pico.errors import ImageError
from renode_pico.firmware.images import FLASH_BASE, FLASH_SIZE, RP2040_FAMILY_ID, load_image, read_flash_file
from tests.unit.embedded_programs import image

CODE = bytes(range(256)) * 3


def uf2_block(
    address: int,
    data: bytes,
    number: int,
    total: int,
    family: int = RP2040_FAMILY_ID,
    flags: int = 0x2000,
    end: int = 0x0AB16F30,
) -> bytes:
    header = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address, len(data), number, total, family)
    return header + data.ljust(476, b"\0") + struct.pack("<I", end)


def uf2(address: int = FLASH_BASE, **options: int) -> bytes:
    pieces = [CODE[at : at + 256] for at in range(0, len(CODE), 256)]
    return b"".join(
        uf2_block(address + 256 * number, piece, number, len(pieces), **options) for number, piece in enumerate(pieces)
    )


def elf(address: int = FLASH_BASE, machine: int = 40, data: bytes = CODE) -> bytes:
    header = struct.pack(
        "<4s5B7x2HIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 0, 2, machine, 1, address, 52, 0, 0, 52, 32, 1, 0, 0, 0
    )
    segment = struct.pack("<8I", 1, 84, address, address, len(data), len(data), 5, 4)
    return header + segment + data


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("name", "content"), [("a.uf2", uf2()), ("a.elf", elf()), ("a.bin", CODE), ("a.img", uf2())])
def test_each_format_gives_the_same_flash(tmp_path: Path, name: str, content: bytes) -> None:
    image = load_image(saved(tmp_path / name, content))
    flash = bytearray(len(CODE))
    for segment in image.segments:
        at = segment.address - FLASH_BASE
        flash[at : at + len(segment.data)] = segment.data
    assert bytes(flash) == CODE
    assert (image.start, image.end) == (FLASH_BASE, FLASH_BASE + len(CODE))


def test_what_the_boot_rom_does_not_start_is_known_by_its_second_stage(tmp_path: Path) -> None:
    good = image(tmp_path / "good.bin", (0xE7FE,))
    assert load_image(good).not_started == ""
    bad = bytearray(good.read_bytes())
    bad[0] ^= 1
    why = load_image(saved(tmp_path / "bad.bin", bytes(bad))).not_started
    assert "the boot ROM does not start it" in why
    assert f"{int.from_bytes(bad[252:], 'little'):#010x} is written there" in why
    short = load_image(saved(tmp_path / "short.elf", elf(data=b"\xfe\xe7")))
    assert "0xffffffff is written there" in short.not_started  # erased flash is behind it
    assert load_image(saved(tmp_path / "ram.elf", elf(address=0x2000_0000))).not_started == ""  # needs no second stage


def test_blocks_that_are_not_for_the_main_flash_are_left_out(tmp_path: Path) -> None:
    content = uf2() + uf2_block(0x20000000, b"comment", 0, 1, flags=0x2001)
    assert load_image(saved(tmp_path / "a.uf2", content)).end == FLASH_BASE + len(CODE)


def test_blocks_for_other_chips_beside_ours_are_left_out(tmp_path: Path) -> None:
    content = uf2(family=0xE48BFF59) + uf2()
    assert load_image(saved(tmp_path / "a.uf2", content)).end == FLASH_BASE + len(CODE)


@pytest.mark.parametrize(("name", "content"), [("a.uf2", uf2(address=0x20000000)), ("a.elf", elf(address=0x20000000))])
def test_an_image_for_the_ram_is_started_by_the_watchdogs_scratch_registers(
    tmp_path: Path, name: str, content: bytes
) -> None:
    image = load_image(saved(tmp_path / name, content))
    assert image.entry == 0x20000000
    # watchdog_reboot(0x20000000, 0x20042000, 0) of the pico-sdk writes these
    assert image.watchdog_scratch == (0xB007C0D3, 0x20000001 ^ 0x4FF83F2D, 0x20042000, 0x20000001)


def test_an_image_for_the_flash_has_no_entry(tmp_path: Path) -> None:
    assert load_image(saved(tmp_path / "a.elf", elf())).entry is None


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.uf2", b"", "empty"),
        ("a.uf2", b"hello, world", "not a UF2 file"),
        ("a.uf2", uf2()[:-100], "truncated, 2 of 3 blocks"),
        ("a.uf2", uf2()[:-512], "truncated, 2 of 3 blocks"),
        ("a.uf2", uf2() + b"more", r"block 3 \(offset 0x600\): truncated, 4 of 512 bytes"),
        ("a.uf2", uf2(family=0xE48BFF59), r"another chip, family 0xe48bff59 \(RP2350 Arm, secure\)"),
        ("a.uf2", uf2(family=0x12345678), "unknown"),
        ("a.uf2", uf2(end=0), "magic numbers are wrong"),
        ("a.uf2", uf2(address=0x20041F00), "for the RAM, where 0x20042000 to 0x20042100 does not lie"),
        ("a.uf2", uf2() + uf2(address=0x20000000), "for the RAM, where 0x10000000 to 0x10000100"),
        ("a.uf2", uf2(address=0x08000000), "is not in the flash"),
        ("a.uf2", uf2(address=FLASH_BASE + FLASH_SIZE - 256), "too large, it reaches 0x10200100"),
        ("a.uf2", uf2(address=FLASH_BASE + 0x1000), "without a second stage"),
        ("a.uf2", uf2_block(FLASH_BASE, b"", 0, 1), "payload of 0 bytes"),
        ("a.uf2", uf2_block(FLASH_BASE, b"x", 0, 1, flags=0x2001), "no block"),
        ("a.elf", b"hello, world", "not an ELF file"),
        ("a.elf", elf(machine=243), "another processor"),
        ("a.elf", elf()[:300], "truncated, the segment for 0x10000000"),
        ("a.elf", elf()[:40], "damaged ELF file"),
        ("a.elf", elf()[:16] + b"\x01" + elf()[17:], r"not linked to an executable \(ET_REL\)"),
        ("a.hex", b":020000041000EA\n" * 40, "Intel HEX is not read here"),
        ("a.elf", elf(data=b""), "nothing to load"),
        ("a.bin", b"short", "5 bytes are no firmware"),
        ("a.bin", bytes(FLASH_SIZE + 1), "too large"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = saved(tmp_path / name, content)
    with pytest.raises(ImageError, match=says) as caught:
        load_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere\.uf2: No such file"):
        load_image(tmp_path / "nowhere.uf2")
    with pytest.raises(ImageError, match="directory"):
        load_image(tmp_path)


def test_a_saved_flash_has_its_size(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="has 2097152 bytes, this file has 3"):
        read_flash_file(saved(tmp_path / "flash.bin", b"abc"))
    assert len(read_flash_file(saved(tmp_path / "flash.bin", bytes(FLASH_SIZE)))) == FLASH_SIZE
