"""MicroPython's REPL as a program uses it: raw mode, with raw-paste's flow control where the firmware has it.

The protocol is described in MicroPython's reference, "The MicroPython Interactive Interpreter Mode".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from renode_pico.errors import FirmwareError, ScriptError, Timeout, UsageError
from renode_pico.micropython.literal import parse_literal
from renode_pico.micropython.stream import Stream

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
PROMPT = b">>> "
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
REBOOT = b"soft reboot\r\n"
PASTE_SUPPORTED, PASTE_REFUSED = b"R\x01", b"R\x00"

BOOT_TIME = 2.0
"""Emulated seconds a board is given to come to its prompt by itself before a running program is interrupted."""
ANSWER_TIME = 5.0
"""Emulated seconds in which a REPL must react to a control character."""
PLAIN_CHUNK = 256
"""Bytes sent at once to a firmware without raw-paste mode, which has no flow control of its own."""


class Repl:
    """A REPL on any stream. Times are emulated seconds."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._received = bytearray()
        self._raw = False
        self._settled = False
        self._paste = True
        self._meanwhile = stream.meanwhile()

    def exec(
        self, code: str | bytes, *, timeout: float = 30.0, on_output: Callable[[bytes], None] | None = None
    ) -> bytes:
        """Run code and return what it printed; `on_output` gets the same bytes as they come.

        What the board has printed by itself since the last program, e.g. from a timer's callback, comes first.

        Raises ScriptError with the device's traceback; Timeout when it is not done in time (it is interrupted by the
        next call); Disconnected when the port goes away; FirmwareError when the REPL does not answer as one.
        """
        by_itself, printed = self._run(code, timeout, on_output)
        return by_itself + printed

    def eval(self, expression: str, *, timeout: float = 30.0) -> Any:
        """Evaluate an expression on the board and return its value.

        Values made of numbers, strings, bytes, bytearrays, None, booleans, tuples, lists, dicts and sets come through.
        Raises UsageError for any other, and what `exec` raises.
        """
        _, printed = self._run(f"print(repr({expression}))", timeout)
        text = printed.decode(errors="replace").strip()
        try:
            return parse_literal(text)
        except ValueError as error:
            raise UsageError(f"{expression}: its value cannot be taken over from the board: {text}") from error

    def interrupt(self) -> None:
        """Type Ctrl-C: KeyboardInterrupt in whatever runs."""
        self._raw = False
        self.stream.write(CTRL_C)

    def soft_reset(self, *, timeout: float = 10.0) -> None:
        """Soft reset as Ctrl-D does it at the prompt: boot.py runs, then main.py; returns when it has begun.

        Raises Disconnected when the port goes away with it, as it does when a runtime USB device was active.
        """
        self.exit_raw()
        self._meanwhile = self.stream.meanwhile()
        self.stream.write(CTRL_D)
        self._until(REBOOT, self.stream.now + timeout, "the soft reboot")
        self._settled = False

    def enter_raw(self, timeout: float = ANSWER_TIME) -> None:
        """Interrupt what runs and go to raw mode; does nothing when it is known to be there.

        The first time, and after a reset, the board gets 2 s to finish its boot by itself: a Ctrl-C in the middle of
        it would leave it without file system.
        """
        if self._raw:
            return
        self._meanwhile = self.stream.meanwhile()
        if not self._settled:
            self._settle()
        self._received.clear()
        self.stream.write(b"\r" + CTRL_C + CTRL_C)
        self.stream.write(b"\r" + CTRL_A)
        self._until(RAW_BANNER, self.stream.now + timeout, "the raw REPL")
        self._raw = True

    def exit_raw(self) -> None:
        """Interrupt what runs and go to the friendly prompt."""
        self.enter_raw()
        self.stream.write(CTRL_B)
        self._raw = False
        self._until(PROMPT, self.stream.now + ANSWER_TIME, "the prompt")

    def _settle(self) -> None:
        self.stream.write(b"\r" + CTRL_B)  # A prompt answers with a prompt, a raw REPL by becoming one.
        with suppress(Timeout):  # Then a program is running, which is interrupted next.
            self._until(PROMPT, self.stream.now + BOOT_TIME, "the prompt")
        self._settled = True

    def _run(
        self, code: str | bytes, timeout: float, on_output: Callable[[bytes], None] | None = None
    ) -> tuple[bytes, bytes]:
        """Run code; returns what the board had printed by itself before, and what the code printed."""
        self.enter_raw(ANSWER_TIME)
        deadline = self.stream.now + timeout
        self._meanwhile = self.stream.meanwhile()
        self._raw = False
        by_itself = self._send_code(code.encode() if isinstance(code, str) else bytes(code), deadline)
        if by_itself and on_output is not None:
            on_output(by_itself)
        output = self._until(CTRL_D, deadline, f"the end of the program, given {timeout:g} s,", on_output)
        errors = self._until(CTRL_D, deadline, "the program's traceback")
        self._until(b">", deadline, "the raw prompt")
        self._raw = True
        if errors:
            text = errors.decode(errors="replace").replace("\r\n", "\n")
            raise ScriptError(f"the program on the board failed: {text.strip().splitlines()[-1]}", text)
        return by_itself, output

    def _send_code(self, code: bytes, deadline: float) -> bytes:
        """Send a program; returns what came before the board answered to it."""
        by_itself = b""
        if self._paste:
            self.stream.write(CTRL_E + b"A" + CTRL_A)
            by_itself, answer = self._paste_answer(deadline)
            if answer == PASTE_SUPPORTED:
                self._send_pasted(code, deadline)
                return by_itself
            self._paste = False  # Firmware that has never heard of it starts raw mode anew.
        for at in range(0, len(code), PLAIN_CHUNK):
            self.stream.write(code[at : at + PLAIN_CHUNK])
        self.stream.write(CTRL_D)
        answer = self._take(2, deadline, "OK")
        if answer != b"OK":
            raise FirmwareError(f"the raw REPL answered {answer!r} instead of OK (at {self.stream.now:.6f} s)")
        return by_itself

    def _paste_answer(self, deadline: float) -> tuple[bytes, bytes]:
        """Take the answer to raw-paste mode; returns what came before it, too."""
        while True:
            for answer in (PASTE_SUPPORTED, PASTE_REFUSED, RAW_BANNER):
                before, found, after = self._received.partition(answer)
                if found:
                    self._received = after
                    return bytes(before), answer
            try:
                self._receive(deadline, "the answer to raw-paste mode", b"")
            except Timeout:
                if not self._received:
                    raise
                raise FirmwareError(
                    f"the raw REPL answered {bytes(self._received)!r} to raw-paste mode (at {self.stream.now:.6f} s)"
                ) from None

    def _send_pasted(self, code: bytes, deadline: float) -> None:
        increment = int.from_bytes(self._take(2, deadline, "the raw-paste window"), "little")
        window = increment
        sent = 0
        while sent < len(code):
            while window == 0 or self._received:
                control = self._take(1, deadline, "room in the raw-paste window")
                if control == CTRL_A:
                    window += increment
                elif control == CTRL_D:
                    self.stream.write(CTRL_D)
                    return
                else:
                    raise FirmwareError(f"{control!r} in raw-paste mode (at {self.stream.now:.6f} s)")
            chunk = code[sent : sent + window]
            self.stream.write(chunk)
            sent += len(chunk)
            window -= len(chunk)
        self.stream.write(CTRL_D)
        while self._take(1, deadline, "the end of raw-paste mode") != CTRL_D:
            pass

    def _until(
        self, marker: bytes, deadline: float, what: str, on_output: Callable[[bytes], None] | None = None
    ) -> bytes:
        """Take everything before `marker`, and the marker away."""
        taken = bytearray()
        while True:
            end = self._received.find(marker)
            keep = end if end >= 0 else max(0, len(self._received) - len(marker) + 1)
            if keep:
                piece = bytes(self._received[:keep])
                del self._received[:keep]
                taken += piece
                if on_output is not None:
                    on_output(piece)
            if end >= 0:
                del self._received[: len(marker)]
                return bytes(taken)
            # Whoever wants the output as it comes gets it piece by piece; else one wait is enough.
            self._receive(deadline, what, taken, marker[-1:] if on_output is None else b"")

    def _take(self, count: int, deadline: float, what: str) -> bytes:
        while len(self._received) < count:
            self._receive(deadline, what, self._received)
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _receive(self, deadline: float, what: str, so_far: bytes | bytearray, until: bytes = b"") -> None:
        left = deadline - self.stream.now
        try:
            if left <= 0:
                raise Timeout("the deadline has passed")
            self._received += self.stream.read(left, until)
        except Timeout:
            self._raw = False
            tail = bytes(so_far[-100:] + self._received)
            raise Timeout(
                f"REPL: waited for {what} until {self.stream.now:.6f} s (emulated); the last that came is {tail!r}"
                f"{self._meanwhile}"
            ) from None
