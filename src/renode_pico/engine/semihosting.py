"""Semihosting, on both engines: BKPT 0xAB with an operation in R0 and its arguments in R1.

Console and exit only ("Semihosting for AArch32 and AArch64", Arm, 3): a firmware under test has no business with the
files of the machine that tests it, so opening anything but `:tt` fails as on a host that has no such file.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from renode_pico.engine.embedded_backtrace import find_elf, symbol_values
from renode_pico.errors import ImageError, ProgramEnded
from renode_pico.firmware.images import load_image

SYS_OPEN, SYS_CLOSE, SYS_WRITEC, SYS_WRITE0, SYS_WRITE, SYS_READ, SYS_READC = 1, 2, 3, 4, 5, 6, 7
SYS_ISERROR, SYS_ISTTY, SYS_FLEN, SYS_CLOCK, SYS_TIME, SYS_ERRNO = 0x08, 0x09, 0x0C, 0x10, 0x11, 0x13
SYS_EXIT, SYS_EXIT_EXTENDED = 0x18, 0x20
ADP_STOPPED_APPLICATION_EXIT = 0x20026
ENOENT = 2
FAILED = 0xFFFF_FFFF
STDOUT, STDERR, STDIN = 1, 2, 3
"""Handles; the first two may be written to without being opened, as the pico-sdk does."""
MOST_TEXT = 1 << 16
"""A text without an end is cut here."""


SYMBOLS = frozenset(("stdio_semihosting", "initialise_monitor_handles", "__sh_syscall"))
"""Of the pico-sdk's stdio, of newlib's rdimon, of Rust's cortex-m-semihosting."""
CALL = re.compile(rb"[\x01-\x20]\x20\xab\xbe|\xab\xbe\x70\x47", re.DOTALL)
"""`movs r0, #operation` and BKPT 0xAB; BKPT 0xAB and `bx lr`."""


class Semihosting:
    """What the firmware writes and what it is given to read; `exit_code` once it has ended.

    `read(address, length)` and `write(address, data)` reach its memory; `now` is emulated seconds since power-on.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], write: Callable[[int, bytes], bool], now: Callable[[], float]
    ) -> None:
        self._read_memory = read
        self._write_memory = write
        self._now = now
        self._output = bytearray()
        self._input: deque[int] = deque()
        self._errno = 0
        self.exit_code: int | None = None

    def read(self) -> bytes:
        """Everything it has written since the last call."""
        data = bytes(self._output)
        self._output.clear()
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes for SYS_READ and SYS_READC; without any they read nothing, as at the end of a file."""
        self._input.extend(data)

    def restart(self) -> None:
        """The chip has been reset: an exit is not for what runs now."""
        self.exit_code = None

    def ended(self, firmware: str, at: float) -> ProgramEnded | None:
        """Make the error for a program that has ended by a call. at: emulated seconds."""
        code = self.exit_code
        if code is None:
            return None
        return ProgramEnded(f"{firmware}: exit({code}) by semihosting (at {at:.6f} s)", code, for_good=True)

    def call(self, operation: int, argument: int) -> int:
        """Serve one call; the result for R0."""
        match operation:
            case _ if operation == SYS_WRITEC:
                self._output += self._read_memory(argument, 1)
            case _ if operation == SYS_WRITE0:
                self._output += self._text(argument)
            case _ if operation == SYS_WRITE:
                return self._write_file(argument)
            case _ if operation == SYS_READ:
                return self._read_file(argument)
            case _ if operation == SYS_READC:
                return self._input.popleft() if self._input else FAILED
            case _ if operation == SYS_OPEN:
                return self._open(argument)
            case _ if operation == SYS_CLOSE:
                return 0
            case _ if operation == SYS_ISERROR:
                return 1 if self._word(argument) >> 31 else 0
            case _ if operation == SYS_ISTTY:
                return 1
            case _ if operation == SYS_FLEN:
                return 0
            case _ if operation == SYS_CLOCK:
                return int(self._now() * 100)
            case _ if operation == SYS_TIME:
                return int(self._now())
            case _ if operation == SYS_ERRNO:
                return self._errno
            case _ if operation in (SYS_EXIT, SYS_EXIT_EXTENDED):
                self._exit(operation, argument)
            case _:
                return FAILED
        return 0

    def _word(self, address: int) -> int:
        return int.from_bytes(self._read_memory(address, 4), "little")

    def _text(self, address: int) -> bytes:
        text = bytearray()
        while len(text) < MOST_TEXT:
            piece = self._read_memory(address + len(text), 64)
            end = piece.find(0)
            if end >= 0 or not piece:
                return bytes(text + piece[: max(end, 0)])
            text += piece
        return bytes(text)

    def _open(self, block: int) -> int:
        name = self._read_memory(self._word(block), self._word(block + 8))
        if name != b":tt":
            self._errno = ENOENT
            return FAILED
        mode = self._word(block + 4)
        return STDIN if mode < 4 else STDOUT if mode < 8 else STDERR

    def _write_file(self, block: int) -> int:
        handle, address, length = (self._word(block + 4 * number) for number in range(3))
        if handle not in (STDOUT, STDERR):
            return length
        self._output += self._read_memory(address, min(length, MOST_TEXT))
        return 0

    def _read_file(self, block: int) -> int:
        _, address, length = (self._word(block + 4 * number) for number in range(3))
        data = bytes(self._input.popleft() for _ in range(min(length, len(self._input))))
        self._write_memory(address, data)
        return length - len(data)

    def _exit(self, operation: int, argument: int) -> None:
        if operation == SYS_EXIT_EXTENDED:
            reason, code = self._word(argument), self._word(argument + 4)
        else:
            reason, code = argument, 0
        self.exit_code = code if reason == ADP_STOPPED_APPLICATION_EXIT else code or 1


def has_semihosting(firmware: Path) -> bool:
    """Whether an image makes such calls: by the symbols of its ELF file, else by the code of the usual libraries."""
    elf = find_elf(firmware)
    if elf is not None:
        with suppress(Exception):  # a broken ELF file beside the image
            if SYMBOLS & symbol_values(elf).keys():
                return True
    try:
        segments = load_image(firmware).segments
    except ImageError:
        return False
    return any(CALL.search(segment.data) for segment in segments)
