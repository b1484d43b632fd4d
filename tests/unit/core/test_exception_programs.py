"""Random programs that take exceptions, on the core in C and on unicorn: `tools/fuzz_core.py` runs more of them."""

from __future__ import annotations

import pytest

from tests.unit.core.exception_programs import Comparison

PROGRAMS = 500


@pytest.mark.row("E1.first-oracle", "E1.exceptions", "E1.faults", engine="embedded")
def test_random_programs_with_exceptions() -> None:
    comparison = Comparison()
    for seed in range(PROGRAMS):
        assert not comparison.difference(seed), f"seed {seed}"
    assert all(count > 20 for count in comparison.taken.values()), comparison.taken
