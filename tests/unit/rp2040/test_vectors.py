"""The Python model of the USB controller against the vectors that every model of it must pass."""

from __future__ import annotations

import pytest

from tests.unit.rp2040.vectors import Bench, PythonModel, VectorFile
from tests.unit.vector_file import Step, Vector

FILE = VectorFile()


@pytest.mark.row("Y4.test-plan", engine="embedded")
@pytest.mark.parametrize(
    "vector",
    [pytest.param(each, id=each.name) for each in FILE.vectors],
)
def test_vector(vector: Vector) -> None:
    Bench(FILE, PythonModel()).run(vector)


def test_every_vector_names_its_rows_and_does_something() -> None:
    assert len(FILE.vectors) > 50
    assert all(vector.rows and vector.steps for vector in FILE.vectors)
    assert len({vector.name for vector in FILE.vectors}) == len(FILE.vectors)


def test_the_bench_notices_a_wrong_value() -> None:
    wrong = Vector("wrong", ["C15"], [])
    wrong.steps.append(Step("here:1", ("read", "SIE_STATUS", "=", "0x1234")))
    with pytest.raises(AssertionError, match="here:1"):
        Bench(FILE, PythonModel()).run(wrong)
