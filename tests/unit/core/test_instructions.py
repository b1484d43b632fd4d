"""Every 16-bit encoding and random programs, on the core in C and on unicorn (QEMU): the same state afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from renode_pico.core.machine import Core, Fault, Machine, Run
from tests.unit.core.unicorn_core import CODE, DATA_SIZE, FLAGS, Oracle, Ours, halfwords, random_state

NOP = 0xBF00
PARTS = 4

pytestmark = [pytest.mark.row("E1.first-oracle", engine="embedded"), pytest.mark.row("E1.encodings", engine="embedded")]


def undefined(code: int) -> bool:
    """No instruction of ARMv6-M, though unicorn executes some of them (ARMv7's CBZ, IT, SETEND)."""
    cbz = code & 0xF500 == 0xB100
    it = code >> 8 == 0xBF and bool(code & 15)
    setend = code & 0xFFF7 == 0xB650
    empty_list = (code & 0xFE00 in (0xB400, 0xBC00) and not code & 0x1FF) or (code >> 12 == 0xC and not code & 0xFF)
    return cbz or it or setend or empty_list


def special(code: int) -> bool:
    """What leaves the instruction stream: BKPT, UDF, SVC, hints, CPS. They have tests of their own."""
    return code >> 8 in (0xBE, 0xDE, 0xDF, 0xBF) or code & 0xFFE0 == 0xB660


def plain_encodings() -> Iterator[int]:
    for code in range(0xE800):
        if not special(code) and not undefined(code):
            yield code


@pytest.mark.parametrize("part", range(PARTS))
def test_every_encoding_with_random_state(part: int) -> None:
    random, oracle, ours = Random(part), Oracle(), Ours()
    data = random.randbytes(DATA_SIZE)
    compared = 0
    for code in list(plain_encodings())[part::PARTS]:
        before = random_state(random)
        program = halfwords(code, NOP, NOP, NOP)
        expected = oracle.run(program, data, before, 1)
        if expected is None or not 0x2000_0000 <= expected[0].r[15] < 0x2004_0000:
            continue  # it goes where there is nothing
        expected[0].r[13] &= ~3  # unicorn's SP keeps bits 1 and 0; ARMv6-M has none (B1.4.1)
        assert ours.run(program, data, before, 1) == expected, f"{code:#06x} with {before}"
        compared += 1
    assert compared > 35_000 // PARTS


def encoding_of_a_program(random: Random, length: int, at: int) -> int:
    """An instruction that stays in the program: branches lead forward, loads and stores go where r7 and SP point."""
    kind = random.randrange(10)
    low = random.randrange(7)  # r7 holds an address throughout
    if kind < 6:
        while True:
            code = random.randrange(0x0000, 0x4400)
            rd = code & 7 if code < 0x2000 or code >= 0x4000 else code >> 8 & 7
            if rd != 7:
                return code
    if kind == 6:
        return (
            (0x6000, 0x6800, 0x7000, 0x7800, 0x8000, 0x8800)[random.randrange(6)]
            | random.randrange(32) << 6
            | 7 << 3
            | low
        )
    if kind == 7:
        return 0x9000 | random.randrange(2) << 11 | low << 8 | random.randrange(64)
    if kind == 8:
        return 0xB200 | random.randrange(4) << 6 | random.randrange(8) << 3 | low
    forward = random.randrange(0, max(1, length - at - 2))
    return 0xD000 | random.randrange(14) << 8 | forward


def test_random_programs() -> None:
    random, oracle, ours = Random(7), Oracle(), Ours()
    data = random.randbytes(DATA_SIZE)
    for _ in range(400):
        length = 24
        program = halfwords(*(encoding_of_a_program(random, length, at) for at in range(length)), *[NOP] * 8)
        before = random_state(random)
        before.r[7] = 0x2000_2800
        expected = oracle.run(program, data, before, length)
        assert expected is not None
        assert ours.run(program, data, before, length) == expected, program.hex()


@pytest.mark.row("E1.faults", engine="embedded")
def test_what_armv6m_lacks_is_a_hard_fault_at_its_own_address() -> None:
    for code in [
        *range(0xB100, 0xB200, 37),
        0xBF08,
        0xB650,
        0xDE00,
        0xB400,
        0xC800,
        0xE800,
        0xEFFF,
        0xF800,
        0xFFFF,
        0xBA80,
    ]:
        machine = Machine(1)
        machine.sram[:8] = (0x2000_8000).to_bytes(4, "little") + (0x2000_0601).to_bytes(4, "little")
        machine.sram[12:16] = (0x2000_0601).to_bytes(4, "little")
        machine.sram[0x400:0x408] = halfwords(code, 0xFFFF, NOP, NOP)
        machine.sram[0x600:0x602] = halfwords(0xE7FE)
        machine.set_core(0, Core.VTOR, 0x2000_0000)
        machine.set_core(0, 13, 0x2000_8000)
        machine.set_core(0, 15, CODE)
        machine.hold_core(0, False)
        assert machine.run(100) is Run.DEADLINE
        assert machine.core(0, Core.IPSR) == 3, hex(code)
        assert machine.core(0, Core.FIRST_FAULT) == Fault.UNDEFINED, hex(code)
        assert machine.bus_read(0x2000_8000 - 8) == CODE, hex(code)


@pytest.mark.row("E1.encodings", engine="embedded")
def test_flags_through_msr_and_mrs() -> None:
    ours = Ours()
    for flags in range(16):
        before = random_state(Random(flags))
        before.r[0] = flags << 28
        after, _ = ours.run(halfwords(0xF380, 0x8800, 0xF3EF, 0x8100), bytes(4), before, 2)
        assert after.r[1] == flags << 28
        assert after.flags & FLAGS == flags << 28
