"""PIO as MicroPython's `rp2` drives it (row P8), on either engine."""

from __future__ import annotations

import ast
from itertools import pairwise

import pytest

from renode_pico.board import Board

pytestmark = pytest.mark.pico(firmware="cdc")

PREFIX = """
import rp2, time
from rp2 import asm_pio, StateMachine, PIO
from machine import Pin, mem32
def run(program, words=(), count=1, number=0, **how):
    machine = StateMachine(number, program, **how)
    machine.active(1)
    for word in words: machine.put(word)
    found = [machine.get() for _ in range(count)]
    machine.active(0); PIO(number // 4).remove_program()
    return found
def level(): return mem32[0x5020003C]
"""


def board_says(pico: Board, program: str) -> list[str]:
    """The lines that a program prints."""
    return pico.exec(PREFIX + program, timeout=20).decode().split("\r\n")[:-1]


@pytest.mark.row("P8.jmp")
def test_jmp_with_each_condition(pico: Board) -> None:
    said = board_says(
        pico,
        """
def taken(condition, x, y, pin):
    @asm_pio()
    def program():
        set(x_register, x); set(y_register, y)
        jmp(condition, "yes")
        mov(isr, null); push(); jmp("end")
        label("yes"); mov(isr, invert(null)); push()
        label("end"); jmp("end")
    return int(run(program, jmp_pin=Pin(7))[0] != 0)
""".replace("x_register", "1").replace("y_register", "2")
        + """
Pin(7, Pin.IN, Pin.PULL_UP); time.sleep_us(1)
print([taken(c, 0, 0, 0) for c in range(8)])
print([taken(c, 3, 5, 0) for c in range(8)])
Pin(7, Pin.IN, Pin.PULL_DOWN); time.sleep_us(1)
print(taken(6, 0, 0, 0))
""",
    )
    assert said == ["[1, 1, 0, 1, 0, 0, 1, 0]", "[1, 0, 1, 0, 1, 1, 1, 0]", "0"]


@pytest.mark.row("P8.wait")
def test_wait_on_gpio_pin_and_irq(pico: Board) -> None:
    said = board_says(
        pico,
        """
@asm_pio()
def waits():
    wait(1, gpio, 7); mov(isr, null); push()
    wait(0, pin, 2); mov(isr, invert(null)); push()
    wait(1, irq, 5); set(x, 3); mov(isr, x); push()
m = StateMachine(1, waits, in_base=Pin(5)); p = Pin(7, Pin.OUT, value=0); m.active(1)
def next(): time.sleep_us(5); return [m.get() for _ in range(m.rx_fifo())]
print(next()); p.value(1); print(next(), m.rx_fifo()); p.value(0); print(next())
mem32[0x50200034] = 1 << 5; print(next(), mem32[0x50200030])
""",
    )
    assert said == ["[]", "[0] 0", "[4294967295]", "[3] 0"]


@pytest.mark.row("P8.in")
def test_in_from_each_source(pico: Board) -> None:
    said = board_says(
        pico,
        """
@asm_pio(in_shiftdir=PIO.SHIFT_LEFT)
def sources():
    pull(); mov(x, osr); set(y, 21)
    in_(x, 4); in_(y, 5); in_(null, 3); in_(osr, 8); in_(isr, 4); push()
@asm_pio(in_shiftdir=PIO.SHIFT_RIGHT)
def right():
    in_(pins, 3); push()
Pin(4, Pin.OUT, value=1); Pin(5, Pin.OUT, value=0); Pin(6, Pin.OUT, value=1)
print(hex(run(sources, [0x1234abcd])[0]), hex(run(right, in_base=Pin(4))[0]))
""",
    )
    assert said == [f"{hex(((((0xD << 5 | 21) << 3) << 8 | 0xCD) << 4) | 0xD)} 0xa0000000"]


@pytest.mark.row("P8.out")
def test_out_to_each_destination(pico: Board) -> None:
    said = board_says(
        pico,
        """
@asm_pio(out_init=(PIO.OUT_LOW,) * 4, out_shiftdir=PIO.SHIFT_RIGHT)
def destinations():
    pull(); out(pins, 4); out(pindirs, 4); out(x, 8); out(y, 4); out(null, 4); out(isr, 5); push()
    mov(isr, x); push(); mov(isr, y); push()
    pull(); out(exec, 16); push()
    out(pc, 5)
    label("lost"); jmp("lost")
@asm_pio(out_shiftdir=PIO.SHIFT_LEFT)
def left():
    pull(); out(x, 12); mov(isr, x); push()
m = StateMachine(0, destinations, out_base=Pin(10)); m.active(1)
m.put(0b10101 << 24 | 0xF << 20 | 0x9 << 16 | 0x5A << 8 | 0b0110 << 4 | 0b1011)
print([hex(m.get()) for _ in range(3)], hex(mem32[0x5020003C] >> 10 & 15), hex(mem32[0x50200040] >> 10 & 15))
mem32[0x50200048 + 4 * 3] = 3
m.put(3 << 16 | 0xA0CF); print(hex(m.get())); time.sleep_us(2)
print(mem32[0x502000D4], hex(run(left, [0xABCDEF01], number=5)[0]))
""",
    )
    assert said[0] == "['0x15', '0x5a', '0x9'] 0xb 0x6"
    # 0xA0CF is MOV ISR, ~OSR, which by then holds what is left of the word; at 3, where OUT PC leads, stands JMP 3
    assert said[1:] == [hex(~3 & 0xFFFFFFFF), "3 0xabc"]


@pytest.mark.row("P8.push")
@pytest.mark.row("P8.pull")
def test_push_and_pull_block_or_not_and_look_at_thresholds(pico: Board) -> None:
    said = board_says(
        pico,
        """
@asm_pio(push_thresh=8, pull_thresh=8)
def conditional():
    set(x, 7); pull(noblock); mov(isr, osr); push()
    out(null, 8); pull(ifempty); mov(isr, osr); push()
    in_(null, 4); push(iffull); in_(null, 4); push(iffull)
    label("end"); jmp("end")
print(run(conditional, [], 1), run(conditional, [], 0))
m = StateMachine(0, conditional); m.active(1); time.sleep_us(2); m.put(99); time.sleep_us(2)
print([m.get() for _ in range(m.rx_fifo())])
@asm_pio()
def floods():
    set(x, 1); mov(isr, x); push(noblock)
f = StateMachine(4, floods); f.active(1); time.sleep_us(5)
print(f.rx_fifo(), mem32[0x50300008] & 1, [f.get() for _ in range(4)]); f.active(0)
@asm_pio(out_shiftdir=PIO.SHIFT_RIGHT, pull_thresh=16)
def half():
    pull(); out(x, 8); pull(ifempty); out(y, 8); mov(isr, y); push()
    pull(ifempty); mov(isr, osr); push()
print(run(half, [0x4321, 7, 8], 2, number=4))
""",
    )
    assert said == ["[7] []", "[7, 99, 0]", "4 1 [1, 1, 1, 1]", f"[{0x43}, 7]"]


@pytest.mark.row("P8.mov")
def test_mov_with_each_operation_and_status(pico: Board) -> None:
    said = board_says(
        pico,
        """
@asm_pio()
def moves():
    pull(); mov(x, osr); mov(isr, x); push(); mov(isr, invert(x)); push()
    mov(isr, reverse(x)); push(); mov(isr, status); push()
print([hex(word) for word in run(moves, [0x12345678], 4)])
@asm_pio()
def status():
    pull(); mov(isr, status); push(); pull(); mov(isr, status); push()
s = StateMachine(0, status); mem32[0x502000CC] |= 2; [s.put(n) for n in range(3)]; s.active(1)
print([hex(s.get()) for _ in range(2)])
""",
    )
    assert said == ["['0x12345678', '0xedcba987', '0x1e6a2c48', '0x0']", "['0x0', '0xffffffff']"]


@pytest.mark.row("P8.irq")
@pytest.mark.row("P8.interrupts")
def test_irq_relative_and_waiting_reaches_the_firmware(pico: Board) -> None:
    said = board_says(
        pico,
        """
seen = []
@asm_pio()
def asks():
    irq(block, rel(0)); set(x, 9); mov(isr, x); push(); irq(clear, 7)
    label("end"); jmp("end")
ms = [StateMachine(n, asks) for n in (0, 2, 5)]
for m in ms: m.irq(lambda machine: seen.append(machine.irq().flags()))
for m in ms: m.active(1)
print([m.get() for m in ms]); time.sleep_ms(1); print(len(seen), mem32[0x50200030], mem32[0x50300030])
for m in ms: m.active(0)
FLAGS, FORCE = 0x50200030, 0x50200034
PIO(0).remove_program(); mem32[FORCE] = 1 << 7
w = StateMachine(1, asks); w.active(1); time.sleep_us(5); print(w.rx_fifo(), hex(mem32[FLAGS]))
mem32[FLAGS] = 1 << 1; time.sleep_us(5); print(w.rx_fifo(), hex(mem32[FLAGS])); w.active(0)
def lines(): return mem32[0xE000E200] >> 7 & 3
mem32[0xE000E180] = mem32[0xE000E280] = 3 << 7
before = lines(); mem32[0x50200138] = 1 << 11; mem32[FORCE] = 1 << 3; print(before, lines())
mem32[0x50200138] = 0; mem32[FLAGS] = 1 << 3; mem32[0xE000E280] = 3 << 7; print(lines())
mem32[0x5020012C] = 1 << 11; mem32[FORCE] = 1 << 3; print(lines())
mem32[0x5020012C] = 0
""",
    )
    assert said[:2] == ["[9, 9, 9]", "3 0 0"]
    # flag 1 is machine 1's own: it waits until somebody clears it, goes on and clears flag 7
    assert said[2:4] == ["0 0x82", "1 0x0"]
    # flag 3, which machines raise, on the second line (interrupt 8), and on the first
    assert said[4:] == ["0 2", "0", "1"]


WAVE = """
@asm_pio(set_init=PIO.OUT_LOW, sideset_init=(PIO.OUT_LOW, PIO.OUT_LOW))
def wave():
    set(pins, 1).side(0)
    wrap_target()
    nop().side(1)[2]
    set(pins, 0).side(2)[1]
    set(pins, 1).side(3)
    wrap()
"""
"""Bit 0 by SET, bits 1 and 2 by side-set: 3 for three cycles, 4 for two, 7 for one."""


@pytest.mark.row("P8.set")
@pytest.mark.row("P8.side-set")
@pytest.mark.row("P8.delays")
@pytest.mark.row("P8.wrap")
@pytest.mark.row("P8.pins")
@pytest.mark.row("P12.pio")
def test_set_side_set_and_delays_make_the_waveform_that_is_written(pico: Board) -> None:
    """A machine writes it at the pins, one of the other block samples them in each cycle, with both at full speed."""
    said = board_says(
        pico,
        WAVE
        + """
@asm_pio(autopush=True, push_thresh=30, in_shiftdir=PIO.SHIFT_LEFT)
def sample():
    in_(pins, 3)
w = StateMachine(0, wave, set_base=Pin(12), sideset_base=Pin(13))
s = StateMachine(4, sample, in_base=Pin(12))
w.active(1); time.sleep_us(1); s.active(1)
words = [s.get() for _ in range(2)]
line = ''.join('%o' % w if len('%o' % w) == 10 else '0' * (10 - len('%o' % w)) + '%o' % w for w in words)
print(line)
""",
    )
    # bit 0 SET, bits 1 and 2 side-set: 3 three times, 4 twice, 7 once
    assert len(said[0]) == 20
    assert said[0] in "333447" * 5


@pytest.mark.row("P12.pio")
def test_each_change_of_a_waveform_is_told_with_its_time(pico: Board) -> None:
    """Two machines at full speed, one in each block, seen from outside the board: no edge is missing or late."""
    board_says(
        pico,
        WAVE
        + """
@asm_pio(out_init=PIO.OUT_LOW)
def count():
    label('next')
    mov(pins, x)
    jmp(x_dec, 'next')
w = StateMachine(0, wave, set_base=Pin(12), sideset_base=Pin(13))
c = StateMachine(4, count, out_base=Pin(20)); c.exec('mov(x, invert(null))')
""",
    )
    told: list[tuple[int, int, bool]] = []
    with pico.engine.pins_watched(lambda time, pin, level: told.append((time, pin, level))):
        pico.exec("w.active(1); c.active(1); time.sleep_us(100); w.active(0); c.active(0)")
    assert told == sorted(told, key=lambda change: change[0])
    cycle_ns = 8
    levels: dict[int, int] = {}
    word = 0
    for time, pin, level in told:
        if pin in range(12, 15):
            word = word & ~(1 << pin - 12) | level << pin - 12
            levels[time] = word
    times = list(levels)
    lasted = [(levels[first], (then - first) / cycle_ns) for first, then in pairwise(times)]
    start = lasted.index((3, 3))
    loops = len(lasted[start:]) // 3
    assert loops > 100_000 / cycle_ns / 6
    assert lasted[start : start + 3 * loops] == [(3, 3), (4, 2), (7, 1)] * loops
    counted = [time for time, pin, _ in told if pin == 20]
    assert len(counted) > 100_000 / cycle_ns / 2
    assert {then - first for first, then in pairwise(counted)} == {2 * cycle_ns}


@pytest.mark.row("P8.autopush")
@pytest.mark.row("P8.autopull")
@pytest.mark.row("P8.joins")
def test_autopush_and_autopull_with_joined_fifos(pico: Board) -> None:
    said = board_says(
        pico,
        """
LEFT = dict(in_shiftdir=PIO.SHIFT_LEFT, out_shiftdir=PIO.SHIFT_LEFT)
@asm_pio(autopush=True, autopull=True, push_thresh=8, pull_thresh=16, **LEFT)
def bytes_of():
    out(x, 8); in_(x, 8)
print([hex(x) for x in run(bytes_of, [0x12345678, 0x9abcdef0], 4)])
@asm_pio(fifo_join=PIO.JOIN_TX)
def nothing(): wait(1, irq, 7)
@asm_pio(fifo_join=PIO.JOIN_RX)
def many(): set(x, 5); mov(isr, x); push()
t = StateMachine(1, nothing); t.active(1)
for n in range(8): t.put(n)
r = StateMachine(2, many); r.active(1); time.sleep_us(5)
print(t.tx_fifo(), r.rx_fifo(), r.tx_fifo())
""",
    )
    assert said == ["['0x12', '0x34', '0x9a', '0xbc']", "8 8 0"]


@pytest.mark.row("P8.dividers")
def test_dividers_with_fractions(pico: Board) -> None:
    """A machine counts for another one's thousand cycles, both divided."""
    said = board_says(
        pico,
        """
@asm_pio(set_init=PIO.OUT_LOW)
def gate():
    pull(); mov(x, osr); set(pins, 1)
    label("on"); jmp(x_dec, "on")
    set(pins, 0)
@asm_pio()
def counter():
    mov(x, invert(null)); wait(1, pin, 0)
    label("on"); jmp(x_dec, "next"); label("next"); jmp(pin, "on")
    mov(isr, invert(x)); push()
for freq, other in ((1_000_000, 125_000_000), (125_000_000 // 3 * 2, 62_500_000), (10_000_000, 50_000_000)):
    c = StateMachine(4, counter, freq=other, in_base=Pin(20), jmp_pin=Pin(20))
    g = StateMachine(0, gate, freq=freq, set_base=Pin(20)); c.active(1); g.active(1); g.put(998)
    print(c.get(), end=' '); c.active(0); g.active(0); PIO(0).remove_program(); PIO(1).remove_program()
print()
""",
    )
    counts = [int(word) for word in said[0].split()]
    # 1000 cycles at 1 MHz by two at 125 MHz; at 83.3 MHz by two at 62.5; at 10 MHz by two at 50
    assert counts == [pytest.approx(62_500, abs=2), pytest.approx(375, abs=2), pytest.approx(2500, abs=2)]


@pytest.mark.row("P8.data-requests")
def test_dma_paces_by_both_fifos(pico: Board) -> None:
    said = board_says(
        pico,
        """
@asm_pio(autopush=True, autopull=True)
def complement():
    out(x, 32); mov(y, invert(x)); in_(y, 32)
m = StateMachine(3, complement, freq=10_000_000)
source, target = bytearray(range(200)), bytearray(200)
give, take = rp2.DMA(), rp2.DMA()
take.config(read=0x5020002C, write=target, count=50, ctrl=take.pack_ctrl(inc_read=False, treq_sel=7), trigger=True)
give.config(read=source, write=0x5020001C, count=50, ctrl=give.pack_ctrl(inc_write=False, treq_sel=3), trigger=True)
time.sleep_us(50); print(give.count, take.count)
t = time.ticks_us(); m.active(1)
while take.active(): pass
t = time.ticks_diff(time.ticks_us(), t)
print(all(target[n] == 255 - n for n in range(200)), 14 <= t <= 200)
""",
    )
    assert said == ["46 50", "True True"]


@pytest.mark.row("P8.state-machine")
@pytest.mark.row("P8.asm-pio")
def test_uart_in_pio_to_uart_in_pio(pico: Board) -> None:
    """The examples of MicroPython's documentation, one machine a transmitter, one of the other block its receiver."""
    said = board_says(
        pico,
        """
@asm_pio(sideset_init=PIO.OUT_HIGH, out_init=PIO.OUT_HIGH, out_shiftdir=PIO.SHIFT_RIGHT)
def uart_tx():
    pull()
    set(x, 7).side(0)[7]
    label("bitloop")
    out(pins, 1)[6]
    jmp(x_dec, "bitloop")
    nop().side(1)[6]
@asm_pio(in_shiftdir=PIO.SHIFT_RIGHT)
def uart_rx():
    wait(0, pin, 0)
    set(x, 7)[10]
    label("bitloop")
    in_(pins, 1)
    jmp(x_dec, "bitloop")[6]
    push(block)
tx = StateMachine(1, uart_tx, freq=8 * 115200, sideset_base=Pin(10), out_base=Pin(10)); tx.active(1)
rx = StateMachine(6, uart_rx, freq=8 * 115200, in_base=Pin(10)); rx.active(1)
text = b"PIO hears itself"
t = time.ticks_us()
heard = b""
for c in text:
    tx.put(c); heard += bytes([rx.get() >> 24])
print(heard, 1300 < time.ticks_diff(time.ticks_us(), t) < 2500)
rx.exec("set(x, 3)"); rx.exec("mov(isr, x)"); rx.exec("push(noblock)"); print(rx.get())
tx.restart(); print(tx.active(), tx.active(0), tx.active())
""",
    )
    assert said == ["b'PIO hears itself' True", "3", "True False False"]


@pytest.mark.row("P8.ws2812")
def test_ws2812(pico: Board) -> None:
    """A machine sends colours, one of the other block decodes them by their high times."""
    said = board_says(
        pico,
        """
import array
@asm_pio(sideset_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_LEFT, autopull=True, pull_thresh=24)
def ws2812():
    wrap_target()
    label("bitloop")
    out(x, 1).side(0)[2]
    jmp(not_x, "do_zero").side(1)[1]
    jmp("bitloop").side(1)[4]
    label("do_zero")
    nop().side(0)[4]
    wrap()
@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, autopush=True, push_thresh=24)
def decode():
    wait(1, pin, 0)[4]
    in_(pins, 1)
    wait(0, pin, 0)
d = StateMachine(5, decode, freq=8_000_000, in_base=Pin(22)); d.active(1)
w = StateMachine(0, ws2812, freq=8_000_000, sideset_base=Pin(22)); w.active(1)
w.put(array.array("I", [0x123456, 0xABCDEF, 0x00FF00]), 8)
print([hex(d.get()) for _ in range(3)])
""",
    )
    assert said == ["['0x123456', '0xabcdef', '0xff00']"]


@pytest.mark.row("P8.i2s")
def test_machine_i2s_takes_the_time_of_its_samples(pico: Board) -> None:
    said = board_says(
        pico,
        """
from machine import I2S
i = I2S(0, sck=Pin(16), ws=Pin(17), sd=Pin(18), mode=I2S.TX, bits=16, format=I2S.STEREO, rate=16000, ibuf=4000)
t, buffer, sent = time.ticks_us(), bytes(range(200)) * 10, 0
for _ in range(10): sent += i.write(buffer)
print(sent, time.ticks_diff(time.ticks_us(), t)); i.deinit()
""",
    )
    sent, took = (int(word) for word in said[0].split())
    assert sent == 20_000
    assert took == pytest.approx((20_000 - 4_000) / 64_000 * 1e6, rel=0.02)


@pytest.mark.row("P8.i2s")
def test_machine_i2s_sends_its_samples(pico: Board) -> None:
    """A machine of the other block looks at word select and data at each rise of the clock."""
    said = board_says(
        pico,
        """
from machine import I2S
import array
@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, autopush=True, push_thresh=32, fifo_join=PIO.JOIN_RX)
def listen():
    wait(0, gpio, 16); wait(1, gpio, 16); in_(pins, 2)
i = I2S(0, sck=Pin(16), ws=Pin(17), sd=Pin(18), mode=I2S.TX, bits=16, format=I2S.STEREO, rate=8000, ibuf=4000)
i.write(array.array("H", [0x1234, 0xABCD] * 400)); time.sleep_ms(20)
ear = StateMachine(4, listen, in_base=Pin(17)); ear.active(1)
print([ear.get() for _ in range(8)]); i.deinit()
""",
    )
    seen = "".join(f"{word:032b}" for word in ast.literal_eval(said[0]))
    data, select = seen[::2], seen[1::2]
    # Philips: the left word is sent while the select is low, each word's first bit a clock after the select has changed
    start = select.index("10") + 2
    assert select[start - 1 : start + 31] == "0" * 16 + "1" * 16
    assert f"{int(data[start : start + 32], 2):08x}" == "1234abcd"
