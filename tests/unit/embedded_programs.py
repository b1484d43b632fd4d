"""Programs of a few instructions for the embedded engine, and images made of them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.protocol import BoardConfig
from renode_pico.firmware.images import second_stage_crc

BUSY = (0xE7FE,)
"""b ."""
ASLEEP = (0xBF30, 0xE7FD)
"""wfi; b back"""
BREAKPOINT = (0xBE2A,)
"""bkpt 42"""
BAD_LOAD = (0x2001, 0x6801, 0xE7FE)
"""movs r0, #1; ldr r1, [r0]; b ."""


class Bus:
    """The chip's bus as a debugger uses it, where something answers."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._machine = engine._machine

    def read(self, address: int, size: int = 4) -> int:
        value = self._machine.bus_read(address, size)
        assert value is not None, f"nothing at {address:#010x}"
        return value

    def write(self, address: int, value: int, size: int = 4) -> None:
        assert self._machine.bus_write(address, value, size), f"nothing at {address:#010x}"


def image(path: Path, program: tuple[int, ...], data: bytes = b"") -> Path:
    code = struct.pack(f"<{len(program)}H", *program).ljust(252, b"\0")
    path.write_bytes(code + struct.pack("<I", second_stage_crc(code)) + data)
    return path


def engine_with(tmp_path: Path, program: tuple[int, ...], **options: Any) -> EmbeddedEngine:
    options.setdefault("boot_rom", False)
    board = {
        name: options.pop(name)
        for name in ("flash_image", "flash_offset", "flash_file", "mips", "cores")
        if name in options
    }
    return EmbeddedEngine(BoardConfig(image(tmp_path / "firmware.bin", program), **board), **options)
