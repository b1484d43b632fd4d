"""rp2040py's Cortex-M0+ in the place of ours: the second oracle of the core in C.

It executes instructions, takes exceptions and has the NVIC, on SRAM, ROM and flash of its own. Everything else is the
machine it replaces the core of: accesses go over that one's bus, its interrupt lines come here, its clock is moved on.

What rp2040py 0.3.6 does otherwise than the chip is put right here, so that the rest can be compared to the cycle:

- PUSH with LR and POP with PC are a cycle short (Cortex-M0+ TRM, DDI 0484C, table 3.1: 1 + N and 3 + N).
- LDM and STM pay no wait states at the APB bridge, as LDR and STR do there (RP2040 datasheet, 2.1.3).
- Entering and leaving an exception costs nothing there: 15 and 13 cycles, 6 when the next one follows (3.6). Which
  one is entered is decided when the frame is stacked (late arrival, ARMv6-M B1.5.6).
- The NVIC has no latch: an interrupt that is taken pends on, and cannot be cleared (B3.4).
- Vectors keep bit 0, which `ADD Rd, PC` then sees. LR is 0 after a reset (B1.5.5: all ones).
"""

from __future__ import annotations

from typing import Any

from rp2040py.clock.simulation_clock import SimulationClock
from rp2040py.peripherals.ppb import RPPPB
from rp2040py.rp2040 import RP2040

from renode_pico.core.machine import Machine, Run
from renode_pico.engine.embedded import EmbeddedEngine

ENTRY, RETURN, TAIL_CHAIN = 15, 13, 6
APB_READ, APB_WRITE = 2, 3
NEXT_DUE = 13
"""`next_due` among the words of the machine's clock: now, base_cycles, base_ns, ten of due[] (`struct machine`)."""
DPSRAM_BASE, SIO_BASE, SCS_BASE = 0x5010_0000, 0xD000_0000, 0xE000_E000
IO_QSPI_SS_CTRL, ALIAS_BITS = 0x4001_800C, 0x3000
SYST_CSR, SYST_CALIB, NVIC_ICPR, ICSR = 0x010, 0x01C, 0x280, 0xD04
PENDSTSET, PENDSTCLR = 1 << 26, 1 << 25
LR, PC = 14, 15
WFI = 0xBF30


class _Silent:
    """rp2040py's logger."""

    def debug(self, component: str, message: str) -> None: ...

    info = warning = error = debug


class _Window:
    """A stretch of our bus as one of rp2040py's peripherals."""

    def __init__(self, core: Rp2040pyCore, base: int) -> None:
        self._core, self._base = core, base

    def read_uint32(self, offset: int) -> int:
        return self._core.bus_read(self._base + offset)

    def write_uint32(self, offset: int, value: int) -> None:
        self._core.bus_write(self._base + offset, value)

    def write_uint32_atomic(self, offset: int, value: int, alias: int) -> None:
        self._core.bus_write(self._base + (alias << 12) + offset, value)

    def dpram_updated(self, offset: int, value: int) -> None:
        """rp2040py has written a word to its DPSRAM."""
        self.write_uint32(offset, value)


class _Windows:
    """Every peripheral, by address bits 31 to 14; DPSRAM is memory, and none."""

    def __init__(self, core: Rp2040pyCore) -> None:
        self._core = core

    def get(self, key: int) -> _Window | None:
        base = key >> 2 << 14
        return None if base == DPSRAM_BASE else _Window(self._core, base)


class _Scs(RPPPB):  # type: ignore[misc]
    """rp2040py's NVIC; SysTick and what it does not have are ours."""

    def __init__(self, mcu: RP2040, core: Rp2040pyCore) -> None:
        self.core: Rp2040pyCore | None = None
        super().__init__(mcu, "PPB")
        self.core = core
        self._stored: dict[int, int] = {}

    def read_uint32(self, offset: int) -> int:
        if self.core is not None and SYST_CSR <= offset <= SYST_CALIB:
            return self.core.bus_read(SCS_BASE + offset)
        return self._stored[offset] if offset in getattr(self, "_stored", ()) else int(super().read_uint32(offset))

    def write_uint32(self, offset: int, value: int) -> None:
        if self.core is not None and SYST_CSR <= offset <= SYST_CALIB:
            self.core.bus_write(SCS_BASE + offset, value)
        elif self.core is not None and offset == NVIC_ICPR:
            self.core.mcu.core.pending_interrupts &= ~value | self.core.levels
        elif offset in (0xD10, 0xD14):  # SCR, CCR
            self._stored[offset] = value
        else:
            super().write_uint32(offset, value)


class Rp2040pyCore:
    """Takes the place of core 0 of an engine that has not run yet; `cycles` and `instructions` are its own."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.machine: Any = engine.chip.machine
        self.mcu = mcu = RP2040(SimulationClock())
        mcu.logger = _Silent()
        mcu.bootrom[:] = self.machine.rom.cast("I")
        self._flash = b""
        self._look_at_flash()
        mcu.peripherals = _Windows(self)
        mcu.sio = _Window(self, SIO_BASE)
        mcu.usb_ctrl = _Window(self, DPSRAM_BASE)
        mcu.core.reset()
        mcu.ppb = _Scs(mcu, self)
        mcu.core.registers[LR] = 0xFFFF_FFFF
        self._core = mcu.core
        library = self.machine._c
        now = library.memory(self.machine._p, 8, library.scratch)
        self._clock = library.view(now, 8 * (NEXT_DUE + 1)).cast("Q")
        self.cycles = self._at = self._clock[0]
        self.instructions = 0
        self.levels = 0
        """The interrupt lines."""
        self._ipsr = 0
        self._entering = self._touched = self._stopped = False
        self._waits_for_interrupt = False
        self._take_over()

    def _take_over(self) -> None:
        machine = self.machine
        self._pass_time = machine.run
        self._stop = machine.stop
        machine.hold_core(0, True)
        machine.hold_core = machine.reset_core = self._refuse
        machine.run, machine.stop = self.run, self._stopping

    def _refuse(self, *_: Any) -> None:
        raise AssertionError("rp2040py's core cannot be reset or held here")

    def _stopping(self) -> None:
        self._stopped = True
        self._stop()

    def _look_at_flash(self) -> None:
        """Commands take effect when chip select goes high, which the boot ROM does through IO_QSPI."""
        found = bytes(self.machine.flash)
        if found != self._flash:
            self._flash = self.mcu.flash[: len(found)] = found

    def state(self) -> tuple[bytes, list[int]]:
        """SRAM, and R0 to R15."""
        return bytes(self.mcu.sram), list(self._core.registers)

    # The bus

    def bus_read(self, address: int) -> int:
        """A word, at the time of the instruction that reads it."""
        self._sync()
        value = self.machine.bus_read(address)
        assert value is not None, f"nothing at {address:#010x}"
        return int(value)

    def bus_write(self, address: int, value: int) -> None:
        """A word, at the time of the instruction that writes it."""
        self._sync()
        assert self.machine.bus_write(address, value), f"nothing at {address:#010x}"
        if address & ~ALIAS_BITS == IO_QSPI_SS_CTRL:
            self._look_at_flash()

    def _sync(self) -> None:
        self._touched = True
        self._come_to(self._at)

    def _come_to(self, cycle: int) -> None:
        if cycle > self._clock[0]:
            self._clock[0] = cycle

    # Time: `pico_run()` and `advance()` of machine.c

    def run(self, until: int) -> Run:
        """What `Machine.run` does."""
        self._stopped = False
        while True:
            reason: Run = self._pass_time(self._clock[0])
            self._look_around()
            if reason is not Run.DEADLINE:
                return reason
            if self._stopped:
                return Run.STOPPED
            if self._clock[0] >= until:
                return Run.DEADLINE
            self._advance(min(until, self._clock[NEXT_DUE]))

    def _advance(self, until: int) -> None:
        if self._core.waiting and not self._entering and not self._wants():
            self._come_to(until)
            self.cycles = max(self.cycles, until)
            return
        if self._entering:
            self._enter()
        elif self._wants():
            self.cycles += ENTRY
            self._entering = True
        if not self._entering and not self._core.waiting:
            self._execute(until)
        self._come_to(min(self.cycles, until))

    def _look_around(self) -> None:
        """What the rest of the machine has done meanwhile."""
        core = self._core
        self.mcu.usb_dpram[:] = self.machine.dpsram
        levels = self.machine.irq_levels(0)
        core.pending_interrupts |= levels & ~self.levels
        self.levels = levels
        if self.machine.bus_read(SCS_BASE + ICSR) & PENDSTSET:
            self.machine.bus_write(SCS_BASE + ICSR, PENDSTCLR)
            core.pending_systick = True
        if core.waiting and (self._wants() or (self._waits_for_interrupt and self._wants(primask=False))):
            core.waiting = False

    # The core

    def _wants(self, *, primask: bool = True) -> bool:
        """An exception is to be taken, by rp2040py's own priorities."""
        core = self._core
        current = 0 if primask and core.pm else core.exception_priority(core.ipsr)
        pending = core.pending_interrupts & core.enabled_interrupts
        by_priority = [pending & core.interrupt_priorities[priority] for priority in range(4)]
        system = ((core.pending_svcall, core.sv_call_priority), (core.pending_pend_sv, core.pend_sv_priority))
        for pends, priority in (*system, (core.pending_systick, core.systick_priority)):
            by_priority[priority] |= pends
        return any(by_priority[: max(current, 0)])

    def _enter(self) -> None:
        core = self._core
        self._entering = False
        assert core.check_for_interrupts()
        core.registers[PC] &= ~1
        self._ipsr = core.ipsr
        if core.ipsr >= 16:
            core.pending_interrupts &= ~(1 << core.ipsr - 16)

    def _execute(self, until: int) -> None:
        """Instructions, up to a cycle or to one after which there is something to look at."""
        core, fetch = self._core, self.mcu.read_uint16
        registers, step, cycles, count = core.registers, core.execute_instruction, self.cycles, 0
        core.interrupts_updated = self._touched = False
        code = 0
        while cycles < until:
            code = fetch(registers[PC])
            self._at = cycles
            if code >> 12 == 0xC:
                cycles += self._wait_states(code)
            elif code >> 8 in (0xB5, 0xBD):
                cycles += 1
            cycles += step()
            count += 1
            if self._touched or core.interrupts_updated or core.waiting:
                break
        self.cycles = cycles
        self.instructions += count
        core.interrupts_updated = False
        if core.ipsr != self._ipsr:
            self._left()
        if core.waiting:
            self._waits_for_interrupt = code == WFI

    def _wait_states(self, code: int) -> int:
        """Of LDM or STM at the APB bridge."""
        at_apb = self._core.registers[code >> 8 & 7] >> 28 == 4
        return (APB_READ if code & 0x800 else APB_WRITE) * (code & 0xFF).bit_count() if at_apb else 0

    def _left(self) -> None:
        """An exception was left."""
        core, number = self._core, self._ipsr - 16
        if number >= 0 and self.levels >> number & 1:
            core.pending_interrupts |= 1 << number
        self._ipsr = core.ipsr
        self._entering = self._wants()
        self.cycles += TAIL_CHAIN if self._entering else RETURN


def registers(machine: Machine) -> list[int]:
    """R0 to R15 of core 0."""
    return [machine.core(0, number) for number in range(16)]
