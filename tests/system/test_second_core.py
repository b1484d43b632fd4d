"""The core in C, the same as WebAssembly, and rp2040py's core run the same firmware in the same machine: same bus
trace, time, RAM and registers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.core.machine import load
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from tests.system.rp2040py_core import Rp2040pyCore, registers

pytestmark = pytest.mark.engine("embedded", reason="it is about that engine's core")

LOOP = "s = 0\nfor i in range(300): s = (s * 31 + i) & 0xffff\nprint(s)"
TRANSFER = "import sys\nfor i in range(24): sys.stdout.write('x' * 63 + '\\n')"
INTERRUPTS = """
import machine, time
ticks = 0
def tick(timer):
    global ticks
    ticks += 1
fast = machine.Timer(freq=4000, mode=machine.Timer.PERIODIC, callback=tick)
slow = machine.Timer(freq=333, mode=machine.Timer.PERIODIC, callback=lambda timer: micropython.schedule(print, ticks))
import micropython
time.sleep_ms(5)
fast.deinit(); slow.deinit()
print(ticks)
"""

Record = TransactionRecord | BusEventRecord | TransferRecord


@dataclass
class Trace:
    """Every transaction, SOF included, every event and every transfer, with their times."""

    wants_sof: bool = True
    records: list[Record] = field(default_factory=list)

    def transaction(self, record: TransactionRecord) -> None:
        self.records.append(record)

    def event(self, record: BusEventRecord) -> None:
        self.records.append(record)

    def transfer(self, record: TransferRecord) -> None:
        self.records.append(record)


@dataclass
class Life:
    """What a board has done and where it is."""

    trace: list[Record]
    output: list[bytes]
    ram: bytes
    registers: list[int]
    cycles: int
    instructions: int


def live(*, second_core: bool) -> Life:
    """Power-on to the prompt, the loop, a transfer, interrupts."""
    with Board("cdc", engine="embedded", cores=1) as board:
        engine = cast(EmbeddedEngine, board.engine)
        engine.chip.flash.time_scale = 0  # else the chip holds the core while it asks the flash, in its own way
        core = Rp2040pyCore(engine) if second_core else None
        trace = Trace()
        board.host.add_observer(trace)
        output = [board.exec(program, timeout=10) for program in (LOOP, TRANSFER, INTERRUPTS)]
        machine = engine.chip.machine
        if core is not None:
            found = core.state()
            return Life(trace.records, output, *found, machine.cycles, core.instructions)
        return Life(trace.records, output, bytes(machine.sram), registers(machine), machine.cycles, engine.instructions)


@pytest.mark.row("E1.second-oracle", "E1.exceptions", "E1.cycle-counts", engine="embedded")
def test_both_cores_lead_the_same_life() -> None:
    ours, other = live(second_core=False), live(second_core=True)
    assert ours.output[0] == other.output[0]
    assert int(ours.output[2].split()[-1]) > 15
    assert len(ours.trace) > 150
    assert ours.trace == other.trace
    assert ours.output == other.output
    assert ours.registers == other.registers
    assert ours.ram == other.ram
    assert (ours.cycles, ours.instructions) == (other.cycles, other.instructions)
    assert ours.instructions > 1_000_000


@pytest.mark.row("E4.runs", "E4.same-traces", engine="embedded")
def test_webassembly_leads_the_same_life(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = live(second_core=False)
    monkeypatch.setenv("RENODE_PICO_CORE", "wasm")
    assert load().kind == "WebAssembly"
    assert live(second_core=False) == ours
