"""On-chip regulator, and why the chip was reset (RP2040 datasheet, 2.10 to 2.12; `vreg_and_chip_reset.h`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

HAD_POR, HAD_RUN, HAD_PSM_RESTART, PSM_RESTART_FLAG = 1 << 8, 1 << 16, 1 << 20, 1 << 24
VREG_ROK = 1 << 12


class VregAndChipReset(Block):
    """The voltage is always what was asked for."""

    NAME = "VREG_AND_CHIP_RESET"
    LACKS = (
        "Voltages have no effect; there is no brown-out.",
        "No debugger restarts the chip: HAD_PSM_RESTART stays 0.",
    )

    VREG = Register(0x0, reset=0xB1 | VREG_ROK, mask=0xF3)
    BOD = Register(0x4, reset=0x91, mask=0xF1)
    CHIP_RESET = Register(0x8, mask=0)

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        super().__init__(machine, Number.VREG_AND_CHIP_RESET, unmodelled)

    def reset(self) -> None:
        """The block's own reset leaves the history alone."""
        history = self.CHIP_RESET
        super().reset()
        self.CHIP_RESET = history

    def record(self, cause: int) -> None:
        """The chip comes out of a reset of this kind: HAD_POR, HAD_RUN."""
        self.CHIP_RESET = cause

    @CHIP_RESET.written
    def _chip_reset_written(self, before: int, raw: int) -> None:
        self.CHIP_RESET = before & ~(raw & PSM_RESTART_FLAG)
