"""Renode's releases: which archive is for this machine, what its checksum is said to be, how it is unpacked."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from renode_pico.errors import EngineMissing, RenodePicoError, UsageError
from renode_pico.places import made
from renode_pico.renode_models.installation import RELEASES, RenodeInstallation, by_launcher
from renode_pico.setup.download import READ_TIMEOUT, full, no_room

DEFAULT_VERSION = "1.16.1"
"""The Renode that this version of the package was tried with."""
API = "https://api.github.com/repos/renode/renode/releases/tags"
ARCHIVES = {
    ("Linux", "x86_64"): "renode-{version}.linux-portable-dotnet.tar.gz",
    ("Linux", "aarch64"): "renode-{version}.linux-arm64-portable-dotnet.tar.gz",
}
"""Renode's own portable releases, which bring .NET along, by system and machine."""


def archive_name(version: str) -> str:
    """The archive of a version for this machine. Raises UsageError when Renode has none."""
    here = (platform.system(), platform.machine())
    if here not in ARCHIVES:
        raise UsageError(f"Renode has no portable release for {' '.join(here)}: install it by hand, see {RELEASES}")
    return ARCHIVES[here].format(version=version)


def archive_url(version: str) -> str:
    """Where that archive is; RENODE_PICO_RELEASES names another place than Renode's own, laid out alike."""
    base = os.environ.get("RENODE_PICO_RELEASES", f"{RELEASES}/download").rstrip("/")
    return f"{base}/v{version}/{archive_name(version)}"


def published_sha256(version: str, name: str, api: str = API) -> str | None:
    """The SHA-256 that the release page gives for an archive; None where it gives none or cannot be asked."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        request = urllib.request.Request(f"{api}/v{version}", headers={"Accept": "application/vnd.github+json"})
        with urllib.request.urlopen(request, timeout=READ_TIMEOUT) as answer:
            assets = json.load(answer)["assets"]
        digest = next(asset["digest"] for asset in assets if asset["name"] == name) if assets else ""
        kind, _, value = digest.partition(":")
        return value.lower() if kind == "sha256" else None
    return None


@contextmanager
def unpacked(archive: Path, beside: Path) -> Iterator[Path]:
    """Unpack a release in a folder `beside` which it will lie, its one top folder left away; taken away afterwards.

    Raises RenodePicoError when it is no archive of Renode's or there is no room for it.
    """
    made(beside)
    part = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=beside))
    try:
        with tarfile.open(archive) as content:
            if hasattr(tarfile, "data_filter"):
                content.extractall(part, filter="data")
            else:  # Python before 3.11.4
                content.extractall(part)
        tops = list(part.iterdir())
        top = tops[0] if len(tops) == 1 and tops[0].is_dir() else part
        if not (top / "renode").is_file():
            raise RenodePicoError(f"{archive.name} is no release of Renode: there is no program 'renode' in it")
        yield top
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        why = getattr(error, "strerror", None) or str(error).partition("\n")[0].rstrip(":")
        room = no_room(beside) if full(error) else ""
        raise RenodePicoError(f"{archive} cannot be unpacked in {beside}: {why}{room}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def described(launcher: Path) -> RenodeInstallation:
    """Say what was unpacked. Raises RenodePicoError when it is not laid out like a release."""
    try:
        return by_launcher(str(launcher), "setup")
    except EngineMissing as error:
        raise RenodePicoError(f"what was unpacked is no Renode: {error}") from error
