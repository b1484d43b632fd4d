"""What is pinned: firmware/sources.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Package:
    """One Debian package. inside: the folder in it that is wanted; folder: its name in our source tree.

    suite: where it is, if that is not the suite of the others.
    """

    name: str
    version: str
    kind: Literal["source", "binary"]
    file: str
    sha256: str
    inside: str
    folder: str
    suite: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """The suite, the packages, and what MicroPython says its version is."""

    suite: str
    packages: tuple[Package, ...]
    micropython_version: str
    git_tag: str
    git_hash: str
    source_date_epoch: int


def load(path: Path) -> Pins:
    """The pins in a file like firmware/sources.toml."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    micropython = content["micropython"]
    return Pins(
        suite=content["suite"],
        packages=tuple(Package(**package) for package in content["package"]),
        micropython_version=micropython["version"],
        git_tag=micropython["git_tag"],
        git_hash=micropython["git_hash"],
        source_date_epoch=micropython["source_date_epoch"],
    )
