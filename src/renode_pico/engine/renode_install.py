"""Finding Renode on this machine, without starting it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

OLDEST = (1, 15, 3)
ADVICE = (
    "install Renode 1.15.3 or newer from its releases page (https://github.com/renode/renode/releases) "
    "so that 'renode' and 'renode-test' are on PATH"
)
PYRENODE_ADVICE = "pip install git+https://github.com/antmicro/pyrenode3.git"
PYRENODE_VARIABLES = ("PYRENODE_PKG", "PYRENODE_BUILD_DIR", "PYRENODE_BIN")


@dataclass(frozen=True, slots=True)
class RenodeInstall:
    """What was found. `problem` is empty when the Python engine can use it, else it says what to do."""

    launcher: str | None
    version: str
    problem: str


def renode_version(launcher: str) -> str:
    """Ask Renode for its version, e.g. `1.16.1`; empty when it does not say."""
    try:
        done = subprocess.run(
            [launcher, "--version"], capture_output=True, text=True, timeout=60, stdin=subprocess.PIPE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ".".join(map(str, version_numbers(done.stdout)))


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the first three numbers of a version, e.g. (1, 16, 1); empty when there are not three."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()


def too_old(version: str) -> bool:
    """Say whether this package cannot work with that Renode; an unknown version gets the benefit of the doubt."""
    numbers = version_numbers(version)
    return bool(numbers) and numbers < OLDEST


def probe_renode(*, ask_version: bool = True) -> RenodeInstall:
    """Look for Renode on PATH or named by PYRENODE_*, and for pyrenode3.

    ask_version: start `renode --version` (a second); without it only what lies on disk is looked at.
    """
    launcher = shutil.which("renode")
    named = [name for name in PYRENODE_VARIABLES if os.environ.get(name)]
    if launcher is None and not named:
        return RenodeInstall(None, "", ADVICE)
    version = renode_version(launcher) if launcher and ask_version else ""
    if too_old(version):
        return RenodeInstall(launcher, version, f"Renode {version} is too old: {ADVICE}")
    if importlib.util.find_spec("pyrenode3") is None:
        return RenodeInstall(launcher, version, f"Renode is here, pyrenode3 is not: {PYRENODE_ADVICE}")
    return RenodeInstall(launcher, f"Renode {version}" if version else f"Renode ({', '.join(named)})", "")
