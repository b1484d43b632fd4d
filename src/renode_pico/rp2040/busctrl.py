"""Bus fabric (RP2040 datasheet, 2.1.5; `busctrl.h`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

_COUNTS_NOTHING = "the performance counters do not count"


class Busctrl(Block):
    """Priorities are taken at once: nobody waits for the bus here."""

    NAME = "BUSCTRL"
    LACKS = ("Masters do not wait for each other, so priorities have no effect.",)

    BUS_PRIORITY = Register(0x00, mask=0x1111)
    BUS_PRIORITY_ACK = Register(0x04, reset=1, mask=0)
    PERFCTR0 = Register(0x08, mask=0)
    PERFSEL0 = Register(0x0C, reset=0x1F, mask=0x1F, lacks=_COUNTS_NOTHING)
    PERFCTR1 = Register(0x10, mask=0)
    PERFSEL1 = Register(0x14, reset=0x1F, mask=0x1F, lacks=_COUNTS_NOTHING)
    PERFCTR2 = Register(0x18, mask=0)
    PERFSEL2 = Register(0x1C, reset=0x1F, mask=0x1F, lacks=_COUNTS_NOTHING)
    PERFCTR3 = Register(0x20, mask=0)
    PERFSEL3 = Register(0x24, reset=0x1F, mask=0x1F, lacks=_COUNTS_NOTHING)

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        super().__init__(machine, Number.BUSCTRL, unmodelled)
