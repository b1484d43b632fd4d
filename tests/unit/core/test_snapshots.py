"""Snapshots of the machine: equal to the bit, any number of times, whatever was written in between."""

from __future__ import annotations

import struct
from random import Random

import pytest

from renode_pico.core.machine import Machine
from tests.unit.core.small_machine import NOTES, SmallMachine

# r1: where; r2: a linear congruential generator's state; r3: its factor; writes words all over 16 KiB, and its own code
BUSY = [0x435A, 0x3201, 0x0C14, 0x0464, 0x0C64, 0x00A4, 0x510A, 0xE7F7]
pytestmark = [
    pytest.mark.row("E3.one-process", engine="embedded"),
    pytest.mark.row("E3.equal", engine="embedded"),
    pytest.mark.row("E3.any-number", engine="embedded"),
]


def busy() -> SmallMachine:
    machine = SmallMachine(BUSY)
    machine.machine.set_core(0, 1, NOTES)
    machine.machine.set_core(0, 3, 1664525)
    machine.set_word(0xE000_E014, 777)
    machine.set_word(0xE000_E010, 5)
    machine.set_word(0x4005_4010, 1)
    return machine


def content(machine: Machine) -> tuple[object, ...]:
    return (
        bytes(machine.sram), bytes(machine.flash), bytes(machine.dpsram), machine.cycles, machine.now_ns,
        [machine.core(0, number) for number in range(64)], machine.instructions(0),
        [machine.bus_read(address) for address in (0xE000_E018, 0x4005_4028, 0x4005_4034, 0x4005_4020)],
    )  # fmt: skip


def test_a_hundred_times() -> None:
    machine = busy()
    machine.run(5_000)
    kept = machine.machine.snapshot()
    before = content(machine.machine)
    machine.run(20_000)
    after = content(machine.machine)
    assert before != after
    for _ in range(100):
        machine.machine.restore(kept)
        assert content(machine.machine) == before
        machine.run(20_000)
        assert content(machine.machine) == after


def test_several_at_once_in_any_order() -> None:
    random = Random(3)
    machine = busy()
    kept = []
    for _ in range(5):
        machine.run(3_000)
        kept.append((machine.machine.snapshot(), content(machine.machine)))
    for _ in range(30):
        snapshot, expected = random.choice(kept)
        machine.machine.restore(snapshot)
        assert content(machine.machine) == expected
        machine.run(random.randrange(2_000))


def test_writes_from_outside_and_over_the_bus_are_undone() -> None:
    machine = busy().machine
    machine.flash[0x1000:0x1004] = b"then"
    machine.wrote(0x1000_1000, 4)
    kept = machine.snapshot()
    machine.flash[0x1000:0x1004] = b"now!"
    machine.wrote(0x1000_1000, 4)
    machine.sram[0x100:0x104] = b"now!"
    machine.wrote(0x2000_0100, 4)
    machine.bus_write(0x2100_0000, 0x1234)
    machine.bus_write(0x5010_0200, 0x5678)
    machine.bus_write(0x1500_0000, 0x9ABC)
    machine.restore(kept)
    assert bytes(machine.flash[0x1000:0x1004]) == b"then"
    assert bytes(machine.sram[0x100:0x104]) == bytes(4)
    assert machine.bus_read(0x2100_0000) == struct.unpack("<I", machine.sram[:4])[0]
    assert machine.bus_read(0x5010_0200) == 0
    assert machine.bus_read(0x1500_0000) == 0


def test_code_that_was_written_over_runs_again_as_it_was() -> None:
    machine = SmallMachine([0x3001, 0xE7FD])  # adds r0, #1; b
    machine.run(100)
    kept = machine.machine.snapshot()
    at = machine.r(0)
    machine.put(0x2000_0400, [0x3801, 0xE7FD])  # subs r0, #1
    machine.run(300)
    machine.machine.restore(kept)
    machine.run(300)
    assert machine.r(0) == at + 100
