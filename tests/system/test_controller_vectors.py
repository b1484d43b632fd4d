"""Renode's model of the USB controller against the vectors of tests/unit/rp2040/vectors.

No firmware takes part, so they prove no row of the matrix but the test plan's; they hold the two models to each other.
"""

from __future__ import annotations

import pytest
from controller_coverage import count

from renode_pico.pytest_plugin import engine_of
from tests.unit.rp2040.vectors import Bench, VectorFile
from tests.unit.vector_file import Vector

pytestmark = pytest.mark.usefixtures("own_board")

FILE = VectorFile()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" not in metafunc.fixturenames:
        return
    if engine_of(metafunc.config) == "renode":
        metafunc.parametrize("vector", [pytest.param(each, id=each.name) for each in FILE.vectors])
        return
    reason = "for the renode engine only: the embedded engine's model runs them in tests/unit/rp2040"
    metafunc.parametrize("vector", [pytest.param(None, id="all", marks=pytest.mark.skip(reason))])


@pytest.mark.row("Y4.test-plan")
def test_vector(vector: Vector) -> None:
    from tests.system.controller_on_renode import RenodeModel

    Bench(FILE, RenodeModel()).run(vector)


@pytest.mark.engine("renode", reason="the embedded engine's counts: tests/unit/test_controller_plan.py")
@pytest.mark.row("Y4.coverage")
def test_both_models_count_the_same() -> None:
    from tests.system.controller_on_renode import RenodeModel

    assert count(RenodeModel) == count()
