"""A file from the network, gone on with where it was cut off."""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from renode_pico import __version__
from renode_pico.errors import RenodePicoError
from renode_pico.places import made

READ_TIMEOUT = 30.0
"""Seconds without a byte, after which a connection counts as cut."""
CUTS_WITHOUT_A_BYTE = 3
CHUNK = 1 << 16

Progress = Callable[[int, int | None], None]
"""Told the bytes that are there and those there will be, None where the server does not say."""


class DownloadError(RenodePicoError):
    """A file that could not be downloaded (exit code 3). What there is of it stays; the next try goes on from it."""

    exit_code = 3


def download(url: str, target: Path, progress: Progress = lambda done, size: None) -> Path:
    """Download a file whole, or raise DownloadError.

    What was downloaded is kept as `target.part`, with what the server said of it beside, and asked for no second time:
    a connection that is cut is made again for the rest, and so is one of an earlier call. Where the server has another
    file by then, or cannot send a part, it begins anew.
    """
    made(target.parent)
    part, note = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.json")
    cuts = 0
    while True:
        before = size_of(part)
        try:
            size = fetch_rest(url, part, note, progress)
            break
        except urllib.error.HTTPError as error:
            raise DownloadError(f"{url}: the server says {error.code} {error.reason}") from error
        except (http.client.HTTPException, OSError) as error:
            cuts = 0 if size_of(part) > before else cuts + 1
            if cuts < CUTS_WITHOUT_A_BYTE and not full(error) and size_of(part):
                continue
            raise DownloadError(complaint(url, part, error)) from error
    if size is not None and size_of(part) != size:
        raise DownloadError(f"{url}: {size_of(part)} bytes came, {size} were announced")
    part.replace(target)
    note.unlink(missing_ok=True)
    return target


def fetch_rest(url: str, part: Path, note: Path, progress: Progress) -> int | None:
    """Ask for what is missing and append it; the size of the whole, as far as the server says it."""
    have, known = size_of(part), noted(note)
    headers = {"User-Agent": f"renode-pico/{__version__}"}
    if have and known.get("url") == url and known.get("mark"):
        headers |= {"Range": f"bytes={have}-", "If-Range": known["mark"]}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=READ_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have == known.get("size"):
            return have
        raise
    with answer:
        rest = answer.status == http.client.PARTIAL_CONTENT
        have = have if rest else 0
        length = answer.headers.get("Content-Length")
        size = have + int(length) if length else None
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        note.write_text(json.dumps({"url": url, "mark": mark, "size": size}))
        with part.open("ab" if rest else "wb") as stream:
            while chunk := answer.read(CHUNK):
                stream.write(chunk)
                have += len(chunk)
                progress(have, size)
    if size is not None and have < size:
        raise http.client.IncompleteRead(b"", size - have)
    return size


def noted(note: Path) -> dict[str, Any]:
    """What the server said of a file of which a part is there."""
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def size_of(path: Path) -> int:
    """Bytes in a file; 0 when it is not there."""
    return path.stat().st_size if path.is_file() else 0


def full(error: BaseException) -> bool:
    """Whether it is our own disk that said no, not the network."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def no_room(folder: Path) -> str:
    """What to add to a complaint about a full disk."""
    return f", {shutil.disk_usage(folder).free >> 20} MB are free; --dir and RENODE_PICO_DATA name another place"


def complaint(url: str, part: Path, error: BaseException) -> str:
    """One line: what happened, what there is, what to do."""
    reason = getattr(error, "reason", None) or error
    reason = getattr(reason, "strerror", None) or reason
    if full(error):
        return f"{part}: {reason}{no_room(part.parent)}"
    if not size_of(part):
        return f"{url}: {reason}; without a network, fetch the file elsewhere and give it with --from FILE"
    return f"{url}: cut off after {size_of(part)} bytes ({reason}); the same command goes on from there"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
