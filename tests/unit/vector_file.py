"""Reads the vectors of models: plain text, a line a step, so that the models of both engines run the same ones.

The steps are each bench's own; what is common to all files is in here: comments, names, macros, loops, vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One line: where it stands and its words."""

    where: str
    words: tuple[str, ...]

    def for_number(self, number: int) -> Step:
        """With the number in place of `{n}`."""
        words = tuple(word.replace("{n}", str(number)) for word in self.words)
        return Step(f"{self.where} with {number}", words)


@dataclass(slots=True)
class Vector:
    """A named sequence of steps and the rows it is about."""

    name: str
    rows: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class VectorFile:
    """The vectors of some files, in this order, with the names and macros they share."""

    def __init__(self, *paths: Path) -> None:
        self.names: dict[str, int] = {}
        self.macros: dict[str, list[Step]] = {}
        self.vectors: list[Vector] = []
        for path in paths:
            self._read(path)

    def _read(self, path: Path) -> None:
        macro: list[Step] | None = None
        loop: tuple[range, list[Step]] | None = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = tuple(line.split("#", 1)[0].split())
            if not words:
                continue
            step = Step(f"{path.name}:{number}", words)
            if words[0] == "let":
                self.names[words[1]] = int(words[2], 0)
            elif words[0] == "macro":
                macro = self.macros[words[1]] = []
            elif words[0] == "each":
                loop = range(int(words[1]), int(words[2]) + 1), []
            elif words[0] == "end" and loop is not None:
                numbers, steps = loop
                self.vectors[-1].steps += [each.for_number(n) for n in numbers for each in steps]
                loop = None
            elif loop is not None:
                loop[1].append(step)
            elif words[0] == "end":
                macro = None
            elif macro is not None:
                macro.append(step)
            elif words[0] == "==":
                self.vectors.append(Vector(" ".join(words[1:])))
            elif words[0] == "rows":
                self.vectors[-1].rows += words[1:]
            else:
                self.vectors[-1].steps.append(step)

    def value(self, text: str) -> int:
        """A number, a name, or several joined with `|` or `+`."""
        total = 0
        for part in text.split("|"):
            total |= sum(self.names[term] if term in self.names else int(term, 0) for term in part.split("+"))
        return total

    def expanded(self, vector: Vector) -> Iterator[Step]:
        """The steps with macros replaced by theirs."""
        yield from self._expand(vector.steps)

    def _expand(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            if step.words[0] in self.macros:
                yield from self._expand(self.macros[step.words[0]])
            else:
                yield step


def same(seen: object, expected: object) -> None:
    """AssertionError says what it is instead, numbers as vectors have them."""
    shown = hex(seen) if isinstance(seen, int) and not isinstance(seen, bool) else seen
    assert seen == expected, f"it is {shown}"


def parse_bytes(words: tuple[str, ...]) -> bytes:
    """Two digits each; `64*aa` repeats."""
    data = bytearray()
    for word in words:
        count, _, digits = word.rpartition("*")
        data += bytes.fromhex(digits) * int(count or "1")
    return bytes(data)
