"""Chip identification (RP2040 datasheet, 2.20; `sysinfo.h`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

CHIP_IDS = {"B1": 0x1000_2927, "B2": 0x2000_2927}
"""CHIP_ID by revision of the chip: revision, part 0002, Raspberry Pi."""
PLATFORM_ASIC = 1 << 1
GITREF = 0xE0C9_12E8
"""As a B2 shows it; its first six digits begin the serial number of every boot ROM's drive."""


class Sysinfo(Block):
    """Firmware chooses its workarounds by the revision."""

    NAME = "SYSINFO"

    CHIP_ID = Register(0x00, mask=0)
    PLATFORM = Register(0x04, reset=PLATFORM_ASIC, mask=0)
    GITREF_RP2040 = Register(0x10, reset=GITREF, mask=0)
    GITREF_OF_DATASHEET = Register(0x40, reset=GITREF, mask=0)
    """Where the datasheet and older headers have it, and the boot ROM reads it."""

    def __init__(self, machine: Machine, unmodelled: Unmodelled, revision: str) -> None:
        self._chip_id = CHIP_IDS[revision]
        super().__init__(machine, Number.SYSINFO, unmodelled)
        self.CHIP_ID = self._chip_id

    def reset(self) -> None:
        """Nothing to lose."""
        super().reset()
        self.CHIP_ID = self._chip_id
