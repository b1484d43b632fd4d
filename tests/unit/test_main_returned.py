"""The end of a program of the pico-sdk: main() that returned is told from exit(), wherever crt0 lies."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from renode_pico.engine.ending import Registers, program_end

CRT0 = (0x4914, 0x4788, 0x4914, 0x4788, 0xBE00, 0xE7FD)  # ldr r1; blx r1 (main); ldr r1; blx r1 (exit); bkpt; b .-2
EXIT = (0xBE00, 0xE7FD)
STACK = 0x2004_1FF0


def ended(crt0: int, back: int) -> str:
    """What is said of a program that stands in `_exit`, whose caller returns to `back`."""
    memory: dict[int, int] = {}
    for address, halves in ((crt0, CRT0), (crt0 + 0x1000, EXIT)):
        for at, word in enumerate(struct.unpack(f"<{len(halves) // 2}I", struct.pack(f"<{len(halves)}H", *halves))):
            memory[address + 4 * at] = word
    memory[STACK + 4] = back | 1
    registers = Registers(pc=crt0 + 0x1000, lr=back | 1, sp=STACK, psp=0, r0=7, exception=0)
    return str(program_end(Path("a.elf"), registers, lambda address: memory.get(address, 0), at=0.5))


@pytest.mark.parametrize("crt0", [0x2000_0028, 0x2000_00F0, 0x1000_01F4, 0x1010_01F4])
def test_main_that_returned_is_told_from_exit(crt0: int) -> None:
    assert ended(crt0, crt0 + 8) == "a.elf: main() returned 7 (at 0.500000 s)"
    assert ended(crt0, crt0 + 4) == "a.elf: exit(7) (at 0.500000 s)"
