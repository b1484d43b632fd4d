"""PWM as MicroPython drives it, and what it does not show by its registers (row P7), on either engine."""

from __future__ import annotations

import pytest

from renode_pico.board import Board

pytestmark = pytest.mark.pico(firmware="cdc")

PREFIX = """
import time, machine
from machine import Pin, PWM, mem32
BASE = 0x40050000
def pulses(pin, count=4):
    machine.time_pulse_us(pin, 1, 100000)
    return [(machine.time_pulse_us(pin, 1, 100000), machine.time_pulse_us(pin, 0, 100000)) for _ in range(count)]
def near(found, high, low): return all(abs(h - high) <= 3 and abs(l - low) <= 40 for h, l in found) or found
"""


def board_says(pico: Board, program: str) -> list[str]:
    """The lines that a program prints."""
    return pico.exec(PREFIX + program, timeout=20).decode().split("\r\n")[:-1]


@pytest.mark.row("P7.pwm-frequency")
@pytest.mark.row("P7.pwm-duty")
def test_frequency_and_duty_are_at_the_pin(pico: Board) -> None:
    """How often, and how long, the pin is high, as the processor sees it."""
    said = board_says(
        pico,
        """
p = PWM(Pin(4), freq=1000, duty_u16=16384); print(p.freq(), p.duty_u16())
seen = bytearray(4000)
start = time.ticks_us()
for n in range(4000): seen[n] = mem32[0xD0000004] >> 4 & 1
took = time.ticks_diff(time.ticks_us(), start)
rises = sum(1 for n in range(1, 4000) if seen[n] > seen[n - 1])
print(abs(rises - took / 1000) <= 1.5, sum(seen) * 1000 // 4000)
p.duty_ns(100_000); print(p.duty_ns()); p.deinit()
""",
    )
    assert said[0] == "1000 16384"
    periods, duty = said[1].split()
    assert periods == "True"
    assert int(duty) == pytest.approx(250, abs=15)
    assert abs(int(said[2]) - 100_000) < 100


@pytest.mark.row("P7.pwm-phase-correct")
def test_phase_correct_halves_the_frequency_and_counts_down_again(pico: Board) -> None:
    said = board_says(
        pico,
        """
mem32[BASE + 0x10] = 9999; mem32[BASE + 4] = 125 << 4; mem32[BASE + 0xA4] = 1
mem32[BASE] = 1 | 2
seen = []
start = time.ticks_us()
while time.ticks_diff(time.ticks_us(), start) < 19_000: seen.append(mem32[BASE + 8])
wrapped = mem32[BASE + 0xA4] & 1
top = seen.index(max(seen))
print(all(a <= b for a, b in zip(seen[:top], seen[1:top + 1])), all(a >= b for a, b in zip(seen[top:], seen[top + 1:])))
print(max(seen) > 9900, wrapped); time.sleep_us(1500); print(mem32[BASE + 0xA4] & 1)
""",
    )
    assert said == ["True True", "True 0", "1"]


@pytest.mark.row("P7.pwm-counting-on-b")
def test_b_is_counted_by_its_edges_and_by_the_time_it_is_high(pico: Board) -> None:
    """GPIO3 is B of slice 1, driven by what is outside: the pulls."""
    said = board_says(
        pico,
        """
S = BASE + 0x14
def count(mode, deeds):
    mem32[S] = 0; mem32[S + 8] = 0; mem32[S + 0x10] = 0xFFFF; mem32[S + 4] = 16
    mem32[0x40014000 + 8 * 3 + 4] = 4; mem32[0x4001C004 + 4 * 3] = 0x56
    mem32[S] = 1 | mode << 4; deeds(); mem32[S] = 0
    return mem32[S + 8]
def pulses():
    for _ in range(5):
        mem32[0x4001C004 + 4 * 3] = 0x5A; mem32[0x4001C004 + 4 * 3] = 0x56
def high_for_a_while():
    time.sleep_us(100); mem32[0x4001C004 + 4 * 3] = 0x5A; time.sleep_us(200)
    mem32[0x4001C004 + 4 * 3] = 0x56; time.sleep_us(100)
print(count(2, pulses), count(3, pulses)); n = count(1, high_for_a_while); print(25_000 <= n <= 40_000 or n)
""",
    )
    assert said == ["5 5", "True"]


@pytest.mark.row("P7.pwm-wrap-interrupt")
def test_wraps_interrupt_and_pace_dma(pico: Board) -> None:
    said = board_says(
        pico,
        """
import rp2
mem32[BASE + 0x10] = 1249; mem32[BASE + 4] = 16; mem32[BASE] = 1
time.sleep_us(30); print(mem32[BASE + 0xA4] & 1, mem32[0xE000E200] >> 4 & 1)
mem32[BASE + 0xA8] = 1; print(mem32[0xE000E200] >> 4 & 1, mem32[BASE + 0xB0])
mem32[BASE + 0xA8] = 0; mem32[BASE + 0xA4] = 1
d, target = rp2.DMA(), bytearray(400)
t = time.ticks_us()
d.config(read=bytes(range(100)) * 4, write=target, count=100, ctrl=d.pack_ctrl(treq_sel=24), trigger=True)
while d.active(): pass
t = time.ticks_diff(time.ticks_us(), t); print(990 <= t <= 2000 or t, target[399])
mem32[BASE] = 0; mem32[BASE + 8] = 0; mem32[BASE + 0x10] = 62499; mem32[BASE + 0xA4] = 1; mem32[0xE000E280] = 16
mem32[BASE + 0xA8] = 1; mem32[BASE] = 1; before = mem32[0xE000E200] >> 4 & 1
time.sleep_us(600); print(before, mem32[0xE000E200] >> 4 & 1)
""",
    )
    # the last: a wrap interrupts by itself, without anybody who looks at a register of PWM
    assert said == ["1 0", "1 1", "True 99", "0 1"]


@pytest.mark.row("P7.pwm-wrap-interrupt")
def test_a_divisor_can_be_made_smaller_while_the_larger_counts(pico: Board) -> None:
    """Someone waits for the wrap, a few counts away: its moment was before the present one, and that never came."""
    said = board_says(
        pico,
        """
mem32[BASE + 0xA8] = 1
wrapped = 0
for n in range(20):
    mem32[BASE] = 0; mem32[BASE + 0x10] = 0xFFFF; mem32[BASE + 4] = 0xFFF
    mem32[BASE + 8] = 0xFFF0; mem32[BASE + 0xA4] = 1
    mem32[BASE] = 1
    mem32[BASE + 4] = 1 << 4
    wrapped += mem32[BASE + 0xA4] & 1
print(wrapped)
mem32[BASE] = 0; mem32[BASE + 0xA8] = 0
""",
    )
    assert said == ["20"]
