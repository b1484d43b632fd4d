"""The pinned files, in the download cache: each is there with the right SHA-256, or not at all."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from fwbuild.errors import FirmwareError
from fwbuild.files import sha256
from fwbuild.pins import Package

Downloader = Callable[[Package, Path], None]
"""Puts a package's file into a folder."""


def missing(packages: tuple[Package, ...], cache: Path) -> list[Package]:
    """The packages whose file is not in the cache. A file that is there but wrong is removed, and missing."""
    absent: list[Package] = []
    for package in packages:
        path = cache / package.file
        if path.is_file() and sha256(path) == package.sha256:
            continue
        path.unlink(missing_ok=True)
        absent.append(package)
    return absent


def download(package: Package, cache: Path, downloader: Downloader) -> None:
    """Download one package into the cache. Raises FirmwareError, and keeps nothing, if it is not what is pinned."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=cache) as folder:
        downloader(package, Path(folder))
        path = Path(folder) / package.file
        if not path.is_file():
            got = ", ".join(sorted(entry.name for entry in Path(folder).iterdir())) or "nothing"
            raise FirmwareError(f"{package.name}: expected the file {package.file}, downloaded {got}; nothing was kept")
        found = sha256(path)
        if found != package.sha256:
            raise FirmwareError(
                f"{package.file}: the download is not the pinned file (cut short, or changed); nothing was kept\n"
                f"  SHA-256 {found}, {path.stat().st_size} bytes\n"
                f"  pinned  {package.sha256}"
            )
        path.replace(cache / package.file)
