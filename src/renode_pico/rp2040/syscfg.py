"""System configuration (RP2040 datasheet, 2.21; `syscfg.h`)."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled


class Syscfg(Block):
    """`on_nmi_mask(core, mask)`: which interrupts are a core's NMI from now on."""

    NAME = "SYSCFG"
    LACKS = ("The inputs' synchronisers take no time, bypassed or not.",)

    PROC0_NMI_MASK = Register(0x00)
    PROC1_NMI_MASK = Register(0x04)
    PROC_CONFIG = Register(0x08, reset=0x1000_0000, mask=0xFF00_0000)
    PROC_IN_SYNC_BYPASS = Register(0x0C, mask=0x3FFF_FFFF)
    PROC_IN_SYNC_BYPASS_HI = Register(0x10, mask=0x3F)
    DBGFORCE = Register(0x14, reset=0x66, mask=0xEE, lacks="the debug ports are not driven from inside")
    MEMPOWERDOWN = Register(0x18, mask=0xFF, lacks="memories stay powered")

    def __init__(self, machine: Machine, unmodelled: Unmodelled, on_nmi_mask: Callable[[int, int], None]) -> None:
        self._on_nmi_mask = on_nmi_mask
        super().__init__(machine, Number.SYSCFG, unmodelled)

    def reset(self) -> None:
        """No NMI."""
        super().reset()
        self._on_nmi_mask(0, 0)
        self._on_nmi_mask(1, 0)

    @PROC0_NMI_MASK.written
    def _nmi0_written(self, before: int, raw: int) -> None:
        self._on_nmi_mask(0, self.PROC0_NMI_MASK)

    @PROC1_NMI_MASK.written
    def _nmi1_written(self, before: int, raw: int) -> None:
        self._on_nmi_mask(1, self.PROC1_NMI_MASK)
