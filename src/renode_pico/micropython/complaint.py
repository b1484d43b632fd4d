"""What boot.py or main.py ended with, where it did so with an exception: the board says it once, to whoever listens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from renode_pico.errors import RenodePicoError
from renode_pico.micropython.repl import PROMPT
from renode_pico.usb.cdc import CdcPort, cdc_functions

if TYPE_CHECKING:
    from renode_pico.board import Board
    from renode_pico.usb.device import Device

LISTEN = 0.5
"""Emulated seconds in which a program that has not come to its end is listened to."""
STEP = 0.005
HEARD = 16384
"""Bytes of a console that are remembered: a traceback is at the end."""
TRACEBACK = re.compile(r"^(?:Traceback \(most recent call last\):\n)?(?:  File .*\n(?:    .*\n)?)+\S.*$", re.MULTILINE)


def listen(board: Board, seconds: float = LISTEN) -> bytes:
    """What the board says by itself until its prompt, on the enumerated device's first port or else UART0.

    seconds: emulated, the most that is waited. The port stays open. Empty where there is neither, or the bus fails.
    """
    device = board.enumerated
    try:
        port = board.cdc(0) if device is not None and cdc_functions(device.configuration) else None
    except RenodePicoError:
        return b""
    return _until_prompt(board, port, seconds)


def overhear(board: Board, device: Device, seconds: float = LISTEN) -> bytes:
    """What the first port of a device says by itself, for somebody who has enumerated it; it is left closed, as it was.

    Empty where there is no port.
    """
    if not cdc_functions(device.configuration):
        return b""
    port = CdcPort(device)
    try:
        port.open()
        said = _until_prompt(board, port, seconds)
        port.close()
        return said + port.read_available()
    except RenodePicoError:
        return b""  # it has left the bus


def _until_prompt(board: Board, port: CdcPort | None, seconds: float) -> bytes:
    said = bytearray()
    end = board.engine.now + seconds
    uart = board.engine.uart(0)
    try:
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
    return "\n".join(tracebacks(listen(board, seconds))) if may_complain(board) else ""


class Ear:
    """Hears a console by the way until its first prompt; `done` gets what was said until then."""

    def __init__(self, done: Callable[[bytes], None]) -> None:
        self._done = done
        self._said = bytearray()
        self._prompted = False

    def receive(self, data: bytes) -> None:
        """The board has said something."""
        if self._prompted:
            return
        self._said = (self._said + data)[-HEARD:]
        if PROMPT in self._said:
            self._prompted = True
            self._done(bytes(self._said))


def may_complain(board: Board) -> bool:
    """Whether MicroPython has something to run there."""
    has_files = board.config.flash_image is not None or board.config.flash_file is not None
    return has_files and bool(board.identity.micropython)
