"""A connection to a client: bytes in, bytes out, never waiting for it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from renode_pico.bridge.loop import READ, WRITE, Loop

CHUNK = 65536
"""Bytes taken from one client in one pass, so that none keeps the others waiting."""
BACKLOG = 1 << 20
"""Bytes written to a client that it has not taken, beyond which nothing more is read from it."""


class Channel:
    """A stream socket on the loop. `on_data` gets what arrives; `on_close` is called once, whoever ends it."""

    def __init__(
        self, loop: Loop, sock: socket.socket, on_data: Callable[[bytes], None], on_close: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._on_data = on_data
        self._on_close = on_close
        self._out = bytearray()
        self._held = False
        self._ending = False
        self.closed = False
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        loop.watch(sock, READ, self._ready)

    @property
    def backlog(self) -> int:
        """Bytes that the client has not taken yet."""
        return len(self._out)

    def write(self, data: bytes) -> None:
        """Queue bytes; they leave when the client takes them. Safe inside the engine's callbacks."""
        if self.closed or self._ending:
            return
        self._out += data
        self._loop.nudge()

    def hold(self, held: bool) -> None:
        """Read nothing from the client (True) or go on reading."""
        if self._held != held:
            self._held = held
            self._watch()

    def flush(self) -> None:
        """Write what the client takes now."""
        if self.closed:
            return
        try:
            while self._out:
                sent = self._sock.send(memoryview(self._out)[:CHUNK])
                del self._out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._ending and not self._out:
            self.close()
        else:
            self._watch()

    def end(self) -> None:
        """Close when everything written has been taken; nothing more is read."""
        self._ending = True
        self.flush()

    def close(self) -> None:
        """Close now."""
        if self.closed:
            return
        self.closed = True
        self._loop.forget(self._sock)
        self._sock.close()
        self._out.clear()
        self._on_close()

    def _watch(self) -> None:
        if self.closed:
            return
        reads = not self._held and not self._ending and len(self._out) < BACKLOG
        self._loop.change(self._sock, (READ if reads else 0) | (WRITE if self._out else 0), self._ready)

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self.flush()
        if events & READ and not self.closed:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._loop.hurry()
        self._on_data(data)


def listen(address: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(16)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def accept(listener: socket.socket) -> socket.socket | None:
    """Take a waiting connection; None when it has gone again or the process has no descriptors left."""
    try:
        return listener.accept()[0]
    except OSError:
        return None
