"""An unmodified mpremote through the pseudo-terminal and through RFC 2217 (rows T4, D26)."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from renode_pico.places import share
from tests.system.clients.conftest import ROOT, Served, run

BESIDE = (ROOT / "src" / "renode_pico" / "data" / "loopback.py").read_text()


@dataclass
class Mpremote:
    """mpremote, connected through one of the doors."""

    served: Served
    target: str
    folder: Path

    def __call__(self, *command: str) -> str:
        """What a command prints; it must succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return run(sys.executable, "-m", "mpremote", "connect", self.target, *command, cwd=self.folder)


def connected(door: str, serve: Callable[..., Served], folder: Path) -> tuple[Served, str]:
    """A server with a door, and what mpremote calls it."""
    if door == "pty":
        link = folder / "pico"
        served = serve("--link", str(link))
        served.wait_for("^pty .* is CDC port 0")
        return served, str(link)
    served = serve("--rfc2217")
    return served, served.rfc2217


@pytest.fixture(scope="module")
def doors(
    serve_module: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Served, str]]:
    """The server of each door, which these tests share: mpremote begins with a soft reset."""
    return cache(lambda door: connected(door, serve_module, tmp_path_factory.mktemp(door)))


@pytest.fixture(params=["pty", "rfc2217"])
def mpremote(
    request: pytest.FixtureRequest,
    serve: Callable[..., Served],
    doors: Callable[[str], tuple[Served, str]],
    tmp_path: Path,
) -> Mpremote:
    """mpremote at a door of a server that other tests have used; with `alone`, of one that ends with the test."""
    alone = "alone" in request.fixturenames
    served, target = connected(request.param, serve, tmp_path) if alone else doors(request.param)
    return Mpremote(served, target, tmp_path)


@pytest.fixture
def alone() -> None:
    """For tests that leave a board behind that no other test could use."""


@pytest.mark.row("T4.run-{mpremote}")
def test_exec_and_run(mpremote: Mpremote) -> None:
    (mpremote.folder / "program.py").write_text("import sys\nprint(sys.platform, 6 * 7)\n")
    assert mpremote("exec", "print(2 ** 10)") == "1024\n"
    assert mpremote("run", "program.py") == "rp2 42\n"
    failed = mpremote.run("exec", "1 / 0")
    assert failed.returncode != 0
    assert "ZeroDivisionError" in failed.stdout + failed.stderr


@pytest.mark.row("T4.copy-{mpremote}")
def test_files_are_copied_both_ways(mpremote: Mpremote) -> None:
    data = random.Random(2217).randbytes(1500)
    (mpremote.folder / "there.bin").write_bytes(data)
    mpremote("fs", "cp", "there.bin", ":data.bin")
    assert "1500 data.bin" in mpremote("fs", "ls")
    mpremote("cp", ":data.bin", "back.bin")
    assert (mpremote.folder / "back.bin").read_bytes() == data


@pytest.mark.parametrize("mpremote", ["pty"], indirect=True)
def test_mount_lets_the_board_import_from_here(mpremote: Mpremote) -> None:
    (mpremote.folder / "local_module.py").write_text("ANSWER = 42\n")
    assert "42" in mpremote("mount", ".", "exec", "import local_module; print(local_module.ANSWER)")


@pytest.mark.row("T4.soft-reset-{mpremote}")
def test_a_soft_reset_forgets_variables_and_keeps_the_port(mpremote: Mpremote) -> None:
    mpremote("resume", "exec", "left = 1")
    assert mpremote("resume", "exec", "print('left' in globals())") == "True\n"
    before = len(mpremote.served.lines)
    mpremote("soft-reset")
    assert mpremote("resume", "exec", "print('left' in globals())") == "False\n"
    assert not [line for line in mpremote.served.lines[before:] if line.startswith("device")]


def test_a_reset_takes_the_device_from_the_bus_and_brings_it_back(mpremote: Mpremote) -> None:
    before = len(mpremote.served.lines)
    mpremote.run("reset")  # its port may be gone before it has closed it
    mpremote.served.wait_for("left the bus", before)
    mpremote.served.wait_found("2e8a:0005", before)
    assert mpremote("exec", "import machine; print(machine.reset_cause() == machine.WDT_RESET)") == "True\n"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("mpremote", ["pty"], indirect=True)
def test_bootloader_leaves_micropython(mpremote: Mpremote) -> None:
    """The boot ROM's own device comes instead, or nothing does; either way it is said and the server goes on."""
    before = len(mpremote.served.lines)
    mpremote("bootloader")
    mpremote.served.wait_for("left the bus", before)
    mpremote.served.wait_for(r"2e8a:0003|none on the bus", before)
    assert mpremote.served.process.poll() is None


def test_mip_installs_the_modules_that_the_package_carries(mpremote: Mpremote) -> None:
    mpremote("mip", "install", str(share() / "firmware" / "modules" / "package.json"))
    listed = mpremote("fs", "ls", "lib")
    for name in ("pyb.py", "usb_vcp_device.py", "usb_vcp_pump.py"):
        assert name in listed


@pytest.mark.usefixtures("alone")
@pytest.mark.row("D26.first-fails", "D26.second-works")
def test_run_with_a_runtime_device_fails_once_as_the_port_goes_away(mpremote: Mpremote) -> None:
    (mpremote.folder / "beside.py").write_text(BESIDE)
    (mpremote.folder / "program.py").write_text("print(6 * 7)\n")
    before = len(mpremote.served.lines)
    installed = mpremote.run("run", "--no-follow", "beside.py")  # its port may be gone before it has closed it
    assert "raw repl" not in installed.stderr, installed.stderr
    mpremote.served.wait_for("left the bus", before)
    mpremote.served.wait_found(since=before)
    before = len(mpremote.served.lines)
    first = mpremote.run("run", "program.py")
    assert first.returncode != 0, first.stdout
    assert "raw repl" not in first.stderr, "it is the port that has gone, not a board that does not answer"
    mpremote.served.wait_for("left the bus", before)
    mpremote.served.wait_found("2e8a:0005", since=before)
    assert mpremote("run", "program.py") == "42\n"
