"""What the build shows while it goes: one line a stage, and on a terminal how far the stage is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

NAME_WIDTH = 30


class Report:
    """Prints one line for each finished stage, with the wall-clock seconds it took."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._started = time.monotonic()
        self._stage = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Everything inside belongs to the stage `name`; a stage that raises is said to have failed."""
        began = time.monotonic()
        self._stage = name
        self.progress("…")
        outcome = "failed"
        try:
            yield
            outcome = ""
        except KeyboardInterrupt:
            outcome = "interrupted"
            raise
        finally:
            self._erase()
            self.line(f"{name:<{NAME_WIDTH}} {time.monotonic() - began:6.1f} s  {outcome}".rstrip())

    def progress(self, text: str) -> None:
        """On a terminal, say how far the current stage is; anywhere else, nothing."""
        if self._live:
            seconds = time.monotonic() - self._started
            self._stream.write(f"\r\x1b[K{self._stage:<{NAME_WIDTH}} {text}  ({seconds:.0f} s in all)")
            self._stream.flush()

    def line(self, text: str) -> None:
        """One whole line."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def _erase(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[K")
