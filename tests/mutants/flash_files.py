"""A pytest plugin: `--flash-file NAME=PATH` puts a MicroPython module into the flash of every board.

There it takes the place of the firmware's frozen or built-in module of that name, so that device-side Python can be
changed without building the firmware anew.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from renode_pico import pytest_plugin
from tests.processes import run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--flash-file", action="append", default=[], metavar="NAME=PATH")


def pytest_configure(config: pytest.Config) -> None:
    """Have the plugin's boards get the files."""
    files: dict[str, bytes] = {}
    for item in config.getoption("--flash-file"):
        name, path = item.split("=", 1)
        files |= compiled(name, Path(path), config.rootpath)
    original = pytest_plugin.board_options

    def board_options(request: pytest.FixtureRequest) -> dict[str, Any]:
        options = original(request)
        return options | {"files": options["files"] | files}

    pytest_plugin.board_options = board_options


def compiled(name: str, path: Path, root: Path) -> dict[str, bytes]:
    """The module as bytecode where the firmware's build has left its compiler, which spares the board the work."""
    cross = next((root / "firmware" / "build").glob("obj/*/mpy-cross/mpy-cross"), None)
    if cross is None:
        return {name: path.read_bytes()}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.mpy"
        assert run([cross, "-o", output, "-s", name, path]).returncode == 0
        return {name.replace(".py", ".mpy"): output.read_bytes()}
