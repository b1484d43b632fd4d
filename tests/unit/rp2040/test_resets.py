"""Resets of blocks, stages and chip, and their reasons (RP2040 datasheet, 2.12 to 2.14, 4.7)."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Core, State
from renode_pico.renode_models import boot_rom
from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.chip import Chip
from renode_pico.rp2040.resets import ResetBit
from tests.unit.rp2040.chip_bench import CLOCKS, RESETS, Bench, Registers

PSM, WATCHDOG, VREG = 0x4001_0000, 0x4005_8000, 0x4006_4000
FRCE_OFF, WDSEL, DONE = 0x4, 0x8, 0xC
ALL_BUT_OSCILLATORS = 0x1_FFFC
PROC1 = 1 << 16
CTRL, LOAD, REASON, SCRATCH0, SCRATCH7, TICK = 0x00, 0x04, 0x08, 0x0C, 0x28, 0x2C
ENABLE, TRIGGER = 1 << 30, 1 << 31
HAD_POR, HAD_RUN = 1 << 8, 1 << 16
ALL_BLOCKS = 0x01FF_FFFF
SIO_FIFO_ST, SIO_FIFO_RD = 0xD000_0050, 0xD000_0058


def ticking(bench: Bench) -> Registers:
    bench[WATCHDOG + TICK] = 1 << 9 | 12
    return Registers(bench, WATCHDOG)


@pytest.mark.parametrize(
    ("bit", "register", "value"),
    [
        (ResetBit.ADC, 0x4004_C010, 0x1234),
        (ResetBit.BUSCTRL, 0x4003_0000, 0x1111),
        (ResetBit.DMA, 0x5000_0000, 0x2000_0000),
        (ResetBit.I2C0, 0x4004_4008, 0x12),
        (ResetBit.I2C1, 0x4004_8008, 0x12),
        (ResetBit.IO_BANK0, 0x4001_4004, 5),
        (ResetBit.IO_QSPI, 0x4001_8004, 5),
        (ResetBit.PADS_BANK0, 0x4001_C004, 0x12),
        (ResetBit.PADS_QSPI, 0x4002_0004, 0x12),
        (ResetBit.PWM, 0x4005_0010, 0x1234),
        (ResetBit.PIO0, 0x5020_00C8, 0x1234 << 16),
        (ResetBit.PIO1, 0x5030_00C8, 0x1234 << 16),
        (ResetBit.RTC, 0x4005_C004, 0x1234 << 8),
        (ResetBit.SPI0, 0x4003_C000, 0x1234),
        (ResetBit.SPI1, 0x4004_0000, 0x1234),
        (ResetBit.SYSCFG, 0x4000_400C, 0x1234),
        (ResetBit.TIMER, 0x4005_4038, 0xF),
        (ResetBit.UART0, 0x4003_4024, 0x1234),
        (ResetBit.UART1, 0x4003_8024, 0x1234),
        (ResetBit.USBCTRL, 0x5011_0090, 0x1234),
    ],
)
def test_each_block_is_reset_by_its_bit(bit: ResetBit, register: int, value: int) -> None:
    bench = Bench()
    reset_value = bench[register]
    bench[register] = value
    assert bench[register] == value
    assert bench[RESETS + 8] == ALL_BLOCKS
    bench.alias(RESETS, 1 << bit, Alias.SET)
    assert bench[RESETS + 8] == ALL_BLOCKS & ~(1 << bit)
    assert bench[register] == reset_value
    bench[register] = value
    assert bench[register] == reset_value, "what is in reset takes nothing"
    bench.alias(RESETS, 1 << bit, Alias.CLEAR)
    assert bench[RESETS + 8] == ALL_BLOCKS
    assert bench[register] == reset_value


def test_the_chip_starts_with_everything_held() -> None:
    chip = Chip(bytes(0x4000), lambda why: None)
    assert chip.machine.bus_read(RESETS) == ALL_BLOCKS
    assert chip.machine.bus_read(RESETS + 8) == 0
    assert chip.machine.bus_read(PSM + DONE) == 0x1_FFFF


@pytest.mark.parametrize("cores", [1, 2])
def test_core_1_says_that_it_is_back(cores: int) -> None:
    """A 0 in core 0's mailbox, as the boot ROM does it (2.8.2): the SDK's multicore_reset_core1() waits for it."""
    chip = Chip(boot_rom(), lambda why: None, cores=cores)
    machine = chip.machine
    machine.run(machine.cycles + 2000)
    machine.reset_block("sio")
    machine.bus_write(PSM + FRCE_OFF, PROC1)
    machine.bus_write(PSM + FRCE_OFF, 0)
    machine.run(machine.cycles + 2000)
    assert machine.bus_read(SIO_FIFO_ST) == 0b11, "something there, and room"
    assert machine.bus_read(SIO_FIFO_RD) == 0
    assert machine.bus_read(SIO_FIFO_ST) == 0b10


def test_core_1_is_held_and_launched_again() -> None:
    chip = Chip(bytes(0x4000), lambda why: None, cores=2)
    machine = chip.machine

    def held() -> bool:
        return bool(machine.core(1, Core.STATE) & State.HELD)

    assert not held()
    machine.set_core(1, 0, 42)
    machine.bus_write(PSM + FRCE_OFF + (Alias.SET << 12), PROC1)
    assert held()
    done = machine.bus_read(PSM + DONE)
    assert done is not None
    assert not done & PROC1
    machine.bus_write(PSM + FRCE_OFF + (Alias.CLEAR << 12), PROC1)
    assert not held()
    assert machine.core(1, 0) == 0, "it comes out of reset"


# The watchdog


def test_it_counts_twice_a_tick() -> None:
    """Erratum RP2040-E1."""
    bench = Bench()
    watchdog = ticking(bench)
    assert watchdog[TICK] & 1 << 10, "running"
    watchdog[LOAD] = 2000
    bench.run(0.1)
    assert watchdog[CTRL] & 0xFF_FFFF == 2000, "it counts when it is enabled"
    bench.alias(WATCHDOG, ENABLE, Alias.SET)
    bench.run(0.0004)
    assert watchdog[CTRL] & 0xFF_FFFF == 1200
    watchdog[LOAD] = 2000
    assert watchdog[CTRL] & 0xFF_FFFF == 2000, "fed"
    bench.alias(WATCHDOG, ENABLE, Alias.CLEAR)
    bench.run(0.1)
    assert bench.chip.resets == 1
    assert watchdog[CTRL] & 0xFF_FFFF == 2000


def test_it_needs_a_tick() -> None:
    bench = Bench()
    watchdog = Registers(bench, WATCHDOG)
    bench[PSM + WDSEL] = ALL_BUT_OSCILLATORS
    watchdog[TICK] = 0
    watchdog[LOAD] = 2000
    watchdog[CTRL] = ENABLE
    bench.run(0.01)
    assert bench.chip.resets == 1
    watchdog[TICK] = 1 << 9 | 24
    bench.run(0.0019)
    assert bench.chip.resets == 1, "a tick of 2 microseconds"
    bench.run(0.0002)
    assert bench.chip.resets == 2


def test_what_it_resets_and_what_survives() -> None:
    bench = Bench()
    watchdog = ticking(bench)
    bench[PSM + WDSEL] = ALL_BUT_OSCILLATORS
    watchdog[SCRATCH0], watchdog[SCRATCH7] = 0x1234_5678, 0x9ABC_DEF0
    bench[0x2000_0000] = 0xCAFE_CAFE
    watchdog[LOAD] = 2000
    watchdog[CTRL] = ENABLE
    bench.run(0.0011)
    assert bench.chip.resets == 2
    assert watchdog[REASON] == 1
    assert (watchdog[SCRATCH0], watchdog[SCRATCH7]) == (0x1234_5678, 0x9ABC_DEF0)
    assert bench[0x2000_0000] == 0xCAFE_CAFE
    assert bench[RESETS] == ALL_BLOCKS, "the stage RESETS starts again, too"
    assert bench[CLOCKS + 0x3C] == 0
    assert bench.chip.xosc.frequency == 12_000_000, "not selected"
    assert bench[VREG + 8] == HAD_POR
    assert bench.dead == ""
    bench.run(0.1)
    assert bench.chip.resets == 2, "it is off after that"


def test_a_forced_one_comes_after_the_instruction() -> None:
    bench = Bench()
    bench[PSM + WDSEL] = ALL_BUT_OSCILLATORS
    bench[WATCHDOG + CTRL] = TRIGGER
    assert bench.chip.resets == 1
    bench.run(1e-6)
    assert bench.chip.resets == 2
    assert bench[WATCHDOG + REASON] == 2


def test_blocks_can_be_selected_alone() -> None:
    bench = Bench()
    bench[RESETS + 4] = 1 << ResetBit.UART0
    bench[0x4003_4024] = bench[0x4003_8024] = 123
    bench[WATCHDOG + CTRL] = TRIGGER
    bench.run(1e-6)
    assert bench[0x4003_4024] == 0
    assert bench[0x4003_8024] == 123
    assert bench[RESETS] == 1 << ResetBit.UART0
    assert bench.chip.resets == 1, "no processor was selected"


# RUN and power


@pytest.mark.parametrize(("power", "cause"), [(True, HAD_POR), (False, HAD_RUN)])
def test_run_and_power_on_reset_everything(power: bool, cause: int) -> None:
    bench = Bench()
    watchdog = ticking(bench)
    watchdog[SCRATCH0] = 1
    bench[PSM + WDSEL] = 0x1_FFFF
    bench[0x2000_0000] = bench[0x5010_0200] = bench[0x1500_0000] = 0xCAFE_CAFE
    (bench.chip.power_on if power else bench.chip.run_pin)()
    assert bench[VREG + 8] == cause
    assert watchdog[SCRATCH0] == 0
    assert bench[PSM + WDSEL] == 0
    assert bench[RESETS] == ALL_BLOCKS
    assert bench.chip.xosc.frequency == 0
    assert bench.machine.hz == 6_500_000
    for address in (0x2000_0000, 0x5010_0200, 0x1500_0000):
        assert bench[address] == (0 if power else 0xCAFE_CAFE)
    assert bench.dead == ""


def test_the_regulator() -> None:
    bench = Bench()
    assert bench[VREG] == 0x10B1, "EN, VSEL 1.1 V, ROK"
    bench[VREG] = 0xF1
    assert bench[VREG] == 0x10F1
    assert bench[VREG + 4] == 0x91
