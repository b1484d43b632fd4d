"""A debugger on two cores: what is for one core leaves the other as it is."""

from __future__ import annotations

import struct

import pytest

from renode_pico.core.debugger import MachineTarget
from renode_pico.core.machine import Core as Register
from renode_pico.core.machine import Hit, Run, State
from tests.unit.core.small_machine import PROGRAM, SmallMachine

COUNT = [0x2000, 0x3001, 0xE7FD]
"""movs r0, #0; again: adds r0, #1; b again"""
BKPT = 0xBE00


FLASH = 0x1000_0000


@pytest.fixture(params=["SRAM", "flash that is waited for"])
def both(request: pytest.FixtureRequest) -> tuple[SmallMachine, MachineTarget]:
    """Two cores in the same loop. Where there is latency, each fetch takes longer than a turn of a core."""
    machine = SmallMachine(COUNT, cores=2)
    machine.machine.hold_core(1, False)
    if request.param != "SRAM":
        machine.machine.flash[: 2 * len(COUNT)] = struct.pack(f"<{len(COUNT)}H", *COUNT)
        machine.machine.wrote(FLASH, 2 * len(COUNT))
        machine.machine.set_flash_latency(5_000_000)
        for core in range(2):
            machine.machine.set_core(core, 15, FLASH)
    machine.run(200)
    return machine, MachineTarget(machine.machine, lambda: None)


@pytest.mark.parametrize("core", [0, 1])
def test_a_step_is_one_instruction_of_its_core(both: tuple[SmallMachine, MachineTarget], core: int) -> None:
    machine, target = both
    for _ in range(4):
        before, other = machine.machine.instructions(core), machine.machine.instructions(1 - core)
        target.resume(core, step=True, held={1 - core})
        assert machine.run(1000) is Run.DEBUG
        assert machine.machine.debug_hit()[:2] == (Hit.STEP, core)
        assert machine.machine.instructions(core) == before + 1
        assert machine.machine.instructions(1 - core) == other, "it is held"


def test_a_breakpoint_is_passed_by_the_core_that_stands_at_it_and_met_by_the_other(
    both: tuple[SmallMachine, MachineTarget],
) -> None:
    machine, target = both
    again = (machine.pc & ~0xFF) + 2
    assert target.set_breakpoints({again})
    counts: dict[int, list[int]] = {0: [], 1: []}
    for _ in range(20):
        assert machine.run(1000) is Run.DEBUG
        hit, core, address = machine.machine.debug_hit()
        assert (hit, address) == (Hit.BREAKPOINT, again)
        counts[core].append(target.register(core, 0))
        target.resume(core, step=False)
    for seen in counts.values():
        assert len(seen) > 5
        assert seen == list(range(seen[0], seen[0] + len(seen))), "none is missed, none is met twice"


def test_bkpt_is_a_stop_for_a_debugger_and_a_fault_without_one() -> None:
    machine = SmallMachine([BKPT, 0xE7FE])
    target = MachineTarget(machine.machine, lambda: None)
    target.attach(True)
    for _ in range(2):  # as on the chip, it is met again until the debugger moves the PC
        assert machine.run(100) is Run.DEBUG
        assert machine.machine.debug_hit() == (Hit.BREAKPOINT, 0, PROGRAM)
        target.resume(0, step=False)
    target.set_register(0, 15, PROGRAM + 2)
    target.resume(0, step=False)
    assert machine.run(100) is Run.DEADLINE
    target.attach(False)
    target.set_register(0, 15, PROGRAM)
    machine.run(100)
    assert machine.machine.core(0, Register.FAULT) == 1
    assert not machine.machine.core(0, Register.STATE) & State.HALTED
