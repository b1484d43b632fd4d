"""Bus fabric (RP2040 datasheet, 2.1; `busctrl.h`). The machine counts in the registers here (`core/fabric.c`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

NOTHING = 0x1F
EVENTS = 20
"""PERFSEL's values that select something; of them the even ones are accesses that two masters want at once."""


class Busctrl(Block):
    """Priorities are taken at once: nobody waits for the bus here."""

    NAME = "BUSCTRL"
    LACKS = (
        "Masters do not wait for each other: priorities have no effect, and contested accesses are never counted.",
        "Fetches ahead of a jump that is taken are not counted.",
    )

    BUS_PRIORITY = Register(0x00, mask=0x1111)
    BUS_PRIORITY_ACK = Register(0x04, reset=1, mask=0)
    PERFCTR0 = Register(0x08, mask=0)
    PERFSEL0 = Register(0x0C, reset=NOTHING, mask=0x1F)
    PERFCTR1 = Register(0x10, mask=0)
    PERFSEL1 = Register(0x14, reset=NOTHING, mask=0x1F)
    PERFCTR2 = Register(0x18, mask=0)
    PERFSEL2 = Register(0x1C, reset=NOTHING, mask=0x1F)
    PERFCTR3 = Register(0x20, mask=0)
    PERFSEL3 = Register(0x24, reset=NOTHING, mask=0x1F)

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        super().__init__(machine, Number.BUSCTRL, unmodelled)

    def reset(self) -> None:
        """Nothing is selected."""
        super().reset()
        self._machine.count_bus_accesses(False)

    @PERFCTR0.written
    def _perfctr0_written(self, before: int, raw: int) -> None:
        self.PERFCTR0 = 0

    @PERFCTR1.written
    def _perfctr1_written(self, before: int, raw: int) -> None:
        self.PERFCTR1 = 0

    @PERFCTR2.written
    def _perfctr2_written(self, before: int, raw: int) -> None:
        self.PERFCTR2 = 0

    @PERFCTR3.written
    def _perfctr3_written(self, before: int, raw: int) -> None:
        self.PERFCTR3 = 0

    @PERFSEL0.written
    @PERFSEL1.written
    @PERFSEL2.written
    @PERFSEL3.written
    def _perfsel_written(self, before: int, raw: int) -> None:
        selected = (self.PERFSEL0, self.PERFSEL1, self.PERFSEL2, self.PERFSEL3)
        self._machine.count_bus_accesses(any(event < EVENTS for event in selected))
