"""What boot.py or main.py ended with, where it did so with an exception: the board says it once, to whoever listens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from renode_pico.errors import RenodePicoError
from renode_pico.micropython.repl import PROMPT
from renode_pico.usb.cdc import cdc_functions

if TYPE_CHECKING:
    from renode_pico.board import Board

LISTEN = 0.5
"""Emulated seconds in which a program that has not come to its end is listened to."""
STEP = 0.005
TRACEBACK = re.compile(r"^(?:Traceback \(most recent call last\):\n)?(?:  File .*\n(?:    .*\n)?)+\S.*$", re.MULTILINE)


def listen(board: Board, seconds: float = LISTEN) -> bytes:
    """What the board says by itself until its prompt, on the enumerated device's first port or else UART0.

    seconds: emulated, the most that is waited. The port stays open. Empty where there is neither, or the bus fails.
    """
    said = bytearray()
    end = board.engine.now + seconds
    try:
        device = board.enumerated
        port = board.cdc(0) if device is not None and cdc_functions(device.configuration) else None
        uart = board.engine.uart(0)
        while board.engine.now < end and PROMPT not in said:
            board.engine.run(STEP)
            said += port.read_available() if port is not None else uart.read()
    except RenodePicoError:
        pass  # what was said before is what is asked for
    return bytes(said)


def tracebacks(said: bytes) -> list[str]:
    """The tracebacks in what a board has said. One whose beginning was lost counts, too: the port keeps 256 bytes."""
    text = said.decode(errors="replace").replace("\r\n", "\n")
    return [found[0] for found in TRACEBACK.finditer(text)]


def complaint(board: Board, seconds: float = LISTEN) -> str:
    """The traceback that boot.py or main.py has ended with; empty when there is none.

    Only a board with files in its flash is listened to: without, MicroPython has nothing to run.
    """
    has_files = board.config.flash_image is not None or board.config.flash_file is not None
    if not has_files or not board.identity.micropython:
        return ""
    return "\n".join(tracebacks(listen(board, seconds)))
