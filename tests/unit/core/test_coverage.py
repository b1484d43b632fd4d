"""The edge map: what the program does, not when it was interrupted."""

from __future__ import annotations

from tests.unit.core.small_machine import BX_LR, ISER, ISPR, NOP, SmallMachine

NEXT, BACK = 0xE7FF, 0xE7FB
"""A branch to the instruction behind it, and one to the beginning of the loop."""
LOOP = [NOP, NEXT, NOP, BACK]
IRQ0 = 16


def edges(interrupts: list[int]) -> set[int]:
    """Edges of so many turns of the loop, interrupted after so many cycles each."""
    small = SmallMachine(LOOP, {IRQ0 + 3: [NEXT, BX_LR]})
    small.set_word(ISER, 1 << 3)
    counters = small.machine.cover(True)
    assert counters is not None
    small.run(40)
    for cycles in interrupts:
        small.run(cycles)
        small.set_word(ISPR, 1 << 3)
        small.run(60)
    return {at for at, count in enumerate(counters) if count}


def test_where_an_interrupt_comes_is_no_edge() -> None:
    plain, one = edges([]), edges([1])
    assert len(plain) == 3  # into the loop, and its two branches
    assert one > plain
    assert len(one) == len(plain) + 1  # the handler's own branch
    for cycles in range(2, 14):
        assert edges([cycles, cycles + 3]) == one
