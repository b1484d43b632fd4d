"""Whatever firmware writes, in whatever order: it is never an exception of ours, and the chip starts again after it."""

from __future__ import annotations

import logging
import random

import pytest

from renode_pico.core.clock import MachineRunner
from renode_pico.rp2040.chip import Chip
from renode_pico.rp2040.sysinfo import CHIP_IDS
from tests.unit.rp2040.chip_bench import Bench, sleeping_rom

BASES = {
    "SYSINFO": 0x4000_0000, "SYSCFG": 0x4000_4000, "CLOCKS": 0x4000_8000, "RESETS": 0x4000_C000, "PSM": 0x4001_0000,
    "XOSC": 0x4002_4000, "PLL_SYS": 0x4002_8000, "PLL_USB": 0x4002_C000, "BUSCTRL": 0x4003_0000,
    "UART0": 0x4003_4000, "UART1": 0x4003_8000, "SPI0": 0x4003_C000, "SPI1": 0x4004_0000, "I2C0": 0x4004_4000,
    "I2C1": 0x4004_8000, "ADC": 0x4004_C000, "WATCHDOG": 0x4005_8000, "RTC": 0x4005_C000, "ROSC": 0x4006_0000,
    "VREG": 0x4006_4000, "TBMAN": 0x4006_C000, "XIP_CTRL": 0x1400_0000, "SSI": 0x1800_0000, "USB": 0x5011_0000,
    "XIP_AUX": 0x5040_0000,
}  # fmt: skip
ACCESSES = 1500
INTERESTING = (0, 1, 0xFFFF_FFFF, 0x8000_0000, 0x55AA_55AA, 0x636F_6D61)


def value(chance: random.Random) -> int:
    return (
        chance.choice(INTERESTING) if chance.random() < 0.3 else chance.getrandbits(chance.choice((4, 8, 12, 16, 32)))
    )


CLK_SYS_DIV, DIV_BITS = BASES["CLOCKS"] + 0x40, 0xFFFF


def hammer(bench: Bench, chance: random.Random, bases: list[int]) -> None:
    """clk_sys is divided by at most 255: a cycle of whole seconds is short for us and long for what else is running."""
    machine = bench.machine
    for _ in range(ACCESSES):
        address = chance.choice(bases) + 4 * chance.randrange(0x44 if chance.random() < 0.95 else 0x400)
        size = chance.choice((4, 4, 4, 2, 1))
        if chance.random() < 0.3:
            machine.bus_read(address, size)
        else:
            bits = DIV_BITS if address == CLK_SYS_DIV else 0xFFFF_FFFF
            machine.bus_write(address + (chance.randrange(4) << 12), value(chance) & bits, size)
        if chance.random() < 0.05:
            bench.run(chance.choice((1e-6, 1e-5, 1e-4)))


def starts_again(bench: Bench) -> None:
    bench.chip.power_on()
    bench.dead = ""
    bench.run(1e-4)
    bench[BASES["RESETS"]] = 0
    bench.start_clocks()
    assert bench.machine.hz == 125_000_000
    assert bench[BASES["SYSINFO"]] == CHIP_IDS["B2"]
    assert bench[BASES["UART0"] + 0x18] & 0x90 == 0x90
    assert bench[BASES["I2C0"]] == 0x65


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "renode_pico.unmodelled")


@pytest.mark.parametrize("name", BASES)
def test_a_block_alone(name: str) -> None:
    for seed in range(3):
        bench = Bench()
        hammer(bench, random.Random(f"{name} {seed}"), [BASES[name]])
        starts_again(bench)


@pytest.mark.parametrize("seed", range(4))
def test_all_of_them_together(seed: int) -> None:
    bench = Bench()
    hammer(bench, random.Random(seed), list(BASES.values()))
    starts_again(bench)


def test_the_same_accesses_give_the_same_chip() -> None:
    def run() -> tuple[int, int, bytes]:
        bench = Bench()
        hammer(bench, random.Random("twice"), list(BASES.values()))
        registers = b"".join(bytes(bench.machine.registers(block)) for block in range(32))
        return bench.machine.now_ns, bench.machine.cycles, registers

    assert run() == run()


def test_before_anything_is_released_from_reset() -> None:
    chip = Chip(sleeping_rom(), lambda why: None, cores=1)
    chip.poke = MachineRunner(chip.machine, chip.clock, lambda reason: None, lambda: None).poke
    chance = random.Random("held")
    held = [BASES[name] for name in ("UART0", "SPI0", "I2C0", "ADC", "RTC", "USB")]
    before = [chip.machine.bus_read(base + offset) for base in held for offset in range(0, 0x40, 4)]
    for _ in range(ACCESSES):
        base = chance.choice(held)
        chip.machine.bus_write(base + 4 * chance.randrange(0x28), value(chance))
    chip.machine.bus_write(BASES["RESETS"], 0)
    after = [chip.machine.bus_read(base + offset) for base in held for offset in range(0, 0x40, 4)]
    assert after == before, "what was written to a block in reset is lost"
