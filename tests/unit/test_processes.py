"""No test hangs and none leaves a program behind (row K6)."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import INTERRUPTS, WALL_LIMIT, program, run

TESTS = Path(__file__).parents[1]
OWN_MEANS = {TESTS / "processes.py", TESTS / "mutants" / "run.py"}
DIRECTLY = {f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen")} | {"os.system"}

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
print(child.pid, flush=True)
time.sleep(1000)
"""


def is_gone(pid: int) -> bool:
    """Whether a process has ended; init may not have collected it yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


@pytest.mark.row("K6.nothing-hangs")
def test_a_program_is_ended_with_all_that_it_has_started() -> None:
    output, patience = None, 1.0
    while not output:  # on a busy machine it has not said anything yet when it is ended
        patience *= 2
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            run([sys.executable, "-c", PARENT], timeout=patience)
        output = caught.value.output
    child = int(output.decode() if isinstance(output, bytes) else output)
    end = time.monotonic() + WALL_LIMIT
    while not is_gone(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert is_gone(child)


@pytest.mark.row("K6.nothing-hangs")
def test_a_program_takes_interrupts_also_where_this_one_ignores_them() -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", "print('on', flush=True); import time; time.sleep(1000)"]
        with program(command, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "on\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(WALL_LIMIT) == -signal.SIGINT
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.row("K6.nothing-hangs")
def test_every_test_starts_programs_in_this_way() -> None:
    found = []
    for path in sorted(set(TESTS.rglob("*.py")) - OWN_MEANS):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in DIRECTLY:
                found.append(f"{path.relative_to(TESTS)}:{node.lineno} {ast.unparse(node.func)}")
    assert not found, "tests/processes.py has `run` and `program`, which leave nothing behind"


def test_what_was_written_to_it_is_read() -> None:
    done = run([sys.executable, "-c", "print(input()[::-1])"], input="abc\n", env=dict(os.environ), cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "cba\n", "")
