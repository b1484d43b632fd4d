"""From `pip install` to everything there is, in an empty folder, with nothing but the wheel (row K1)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.processes import WALL_LIMIT, program, run
from tests.wheel.conftest import ROOT, Installed

MEGABYTE = 1_000_000
COMMANDS = {
    "doctor": [],
    "path": ["robot"],
    "exec": ["--engine", "embedded", "-c", "import usb_vcp_device; print(6 * 7)"],
    "lsusb": ["-v", "--engine", "embedded"],
    "trace": ["-o", "bus.html", "lsusb", "--engine", "embedded"],
    "demo": ["--engine", "embedded"],
}
SUITE = """
*** Settings ***
Library    renode_pico.robot_library.PicoLibrary    engine=embedded

*** Test Cases ***
Should Be There
    Given A Pico Running
    When The Host Requests    bmRequestType=0x80  bRequest=6  wValue=0x0100  wLength=18
    Then The Request Succeeds
"""
BOOT = """
emulation SetGlobalAdvanceImmediately true
$firmware=@{firmware}/uart.uf2
include @{models}/rpi_pico.resc
emulation CreateUsbHost "usb_host"
connector Connect sysbus.usb usb_host
usb_host Plug
usb_host RunFor 0.3
sysbus LoadSymbolsFrom @{firmware}/uart.elf
echo "booted"
"""


def test_it_is_small_and_whole(wheel: Path) -> None:
    assert wheel.stat().st_size <= 8 * MEGABYTE
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("renode/rpi_pico.resc", "platforms/cpus/rp2040.repl", "robot/resources/pico_renode.resource",
                 "firmware/build/out/cdc.uf2", "firmware/build/out/cdc.elf", "firmware/build/out/cdc.json",
                 "firmware/LICENSES.txt", "firmware/modules/usb_vcp_device.py"):  # fmt: skip
        assert f"renode_pico/share/{name}" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".robot"))]


def test_its_metadata_can_go_to_a_package_index(wheel: Path) -> None:
    done = run([sys.executable, "-m", "twine", "check", "--strict", wheel])
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["License-Expression"] == "MIT"
    requirements = metadata.get_all("Requires-Dist") or []
    assert requirements
    assert not [line for line in requirements if "@" in line], "a direct URL, which package indexes refuse"


@pytest.mark.row("K1.command")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_in_an_empty_folder(installed: Installed, tmp_path: Path, command: str) -> None:
    before = installed.files()
    said = installed.run(tmp_path, "renode-pico", command, *COMMANDS[command])
    assert said.strip()
    assert command != "path" or list(Path(said.strip()).glob("*.resource")), said
    assert installed.files() == before, "it wrote into the environment"


@pytest.mark.row("K6.without-compiler")
def test_the_core_comes_compiled(installed: Installed, tmp_path: Path) -> None:
    code = "from renode_pico.core.machine import Machine; print(Machine(1).kind)"
    without = installed.environment | {"CC": "no-such-compiler", "RENODE_PICO_CACHE": str(tmp_path / "cache")}
    done = run([installed.bin / "python", "-c", code], cwd=tmp_path, env=without)
    assert (done.stdout.strip(), done.stderr) == ("compiled", "")
    assert not (tmp_path / "cache").exists(), "it was compiled anew"


@pytest.mark.row("K1.command")
def test_serve_serves_and_ends(installed: Installed, tmp_path: Path) -> None:
    command = [str(installed.bin / "renode-pico"), "serve", "--engine", "embedded", "--pty", "--link", "port"]
    with program(
        command, cwd=tmp_path, env=installed.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert first_line(process, "device").startswith("device")
        process.send_signal(signal.SIGINT)
        assert process.wait(WALL_LIMIT) in (0, 130)


def first_line(process: subprocess.Popen[str], word: str) -> str:
    """The first line of its output that begins with a word."""
    assert process.stdout is not None
    return next((line for line in process.stdout if line.startswith(word)), "")


@pytest.mark.row("K1.pytest")
def test_a_new_project_passes_its_own_tests(installed: Installed, tmp_path: Path) -> None:
    installed.run(tmp_path, "renode-pico", "new", "crossing")
    said = installed.run(tmp_path / "crossing", "pytest", "-q", "--engine", "embedded")
    assert "9 passed" in said
    assert "crossing" in (tmp_path / "crossing" / "README.md").read_text()


@pytest.mark.row("K1.robot")
def test_robot_finds_the_library(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "mine.robot").write_text(SUITE)
    assert "1 test, 1 passed" in installed.run(tmp_path, "robot", "mine.robot")


@pytest.mark.row("K1.include")
@pytest.mark.skipif(shutil.which("renode") is None, reason="Renode is not here")
def test_renode_includes_the_script_that_path_names(installed: Installed, tmp_path: Path) -> None:
    places = {name: installed.run(tmp_path, "renode-pico", "path", name).strip() for name in ("models", "firmware")}
    escaped = {name: place.replace(" ", "\\ ") for name, place in places.items()}
    (tmp_path / "mine.resc").write_text(BOOT.format(**escaped))
    idle, held = os.pipe()  # at the end of its input Renode's console would spin
    os.write(held, f"include @{tmp_path}/mine.resc\nquit\n".encode())
    try:
        with program(
            ["renode", "--disable-xwt", "--console", "--plain"], env=installed.environment, stdin=idle,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            said, _ = process.communicate(timeout=WALL_LIMIT)
    finally:
        os.close(idle)
        os.close(held)
    assert "\nbooted" in said, said
    assert list((installed.home / ".cache/renode-pico/models").rglob("*.dll"))


def test_the_example_is_made_by_new(tmp_path: Path) -> None:
    made = tmp_path / "traffic-light"
    done = run([sys.executable, "-m", "renode_pico", "new", made])
    assert done.returncode == 0, done.stderr
    example = ROOT / "examples" / "traffic-light"
    tracked = run(["git", "ls-files", "."], cwd=example).stdout.split()
    files = {str(path.relative_to(made)): path.read_text() for path in made.rglob("*") if path.is_file()}
    assert files == {name: (example / name).read_text() for name in tracked}, "renode-pico new examples/traffic-light"


def test_what_is_in_the_cache_already_is_left_alone(installed: Installed, tmp_path: Path) -> None:
    installed.run(tmp_path, "renode-pico", "path", "models")
    kept = installed.home / ".cache" / "renode-pico" / "bootrom.bin"
    before = kept.stat()
    time.sleep(0.01)
    installed.run(tmp_path, "renode-pico", "path", "models")
    assert kept.stat() == before
