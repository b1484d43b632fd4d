"""Where a Renode lives on this machine, found without starting it."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from renode_pico.errors import EngineMissing

CORE_ASSEMBLIES = ("Infrastructure.dll", "Emulator.dll")
"""The heart of Renode: one assembly since 1.16, two before."""


@dataclass(frozen=True, slots=True)
class RenodeInstallation:
    """Where a Renode lives.

    `launcher`: the program to start. `assemblies`: the directory with its .dll files. `version`: e.g. `1.16.1`, or
    `unknown`. `mono`: whether it runs on Mono (a portable .NET release compiles with Roslyn inside).
    """

    launcher: Path
    assemblies: Path
    version: str
    mono: bool


def find_renode(launcher: str | os.PathLike[str] | None = None) -> RenodeInstallation:
    """Find Renode: the given launcher, else `$RENODE`, else `renode` on the path.

    Raises EngineMissing.
    """
    wanted = os.fspath(launcher) if launcher is not None else os.environ.get("RENODE", "renode")
    found = shutil.which(wanted)
    if found is None:
        raise EngineMissing(
            f"Renode is not there: no program {wanted!r}; install it (https://renode.io) or set RENODE to its launcher"
        )
    path = Path(found).resolve()
    for start in (path, *_named_in_script(path)):
        for directory in (start.parent / "output/bin/Release", start.parent / "bin", start.parent):
            if any((directory / name).is_file() for name in CORE_ASSEMBLIES):
                return RenodeInstallation(path, directory, _version_of(directory), _runs_on_mono(directory))
    raise EngineMissing(f"{path} is no Renode that this package knows: there are no assemblies beside it")


def _named_in_script(launcher: Path) -> list[Path]:
    """The programs a launcher script starts: packages put a few lines of shell into /usr/bin."""
    with launcher.open("rb") as stream:
        head = stream.read(4096)
    if not head.startswith(b"#!"):
        return []
    named = re.findall(r"(/[^\s\"'$]*(?:renode|Renode\.exe|Renode\.dll))\b", head.decode(errors="replace"))
    return [Path(name).resolve() for name in named]


def _version_of(assemblies: Path) -> str:
    """Renode's version without starting it: from the version resource of its program."""
    for name in ("Renode.exe", "Renode.dll"):
        path = assemblies / name
        if path.is_file():
            key = "FileVersion".encode("utf-16-le")
            found = re.search(re.escape(key) + rb"\x00*((?:[0-9.]\x00)+)", path.read_bytes())
            if found:
                return ".".join(found.group(1).decode("utf-16-le").split(".")[:3])
    return "unknown"


def _runs_on_mono(assemblies: Path) -> bool:
    build_type = assemblies / "build_type"
    if build_type.is_file():
        return build_type.read_text().strip() == "mono"
    return (assemblies / "Renode.exe").is_file() and not (assemblies / "Renode.dll").is_file()
