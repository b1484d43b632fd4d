"""Finding a firmware image: one of the project's variants, or any file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from renode_pico.errors import ImageError
from renode_pico.places import share

VARIANTS = ("cdc", "uart", "uart-cdc")
SUFFIXES = (".uf2", ".elf", ".bin")


def image_folder() -> Path:
    """Return where the images are: RENODE_PICO_FIRMWARE, else the checkout's own or what came with the package."""
    named = os.environ.get("RENODE_PICO_FIRMWARE")
    return Path(named) if named else share() / "firmware" / "build" / "out"


def find_image(name: str) -> Path:
    """Resolve `cdc`, `uart`, `uart-cdc`, a path of a UF2, ELF or flat binary, or `chip/NAME` (a C program of ours).

    Raises ImageError when there is no such variant or file, or the variant has not been built.
    """
    program = re.fullmatch(r"chip/(\w+)", name)
    if program and not Path(name).exists():
        path = image_folder() / f"{name}.uf2"
        if not path.is_file():
            raise ImageError(f"C program '{program[1]}' is not built ({path} is missing): run 'make firmware'")
        return path
    if name in VARIANTS:
        path = image_folder() / f"{name}.uf2"
        if not path.is_file():
            raise ImageError(f"firmware variant '{name}' is not built ({path} is missing): run 'make firmware'")
        return path
    path = Path(name)
    if path.is_dir():
        raise ImageError(f"firmware {path}: is a directory, expected a {', '.join(SUFFIXES)} file")
    if not path.is_file():
        hint = "" if path.suffix else f"; the variants are {', '.join(VARIANTS)}"
        raise ImageError(f"firmware {path}: no such file{hint}")
    return path
