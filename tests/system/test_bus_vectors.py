"""Renode's models of DMA, pins and clocks against the vectors of tests/unit/core/vectors.

No firmware takes part, so they prove no row of the matrix; they hold the models of both engines to each other.
"""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.unit.core.bus_vectors import VectorFile, run_vector
from tests.unit.vector_file import Vector

FILES = {name: VectorFile(name) for name in ("dma", "pins", "clocks")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" not in metafunc.fixturenames:
        return
    if engine_of(metafunc.config) == "renode":
        each = [(name, vector) for name, file in FILES.items() for vector in file.vectors]
        metafunc.parametrize(("name", "vector"), [pytest.param(*one, id=f"{one[0]}: {one[1].name}") for one in each])
        return
    reason = "for the renode engine only: the embedded engine's machine runs them in tests/unit/core"
    metafunc.parametrize(("name", "vector"), [pytest.param("", None, id="all", marks=pytest.mark.skip(reason))])


def test_vector(name: str, vector: Vector) -> None:
    from tests.system.bus_on_renode import CLOCKS, PLATFORM, RenodeModel

    run_vector(FILES[name], vector, RenodeModel(PLATFORM + CLOCKS if name == "clocks" else PLATFORM))
