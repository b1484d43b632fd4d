"""What a dead processor died of, in words, for every engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from renode_pico.core.machine import Fault
from renode_pico.engine.ending import Read, Registers, hard_fault, program_end
from renode_pico.errors import FirmwareError

EXC_HARDFAULT = 3
"""Its number in IPSR (ARMv6-M Architecture Reference Manual, B1.5.2)."""
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


@dataclass(frozen=True, slots=True)
class FaultAt:
    """A fault: what could not be done, the address it was about, the instruction's place and its first halfword."""

    fault: Fault
    address: int
    pc: int
    code: int

    @property
    def what(self) -> str:
        """What it was about, without its place."""
        return _TEXTS.get(self.fault, "hard fault").format(address=self.address, code=self.code)

    def text(self, core: int) -> str:
        """What it was about, with its place."""
        where = f" on core {core}" if core else ""
        if self.fault is Fault.BREAKPOINT:
            return f"breakpoint {self.code & 0xFF} at {self.pc:#010x} with no debugger attached{where}"
        return f"{self.what} (PC {self.pc:#010x}{where})"


def lock_up_text(first: FaultAt, last: FaultAt, core: int) -> str:
    """Why a core is locked up: what was first, and what came inside the hard fault handler."""
    if first.fault is Fault.BREAKPOINT:
        return first.text(core)  # the handler's own breakpoint, or whatever else it could not do, adds nothing
    if last.fault is Fault.BREAKPOINT:
        return f"{last.text(core)} after {first.text(core)}"
    return f"locked up: {last.text(core)} inside the hard fault handler, after {first.text(core)}"


def no_handler_text(first: FaultAt, core: int) -> str:
    """Why a core is in the boot ROM's hard fault handler, which sleeps for ever."""
    if first.fault is Fault.BREAKPOINT:
        return first.text(core)
    return f"{first.text(core)}, before the firmware has its own vector table: the boot ROM's handler sleeps for ever"


def end_of_program(
    firmware: Path, first: FaultAt, last: FaultAt, registers: Registers, read: Read, *, at: float, core: int
) -> FirmwareError | None:
    """Make the error for a core that is locked up in a HardFault; None: no program ends like that.

    Programs end so, as that handler is a BKPT unless they have another.
    registers: those at the first fault. at: emulated seconds.
    """
    if first.fault is Fault.BREAKPOINT:
        return program_end(firmware, registers, read, at=at, core=core)
    if last.fault is Fault.BREAKPOINT:
        why = first.what + (" on core 1" if core else "")
        return hard_fault(firmware, registers, read, why, at=at)
    return None
