"""What the suites of pyb.USB_VCP share: boards whose boot.py makes the ports, programs that something happens to.

The console is UART0 and there is no built-in USB function, so that the ports are all the host sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from renode_pico.board import Board
from renode_pico.micropython.repl import Repl
from renode_pico.usb.cdc import CdcPort, cdc_ports

BOOT = "import pyb\npyb.usb_mode('2xVCP')\n"
PRELUDE = "import hashlib, pyb, time\nv = pyb.USB_VCP()\nw = pyb.USB_VCP(1)\n"
WITHOUT_C = "import sys\nsys.modules['_usb_vcp'] = None\n"
"""Makes pyb run as on a stock MicroPython image."""

OPENED = 0.02
"""Emulated seconds in which a port that the host has opened is connected for the program (8 ms, and the call)."""

both_pumps = pytest.mark.parametrize(
    "pump",
    [
        pytest.param("c", marks=pytest.mark.pico(firmware="uart", files={"boot.py": BOOT})),
        pytest.param("python", marks=pytest.mark.pico(firmware="uart", files={"boot.py": WITHOUT_C + BOOT})),
    ],
)
"""The test runs with the C module and as on a stock image."""

c_pump = pytest.mark.pico(firmware="uart", files={"boot.py": BOOT})


class Vcp:
    """A board with two USB_VCP ports: `v` and `w` for its programs, `port(0)` and `port(1)` for the host."""

    def __init__(self, pico: Board) -> None:
        self.pico = pico
        self.console: Repl = pico.uart_repl()
        self.ports = cdc_ports(pico.device)
        self.console.exec(PRELUDE)

    def port(self, index: int = 0) -> CdcPort:
        """The host's end, open."""
        port = self.ports[index]
        if not port.is_open:
            port.open()
            self.run(OPENED)
        return port

    def run(self, seconds: float) -> None:
        self.pico.engine.run(seconds)

    def exec(self, code: str) -> str:
        return self.console.exec(code).decode().replace("\r\n", "\n")

    def eval(self, expression: str) -> Any:
        return self.console.eval(expression)

    def digest(self, expression: str) -> tuple[int, bytes]:
        """`digest` of what an expression gives; 8,000 bytes take the console 2 s and as many interrupts to show."""
        length, sha256 = self.eval(f"(lambda data: (len(data), hashlib.sha256(data).digest()))({expression})")
        return length, sha256

    def meanwhile(self, code: str, action: Callable[[], object], timeout: float = 120.0) -> str:
        """Run code, and `action` when it prints the first time; what it printed. timeout: emulated seconds."""
        actions = [action]

        def first_output(_: bytes) -> None:
            if actions:
                actions.pop()()

        return self.console.exec(code, timeout=timeout, on_output=first_output).decode().replace("\r\n", "\n")

    def enumerate(self) -> None:
        """Look at the device again: it has been reset."""
        self.pico.enumerate()
        self.ports = cdc_ports(self.pico.device)


@pytest.fixture
def vcp(pico: Board) -> Vcp:
    """The board, enumerated."""
    return Vcp(pico)


def digest(data: bytes) -> tuple[int, bytes]:
    """Length and SHA-256, which stand for much data."""
    return len(data), hashlib.sha256(data).digest()


def pattern(length: int, seed: int = 0) -> bytes:
    """All byte values, without a period that a lost or doubled packet could hide behind."""
    return bytes((i * 7 + (i >> 8) * 13 + seed) & 0xFF for i in range(length))
