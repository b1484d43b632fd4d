"""Files that are whole or not there."""

from __future__ import annotations

from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a text file. Raises OSError that names the file; what there was no room for is taken away again.

    A file that cannot be opened stays as it is.
    """
    left = text.encode()
    with path.open("wb", buffering=0) as file:
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            if path.is_file():
                path.unlink()
            raise OSError(error.errno, error.strerror, str(path)) from None
