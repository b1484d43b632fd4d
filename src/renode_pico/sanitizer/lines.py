"""Addresses of a program as functions and lines of its source, by the DWARF of its ELF file."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from renode_pico.engine.embedded_backtrace import Symbols

if TYPE_CHECKING:
    from elftools.dwarf.dwarfinfo import DWARFInfo

CALL = ("DW_AT_call_file", "DW_AT_call_line")
ORIGINS = ("DW_AT_abstract_origin", "DW_AT_specification")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is; empty and 0 where the ELF file does not say."""

    function: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        at = f"{PurePosixPath(self.file).name}:{self.line}" if self.file else ""
        return " at ".join(part for part in (self.function, at) if part)


class Lines:
    """The places of one ELF file. Reads only the units that it is asked about."""

    def __init__(self, elf: Path) -> None:
        from elftools.elf.elffile import ELFFile

        self._symbols = Symbols(elf)
        self._stream = elf.open("rb")
        file = ELFFile(self._stream)
        self._dwarf: DWARFInfo | None = file.get_dwarf_info() if file.has_dwarf_info() else None
        self._units: dict[int, _Unit] = {}

    def at(self, address: int) -> Place:
        """The function and the line that the instruction at an address was made from."""
        function = self._symbols.name(address)
        levels = self._levels(address)
        if not levels:
            return Place(function)
        # What a header has is inlined everywhere: told is who used it.
        level = max((n for n, (_, file, _) in enumerate(levels) if not file.endswith(".h")), default=0)
        inlined, file, line = levels[level]
        return Place(inlined or function, file, line)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _levels(self, address: int) -> list[tuple[str, str, int]]:
        aranges = self._dwarf.get_aranges() if self._dwarf is not None else None
        offset = aranges.cu_offset_at_addr(address) if aranges is not None else None
        if offset is None:
            return []
        if offset not in self._units:
            assert self._dwarf is not None
            self._units[offset] = _Unit(self._dwarf, offset)
        return self._units[offset].levels(address)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was inlined: of what, to where, and from which line (file by its number)."""

    name: str
    ranges: list[tuple[int, int]]
    file: int
    line: int


class _Unit:
    """The line table of a unit, and what was inlined where."""

    def __init__(self, dwarf: DWARFInfo, offset: int) -> None:
        self._dwarf = dwarf
        self._unit = dwarf.get_CU_at(offset)
        self._names: list[str] = []
        self._first = 1
        """The number of the first file: 1 before DWARF 5."""
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []
        self._read_lines()
        self._calls = list(self._inlined())

    def levels(self, address: int) -> list[tuple[str, str, int]]:
        """Function, file and line from the outside in: the function itself (no name), and what was inlined there."""
        at = bisect.bisect_right(self._starts, address) - 1
        if at < 0:
            return []
        calls = [call for call in self._calls if any(low <= address < high for low, high in call.ranges)]
        functions = ["", *(call.name for call in calls)]
        lines = [*((call.file, call.line) for call in calls), self._places[at]]
        return [(function, self._name(file), line) for function, (file, line) in zip(functions, lines, strict=True)]

    def _name(self, number: int) -> str:
        index = number - self._first
        return self._names[index] if 0 <= index < len(self._names) else ""

    def _read_lines(self) -> None:
        program = self._dwarf.line_program_for_CU(self._unit)
        if program is None:
            return
        self._first = 0 if program["version"] >= 5 else 1
        self._names = [_text(entry.name) for entry in program["file_entry"]]
        found: list[tuple[int, tuple[int, int]]] = []
        for entry in program.get_entries():
            state: Any = entry.state
            if state is not None:
                found.append((state.address, (-1, 0) if state.end_sequence else (state.file, state.line)))
        found.sort(key=lambda one: one[0])  # stable: of several rows at one address the last one counts
        self._starts = [address for address, _ in found]
        self._places = [place for _, place in found]

    def _inlined(self) -> Iterator[_Call]:
        """All inlined calls, the outer ones before those within them."""
        waiting = [self._unit.get_top_DIE()]
        while waiting:
            for die in waiting.pop(0).iter_children():
                attributes = die.attributes
                if die.tag == "DW_TAG_inlined_subroutine":
                    file, line = (attributes[name].value if name in attributes else 0 for name in CALL)
                    yield _Call(_name_of(die), self._ranges(attributes), file, line)
                if die.tag in ("DW_TAG_subprogram", "DW_TAG_lexical_block", "DW_TAG_inlined_subroutine"):
                    waiting.append(die)

    def _ranges(self, attributes: Any) -> list[tuple[int, int]]:
        if "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
            low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
            return [(low, high.value if high.form == "DW_FORM_addr" else low + high.value)]
        lists = self._dwarf.range_lists()
        if lists is None or "DW_AT_ranges" not in attributes:
            return []
        top = self._unit.get_top_DIE().attributes
        base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        found = []
        for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, self._unit):
            if hasattr(entry, "base_address"):
                base = entry.base_address
            elif entry.is_absolute:
                found.append((entry.begin_offset, entry.end_offset))
            else:
                found.append((base + entry.begin_offset, base + entry.end_offset))
        return found


def _name_of(die: Any) -> str:
    for _ in range(3):  # an instance, its abstract form, the declaration of that
        if "DW_AT_name" in die.attributes:
            return _text(die.attributes["DW_AT_name"].value)
        link = next((name for name in ORIGINS if name in die.attributes), None)
        if link is None:
            break
        die = die.get_DIE_from_attribute(link)
    return ""


def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
