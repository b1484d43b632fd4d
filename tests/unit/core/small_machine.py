"""A machine of one or two cores with programs in SRAM, for tests of what instructions cannot show by themselves."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from renode_pico.core.machine import Core, Machine, Run, State

VECTORS = 0x2000_0000
PROGRAM = 0x2000_0400
HANDLERS = 0x2000_1000
HANDLER_SIZE = 0x40
STACK = 0x2000_8000
PROCESS_STACK = 0x2000_7000
NOTES = 0x2000_4000
"""Where programs leave what they have seen."""

NOP, WFI, WFE, SEV = 0xBF00, 0xBF30, 0xBF20, 0xBF40
CPSIE, CPSID = 0xB662, 0xB672
BX_LR = 0x4770
HERE = 0xE7FE
"""b ."""

ICSR, AIRCR, SCR, SHPR2, SHPR3 = 0xE000_ED04, 0xE000_ED0C, 0xE000_ED10, 0xE000_ED1C, 0xE000_ED20
ISER, ICER, ISPR, ICPR, IPR = 0xE000_E100, 0xE000_E180, 0xE000_E200, 0xE000_E280, 0xE000_E400
SYST_CSR, SYST_RVR, SYST_CVR = 0xE000_E010, 0xE000_E014, 0xE000_E018


class SmallMachine:
    """`program` at PROGRAM, a handler for each exception number given; the rest of the vectors lead to `b .`."""

    def __init__(
        self, program: Sequence[int], handlers: dict[int, Sequence[int]] | None = None, cores: int = 1
    ) -> None:
        self.machine = Machine(cores)
        self.put(PROGRAM, program)
        handlers = {number: [HERE] for number in range(2, 48)} | (handlers or {})
        vectors = [STACK, PROGRAM | 1] + [0] * 46
        for number, code in handlers.items():
            at = HANDLERS + HANDLER_SIZE * number
            self.put(at, code)
            vectors[number] = at | 1
        self.machine.sram[: 48 * 4] = struct.pack("<48I", *vectors)
        for core in range(cores):
            self.machine.set_core(core, Core.VTOR, VECTORS)
            self.machine.set_core(core, 13, STACK - 0x200 * core)
            self.machine.set_core(core, 15, PROGRAM)
        self.machine.hold_core(0, False)

    def put(self, address: int, program: Sequence[int]) -> None:
        """Halfwords into SRAM."""
        offset = address - 0x2000_0000
        self.machine.sram[offset : offset + 2 * len(program)] = struct.pack(f"<{len(program)}H", *program)
        self.machine.wrote(address, 2 * len(program))

    def run(self, cycles: int) -> Run:
        """So many cycles, or less when there is something to say."""
        return self.machine.run(self.machine.cycles + cycles)

    def step(self) -> int:
        """One instruction of core 0; the cycles it took."""
        machine = self.machine
        count, before = machine.instructions(0), machine.core_cycles(0)
        while machine.instructions(0) == count:
            self.run(1)
        return machine.core_cycles(0) - before

    def word(self, address: int) -> int:
        """One word of memory or of a register."""
        value = self.machine.bus_read(address)
        assert value is not None
        return value

    def set_word(self, address: int, value: int) -> None:
        """Write one word over the bus."""
        assert self.machine.bus_write(address, value)

    @property
    def pc(self) -> int:
        """Core 0's program counter."""
        return self.machine.core(0, 15)

    @property
    def ipsr(self) -> int:
        """The exception that core 0 handles."""
        return self.machine.core(0, Core.IPSR)

    def state(self, core: int = 0) -> int:
        """Bits of `State`."""
        return self.machine.core(core, Core.STATE)

    def asleep(self, core: int = 0) -> bool:
        """In WFE or WFI."""
        return bool(self.state(core) & (State.WAITING_EVENT | State.WAITING_INTERRUPT))

    def r(self, number: int) -> int:
        """A register of core 0."""
        return self.machine.core(0, number)


def frame(machine: SmallMachine, sp: int) -> list[int]:
    """The eight words that an exception has stacked: r0 to r3, r12, LR, return address, xPSR."""
    return [machine.word(sp + 4 * number) for number in range(8)]
