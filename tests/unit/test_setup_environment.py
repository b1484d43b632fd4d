"""tools/setup.py: an environment that was interrupted in its making is made anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a folder of its own; what it would make or install it only writes down."""
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "tools" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / ".renode-pico")
    monkeypatch.setattr(module, "renode_present", lambda: False)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    return module


def python(folder: Path, pip: int) -> None:
    """A Python in the environment, whose pip ends with an exit code."""
    program = folder / ".venv" / "bin" / "python"
    program.write_text(f"#!/bin/sh\nexit {pip}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(("pip", "made"), [(1, True), (0, False)])
def test_an_environment_without_pip_is_made_anew(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: int, made: bool
) -> None:
    python(tmp_path, pip)
    calls: list[str] = []

    def create() -> int:
        calls.append("created")
        python(tmp_path, 0)
        return 0

    monkeypatch.setattr(setup, "create_venv", create)
    assert setup.main() == 0
    assert calls == ["created"] * made
    assert setup.STAMP.read_text() == setup.fingerprint(False)
