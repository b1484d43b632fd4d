"""What .NET does to a process that hosts it, undone: it takes over signals and the terminal as if both were its own.

.NET's runtime puts handlers of its own in the place of Python's for Ctrl-C, SIGQUIT and SIGTERM when it starts; that
for SIGTERM ends the process with an exception that nobody handles. Its console switches a terminal into application
mode (terminfo's keypad_xmit) and never back, so that arrow keys send other codes than the shell and the REPL expect.
Mono does neither.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
KEYPAD_LOCAL = b"\x1b[?1l\x1b>"
"""Cursor keys and keypad as they were: the end of what keypad_xmit, ESC[?1h ESC=, begins."""


@contextmanager
def own_interrupts() -> Iterator[None]:
    """Hold signals back while .NET starts, and set Python's handlers again before they are let through.

    In the middle of it, Ctrl-C would come out as a Renode that cannot be loaded. Threads that are started meanwhile
    never get these signals. Only in the main thread, as Python has it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # not set from Python, so not Python's to set again
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def own_terminal(dotnet: bool) -> Iterator[None]:
    """Put the terminal back into the mode it was in before .NET's console touched it."""
    descriptor = _terminal() if dotnet else None
    if descriptor is None:
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        yield
    finally:
        with suppress(OSError, termios.error):  # a terminal that is gone needs nothing
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
            os.write(descriptor, KEYPAD_LOCAL)


def _terminal() -> int | None:
    """The descriptor of this process's terminal, if it has one."""
    for stream in (sys.__stdout__, sys.__stdin__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            descriptor = stream.fileno()  # type: ignore[union-attr]
            if os.isatty(descriptor):
                return descriptor
    return None
