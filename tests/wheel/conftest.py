"""The wheel, built once, in an environment that has nothing else but what it asks for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import run

ROOT = Path(__file__).resolve().parents[2]
SLOW = 600.0
"""Seconds for what compiles or is downloaded."""
CLEAN = ("PYTHONPATH", "VIRTUAL_ENV", "RENODE_PICO_CACHE", "RENODE_PICO_DATA", "RENODE_PICO_FIRMWARE", "FIRMWARE")


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel in it. `home`: the only folder of a user that there is."""

    bin: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its programs see of the environment."""
        seen = {name: value for name, value in os.environ.items() if name not in CLEAN and not name.startswith("XDG_")}
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        return seen | {"HOME": str(self.home), "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, cwd: Path, *command: str, timeout: float = 300.0) -> str:
        """Run one of its programs in a folder; what it printed. It must end well."""
        done = run([self.bin / command[0], *command[1:]], cwd=cwd, env=self.environment, timeout=timeout)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def files(self) -> set[Path]:
        """What is in site-packages."""
        return {path for path in self.bin.parent.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, as `make dist` makes it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(ROOT)]
    done = run(command, env=os.environ | {"RENODE_PICO_DIST": "1"}, timeout=SLOW)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """An empty environment, in a folder with a space, into which pip has installed the wheel, pytest and Robot."""
    folder = tmp_path_factory.mktemp("an environment")
    home = tmp_path_factory.mktemp("home")
    run([sys.executable, "-m", "venv", folder / "venv"], timeout=SLOW)
    pip: list[str | Path] = [folder / "venv/bin/python", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    done = run([*pip, "install", "-q", wheel, "pytest", "robotframework"], timeout=SLOW)
    if "No matching distribution" in done.stderr and "Failed to establish a new connection" in done.stderr:
        pytest.skip("no package index can be reached from here")
    assert done.returncode == 0, done.stdout + done.stderr
    yield Installed(folder / "venv" / "bin", home)
    shutil.rmtree(folder, ignore_errors=True)
