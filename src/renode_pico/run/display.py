"""A board's consoles on a terminal or in a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import click

COLOURS = ("cyan", "yellow", "magenta", "green", "blue", "red")


class Display:
    """Writes what consoles say, as bytes, untouched while there is one of them.

    `named`: once a second one has spoken, each line begins with the name of its console; True on a terminal, where the
    names are in colour, too. Lines of different consoles are never mixed. Notes do not break a console's line: on a
    terminal they begin one of their own, elsewhere they wait until the console has ended its line.
    """

    def __init__(self, stream: BinaryIO, *, named: bool, coloured: bool) -> None:
        self._stream = stream
        self._named = named
        self._coloured = coloured
        self._names: list[str] = []
        self._last = ""
        self._at_start = True
        self._waiting: list[str] = []

    def show(self, name: str, data: bytes) -> None:
        """Write what a console has said."""
        if not data:
            return
        if name not in self._names:
            self._names.append(name)
        if name != self._last and not self._at_start and len(self._names) > 1:
            self.end()
        self._last = name
        if self._named and len(self._names) > 1:
            data = self._with_names(name, data)
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            self._write(whole + newline)
            self._tell()
        if rest:
            self._write(rest)

    def end(self) -> None:
        """Leave the cursor at the start of a line, and nothing untold."""
        if not self._at_start:
            self._write(b"\n")
        self._tell()

    def note(self, text: str) -> None:
        """A line about the board, for people: on standard error."""
        self._waiting.append(text)
        if self._named:
            self.end()
        elif self._at_start:
            self._tell()

    def _tell(self) -> None:
        """The notes that have waited."""
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            click.echo(click.style(text, dim=True) if sys.stderr.isatty() else text, err=True)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()
        self._at_start = data.endswith(b"\n")

    def _with_names(self, name: str, data: bytes) -> bytes:
        colour = COLOURS[self._names.index(name) % len(COLOURS)]
        label = click.style(name, fg=colour) if self._coloured else name
        prefix = f"{label} | ".encode()
        lines = data.removesuffix(b"\n").replace(b"\n", b"\n" + prefix)
        return (prefix if self._at_start else b"") + lines + (b"\n" if data.endswith(b"\n") else b"")


@contextmanager
def warnings_told(tell: Callable[[str], object]) -> Iterator[None]:
    """Meanwhile, what the package's loggers warn of is told, as one line each, in place of Python's last resort."""

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage())

    teller = Teller(logging.WARNING)
    log = logging.getLogger("renode_pico")
    log.addHandler(teller)
    try:
        yield
    finally:
        log.removeHandler(teller)
