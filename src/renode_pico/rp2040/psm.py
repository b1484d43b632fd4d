"""Power-on state machine (RP2040 datasheet, 2.13; `psm.h`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

ALL_STAGES = 0x0001_FFFF


class Stage(IntEnum):
    """FRCE_ON, FRCE_OFF, WDSEL and DONE, in the order of starting."""

    ROSC = 0
    XOSC = 1
    CLOCKS = 2
    RESETS = 3
    BUSFABRIC = 4
    ROM = 5
    SRAM0 = 6
    SRAM1 = 7
    SRAM2 = 8
    SRAM3 = 9
    SRAM4 = 10
    SRAM5 = 11
    XIP = 12
    VREG_AND_CHIP_RESET = 13
    SIO = 14
    PROC0 = 15
    PROC1 = 16


class Psm(Block):
    """`lines`: what to tell a stage of its reset line, True while it is held."""

    NAME = "PSM"
    LACKS = (
        "A stage that is forced off does not take the later ones with it, and memories go on working.",
        "FRCE_ON has no effect.",
    )

    FRCE_ON = Register(0x0, mask=ALL_STAGES)
    FRCE_OFF = Register(0x4, mask=ALL_STAGES)
    WDSEL = Register(0x8, mask=ALL_STAGES)
    DONE = Register(0xC, reset=ALL_STAGES, mask=0)

    def __init__(self, machine: Machine, unmodelled: Unmodelled, lines: Mapping[Stage, Callable[[bool], None]]) -> None:
        self._lines = lines
        super().__init__(machine, Number.PSM, unmodelled)

    def reset(self) -> None:
        """RUN or power-on: no stage is forced off any more."""
        forced_off = self.FRCE_OFF
        super().reset()
        for stage, line in self._lines.items():
            if forced_off >> stage & 1:
                line(False)

    def watchdog_fired(self) -> None:
        """The stages that WDSEL names start again, processors last."""
        selected = self.WDSEL
        for stage, line in self._lines.items():
            if selected >> stage & 1:
                line(True)
        for stage, line in self._lines.items():
            if selected >> stage & 1 and not self.FRCE_OFF >> stage & 1:
                line(False)

    @FRCE_OFF.written
    def _frce_off_written(self, before: int, raw: int) -> None:
        changed = before ^ self.FRCE_OFF
        for stage, line in self._lines.items():
            if changed >> stage & 1:
                line(bool(self.FRCE_OFF >> stage & 1))
        self.DONE = ~self.FRCE_OFF & ALL_STAGES
