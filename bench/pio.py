"""PIO: what state machines cost that nobody watches, and those that somebody does. CPU seconds of this process."""

from __future__ import annotations

import time
from collections.abc import Callable

from measure import IMAGE, LOOP, Row, compare

from renode_pico.board import Board
from renode_pico.engine.select import EngineName

BLINK = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink():
    set(pins, 1)[31]
    set(pins, 0)[31]
machine = rp2.StateMachine(0, blink, freq=128000, set_base=Pin(3)); machine.active(1)
"""
EIGHT = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def toggle():
    set(pins, 1)
    set(pins, 0)
machines = [rp2.StateMachine(n, toggle, set_base=Pin(2 + n)) for n in range(8)]
for each in machines: each.active(1)
"""
WS2812 = """
import rp2, time
from machine import Pin
@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_LEFT, autopull=True, pull_thresh=24)
def ws2812():
    wrap_target()
    label("bitloop")
    out(x, 1).side(0)[2]
    jmp(not_x, "do_zero").side(1)[1]
    jmp("bitloop").side(1)[4]
    label("do_zero")
    nop().side(0)[4]
    wrap()
line = rp2.StateMachine(0, ws2812, freq=8_000_000, sideset_base=Pin(22)); line.active(1)
colours, feed = bytes(range(250)) * 16, rp2.DMA()
control = feed.pack_ctrl(inc_write=False, treq_sel=0)
for _ in range(16):
    feed.config(read=colours, write=0x50200010, count=1000, ctrl=control, trigger=True)
    while feed.active(): time.sleep_ms(1)
"""
WS2812_SECONDS = 16 * 1000 * 24 / 800_000
WATCHED_CYCLES = 2_000_000
SLICES = 20
EDGES_INTERRUPT = 0x40014100
WATCHED_PER_SECOND = 5_000_000


def cpu(engine: EngineName, before: str, code: str) -> float:
    """CPU seconds of a program, with what `before` has started going on."""
    with Board(IMAGE, engine=engine) as board:
        board.exec(before or "1", timeout=20)
        begin = time.process_time()
        board.exec(code, timeout=600)
        return time.process_time() - begin


def beside_loop(engine: EngineName, name: str, before: str, limit: float, runs: int) -> Callable[[], Row]:
    """The compute loop with machines that run, beside without."""
    title = f"compute loop with {name}, on {engine}"
    return lambda: compare(
        title, lambda: cpu(engine, before, LOOP), lambda: cpu(engine, "", LOOP), limit, "without", runs
    )


def ws2812(engine: EngineName, runs: int) -> Callable[[], Row]:
    """A line of WS2812 fed by DMA, beside three CPU seconds per emulated one."""
    return lambda: compare(
        f"WS2812 at 800 kHz by DMA, on {engine}",
        lambda: cpu(engine, "", WS2812),
        lambda: 3 * WS2812_SECONDS,
        1.0,
        "3 s per emulated s",
        runs,
    )


def watched_in_c() -> float:
    """A machine in C whose pin changes in every cycle; each edge may interrupt."""
    from renode_pico.core.machine import Machine

    machine = Machine()
    prepare(machine.bus_write)
    machine.bus_write(EDGES_INTERRUPT, 0xC)
    begin = time.process_time()
    machine.run(machine.cycles + WATCHED_CYCLES)
    return time.process_time() - begin


def watched_on_renode() -> float:
    """The same on Renode's models, with nothing else in the machine; each edge is recorded with its time."""
    from renode_pico.engine.renode import derived
    from renode_pico.engine.renode_runtime import runtime

    emulation = runtime().emulation  # only with it there are the names that follow
    from Antmicro.Renode.Peripherals import IPeripheral
    from Antmicro.Renode.PlatformDescription.UserInterface import PlatformDescriptionMachineExtensions
    from Antmicro.Renode.Time import TimeInterval

    emulation.clear()
    machine = emulation.add_mach("bench").internal
    PlatformDescriptionMachineExtensions.LoadPlatformDescriptionFromString(machine, PLATFORM)
    prepare(machine.SystemBus.WriteDoubleWord)
    clock = derived(machine.ClockSource)
    found, bank = machine.TryGetByName[IPeripheral]("sysbus.io_bank0")
    assert found
    recorder = derived(bank).StartRecording()
    begin = time.process_time()
    edges = 0
    for _ in range(SLICES):
        slice_ns = 8 * WATCHED_CYCLES // SLICES
        clock.Advance(TimeInterval.FromTicks(slice_ns * TimeInterval.TicksPerMicrosecond // 1000))
        edges += memoryview(recorder.Read()).shape[0] // 3
    spent = time.process_time() - begin
    if edges < WATCHED_CYCLES - 1:
        raise SystemExit(f"{edges} edges were recorded of {WATCHED_CYCLES}")
    return spent


PLATFORM = """
pads_bank0: RP2040.RP2040_PadsBank0 @ sysbus 0x4001C000
io_bank0: RP2040.RP2040_IOBank0 @ sysbus 0x40014000 { pads: pads_bank0 }
pio0: RP2040.RP2040_PIO @ sysbus 0x50200000 { number: 0; pins: io_bank0 }
"""


def prepare(write: Callable[[int, int], object]) -> None:
    """MOV PINS, X side 1; JMP X-- side 0 at full speed: GPIO0 changes in each cycle, and X is never what it was."""
    pio = 0x50200000
    for address, value in (
        (0x40014004, 6),
        (pio + 0x48, 0xB001),
        (pio + 0x4C, 0x0040),
        (pio + 0xCC, 1 << 12),
        (pio + 0xDC, 1 << 29 | 1 << 26 | 1 << 20 | 1),
        (pio + 0xD8, 0xE081),
        (pio, 1),
    ):
        write(address, value)


def watched(name: str, measure: Callable[[], float], runs: int) -> Callable[[], Row]:
    """Every cycle watched, beside five million a second."""
    limit = WATCHED_CYCLES / WATCHED_PER_SECOND
    return lambda: compare(
        f"PIO watched in each of {WATCHED_CYCLES // 10**6} M cycles, {name}",
        measure,
        lambda: limit,
        1.0,
        "5 M cycles a second",
        runs,
    )


def measurements(renode: bool, runs: int) -> list[tuple[str, Callable[[], Row]]]:
    """What there is to measure here, by name."""
    engines: list[EngineName] = ["embedded", "renode"] if renode else ["embedded"]
    found: list[tuple[str, Callable[[], Row]]] = [("pio-watched", watched("in C", watched_in_c, runs))]
    if renode:
        found.append(("pio-watched-renode", watched("on renode", watched_on_renode, runs)))
    for engine in engines:
        found += [
            (f"pio-blink-{engine}", beside_loop(engine, "a machine blinking at 2 kHz", BLINK, 1.1, runs)),
            (f"pio-eight-{engine}", beside_loop(engine, "eight machines at full speed", EIGHT, 1.2, runs)),
            (f"pio-ws2812-{engine}", ws2812(engine, runs)),
        ]
    return found
