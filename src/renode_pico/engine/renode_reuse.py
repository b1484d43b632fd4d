"""The emulation that boards of a kind take over from each other, in a process that has one after the other.

To make a machine costs 0.2 s of a core, and MicroPython's code has to be translated anew for it. The second board of a
kind has its emulation kept in memory (renode/host/EmulationMemento.cs) as it is before it runs. When such a board is
closed its emulation stays, and the next of its kind begins there: same objects, contents as they were.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import Any


class EmulationReuse:
    """Whose the emulation is, and how it was before that board ran."""

    def __init__(self) -> None:
        self._owner: weakref.ref[Any] | None = None
        self._made: set[Hashable] = set()
        self._kind: Hashable = None
        self._beginning: Any = None
        self._free = False

    def owned_by(self, board: object) -> bool:
        """Whether the emulation is this board's: no other one has begun since."""
        return self._owner is not None and self._owner() is board

    def take(self, board: object, kind: Hashable) -> bool:
        """The emulation is this board's from now on; whether it is of that kind, at its beginning. None: of no kind."""
        self._owner = weakref.ref(board)
        free, self._free = self._free, False
        if free and kind is not None and kind == self._kind and self._beginning.Restore():
            return True
        self._kind = self._beginning = None
        return False

    def made(self, kind: Hashable) -> None:
        """An emulation of that kind was made and has not run yet; how it is is kept from the second on."""
        if kind is not None and kind in self._made:
            from Antmicro.Renode.UsbHosts import EmulationMemento

            self._kind, self._beginning = kind, EmulationMemento()
        self._made.add(kind)

    def touched(self) -> None:
        """Somebody does something to the emulation: while no board is there, none takes it over any more."""
        self._free = False

    def leave(self) -> bool:
        """Its board is closed, and nothing hangs on the emulation; whether it is kept for the next one."""
        self._free = self._beginning is not None
        return self._free
