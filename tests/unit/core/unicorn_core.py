"""Unicorn (QEMU's translator) as an oracle for the core in C: one instruction, or a few, on the same registers and RAM."""

from __future__ import annotations

import struct
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
REGISTERS = range(16)


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


class Oracle:
    """Unicorn's Cortex-M0."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        self.uc.mem_map(0x2000_0000, 0x40000)

    def run(self, code: bytes, data: bytes, before: CoreState, count: int) -> tuple[CoreState, bytes] | None:
        """Execute `count` instructions; None when it faults."""
        uc = self.uc
        uc.mem_write(CODE, code)
        uc.mem_write(DATA, data)
        uc.ctl_remove_cache(CODE, CODE + 0x400)
        for number in range(13):
            uc.reg_write(UC_ARM_REG_R0 + number, before.r[number])
        uc.reg_write(UC_ARM_REG_SP, before.r[13])
        uc.reg_write(UC_ARM_REG_LR, before.r[14])
        uc.reg_write(UC_ARM_REG_APSR, before.flags)
        try:
            uc.emu_start(before.r[15] | 1, 0xFFFF_FFFF, count=count)
        except UcError:
            return None
        after = CoreState([uc.reg_read(UC_ARM_REG_R0 + number) for number in range(13)])
        after.r += [uc.reg_read(UC_ARM_REG_SP), uc.reg_read(UC_ARM_REG_LR), uc.reg_read(UC_ARM_REG_PC) & ~1]
        after.flags = uc.reg_read(UC_ARM_REG_APSR) & FLAGS
        return after, bytes(uc.mem_read(DATA, DATA_SIZE))


class Ours:
    """The core in C, without blocks."""

    def __init__(self) -> None:
        self.machine = Machine(1)
        self.machine.hold_core(0, False)

    def set_up(self, code: bytes, data: bytes, before: CoreState) -> None:
        """Memory and registers."""
        machine = self.machine
        offset = CODE - 0x2000_0000
        machine.sram[offset : offset + len(code)] = code
        machine.wrote(CODE, len(code))
        offset = DATA - 0x2000_0000
        machine.sram[offset : offset + len(data)] = data
        machine.wrote(DATA, len(data))
        for number in REGISTERS:
            machine.set_core(0, number, before.r[number])
        machine.set_core(0, Core.XPSR, before.flags)

    def run(self, code: bytes, data: bytes, before: CoreState, count: int) -> tuple[CoreState, bytes]:
        """Execute `count` instructions, one by one."""
        self.set_up(code, data, before)
        machine = self.machine
        for _ in range(count):
            assert machine.run(machine.cycles + 1) is Run.DEADLINE
        after = CoreState([machine.core(0, number) for number in REGISTERS])
        after.flags = machine.core(0, Core.XPSR) & FLAGS
        offset = DATA - 0x2000_0000
        return after, bytes(machine.sram[offset : offset + DATA_SIZE])


def halfwords(*codes: int) -> bytes:
    """Instructions as bytes."""
    return struct.pack(f"<{len(codes)}H", *codes)
