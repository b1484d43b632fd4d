"""The class drivers' Robot keywords: class_drivers.robot on this engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from renode_pico.board import Board
from tests.processes import run

SUITE = Path(__file__).with_name("class_drivers.robot")


@pytest.mark.row("T7.robot-library")
def test_the_suite_passes(pico: Board, tmp_path: Path) -> None:
    pico.close()
    options = ["--outputdir", str(tmp_path), "--variable", f"ENGINE:{pico.engine.name}"]
    done = run([sys.executable, "-m", "robot", *options, str(SUITE)])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 tests, 3 passed, 0 failed" in done.stdout
