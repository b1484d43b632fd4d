"""The board variants: one file each in firmware/variants/."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwbuild.errors import UsageError

FIELDS = {"description": str, "board": str, "defines": list, "shims": list}


@dataclass(frozen=True, slots=True)
class Variant:
    """How one image differs from MicroPython's own for the board.

    defines: C macros, NAME=VALUE, for the firmware's own files. shims: headers in firmware/shims/ that are included
    before every C file.
    """

    name: str
    description: str
    board: str
    defines: tuple[str, ...]
    shims: tuple[str, ...]


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
    if content.keys() != FIELDS.keys():
        raise UsageError(f"{path.name}: has {', '.join(content)}; a variant has {', '.join(FIELDS)}")
    for field, kind in FIELDS.items():
        if not isinstance(content[field], kind):
            raise UsageError(f"{path.name}: {field} must be a {kind.__name__}")
    return Variant(
        name=path.stem,
        description=content["description"],
        board=content["board"],
        defines=tuple(str(define) for define in content["defines"]),
        shims=tuple(str(shim) for shim in content["shims"]),
    )
