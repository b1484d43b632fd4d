"""What is verified: something with a host, which can be powered on anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from renode_pico.board import Board
from renode_pico.engine.protocol import Uart
from renode_pico.errors import FirmwareError
from renode_pico.verify.link import HostLink, Link


class Target(Protocol):
    """The device under test."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def engine(self) -> str:
        """What it runs on, with its version."""

    @property
    def link(self) -> Link:
        """The host's end."""

    @property
    def wake(self) -> Callable[[], None] | None:
        """Makes the device want to wake the host; None where nothing does."""

    def restart(self, *, plugged: bool) -> None:
        """Power it on anew, with its cable in or out. Raises NotApplicable where nobody can."""

    def last_words(self) -> str:
        """What it has said on its console since the last call."""


class BoardTarget:
    """An emulated board. `link`: its host."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.link = HostLink(board.host)
        self._uart: Uart = board.engine.uart(0)
        self.wake: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        """The firmware's file."""
        return self._board.firmware.name

    @property
    def engine(self) -> str:
        """The engine and its version."""
        return f"{self._board.engine.name} ({self._board.engine.version})"

    def restart(self, *, plugged: bool) -> None:
        """Power off and on."""
        host = self._board.host
        cable = host.plug if plugged else host.unplug
        with suppress(FirmwareError):  # a chip that has panicked may say so once more
            cable()
        self._board.power_cycle()
        if host.plugged is not plugged:
            cable()

    def last_words(self) -> str:
        """What UART0 has said."""
        return self._uart.read().decode(errors="replace").strip()
