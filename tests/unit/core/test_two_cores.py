"""Two cores in turns: mailboxes, spin locks, events, and the same run each time."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Core, Machine, Run
from tests.unit.core.small_machine import HERE, NOP, NOTES, PROGRAM, SEV, WFE, SmallMachine

SIO = 0xD000_0000
SPINLOCK0 = 0x100
CORE1 = PROGRAM + 0x200
pytestmark = pytest.mark.row("E2.multicore", engine="embedded")

LONG = 30
"""Cycles: more than a core goes ahead of the other."""

# r0: SIO, r1: the counter, r5: turns left, r6: SIO + 0x100 (spin lock 0), r7: 1
COUNT_UNDER_A_LOCK = [
    0x6832,  # take: ldr r2, [r6]
    0x2A00,  # cmp r2, #0
    0xD0FC,  # beq take
    0x680B,  # ldr r3, [r1]
    0x3301,  # adds r3, #1
    *[NOP] * LONG,  # so that the other core has a turn between the load and the store
    0x600B,  # str r3, [r1]
    0x6037,  # str r7, [r6]
    0x3D01,  # subs r5, #1
    0xD100 | -(10 + LONG) & 0xFF,  # bne take
    HERE,
]


def two_cores(first: list[int], second: list[int]) -> SmallMachine:
    machine = SmallMachine(first, cores=2)
    machine.put(CORE1, second)
    machine.machine.set_core(1, 15, CORE1)
    machine.machine.hold_core(1, False)
    for core in range(2):
        for number, value in ((0, SIO), (1, NOTES), (5, 500), (6, SIO + SPINLOCK0), (7, 1)):
            machine.machine.set_core(core, number, value)
    return machine


def test_a_spin_lock_keeps_two_cores_apart() -> None:
    machine = two_cores(COUNT_UNDER_A_LOCK, COUNT_UNDER_A_LOCK)
    machine.run(100_000)
    assert machine.word(NOTES) == 1000
    assert all(machine.machine.core(core, 5) == 0 for core in range(2))


@pytest.mark.row("E2.deterministic", engine="embedded")
@pytest.mark.parametrize("pieces", [1, 7])
def test_two_runs_in_the_same_pieces_are_the_same_run(pieces: int) -> None:
    """In the middle of it, where the cores' turns show. In other pieces they are other turns: a deadline ends one."""

    def run() -> list[list[int]]:
        machine = two_cores(COUNT_UNDER_A_LOCK, COUNT_UNDER_A_LOCK)
        seen = []
        for piece in range(1, pieces + 1):
            machine.machine.run(3_000 * piece // pieces)
            registers = [machine.machine.core(core, number) for core in range(2) for number in range(16)]
            seen.append([machine.word(NOTES), machine.machine.cycles, *registers])
        return seen

    first = run()
    assert 0 < first[-1][0] < 1000, "neither has ended"
    assert run() == run() == first


def test_mailboxes_and_their_interrupts() -> None:
    machine = two_cores([HERE], [HERE])
    m = machine.machine
    for value in range(9):
        m.send_fifo(0, value)
    assert m.bus_read(SIO + 0x50) == 4  # core 0: full (no RDY), and WOF for the ninth
    assert machine.word(0xE000_E200) == 1 << 15  # for WOF, SIO_IRQ_PROC0 of its own


def test_words_arrive_in_order_and_wake_a_core_that_waits() -> None:
    # core 1: ldr r2, [r0, #0x50]; lsrs r2, #1; bcs +1; wfe ... as the SDK's multicore_fifo_pop_blocking()
    receive = [0x6D02, 0x0852, 0xD201, WFE, 0xE7FA, 0x6D83, 0x600B, 0x3104, 0xE7F6]
    # core 0: str r7, [r0, #0x54]; sev; adds r7, #1; subs r5, #1; bne
    send = [0x6547, SEV, 0x3701, 0x3D01, 0xD1FA, HERE]
    machine = two_cores(send, receive)
    machine.machine.set_core(0, 5, 8)
    machine.run(2_000)
    assert [machine.word(NOTES + 4 * number) for number in range(8)] == list(range(1, 9))
    assert machine.asleep(1)


def test_a_core_that_sleeps_costs_nothing_and_lives_in_the_same_time() -> None:
    machine = two_cores([HERE], [WFE, HERE])
    machine.run(10_000)
    m = machine.machine
    assert m.core_cycles(1) < 10
    assert m.instructions(0) > 4_000
    m.set_core(1, Core.PRIMASK, 0)
    machine.set_word(NOTES, 0)


def test_one_core_only_says_when_the_other_is_wanted() -> None:
    machine = SmallMachine([0x6547, HERE], cores=1)  # str r7, [r0, #0x54]
    machine.machine.set_core(0, 0, SIO)
    assert machine.run(100) is Run.CORE1_MISSED
    assert machine.run(100) is Run.DEADLINE


def test_each_core_has_its_own_divider() -> None:
    divide = [0x6602, 0x6643, HERE]  # str r2, [r0, #0x60]; str r3, [r0, #0x64]
    machine = two_cores(divide, divide)
    for core, dividend in ((0, 100), (1, 77)):
        machine.machine.set_core(core, 2, dividend)
        machine.machine.set_core(core, 3, 10)
    machine.run(100)
    assert machine.word(SIO + 0x70) == 10  # what Python reads is core 0's


def test_a_held_core_does_not_run() -> None:
    machine = Machine(2)
    assert machine.run(1000) is Run.DEADLINE
    assert machine.instructions(0) == machine.instructions(1) == 0
