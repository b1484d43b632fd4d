"""Other programs in tests: none outlives its test, whatever it has started, and none waits for ever."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

WALL_LIMIT = 300.0
"""Seconds of real time after which a program of a test is taken to hang; nothing is measured with it."""
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def default_interrupts() -> None:
    """Take signals as a program at a terminal does, also where this one was told to ignore them (nohup, some CI)."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a program and everything that it has started and left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def program(command: Sequence[str | os.PathLike[str]], **more: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program that runs beside the test, in a process group of its own that is ended with the block."""
    process = subprocess.Popen(command, start_new_session=True, preexec_fn=default_interrupts, **more)
    try:
        yield process
    finally:
        end_group(process)


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    timeout: float = WALL_LIMIT,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    input: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; text of both outputs. `timeout`: real seconds, after which its group is ended.

    Raises subprocess.TimeoutExpired, whose `output` and `stderr` hold what was said so far.
    """
    pipe = subprocess.PIPE
    with program(command, env=env, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        output, errors = process.communicate(input, timeout=timeout)
    return subprocess.CompletedProcess(list(command), process.returncode, output, errors)


def run_here(
    main: Callable[[Sequence[str]], None], arguments: Sequence[str], input: str = ""
) -> subprocess.CompletedProcess[str]:
    """What a program's `main` does, in this process; text of both outputs, also of what is written past Python.

    For programs whose start is not what is tested: it takes 4 s where Renode is loaded, and as long as most boards
    live in a test where it is not.
    """
    handler = signal.getsignal(signal.SIGTERM)
    code: object = 0
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            with (
                _input(input),
                _instead_of(1, output) as out,
                _instead_of(2, errors) as err,
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                main(arguments)
        except SystemExit as end:
            code = end.code
        finally:
            signal.signal(signal.SIGTERM, handler)
        said = []
        for file in (output, errors):
            file.seek(0)
            said.append(io.TextIOWrapper(file, encoding="utf-8").read())  # line ends as in `run`
    return subprocess.CompletedProcess(list(arguments), code if isinstance(code, int) else int(bool(code)), *said)


@contextmanager
def _input(text: str) -> Iterator[None]:
    """A standard input that holds a text (of no more than a pipe takes at once), and ends with it."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    kept, stream = os.dup(0), sys.stdin
    os.dup2(reader, 0)
    os.close(reader)
    try:
        with open(0, encoding="utf-8", closefd=False) as sys.stdin:
            yield
    finally:
        sys.stdin = stream
        os.dup2(kept, 0)
        os.close(kept)


@contextmanager
def _instead_of(descriptor: int, file: Any) -> Iterator[io.TextIOWrapper]:
    """A file in the place of one of this process's own; what Python writes there."""
    kept = os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="", closefd=False) as stream:
            yield stream
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
