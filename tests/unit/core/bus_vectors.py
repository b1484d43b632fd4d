"""Reads the vectors of `vectors/` (their language: `vectors/README.md`) and runs them on a model of the chip's bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

DIRECTORY = Path(__file__).parent / "vectors"
ALIASES = {"write": 0x0000, "xor": 0x1000, "set": 0x2000, "clear": 0x3000}
SIZES = {"half": 2, "byte": 1}


class Model(Protocol):
    """A chip whose processors stand still: its bus, its interrupt lines, its pins, its time."""

    def read(self, address: int) -> int:
        """A word, as a processor would read it."""

    def write(self, address: int, value: int, size: int) -> None:
        """A write of 1, 2 or 4 bytes, as a processor would make it."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Bytes of SRAM."""

    def write_memory(self, address: int, data: bytes) -> None:
        """The same, set from nowhere."""

    def wait(self, cycles: int) -> None:
        """Cycles of clk_sys pass."""

    def irq(self, core: int, number: int) -> bool:
        """The level of an interrupt line at a processor."""

    def drive(self, pin: int, level: bool | None, *, of_flash: bool) -> None:
        """The world outside drives a pin, or lets it go."""

    def level(self, pin: int) -> bool:
        """The level at a pad."""

    def request(self, number: int, level: bool) -> None:
        """A block requests data, or does not any more."""

    def close(self) -> None:
        """It is not needed any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line: where it stands and its words."""

    where: str
    words: tuple[str, ...]


@dataclass(slots=True)
class Vector:
    """A named sequence of steps."""

    name: str
    steps: list[Step] = field(default_factory=list)


class VectorFile:
    """The vectors of one file, and the names and macros that all files share."""

    def __init__(self, name: str) -> None:
        self.names: dict[str, int] = {}
        self.macros: dict[str, list[Step]] = {}
        self.vectors: list[Vector] = []
        self._read(DIRECTORY / "names.vec")
        self._read(DIRECTORY / f"{name}.vec")

    def _read(self, path: Path) -> None:
        macro: list[Step] | None = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = tuple(line.split("#", 1)[0].split())
            if not words:
                continue
            step = Step(f"{path.name}:{number}", words)
            if words[0] == "let":
                self.names[words[1]] = int(words[2], 0)
            elif words[0] == "macro":
                macro = self.macros[words[1]] = []
            elif words[0] == "end":
                macro = None
            elif macro is not None:
                macro.append(step)
            elif words[0] == "==":
                self.vectors.append(Vector(" ".join(words[1:])))
            else:
                self.vectors[-1].steps.append(step)

    def value(self, text: str) -> int:
        """A number, a name, or several joined with `|` or `+`."""
        total = 0
        for part in text.split("|"):
            terms = [self.names[term] if term in self.names else int(term, 0) for term in part.split("+")]
            total |= sum(terms)
        return total

    def expanded(self, vector: Vector) -> Iterator[Step]:
        """The steps with macros replaced by theirs."""
        for step in vector.steps:
            yield from self.macros.get(step.words[0], [step])


def run_vector(file: VectorFile, vector: Vector, model: Model) -> None:
    """Make a vector's steps on a new model; AssertionError names the line that does not hold."""
    try:
        for step in file.expanded(vector):
            try:
                _do(file, model, *step.words)
            except AssertionError as error:
                raise AssertionError(f"{step.where}: {' '.join(step.words)}: {error}") from None
    finally:
        model.close()


def _do(file: VectorFile, model: Model, verb: str, *words: str) -> None:
    value = file.value
    if verb in ALIASES:
        address = value(words[0])
        assert verb == "write" or address >> 24 in (0x40, 0x50), "memory has no aliases"
        model.write(address + ALIASES[verb], value(words[1]), 4)
    elif verb in SIZES:
        model.write(value(words[0]), value(words[1]), SIZES[verb])
    elif verb == "read":
        mask = value(words[2]) if words[1] == "&" else 0xFFFFFFFF
        _same(model.read(value(words[0])) & mask, value(words[-1]))
    elif verb == "bytes" and words[1] == "=":
        expected = _bytes(words[2:])
        _same(model.read_memory(value(words[0]), len(expected)).hex(" "), expected.hex(" "))
    elif verb == "bytes":
        model.write_memory(value(words[0]), _bytes(words[1:]))
    elif verb == "wait":
        model.wait(value(words[0]))
    elif verb == "irq":
        _same(model.irq(value(words[0]), value(words[1])), words[2] == "1")
    elif verb in ("pin", "qspi"):
        level = None if words[1] == "z" else words[1] == "1"
        model.drive(value(words[0]), level, of_flash=verb == "qspi")
    elif verb == "level":
        _same(model.level(value(words[0])), words[1] == "1")
    elif verb == "request":
        model.request(value(words[0]), words[1] == "1")
    else:
        raise AssertionError("no such step")


def _same(seen: object, expected: object) -> None:
    shown = hex(seen) if isinstance(seen, int) and not isinstance(seen, bool) else seen
    assert seen == expected, f"it is {shown}"


def _bytes(words: tuple[str, ...]) -> bytes:
    """Two digits each; `64*aa` repeats."""
    data = bytearray()
    for word in words:
        count, _, digits = word.rpartition("*")
        data += bytes.fromhex(digits) * int(count or "1")
    return bytes(data)
