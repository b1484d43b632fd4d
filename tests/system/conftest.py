"""What the system suites share: the probe, and a board that runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.micropython.repl import Repl

APPS = Path(__file__).resolve().parents[2] / "firmware" / "apps"


@pytest.fixture
def console(pico: Board) -> Repl:
    """The REPL on UART0, so that USB is left to what is being tested."""
    return pico.uart_repl()


def app(name: str) -> str:
    """The text of a device-side program."""
    return (APPS / name).read_text()


PROBE = {"probe.py": app("probe.py")}
