"""What a core asks past Renode's bus: the firmware is told the same, at the same time, as over the bus."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.engine.renode import RenodeEngine

pytestmark = pytest.mark.engine("renode", reason="the embedded engine has one way to a block")

WAITS_FOR_DMA = """
import machine, rp2, time
spi = machine.SPI(0, baudrate=1_000_000, sck=18, mosi=19, miso=16)
data, into = b"abcdefghij" * 32, bytearray(320)
begin = time.ticks_us()
spi.write_readinto(data, into)
print(time.ticks_diff(time.ticks_us(), begin))
dma, to = rp2.DMA(), bytearray(320)
dma.config(read=data, write=to, count=80, ctrl=dma.pack_ctrl(), trigger=True)
seen = [dma.active() for _ in range(3)]
while dma.active(): pass
print(seen, to == data, dma.count, [hex(r) for r in dma.registers[:3]], hex(dma.registers[3]))
"""
"""MicroPython's SPI looks at BUSY until a paced channel has ended; the unpaced one is made up for."""

WRITES_FLASH = """
import os, time
begin = time.ticks_us()
with open("file", "wb") as file: file.write(bytes(range(256)) * 20)
print(time.ticks_diff(time.ticks_us(), begin), os.statvfs("/")[3], sum(open("file", "rb").read()) == 255 * 128 * 20)
"""
"""The boot ROM asks the flash again and again whether it is still busy."""


CORE_1_WAITS = """
import _thread, time
seen = []
def wait():
    for us in (30, 250, 1700):
        begin = time.ticks_us()
        time.sleep_us(us)
        seen.append(time.ticks_diff(time.ticks_us(), begin))
    seen.append("end")
_thread.start_new_thread(wait, ())
while "end" not in seen: time.sleep_us(100)
print(seen)
"""
"""A thread on core 1 looks at TIMER until its time is over."""


def same_over_the_bus(pico: Board, program: str, shows: bytes, *cores: str) -> None:
    assert isinstance(pico.engine, RenodeEngine)
    repl = pico.repl()
    begin = pico.snapshot(repl)
    said, instructions = repl.exec(program), pico.engine.instructions
    assert shows in said
    pico.restore(begin)
    pico.engine.runtime.command('mach set "pico"')
    for core in cores:
        pico.engine.runtime.command(f"sysbus.{core} OverTheBusOnly true")
    assert (repl.exec(program), pico.engine.instructions) == (said, instructions)


@pytest.mark.parametrize("program", [WAITS_FOR_DMA, WRITES_FLASH], ids=["dma", "flash"])
def test_a_wait_is_the_same_by_the_short_way_and_over_the_bus(pico: Board, program: str) -> None:
    same_over_the_bus(pico, program, b"True", "cpu0")


@pytest.mark.pico(cores=2)
def test_core_1_reads_the_time_that_the_bus_tells_it(pico: Board) -> None:
    same_over_the_bus(pico, CORE_1_WAITS, b"'end'", "cpu0", "cpu1")
