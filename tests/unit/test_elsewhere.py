"""On other people's machines: no root, nothing that can be written, no network, spaces in every path (row K6)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.processes import run

ROOT = Path(__file__).parents[2]
NOBODY = 65534


def ran(command: Sequence[str | Path], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program for a user who has nothing but a home."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "RENODE_PICO", "PYTHON"))
    }
    ours = {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "src")}
    return run(command, env=clean | ours | more, cwd=home)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody can pass. Not pytest's: each run of pytest that begins closes that one to others."""
    folder = Path(tempfile.mkdtemp(prefix="pico-elsewhere-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def checkout(place: Path) -> Iterator[Path]:
    """A checkout in a folder with spaces, which nobody can write to."""
    folder = place / "a check out"
    for name in ("src", "renode", "platforms", "robot", "firmware/apps", "firmware/modules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "firmware" / "build").mkdir()
    (folder / "firmware" / "build" / "out").symlink_to(ROOT / "firmware" / "build" / "out")
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


@pytest.fixture
def home(place: Path) -> Path:
    """A home of somebody else's, with a space."""
    folder = place / "a home"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


def as_nobody() -> list[str]:
    """What a command begins with to be run by a user without rights; nothing where this is one already."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here: apt-get install util-linux")
    before = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    if run([*before, sys.executable, "-c", ""]).returncode:
        pytest.skip(f"a user without rights may not run {sys.executable}")
    return before


@pytest.mark.row("K6.without-root")
def test_without_root_on_a_checkout_that_cannot_be_written(checkout: Path, home: Path) -> None:
    program = [sys.executable, "-m", "renode_pico", "exec", "--engine", "embedded", "-c", "print(6 * 7)"]
    done = ran([*as_nobody(), *program], home, PYTHONPATH=str(checkout / "src"))
    assert (done.returncode, done.stdout.strip()) == (0, "42"), done.stderr
    made = {path.name for path in (home / ".cache" / "renode-pico").iterdir()}
    assert made <= {"core", "bootrom.bin", "bootrom-LICENSE.txt"}


@pytest.mark.row("K6.without-root")
def test_a_home_that_cannot_be_written_is_told_in_one_line(checkout: Path, home: Path) -> None:
    home.chmod(0o555)
    if os.geteuid() == 0:
        os.chown(home, 0, 0)
    program = [sys.executable, "-m", "renode_pico", "path", "models"]
    done = ran([*as_nobody(), *program], home, PYTHONPATH=str(checkout / "src"))
    home.chmod(0o755)
    assert done.returncode == 1
    assert "RENODE_PICO_CACHE" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.row("K6.without-network")
def test_without_a_network_boards_run_and_setup_says_what_to_do(
    tmp_path: Path, lay_core: Callable[[Path], None]
) -> None:
    alone = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or run([*alone, "true"]).returncode:
        pytest.skip("there is no way here to take the network away (unshare)")
    lay_core(tmp_path / ".cache" / "renode-pico")
    program = [sys.executable, "-m", "renode_pico"]
    done = ran([*alone, *program, "exec", "--engine", "embedded", "-c", "print(6 * 7)"], tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "42"), done.stderr
    done = ran([*alone, *program, "setup", "renode"], tmp_path)
    assert done.returncode == 3
    assert "without a network, fetch the file elsewhere and give it with --from FILE" in done.stderr
