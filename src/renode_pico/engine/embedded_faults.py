"""What a dead processor died of, in words."""

from __future__ import annotations

from renode_pico.core.machine import Core, Fault, Machine

PC = 15
EXC_HARDFAULT = 3
_TEXTS = {
    Fault.UNDEFINED: "undefined instruction {code:#06x}",
    Fault.UNALIGNED: "bus fault: unaligned access to {address:#010x}",
    Fault.READ: "bus fault: read from {address:#010x}, where nothing is",
    Fault.WRITE: "bus fault: write to {address:#010x}, where nothing is",
    Fault.FETCH: "bus fault: nothing to execute at {address:#010x}",
    Fault.ARM: "usage fault: branch to {address:#010x} leaves the Thumb state",
    Fault.SVC: "supervisor call where none can be taken",
    Fault.RETURN: "usage fault: exception return to nowhere ({address:#010x})",
    Fault.MPU: "memory protection fault at {address:#010x}",
}


def lock_up_text(machine: Machine, core: int) -> str:
    """Why a core is locked up: what was first, and what came inside the hard fault handler."""
    first = _text(machine, core, Fault(machine.core(core, Core.FIRST_FAULT)), first=True)
    last = Fault(machine.core(core, Core.FAULT))
    if Fault(machine.core(core, Core.FIRST_FAULT)) is Fault.BREAKPOINT:
        return first  # the handler's own breakpoint, or whatever else it could not do, adds nothing
    if last is Fault.BREAKPOINT:
        return f"{_text(machine, core, last)} after {first}"
    return f"locked up: {_text(machine, core, last)} inside the hard fault handler, after {first}"


def first_fault_text(machine: Machine, core: int) -> str:
    """What the first HardFault was about, without its place."""
    return _what(machine, core, Fault(machine.core(core, Core.FIRST_FAULT)), first=True)


def no_handler_text(machine: Machine, core: int) -> str | None:
    """Why a core is in the boot ROM's hard fault handler, which sleeps for ever; None if it is not."""
    if machine.core(core, Core.IPSR) != EXC_HARDFAULT or machine.core(core, Core.VTOR):
        return None
    fault = Fault(machine.core(core, Core.FIRST_FAULT))
    text = _text(machine, core, fault, first=True)
    if fault is Fault.BREAKPOINT:
        return text
    return f"{text}, before the firmware has its own vector table: the boot ROM's handler sleeps for ever"


def _text(machine: Machine, core: int, fault: Fault, *, first: bool = False) -> str:
    pc = _pc(machine, core, first)
    where = f" on core {core}" if core else ""
    if fault is Fault.BREAKPOINT:
        code = machine.bus_read(pc & ~1, 2) or 0
        return f"breakpoint {code & 0xFF} at {pc:#010x} with no debugger attached{where}"
    return f"{_what(machine, core, fault, first=first)} (PC {pc:#010x}{where})"


def _what(machine: Machine, core: int, fault: Fault, *, first: bool) -> str:
    address = machine.core(core, Core.FIRST_FAULT_ADDRESS if first else Core.FAULT_ADDRESS)
    code = machine.bus_read(_pc(machine, core, first) & ~1, 2) or 0
    return _TEXTS.get(fault, "hard fault").format(address=address, code=code)


def _pc(machine: Machine, core: int, first: bool) -> int:
    return machine.core(core, Core.FIRST_R0 + PC if first else PC)
