"""The traces of a test, thrown away when it passes and kept when it fails."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from renode_pico.trace.session import ObservableHost, traced
from renode_pico.usb.transfer import Host

SUFFIXES = (".pcapng", ".html")
LONGEST_NAME = 120


class KeptTrace:
    """Traces a host's bus from now on; `end` says whether the files are worth keeping."""

    def __init__(self, host: Host) -> None:
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="usb-trace-")))
        self._files = [self._folder / f"bus{suffix}" for suffix in SUFFIXES]
        self._writing = ExitStack()
        self._stack.push(self._writing)
        if isinstance(host, ObservableHost):
            self._writing.enter_context(traced(host, self._files))

    def end(self, keep_in: Path | None = None, name: str = "") -> list[Path]:
        """Stop; with `keep_in` put the files there, named after the test. Returns what was kept."""
        with self._stack:
            self._writing.close()
            if keep_in is None:
                return []
            keep_in.mkdir(parents=True, exist_ok=True)
            kept = []
            for file in self._files:
                if file.exists():
                    kept.append(keep_in / f"{file_name(name)}{file.suffix}")
                    shutil.move(file, kept[-1])
            return kept


def file_name(test: str) -> str:
    """Make a file's name of a test's."""
    return re.sub(r"[^\w.=-]+", "_", test).strip("_")[-LONGEST_NAME:]
