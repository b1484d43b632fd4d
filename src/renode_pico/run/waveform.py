"""Pins as a waveform: a value change dump (IEEE 1364-2005, 18) for GTKWave, PulseView and their like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from renode_pico.board import Board
from renode_pico.engine.protocol import PinWatcher
from renode_pico.errors import UsageError


@contextmanager
def recorded(board: Board, path: Path, pins: Iterable[int]) -> Iterator[None]:
    """Write every change of these pins while the board runs, in emulated nanoseconds.

    Raises UsageError when the engine has no such pin or cannot be listened to, OSError when the file cannot be written.
    """
    from vcd import VCDWriter

    engine = board.engine
    if not isinstance(engine, PinWatcher):
        raise UsageError(f"the {engine.name} engine's pins cannot be recorded: use the renode engine")
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
