"""The C programs in firmware/chip/: one folder each, built against the pico-sdk, for the chip's blocks."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from fwbuild.errors import UsageError
from fwbuild.files import files_under, sha256
from fwbuild.layout import Layout
from fwbuild.tree import SourceTree

FOLDER = "chip"


def names(folder: Path) -> list[str]:
    """The programs there are: each folder with a main.c."""
    return sorted(path.parent.name for path in folder.glob("*/main.c"))


def choose(folder: Path, wanted: list[str] | None) -> list[str]:
    """The programs called `wanted`, each once; all of them for None or none named.

    Raises UsageError, with the list of those there are, for an unknown name.
    """
    known = names(folder)
    chosen = list(dict.fromkeys(wanted)) if wanted else known
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise UsageError(f"no such program: {', '.join(unknown)}; there are: {', '.join(known)}")
    return chosen


def out(layout: Layout) -> Path:
    """Where the finished programs go: beside MicroPython's images, in a folder of their own."""
    return layout.out / FOLDER


def inputs(layout: Layout, tree: SourceTree, name: str) -> str:
    """The hash of everything that goes into one program but the tool chain."""
    files = {path.relative_to(layout.firmware).as_posix(): sha256(path) for path in _input_files(layout, name)}
    described = json.dumps({"files": files, "source": tree.identity}, sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()


def _input_files(layout: Layout, name: str) -> Iterable[Path]:
    yield layout.firmware / "uf2.py"
    yield from files_under(layout.firmware / "fwbuild")
    yield from (path for path in sorted(layout.chip.iterdir()) if path.is_file())
    yield from files_under(layout.chip / name)
