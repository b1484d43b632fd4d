"""The embedded engine's clocks against the vectors that both engines' models run."""

from __future__ import annotations

import pytest

from tests.unit.core.bus_vectors import VectorFile, run_vector
from tests.unit.core.embedded_bus import EmbeddedChip
from tests.unit.vector_file import Vector

FILE = VectorFile("clocks")


@pytest.mark.parametrize("vector", [pytest.param(each, id=each.name) for each in FILE.vectors])
def test_vector(vector: Vector) -> None:
    run_vector(FILE, vector, EmbeddedChip())
