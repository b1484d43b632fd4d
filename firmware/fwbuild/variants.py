"""The board variants: one file each in firmware/variants/."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwbuild.errors import UsageError

REQUIRED = {"description": str, "board": str, "defines": list}
OPTIONAL = {"shims": list}


@dataclass(frozen=True, slots=True)
class Shim:
    """A header in firmware/shims/ that is included before every C file of a MicroPython older than `before`."""

    header: str
    before: str

    def is_for(self, version: str) -> bool:
        """Whether the MicroPython `version` (1.25.0) needs it."""
        return _numbers(version) < _numbers(self.before)


@dataclass(frozen=True, slots=True)
class Variant:
    """How one image differs from MicroPython's own for the board.

    defines: C macros, NAME=VALUE, for the firmware's own files.
    """

    name: str
    description: str
    board: str
    defines: tuple[str, ...]
    shims: tuple[Shim, ...]


def names(folder: Path) -> list[str]:
    """The variants there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(folder: Path, wanted: list[str] | None) -> list[Variant]:
    """The variants called `wanted`, in that order, each once; all of them for None.

    Raises UsageError, with the list of those there are, for an unknown name.
    """
    known = names(folder)
    chosen = list(dict.fromkeys(wanted)) if wanted else known
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise UsageError(f"no such variant: {', '.join(unknown)}; there are: {', '.join(known)}")
    return [_read(folder / f"{name}.toml") for name in chosen]


def _read(path: Path) -> Variant:
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name}: {error}") from error
    if not REQUIRED.keys() <= content.keys() <= REQUIRED.keys() | OPTIONAL.keys():
        allowed = f"{', '.join(REQUIRED)}, and may have {', '.join(OPTIONAL)}"
        raise UsageError(f"{path.name}: has {', '.join(content)}; a variant has {allowed}")
    for field, kind in (REQUIRED | OPTIONAL).items():
        if not isinstance(content.get(field, kind()), kind):
            raise UsageError(f"{path.name}: {field} must be a {kind.__name__}")
    try:
        shims = tuple(Shim(**shim) for shim in content.get("shims", []))
    except TypeError as error:
        raise UsageError(f"{path.name}: a shim has a header and a version it is needed before") from error
    return Variant(
        name=path.stem,
        description=content["description"],
        board=content["board"],
        defines=tuple(str(define) for define in content["defines"]),
        shims=shims,
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
