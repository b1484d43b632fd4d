"""SYSINFO, SYSCFG, TBMAN, BUSCTRL (RP2040 datasheet, 2.1.5, 2.20 to 2.22)."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Core
from renode_pico.rp2040.chip import Chip
from tests.unit.rp2040.chip_bench import RESETS, Bench

SYSINFO, SYSCFG, BUSCTRL, TBMAN = 0x4000_0000, 0x4000_4000, 0x4003_0000, 0x4006_C000
EXC_NMI = 2


@pytest.mark.parametrize(("revision", "chip_id"), [("B1", 0x1000_2927), ("B2", 0x2000_2927)])
def test_identity(revision: str, chip_id: int) -> None:
    machine = Chip(bytes(0x4000), lambda why: None, revision=revision).machine
    assert machine.bus_read(SYSINFO) == chip_id
    assert machine.bus_read(SYSINFO + 4) == 2, "an ASIC, no FPGA"
    assert machine.bus_read(TBMAN) == 1


def test_identity_survives_resets() -> None:
    bench = Bench()
    bench[RESETS] = 0x01FF_FFFF
    bench[RESETS] = 0
    assert bench[SYSINFO] == 0x2000_2927


def test_bus_priorities_are_acknowledged() -> None:
    bench = Bench()
    bench[BUSCTRL] = 0xFFFF
    assert bench[BUSCTRL] == 0x1111
    assert bench[BUSCTRL + 4] == 1
    bench[BUSCTRL + 0xC] = 3
    assert not bench.chip.unmodelled.counts


def test_an_interrupt_can_be_made_the_nmi() -> None:
    rom = bytearray(0x4000)
    rom[0:16] = b"".join(word.to_bytes(4, "little") for word in (0x2004_0000, 0x101, 0x201, 0x201))
    for at in (0x100, 0x200):
        rom[at : at + 2] = b"\xfe\xe7"  # b .
    chip = Chip(bytes(rom), lambda why: None)
    machine = chip.machine
    machine.bus_write(RESETS, 0)
    machine.bus_write(SYSCFG, 1 << 17)
    machine.bus_write(0x4000_80C0, 1)  # CLOCKS.INTF
    machine.run(machine.cycles + 100)
    assert machine.core(0, Core.IPSR) == EXC_NMI


def test_what_is_not_modelled_of_syscfg() -> None:
    bench = Bench()
    assert bench[SYSCFG + 0x14] == 0x66
    bench[SYSCFG + 0x18] = 1
    assert bench.chip.unmodelled.counts == {"SYSCFG.MEMPOWERDOWN": 1}
