"""Images for the RAM, such as the pico-sdk's `no_flash` binaries, and files that hold firmware for several chips."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import UsageError
from renode_pico.pytest_plugin import engine_of
from tests.unit.embedded_programs import image
from tests.unit.test_images import uf2, uf2_block

pytestmark = pytest.mark.usefixtures("own_board")
# fmt: off
LED_ON = (
    0x4807, 0x4908, 0x6001,  # ldr r0, =RESETS_RESET's clear alias; ldr r1, =IO_BANK0 | PADS_BANK0; str r1, [r0]
    0x4808, 0x2105, 0x6001,  # ldr r0, =GPIO25_CTRL; movs r1, #5 (SIO); str r1, [r0]
    0x4807, 0x2101, 0x0649, 0x6101, 0x6001,  # ldr r0, =GPIO_OUT_SET; 1 << 25 into r1, GPIO_OE_SET and GPIO_OUT_SET
    0x4806, 0x4669, 0x6001,  # ldr r0, =SP_SAVED; mov r1, sp; str r1, [r0]
    0xE7FE, 0x0000,  # b .
    0xF000, 0x4000, 0x0120, 0x0000, 0x40CC, 0x4001, 0x0014, 0xD000, 0x0100, 0x2000,
)
# fmt: on
"""Lights the Pico's LED and saves the stack pointer it was started with. Runs wherever it lies."""
CODE = struct.pack(f"<{len(LED_ON)}H", *LED_ON)
SP_SAVED = 0x2000_0100


def board(request: pytest.FixtureRequest, firmware: Path) -> Board:
    return Board(firmware, engine=cast(EngineName, engine_of(request.config)))


def elf(path: Path, base: int) -> Path:
    """The program behind four bytes that are none, so that its entry is not where it begins."""
    data = b"\xff\xff\xff\xff" + CODE
    header = struct.pack(
        "<4s5B7x2HIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 0, 2, 40, 1, base + 5, 52, 0, 0, 52, 32, 1, 0, 0, 0
    )
    path.write_bytes(header + struct.pack("<8I", 1, 84, base, base, len(data), len(data), 7, 4) + data)
    return path


@pytest.mark.parametrize("kind", ["uf2", "elf"])
def test_an_image_for_the_ram_runs_there(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"ram.{kind}"
    if kind == "uf2":
        path.write_bytes(uf2_block(0x2000_0000, CODE.ljust(256, b"\0"), 0, 1))
    else:
        elf(path, 0x2000_0000)
    with board(request, path) as pico:
        pico.engine.run(0.02)
        assert pico.led()
        assert pico.engine.read_memory(SP_SAVED, 4) == struct.pack("<I", 0x2004_2000)
        assert set(pico.engine.flash()) == {0xFF}
        pico.engine.reset()  # RUN: the watchdog's scratch registers are cleared, and the flash is empty
        pico.engine.run(0.02)
        assert not pico.led()


def test_one_for_the_banks_runs_where_the_engine_executes_there(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = elf(tmp_path / "banks.elf", 0x2100_0000)
    if engine_of(request.config) == "renode":
        with pytest.raises(UsageError, match=r"linked for 0x21000000, where Renode does not execute code"):
            board(request, path).close()
        return
    with board(request, path) as pico:
        pico.engine.run(0.02)
        assert pico.led()


def test_blocks_for_other_chips_are_passed_over(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    flat = image(tmp_path / "led.bin", LED_ON).read_bytes()
    path = tmp_path / "several.uf2"
    path.write_bytes(uf2(family=0xE48B_FF59) + uf2_block(0x1000_0000, flat, 0, 1))
    with board(request, path) as pico:
        pico.engine.run(0.02)
        assert pico.led()
