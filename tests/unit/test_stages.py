"""`make test` in parts: what is in them, and what is said where something is missing (row K6)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
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
