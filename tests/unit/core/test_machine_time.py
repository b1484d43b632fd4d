"""The machine's alarm: between the two instructions where its instant lies, whatever clk_sys does meanwhile."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Machine, Run

RING_OSCILLATOR, CRYSTAL, SDK = 6_500_000, 12_000_000, 125_000_000
MS = 1_000_000


@pytest.mark.parametrize("clocks", [(RING_OSCILLATOR, SDK), (RING_OSCILLATOR, CRYSTAL, RING_OSCILLATOR, SDK)], ids=str)
def test_an_alarm_keeps_its_instant_when_the_clock_changes(clocks: tuple[int, ...]) -> None:
    machine = Machine()
    machine.hz = clocks[0]
    machine.alarm_at_ns(MS + 1)
    for number, hz in enumerate(clocks[1:], start=1):
        machine.run(machine.cycle_at_ns(number * 100_000))
        machine.hz = hz
    assert machine.run(machine.cycle_at_ns(2 * MS)) is Run.ALARM
    assert 0 <= machine.now_ns - (MS + 1) < 8, "the first cycle that is not before it"
