"""Somebody's own MicroPython checkout as the source tree. Nothing in it is changed or generated."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from fwbuild.errors import UsageError
from fwbuild.layout import Layout, has_space
from fwbuild.tree import SourceTree

# What the rp2 port is built from. Of lib/, only what the port's CMakeLists.txt names: all submodules together are some
# hundred thousand files.
READ_FOLDERS = (
    *("py", "extmod", "shared", "drivers", "tools", "mpy-cross", "ports/rp2"),
    *("lib/crypto-algorithms", "lib/libm", "lib/libm_dbl", "lib/littlefs", "lib/lwip", "lib/oofatfs", "lib/re1.5"),
    *("lib/uzlib", "lib/mbedtls", "lib/mbedtls_errors", "lib/micropython-lib", "lib/pico-sdk/src", "lib/tinyusb/src"),
)
NEEDED = {
    "lib/pico-sdk": "lib/pico-sdk/pico_sdk_init.cmake",
    "lib/tinyusb": "lib/tinyusb/src/tusb.h",
    "lib/mbedtls": "lib/mbedtls/library",
}
SKIPPED_PREFIXES = (".", "build", "__pycache__")


def source_tree(folder: Path, layout: Layout) -> SourceTree:
    """The checkout at `folder`. Raises UsageError if it is none, or its submodules are not there."""
    folder = folder.expanduser().absolute()
    if not (folder / "ports" / "rp2" / "CMakeLists.txt").is_file():
        raise UsageError(f"{folder} is no MicroPython checkout: it has no ports/rp2/CMakeLists.txt")
    if has_space(folder):
        raise UsageError(f"{folder}: MicroPython's make cannot compile a checkout whose path has a space in it")
    absent = [name for name, proof in NEEDED.items() if not (folder / proof).exists()]
    if absent:
        raise UsageError(
            f"the MicroPython checkout {folder} lacks {', '.join(absent)}; bring its submodules in with\n"
            f"  make -C {folder}/ports/rp2 BOARD=RPI_PICO submodules"
        )
    library = folder / "lib" / "micropython-lib"
    return SourceTree(
        key="checkout-" + hashlib.sha256(str(folder).encode()).hexdigest()[:8],
        origin=str(folder),
        identity=_identity(folder),
        micropython=folder,
        pico_sdk=folder / "lib" / "pico-sdk",
        tinyusb=folder / "lib" / "tinyusb",
        micropython_lib=library if (library / "README.md").is_file() else layout.objects / "no-micropython-lib",
        environment=_environment(folder),
        follows_changes=True,
    )


def _identity(folder: Path) -> str:
    """A hash over name, size and time of every file that may go into the build. The content is ninja's business."""
    digest = hashlib.sha256(str(folder).encode())
    for name in READ_FOLDERS:
        for path, stat in _walk(str(folder / name)):
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith(SKIPPED_PREFIXES):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.is_file():
            yield entry.path, entry.stat()


def _environment(folder: Path) -> dict[str, str]:
    """Version and date from the checkout's last commit. A release tarball says its version itself, and no date."""
    date = _git(folder, "log", "-1", "--format=%ct")
    tag = _git(folder, "describe", "--tags", "--dirty", "--always", "--match", "v[1-9].*")
    short = _git(folder, "rev-parse", "--short", "HEAD")
    if not (date and tag and short):
        return {"SOURCE_DATE_EPOCH": "0"}
    release, dash, rest = tag.partition("-")  # as py/makeversionhdr.py does
    return {
        "SOURCE_DATE_EPOCH": date,
        "MICROPY_GIT_TAG": release + dash + rest.replace("-", "."),
        "MICROPY_GIT_HASH": short,
    }


def _git(folder: Path, *words: str) -> str:
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
