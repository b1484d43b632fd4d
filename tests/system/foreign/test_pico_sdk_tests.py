"""Tests of the pico-sdk's own that use both cores, as Raspberry Pi has written them: they check themselves.

The images are of pico-sdk/test in Debian's source package (firmware/sdk_tests.py).
"""

from __future__ import annotations

import re

import pytest

from tests.system.test_command_line import run

pytestmark = [
    pytest.mark.engine("embedded", reason="it is about that engine's two cores"),
    pytest.mark.row("E2.images", engine="embedded"),
]
ENDED_WELL = re.compile(r"^end .*\bmain\(\) returned 0\b", re.MULTILINE)


def run_on_two_cores(name: str) -> str:
    """What a program prints until its main() returns, which must be 0."""
    done = run("run", f"pico-sdk/{name}", "--engine", "embedded", "--cores", "2", "--timeout", "10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ENDED_WELL.search(done.stderr), done.stderr
    return done.stdout


def test_spin_locks_are_had_by_one_core_at_a_time() -> None:
    """Each core takes 7 x 262,144 locks at random, of 32 down to 2; a lock that both had would lose a count."""
    said = run_on_two_cores("hardware_sync_spin_lock_test")
    lines = [line for line in said.splitlines() if line]
    assert [line for line in lines if "Finished" in line or line == "OK."][1::2] == ["OK."] * 7
    assert lines[-1] == "All tests passed."


def test_both_cores_and_an_interrupt_print_whole_lines() -> None:
    """What each prints comes in its order, nothing is torn or lost, and nobody waits for another for ever."""
    said = run_on_two_cores("pico_stdio_test_uart")
    of_core_1 = [int(number) for number in re.findall(r"^Hello from core 1 - (\d+)$", said, re.MULTILINE)]
    of_interrupt = [int(number) for number in re.findall(r"^Here is a printf from the IRQ (\d+)$", said, re.MULTILINE)]
    assert of_core_1 == list(range(len(of_core_1)))
    assert len(of_core_1) > 50  # one in 23 ms, for 1.75 s
    assert of_interrupt == list(range(1, len(of_interrupt) + 1))
    assert len(of_interrupt) > 100
    others = [line for line in said.splitlines() if line and not line.startswith(("Hello", "Here is a printf"))]
    assert others[-2:] == [
        "Module pico_stdio_test: Section STDIO deadlock test : Passed",
        "pico_stdio test harness: Success",
    ]
    assert len(others) == 4
