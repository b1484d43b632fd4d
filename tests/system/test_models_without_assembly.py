"""Renode compiles the models by itself where nobody has: a user without a C# compiler, or on .NET."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from renode_pico.firmware import find_image
from renode_pico.renode_models import boot_rom, find_renode, project_root

WALL_LIMIT = 120
"""Seconds: at an error in a script Renode stays at its prompt for ever."""

SCRIPT = """
emulation SetGlobalAdvanceImmediately true
$firmware=@{firmware}
include @{root}/renode/rpi_pico.resc
emulation CreateUsbHost "usb_host"
connector Connect sysbus.usb usb_host
usb_host Plug
usb_host RunFor 0.3
usb_host Status
quit
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
"""


@pytest.mark.engine("renode", reason="it is Renode that compiles")
def test_the_python_engine_lets_renode_compile() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MCS], capture_output=True, text=True, timeout=WALL_LIMIT, check=False
    )
    assert done.stdout.split() == ["42", "49"], done.stderr


@pytest.mark.engine("renode", reason="it is Renode that compiles")
def test_the_platform_runs_without_an_assembly(tmp_path: Path) -> None:
    for folder in ("renode", "platforms"):
        shutil.copytree(project_root() / folder, tmp_path / folder)
    (tmp_path / "build" / "renode").mkdir(parents=True)
    (tmp_path / "build" / "renode" / "bootrom.bin").write_bytes(boot_rom())
    script = tmp_path / "run.resc"
    script.write_text(SCRIPT.format(firmware=find_image("cdc"), root=tmp_path))
    idle, held = os.pipe()  # at the end of its input Renode's console would spin
    process = subprocess.Popen(
        [find_renode().launcher, "--disable-xwt", "--console", "--plain", script],
        stdin=idle,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=WALL_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    finally:
        os.close(idle)
        os.close(held)
    assert "port Active" in said, said
