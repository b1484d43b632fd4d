"""Signals and the terminal are the program's own again after .NET has started; a few lines of C stand in for it."""

from __future__ import annotations

import os
import pty
import signal
import sys
import termios
import threading
from pathlib import Path

import pytest

from renode_pico.engine import dotnet_manners
from renode_pico.engine.dotnet_manners import KEYPAD_LOCAL, own_interrupts, own_terminal
from tests.processes import run

APPLICATION_MODE = b"\x1b[?1h\x1b="

PROGRAM = """
import ctypes, os, signal, time
from renode_pico.cli.app import interrupt
from renode_pico.engine.dotnet_manners import own_interrupts

signal.signal(signal.SIGTERM, interrupt)
libc = ctypes.CDLL(None)
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
{with_}:
    libc.signal(signal.SIGTERM, ctypes.cast(libc.abort, ctypes.c_void_p))  # as .NET ends: by abort
    if {early}:
        os.kill(os.getpid(), signal.SIGTERM)
try:
    if not {early}:
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
except KeyboardInterrupt:
    raise SystemExit(130)
"""


def ended(with_: str, early: bool) -> int:
    text = PROGRAM.format(with_=with_, early=early)
    if early:  # it comes through where the block ends
        text = (
            "try:\n" + "\n".join("  " + line for line in text.splitlines()) + "\nexcept KeyboardInterrupt:\n  exit(130)"
        )
    return run([sys.executable, "-c", text]).returncode


def test_the_stand_in_does_what_net_does() -> None:
    assert ended("if True", early=False) == -signal.SIGABRT


@pytest.mark.parametrize("early", [False, True])
def test_sigterm_ends_the_program_as_ctrl_c_does_whatever_net_has_set(early: bool) -> None:
    assert ended("with own_interrupts()", early=early) == 130


def test_handlers_and_mask_are_what_they_were() -> None:
    before = [signal.getsignal(number) for number in dotnet_manners.SIGNALS]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with own_interrupts():
        assert set(dotnet_manners.SIGNALS) <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert [signal.getsignal(number) for number in dotnet_manners.SIGNALS] == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_another_thread_leaves_signals_alone() -> None:
    seen: list[set[signal.Signals | int]] = []

    def body() -> None:
        with own_interrupts():
            seen.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, [])))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(30)
    assert seen
    assert not seen[0] & set(dotnet_manners.SIGNALS)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """A pseudo-terminal that is this process's: what a person sees, and what the program writes to."""
    seen, own = pty.openpty()
    monkeypatch.setattr(dotnet_manners, "_terminal", lambda: own)
    return seen, own


def test_the_terminal_leaves_application_mode(terminal: tuple[int, int]) -> None:
    seen, own = terminal
    before = termios.tcgetattr(own)
    with own_terminal(dotnet=True):
        os.write(own, APPLICATION_MODE)
        changed = termios.tcgetattr(own)
        changed[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(own, termios.TCSANOW, changed)
    os.write(own, b"$")
    written = b""
    while not written.endswith(b"$"):
        written += os.read(seen, 100)
    assert written == APPLICATION_MODE + KEYPAD_LOCAL + b"$"
    assert termios.tcgetattr(own) == before


def test_on_mono_nothing_is_written(terminal: tuple[int, int]) -> None:
    seen, own = terminal
    with own_terminal(dotnet=False):
        pass
    os.write(own, b"x")
    assert os.read(seen, 100) == b"x"


def test_without_a_terminal_nothing_is_written(tmp_path: Path) -> None:
    program = "from renode_pico.engine.dotnet_manners import own_terminal\nwith own_terminal(dotnet=True): pass"
    done = run([sys.executable, "-c", program])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
