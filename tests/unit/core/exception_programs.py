"""Random programs with exceptions, run on unicorn and on the core in C.

unicorn executes instructions and stops at what is none of its business: SVC, BKPT, undefined instructions, bad
accesses, an exception return. `ExceptionOracle` does there what ARM DDI 0419, B1.5 says: priorities, frames, both stack
pointers, tail chaining, escalation, lock-up. CPS, MRS and MSR are breakpoints in unicorn's copy of the program, and are
done here as well.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from random import Random
from typing import Any

from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_THUMB, Uc, UcError
from unicorn.arm_const import UC_ARM_REG_APSR, UC_ARM_REG_LR, UC_ARM_REG_PC, UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M0

from renode_pico.core.machine import Core, Machine, State
from tests.unit.core.unicorn_core import DATA, DATA_SIZE, FLAGS, WORDS, halfwords

BASE = 0x2000_0000
VECTORS, CODE, END, HANDLERS = BASE, BASE + 0x400, BASE + 0x7F0, BASE + 0x800
CODE_SIZE, HANDLER_SIZE = 0xC00, 0x80
MAIN_STACK, PROCESS_STACK, WINDOW = BASE + 0x3000, BASE + 0x3800, BASE + 0x2800
"""Loads and stores go to WINDOW, and in thread mode above the stack pointer."""
ICSR, SHPR2, SHPR3 = 0xE000_ED04, 0xE000_ED1C, 0xE000_ED20
NMI, HARDFAULT, SVCALL, PENDSV, SYSTICK = 2, 3, 11, 14, 15
THREAD_PRIORITY, LOCKED_UP = 256, "locked up"
SVC_TRAP = 2
"""unicorn's number for it."""
HERE, NOP, BKPT = 0xE7FE, 0xBF00, 0xBE00
CPSIE, CPSID = 0xB662, 0xB672
MSP, PSP, PRIMASK, CONTROL = 8, 9, 16, 20
XPSR_T, XPSR_ALIGNED = 1 << 24, 1 << 9
CYCLES = 20_000
"""More than any of the programs takes."""

RENEW_EACH = 1000
"""So many programs, and unicorn begins anew: it keeps what it has translated, 7 KB a program."""

System = tuple[str, int, int]
"""What a breakpoint in unicorn's copy stands for: `cps`, `mrs` or `msr`, a register of the core, a special register."""


@dataclass
class Program:
    """Code for both, and what is not in it: registers, priorities, the stack pointers."""

    code: bytearray
    patched: bytearray
    system: dict[int, System]
    registers: list[int]
    flags: int
    priorities: dict[int, int]
    psp: int


@dataclass
class Outcome:
    """Where a program has got to."""

    end: str
    registers: list[int] = field(default_factory=list)
    flags: int = 0
    stacks: tuple[int, int] = (0, 0)
    primask: int = 0
    control: int = 0
    data: bytes = b""


# -- Programs


def _arithmetic(random: Random) -> list[int]:
    while True:
        code = random.randrange(0x4400)
        if (code & 7 if code < 0x2000 or code >= 0x4000 else code >> 8 & 7) < 5:
            return [code]


def _memory(random: Random) -> list[int]:
    opcode = random.choice((0x6000, 0x6800, 0x7000, 0x7800, 0x8000, 0x8800))
    return [opcode | random.randrange(32) << 6 | 7 << 3 | random.randrange(5)]


def _stack(random: Random) -> list[int]:
    return [0x9000 | random.randrange(2) << 11 | random.randrange(5) << 8 | random.randrange(64)]


def _unaligned(random: Random) -> list[int]:
    return [random.choice((0x6000, 0x6800, 0x8000, 0x8800)) | random.randrange(32) << 6 | 5 << 3 | random.randrange(5)]


def _nowhere(random: Random) -> list[int]:
    # movs r4, #3; lsls r4, r4, #28; ldr or str rd, [r4, #imm]
    return [0x2403, 0x0724, random.choice((0x6000, 0x6800, 0x7000, 0x7800)) | random.randrange(32) << 6 | 4 << 3 | 2]


def _undefined(random: Random) -> list[int]:
    return [random.choice((0xDE00 | random.randrange(256), BKPT | random.randrange(256), 0xBA80))]


def _svc(random: Random) -> list[int]:
    return [0xDF00 | random.randrange(256)]


def _pend(random: Random) -> list[int]:
    # movs r4, #1; lsls r4, r4, #n; str r4, [r6]: PENDSVSET, PENDSVCLR, PENDSTSET, PENDSTCLR, or now and then the NMI
    return [0x2401, 0x0024 | random.choice((28, 28, 28, 27, 26, 26, 25, 31)) << 6, 0x6034]


def _cps(random: Random) -> list[int]:
    return [random.choice((CPSIE, CPSIE, CPSID))]


def _mrs(random: Random) -> list[int]:
    return [0xF3EF, 0x8000 | random.randrange(5) << 8 | random.choice((MSP, PSP, PRIMASK, CONTROL, 5))]


def _msr_primask(random: Random) -> list[int]:
    return [0xF380 | random.randrange(5), 0x8800 | PRIMASK]


_THREAD = (*[_arithmetic] * 8, *[_memory] * 3, *[_stack] * 2, *[_svc] * 3, *[_pend] * 3)
_THREAD += (_cps, _cps, _unaligned, _nowhere, _undefined, _undefined, _mrs, _msr_primask)
_HANDLER = (*[_arithmetic] * 6, *[_memory] * 3, _cps, _unaligned, _undefined, _mrs)
_LAST_RESORT = (*[_arithmetic] * 20, *[_memory] * 8, _cps, _undefined)
"""In HardFault and NMI, where a fault is the end."""

_STEP_OVER = [
    0x2004,  # movs r0, #4
    0x4671,  # mov r1, lr
    0x4208,  # tst r0, r1
    0xD102,  # bne process
    0xF3EF, 0x8008,  # mrs r0, msp
    0xE001,  # b over
    0xF3EF, 0x8009,  # process: mrs r0, psp
    0x6981,  # over: ldr r1, [r0, #24]
    0x3102,  # adds r1, #2
    0x6181,  # str r1, [r0, #24]
]  # fmt: skip
"""The HardFault handler goes on behind what was refused."""


def _body(random: Random, kinds: tuple[Any, ...], count: int) -> list[int]:
    """Pieces with branches between them that lead forward."""
    pieces = [random.choice(kinds)(random) for _ in range(count)]
    starts = [0]
    for number, piece in enumerate(pieces):
        if random.randrange(5) == 0:
            pieces[number] = [*piece, 0xD000 | random.randrange(14) << 8 | 0x1000_0000]
        starts.append(starts[-1] + len(pieces[number]))
    codes: list[int] = []
    for number, piece in enumerate(pieces):
        for code in piece:
            if code >> 28:
                target = starts[random.randrange(number + 1, count + 1)]
                code = (code & 0xFFFF) | (target - len(codes) - 2 & 0xFF)
            codes.append(code)
    return codes


def random_program(random: Random) -> Program:
    """A program, its handlers, and the state it begins in."""
    code = bytearray(halfwords(NOP) * (CODE_SIZE // 2))
    patched = bytearray(code)
    system: dict[int, System] = {}

    def put(address: int, codes: list[int]) -> None:
        offset, skip = address - CODE, False
        for number, one in enumerate(codes):
            at = offset + 2 * number
            code[at : at + 2] = halfwords(one)
            if skip:
                skip = False
                continue
            shown = one
            if one in (CPSIE, CPSID):
                system[CODE + at] = ("cps", 0, int(one == CPSID))
            elif one == 0xF3EF:
                system[CODE + at] = ("mrs", codes[number + 1] >> 8 & 15, codes[number + 1] & 0xFF)
                skip = True
            elif one & 0xFFF0 == 0xF380:
                system[CODE + at] = ("msr", one & 15, codes[number + 1] & 0xFF)
                skip = True
            if CODE + at in system:
                shown = BKPT
            patched[at : at + 2] = halfwords(shown)

    main = [0x2002, 0xF380, 0x8800 | CONTROL] if random.randrange(2) else []  # movs r0, #2; msr control, r0
    main += _body(random, _THREAD, 18)
    put(CODE, [*main, 0xE000 | (END - CODE) // 2 - len(main) - 2])
    put(END, [HERE])
    handler = {NMI: _LAST_RESORT, HARDFAULT: _LAST_RESORT, SVCALL: _HANDLER, PENDSV: _HANDLER, SYSTICK: _HANDLER}
    if random.randrange(2):  # not both, or they would call each other for ever
        handler[SVCALL] += (_pend,) * 4
    else:
        handler |= dict.fromkeys((SVCALL, PENDSV, SYSTICK), (*_HANDLER, _svc, _svc))
    for exception, kinds in handler.items():
        body = _body(random, kinds, random.randrange(7))
        body = [0xB510, *body, 0xBD10] if random.randrange(2) else [*body, 0x4770]  # push {r4, lr}, pop {r4, pc}; bx lr
        put(HANDLERS + HANDLER_SIZE * exception, [*_STEP_OVER, *body] if exception == HARDFAULT else body)
    registers = [random.choice((random.randrange(256), random.getrandbits(32))) for _ in range(13)]
    registers[5], registers[6], registers[7] = WINDOW + 1, ICSR, WINDOW
    registers += [MAIN_STACK - 4 * random.randrange(2), random.getrandbits(32) | 1, CODE]
    priorities = {exception: random.randrange(4) << 6 for exception in (SVCALL, PENDSV, SYSTICK)}
    psp = PROCESS_STACK - 4 * random.randrange(2)
    return Program(code, patched, system, registers, random.getrandbits(4) << 28, priorities, psp)


# -- The oracle


class ExceptionOracle:
    """unicorn's Cortex-M0, with the exceptions of ARM DDI 0419, B1.5."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        self.uc.mem_map(BASE, 0x40000)
        self.uc.hook_add(UC_HOOK_INTR, self._trapped)
        self._trap = -1

    def _trapped(self, uc: Any, number: int, _: Any) -> None:
        self._trap = number
        uc.emu_stop()

    def run(self, program: Program, data: bytes) -> Outcome:
        """Everything up to END in thread mode, or to lock-up."""
        uc = self.uc
        uc.mem_write(CODE, bytes(program.patched))
        uc.mem_write(DATA, data)
        uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
        uc.reg_write_batch([*zip(WORDS, program.registers[:15], strict=True), (UC_ARM_REG_APSR, program.flags)])
        self.program = program
        self.priorities = {NMI: -2, HARDFAULT: -1, **program.priorities}
        self.active: list[int] = []
        """Exceptions that are handled, the one that runs last."""
        self.pending: set[int] = set()
        self.taken: list[int] = []
        """Every exception that was begun."""
        self.psp = program.psp
        """The one of both stack pointers that is not in SP."""
        self.msp = 0
        self.on_process_stack = False
        self.primask = 0
        pc: int | None = program.registers[15]
        while pc != END:
            if pc is None:
                return Outcome(LOCKED_UP)
            pc = self._go(pc)
        *words, flags = uc.reg_read_batch([*WORDS, UC_ARM_REG_APSR])
        stacks = (self.msp, words[13]) if self.on_process_stack else (words[13], self.psp)
        return Outcome(
            "end",
            words,
            flags & FLAGS,
            stacks,
            self.primask,
            2 * self.on_process_stack,
            bytes(uc.mem_read(DATA, DATA_SIZE)),
        )

    def _go(self, pc: int) -> int | None:
        """Go on at `pc` up to where an exception may have to be taken; where to go on; None: locked up."""
        uc = self.uc
        self._trap, refused = -1, False
        try:
            uc.emu_start(pc | 1, END)
        except UcError:
            refused = True
        pc = uc.reg_read(UC_ARM_REG_PC)
        if pc == END:
            return pc
        if refused and pc >> 28 == 0xF:
            pc = self._return(pc | 1)
        elif self._trap == SVC_TRAP:  # the PC is behind it already
            self.pending.add(SVCALL)
            if self._highest() != SVCALL:
                self.pending.discard(SVCALL)
                return self._take(HARDFAULT, pc - 2) if self._priority() > -1 else None
        elif pc in self.program.system:
            pc = self._system(pc, *self.program.system[pc])
        elif refused and self._pends(pc):
            pc += 2
        else:
            return self._take(HARDFAULT, pc) if self._priority() > -1 else None
        exception = self._highest()
        return self._take(exception, pc) if exception else pc

    def _priority(self) -> int:
        """The execution priority, PRIMASK left aside."""
        return min((self.priorities[exception] for exception in self.active), default=THREAD_PRIORITY)

    def _highest(self) -> int:
        """What is to be taken now; 0: nothing."""
        limit = min(self._priority(), 0) if self.primask else self._priority()
        able = [exception for exception in self.pending if self.priorities[exception] < limit]
        best = min(able, key=lambda exception: (self.priorities[exception], exception), default=0)
        return best if best and best == min(self.pending, key=lambda e: (self.priorities[e], e)) else 0

    def _pends(self, pc: int) -> bool:
        """`str r4, [r6]` to ICSR."""
        code = struct.unpack_from("<H", self.program.code, pc - CODE)[0]
        if code != 0x6034:
            return False
        value = self.uc.reg_read(WORDS[4])
        if value >> 31:
            self.pending.add(NMI)
        for exception, bit in ((PENDSV, 27), (SYSTICK, 25)):
            if value >> bit & 1:
                self.pending.discard(exception)
            if value >> bit + 1 & 1:
                self.pending.add(exception)
        return True

    def _system(self, pc: int, what: str, register: int, special: int) -> int:
        uc = self.uc
        if what == "cps":
            self.primask = special
            return pc + 2
        sp = uc.reg_read(UC_ARM_REG_SP)
        if what == "mrs":
            msp, psp = (self.msp, sp) if self.on_process_stack and not self.active else (sp, self.psp)
            ipsr = self.active[-1] if self.active else 0
            values = {MSP: msp, PSP: psp, PRIMASK: self.primask, CONTROL: 2 * self.on_process_stack, 5: ipsr}
            uc.reg_write(WORDS[register], values[special])
        elif special == PRIMASK:
            self.primask = uc.reg_read(WORDS[register]) & 1
        elif uc.reg_read(WORDS[register]) & 2 and not self.on_process_stack:  # CONTROL, in thread mode
            self.msp = sp
            self.on_process_stack = True
            uc.reg_write(UC_ARM_REG_SP, self.psp)
        return pc + 4

    def _take(self, exception: int, return_address: int) -> int:
        """PushStack() and ExceptionTaken()."""
        uc = self.uc
        *words, flags = uc.reg_read_batch([*WORDS, UC_ARM_REG_APSR])
        sp = words[13]
        ipsr = self.active[-1] if self.active else 0
        xpsr = flags & FLAGS | XPSR_T | ipsr | (XPSR_ALIGNED if sp & 4 else 0)
        at = sp - 32 & ~4
        uc.mem_write(at, struct.pack("<8I", *words[:4], words[12], words[14], return_address, xpsr))
        lr = 0xFFFF_FFF1 if self.active else 0xFFFF_FFFD if self.on_process_stack else 0xFFFF_FFF9
        if not self.active and self.on_process_stack:
            self.psp, at = at, self.msp
        self.on_process_stack = False
        uc.reg_write_batch([(UC_ARM_REG_SP, at), (UC_ARM_REG_LR, lr)])
        return self._begin(exception)

    def _begin(self, exception: int) -> int:
        self.pending.discard(exception)
        self.active.append(exception)
        self.taken.append(exception)
        return HANDLERS + HANDLER_SIZE * exception

    def _return(self, exc_return: int) -> int:
        """ExceptionReturn() and PopStack(); or the next handler follows on the frame that is there (tail chaining)."""
        uc = self.uc
        self.active.pop()
        exception = self._highest()
        if exception:
            uc.reg_write(UC_ARM_REG_LR, exc_return)
            return self._begin(exception)
        sp = uc.reg_read(UC_ARM_REG_SP)
        if exc_return & 15 == 13:
            self.msp, sp = sp, self.psp
            self.on_process_stack = True
        r0, r1, r2, r3, r12, lr, pc, xpsr = struct.unpack("<8I", uc.mem_read(sp, 32))
        after = sp + 32 | (4 if xpsr & XPSR_ALIGNED else 0)
        values = zip([*WORDS[:4], WORDS[12], UC_ARM_REG_LR], [r0, r1, r2, r3, r12, lr], strict=True)
        uc.reg_write_batch([*values, (UC_ARM_REG_SP, after), (UC_ARM_REG_APSR, xpsr & FLAGS)])
        return int(pc)


# -- Ours


class OurExceptions:
    """The core in C with the same program."""

    def __init__(self) -> None:
        self.machine = machine = Machine(1)
        vectors = [MAIN_STACK, CODE | 1] + [HANDLERS + HANDLER_SIZE * number | 1 for number in range(2, 48)]
        machine.sram[: 48 * 4] = struct.pack("<48I", *vectors)
        machine.hold_core(0, False)
        self.registers = machine.core_registers(0)

    def run(self, program: Program, data: bytes) -> Outcome:
        """Everything up to END in thread mode, or to lock-up."""
        machine = self.machine
        machine.reset_core(0)
        machine.set_core(0, Core.VTOR, VECTORS)
        machine.sram[CODE - BASE : CODE - BASE + CODE_SIZE] = program.code
        machine.wrote(CODE, CODE_SIZE)
        machine.sram[DATA - BASE : DATA - BASE + DATA_SIZE] = data
        machine.wrote(DATA, DATA_SIZE)
        priority = program.priorities
        machine.bus_write(SHPR2, priority[SVCALL] << 24)
        machine.bus_write(SHPR3, priority[SYSTICK] << 24 | priority[PENDSV] << 16)
        machine.set_core(0, Core.PSP, program.psp)
        self.registers[:] = array("I", program.registers)
        machine.set_core(0, Core.XPSR, program.flags)
        machine.run(machine.cycles + CYCLES)
        if machine.core(0, Core.STATE) & State.LOCKED_UP:
            return Outcome(LOCKED_UP)
        end = "end" if self.registers[15] == END and not machine.core(0, Core.IPSR) else f"at {self.registers[15]:#x}"
        return Outcome(
            end,
            self.registers.tolist()[:15],
            machine.core(0, Core.XPSR) & FLAGS,
            (machine.core(0, Core.MSP), machine.core(0, Core.PSP)),
            machine.core(0, Core.PRIMASK),
            machine.core(0, Core.CONTROL),
            bytes(machine.sram[DATA - BASE : DATA - BASE + DATA_SIZE]),
        )


# -- Both


class Comparison:
    """Programs by their seeds, on both; counts what they were about."""

    def __init__(self) -> None:
        self._oracle, self._ours = ExceptionOracle(), OurExceptions()
        self._compared = 0
        self.taken = dict.fromkeys(("HardFault", "SVCall", "PendSV", "SysTick", "NMI", "lock-up"), 0)
        """How often the oracle took which exception."""

    def difference(self, seed: int) -> str:
        """What is not the same after the program of this seed; empty when everything is."""
        self._compared += 1
        if self._compared % RENEW_EACH == 0:
            self._oracle = ExceptionOracle()
        random = Random(seed)
        program, data = random_program(random), random.randbytes(DATA_SIZE)
        expected, found = self._oracle.run(program, data), self._ours.run(program, data)
        names = {HARDFAULT: "HardFault", SVCALL: "SVCall", PENDSV: "PendSV", SYSTICK: "SysTick", NMI: "NMI"}
        for exception in self._oracle.taken:
            self.taken[names[exception]] += 1
        self.taken["lock-up"] += expected.end == LOCKED_UP
        if found == expected:
            return ""
        each = ((name, getattr(found, name), getattr(expected, name)) for name in Outcome.__dataclass_fields__)
        different = ((name, ours, oracle) for name, ours, oracle in each if ours != oracle)
        return "; ".join(
            name if name == "data" else f"{name} {ours}, unicorn {oracle}" for name, ours, oracle in different
        )
