"""What somebody types to a board."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

QUIT = b"\x1d"
"""Ctrl-]."""
LFLAG = 3


class Keyboard:
    """Standard input: a terminal that passes every key through, or a pipe. `ended`: there will be nothing more."""

    def __init__(self) -> None:
        try:
            self._descriptor = sys.stdin.fileno()
            os.fstat(self._descriptor)
        except (OSError, ValueError, AttributeError):
            self._descriptor = -1
        self.ended = self._descriptor < 0
        self.is_terminal = not self.ended and os.isatty(self._descriptor)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take keys one by one, unseen, Ctrl-C too; put the terminal back as it was whatever happens."""
        if not self.is_terminal:
            yield
            return
        saved = termios.tcgetattr(self._descriptor)
        keys = termios.tcgetattr(self._descriptor)
        keys[0] &= ~(termios.ICRNL | termios.IXON)
        keys[LFLAG] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSANOW, keys)
            yield
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, saved)

    def take(self, wait: float = 0.0) -> bytes:
        """What has been typed since the last call; waits for so many real seconds at most."""
        if self.ended:
            if wait > 0:
                select.select([], [], [], wait)
            return b""
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, wait))
        if not ready:
            return b""
        data = os.read(self._descriptor, 4096)
        self.ended = not data
        return data
