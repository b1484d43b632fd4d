"""Names for where a dead processor came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.engine.embedded_backtrace import backtrace, find_elf

STACK = 0x2003_0000
PANIC, VENEER, INNER, INNER_IN_RAM, OUTER = 0x1000_1000, 0x2000_0100, 0x1000_2000, 0x2000_0200, 0x1000_3000
NAMES = {PANIC: "panic", VENEER: "__panic_veneer", INNER: "inner", INNER_IN_RAM: "inner", OUTER: "outer"}


def name_of(address: int) -> str:
    return NAMES.get(address & ~0xFF, "")


class Memory:
    """Words by address."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}

    def read(self, address: int) -> int:
        return self.words.get(address, 0)

    def half(self, address: int, value: int) -> None:
        shift = 8 * (address & 2)
        word = self.words.get(address & ~3, 0) & ~(0xFFFF << shift)
        self.words[address & ~3] = word | value << shift

    def bl(self, address: int, target: int) -> int:
        """Put a `bl` there; returns what it leaves in LR."""
        offset = target - (address + 4)
        sign = offset < 0
        j1, j2 = ((~offset >> 23 & 1) ^ sign, (~offset >> 22 & 1) ^ sign)
        self.half(address, 0xF000 | sign << 10 | offset >> 12 & 0x3FF)
        self.half(address + 2, 0xD000 | j1 << 13 | j2 << 11 | offset >> 1 & 0x7FF)
        return address + 4 | 1

    def text(self, address: int, text: str) -> int:
        for at, byte in enumerate(text.encode() + b"\0"):
            word = self.words.get(address + at & ~3, 0)
            self.words[address + at & ~3] = word | byte << 8 * (address + at & 3)
        return address

    def stack(self, *words: int) -> None:
        for at, word in enumerate(words):
            self.words[STACK + 4 * at] = word


@pytest.mark.parametrize(("caller", "panic"), [(INNER, PANIC), (INNER_IN_RAM, VENEER)])
def test_a_panic_is_quoted_with_its_arguments(caller: int, panic: int) -> None:
    memory = Memory()
    inner, outer = memory.bl(caller + 8, panic), memory.bl(OUTER + 0x20, INNER)
    text = memory.text(0x1000_8001, "ep %02X of %s: %d, 100%%")
    memory.stack(0, 7, inner, text, 0x1, memory.text(0x1000_9000, "four"), 0xFFFF_FFFE, 0, outer)
    assert backtrace(name_of, memory.read, STACK) == "panic('ep 01 of four: -2, 100%') < inner < outer"


def test_words_that_no_call_left_behind_are_passed_over() -> None:
    memory = Memory()
    real = memory.bl(OUTER + 0x20, INNER)
    memory.stack(INNER | 1, OUTER + 0x80 | 1, real & ~1, 0x2000_0001, real)
    assert backtrace(name_of, memory.read, STACK) == "outer"


def test_a_call_through_a_register_counts() -> None:
    memory = Memory()
    memory.half(OUTER + 0x10, 0x4798)  # blx r3
    memory.stack(OUTER + 0x12 | 1)
    assert backtrace(name_of, memory.read, STACK) == "outer"


def test_an_empty_stack_and_a_stack_pointer_into_nowhere() -> None:
    assert backtrace(name_of, Memory().read, STACK) == ""
    assert backtrace(name_of, Memory().read, 0x5000_0000) == ""


def test_the_elf_file_is_the_image_or_beside_it(tmp_path: Path) -> None:
    firmware = tmp_path / "a.uf2"
    firmware.write_bytes(b"UF2\n")
    assert find_elf(firmware) is None
    (tmp_path / "a.elf").write_bytes(b"\x7fELF")
    assert find_elf(firmware) == tmp_path / "a.elf"
    assert find_elf(tmp_path / "a.elf") == tmp_path / "a.elf"
