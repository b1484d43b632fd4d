"""Where things are: what the package carries, what it may write, what it was given.

Nothing else in the package knows whether it runs from a checkout or from an installed wheel.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import platformdirs

from renode_pico.errors import RenodePicoError, UsageError

NAME = "renode-pico"
PLATFORM_SCRIPT = "renode/rpi_pico.resc"


def share() -> Path:
    """The folder with `renode/`, `platforms/`, `robot/` and `firmware/`: the checkout, or what the wheel carries.

    Raises UsageError when the package is not on disk as files, which is what Renode reads.
    """
    package = Path(str(resources.files("renode_pico")))
    for folder in (package / "share", *package.parents[1:2]):
        if (folder / PLATFORM_SCRIPT).is_file():
            return folder
    raise UsageError(f"{package} carries no {PLATFORM_SCRIPT}: the package is not whole, install it again")


def cache() -> Path:
    """This user's folder for what can be made again at any time (compiled models); RENODE_PICO_CACHE names another."""
    named = os.environ.get("RENODE_PICO_CACHE")
    return Path(named).absolute() if named else platformdirs.user_cache_path(NAME, appauthor=False)


def data() -> Path:
    """This user's folder for what was set up on purpose (Renode); RENODE_PICO_DATA names another."""
    named = os.environ.get("RENODE_PICO_DATA")
    return Path(named).absolute() if named else platformdirs.user_data_path(NAME, appauthor=False)


def made(folder: Path) -> Path:
    """Return the folder, made when it was not there. Raises RenodePicoError, which names what to set."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenodePicoError(
            f"{folder} cannot be made ({error.strerror}); RENODE_PICO_CACHE and RENODE_PICO_DATA name other folders"
        ) from error
    return folder


def keep(path: Path, content: bytes) -> Path:
    """Write a file in one piece, unless that is what it holds: whoever reads it never sees half of it."""
    if not (path.is_file() and path.read_bytes() == content):
        made(path.parent)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise RenodePicoError(f"{path} cannot be written: {error.strerror}") from error
    return path
