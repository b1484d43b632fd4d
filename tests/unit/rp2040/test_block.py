"""Registers as every block has them (RP2040 datasheet, 2.1), on a block made for the purpose."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Machine
from renode_pico.rp2040.block import Alias, Block, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

BASE = 0x4006_C000


class Example(Block):
    NAME = "EXAMPLE"

    STORED = Register(0x00, reset=0x12, mask=0xFF)
    READ_ONLY = Register(0x04, reset=0x34, mask=0)
    STROBES = Register(0x08, mask=0xF0)
    COUNTED = Register(0x0C)
    LACKING = Register(0x10, mask=0xFF, lacks="half of it", lacking=0xF0)

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        self.told: list[tuple[int, int, int]] = []
        self.reads = 0
        super().__init__(machine, Number.TBMAN, unmodelled)

    @STROBES.written
    def _strobes_written(self, before: int, raw: int) -> None:
        self.told.append((before, raw, self.STROBES))

    @COUNTED.read
    def _counted(self) -> int:
        self.reads += 1
        return self.COUNTED + self.reads


@pytest.fixture
def machine() -> Machine:
    return Machine(1)


@pytest.fixture
def unmodelled() -> Unmodelled:
    return Unmodelled(lambda: 0x1000_0000)


@pytest.fixture
def block(machine: Machine, unmodelled: Unmodelled) -> Example:
    return Example(machine, unmodelled)


def write(machine: Machine, offset: int, value: int, alias: Alias = Alias.NORMAL) -> None:
    assert machine.bus_write(BASE + offset + (alias << 12), value)


def test_reset_values_and_masks(machine: Machine, block: Example) -> None:
    assert machine.bus_read(BASE) == 0x12
    assert machine.bus_read(BASE + 4) == 0x34
    write(machine, 0, 0xFFFF_FFA5)
    write(machine, 4, 0xFFFF_FFFF)
    assert block.STORED == machine.bus_read(BASE) == 0xA5
    assert machine.bus_read(BASE + 4) == 0x34
    block.reset()
    assert machine.bus_read(BASE) == 0x12


@pytest.mark.parametrize(
    ("alias", "stored"), [(Alias.NORMAL, 0x0F), (Alias.XOR, 0x1D), (Alias.SET, 0x1F), (Alias.CLEAR, 0x10)]
)
def test_the_four_aliases(machine: Machine, block: Example, alias: Alias, stored: int) -> None:
    write(machine, 0, 0x0F, alias)
    assert stored == block.STORED
    assert machine.bus_read(BASE + (alias << 12)) == stored, "each of them reads the same register"


def test_a_narrow_write_appears_on_all_lanes(machine: Machine, block: Example) -> None:
    machine.bus_write(BASE, 0x5A, 1)
    assert block.STORED == 0x5A
    machine.bus_write(BASE + 2, 0x12C3, 2)
    assert block.STORED == 0xC3


def test_who_is_told_of_a_write_sees_what_was_stored_and_what_was_written(machine: Machine, block: Example) -> None:
    write(machine, 8, 0x1F)
    write(machine, 8, 0x23, Alias.SET)
    write(machine, 8, 0x13, Alias.CLEAR)
    assert block.told == [(0, 0x1F, 0x10), (0x10, 0x23, 0x30), (0x30, 0x13, 0x20)]


def test_who_is_asked_for_a_read_may_count(machine: Machine, block: Example) -> None:
    write(machine, 0xC, 40)
    assert [machine.bus_read(BASE + 0xC) for _ in range(2)] == [41, 42]
    assert block.COUNTED == 40


def test_held_in_reset_nothing_is_stored(machine: Machine, block: Example) -> None:
    write(machine, 0, 0xFF)
    block.hold(True)
    assert machine.bus_read(BASE) == 0x12
    write(machine, 8, 0xF0)
    assert block.told == []
    write(machine, 0, 0xFF)
    block.hold(False)
    assert machine.bus_read(BASE) == 0x12
    write(machine, 0, 0xFF)
    assert machine.bus_read(BASE) == 0xFF


def test_what_is_not_modelled_says_so_once(
    machine: Machine, block: Example, unmodelled: Unmodelled, caplog: pytest.LogCaptureFixture
) -> None:
    write(machine, 0x10, 0x0F)
    assert not unmodelled.counts
    write(machine, 0x10, 0x1F)
    write(machine, 0x10, 0x1F)
    write(machine, 0x10, 0x2F)
    assert block.LACKING == 0x2F
    assert unmodelled.counts == {"EXAMPLE.LACKING": 2}
    assert [record.message for record in caplog.records] == [
        "EXAMPLE.LACKING is not modelled: half of it (PC 0x10000000)"
    ]


def test_an_offset_without_a_register(machine: Machine, block: Example, unmodelled: Unmodelled) -> None:
    assert machine.bus_read(BASE + 0x100) == 0
    write(machine, 0x100, 1)
    assert unmodelled.counts == {"EXAMPLE.0x100": 2}
    write(machine, 0x100, 0)
    assert unmodelled.counts == {"EXAMPLE.0x100": 2}
