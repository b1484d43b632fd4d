"""A board run until something ends it: what is expected was seen, or what must not be, or time or program is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from renode_pico.board import Board
from renode_pico.bridge.exported import ExportedDevice
from renode_pico.errors import FirmwareError, ProgramEnded, RenodePicoError
from renode_pico.run.consoles import Console, Consoles
from renode_pico.run.keyboard import QUIT, Keyboard
from renode_pico.run.timetable import Timetable
from renode_pico.run.watch import Watcher
from renode_pico.usb.device import enumerate_device

SLICE = 0.01
"""Emulated seconds between two looks at consoles and keyboard."""
SILENCE = 1.0
"""Emulated seconds after which a console that says nothing is given what came through a pipe all the same."""
ATTACH_TIMEOUT = 1.0
AFTERGLOW = 0.05
"""Emulated seconds for which nothing is said before a program that has ended is over: a UART may still be sending."""
OTHER_CORE = 1.0
"""The same while core 1 runs on."""
LAG_LIMIT = 0.1
"""Emulated seconds by which a slow engine may trail real time before the rest is given up, not caught up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the exit code, why in one line, and the emulated time."""

    code: int
    reason: str
    at: float


class _TimeOver(RenodePicoError):
    """The time-out has come in the middle of what the host does, such as an enumeration."""


class Session:
    """Runs a board.

    `show` gets each console's name and what it has said; `note` gets lines about the board, for people.
    Raises UsageError for a button or a pin that the board does not have.
    `timeout`: emulated seconds until the run is over, None for no end. `speed`: emulated seconds in a real one, 0 for
    as fast as the engine can. `keys_to`: the console that is typed to, by name, or `auto`.
    """

    def __init__(
        self,
        board: Board,
        consoles: Consoles,
        *,
        watcher: Watcher,
        timetable: Timetable,
        show: Callable[[str, bytes], None],
        note: Callable[[str], None],
        keyboard: Keyboard,
        keys_to: str = "auto",
        timeout: float | None = None,
        speed: float = 0.0,
    ) -> None:
        timetable.check(board)
        self.board = board
        self.consoles = consoles
        self.watcher = watcher
        self.timetable = timetable
        self._show = show
        self._note = note
        self._keyboard = keyboard
        self._keys_to = keys_to
        self._typed = bytearray()
        self._spoken: set[str] = set()
        self._end = float("inf") if timeout is None else board.engine.now + timeout
        self._timeout = timeout
        self._meanwhile = board.host.meanwhile()
        self._speed = speed
        self._wall = time.monotonic()
        self._emulated = board.engine.now
        self._device = ExportedDevice(
            board.host, enumerate_=lambda host: enumerate_device(host, timeout=ATTACH_TIMEOUT), report=note
        )
        self._device.follow(consoles)
        self._looks_at_device = False

    def run(self) -> Outcome:
        """Run until something ends it."""
        with self._keyboard.open():
            try:
                self.timetable.begin(self.board)
                if self._timeout is not None:
                    self.board.engine.at(self._end, self._time_over)
                self.board.host.plug()
                while True:
                    ended = self._turn()
                    if ended is not None:
                        return ended
            except ProgramEnded as end:
                return self._over(end)
            except FirmwareError as error:
                self._listen()
                return self._outcome(1, str(error))
            except _TimeOver:
                self._listen()
                return self._judge() or self._timed_out()

    def _time_over(self) -> None:
        if self._looks_at_device:
            raise _TimeOver

    def _run_on(self) -> Outcome | None:
        """What the chip still says when main() is over: its UARTs send the rest, core 1 goes on."""
        engine = self.board.engine
        quiet_since = engine.now
        while True:
            until = min(engine.now + SLICE, self._end)
            other_core = engine.run_on(max(until - engine.now, 1e-9))
            if self._listen():
                quiet_since = engine.now
            if self._type():
                return self._outcome(1 if self.watcher.missing else 0, "ended by Ctrl-]")
            ended = self._judge()
            if ended is not None:
                return ended
            waits = other_core and self.watcher.missing
            if not waits and engine.now - quiet_since >= (OTHER_CORE if other_core else AFTERGLOW):
                return None

    def _turn(self) -> Outcome | None:
        engine = self.board.engine
        until = min(engine.now + SLICE, self._end)
        engine.run(max(until - engine.now, 1e-9))
        self._looks_at_device = True
        self._device.check()
        self._looks_at_device = False
        self._listen()
        if self._type():
            return self._outcome(1 if self.watcher.missing else 0, "ended by Ctrl-]")
        return self._judge()

    def _listen(self) -> bool:
        """Take what the consoles have said; whether that was anything."""
        now = self.board.engine.now
        heard = False
        for console in self.consoles:
            data = console.take()
            if data:
                heard = True
                self._spoken.add(console.name)
                self._show(console.name, data)
            self.watcher.feed(console.name, data, now)
        return heard

    def _judge(self) -> Outcome | None:
        watcher = self.watcher
        if watcher.failed is not None:
            seen = watcher.failed
            return self._outcome(1, f"{seen.pattern} seen on {seen.console}: {seen.line}")
        if watcher.seen and not watcher.missing:
            return self._outcome(0, f"{watcher.seen[-1].pattern} seen on {watcher.seen[-1].console}")
        if self.board.engine.now >= self._end - 5e-10:
            return self._timed_out()
        return None

    def _timed_out(self) -> Outcome:
        over = f"time-out after {self._timeout:g} s{self._unseen()}{self._meanwhile}"
        return self._outcome(1 if self.watcher.missing else 0, over)

    def _over(self, end: ProgramEnded) -> Outcome:
        self._listen()
        try:
            found = self._judge() or (None if end.for_good else self._run_on())
        except FirmwareError as error:  # core 1's end
            self._listen()
            return self._outcome(1, f"{end}; then {error}")
        watcher = self.watcher
        passed = watcher.seen and not watcher.missing and end.status == 0
        if found is not None and (watcher.failed is not None or passed):
            return found
        return self._outcome(1 if end.status or self.watcher.missing else 0, f"{end}{self._unseen()}")

    def _unseen(self) -> str:
        return f"; not seen: {', '.join(map(str, self.watcher.missing))}" if self.watcher.missing else ""

    def _outcome(self, code: int, reason: str) -> Outcome:
        return Outcome(code, reason, self.board.engine.now)

    # The keyboard

    def _type(self) -> bool:
        """Pass on what is typed; True when that is Ctrl-] on a terminal."""
        keys = self._keyboard.take(self._ahead())
        if self._keyboard.is_terminal and QUIT in keys:
            return True
        self._typed += keys if self._keyboard.is_terminal else keys.replace(b"\n", b"\r")  # what the Enter key sends
        console = self.consoles.typed_to(self._keys_to)
        if self._typed and console is not None and self._listens(console):
            console.send(bytes(self._typed))
            self._typed.clear()
        return False

    def _listens(self, console: Console) -> bool:
        """Whether it makes sense to send: a person sees that; a pipe waits until the board has begun to speak."""
        if self._keyboard.is_terminal or console.name in self._spoken:
            return True
        return self.board.engine.now > SILENCE

    def _ahead(self) -> float:
        """The real seconds by which the board is ahead of its pace."""
        if not self._speed:
            return 0.0
        wall, emulated = time.monotonic() - self._wall, self.board.engine.now - self._emulated
        ahead = emulated / self._speed - wall
        if ahead < -LAG_LIMIT:
            self._wall, self._emulated = time.monotonic(), self.board.engine.now
        return max(0.0, ahead)
