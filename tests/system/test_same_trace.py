"""Row C17 with faults, halts, suspends and resets: the same trace file, byte for byte, every run."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.renode import RenodeEngine
from renode_pico.engine.select import EngineName
from renode_pico.trace.tsv import TsvTrace
from tests.system.stimuli import FILES, FIRMWARE, drive

pytestmark = pytest.mark.pico(firmware=FIRMWARE, files=FILES)


def trace(board: Board, path: Path) -> bytes:
    """Drive a board and return its trace, times included."""
    observer = TsvTrace(path)
    board.host.add_observer(observer)
    drive(board)
    board.host.remove_observer(observer)
    observer.close()
    return path.read_bytes()


@pytest.mark.row("C17.same-trace")
def test_two_runs_give_the_same_trace_byte_for_byte(pico: Board, tmp_path: Path) -> None:
    first = trace(pico, tmp_path / "first.tsv")
    instructions = pico.engine.instructions
    pico.close()
    files = {name: text.encode() for name, text in FILES.items()}
    with Board(FIRMWARE, engine=cast(EngineName, pico.engine.name), files=files) as other:
        second = trace(other, tmp_path / "second.tsv")
        assert other.engine.instructions == instructions
    assert first.count(b"\n") > 100
    assert first == second


@pytest.mark.row("T2.trace-on", "T2.trace-off")
@pytest.mark.engine("renode", reason="Renode's monitor has a trace of its own")
def test_monitor_and_python_write_the_same_trace_at_the_same_time(pico: Board, tmp_path: Path) -> None:
    monitor = cast(RenodeEngine, pico.engine).runtime
    monitor.command(f"usb_host TraceStart @{tmp_path / 'monitor.tsv'}")
    ours = trace(pico, tmp_path / "python.tsv")
    monitor.command("usb_host TraceStop")
    assert (tmp_path / "monitor.tsv").read_bytes() == ours
