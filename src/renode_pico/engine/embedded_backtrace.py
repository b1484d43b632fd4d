"""Where a dead processor came from, by the symbols of an ELF file: best effort, for a message of one line."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from pathlib import Path

RAM = range(0x2000_0000, 0x2004_2000)
STACK_WORDS = 256
DEPTH = 6
MAX_TEXT = 200
_CONVERSION = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?([a-zA-Z%])")


class Symbols:
    """Functions of an ELF file by address."""

    def __init__(self, path: Path) -> None:
        from elftools.elf.elffile import ELFFile
        from elftools.elf.sections import SymbolTableSection

        self._functions: dict[int, tuple[str, int]] = {}
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                if isinstance(section, SymbolTableSection):
                    for symbol in section.iter_symbols():
                        if symbol.entry.st_info.type == "STT_FUNC":
                            address = symbol.entry.st_value & ~1
                            self._functions[address] = (symbol.name, symbol.entry.st_size)
        self._addresses = sorted(self._functions)

    def name(self, address: int) -> str:
        """The function that `address` is in, or an empty string."""
        at = bisect.bisect_right(self._addresses, address) - 1
        if at < 0:
            return ""
        start = self._addresses[at]
        name, size = self._functions[start]
        return name if address < start + max(size, 2) else ""


def symbol_values(path: Path) -> dict[str, int]:
    """The values of all symbols of an ELF file, by name: addresses of functions have bit 0 set."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with path.open("rb") as stream:
        return {
            symbol.name: symbol.entry.st_value
            for section in ELFFile(stream).iter_sections()
            if isinstance(section, SymbolTableSection)
            for symbol in section.iter_symbols()
        }


def find_elf(firmware: Path) -> Path | None:
    """The ELF file of an image: itself, or the one of the same name beside it."""
    for path in (firmware, firmware.with_suffix(".elf")):
        try:
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    return path
        except OSError:
            continue
    return None


def backtrace(name_of: Callable[[int], str], read: Callable[[int], int], stack_pointer: int) -> str:
    """`panic("...") < caller < caller`, made of what on the stack looks like a return address.

    `name_of` gives the function an address is in (`Symbols.name`), or an empty string; `read` returns the aligned word
    at an address. A word is taken for a return address when a `bl` or `blx` stands before the place it points to.
    """
    names: list[str] = []
    for number in range(STACK_WORDS):
        address = (stack_pointer & ~3) + 4 * number
        if address not in RAM:
            break
        target = _call_before(read, read(address))
        if target is None:
            continue
        callee, caller = name_of(target), name_of(read(address) & ~1)
        if callee.strip("_").removesuffix("_veneer") == "panic":  # code in RAM reaches flash by a veneer
            # panic(fmt, ...) stores its arguments right above its return address.
            names = [f"panic({_formatted(read, address + 4)!r})"]
        if caller and (not names or names[-1] != caller):
            names.append(caller)
        if len(names) >= DEPTH:
            break
    return " < ".join(names)


def _call_before(read: Callable[[int], int], value: int) -> int | None:
    """The address called by the instruction before `value`, 0 if it is in a register, None if there is no call."""
    if not value & 1 or not (0x1000_0100 <= value < 0x1020_0000 or value in RAM):
        return None
    place = value & ~1
    first, second = _half(read, place - 4), _half(read, place - 2)
    if first >> 11 == 0b11110 and second >> 14 == 0b11 and second >> 12 & 1:
        sign = first >> 10 & 1
        i1, i2 = ~(second >> 13 ^ sign) & 1, ~(second >> 11 ^ sign) & 1
        offset = -sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
        return place + offset
    return 0 if second >> 7 == 0b010001111 else None


def _half(read: Callable[[int], int], address: int) -> int:
    return read(address & ~3) >> (8 * (address & 2)) & 0xFFFF


def _text(read: Callable[[int], int], address: int) -> str:
    characters = bytearray()
    for at in range(address, address + MAX_TEXT):
        byte = read(at & ~3) >> (8 * (at & 3)) & 0xFF
        if not byte:
            break
        characters.append(byte)
    return characters.decode("ascii", "replace")


def _formatted(read: Callable[[int], int], address: int) -> str:
    """The text a printf-like function was given: format and three arguments, from `address` on."""
    arguments = iter([read(address + 4 * number) for number in (1, 2, 3)])

    def convert(match: re.Match[str]) -> str:
        kind = match[1]
        if kind == "%":
            return "%"
        value = next(arguments, None)
        if value is None:
            return match[0]
        if kind == "s":
            return _text(read, value)
        if kind == "i" or kind == "d":
            value -= value >> 31 << 32
        conversion = {"i": "d", "u": "d", "p": "x"}.get(kind, kind)
        width = match[0][:-1].rstrip("hlz")
        return f"{width}{conversion}" % value if conversion in "dxXoc" else match[0]

    return _CONVERSION.sub(convert, _text(read, read(address))).strip()
