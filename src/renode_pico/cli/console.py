"""An interactive console on the board's USB port: the only place beside `bridge/` that meets real time."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from renode_pico.board import Board
from renode_pico.errors import Disconnected

QUIT = b"\x1d"
SLICE = 0.01
"""Emulated and, when the engine is quick enough, real seconds between two looks at the keyboard."""


@contextmanager
def raw_terminal(descriptor: int) -> Iterator[None]:
    """Pass every key through, and put the terminal back as it was whatever happens."""
    if not os.isatty(descriptor):
        yield
        return
    saved = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)


def interact(board: Board) -> None:
    """Connect the terminal to the board's USB port until Ctrl-] or end of input.

    When the device leaves the bus (soft reset with a runtime device, `machine.reset()`), wait for it and go on.
    """
    keyboard = sys.stdin.fileno()
    if os.isatty(keyboard):
        print(f"{board.firmware.name} on {board.engine.name}; Ctrl-] ends", flush=True)
    board.enumerate()
    board.cdc(0).write(b"\r")
    with raw_terminal(keyboard):
        pump(board, keyboard)


def pump(board: Board, keyboard: int) -> None:
    """Move bytes both ways, keeping emulated time no faster than real time."""
    ended = False
    quiet = 0
    while not ended or quiet < 20:
        begin = time.monotonic()
        typed = b"" if ended else read_keys(keyboard)
        if typed is None:
            ended = True
        elif QUIT in typed:
            return
        try:
            port = board.cdc(0)
            if typed:
                port.write(typed)
            board.engine.run(SLICE)
            output = port.read_available()
        except Disconnected:
            board.enumerate()
            continue
        quiet = quiet + 1 if ended and not output else 0
        if output:
            sys.stdout.buffer.write(output)
            sys.stdout.buffer.flush()
        if not ended:
            time.sleep(max(0.0, SLICE - (time.monotonic() - begin)))


def read_keys(keyboard: int) -> bytes | None:
    """Return what was typed since the last call; None at end of input."""
    ready, _, _ = select.select([keyboard], [], [], 0)
    if not ready:
        return b""
    return os.read(keyboard, 4096) or None
