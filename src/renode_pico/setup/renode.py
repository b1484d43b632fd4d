"""`setup renode`: download, check, unpack, start once, remember; and all of it undone."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from renode_pico.errors import EngineMissing, RenodePicoError, UsageError
from renode_pico.places import data, keep
from renode_pico.renode_models.installation import (
    PYRENODE_COMMIT,
    PYRENODE_SOURCE,
    pyrenode_folder,
    pyrenode_present,
    renode_version,
    set_up_record,
    too_old,
    version_numbers,
)
from renode_pico.setup.download import Progress, download, sha256_of
from renode_pico.setup.release import DEFAULT_VERSION, archive_url, described, published_sha256, unpacked

PYRENODE_ARCHIVE = f"https://github.com/antmicro/pyrenode3/archive/{PYRENODE_COMMIT}.zip"
"""The same commit, where there is no git."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was set up, as it is remembered. `launcher`, `folder`: where it is; `source`: where it came from."""

    launcher: str
    folder: str
    version: str
    sha256: str
    source: str


def set_up_renode(
    *,
    version: str | None = None,
    source: str | None = None,
    directory: Path | None = None,
    sha256: str | None = None,
    say: Say = lambda line: None,
    progress: Progress = lambda done, size: None,
) -> SetUp:
    """Get a Renode and remember it; from then on `find_renode` finds it.

    `version`: of the release, the one that this package was tried with when not given. `source`: a file or URL of an
    archive in its place. `directory`: where to unpack it, this user's data folder when not given. `sha256`: what the
    archive's must be. What was there before stays until the new one has started. Raises UsageError (no such file, a
    folder in the way), DownloadError (no network, cut off), EngineMissing (it does not start here) and RenodePicoError
    (a sum that differs, no archive of Renode's, no room).
    """
    before = remembered()
    is_there = before is not None and Path(before.launcher).is_file()
    if before is not None and is_there and source is None and before.version == (version or DEFAULT_VERSION):
        say(f"Renode {before.version} is set up already, in {before.folder}")
        return before
    where = source or archive_url(version or DEFAULT_VERSION)
    local = not re.match(r"https?://", where)
    archive = Path(where.removeprefix("file://")).absolute()
    if local and not archive.is_file():
        raise UsageError(f"{archive}: there is no such file")
    name = version or ".".join(map(str, version_numbers(archive.name))) or "release"
    folder = (directory or data() / "renode").absolute() / f"renode-{name}"
    if folder.exists() and directory is not None and (before is None or before.folder != str(folder)):
        raise UsageError(f"{folder} is there already, and not from here")
    if not local:
        archive = data() / "downloads" / archive.name
        say(f"downloading {where}")
        download(where, archive, progress)
    digest = checked(archive, sha256 or expected_sha256(where, archive.name, version), say)
    say(f"unpacking into {folder}")
    with unpacked(archive, folder.parent) as fresh:
        found = started(fresh / "renode", version)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    made = SetUp(str(folder / "renode"), str(folder), found, digest, where)
    keep(set_up_record(), json.dumps(asdict(made), indent=1).encode())
    remember_sum(where, digest)
    if not local:
        archive.unlink()
    if before is not None and before.folder != made.folder:
        shutil.rmtree(before.folder, ignore_errors=True)
    say(f"Renode {made.version} is set up: {made.launcher}")
    return made


def checked(archive: Path, expected: str | None, say: Say) -> str:
    """The archive's SHA-256, which must be the expected one where there is one. A file that differs is removed."""
    digest = sha256_of(archive)
    if expected is None:
        say(f"sha256 {digest} (nothing says what it should be; it is remembered)")
    elif digest != expected.lower():
        if archive.is_relative_to(data()):
            archive.unlink()
        raise RenodePicoError(f"{archive.name}: its sha256 is {digest}, not {expected.lower()} as it should be")
    else:
        say(f"sha256 {digest} (as it should be)")
    return digest


def expected_sha256(where: str, name: str, version: str | None) -> str | None:
    """What the archive's sum must be: what it was the last time, else what the release page says."""
    known = sums().get(where)
    if known or where != archive_url(version or DEFAULT_VERSION):
        return known
    return published_sha256(version or DEFAULT_VERSION, name)


def started(launcher: Path, wanted: str | None) -> str:
    """Start it once; its version. Raises EngineMissing when it does not run here or is not what was asked for."""
    installation = described(launcher)
    version = renode_version(launcher)
    if not version:
        raise EngineMissing(f"{launcher} does not start here; '{launcher} --version' says why")
    if wanted is not None and version_numbers(version) != version_numbers(wanted):
        raise EngineMissing(f"the archive holds Renode {version}, not {wanted}")
    if too_old(version):
        raise EngineMissing(f"Renode {version} is too old for this package")
    if installation.mono and installation.assemblies is None:
        raise EngineMissing("this is Renode's portable release for Mono, which cannot be loaded into Python")
    return version


def set_up_pyrenode(source: str | None = None, say: Say = lambda line: None) -> None:
    """Install pyrenode3 at the commit that was tried, into this user's data folder; nothing where it is there already.

    Raises EngineMissing with what the installer said.
    """
    if source is None and pyrenode_present():
        return
    folder = pyrenode_folder()
    wanted = source or (PYRENODE_SOURCE if shutil.which("git") else PYRENODE_ARCHIVE)
    say(f"installing pyrenode3 into {folder}")
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    elif shutil.which("uv"):
        command = ["uv", "pip", "install", "-q", "--python", sys.executable]
    else:
        raise EngineMissing(f"there is neither pip nor uv here to install pyrenode3: {wanted}")
    done = subprocess.run(
        [*command, "--upgrade", "--target", str(folder), wanted],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode or not pyrenode_present():
        errors = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
        reason = (errors or done.stderr.splitlines() or ["no word"])[-1]
        raise EngineMissing(f"pyrenode3 cannot be installed from {wanted}: {reason}")


def remove_renode(say: Say = lambda line: None) -> None:
    """Take away what was set up: Renode, pyrenode3, downloads, the record. What others have installed stays."""
    found = remembered()
    folders = [data() / "downloads", *data().glob("python3.*")]
    if found is not None:
        folders.append(Path(found.folder))
    for folder in folders:
        if folder.is_dir():
            say(f"removing {folder}")
            shutil.rmtree(folder)
    set_up_record().unlink(missing_ok=True)
    if found is None:
        say("no Renode was set up")


def remembered() -> SetUp | None:
    """What was set up, if anything."""
    try:
        return SetUp(**json.loads(set_up_record().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def sums() -> dict[str, str]:
    """The SHA-256 of each archive that was ever set up, by where it came from."""
    try:
        found = json.loads((data() / "sums.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember_sum(where: str, digest: str) -> None:
    """Note an archive's sum: another one the next time is refused."""
    keep(data() / "sums.json", json.dumps(sums() | {where: digest}, indent=1).encode())
