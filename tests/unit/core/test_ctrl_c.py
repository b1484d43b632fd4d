"""Ctrl-C ends a run wherever it comes: also as a callback of the core begins, from where no exception gets out."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from tests.unit.core.small_machine import SmallMachine


def at_the_beginning_of(name: str) -> Any:
    """For `sys.setprofile`: as a signal's handler would, raises before the function's first statement."""

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == name:
            sys.setprofile(None)
            raise KeyboardInterrupt

    return look


def reader() -> SmallMachine:
    """A program that reads a register of RESETS over and over, for which a callback answers."""
    machine = SmallMachine(
        [0x4801, 0x6801, 0xE7FD, 0x46C0, 0xC000, 0x4000]
    )  # ldr r0, =0x4000c000; l: ldr r1, [r0]; b l
    block = 0x4000_C000 >> 14 & 0x1F
    machine.machine.attach(block, lambda offset: 7, lambda offset, raw, alias: None)
    return machine


def test_the_callback_is_asked() -> None:
    machine = reader()
    machine.run(100)
    assert machine.r(1) == 7


def test_an_interrupt_as_a_callback_begins_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    machine = reader()
    sys.setprofile(at_the_beginning_of("_on_read"))
    try:
        with pytest.raises(KeyboardInterrupt):
            machine.run(1_000_000)
    finally:
        sys.setprofile(None)
    assert "ignored" not in capsys.readouterr().err
    machine.run(100)
    assert machine.r(1) == 7
