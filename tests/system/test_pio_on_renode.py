"""Renode's models of PIO and PWM against the tests of the embedded engine's: the same cases, the same cycles.

No firmware takes part: but for the equality with `rp2040-pio-emulator` they prove no row of the matrix; they hold the
models of both engines to each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from renode_pico.pytest_plugin import engine_of
from tests.unit.core import test_pio, test_pio_lazy, test_pio_oracle, test_pwm
from tests.unit.core.pio_bench import PioBench

OF_THE_MACHINE_IN_C = {
    "test_the_blocks_see_each_others_pins",
    "test_what_is_skipped_comes_out_the_same",
    "test_the_same_as_the_package",
    "test_a_slice_measures_the_duty_of_another_one",
    "test_in_steps_is_cycle_by_cycle",
}
"""They answer to a pin from the machine's callback, or make machines by themselves."""


def cases(module: Any, argument: str) -> list[Any]:
    """Every test of a module with every set of its parameters, as a call."""
    found = []
    for name, test in vars(module).items():
        if not name.startswith("test_") or name in OF_THE_MACHINE_IN_C:
            continue
        sets: list[dict[str, Any]] = [{}]
        for mark in getattr(test, "pytestmark", []):
            if mark.name == "parametrize":
                names, values = mark.args
                names = (names,) if isinstance(names, str) else names
                each = [dict(zip(names, one if len(names) > 1 else (one,), strict=True)) for one in values]
                sets = [{**old, **new} for old in sets for new in each]
        for number, parameters in enumerate(sets):
            found.append(pytest.param(test, argument, parameters, id=f"{name}-{number}" if parameters else name))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    if engine_of(metafunc.config) == "renode":
        metafunc.parametrize(("case", "argument", "parameters"), cases(test_pio, "pio") + cases(test_pwm, "pwm"))
        return
    reason = "for the renode engine only: the embedded engine's machine runs them in tests/unit/core"
    metafunc.parametrize(
        ("case", "argument", "parameters"), [pytest.param(None, "", {}, id="all", marks=pytest.mark.skip(reason))]
    )


def test_case(case: Callable[..., None], argument: str, parameters: dict[str, Any]) -> None:
    from tests.system.pio_on_renode import RenodeMachine

    machine: Any = RenodeMachine()
    if argument == "pio":
        case(PioBench(0, machine), **parameters)
    else:
        pwm = test_pwm.Pwm()
        pwm.machine = machine
        case(pwm, **parameters)


@pytest.mark.row("P8.independent")
@pytest.mark.engine("renode", reason="the embedded engine's machine does it in tests/unit/core")
def test_the_same_as_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.system.pio_on_renode import RenodeMachine

    make: Any = RenodeMachine
    monkeypatch.setattr(test_pio_oracle, "PioBench", lambda: PioBench(0, make()))
    test_pio_oracle.test_the_same_as_the_package()


@pytest.mark.engine("renode", reason="the embedded engine's machine does it in tests/unit/core")
@settings(max_examples=25, derandomize=True)
@given(test_pio_lazy.STORY)
def test_what_is_written_down_is_what_happens_cycle_by_cycle(story: test_pio_lazy.Story) -> None:
    """Edges of recorded pins, told late and in one go, have the cycles in which one sees them who looks at each."""
    from tests.system.pio_on_renode import RenodeMachine

    make: Any = RenodeMachine
    slowly = test_pio_lazy.tell(story, step_by_step=True, watch=False)
    recorded = test_pio_lazy.tell(story, step_by_step=False, watch=True, bench=PioBench(0, make()))
    assert recorded == slowly
