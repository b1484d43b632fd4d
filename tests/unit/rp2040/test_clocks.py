"""Clock generators, oscillators, PLLs, frequency counter (RP2040 datasheet, 2.15 to 2.18)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.clocks import Generator
from tests.unit.rp2040.chip_bench import CLOCKS, PLL_SYS, RESETS, XOSC, Bench, Registers

ROSC = 0x4006_0000
REF, SYS, PERI, ADC, RTC = 0x30, 0x3C, 0x48, 0x60, 0x6C
RESUS_CTRL, RESUS_STATUS, INTR, INTE, INTF, INTS = 0x78, 0x7C, 0xB8, 0xBC, 0xC0, 0xC4
FC0_REF_KHZ, FC0_MIN_KHZ, FC0_MAX_KHZ, FC0_INTERVAL, FC0_SRC, FC0_STATUS, FC0_RESULT = (
    0x80, 0x84, 0x88, 0x90, 0x94, 0x98, 0x9C,
)  # fmt: skip
DONE, RUNNING, PASS, FAIL, SLOW, FAST, DIED = 1 << 4, 1 << 8, 1 << 0, 1 << 16, 1 << 20, 1 << 24, 1 << 28


def hz(bench: Bench, generator: Generator) -> int:
    return bench.chip.clocks.frequency[generator]


def test_out_of_reset_everything_runs_from_the_ring_oscillator() -> None:
    bench = Bench(clocks=False)
    assert bench.machine.hz == hz(bench, Generator.REF) == hz(bench, Generator.SYS) == 6_500_000
    assert hz(bench, Generator.PERI) == 0, "not enabled"
    assert bench[CLOCKS + 0x38] == bench[CLOCKS + 0x44] == 1


def test_the_sdks_clocks() -> None:
    bench = Bench()
    assert bench.machine.hz == 125_000_000
    assert bench.chip.clocks.frequency[Generator.REF :] == [
        12_000_000, 125_000_000, 125_000_000, 48_000_000, 48_000_000, 46_875,
    ]  # fmt: skip
    assert bench[CLOCKS + 0x38] == 1 << 2, "CLK_REF_SELECTED: the crystal"
    assert bench[CLOCKS + 0x44] == 1 << 1


def test_time_goes_on_when_clk_sys_changes() -> None:
    bench = Bench()
    bench.run(0.001)
    before = bench.machine.now_ns
    bench[CLOCKS + SYS] = 0
    assert bench.machine.hz == 12_000_000
    assert bench.machine.now_ns == before
    cycles = bench.machine.cycles
    bench.run(0.001)
    assert bench.machine.cycles - cycles == 12_000
    assert bench.machine.now_ns == before + 1_000_000


@pytest.mark.parametrize(
    ("control", "value", "generator", "frequency"),
    [
        (REF, 0, Generator.REF, 6_500_000),
        (REF, 1, Generator.REF, 48_000_000),
        (REF, 1 | 1 << 5, Generator.REF, 0),
        (SYS, 1 | 1 << 5, Generator.SYS, 48_000_000),
        (SYS, 1 | 2 << 5, Generator.SYS, 6_500_000),
        (SYS, 1 | 3 << 5, Generator.SYS, 12_000_000),
        (PERI, 1 << 11 | 2 << 5, Generator.PERI, 48_000_000),
        (PERI, 1 << 11 | 4 << 5, Generator.PERI, 12_000_000),
        (PERI, 4 << 5, Generator.PERI, 0),
        (PERI, 1 << 11 | 1 << 10, Generator.PERI, 0),
        (ADC, 1 << 11 | 3 << 5, Generator.ADC, 12_000_000),
        (0x00, 1 << 11 | 0 << 5, Generator.GPOUT0, 125_000_000),
        (0x0C, 1 << 11 | 9 << 5, Generator.GPOUT1, 46_875),
        (0x18, 1 << 11 | 10 << 5, Generator.GPOUT2, 12_000_000),
        (0x24, 1 << 11 | 1 << 5, Generator.GPOUT3, 0),
    ],
)
def test_sources(control: int, value: int, generator: Generator, frequency: int) -> None:
    bench = Bench()
    bench[CLOCKS + control] = value
    assert hz(bench, generator) == frequency


@pytest.mark.parametrize(
    ("divider", "value", "generator", "frequency"),
    [
        (SYS, 2 << 8, Generator.SYS, 62_500_000),
        (SYS, 0x280, Generator.SYS, 50_000_000),
        (SYS, 0, Generator.SYS, 125_000_000 // 65536),
        (ADC, 3 << 8, Generator.ADC, 16_000_000),
        (RTC, 0x100, Generator.RTC, 48_000_000),
    ],
)
def test_dividers(divider: int, value: int, generator: Generator, frequency: int) -> None:
    bench = Bench()
    bench[CLOCKS + divider + 4] = value
    assert hz(bench, generator) == frequency


def test_clk_peri_has_no_divider_and_the_sdk_writes_it_all_the_same() -> None:
    bench = Bench()
    bench[CLOCKS + 0x4C] = 0x200
    assert bench[CLOCKS + 0x4C] == 0
    assert hz(bench, Generator.PERI) == 125_000_000
    assert not bench.chip.unmodelled.counts


# Oscillators and PLLs


def test_the_crystal_is_stable_after_its_delay() -> None:
    bench = Bench(clocks=False)
    xosc = Registers(bench, XOSC)
    xosc[0x0C] = 47
    xosc[0x00] = 0xFA_BAA0
    assert xosc[0x04] == 1 << 12
    bench.run(0.00100)
    assert not xosc[0x04] >> 31
    bench.run(0.00001)
    assert xosc[0x04] == 1 << 31 | 1 << 12
    bench.alias(XOSC, (0xFAB ^ 0xD1E) << 12, Alias.XOR)
    assert xosc[0x04] == 0
    assert bench.chip.xosc.frequency == 0


def test_the_oscillators_count_down() -> None:
    bench = Bench()
    for base, offset, cycle_s in ((XOSC, 0x1C, 1 / 12e6), (ROSC, 0x20, 1 / 6.5e6)):
        bench[base + offset] = 200
        bench.run(100.5 * cycle_s)
        assert bench[base + offset] in (99, 100)
        bench.run(200 * cycle_s)
        assert bench[base + offset] == 0


def test_the_ring_oscillators_divider_and_stop() -> None:
    bench = Bench(clocks=False)
    bench[ROSC + 0x10] = 0xAA0 + 8
    assert bench.machine.hz == 13_000_000
    bench[ROSC + 0x10] = 0xAA0
    assert bench.machine.hz == 3_250_000
    assert bench[ROSC + 0x18] == 1 << 31 | 1 << 16 | 1 << 12
    bench = Bench()
    bench[ROSC] = 0xD1_EAA0
    assert bench[ROSC + 0x18] == 0
    assert bench.chip.rosc.frequency == 0


def test_random_bits_look_like_chance_and_are_the_same_in_each_run() -> None:
    runs = [[bench[ROSC + 0x1C] for _ in range(256)] for bench in (Bench(), Bench())]
    assert runs[0] == runs[1]
    assert 100 < sum(runs[0]) < 156


def test_a_pll_needs_power_a_reference_and_divisors() -> None:
    bench = Bench(clocks=False)
    pll = Registers(bench, PLL_SYS)
    bench[XOSC] = 0xFA_BAA0
    pll[0x8] = 125
    assert not pll[0x0] >> 31
    pll[0x4] = 0x0D & ~1
    assert pll[0x0] >> 31, "locked; the post dividers have no power yet"
    assert bench.chip.pll_sys.frequency == 0
    pll[0xC] = 0x6_2000
    pll[0x4] = 0
    assert bench.chip.pll_sys.frequency == 125_000_000
    pll[0x0] = 2
    pll[0x8] = 133
    assert bench.chip.pll_sys.frequency == 66_500_000
    pll[0x0] = 1 << 8 | 2
    assert bench.chip.pll_sys.frequency == 12_000_000, "BYPASS"
    bench.alias(RESETS, 1 << 12, Alias.SET)
    assert bench.chip.pll_sys.frequency == 0


# The frequency counter


@pytest.mark.parametrize(
    ("source", "khz"),
    [(1, 125_000), (2, 48_000), (3, 6_500), (5, 12_000), (8, 12_000), (9, 125_000), (10, 125_000), (12, 48_000)],
)
def test_a_frequency_is_counted_during_its_interval(source: int, khz: int) -> None:
    bench = Bench()
    clocks = Registers(bench, CLOCKS)
    clocks[FC0_REF_KHZ] = 12_000
    clocks[FC0_INTERVAL] = 10
    clocks[FC0_SRC] = source
    assert clocks[FC0_STATUS] == RUNNING
    bench.run(1023e-6)
    assert clocks[FC0_STATUS] == RUNNING
    bench.run(2e-6)
    assert clocks[FC0_STATUS] == DONE | PASS
    assert clocks[FC0_RESULT] == khz << 5


@pytest.mark.parametrize(
    ("source", "least", "most", "status"),
    [(5, 12_001, 20_000, FAIL | SLOW), (5, 0, 11_999, FAIL | FAST), (6, 0, 0x1FF_FFFF, PASS | DIED)],
)
def test_the_counter_compares(source: int, least: int, most: int, status: int) -> None:
    bench = Bench()
    clocks = Registers(bench, CLOCKS)
    clocks[FC0_REF_KHZ], clocks[FC0_MIN_KHZ], clocks[FC0_MAX_KHZ] = 12_000, least, most
    clocks[FC0_SRC] = source
    bench.run(0.001)
    assert clocks[FC0_STATUS] == DONE | status


def test_a_wrong_reference_counts_wrong() -> None:
    bench = Bench()
    clocks = Registers(bench, CLOCKS)
    clocks[FC0_REF_KHZ] = 6_000
    clocks[FC0_SRC] = 1
    bench.run(0.001)
    assert clocks[FC0_RESULT] >> 5 == 62_500


# Resuscitation


def test_clk_sys_is_resuscitated_when_its_source_stops() -> None:
    bench = Bench()
    clocks = Registers(bench, CLOCKS)
    clocks[RESUS_CTRL] = 1 << 8 | 0xFF
    clocks[INTE] = 1
    bench[PLL_SYS + 0x4] = 0x2D
    bench.run(100e-6)
    assert clocks[RESUS_STATUS] == 1
    assert bench.machine.hz == 12_000_000
    assert clocks[0x44] == 1
    assert clocks[INTS] == 1
    assert bench.chip.clocks.irq.level
    assert bench.dead == ""
    clocks[SYS] = 0
    clocks[RESUS_CTRL] = 1 << 16
    assert clocks[RESUS_STATUS] == clocks[INTS] == 0
    assert bench.machine.hz == 12_000_000


def test_without_it_the_chip_is_dead() -> None:
    bench = Bench()
    bench[PLL_SYS + 0x4] = 0x2D
    assert "clk_sys has stopped" in bench.dead


def test_resuscitation_and_its_interrupt_can_be_forced() -> None:
    bench = Bench()
    bench[CLOCKS + RESUS_CTRL] = 1 << 12
    assert bench[CLOCKS + INTR] == 1
    assert bench.machine.hz == 12_000_000
    bench = Bench()
    bench[CLOCKS + INTF] = 1
    assert bench[CLOCKS + INTS] == 1
    assert bench.chip.clocks.irq.level


def test_enables_follow_wake_en() -> None:
    bench = Bench()
    bench.alias(CLOCKS + 0xA4, 0xFF, Alias.CLEAR)
    assert bench[CLOCKS + 0xA4] == bench[CLOCKS + 0xB4] == 0x7F00
    assert bench[CLOCKS + 0xB0] == 0xFFFF_FFFF


# Oscillators: what is not a proper value, and dormancy

IO_BANK0, PADS_BANK0 = 0x4001_4000, 0x4001_C000
COMA, WAKE = 0x636F_6D61, 0x7761_6B65
TIMERAWL = 0x4005_4028


def test_a_wrong_enable_enables_and_is_told() -> None:
    """The SDK writes the frequency range alone while the chip runs from the crystal."""
    bench = Bench()
    bench.run(1e-6)
    bench[XOSC] = 0xAA0
    assert bench.chip.xosc.frequency == 12_000_000
    assert bench[XOSC + 4] & 1 << 24
    bench[XOSC + 4] = 1 << 24
    assert bench[XOSC + 4] == 1 << 31 | 1 << 12
    assert bench.dead == ""


def asleep(bench: Bench) -> int:
    """A core that counts in r0, on the crystal, which is dormant. Returns the count."""
    machine = bench.machine
    machine.bus_write(0x2000_0000, 0xE7FD_3001)  # adds r0, #1; b back
    machine.set_core(0, 15, 0x2000_0000)
    bench[CLOCKS + SYS] = 0
    bench.run(0.001)
    bench[XOSC + 0xC] = 47
    bench[XOSC + 8] = COMA
    assert bench[XOSC + 4] == 1 << 12, "enabled, not stable"
    return machine.core(0, 0)


def test_a_dormant_oscillator_stops_the_cores_until_a_pin_wakes_it() -> None:
    bench = Bench()
    machine = bench.machine
    bench[PADS_BANK0 + 4 + 4 * 7] = 0x46
    machine.set_external(1 << 7, 0, 1 << 7)
    bench[IO_BANK0 + 0x160] = 1 << 31  # DORMANT_WAKE_INTE0: GPIO7's rising edge
    count = asleep(bench)
    assert count > 1000
    stopped = bench[TIMERAWL]
    bench.run(0.5)
    assert bench[TIMERAWL] == stopped, "nor is there a tick"
    assert machine.core(0, 0) - count < 3
    assert bench.dead == ""
    machine.set_external(1 << 7, 1 << 7, 1 << 7)
    assert bench[XOSC + 8] == WAKE
    bench.run(0.0009)
    assert machine.core(0, 0) > count + 1000
    assert 898 <= bench[TIMERAWL] - stopped <= 902
    assert not bench[XOSC + 4] >> 31
    bench.run(0.0002)
    assert bench[XOSC + 4] >> 31, "stable after the start-up delay"


def test_what_would_wake_it_at_once_does() -> None:
    bench = Bench()
    bench.machine.set_external(1 << 7, 1 << 7, 1 << 7)
    bench[IO_BANK0 + 0x160] = 1 << 29  # GPIO7 high
    machine = bench.machine
    machine.bus_write(0x2000_0000, 0xE7FD_3001)
    machine.set_core(0, 15, 0x2000_0000)
    bench[CLOCKS + SYS] = 0
    bench[XOSC + 8] = COMA
    assert bench[XOSC + 8] == WAKE
    bench.run(0.001)
    assert machine.core(0, 0) > 1000


def test_run_ends_dormancy() -> None:
    bench = Bench()
    asleep(bench)
    bench.chip.run_pin()
    bench.run(0.001)
    assert bench.machine.core(0, 15) < 0x4000
    assert bench.machine.hz == 6_500_000


def test_systick_lives_with_a_clk_sys_slower_than_its_reference() -> None:
    """It divided by the cycles of a microsecond, of which there are none: the process died."""
    bench = Bench()
    bench[CLOCKS + SYS + 4] = 512 << 8
    assert bench.machine.hz == 125_000_000 // 512
    bench[0xE000_E014] = 99
    bench[0xE000_E018] = 0
    bench[0xE000_E010] = 1  # enabled, on the reference clock
    bench.run(0.01)
    assert bench[0xE000_E010] == 1 | 1 << 16, "it has come to zero"
    assert 0 <= bench[0xE000_E018] <= 99


def test_a_pll_does_not_do_more_than_it_can() -> None:
    bench = Bench()
    bench[PLL_SYS + 0x8] = 134
    assert not bench[PLL_SYS] >> 31, "1608 MHz"
    bench = Bench()
    bench[PLL_SYS + 0x8] = 133
    assert bench[PLL_SYS] >> 31
    assert bench.machine.hz == 133_000_000


# Outputs at pins

GPIO21, FUNCSEL_CLOCK = 21, 8


def edges_of(bench: Bench, pin: int) -> list[tuple[int, int]]:
    """Instants and levels of a pin, from now on."""
    edges: list[tuple[int, int]] = []
    bench.chip.pins.watch(lambda changed, levels: edges.append((bench.machine.now_ns, levels >> pin & 1)), 1 << pin)
    return edges


def test_a_clock_comes_out_where_funcsel_says_so() -> None:
    bench = Bench()
    bench[CLOCKS + 0x04] = 1250 << 8
    bench[CLOCKS + 0x00] = 1 << 11 | 6 << 5  # CLK_GPOUT0: clk_sys / 1250, 100 kHz
    edges = edges_of(bench, GPIO21)
    bench.run(0.001)
    assert edges == []
    bench[IO_BANK0 + 8 * GPIO21 + 4] = FUNCSEL_CLOCK
    bench.run(0.001)
    assert len(edges) == pytest.approx(200, abs=1)
    assert {after - before for (before, _), (after, _) in pairwise(edges)} == {5000}
    assert [level for _, level in edges[:4]] == [1, 0, 1, 0]
    bench[CLOCKS + 0x00] = 0
    edges.clear()
    bench.run(0.001)
    assert len(edges) <= 1
    assert not bench.machine.pin_levels() >> GPIO21 & 1
    assert not bench.chip.unmodelled.counts


def test_one_that_is_too_fast_says_so() -> None:
    bench = Bench()
    bench[IO_BANK0 + 8 * GPIO21 + 4] = FUNCSEL_CLOCK
    bench[CLOCKS + 0x00] = 1 << 11 | 5 << 5
    edges = edges_of(bench, GPIO21)
    bench.run(0.001)
    assert edges == []
    assert bench.chip.unmodelled.counts == {"CLOCKS.CLK_GPOUT0_CTRL": 1}
