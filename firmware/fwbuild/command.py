"""Running a program: its output goes to a log, and what matters of it to the person if it fails."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from fwbuild.errors import FirmwareError, ToolMissing
from fwbuild.layout import shown

ERROR_LINE = re.compile(
    r"error\b|\bfatal\b|undefined reference|^FAILED|^[EW]: |Traceback|Hunk .* FAILED", re.IGNORECASE
)
LINES_AFTER_AN_ERROR = 3
LINES_SHOWN = 40
LINE_WIDTH = 200  # a compiler's command line is some ten thousand characters
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "http_proxy", "https_proxy", "no_proxy")


Command = Sequence[str | Path]
"""A program and its arguments."""


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment programs are run in: what decides nothing about the image, plus `extra`.

    CFLAGS_EXTRA, PICO_SDK_PATH and their like are left behind: they would change the image, and no hash would know.
    """
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", **extra}


def run(
    command: Command,
    *,
    log: TextIO,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run `command` to its end, copying what it prints to `log`; each line goes to `on_line` too.

    Raises FirmwareError with the log's relevant lines if the program fails, ToolMissing if there is no such program.
    If this process is interrupted meanwhile, the program is ended first.
    """
    words = [str(word) for word in command]
    log.write(f"$ {' '.join(words)}\n")
    printed: list[str] = []
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise ToolMissing(f"there is no program {words[0]!r} on this machine") from error
    assert process.stdout is not None
    try:
        for line in process.stdout:
            log.write(line)
            printed.append(line.rstrip("\n"))
            if on_line:
                on_line(line)
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        log.flush()
    if code:
        lines = "\n".join(f"    {line}" for line in relevant(printed))
        raise FirmwareError(f"{words[0]} failed (exit code {code}):\n{lines}\n  the whole log: {shown(Path(log.name))}")


def relevant(lines: Sequence[str]) -> list[str]:
    """The lines of a failed program's output that say why: each error with what follows it, or else the last ones."""
    wanted: set[int] = set()
    for number, line in enumerate(lines):
        if ERROR_LINE.search(line):
            wanted.update(range(number, min(number + 1 + LINES_AFTER_AN_ERROR, len(lines))))
    chosen = [lines[number] for number in sorted(wanted)] or list(lines[-LINES_SHOWN // 2 :])
    return [line if len(line) <= LINE_WIDTH else f"{line[:LINE_WIDTH]} …" for line in chosen[:LINES_SHOWN]]


def _end(process: subprocess.Popen[str]) -> None:
    """End the program and wait for it, so that it writes nothing any more."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
