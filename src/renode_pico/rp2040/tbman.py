"""Testbench manager: tells firmware that it runs on the chip (RP2040 datasheet, 2.22; `tbman.h`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

PLATFORM_ASIC = 1 << 0
"""The register's reset value in the header, 5, has a bit that no field of it has."""


class Tbman(Block):
    """One register."""

    NAME = "TBMAN"

    PLATFORM = Register(0x0, reset=PLATFORM_ASIC, mask=0)

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        super().__init__(machine, Number.TBMAN, unmodelled)
