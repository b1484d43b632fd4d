"""How a program ended, told as what it is: `main()` returned, `exit()`, a panic, a fault, a breakpoint.

All of them end at a BKPT instruction in programs made with the pico-sdk: `_exit()` is one, and so are the handlers of
exceptions that nobody handles. Registers and stack tell which; symbols of an ELF file, if there is one, tell where.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from renode_pico.engine.embedded_backtrace import Symbols, backtrace, find_elf
from renode_pico.errors import FirmwareError, ProgramEnded

EXC_RETURN = 0xFFFF_FFF0
"""From here on, a value in LR stands for a return from an exception (ARMv6-M Architecture Reference Manual, B1.5.8)."""
ON_PROCESS_STACK = 4
"""The bit of EXC_RETURN that says so of the frame that was stacked."""
FRAME_WORDS = 8
IPSR = 0x3F
ALIGNED_BIT = 9
"""Of the stacked xPSR: a word was left out to align the frame."""
EXCEPTIONS = {2: "NMI", 3: "HardFault", 11: "SVCall", 14: "PendSV", 15: "SysTick"}
FIRST_INTERRUPT = 16
BKPT = 0xBE00
BLX_R1, BRANCH_BACK = 0x4788, 0xE7FD


@dataclass(frozen=True, slots=True)
class Registers:
    """A core's registers where it stopped.

    `sp`: the stack pointer in use; `psp`: the process stack pointer. `exception`: the number in IPSR, 0 in none.
    """

    pc: int
    lr: int
    sp: int
    psp: int
    r0: int
    exception: int


Read = Callable[[int], int]
"""Reads a word of ROM, flash or RAM; anywhere else it gives 0."""


def hard_fault(firmware: Path, registers: Registers, read: Read, why: str, *, at: float) -> FirmwareError:
    """Make the error for a HardFault that nobody handles: `registers` are those at the fault, `why` its cause.

    at: emulated seconds.
    """
    symbols = _symbols(firmware)
    name_of = symbols.name if symbols is not None else _nothing
    names = [name_of(registers.pc), name_of(registers.lr & ~1)]
    chain = _chain(*names, *_trace(name_of, read, registers.sp).split(" < "))
    return FirmwareError(f"{firmware.name}: HardFault at {registers.pc:#010x}{_in(chain)}: {why} (at {at:.6f} s)")


def program_end(firmware: Path, registers: Registers, read: Read, *, at: float, core: int = 0) -> FirmwareError:
    """Make the error for a core that stands at a BKPT with nobody to debug it.

    at: emulated seconds. Gives a ProgramEnded for a program that is over, a FirmwareError for one that crashed.
    """
    symbols = _symbols(firmware)
    name_of = symbols.name if symbols is not None else _nothing
    when = f"{' on core 1 ' if core else ''}(at {at:.6f} s)".strip()
    if registers.lr >= EXC_RETURN and _is_breakpoint(read, _stacked(registers, read).pc):
        registers = _stacked(registers, read)  # an emulator that takes a BKPT for an exception
    if registers.lr >= EXC_RETURN:
        return FirmwareError(f"{firmware.name}: {_unhandled(registers, read, name_of)} {when}")
    if name_of(registers.pc) == "_exit" or _half(read, registers.pc + 2) == BRANCH_BACK:
        trace = _trace(name_of, read, registers.sp)
        if trace.startswith("panic("):
            text, _, callers = trace.partition(" < ")
            words = text.removeprefix("panic(").removesuffix(")")[1:-1]
            return FirmwareError(f"{firmware.name}: panic: {words}{_in(callers)} {when}")
        if _main_returned(read, registers.sp):
            return ProgramEnded(f"{firmware.name}: main() returned {_signed(registers.r0)} {when}", registers.r0)
        return ProgramEnded(f"{firmware.name}: exit({_signed(registers.r0)}){_in(trace)} {when}", registers.r0)
    trace = _chain(name_of(registers.pc), *_trace(name_of, read, registers.sp).split(" < "))
    breakpoint_ = f"breakpoint {_half(read, registers.pc) & 0xFF} at {registers.pc:#010x} with no debugger attached"
    return FirmwareError(f"{firmware.name}: {breakpoint_}{_in(trace)} {when}")


def _unhandled(registers: Registers, read: Read, name_of: Callable[[int], str]) -> str:
    """An exception whose handler is a BKPT: which one, and where it came from."""
    before = _stacked(registers, read)
    number = registers.exception
    interrupt = f"interrupt {number - FIRST_INTERRUPT}, which nobody handles,"
    name = EXCEPTIONS.get(number, interrupt if number >= FIRST_INTERRUPT else f"exception {number}")
    names = [name_of(before.pc), name_of(before.lr & ~1)]
    further = _trace(name_of, read, before.sp).split(" < ")
    return f"{name} at {before.pc:#010x}{_in(_chain(*names, *further))}"


def _stacked(registers: Registers, read: Read) -> Registers:
    """The registers at the exception whose handler has just begun (ARMv6-M Architecture Reference Manual, B1.5.6)."""
    on_process_stack = bool(registers.lr & ON_PROCESS_STACK)
    frame = registers.psp if on_process_stack else registers.sp
    above = frame + 4 * FRAME_WORDS + (read(frame + 28) >> ALIGNED_BIT & 1) * 4
    return Registers(
        pc=read(frame + 24) & ~1,
        lr=read(frame + 20),
        sp=above,
        psp=above,
        r0=read(frame),
        exception=read(frame + 28) & IPSR,
    )


def _main_returned(read: Read, stack_pointer: int) -> bool:
    """Whether crt0 called `exit()`: its `blx r1`, and a `bkpt` where that would return to. crt0 may be anywhere."""
    saved = (read(stack_pointer + 4 * word) for word in range(4))
    places = [back - 1 for back in saved if back & 1 and back > 2]
    return any(_half(read, place - 2) == BLX_R1 and _half(read, place) & 0xFF00 == BKPT for place in places)


def _trace(name_of: Callable[[int], str], read: Read, stack_pointer: int) -> str:
    if name_of is _nothing:
        return ""
    try:
        return backtrace(name_of, read, stack_pointer)
    except Exception as error:  # An ornament: whatever goes wrong with it must not hide what it decorates.
        return f"(no backtrace: {error})"


@functools.lru_cache(maxsize=4)
def _symbols(firmware: Path) -> Symbols | None:
    path = find_elf(firmware)
    try:
        return Symbols(path) if path is not None else None
    except Exception:  # A broken ELF file beside the image: no ornament.
        return None


def _nothing(address: int) -> str:
    return ""


def _chain(*names: str) -> str:
    """Callers, each named once in a row."""
    return " < ".join(name for at, name in enumerate(names) if name and name not in names[max(0, at - 1) : at])


def _is_breakpoint(read: Read, address: int) -> bool:
    return _half(read, address) & 0xFF00 == BKPT


def _in(trace: str) -> str:
    return f" in {trace}" if trace else ""


def _signed(value: int) -> int:
    return value - (value >> 31 << 32)


def _half(read: Read, address: int) -> int:
    return read(address & ~3) >> (8 * (address & 2)) & 0xFFFF
