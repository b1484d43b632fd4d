"""One build at a time in one cache folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwbuild.report import Report


@contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock `path`, waiting for another invocation to let go of it. The system drops it with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            report.line(f"waiting for another firmware build (process {file.read().strip() or 'unknown'})")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
