"""A board as pexpect sees a program: what its consoles say is expected, in emulated time."""

from __future__ import annotations

from typing import Any

import pexpect
from pexpect.spawnbase import SpawnBase

from renode_pico.board import Board
from renode_pico.bridge.exported import ExportedDevice
from renode_pico.run.consoles import Consoles
from renode_pico.usb.device import enumerate_device

SLICE = 0.005
"""Emulated seconds between two looks at the consoles."""


class BoardSpawn(SpawnBase):  # type: ignore[misc]
    """Expect what a board says on UART 0 and on the CDC-ACM ports of its device.

    `timeout` of `expect` and its kin: emulated seconds, which pass only while something is expected; a busy machine
    changes nothing. Raises FirmwareError when the firmware dies meanwhile.
    """

    def __init__(self, board: Board, timeout: float = 30.0) -> None:
        super().__init__(timeout=timeout)
        self.board = board
        self.consoles = Consoles(board.engine, uarts=(0,))
        self._device = ExportedDevice(
            board.host, enumerate_=lambda host: enumerate_device(host, timeout=1.0), report=lambda line: None
        )
        self._device.follow(self.consoles)
        self._deadline = 0.0
        self.child_fd = -1
        self.closed = False
        board.host.plug()

    def expect_list(self, pattern_list: Any, timeout: float = -1, searchwindowsize: int = -1, *more: Any) -> int:
        """As pexpect's, with the time-out in emulated seconds."""
        self._set_deadline(timeout)
        return int(super().expect_list(pattern_list, None, searchwindowsize, *more))

    def expect_exact(self, pattern_list: Any, timeout: float = -1, searchwindowsize: int = -1, *more: Any) -> int:
        """As pexpect's, with the time-out in emulated seconds."""
        self._set_deadline(timeout)
        return int(super().expect_exact(pattern_list, None, searchwindowsize, *more))

    def _set_deadline(self, timeout: float | None) -> None:
        wanted = self.timeout if timeout == -1 else timeout
        self._deadline = float("inf") if wanted is None else self.board.engine.now + wanted

    def read_nonblocking(self, size: int = 1, timeout: float | None = None) -> bytes:
        """Let the board run until it says something or the deadline has come; called by pexpect."""
        engine = self.board.engine
        while True:
            said = b"".join(console.take() for console in self.consoles)
            if said:
                self._log(said, "read")
                return said
            left = self._deadline - engine.now
            if left <= 0:
                raise pexpect.TIMEOUT(f"at {engine.now:.3f} emulated seconds")
            engine.run(min(SLICE, left))
            self._device.check()

    def send(self, data: str | bytes) -> int:
        """Type to the first CDC-ACM port, or to UART 0 where there is none; the bytes taken."""
        typed = data.encode() if isinstance(data, str) else data
        console = self.consoles.typed_to("auto")
        assert console is not None
        self._log(typed, "send")
        console.send(typed)
        return len(typed)

    def sendline(self, line: str | bytes = b"") -> int:
        """Type a line, ended as a terminal ends it."""
        return self.send((line.encode() if isinstance(line, str) else line) + b"\r")

    @property
    def buffer_debug_str(self) -> str:
        """What has been said and not been expected, shortened; pytest-embedded puts it into its errors."""
        return repr(self.buffer[-200:])

    def close(self) -> None:
        """The board is closed by its owner."""
        self.closed = True

    def isalive(self) -> bool:
        """A board never ends by itself."""
        return not self.closed
