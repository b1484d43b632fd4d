"""Clocks as firmware sees them: rates that follow, sleep that a pin ends, a clk_sys that stops, inputs and outputs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from renode_pico.board import Board
from renode_pico.errors import FirmwareError, UsageError
from renode_pico.micropython.repl import Repl

pytestmark = pytest.mark.pico(firmware="uart")

COUNTER = """
from machine import mem32
import machine, time
def khz(source):
    mem32[0x40008094] = source
    while not mem32[0x40008098] & 0x10: pass
    return mem32[0x4000809c] / 32
def loop():
    before = time.ticks_us()
    for _ in range(2000): pass
    return time.ticks_diff(time.ticks_us(), before)
"""


@pytest.mark.row("P4.clocks", "P4.frequencies", "P12.clk-sys")
def test_cores_and_their_counter_follow_clk_sys(console: Repl) -> None:
    console.exec(COUNTER)
    took = {}
    for mhz in (125, 48, 250, 18):
        console.exec(f"machine.freq({mhz}_000_000); time.sleep_ms(5)")
        assert console.eval("khz(9)") == mhz * 1000
        took[mhz] = console.eval("loop()")
    assert isinstance(took[125], int)
    for mhz, microseconds in took.items():
        assert microseconds * mhz == pytest.approx(took[125] * 125, rel=0.01)


@pytest.mark.row("P4.clocks", "P4.oscillators")
def test_clocks_from_outside_and_to_the_outside(pico: Board, console: Repl) -> None:
    console.exec(COUNTER)
    with pytest.raises(UsageError, match="GPIO21 is no clock input"):
        pico.set_clock_input(21, 1000)
    pico.set_clock_input(20, 32_768)
    assert console.eval("khz(6)") == 0
    console.exec("mem32[0x400140a4] = 8")
    assert console.eval("khz(6)") == 32.75, "32768 Hz, of which the counter has five bits behind the point"
    # clk_rtc from there; CLK_GPOUT1 at GPIO23 is clk_rtc / 2
    console.exec("mem32[0x4000806c] = 0x880; mem32[0x40008070] = 0x100; mem32[0x40008010] = 0x200")
    edges: list[tuple[int, bool]] = []
    with pico.engine.pins_watched(lambda now, pin, level: edges.append((now, level)) if pin == 23 else None):
        console.exec("mem32[0x4000800c] = 0x920; mem32[0x400140bc] = 8")
        pico.host.run(0.01)
    levels = [level for _, level in edges]
    assert all(before != after for before, after in pairwise(levels))
    assert len(edges) > 300
    length_ns = edges[-1][0] - edges[-301][0]
    assert length_ns / 300 == pytest.approx(1e9 / 32_768, rel=1e-3), "half a period of 16384 Hz"


@pytest.mark.row("P4.clocks", "P4.oscillators", "P6.gpio-interrupts")
def test_sleep_without_a_clock_ends_with_a_pins_edge(pico: Board, console: Repl) -> None:
    """MicroPython's lightsleep() makes the crystal dormant; DORMANT_WAKE_INTE0 says what wakes it."""
    console.exec(COUNTER + "machine.Pin(7, machine.Pin.IN, machine.Pin.PULL_DOWN); mem32[0x40014160] = 1 << 31")
    pico.engine.at(pico.engine.now + 0.3, lambda: pico.engine.set_gpio(7, True))
    before = pico.engine.now
    instructions = pico.engine.instructions
    console.exec("machine.lightsleep()")
    assert 0.3 <= pico.engine.now - before < 0.35
    assert pico.engine.instructions - instructions < 5_000_000, "the core stood still meanwhile"
    assert console.eval("(khz(9), khz(11))") == (125_000, 48_000)


@pytest.mark.row("P4.clocks")
def test_clk_sys_that_stops(pico: Board, console: Repl) -> None:
    """It comes back from clk_ref when that was asked for; else there is nothing left to run."""
    console.exec(COUNTER + "mem32[0x40008078] = 0x1ff; mem32[0x4002a004] = 0x20")  # VCOPD of PLL_SYS
    assert console.eval("(mem32[0x4000807c], khz(9))") == (1, 12_000)
    console.exec("mem32[0x4000b03c] = 1; mem32[0x4002b004] = 0x20")  # clk_sys by clk_ref; the PLL again
    console.exec("mem32[0x40008078] = 0x100ff; mem32[0x4000803c] = 1")
    assert console.eval("(mem32[0x4000807c], khz(9))") == (0, 125_000)
    with pytest.raises(FirmwareError, match="clk_sys has stopped: its source is switched off"):
        console.exec("mem32[0x4002a004] = 0x20")
