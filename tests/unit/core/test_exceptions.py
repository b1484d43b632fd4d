"""Exceptions as ARM DDI 0419 (ARMv6-M), B1.5 has them: priorities, stacking, tail chaining, faults, sleep."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Core, Fault, Run, State
from tests.unit.core.small_machine import (
    BX_LR,
    CPSID,
    CPSIE,
    HANDLER_SIZE,
    HANDLERS,
    HERE,
    ICPR,
    ICSR,
    IPR,
    ISER,
    ISPR,
    NOP,
    NOTES,
    PROCESS_STACK,
    PROGRAM,
    SCR,
    SEV,
    SHPR2,
    SHPR3,
    STACK,
    SYST_CSR,
    SYST_CVR,
    SYST_RVR,
    WFE,
    WFI,
    SmallMachine,
    frame,
)

IRQ0 = 16
ENTRY = 15
"""Cycles from the last instruction to the first one of a handler (Cortex-M0+ TRM, 3.6: interrupt latency)."""


def handler(number: int) -> int:
    return HANDLERS + HANDLER_SIZE * number


def with_irq(machine: SmallMachine, *numbers: int, priority: int = 0) -> None:
    for number in numbers:
        machine.set_word(ISER, 1 << number)
        at = IPR + (number & ~3)
        shift = 8 * (number & 3)
        machine.set_word(at, machine.word(at) & ~(0xFF << shift) | priority << shift)


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_the_frame_holds_what_the_handler_must_not_lose() -> None:
    machine = SmallMachine([0x2001, 0x2102, 0x2203, 0x2304, 0x46AC, HERE])
    machine.machine.set_core(0, 5, 0x55)
    machine.machine.set_core(0, 14, 0x1234_5679)
    with_irq(machine, 3)
    machine.run(20)
    machine.machine.set_irq(3, True)
    machine.run(ENTRY + 4)
    assert machine.ipsr == IRQ0 + 3
    assert machine.r(14) == 0xFFFF_FFF9
    sp = machine.r(13)
    assert sp == STACK - 32
    stacked = frame(machine, sp)
    assert stacked[:6] == [1, 2, 3, 4, 0x55, 0x1234_5679]
    assert stacked[6] == PROGRAM + 10
    assert stacked[7] >> 24 & 1 == 1
    assert not stacked[7] & 0x3F


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_an_unaligned_stack_is_aligned_and_comes_back() -> None:
    machine = SmallMachine([HERE], {IRQ0: [BX_LR]})
    machine.machine.set_core(0, 13, STACK - 4)
    with_irq(machine, 0)
    machine.machine.set_irq(0, True)
    machine.run(ENTRY + 1)
    assert machine.r(13) == STACK - 4 - 36
    assert frame(machine, machine.r(13))[7] >> 9 & 1 == 1
    machine.machine.set_irq(0, False)
    machine.run(60)
    assert machine.ipsr == 0
    assert machine.r(13) == STACK - 4


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_the_process_stack_takes_the_frame_and_handlers_run_on_the_main_one() -> None:
    # msr psp, r0; movs r1, #2; msr control, r1; b .
    machine = SmallMachine([0xF380, 0x8809, 0x2102, 0xF381, 0x8814, HERE], {IRQ0: [HERE]})
    machine.machine.set_core(0, 0, PROCESS_STACK)
    with_irq(machine, 0)
    machine.run(30)
    assert machine.r(13) == PROCESS_STACK
    machine.machine.set_irq(0, True)
    machine.run(ENTRY + 4)
    assert machine.r(14) == 0xFFFF_FFFD
    assert machine.r(13) == STACK
    assert machine.machine.core(0, Core.PSP) == PROCESS_STACK - 32
    assert machine.machine.core(0, Core.CONTROL) == 0
    machine.put(handler(IRQ0), [BX_LR])
    machine.machine.set_irq(0, False)
    machine.machine.set_core(0, 15, handler(IRQ0))
    machine.run(40)
    assert machine.r(13) == PROCESS_STACK
    assert machine.machine.core(0, Core.CONTROL) == 2


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_the_lower_number_wins_among_equals_and_the_higher_priority_preempts() -> None:
    machine = SmallMachine([HERE])
    with_irq(machine, 4, 5, priority=0x80)
    with_irq(machine, 9, priority=0x40)
    machine.machine.set_irq(5, True)
    machine.machine.set_irq(4, True)
    machine.run(40)
    assert machine.ipsr == IRQ0 + 4
    machine.machine.set_irq(9, True)
    machine.run(40)
    assert machine.ipsr == IRQ0 + 9
    assert machine.r(14) == 0xFFFF_FFF1


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_only_two_bits_of_a_priority_exist() -> None:
    machine = SmallMachine([HERE])
    machine.set_word(IPR, 0xFFFF_FFFF)
    machine.set_word(SHPR2, 0xFFFF_FFFF)
    machine.set_word(SHPR3, 0xFFFF_FFFF)
    assert machine.word(IPR) == 0xC0C0_C0C0
    assert machine.word(SHPR2) == 0xC000_0000
    assert machine.word(SHPR3) == 0xC0C0_0000


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_what_arrives_while_registers_are_stacked_goes_first_with_the_same_frame() -> None:
    machine = SmallMachine([HERE])
    with_irq(machine, 4, priority=0x80)
    with_irq(machine, 9, priority=0x40)
    machine.machine.set_irq(4, True)
    machine.run(3)  # stacking has begun
    machine.machine.set_irq(9, True)
    machine.run(ENTRY + 3)
    assert machine.ipsr == IRQ0 + 9
    assert machine.r(14) == 0xFFFF_FFF9
    assert machine.r(13) == STACK - 32
    assert machine.word(ISPR) >> 4 & 1 == 1


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_the_next_handler_follows_on_the_frame_that_is_there() -> None:
    count = [0x6801, 0x3101, 0x6001, BX_LR]  # ldr r1, [r0]; adds r1, #1; str r1, [r0]; bx lr
    machine = SmallMachine([HERE], {IRQ0 + 4: count, IRQ0 + 5: [HERE]})
    machine.machine.set_core(0, 0, NOTES)
    with_irq(machine, 4, 5, priority=0x80)
    machine.machine.set_irq(5, True)
    machine.machine.set_irq(4, True)
    machine.run(ENTRY + 2)
    machine.machine.set_irq(4, False)
    before = machine.machine.cycles
    while machine.ipsr != IRQ0 + 5:
        machine.run(1)
    assert machine.machine.cycles - before < 20  # unstacking and stacking again would take 28
    assert machine.word(NOTES) == 1
    assert machine.r(13) == STACK - 32
    assert machine.r(14) == 0xFFFF_FFF9


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_a_line_that_stays_up_pends_again_when_its_handler_returns() -> None:
    count = [0x6801, 0x3101, 0x6001, BX_LR]
    machine = SmallMachine([HERE], {IRQ0: count})
    machine.machine.set_core(0, 0, NOTES)
    with_irq(machine, 0)
    machine.machine.set_irq(0, True)
    machine.run(1000)
    many = machine.word(NOTES)
    assert many > 20
    machine.machine.set_irq(0, False)
    machine.run(100)
    many = machine.word(NOTES)
    machine.run(1000)
    assert machine.word(NOTES) == many


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_a_pulse_is_remembered_until_it_is_taken_or_cleared() -> None:
    machine = SmallMachine([HERE])
    machine.machine.set_irq(7, True)
    machine.machine.set_irq(7, False)
    assert machine.word(ISPR) == 1 << 7
    machine.set_word(ICPR, 1 << 7)
    assert machine.word(ISPR) == 0
    machine.machine.set_irq(7, True)
    machine.set_word(ICPR, 1 << 7)
    assert machine.word(ISPR) == 1 << 7  # the line is still up


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_primask_holds_interrupts_off_but_wakes_wfi() -> None:
    machine = SmallMachine([CPSID, WFI, 0x2007, CPSIE, HERE])
    with_irq(machine, 2)
    machine.run(20)
    assert machine.asleep()
    machine.machine.set_irq(2, True)
    machine.run(1)
    assert machine.ipsr == 0
    assert not machine.asleep()
    machine.run(30)
    assert machine.r(0) == 7
    assert machine.ipsr == IRQ0 + 2


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_the_nmi_is_not_masked() -> None:
    machine = SmallMachine([CPSID, HERE])
    machine.machine.set_nmi_mask(0, 1 << 11)
    machine.run(10)
    machine.machine.set_irq(11, True)
    machine.run(ENTRY + 4)
    assert machine.ipsr == 2


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_svc_and_pendsv() -> None:
    machine = SmallMachine([0xDF05, 0x2009, HERE], {11: [0x2105, BX_LR], 14: [0x2206, BX_LR]})
    machine.run(80)
    assert (machine.r(0), machine.ipsr) == (9, 0)
    machine.set_word(ICSR, 1 << 28)
    assert machine.word(ICSR) >> 28 & 1 == 1
    machine.run(80)
    assert machine.word(ICSR) >> 28 & 1 == 0


@pytest.mark.row("E1.faults", engine="embedded")
def test_an_svc_that_cannot_be_taken_is_a_hard_fault() -> None:
    machine = SmallMachine([CPSID, 0xDF00, HERE])
    machine.run(60)
    assert machine.ipsr == 3
    assert machine.machine.core(0, Core.FIRST_FAULT) == Fault.SVC
    assert frame(machine, machine.r(13))[6] == PROGRAM + 2


@pytest.mark.row("E1.faults", engine="embedded")
@pytest.mark.parametrize(
    ("program", "r0", "why"),
    [
        ([0x6801], 0x2000_0001, Fault.UNALIGNED),
        ([0x8801], 0x2000_0001, Fault.UNALIGNED),
        ([0x6001], 0x2000_0002, Fault.UNALIGNED),
        ([0x6801], 0x3000_0000, Fault.READ),
        ([0x6001], 0x3000_0000, Fault.WRITE),
        ([0x6801], 0x2004_2000, Fault.READ),
        ([0x6801], 0x4007_0000, Fault.READ),
        ([0x6801], 0x6000_0000, Fault.READ),
        ([0xC803], 0x2004_1FFC, Fault.READ),
        ([0xBE00], 0, Fault.BREAKPOINT),
        ([0xDE00], 0, Fault.UNDEFINED),
    ],
)
def test_what_the_bus_or_the_core_refuses(program: list[int], r0: int, why: Fault) -> None:
    machine = SmallMachine([NOP, *program, HERE])
    machine.machine.set_core(0, 0, r0)
    machine.machine.set_core(0, 1, 0x1111)
    machine.run(40)
    assert machine.ipsr == 3
    assert machine.machine.core(0, Core.FIRST_FAULT) == why
    stacked = frame(machine, machine.r(13))
    assert stacked[6] == PROGRAM + 2  # of the instruction itself
    assert stacked[:2] == [r0, 0x1111]  # nothing of it has happened


@pytest.mark.row("E1.faults", engine="embedded")
def test_a_branch_to_nowhere_and_to_arm_code() -> None:
    machine = SmallMachine([0x4700])
    machine.machine.set_core(0, 0, 0x3000_0001)
    machine.run(40)
    assert machine.machine.core(0, Core.FIRST_FAULT) == Fault.FETCH
    assert frame(machine, machine.r(13))[6] == 0x3000_0000
    machine = SmallMachine([0x4700])
    machine.machine.set_core(0, 0, PROGRAM + 4)
    machine.run(40)
    stacked = frame(machine, machine.r(13))
    assert machine.machine.core(0, Core.FIRST_FAULT) == Fault.ARM
    assert (stacked[6], stacked[7] >> 24 & 1) == (PROGRAM + 4, 0)


@pytest.mark.row("E1.faults", engine="embedded")
def test_peripherals_cannot_be_executed() -> None:
    machine = SmallMachine([0x4700])
    machine.machine.set_core(0, 0, 0x5010_0101)
    machine.run(40)
    assert machine.machine.core(0, Core.FIRST_FAULT) == Fault.FETCH


@pytest.mark.row("E1.faults", engine="embedded")
def test_a_fault_in_the_fault_handler_locks_up() -> None:
    machine = SmallMachine([0xDE00], {3: [0x6801, HERE]})
    machine.machine.set_core(0, 0, 0x2000_0003)
    assert machine.run(1000) is Run.LOCKED_UP
    assert machine.state() & State.LOCKED_UP
    assert machine.machine.core(0, Core.FIRST_FAULT) == Fault.UNDEFINED
    assert machine.machine.core(0, Core.FIRST_R0 + 15) == PROGRAM
    assert machine.machine.core(0, Core.FAULT) == Fault.UNALIGNED
    assert machine.run(1000) is Run.DEADLINE  # time goes on without it


@pytest.mark.row("E1.faults", engine="embedded")
def test_without_a_stack_there_is_no_handler() -> None:
    machine = SmallMachine([0xDE00])
    machine.machine.set_core(0, 13, 0x3000_0000)
    assert machine.run(1000) is Run.LOCKED_UP


@pytest.mark.row("E1.faults", engine="embedded")
def test_an_exception_return_that_makes_no_sense() -> None:
    machine = SmallMachine([HERE], {IRQ0: [0x4780, HERE]})  # blx r0 is no exception return: BX and POP are
    machine.put(handler(IRQ0), [0x4686, BX_LR])  # mov lr, r0; bx lr
    machine.machine.set_core(0, 0, 0xFFFF_FFF3)
    with_irq(machine, 0)
    machine.machine.set_irq(0, True)
    machine.run(60)
    assert machine.ipsr == 3
    assert machine.machine.core(0, Core.FIRST_FAULT) == Fault.RETURN


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_wfe_takes_an_event_that_is_there_and_waits_for_one_that_is_not() -> None:
    machine = SmallMachine([SEV, WFE, 0x2001, WFE, 0x2002, HERE])
    machine.run(40)
    assert machine.r(0) == 1
    assert machine.state() & State.WAITING_EVENT


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_entering_and_leaving_an_exception_set_the_event_register() -> None:
    machine = SmallMachine([NOP] * 8 + [WFE, 0x2001, HERE], {IRQ0: [BX_LR]})
    with_irq(machine, 0)
    machine.machine.set_irq(0, True)
    machine.run(3)
    machine.machine.set_irq(0, False)
    machine.run(100)
    assert machine.r(0) == 1


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_an_interrupt_that_pends_wakes_wfe_with_sevonpend() -> None:
    for bit, woken in ((0, False), (16, True)):
        machine = SmallMachine([WFE, 0x2001, HERE])
        machine.set_word(SCR, bit)
        machine.run(20)
        machine.machine.set_irq(5, True)  # not enabled
        machine.run(20)
        assert (machine.r(0) == 1) is woken


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_systick_counts_sets_its_flag_and_interrupts() -> None:
    machine = SmallMachine([HERE])
    machine.set_word(SYST_RVR, 99)
    machine.set_word(SYST_CVR, 1234)
    machine.set_word(SYST_CSR, 5)
    begin = machine.machine.cycles
    machine.run(40)
    assert machine.word(SYST_CVR) == 100 - (machine.machine.cycles - begin)
    machine.run(80)
    assert machine.word(SYST_CSR) == 0x10005
    assert machine.word(SYST_CSR) == 5  # reading clears it
    machine.set_word(SYST_CSR, 7)
    machine.run(120)
    assert machine.ipsr == 15


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_systick_wakes_wfi_and_comes_again_each_period() -> None:
    count = [0x6801, 0x3101, 0x6001, BX_LR]
    machine = SmallMachine([WFI, 0xE7FD], {15: count})
    machine.machine.set_core(0, 0, NOTES)
    machine.set_word(SYST_RVR, 999)
    machine.set_word(SYST_CVR, 0)
    machine.set_word(SYST_CSR, 7)
    machine.run(10_500)
    assert machine.word(NOTES) == 10


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_systick_by_the_reference_clock_counts_microseconds() -> None:
    machine = SmallMachine([HERE])
    machine.set_word(SYST_RVR, 0xFFFFFF)
    machine.set_word(SYST_CVR, 0)
    machine.set_word(SYST_CSR, 1)
    machine.run(125 * 50)
    assert 0x1000000 - machine.word(SYST_CVR) in (50, 51)


@pytest.mark.row("E1.exceptions", engine="embedded")
def test_sleep_on_exit() -> None:
    machine = SmallMachine([0x2001, HERE], {IRQ0: [BX_LR]})
    machine.set_word(SCR, 2)
    with_irq(machine, 0)
    machine.run(10)
    machine.machine.set_irq(0, True)
    machine.run(18)
    machine.machine.set_irq(0, False)
    machine.run(60)
    assert machine.asleep()


@pytest.mark.row("E1.exceptions", engine="embedded")
@pytest.mark.parametrize("cuts", [(), (5,), (5, 10), tuple(range(1, ENTRY))], ids=str)
def test_a_late_arrival_is_first_however_often_the_machine_looks_around_meanwhile(cuts: tuple[int, ...]) -> None:
    """The vector is fetched when the frame is written, and not when something else is due before that."""
    machine = SmallMachine([HERE], {IRQ0 + 1: [0x4671, 0x6001, HERE]})  # mov r1, lr; str r1, [r0]
    machine.machine.set_core(0, 0, NOTES)
    with_irq(machine, 0, priority=0xC0)
    with_irq(machine, 1, priority=0)
    machine.run(21)
    begin = machine.machine.cycles
    machine.machine.set_irq(0, True)
    for cut in (*cuts, ENTRY - 1):
        assert machine.machine.run(begin + cut) is Run.DEADLINE
        assert machine.machine.cycles == begin + cut
    machine.machine.set_irq(1, True)
    machine.run(2 * ENTRY)
    assert machine.ipsr == IRQ0 + 1
    assert machine.word(NOTES) == 0xFFFF_FFF9, "from thread mode: its handler was not preempted, it was never begun"
