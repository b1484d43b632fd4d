"""What an image's ELF file says about memory: objects by address, and the bounds of the stack."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from renode_pico.engine.embedded_backtrace import Symbols, find_elf

BOTTOMS = ("__StackBottom", "__StackOneBottom")
"""What the linker scripts of the pico-sdk call the ends of the two stacks."""


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """`objects`: address, size and name of each variable and table, by address, the largest of those at one address.

    `stack_bottoms`: the lowest address of each core's stack, 0 if nothing says so. `functions`: the names of code.
    """

    objects: tuple[tuple[int, int, str], ...] = ()
    stack_bottoms: tuple[int, int] = (0, 0)
    functions: Symbols | None = None

    def function(self, address: int) -> str:
        """The function that an address is in, or the address in hexadecimal."""
        name = self.functions.name(address & ~1) if self.functions is not None else ""
        return name or f"{address:#010x}"

    def object_at(self, address: int) -> tuple[int, int, str] | None:
        """The object that an address is in."""
        at = bisect.bisect_right(self.objects, address, key=lambda each: each[0]) - 1
        if at < 0:
            return None
        start, size, _ = self.objects[at]
        return self.objects[at] if address < start + size else None


@lru_cache(maxsize=4)
def memory_map(firmware: Path) -> MemoryMap:
    """Read the ELF file of an image; one that has none, or a broken one, gives an empty map."""
    path = find_elf(firmware)
    if path is None:
        return MemoryMap()
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    objects: dict[int, tuple[int, str]] = {}
    bottoms = dict.fromkeys(BOTTOMS, 0)
    try:
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                if not isinstance(section, SymbolTableSection):
                    continue
                for symbol in section.iter_symbols():
                    address, size = symbol.entry.st_value, symbol.entry.st_size
                    if symbol.name in bottoms:
                        bottoms[symbol.name] = address
                    elif symbol.entry.st_info.type == "STT_OBJECT" and size > objects.get(address, (0, ""))[0]:
                        objects[address] = (size, symbol.name)
        functions = Symbols(path)
    except Exception:  # Ornaments of findings: a broken ELF file takes them away, and nothing else.
        return MemoryMap()
    known = tuple((at, size, name) for at, (size, name) in sorted(objects.items()))
    return MemoryMap(known, (bottoms[BOTTOMS[0]], bottoms[BOTTOMS[1]]), functions)
