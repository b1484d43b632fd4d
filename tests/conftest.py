"""What all suites share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from renode_pico.core.build import library

# How fast this machine is just now says nothing about the code: no test is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def core_library() -> Path:
    """The engine's core, compiled: of this user's cache, before a test has a cache of its own."""
    return library()


@pytest.fixture
def lay_core(core_library: Path) -> Callable[[Path], None]:
    """Put the compiled core into a cache of a test's own: compiling it takes 6 s, and is the test of few."""

    def lay(cache: Path) -> None:
        (cache / "core").mkdir(parents=True)
        shutil.copy(core_library, cache / "core")

    return lay
