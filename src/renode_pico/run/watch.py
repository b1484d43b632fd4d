"""What is expected of a board's consoles, and what must not be seen there."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from renode_pico.errors import UsageError


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text, found wherever it appears, or `/a regular expression/`, searched for in each line."""

    text: str
    expression: re.Pattern[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read it as the command line gives it. Raises UsageError for an expression that is none and for no text."""
        if not text:
            raise UsageError("an empty text is always seen: give what the board is to print")
        if len(text) < 3 or not (text.startswith("/") and text.endswith("/")):
            return cls(text)
        try:
            return cls(text, re.compile(text[1:-1]))
        except re.error as error:
            raise UsageError(f"{text} is no regular expression: {error}") from error

    def __str__(self) -> str:
        return self.text if self.expression is not None else repr(self.text)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and when (emulated seconds) a pattern was seen, and the line it was in."""

    pattern: Pattern
    console: str
    line: str
    at: float


@dataclass(slots=True)
class _Text:
    """What one console has said, as text: the line that is not finished, and whether it was looked at."""

    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    line: str = ""
    searched: bool = True


class Watcher:
    """Looks for patterns. All of `expected` must be seen, in any order and on any console; none of `failing`.

    Lines end with LF; CR is left out. A line without an end, such as a prompt, is given to regular expressions once
    nothing has been added to it for a look.
    """

    def __init__(self, expected: Iterable[Pattern] = (), failing: Iterable[Pattern] = ()) -> None:
        self.missing = list(expected)
        self.failing = tuple(failing)
        self.seen: list[Sighting] = []
        self.failed: Sighting | None = None
        self._texts: dict[str, _Text] = {}

    def feed(self, console: str, data: bytes, at: float) -> None:
        """Look at what a console has said up to `at` emulated seconds; with nothing, at its unfinished line."""
        text = self._texts.setdefault(console, _Text())
        if not data:
            if not text.searched:
                text.searched = True
                self._search(console, text.line, at, finished=True)
            return
        *lines, rest = (text.line + text.decoder.decode(data).replace("\r", "")).split("\n")
        for line in lines:
            self._search(console, line, at, finished=True)
        text.line, text.searched = rest, False
        self._search(console, rest, at, finished=False)

    def _search(self, console: str, line: str, at: float, *, finished: bool) -> None:
        for pattern in self.failing:
            if self.failed is None and _in(pattern, line, finished):
                self.failed = Sighting(pattern, console, line, at)
        for pattern in tuple(self.missing):
            if _in(pattern, line, finished):
                self.missing.remove(pattern)
                self.seen.append(Sighting(pattern, console, line, at))


def _in(pattern: Pattern, line: str, finished: bool) -> bool:
    if pattern.expression is None:
        return pattern.text in line
    return finished and pattern.expression.search(line) is not None
