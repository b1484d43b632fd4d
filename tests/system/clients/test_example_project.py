"""The example project of docs/ci.md, run as its users run it (row T7)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.clients.conftest import ROOT, run

EXAMPLE = ROOT / "examples" / "traffic-light"


@pytest.mark.row("T7.fixtures")
def test_the_example_projects_own_tests_pass(
    request: pytest.FixtureRequest, tmp_path: Path, serve: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache", "results"))
    firmware = ROOT / "firmware" / "build" / "out" / "cdc.uf2"
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    done = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--engine", engine_of(request.config), f"--firmware={firmware}"),
        cwd=project,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout
    assert not (project / "results").exists()
