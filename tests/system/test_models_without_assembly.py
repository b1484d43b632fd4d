"""Renode compiles the models by itself where nobody has: a user without a C# compiler, or on .NET. Once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from renode_pico.firmware import find_image
from renode_pico.places import share
from renode_pico.renode_models import find_renode, prepare, prepare_boot_rom
from tests import processes
from tests.processes import program

WALL_LIMIT = 300
"""Seconds."""

SCRIPT = """
emulation SetGlobalAdvanceImmediately true
$firmware=@{firmware}
include @{root}/renode/rpi_pico.resc
emulation CreateUsbHost "usb_host"
connector Connect sysbus.usb usb_host
usb_host Plug
usb_host RunFor 0.3
usb_host Status
{more}
"""

LOAD = """
include @{root}/renode/pico.py
pico_load_models @{root}/renode
Load @{root}/pico.save
mach set "pico"
usb_host RunFor 0.1
usb_host Status
"""

WITHOUT_MCS = """
import shutil
find = shutil.which
shutil.which = lambda name, *rest, **more: None if name == "mcs" else find(name, *rest, **more)
from renode_pico.board import Board
from renode_pico.renode_models import prepare
assert prepare().assembly is None
for number in (6, 7):
    with Board(engine="renode") as board:
        print(board.exec(f"print({number} * 7)").decode().strip())
assert prepare().assembly is not None
"""

pytestmark = pytest.mark.engine("renode", reason="it is Renode that compiles")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, in a folder with a space."""
    folder = tmp_path / "a cache"
    monkeypatch.setenv("RENODE_PICO_CACHE", str(folder))
    return folder


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """The platform, somewhere else."""
    for folder in ("renode", "platforms"):
        shutil.copytree(share() / folder, tmp_path / folder)
    return tmp_path


def renode(script: Path) -> str:
    """Run a script in Renode; what it printed. It quits afterwards, also when the script ends in an error."""
    launcher = find_renode().launcher
    assert launcher is not None
    pipe = subprocess.PIPE
    with program(
        [launcher, "--disable-xwt", "--console", "--plain"], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"include @{script}\nquit\n".encode())
        process.stdin.flush()  # and is left open: at its end Renode's console would spin
        timer = threading.Timer(WALL_LIMIT, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        said: bytes = process.stdout.read()
        timer.cancel()
    return said.decode()


def run(root: Path, text: str, more: str = "") -> str:
    script = root / "run.resc"
    script.write_text(text.format(firmware=find_image("cdc"), root=root, more=more))
    return renode(script)


def test_the_python_engine_lets_renode_compile_and_finds_it_again(cache: Path) -> None:
    done = processes.run([sys.executable, "-c", WITHOUT_MCS], timeout=WALL_LIMIT)
    assert done.stdout.split() == ["42", "49"], done.stderr
    assert done.returncode == 0, done.stderr


def test_the_platform_runs_without_an_assembly_and_compiles_once(cache: Path, platform: Path) -> None:
    prepare_boot_rom()
    said = run(platform, SCRIPT, f"Save @{platform}/pico.save")
    assert "port Active" in said, said
    (assembly,) = cache.rglob("*.dll")
    made = assembly.stat()
    # a saved state is loaded by a new process, with the assembly that Renode has made
    said = run(platform, LOAD)
    assert "port Active" in said, said
    assert list(cache.rglob("*.dll")) == [assembly]
    assert assembly.stat() == made


def test_renode_and_this_package_keep_it_in_the_same_place(cache: Path, platform: Path) -> None:
    made = prepare(platform)
    assert made.assembly is not None
    made.assembly.write_bytes(b"not an assembly")
    assert "port Active" not in run(platform, SCRIPT), "Renode did not take the one that is there"
    made.assembly.unlink()
    assert "port Active" in run(platform, SCRIPT)
    assert made.assembly.is_file()


def test_other_sources_are_compiled_anew(cache: Path, platform: Path) -> None:
    first = prepare(platform).assembly
    (platform / "renode" / "models" / "Another.cs").write_text("public class Another { }")
    said = run(platform, SCRIPT)
    assert "port Active" in said, said
    assert len(list(cache.rglob("*.dll"))) == 2
    assert first is not None
    assert first.is_file()


def test_without_the_boot_rom_it_says_what_makes_it(cache: Path, platform: Path) -> None:
    assert "'renode-pico path models' makes it" in run(platform, SCRIPT)
