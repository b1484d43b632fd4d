"""Finding a firmware image: one of the project's variants, or any file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from renode_pico.errors import ImageError
from renode_pico.places import cache, share

VARIANTS = ("cdc", "uart", "uart-cdc")
SUFFIXES = (".uf2", ".elf", ".bin")
OF_OTHERS = {"tinyusb": "firmware/examples.py", "pico-sdk": "firmware/sdk_tests.py"}
"""Folders of programs that other people wrote, and what builds them."""


def image_folder() -> Path:
    """Return where the images are: RENODE_PICO_FIRMWARE, else the checkout's own or what came with the package."""
    named = os.environ.get("RENODE_PICO_FIRMWARE")
    if named:
        return Path(named)
    built = cache() / "firmware" / "out"  # by firmware/build.py, where RENODE_PICO_CACHE was set for it
    return built if "RENODE_PICO_CACHE" in os.environ and built.is_dir() else share() / "firmware" / "build" / "out"


def find_image(name: str) -> Path:
    """Resolve `cdc`, `uart`, `uart-cdc`, a path of a UF2, ELF or flat binary, or `chip/NAME` (a C program of ours).

    `tinyusb/NAME` is a device example of TinyUSB's (firmware/examples.py), `pico-sdk/NAME` a test of the SDK's own
    (firmware/sdk_tests.py).
    `micropython-VERSION/cdc` and so on are variants of another MicroPython (firmware/build.py --edition).

    Raises ImageError when there is no such variant or file, or the variant has not been built.
    """
    program = re.fullmatch(r"(chip|tinyusb|pico-sdk)/(\w+)", name)
    edition = re.fullmatch(rf"micropython-[\d.]+/({'|'.join(VARIANTS)})", name)
    if name in VARIANTS or ((program or edition) and not Path(name).exists()):
        path = image_folder() / f"{name}.uf2"
        if not path.is_file():
            what = f"C program '{program[2]}'" if program else f"firmware variant '{name}'"
            how = f"see {OF_OTHERS[program[1]]}" if program and program[1] in OF_OTHERS else how_to_build()
            raise ImageError(f"{what} is not built ({path} is missing): {how}")
        return path
    path = Path(name)
    if path.is_dir():
        raise ImageError(f"firmware {path}: is a directory, expected a {', '.join(SUFFIXES)} file")
    if path.exists() and not path.is_file():
        raise ImageError(f"firmware {path}: is a pipe or a device, expected a {', '.join(SUFFIXES)} file")
    if not path.is_file():
        hint = "" if path.suffix else f"; the variants are {', '.join(VARIANTS)}"
        raise ImageError(f"firmware {path}: no such file{hint}")
    return path


def how_to_build() -> str:
    """Say what makes the project's own images, in a checkout and in a package that came without them."""
    if (share() / "firmware" / "build.py").is_file():
        return "run 'make firmware'"
    return "this package was made without it; install a released one, or name a file"
