"""A pseudo-terminal for a serial line: what a program opens instead of /dev/ttyACM0."""

from __future__ import annotations

import errno
import os
import select
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from renode_pico.bridge.loop import READ, WRITE, Loop
from renode_pico.bridge.serial_link import MakeLine, SerialLine, SerialLink
from renode_pico.usb.cdc import LineCoding
from renode_pico.usb.device import Device

BACKLOG = 65536
"""Bytes kept for a program that does not read; then the device is held off."""
CHUNK = 4096
LOOK_EVERY = 0.002
"""Real seconds between two looks at who has the terminal open; what is written to it is seen at once."""
CANNOT = "no control lines, no parity: rfc2217 has them"
"""What Linux's pseudo-terminals do not have: TIOCMGET and TIOCMSET end with ENOTTY, PARENB and CS7 are ignored."""

BAUD_RATES = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name.startswith("B") and name[1:].isdigit()
}


class PtyPort:
    """Opens a pseudo-terminal; `path` is the end for programs. `link`: a symbolic link to it, removed again at the end.
    It stands on the CDC-ACM function `index`, or on what `make_line` makes; `name` is what people call that.

    A program that opens the terminal raises DTR and RTS, the last one to close it drops them, as with Linux's own
    driver. When the device leaves the bus, programs that have the terminal open see it hang up, as they do there, and
    a new one takes its place. Raises OSError when there is no terminal to be had or `link` exists and is not a link.
    """

    def __init__(
        self,
        loop: Loop,
        index: int = 0,
        *,
        link: Path | None = None,
        make_line: MakeLine | None = None,
        name: str = "",
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.name = name or f"CDC port {index}"
        self.serial: SerialLine = (
            make_line(self._from_device) if make_line is not None else SerialLink(loop, index, self._from_device)
        )
        self.path = ""
        self._loop = loop
        self._report = report
        self._link = link
        self._out = bytearray()
        self._look_at = 0.0
        self._watched = 0
        self._open()
        loop.hooks.append(self.look)

    def _open(self) -> None:
        before = self.path
        self._master, slave = os.openpty()
        try:
            self.path = os.ttyname(slave)
            tty.setraw(slave)
            if self._link is not None and self._link.is_symlink():
                self._link.unlink()
            if self._link is not None:
                self._link.symlink_to(self.path)
        except OSError:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        if before != self.path:
            self._report(f"pty      {self.path} is {self.name} ({CANNOT})")

    def found(self, device: Device) -> None:
        """A device has come: connect to its line."""
        self.serial.found(device)

    def lost(self) -> None:
        """The device has gone: hang up on the programs that have the terminal open."""
        self.serial.lost()
        if self.in_use:
            self._shut()
            self._open()

    def _shut(self) -> None:
        self._watch(0)
        os.close(self._master)
        self._out.clear()
        self.serial.close()

    @property
    def in_use(self) -> bool:
        """A program has the terminal open."""
        return self.serial.is_open

    def close(self) -> None:
        """Take the terminal away; programs that have it open see a hang-up."""
        self._shut()
        self._loop.hooks.remove(self.look)
        if self._link is not None:
            with suppress(FileNotFoundError):
                self._link.unlink()

    def look(self) -> None:
        """Pass on what is waiting; now and then see whether a program has opened or closed it, or set it otherwise."""
        if self._out:
            self._write()
        now = self._loop.wall()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            self._look_at_users()
        if self.serial.is_open:
            self._watch((READ if self.serial.room else 0) | (WRITE if self._out else 0))

    def _look_at_users(self) -> None:
        events = sum(found for _, found in self._poll.poll(0))
        hung_up = bool(events & select.POLLHUP)
        if hung_up and not self.serial.is_open and not events & select.POLLIN:
            return
        self.serial.set_coding(self._coding())
        self.serial.open()
        if hung_up:
            self._read()
            self._watch(0)
            self._out.clear()
            self.serial.close()

    def _watch(self, events: int) -> None:
        if events != self._watched:
            self._watched = events
            self._loop.change(self._master, events, self._ready)

    def _ready(self, events: int) -> None:
        if events & READ:
            self._loop.hurry()
            self.serial.set_coding(self._coding())
            self._read()
        if events & WRITE:
            self._write()

    def _read(self) -> None:
        """Take what programs have written. A terminal whose last user has gone gives the rest, then EIO."""
        while room := min(CHUNK, self.serial.room):
            try:
                data = os.read(self._master, room)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EIO):
                    raise
                if error.errno == errno.EIO:
                    self._look_at = 0.0
                return
            if not data:
                return
            self.serial.send(data)

    def _from_device(self, data: bytes) -> None:
        self._out += data
        self.serial.accept(len(self._out) < BACKLOG)

    def _write(self) -> None:
        try:
            while self._out:
                sent = os.write(self._master, memoryview(self._out)[:CHUNK])
                del self._out[:sent]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EIO):
                raise
        self.serial.accept(len(self._out) < BACKLOG)

    def _coding(self) -> LineCoding:
        """The terminal's settings as the device is told them; Linux holds a pseudo-terminal at 8 bits, no parity."""
        _, _, flags, _, _, speed, _ = termios.tcgetattr(self._master)
        return LineCoding(BAUD_RATES.get(speed) or 115200, stop_bits=2 if flags & termios.CSTOPB else 0)
