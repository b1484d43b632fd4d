"""Core 0 stops core 1 while it writes to the flash, by an interrupt of SIO: the SDK's `multicore_lockout`."""

from __future__ import annotations

import pytest

from renode_pico.board import Board

pytestmark = pytest.mark.pico(cores=2)

START = """
import _thread, machine, time
going = {going}
count = 0
def work():
    global count
    while going:
        count += 1
        time.sleep_us(50)
def write():
    with open('/x', 'w') as file: file.write('a')
    with open('/x') as file: print(file.read())
def slow():
    machine.freq(48_000_000)
    print(machine.freq())
def look():
    before = count
    time.sleep_ms(5)
    print(count > before)
_thread.start_new_thread(work, ())
time.sleep_ms(5)
"""
"""All names are there before the thread is: nothing locks the interpreter, and a new one may move the others."""


@pytest.mark.row("P2.thread")
@pytest.mark.parametrize("going", [True, False], ids=["while it runs", "when its thread has ended"])
@pytest.mark.parametrize(
    ("program", "says"), [("write()", b"a\r\n"), ("slow()", b"48000000\r\n")], ids=["a file", "frequency"]
)
def test_core_0_stops_core_1_to_write(pico: Board, program: str, says: bytes, going: bool) -> None:
    pico.exec(START.format(going=going))
    assert pico.exec(program, timeout=2) == says
    if going:
        assert pico.exec("look(); going = False") == b"True\r\n", "the thread goes on"
