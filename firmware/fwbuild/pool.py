"""A pinned file straight from the pool of the machine's Debian archive, without the 40 MB of a suite's lists.

Its place there follows from the source package's name (Debian Policy, "Debian archive"); that it is the right file is
for its SHA-256 to say. apt's own helper fetches it, so that its proxies and credentials hold.
"""

import json
import os
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from fwbuild import apt_sources, download
from fwbuild.apt import ETC_APT, SOURCES_VARIABLE
from fwbuild.command import clean_environment, run
from fwbuild.errors import FirmwareError
from fwbuild.files import write_atomically
from fwbuild.pins import Package

HELPER = "/usr/lib/apt/apt-helper"
ASKED_AGAIN_AFTER = 24 * 3600
REASON = re.compile(r"^E: Failed to fetch \S+\s+(.+?)(?: \[IP: .*\])?$", re.MULTILINE)


class NotToBeHad(FirmwareError):
    """The archive does not have the file, or cannot be asked. The message is one line."""


class Pool:
    """The pool of the Debian archives among this machine's apt sources. log: where apt's words go."""

    def __init__(self, suite: str, log: TextIO) -> None:
        self._suite = suite
        self._log = log

    def download(self, package: Package, into: Path) -> None:
        """Download a source package's file into the folder `into`. Raises NotToBeHad."""
        if not shutil.which(HELPER):
            raise NotToBeHad(f"this machine has no apt to get {package.file} with")
        archives = self._archives()
        if not archives:
            raise NotToBeHad(f"none of this machine's apt sources is Debian's archive, which has {package.file}")
        reasons: list[str] = []
        for archive in archives:
            try:
                self._fetch(f"{archive.rstrip('/')}/{path(package)}", into / package.file)
            except FirmwareError as failure:
                reasons.append(_reason(failure))
            else:
                return
        raise NotToBeHad(f"the archive has no {path(package)}: {'; '.join(dict.fromkeys(reasons))}")

    def _archives(self) -> list[str]:
        own = os.environ.get(SOURCES_VARIABLE)
        if own:
            return apt_sources.archives(Path(own).read_text(encoding="utf-8"))
        files = apt_sources.from_folder(ETC_APT, self._suite)
        return list(dict.fromkeys(uri for content in files.values() for uri in apt_sources.archives(content)))

    def _fetch(self, uri: str, target: Path) -> None:
        options = {"APT::Sandbox::User": "root", "Acquire::Retries": "0", "Acquire::http::Timeout": "20"}
        settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        run([HELPER, *settings, "download-file", uri, target], log=self._log, environment=clean_environment())


def path(package: Package) -> str:
    """Where an archive has a source package's file."""
    initial = package.name[:4] if package.name.startswith("lib") else package.name[:1]
    return f"pool/main/{initial}/{package.name}/{package.file}"


def obtain(package: Package, cache: Path, downloader: download.Downloader, *, again: bool) -> None:
    """See that the file is in the cache. Raises NotToBeHad at once if it was not to be had less than a day ago.

    again: ask nevertheless.
    """
    note = cache / f"{package.file}.not-to-be-had.json"
    if not download.missing((package,), cache):
        return
    remembered = None if again else _remembered(note, package)
    if remembered:
        raise NotToBeHad(remembered)
    try:
        download.download(package, cache, downloader)
    except FirmwareError as failure:
        reason = f"{failure}".replace("\n", ";") if not isinstance(failure, NotToBeHad) else f"{failure}"
        asked = {"sha256": package.sha256, "asked": time.time(), "reason": reason}
        write_atomically(note, json.dumps(asked).encode())
        raise NotToBeHad(reason) from failure
    note.unlink(missing_ok=True)


def _remembered(note: Path, package: Package) -> str:
    """Why the file was not to be had when it was last asked for; empty if that is no news any more."""
    try:
        said = json.loads(note.read_bytes())
        fresh = 0 <= time.time() - said["asked"] < ASKED_AGAIN_AFTER and said["sha256"] == package.sha256
        when = datetime.fromtimestamp(said["asked"], tz=UTC)
        return f"{said['reason']} (asked {when:%Y-%m-%d %H:%M} UTC)" if fresh else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _reason(failure: FirmwareError) -> str:
    """What apt's helper said of one archive, without the archive's name; a status of HTTP is called so."""
    found = REASON.search("\n".join(line.strip() for line in str(failure).splitlines()))
    text = re.sub(r"\s+", " ", found[1]) if found else str(failure).splitlines()[0]
    return f"HTTP {text}" if re.match(r"\d{3} ", text) else text
