"""Cycles of each instruction as the Cortex-M0+ TRM has them (ARM DDI 0484C, table 3.1), and of the RP2040's bus."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Core
from tests.unit.core.small_machine import HERE, NOP, NOTES, PROGRAM, SmallMachine

SIO_SCRATCH = 0xD000_0010
SRAM, SIO_CPUID, TIMER_RAW, FLASH = NOTES, 0xD000_0000, 0x4005_4028, 0x1000_0000
pytestmark = pytest.mark.row("E1.cycle-counts", engine="embedded")


def cycles(program: list[int], **registers: int) -> int:
    """How long one instruction takes."""
    machine = SmallMachine([*program, NOP, NOP, NOP, NOP])
    for name, value in registers.items():
        machine.machine.set_core(0, int(name[1:]), value)
    return machine.step()


@pytest.mark.parametrize(
    ("program", "count"),
    [
        ([0x2001], 1),  # movs r0, #1
        ([0x4608], 1),  # mov r0, r1
        ([0x1840], 1),  # adds r0, r0, r1
        ([0x4348], 1),  # muls r0, r1: the RP2040 has the single-cycle multiplier
        ([0x4148], 1),  # adcs
        ([0x0080], 1),  # lsls
        ([0xB200], 1),  # sxth
        ([0xBA00], 1),  # rev
        ([0x46C0], 1),  # mov r8, r8
        ([0xBF00], 1),  # nop
        ([0xB662], 1),  # cpsie i
        ([0xBF40], 1),  # sev
        ([0xB082], 1),  # sub sp
        ([0xE000], 2),  # b
        ([0xF000, 0xF801], 3),  # bl
        ([0xF3BF, 0x8F4F], 3),  # dsb
        ([0xF3BF, 0x8F5F], 3),  # dmb
        ([0xF3BF, 0x8F6F], 3),  # isb
        ([0xF3EF, 0x8010], 3),  # mrs r0, primask
        ([0xF380, 0x8810], 3),  # msr primask, r0
        ([0x4800], 2),  # ldr r0, [pc]
    ],
)
def test_instructions(program: list[int], count: int) -> None:
    assert cycles(program, r0=0) == count


def test_branches_that_are_taken_and_not() -> None:
    assert cycles([0xD000], r0=0) == 1  # beq: z is clear
    machine = SmallMachine([0xD000, NOP, NOP, NOP])
    machine.machine.set_core(0, Core.XPSR, 1 << 30)
    assert machine.step() == 2
    assert cycles([0x4700], r0=PROGRAM | 1) == 2  # bx
    assert cycles([0x4780], r0=PROGRAM | 1) == 2  # blx
    assert cycles([0x4687], r0=PROGRAM) == 2  # mov pc, r0
    assert cycles([0x4487], r0=4) == 2  # add pc, r0


@pytest.mark.parametrize(("program", "count"), [([0xB401], 2), ([0xB4FF], 9), ([0xB5FF], 10), ([0xC00F], 5)])
def test_stores_of_lists_take_one_and_one_for_each_register(program: list[int], count: int) -> None:
    assert cycles(program, r0=NOTES) == count


@pytest.mark.parametrize(("program", "count"), [([0xBC01], 2), ([0xBCFF], 9), ([0xC80E], 4)])
def test_loads_of_lists_take_one_and_one_for_each_register(program: list[int], count: int) -> None:
    assert cycles(program, r0=NOTES, r13=NOTES) == count


def test_pop_with_pc_takes_two_more_for_the_refill() -> None:
    machine = SmallMachine([0xBD0F, HERE])
    machine.set_word(NOTES + 16, PROGRAM | 1)
    machine.machine.set_core(0, 13, NOTES)
    assert machine.step() == 3 + 5


@pytest.mark.parametrize(
    ("code", "address", "count"),
    [
        (0x6801, SRAM, 2),
        (0x6801, FLASH, 2),
        (0x6801, SIO_CPUID, 1),
        (0x6801, TIMER_RAW, 4),
        (0x6001, SRAM, 2),
        (0x6001, SIO_CPUID + 0x10, 1),
        (0x6001, 0x4005_4010, 5),
    ],
)
def test_the_bus(code: int, address: int, count: int) -> None:
    """SIO on its own port in one cycle; the APB bridge with two wait states to read and three to write."""
    assert cycles([code], r0=address) == count


@pytest.mark.parametrize(
    ("code", "address", "count"), [(0xC006, SIO_SCRATCH, 3), (0xC806, SIO_SCRATCH, 3), (0xC802, TIMER_RAW, 4)]
)
def test_lists_on_the_bus(code: int, address: int, count: int) -> None:
    """1 + N at SIO, too (table 3.1 has no shorter time for lists), and the bridge's wait states for each register."""
    assert cycles([code], r0=address) == count


def test_from_the_interrupt_to_its_handler() -> None:
    machine = SmallMachine([HERE])
    machine.set_word(0xE000_E100, 1)
    machine.run(10)
    machine.machine.set_irq(0, True)
    before = machine.machine.cycles
    while machine.ipsr != 16:
        machine.run(1)
    assert machine.machine.core_cycles(0) - before in (15, 16, 17)  # 15, and what is left of `b .`, which takes 2
