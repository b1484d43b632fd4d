"""`make test` in parts: what is in them, and what is said where something is missing (row K6)."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import robot_on_renode
import test as stages  # tools/test.py

from tests.processes import run

ROOT = Path(__file__).parents[2]
TOOL = [sys.executable, str(ROOT / "tools" / "test.py")]


def test_each_test_of_the_quick_stage_is_there() -> None:
    done = run([sys.executable, "-m", "pytest", "--collect-only", "-q", *stages.QUICK], cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stages_can_be_chosen() -> None:
    done = run([*TOOL, "--list", "--only", "unit", "--only", "ruff"], cwd=ROOT)
    assert done.stdout.splitlines()[:3] == ["ruff check", "ruff format", "unit"]
    assert "not on embedded: not asked for" in done.stdout


@pytest.mark.row("K6.quick")
def test_the_quick_stage_is_style_unit_tests_and_a_dozen_of_the_firmware() -> None:
    done = run([*TOOL, "--list", "--quick"], cwd=ROOT)
    assert done.stdout.splitlines()[:4] == ["ruff check", "ruff format", "unit", "a dozen on embedded"]
    assert 10 <= len(stages.QUICK) <= 15


@pytest.mark.row("K6.whole")
def test_the_whole_runs_every_folder_of_tests_and_every_suite() -> None:
    commands = " ".join(" ".join(map(str, stage.command)) for stage in stages.stages(2))
    folders = {path.name for path in (ROOT / "tests").iterdir() if list(path.glob("test_*.py"))}
    assert folders
    for folder in folders:
        assert f"tests/{folder}" in commands
    for suite in (ROOT / "robot").rglob("*.robot"):
        assert str(suite.relative_to(ROOT)) in commands


def test_the_suites_of_the_platform_run_on_each_engine() -> None:
    commands = {stage.name: " ".join(map(str, stage.command)) for stage in stages.stages(2)}
    for suite in (ROOT / "robot" / "platform").glob("*.robot"):
        assert str(suite.relative_to(ROOT)) in commands["robot on embedded"]
        assert str(suite.relative_to(ROOT)) in commands["robot on renode"]


@pytest.mark.row("K6.without-renode")
def test_without_renode_what_needs_it_is_left_out_with_the_reason(tmp_path: Path) -> None:
    without = {name: value for name, value in os.environ.items() if not name.startswith(("RENODE", "PYRENODE"))}
    without |= {"PATH": "/usr/bin:/bin", "RENODE_PICO_DATA": str(tmp_path)}
    done = run([*TOOL, "--list"], cwd=ROOT, env=without)
    assert done.returncode == 0, done.stderr
    *names, last = done.stdout.splitlines()
    assert "system on embedded" in names
    assert not [name for name in names if "renode" in name]
    assert last.startswith("not on renode: Renode is not here")


# How stages run


def stage(name: str, program: str, *, one_core: bool = True, limit: int = 60) -> stages.Stage:
    return stages.Stage(name, [sys.executable, "-c", program], one_core=one_core, limit=limit)


def test_what_is_one_process_runs_beside_others_of_its_kind() -> None:
    names = ("a", "b", "C", "D", "e")
    found = stages.batches([stage(name, "", one_core=name.islower()) for name in names])
    assert ["".join(each.name for each in batch) for batch in found] == ["ab", "C", "D", "e"]
    kinds = {each.name: each.one_core for each in stages.stages(2)}
    assert not [name for name, one_core in kinds.items() if one_core and ("system" in name or "renode" in name)]


def test_what_runs_beside_another_is_told_whole_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    waits = "import pathlib, time\nwhile not pathlib.Path('FILE').exists(): time.sleep(0.01)\n"
    file = str(tmp_path / "the second runs")
    first = stage("first", "print('1 begins', flush=True)\n" + waits.replace("FILE", file) + "print('1 ends')")
    second = stage("second", f"import pathlib; print('2 runs'); pathlib.Path({file!r}).touch(); exit(3)")
    ended = stages.run_batch([first, second], 2)
    assert {name: end.code for name, end in ended.items()} == {"first": 0, "second": 3}
    said = capfd.readouterr().out
    assert "=== first\n1 begins\n1 ends\n--- first: ok" in said
    assert "=== second\n2 runs\n--- second: exit code 3" in said


def test_what_does_not_end_is_ended(capfd: pytest.CaptureFixture[str]) -> None:
    ended = stages.run_batch([stage("hangs", "while True: pass", limit=1)], 2)
    assert ended["hangs"].code == -1
    assert "not finished after 1 s" in capfd.readouterr().out


def test_an_interrupt_ends_all_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[stages.Running] = []

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    class Noted(stages.Running):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            begun.append(self)

    monkeypatch.setattr(stages, "Running", Noted)
    monkeypatch.setattr(time, "sleep", interrupted)
    sleeps = "import time; time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        stages.run_batch([stage("first", sleeps), stage("second", sleeps)], 2)
    assert len(begun) == 2
    for one in begun:
        with pytest.raises(ChildProcessError):
            one.ended()


# Suites on Renode

SUITE = """*** Settings ***
Documentation    Two.

*** Test Cases ***
Should Count
    Log    1

# not this
Should Count Twice
    Log    2

*** Keywords ***
Is No Test
    Log    3
"""
RENODE_TEST = """#!/bin/sh
echo "+++++ Starting test 'x'"
shift 2
for suite in "$@"; do
    echo "Suite $suite finished successfully in 2.50 seconds."
    case $suite in *wrong.robot) echo "its reason"; exit 4;; esac
done
"""


def test_suites_are_cut_into_shares_that_last_as_long_as_each_other(tmp_path: Path) -> None:
    (tmp_path / "x.robot").write_text(SUITE)
    assert robot_on_renode.tests_in(tmp_path / "x.robot") == 2
    seconds = {"a": 50.0, "b": 30.0, "c": 25.0, "d": 1.0}
    assert robot_on_renode.shares(seconds, 2) == [["a", "d"], ["b", "c"]]
    assert robot_on_renode.shares(seconds, 9) == [["a"], ["b"], ["c"], ["d"]]
    suites = {name: float(robot_on_renode.tests_in(ROOT / name)) for name in stages.robot_files()}
    cut = robot_on_renode.shares(suites, 2)
    assert sorted(suite for share in cut for suite in share) == sorted(suites)


@pytest.mark.parametrize(("last", "code"), [("right", 0), ("wrong", 1)])
def test_every_share_counts(tmp_path: Path, last: str, code: int) -> None:
    program = tmp_path / "renode-test"
    program.write_text(RENODE_TEST)
    program.chmod(0o755)
    suites = [tmp_path / f"{name}.robot" for name in ("one", "two", last)]
    for suite in suites:
        suite.write_text(SUITE)
    tool: list[str | Path] = [
        sys.executable,
        ROOT / "tools" / "robot_on_renode.py",
        "--jobs",
        "2",
        "--renode-test",
        program,
    ]
    done = run([*tool, "--results", tmp_path / "r", *suites], env=os.environ | {"RENODE_PICO_CACHE": str(tmp_path)})
    assert done.returncode == code, done.stdout + done.stderr
    assert all(f"| Suite {suite} finished successfully" in done.stdout for suite in suites)
    assert "Starting" not in done.stdout
    assert ("exit code 4" in done.stdout) == bool(code)
    assert "Starting" in (tmp_path / "r" / "1" / "console.log").read_text()
    assert "2.5" in (tmp_path / "suite-seconds.json").read_text()
