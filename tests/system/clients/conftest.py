"""A served board in a process of its own, and the programs that other people wrote."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from renode_pico.pytest_plugin import engine_of
from tests import processes
from tests.processes import program

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 300
"""Real seconds after which a program is taken to hang; nothing is measured with it."""
SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


class Served:
    """A running `renode-pico serve`. `lines`: what it has printed so far."""

    def __init__(self, engine: str, options: tuple[str, ...]) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._program = program(
            [sys.executable, "-m", "renode_pico", "serve", "--engine", engine, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.process = self._program.__enter__()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self.lines.append("")
            self._more.notify_all()

    def wait_for(self, pattern: str, since: int = 0) -> re.Match[str]:
        """The first line from number `since` on in which the pattern is found."""

        def search() -> re.Match[str] | None:
            return next((match for line in self.lines[since:] if (match := re.search(pattern, line))), None)

        with self._more:
            self._more.wait_for(lambda: search() is not None or "" in self.lines[-1:], timeout=PATIENCE)
            found = search()
        assert found is not None, f"no line with {pattern!r} in:\n" + "\n".join(self.lines)
        return found

    def wait_found(self, device: str = "[0-9a-f]{4}:[0-9a-f]{4}", since: int = 0) -> None:
        """Wait until the server says that it has found a device."""
        self.wait_for(f"^device +{device}", since)

    @property
    def usbip_port(self) -> int:
        return int(self.wait_for(r"^usbip .*port (\d+)")[1])

    @property
    def rfc2217(self) -> str:
        return self.wait_for(r"^rfc2217 +(\S+) is CDC port 0")[1]

    def end(self, number: int = signal.SIGINT) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join(timeout=PATIENCE)
        return code

    def close(self) -> None:
        """End it and whatever it has started."""
        self._program.__exit__(None, None, None)


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., Served]]:
    """Start `renode-pico serve` with options, and see to its end."""
    yield from _serving(request)


@pytest.fixture(scope="module")
def serve_module(request: pytest.FixtureRequest) -> Iterator[Callable[..., Served]]:
    """The same for a server that tests of a module share: its start takes 4 s of a core on Renode."""
    yield from _serving(request)


def _serving(request: pytest.FixtureRequest) -> Iterator[Callable[..., Served]]:
    running: list[Served] = []

    def start(*options: str) -> Served:
        running.append(Served(engine_of(request.config), options))
        return running[-1]

    yield start
    for served in running:
        try:
            served.end()
        finally:
            served.close()


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return processes.run(command, timeout=PATIENCE, cwd=cwd)


def debian_program(name: str, package: str) -> str:
    """Return where a program of Debian's is, or skip the test."""
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        pytest.skip(f"{name} is not here: apt-get install {package}")
    return path


def needs(module: str) -> None:
    """Skip the test without a package of the dev extra."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not here: pip install renode-pico[dev]")
