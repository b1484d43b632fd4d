"""Where everything lies: what is committed, and what is generated."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = "RENODE_PICO_CACHE"


@dataclass(frozen=True, slots=True)
class Layout:
    """The committed folder `firmware/`, and the folder everything generated goes to.

    edition: another MicroPython than the usual one, by the version in its pins' name; its sources, object files and
    images lie apart.
    """

    firmware: Path
    root: Path
    out: Path
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
        return self.root / "apt"

    @property
    def downloads(self) -> Path:
        """The downloaded, verified files."""
        return self.root / "dl"

    @property
    def sources(self) -> Path:
        """The unpacked source tree."""
        return self.root / f"src{self._apart}"

    @property
    def objects(self) -> Path:
        """Object files, by source tree and variant."""
        return self.root / "obj"

    @property
    def logs(self) -> Path:
        """What the programs that were run have printed."""
        return self.root / "log"

    @property
    def lock(self) -> Path:
        """The lock of this cache."""
        return self.root / "lock"

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
    return Layout(firmware=firmware, root=root, out=images, edition=edition)


def shown(path: Path) -> str:
    """`path` as a person in the current folder would type it."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
