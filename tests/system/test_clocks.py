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


RATES = """
from machine import mem32
import machine, rp2, time
def poke(register, value): mem32[register] = value
def took(begin, done):
    before = time.ticks_us(); begin()
    while not done(): pass
    return time.ticks_diff(time.ticks_us(), before)
def adc_us():
    ADC = 0x4004c000
    dma = rp2.DMA(); samples = bytearray(2 * 500); poke(ADC + 8, 1 << 24 | 9)
    request = dma.pack_ctrl(size=1, inc_read=False, treq_sel=36)
    dma.config(read=ADC + 12, write=samples, count=500, ctrl=request, trigger=True)
    us = took(lambda: poke(ADC, 9), lambda: not dma.active())
    poke(ADC, 1); time.sleep_us(50); dma.close(); poke(ADC + 8, 0)
    while mem32[ADC + 8] >> 16 & 15: mem32[ADC + 12]
    return us
def rtc_hz():
    RTC = 0x4005c000
    poke(RTC + 12, 0)
    while mem32[RTC + 12] & 2: pass
    poke(RTC, 467)  # a hundred seconds in one of 46875 Hz
    poke(RTC + 4, 2024 << 12 | 1 << 8 | 1); poke(RTC + 8, 0); poke(RTC + 12, 16); poke(RTC + 12, 1)
    while not mem32[RTC + 12] & 2: pass
    def seconds():
        mem32[RTC + 24]; return (mem32[RTC + 28] & 63) + (mem32[RTC + 28] >> 8 & 63) * 60
    before = seconds(); time.sleep_ms(500)
    return (seconds() - before) * 2
uart = machine.UART(1, 115200, tx=machine.Pin(4), rx=machine.Pin(5))
def uart_us(source):
    poke(0x40008048, 0x800 | source << 5)
    us = took(lambda: [poke(0x40038000, 0x55) for _ in range(10)], lambda: not mem32[0x40038018] & 8)
    poke(0x40008048, 0x800 | 2 << 5)
    return us
def counted(count):
    begin = count(); before = time.ticks_us(); time.sleep_ms(20); n = count() - begin
    return round(1000 * n / time.ticks_diff(time.ticks_us(), before))
def pwm_khz():
    PWM = 0x40050000
    poke(PWM, 0); poke(PWM + 4, 250 << 4); poke(PWM + 8, 0); poke(PWM + 16, 0xffff); poke(PWM, 1)
    return counted(lambda: mem32[PWM + 8])
@rp2.asm_pio()
def count_down():
    label("on"); jmp(x_dec, "on")
def pio_khz():
    machine_0 = rp2.StateMachine(0, count_down); poke(0x502000c8, 125 << 16)
    def count():
        machine_0.exec("mov(isr, invert(x))"); machine_0.exec("push()")
        return machine_0.get() & 0xffffffff
    machine_0.exec("mov(x, invert(null))"); machine_0.active(1)
    khz = counted(count)
    machine_0.active(0); rp2.PIO(0).remove_program(count_down)
    return khz
def dma_khz():
    dma = rp2.DMA(); word = bytearray(4); poke(0x50000420, 1 << 16 | 125)
    request = dma.pack_ctrl(inc_read=False, inc_write=False, treq_sel=0x3b)
    dma.config(read=word, write=word, count=1_000_000, ctrl=request, trigger=True)
    khz = counted(lambda: 1_000_000 - dma.count)
    poke(0x50000444, 1 << dma.channel); dma.close()
    return khz
"""
"""Microseconds of 500 conversions, seconds of the RTC, microseconds of ten characters; what is counted in a millisecond
by a PWM slice with a divider of 250, a state machine with one of 125, and DMA paced by a timer of 1/125."""


@pytest.mark.row("P4.clocks", "P12.clk-sys", "P12.clk-peri")
def test_each_block_has_the_rate_of_its_own_clock(console: Repl) -> None:
    def rates(uart_source: int) -> tuple[int, ...]:
        found = console.eval(f"(adc_us(), uart_us({uart_source}), rtc_hz(), pwm_khz(), pio_khz(), dma_khz())")
        assert isinstance(found, tuple)
        return found

    def about(adc: int, uart: int, rtc: int, pwm: int, pio: int, dma: int) -> tuple[object, ...]:
        """With what the interpreter takes to begin and to see the end."""
        exact = [pytest.approx(value, rel=0.02) for value in (rtc, pwm, pio, dma)]
        return (pytest.approx(adc + 100, abs=100), pytest.approx(uart + 150, abs=150), *exact)

    console.exec(RATES)
    assert rates(2) == about(1000, 868, 100, 500, 1000, 1000)
    console.exec("poke(0x40008064, 2 << 8); poke(0x40008070, 512 << 8)")  # clk_adc 24 MHz, clk_rtc 93750 Hz
    assert rates(4) == about(2000, 3472, 200, 500, 1000, 1000), "clk_peri by the crystal is a quarter"
    console.exec("poke(0x40008064, 1 << 8); poke(0x40008070, 1024 << 8); machine.freq(48_000_000); time.sleep_ms(5)")
    assert rates(2) == about(1000, 868, 100, 192, 384, 384)


@pytest.mark.row("P4.clocks", "P4.frequencies")
def test_the_frequency_counter_compares(console: Repl) -> None:
    console.exec(COUNTER)
    console.exec("def compare(least, most, source): mem32[0x40008084] = least; mem32[0x40008088] = most; khz(source)")
    console.exec("def status(least, most, source=9): compare(least, most, source); return mem32[0x40008098]")
    passed, slow, fast = 0x11, 0x11_0010, 0x101_0010
    found = console.eval("[status(*r) for r in ((125000, 125000), (125001, 200000), (0, 124999))]")
    assert found == [passed, slow, fast]
    assert console.eval("status(0, 200000, 7) >> 28") == 1, "GPIN1 has died"


@pytest.mark.row("P4.clocks", "P4.oscillators")
def test_clocks_from_outside_and_to_the_outside(pico: Board, console: Repl) -> None:
    console.exec(COUNTER)
    with pytest.raises(UsageError, match="GPIO21 is no clock input"):
        pico.set_clock_input(21, 1000)
    pico.set_clock_input(20, 32_768)
    assert console.eval("khz(6)") == 0
    console.exec("mem32[0x400140a4] = 8")
    assert console.eval("khz(6)") == 32.75, "32768 Hz, of which the counter has five bits behind the point"
    pico.set_clock_input(22, 50_000_000)
    console.exec("mem32[0x400140b4] = 8; by_pll = loop()")
    assert console.eval("khz(7)") == 50_000
    console.exec("mem32[0x4000b03c] = 1; mem32[0x4000803c] = 0xa0; mem32[0x4000a03c] = 1")  # clk_sys by GPIN1
    assert console.eval("(khz(9), 0.39 < by_pll / loop() < 0.41)") == (50_000, True)
    console.exec("mem32[0x4000b03c] = 1; mem32[0x4000803c] = 0; mem32[0x4000a03c] = 1")
    assert console.eval("khz(9)") == 125_000
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


@pytest.mark.row("P4.clocks", "P4.oscillators")
def test_the_ring_oscillator_sleeps_until_a_pin_changes(pico: Board, console: Repl) -> None:
    """The cores by the ring oscillator, which is made dormant; the crystal and the PLLs go on."""
    console.exec(COUNTER + "machine.Pin(7, machine.Pin.IN, machine.Pin.PULL_DOWN); mem32[0x40014160] = 1 << 31")
    pico.engine.at(pico.engine.now + 0.3, lambda: pico.engine.set_gpio(7, True))
    before, instructions = pico.engine.now, pico.engine.instructions
    to_ring = "time.sleep_ms(10); mem32[0x40008030] = 0; mem32[0x4000803c] = 0"
    console.exec(f"{to_ring}; mem32[0x4006000c] = 0x636f6d61; mem32[0x40008030] = 2; mem32[0x4000803c] = 1")
    assert 0.3 <= pico.engine.now - before < 0.31
    assert pico.engine.instructions - instructions < 3_000_000, "the core stood still meanwhile"
    assert console.eval("(khz(9), hex(mem32[0x4006000c]))") == (125_000, "0x77616b65")


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
