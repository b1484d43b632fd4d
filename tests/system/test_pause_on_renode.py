"""Renode's emulation is paused from outside while the host works inside it: neither waits for the other."""

from __future__ import annotations

import time
from typing import Any

import pytest

from renode_pico.board import Board
from renode_pico.engine.renode import RenodeEngine

pytestmark = pytest.mark.engine("renode", reason="the embedded engine has one thread")

HANGS = 300.0  # real seconds; only what hangs takes longer


def test_a_host_inside_the_emulation_does_not_ask_for_what_a_pause_holds(pico: Board) -> None:
    assert isinstance(pico.engine, RenodeEngine)
    from System.Reflection import BindingFlags
    from System.Threading import Monitor

    emulation: Any = pico.engine.runtime.emulation.internal
    host: Any = pico.engine.host.internal
    held = emulation.GetType().GetField("machLock", BindingFlags.Instance | BindingFlags.NonPublic).GetValue(emulation)
    host.Unplug()
    host.AutoEnumerate = True
    host.Plug()
    emulation.StartAll()
    Monitor.Enter(held)  # as Emulation.PauseAll does, which waits for the cores then
    try:
        limit = time.monotonic() + HANGS
        while "device 1" not in host.Status() and time.monotonic() < limit:
            time.sleep(0.01)
        assert "device 1" in host.Status()
    finally:
        Monitor.Exit(held)
        emulation.PauseAll()
