"""Pins as a waveform: a value change dump (IEEE 1364-2005, 18) for GTKWave, PulseView and their like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from renode_pico.board import Board


@contextmanager
def recorded(board: Board, path: Path, pins: Iterable[int]) -> Iterator[None]:
    """Write every change of these pins while the board runs, in emulated nanoseconds.

    Raises UsageError when the chip has no such pin, OSError when the file cannot be written.
    """
    from vcd import VCDWriter

    engine = board.engine
    with path.open("w") as stream, VCDWriter(stream, timescale="1 ns", date="", comment=board.firmware.name) as writer:
        now = round(engine.now * 1e9)
        wires = {
            pin: writer.register_var("pico", f"gpio{pin}", "wire", size=1, init=int(engine.gpio(pin))) for pin in pins
        }

        def changed(time_ns: int, pin: int, level: bool) -> None:
            if pin in wires:
                writer.change(wires[pin], max(time_ns, now), int(level))

        with engine.pins_watched(changed):
            yield
        writer.close(round(engine.now * 1e9))
