"""Testbench manager: tells firmware that it runs on the chip (RP2040 datasheet, 2.22; `tbman.h`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled


class Tbman(Block):
    """One register."""

    NAME = "TBMAN"

    PLATFORM = Register(0x0, reset=0x5, mask=0)

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        super().__init__(machine, Number.TBMAN, unmodelled)
