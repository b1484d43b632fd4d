"""The results of a campaign on disk: one line for each case, appended and synced before the next one is looked at.

A line is whole or it is not there: what a crash has left of the last one is cut off when the file is opened again.
Only one process has it open.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from renode_pico.errors import UsageError
from renode_pico.fuzz.campaign import Case


class Results:
    """What is known of a campaign's cases, by key. Use it as a context manager.

    Raises UsageError when another process has the file open, or when it is none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_key: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise UsageError(f"{path}: another campaign is writing to it") from None
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> None:
        self._file.seek(0)
        good = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                self.by_key[entry["key"]] = entry
            except (ValueError, KeyError, TypeError):
                raise UsageError(f"{self.path}, line {number}: is no result of a campaign") from None
            good += len(line)
        self._file.truncate(good)
        self._file.seek(0, os.SEEK_END)

    def add(self, case: Case, result: dict[str, Any]) -> bool:
        """Append one, on disk when this returns; False when it is there already. Raises OSError that names the file."""
        if case.key in self.by_key:
            return False
        entry = {"key": case.key, "name": case.name, "case": asdict(case), "result": result}
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._file.fileno(), line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        self.by_key[case.key] = entry
        return True

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
