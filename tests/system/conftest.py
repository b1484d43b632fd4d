"""What the system suites share: the probe, and a board that runs it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from acceptance import VERSION_SUITES
from renode_pico.board import Board
from renode_pico.firmware import image_folder
from renode_pico.micropython.repl import Repl
from renode_pico.pytest_plugin import engine_of, has_board
from tests.processes import run

APPS = Path(__file__).resolve().parents[2] / "firmware" / "apps"


EDITION = image_folder().name.removeprefix("micropython-") if image_folder().name.startswith("micropython-") else ""
"""Another MicroPython than the usual one: RENODE_PICO_FIRMWARE names the folder of its images."""
BOARD_ELSEWHERE = frozenset(("engine", "serve", "serve_module", "own_board"))
"""Fixtures of tests whose board is not the fixture's: a command's, a server's, one that the test makes itself."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note the engine of tests whose board is not in this process, for the matrix."""
    if BOARD_ELSEWHERE.intersection(getattr(item, "fixturenames", ())) and not has_board(item):
        item.user_properties.append(("engine", engine_of(item.config)))
    if any(item.path.match(f"tests/system/{suite}") for suite in VERSION_SUITES) and has_board(item):
        kept = [found for found in item.user_properties if found[0] != "row" or not str(found[1]).startswith("R8.")]
        # what another version proves it does not prove of the usual one
        item.user_properties = [found for found in kept if not EDITION or found[0] != "row"]
        item.user_properties.append(("row", "R8.second-version" if EDITION else "R8.first-version"))
    if EDITION and not image_folder().is_dir():
        pytest.skip(f"MicroPython {EDITION} is not built: firmware/build.py --edition {EDITION}")


@pytest.fixture
def own_board() -> None:
    """For tests that make their boards themselves: `pytest.mark.usefixtures("own_board")` notes the engine."""


@pytest.fixture
def console(pico: Board) -> Repl:
    """The REPL on UART0, so that USB is left to what is being tested."""
    return pico.uart_repl()


def app(name: str) -> str:
    """The text of a device-side program."""
    return (APPS / name).read_text()


def compiled(name: str) -> bytes:
    """A device-side program as bytecode, by the mpy-cross of the firmware's own build.

    The board could compile it as well; on the embedded engine that takes five million instructions, at every test.
    """
    cross = next((APPS.parent / "build").glob("obj/*/mpy-cross/mpy-cross"), None)
    if cross is None:
        return (APPS / name).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.mpy"
        assert run([cross, "-o", output, "-s", name, APPS / name]).returncode == 0
        return output.read_bytes()


def module(name: str) -> dict[str, bytes]:
    """A device-side module as a file for the board's flash."""
    content = compiled(name)
    return {name.replace(".py", ".mpy") if content[:1] == b"M" else name: content}


PROBE = module("probe.py")
