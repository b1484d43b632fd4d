"""The machine as something that GDB debugs (`bridge.gdb.Target`)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from renode_pico.core.machine import Core, Machine

XPSR = 16
_SYSTEM = (Core.MSP, Core.PSP, Core.PRIMASK, None, None, Core.CONTROL)
"""Behind xPSR, in the order of `m-system`; BASEPRI and FAULTMASK are not ARMv6-M's and read as 0."""

FLASH_BASE, SRAM_BASE, XIP_SRAM_BASE, DPSRAM_BASE = 0x1000_0000, 0x2000_0000, 0x1500_0000, 0x5010_0000


class MachineTarget:
    """Registers, memory and points of a machine that stands. `reset` is the board's."""

    outside_of_snapshots = True

    def __init__(self, machine: Machine, reset: Callable[[], None]) -> None:
        self._machine = machine
        self.reset = reset
        self.cores = machine.cores
        self.hooks: dict[int, Callable[[], None]] = {}
        """What the engine calls where a core comes to an address."""
        self.breakpoints: set[int] = set()
        """The debugger's."""
        self._memories = (
            (0, machine.rom),
            (FLASH_BASE, machine.flash),
            (XIP_SRAM_BASE, machine.xip_sram),
            (SRAM_BASE, machine.sram),
            (DPSRAM_BASE, machine.dpsram),
        )

    def register(self, core: int, number: int) -> int:
        """R0 to R15, xPSR, then MSP, PSP, PRIMASK, BASEPRI, FAULTMASK, CONTROL."""
        if number < XPSR:
            return self._machine.core(core, number)
        if number == XPSR:
            return self._machine.core(core, Core.XPSR)
        which = _SYSTEM[number - XPSR - 1]
        return 0 if which is None else self._machine.core(core, which)

    def set_register(self, core: int, number: int, value: int) -> None:
        """The same, written; what cannot be written stays."""
        if number < XPSR:
            self._machine.set_core(core, number, value)
        elif number == XPSR:
            self._machine.set_core(core, Core.XPSR, value)
        else:
            which = _SYSTEM[number - XPSR - 1]
            if which is not None and which is not Core.CONTROL:
                self._machine.set_core(core, which, value)

    def _memory(self, address: int, length: int) -> tuple[memoryview, int] | None:
        for base, memory in self._memories:
            if base <= address < base + len(memory):
                return memory, address - base
        return None

    def is_memory(self, address: int) -> bool:
        """Whether reading there has no effects."""
        return self._memory(address, 1) is not None

    def read(self, address: int, length: int) -> bytes:
        """Bytes as far as something answers; registers as the processor reads them, a word at a time."""
        found = self._memory(address, length)
        if found is not None:
            memory, offset = found
            return bytes(memory[offset : offset + length])
        first, end = address & ~3, address + length
        data = bytearray()
        for at in range(first, end, 4):
            word = self._machine.bus_read(at)
            if word is None:
                break
            data += word.to_bytes(4, "little")
        return bytes(data[address - first : end - first])

    def write(self, address: int, data: bytes) -> bool:
        """RAM and registers; flash is programmed, not written."""
        found = self._memory(address, len(data))
        if found is not None:
            memory, offset = found
            if memory is self._machine.flash or memory is self._machine.rom or offset + len(data) > len(memory):
                return False
            memory[offset : offset + len(data)] = data
            self._machine.wrote(address, len(data))
            return True
        if (address | len(data)) & 3:
            return len(data) in (1, 2) and self._machine.bus_write(address, int.from_bytes(data, "little"), len(data))
        return all(
            self._machine.bus_write(address + at, int.from_bytes(data[at : at + 4], "little"))
            for at in range(0, len(data), 4)
        )

    def program(self, address: int, data: bytes) -> bool:
        """Write flash as an external programmer does."""
        offset = address - FLASH_BASE
        if offset < 0 or offset + len(data) > len(self._machine.flash):
            return False
        self._machine.flash[offset : offset + len(data)] = data
        self._machine.wrote(address, len(data))
        return True

    def set_breakpoints(self, addresses: set[int]) -> bool:
        """All there are; False: more than there is room for."""
        before, self.breakpoints = self.breakpoints, addresses
        if self.set_points():
            return True
        self.breakpoints = before
        return False

    def set_points(self) -> bool:
        """Both kinds; False: more than there is room for."""
        return self._machine.set_breakpoints(self.breakpoints | self.hooks.keys())

    def set_watchpoints(self, watchpoints: set[tuple[int, int, int]]) -> bool:
        """All there are: (address, length, 1 write | 2 read)."""
        return self._machine.set_watchpoints(sorted(watchpoints))

    def attach(self, on: bool) -> None:
        """Whether BKPT stops for the debugger."""
        self._machine.attach_debugger(on)

    def resume(self, core: int, *, step: bool, held: Collection[int] = ()) -> None:
        """Execution goes on, or one instruction of `core`; not that of cores in `held`."""
        for number in range(self.cores):
            self._machine.halt_core(number, number in held)
        self._machine.resume(core, step=step)
