"""Reads the vectors of `vectors/` (their language: `vectors/README.md`) and runs them on a model of the chip's bus."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tests.unit import vector_file
from tests.unit.vector_file import Vector, parse_bytes, same

DIRECTORY = Path(__file__).parent / "vectors"
ALIASES = {"write": 0x0000, "xor": 0x1000, "set": 0x2000, "clear": 0x3000}
SIZES = {"half": 2, "byte": 1}
UNITS = {"us": 1_000, "ms": 1_000_000}
NS_PER_CYCLE = 8
"""Of clk_sys at 125 MHz."""


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

    def wait(self, length_ns: int) -> None:
        """Emulated time passes."""

    def irq(self, core: int, number: int) -> bool:
        """The level of an interrupt line at a processor."""

    def drive(self, pin: int, level: bool | None, *, of_flash: bool) -> None:
        """The world outside drives a pin, or lets it go."""

    def level(self, pin: int) -> bool:
        """The level at a pad."""

    def clock_input(self, pin: int, hz: int) -> None:
        """An oscillator outside makes a clock at a pin."""

    def request(self, number: int, level: bool) -> None:
        """A block requests data, or does not any more."""

    def close(self) -> None:
        """It is not needed any more."""


class VectorFile(vector_file.VectorFile):
    """The vectors of one file, and the names and macros that all files share."""

    def __init__(self, name: str) -> None:
        super().__init__(DIRECTORY / "names.vec", DIRECTORY / f"{name}.vec")


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
        same(model.read(value(words[0])) & mask, value(words[-1]))
    elif verb == "bytes" and words[1] == "=":
        expected = parse_bytes(words[2:])
        same(model.read_memory(value(words[0]), len(expected)).hex(" "), expected.hex(" "))
    elif verb == "bytes":
        model.write_memory(value(words[0]), parse_bytes(words[1:]))
    elif verb == "wait":
        unit = UNITS.get(words[0][-2:])
        model.wait(value(words[0]) * NS_PER_CYCLE if unit is None else int(words[0][:-2]) * unit)
    elif verb == "irq":
        same(model.irq(value(words[0]), value(words[1])), words[2] == "1")
    elif verb in ("pin", "qspi"):
        level = None if words[1] == "z" else words[1] == "1"
        model.drive(value(words[0]), level, of_flash=verb == "qspi")
    elif verb == "level":
        same(model.level(value(words[0])), words[1] == "1")
    elif verb == "clockin":
        model.clock_input(value(words[0]), value(words[1]))
    elif verb == "request":
        model.request(value(words[0]), words[1] == "1")
    else:
        raise AssertionError("no such step")
