"""Where everything lies: what is committed, and what is generated."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fwbuild.errors import UsageError
from fwbuild.files import remove

CACHE_VARIABLE = "RENODE_PICO_CACHE"
ELSEWHERE = "elsewhere"
"""In `root`: a link to `work`, where that is another folder."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The committed folder `firmware/`, and the folder everything generated goes to.

    work: where sources are unpacked and compiled: `root`, if its path has no space in it. make takes a path with a
    space for two, so then it is a folder of the user's cache, and what is finished is copied to `out`.
    edition: another MicroPython than the usual one, by the version in its pins' name; its sources, object files and
    images lie apart.
    """

    firmware: Path
    root: Path
    out: Path
    work: Path
    edition: str = ""

    @property
    def variants(self) -> Path:
        """The board variants."""
        return self.firmware / "variants"

    @property
    def pins(self) -> Path:
        """What is pinned."""
        return self.firmware / f"sources{self._apart}.toml"

    @property
    def patches(self) -> Path:
        """Patches for the pinned MicroPython."""
        return self.firmware / "patches"

    @property
    def shims(self) -> Path:
        """Headers included before every C file of a variant."""
        return self.firmware / "shims"

    @property
    def manifest(self) -> Path:
        """MicroPython's manifest of frozen modules."""
        return self.firmware / "manifest.py"

    @property
    def user_c_modules(self) -> Path:
        """The user C modules' cmake file, which need not exist."""
        return self.firmware / "cmodules" / "micropython.cmake"

    @property
    def chip(self) -> Path:
        """The C programs for the chip's blocks."""
        return self.firmware / "chip"

    @property
    def apt(self) -> Path:
        """apt's private lists, while something is downloaded."""
        return self.work / "apt"

    @property
    def downloads(self) -> Path:
        """The downloaded, verified files."""
        return self.root / "dl"

    @property
    def sources(self) -> Path:
        """The unpacked source tree."""
        return self.work / f"src{self._apart}"

    @property
    def objects(self) -> Path:
        """Object files, by source tree and variant."""
        return self.work / "obj"

    @property
    def logs(self) -> Path:
        """What the programs that were run have printed."""
        return self.root / "log"

    @property
    def lock(self) -> Path:
        """The lock of this cache."""
        return self.root / "lock"

    def spelled(self, path: Path) -> Path:
        """How make, cmake and the compiler are told of a file: by a path without a space, through a link if need be.

        Only for a file below `firmware`, or below no folder with a space in its name.
        """
        if not path.is_relative_to(self.firmware) or not has_space(self.firmware):
            return path
        return self._link / path.relative_to(self.firmware)

    def prepare(self) -> None:
        """Make `work`, and the links to and from it, where it is not `root`; nothing otherwise."""
        if has_space(self.firmware):
            link(self._link, self.firmware)
        if self.work != self.root:
            self.work.mkdir(parents=True, exist_ok=True)
            link(self.root / ELSEWHERE, self.work)
            link(self.root / "obj", self.objects)
            link(self.root / self.sources.name, self.sources)

    @property
    def _link(self) -> Path:
        return self.work / "committed"

    @property
    def _apart(self) -> str:
        return f"-{self.edition}" if self.edition else ""


def editions(firmware: Path) -> list[str]:
    """The other MicroPythons that are pinned, by version."""
    return sorted(path.stem.removeprefix("sources-") for path in firmware.glob("sources-*.toml"))


def layout(firmware: Path, environment: Mapping[str, str], out: Path | None = None, edition: str = "") -> Layout:
    """The layout for the committed folder `firmware`, as the environment, --out and --edition have it."""
    cache = environment.get(CACHE_VARIABLE)
    root = Path(cache).expanduser().absolute() / "firmware" if cache else firmware / "build"
    images = out.absolute() if out else root / "out"
    if edition:
        images /= f"micropython-{edition}"
    return Layout(firmware=firmware, root=root, out=images, work=_work(root, environment), edition=edition)


def has_space(path: Path) -> bool:
    """Whether make would take this path for more than one."""
    return any(character.isspace() for character in str(path))


def link(path: Path, target: Path) -> None:
    """A symbolic link to `target`, in place of what was there."""
    if path.is_symlink() and path.readlink() == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    remove(path)
    path.symlink_to(target)


def _work(root: Path, environment: Mapping[str, str]) -> Path:
    """`root`, or a folder of the user's cache for it. Raises UsageError if that has a space in its path as well."""
    if not has_space(root):
        return root
    cache = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".cache")
    work = cache / "renode-pico" / f"firmware-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    if has_space(work) or not work.is_absolute():
        raise UsageError(
            f"firmware cannot be compiled in {root}: make takes a path with a space for two; "
            f"{CACHE_VARIABLE} names a folder without"
        )
    return work


def shown(path: Path) -> str:
    """`path` as a person in the current folder would type it."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
