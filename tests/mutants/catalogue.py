"""The mutants: tiny edits, each of which breaks a row and must be noticed by the tests it names.

They are data, in the `*.toml` files beside this one:

    [[mutant]]
    name = "what is broken, in a few words"
    file = "path of the file to edit"
    old = "text that is there exactly once"
    new = "what to put in its place"
    rows = ["D9.no-later-stage"]    # the parts that it breaks
    tests = ["tests/system/test_usbdevice_control.py::test_false_stalls_and_no_later_stage_runs"]
    engine = "renode"       # optional, embedded without
    flash = "machine.py"    # optional: the file goes into the boards' flash as this module
    edition = "1.26.1"      # optional: the firmware is that of this other MicroPython
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit; `tests` are pytest's node ids, with or without parameters, or Robot's as robot_cases.py has them."""

    name: str
    file: str
    old: str
    new: str
    rows: tuple[str, ...]
    tests: tuple[str, ...]
    engine: str = "embedded"
    flash: str = ""
    edition: str = ""

    def is_about(self, word: str) -> bool:
        """Whether a word chooses it: its name, a row or a part that it breaks, a piece of its file's path."""
        rows = {name.partition(".")[0] for name in self.rows}
        return word in {self.name, *self.rows, *rows} or word in self.file

    def apply(self, text: str) -> str | None:
        """The file's text with the edit; None when `old` is not in it exactly once: the mutant is stale."""
        return text.replace(self.old, self.new) if text.count(self.old) == 1 else None


def mutants() -> list[Mutant]:
    """All of them, file by file."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["mutant"]:
            entry["rows"], entry["tests"] = tuple(entry["rows"]), tuple(entry["tests"])
            found.append(Mutant(**entry))
    return found
