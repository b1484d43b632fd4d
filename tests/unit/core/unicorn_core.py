"""Unicorn (QEMU's translator) as an oracle for the core in C: instructions on the same registers and RAM."""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from random import Random

from unicorn import UC_ARCH_ARM, UC_MODE_THUMB, Uc, UcError
from unicorn.arm_const import (
    UC_ARM_REG_APSR,
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_R0,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
)

from renode_pico.core.machine import Core, Machine, Run

CODE = 0x2000_0400
DATA = 0x2000_2000
DATA_SIZE = 0x2000
STACK = 0x2000_3000
FLAGS = 0xF000_0000
WORDS = [*range(UC_ARM_REG_R0, UC_ARM_REG_R0 + 13), UC_ARM_REG_SP, UC_ARM_REG_LR]


@dataclass
class CoreState:
    """r0 to r15 and the flags (bits 31 to 28 of `flags`)."""

    r: list[int] = field(default_factory=lambda: [0] * 16)
    flags: int = 0


def random_state(random: Random) -> CoreState:
    """Registers that are addresses in the data area, small numbers or anything."""
    state = CoreState()
    for number in range(13):
        kind = random.randrange(4)
        if kind == 0:
            state.r[number] = DATA + 4 * random.randrange(0x400, 0x800)
        elif kind == 1:
            state.r[number] = random.randrange(256)
        elif kind == 2:
            state.r[number] = random.choice((0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFE0))
        else:
            state.r[number] = random.getrandbits(32)
    state.r[13] = STACK
    state.r[14] = (CODE + 0x80) | 1
    state.r[15] = CODE
    state.flags = random.getrandbits(4) << 28
    return state


def _may_branch(code: bytes) -> bool:
    first = int.from_bytes(code[:2], "little")
    return first >= 0xD000 or first >> 10 == 0x11 or first >> 8 == 0xBD


class Oracle:
    """Unicorn's Cortex-M0."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        self.uc.mem_map(0x2000_0000, 0x40000)
        self._data = b""

    def run(self, code: bytes, data: bytes, before: CoreState, count: int) -> tuple[CoreState, bytes] | None:
        """Execute `count` instructions; None when it faults.

        One instruction that leads to the next is run up to that one's address, as counting is 20 times slower.
        """
        uc = self.uc
        until = before.r[15] + 2 if count == 1 and not _may_branch(code) else 0xFFFF_FFFF
        uc.mem_write(CODE, code)
        if data != self._data:
            uc.mem_write(DATA, data)
        self._data = b""
        uc.ctl_remove_cache(CODE, CODE + 0x400)
        uc.reg_write_batch([*zip(WORDS, before.r[:15], strict=True), (UC_ARM_REG_APSR, before.flags)])
        try:
            uc.emu_start(before.r[15] | 1, until, count=0 if until < 0xFFFF_FFFF else count)
        except UcError:
            return None
        *words, pc, flags = uc.reg_read_batch([*WORDS, UC_ARM_REG_PC, UC_ARM_REG_APSR])
        after = CoreState([*words, pc & ~1], flags & FLAGS)
        self._data = bytes(uc.mem_read(DATA, DATA_SIZE))
        return after, self._data


class Ours:
    """The core in C, without blocks."""

    def __init__(self) -> None:
        self.machine = Machine(1)
        self.machine.hold_core(0, False)
        self.registers = self.machine.core_registers(0)
        self._data = b""

    def set_up(self, code: bytes, data: bytes, before: CoreState) -> None:
        """Memory and registers."""
        machine = self.machine
        offset = CODE - 0x2000_0000
        machine.sram[offset : offset + len(code)] = code
        machine.wrote(CODE, len(code))
        if data != self._data:
            offset = DATA - 0x2000_0000
            machine.sram[offset : offset + len(data)] = data
            machine.wrote(DATA, len(data))
        self.registers[:] = array("I", before.r)
        machine.set_core(0, Core.XPSR, before.flags)

    def run(self, code: bytes, data: bytes, before: CoreState, count: int) -> tuple[CoreState, bytes]:
        """Execute `count` instructions, one by one."""
        self.set_up(code, data, before)
        machine = self.machine
        end = machine.instructions(0) + count
        while machine.instructions(0) < end:
            assert machine.run(machine.cycles + 1) is Run.DEADLINE
        after = CoreState(self.registers.tolist(), machine.core(0, Core.XPSR) & FLAGS)
        offset = DATA - 0x2000_0000
        self._data = bytes(machine.sram[offset : offset + DATA_SIZE])
        return after, self._data


def halfwords(*codes: int) -> bytes:
    """Instructions as bytes."""
    return struct.pack(f"<{len(codes)}H", *codes)
