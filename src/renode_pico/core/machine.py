"""The machine in C, as an object: memories, registers of the blocks in Python, interrupts, pins, cores, snapshots.

A thin front: every method is one call of the library (`machine.c`). Addresses, masks and values are unsigned 32-bit
numbers; time is in cycles of clk_sys and in nanoseconds of emulated time since power-on.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from renode_pico.core.abi import SCRATCH_WORDS, Buffer, CoreLibrary
from renode_pico.core.build import library
from renode_pico.core.native import NativeCore
from renode_pico.core.webassembly import WebAssemblyCore
from renode_pico.errors import EngineMissing, UsageError

_log = logging.getLogger("renode_pico.core")

NEVER = 0xFFFF_FFFF_FFFF_FFFF
APB_BLOCKS = 28
BLOCK_XIP_CTRL, BLOCK_SSI, BLOCK_USB, BLOCK_XIP_AUX = range(APB_BLOCKS, APB_BLOCKS + 4)
BLOCK_IO_BANK0 = 5
"""In C, but `attach`: `write(offset, value, 0)` is told of each FUNCSEL that has changed."""
BLOCK_WORDS = 1024
READ_HOOK, WRITE_HOOK = 1, 2
COVERAGE_SIZE = 1 << 16

NOBODY, DMA_MASTER = 2, 3

FUNC_XIP, FUNC_SPI, FUNC_UART, FUNC_I2C, FUNC_PWM, FUNC_SIO, FUNC_PIO0, FUNC_PIO1, FUNC_CLOCK, FUNC_USB = range(10)
"""GPIO functions, as FUNCSEL has them (RP2040 datasheet, 2.19.2)."""


class Run(IntEnum):
    """Why `Machine.run` has come back."""

    DEADLINE = 0
    ALARM = 1
    STOPPED = 2
    SEMIHOSTING = 3
    DEBUG = 4
    LOCKED_UP = 5
    RESET_REQUEST = 6
    CORE1_MISSED = 7
    NO_HANDLER = 8


_RUNS = tuple(Run)
"""By their numbers: faster than `Run(number)`."""


class Fault(IntEnum):
    """Why a HardFault was taken (`enum fault`)."""

    NONE = 0
    BREAKPOINT = 1
    UNDEFINED = 2
    UNALIGNED = 3
    READ = 4
    WRITE = 5
    FETCH = 6
    ARM = 7
    SVC = 8
    RETURN = 9
    MPU = 10


class FlashIgnores(IntEnum):
    """Why the flash chip does not obey a command."""

    NOT_MODELLED = 0
    BUSY = 1
    NOT_WRITE_ENABLED = 2
    SUSPENDED = 3


class Hit(IntEnum):
    """What stopped a core that is debugged."""

    NONE = 0
    STEP = 1
    BREAKPOINT = 2
    WATCHPOINT = 3


@dataclass(frozen=True, slots=True)
class PioState:
    """Inside of a PIO state machine: scratch and shift registers, how many bits were shifted, where it is."""

    x: int
    y: int
    isr: int
    osr: int
    isr_count: int
    osr_count: int
    pc: int
    delay: int


class Core(IntEnum):
    """What `Machine.core` and `Machine.set_core` know beyond r0 to r15 (0 to 15)."""

    XPSR = 16
    MSP = 17
    PSP = 18
    PRIMASK = 19
    CONTROL = 20
    STATE = 21
    FAULT = 22
    FAULT_ADDRESS = 23
    VTOR = 24
    IPSR = 25
    FIRST_FAULT = 26
    FIRST_FAULT_ADDRESS = 27
    FIRST_FAULT_IPSR = 28
    FIRST_R0 = 32
    """r0 to r15 when the first HardFault was taken that led to where the core is now: 32 to 47."""


class State:
    """Bits of `Core.STATE`."""

    WAITING_EVENT = 1 << 0
    WAITING_INTERRUPT = 1 << 1
    HELD = 1 << 2
    LOCKED_UP = 1 << 3
    HALTED = 1 << 4
    EVENT = 1 << 5


_MEMORIES = ("rom", "flash", "sram", "dpsram", "xip_sram")
_C_BLOCKS = ("io_bank0", "pads_bank0", "io_qspi", "pads_qspi", "pio0", "pio1", "pwm", "dma", "timer", "sio")


def load() -> CoreLibrary:
    """The library: compiled if that can be had, else as WebAssembly. Raises EngineMissing.

    RENODE_PICO_CORE=compiled or =wasm takes that one and no other.
    """
    wanted = os.environ.get("RENODE_PICO_CORE", "")
    if wanted not in ("", "compiled", "wasm"):
        raise UsageError(f"RENODE_PICO_CORE={wanted}: there are compiled and wasm")
    why: EngineMissing | None = None
    if wanted != "wasm":
        try:
            return _native()
        except EngineMissing as error:
            if wanted:
                raise
            why = error
    try:
        core = WebAssemblyCore()
    except EngineMissing as error:
        raise EngineMissing(f"{why}\n{error}" if not wanted else str(error)) from None
    if not wanted:
        _tell_once(str(why).partition("\n")[0])
    return core


@cache
def _native() -> NativeCore:
    return NativeCore(str(library()))


@cache
def _tell_once(why: str) -> None:
    _log.warning("the embedded engine's core runs as WebAssembly, slower, with the same traces: %s", why)


@dataclass(frozen=True, slots=True)
class MachineSnapshot:
    """Everything that the C part of a machine holds."""

    buffer: Buffer


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded instruction: what `execute.inc` runs."""

    op: int
    rd: int
    rn: int
    rm: int
    imm: int


def decode(code: int, second: int = 0, pc: int = 0) -> Decoded:
    """Decode one instruction of one or two halfwords at `pc`."""
    core = load()
    core.decode(code, second, pc, core.scratch)
    out = core.scratch_words
    return Decoded(out[0], out[1] & 0xFF, out[1] >> 8 & 0xFF, out[1] >> 16 & 0xFF, out[2])


class Machine:
    """An RP2040 without its blocks in Python, which `attach` themselves. Both cores are held until `hold_core`.

    An exception in a callback stops the machine and is raised again by `run` (or by whatever else called C).
    """

    def __init__(self, cores: int = 2) -> None:
        self._p = 0
        self._c = load()
        self._read: list[Callable[[int], int] | None] = [None] * (BLOCK_XIP_AUX + 1)
        self._write: list[Callable[[int, int, int], None] | None] = [None] * (BLOCK_XIP_AUX + 1)
        self._error: BaseException | None = None
        self.dpsram_written: Callable[[int], None] = _ignore
        """Called with the offset of a word in the first 256 bytes of DPSRAM that was written (`dpsram_guard`: more)."""
        self.unmodelled: Callable[[int, bool], None] = _ignore
        """Called with the address of a register that nobody models, and whether it was written."""
        self.dormant_wake: Callable[[], None] = _ignore
        """Called when a pin's interrupt is one that wakes a dormant oscillator."""
        self.pins_changed: Callable[[int, int], None] = _ignore
        """Called with (changed, levels) when a watched GPIO has changed."""
        self.flash_ignores: Callable[[int, FlashIgnores], None] = _ignore
        """Called with a command that the flash chip does not obey, and why."""
        callbacks: dict[str, Callable[..., Any]] = {
            "read": self._on_read,
            "write": self._on_write,
            "dpsram_written": self._on_dpsram_written,
            "pins_changed": self._guard(lambda changed, levels: self.pins_changed(changed, levels)),
            "flash_ignores": self._guard(lambda command, why: self.flash_ignores(command, FlashIgnores(why))),
            "dormant_wake": self._guard(lambda: self.dormant_wake()),
            "unmodelled": self._guard(lambda address, is_write: self.unmodelled(address, bool(is_write))),
        }
        self._p, self._keep = self._c.new(callbacks)
        if not self._p:
            raise MemoryError("no memory for another machine")
        self._c.set_core_count(self._p, cores)
        views = [self._view(number) for number in range(len(_MEMORIES))]
        self.rom, self.flash, self.sram, self.dpsram, self.xip_sram = views
        self._registers = self._view(5).cast("I")
        self._masks = self._view(6).cast("I")
        self._hooks = self._view(7)
        self._clock = self._view(8).cast("Q")
        self.dpsram_guard = self._view(12).cast("Q")
        """One number. Bit n: `dpsram_written` is called with the offset of each write into the 64 bytes at 64 n.

        While it is not 0, also for unaligned accesses, which are refused: their size is in bits 23..16.
        """
        self._snapshots = 0
        self._lost = self._lost_in_callback
        self.cores = cores
        self._hz = 125_000_000

    def _view(self, which: int) -> memoryview:
        address = self._c.memory(self._p, which, self._c.scratch)
        return self._c.view(address, self._c.scratch_words[0])

    @property
    def kind(self) -> str:
        """How the library runs: `compiled`, or `WebAssembly`."""
        return str(self._c.kind)

    def close(self) -> None:
        """Give the memory back. Views of it must not be used any more."""
        if self._p:
            self._c.free(self._p)
            self._p = 0

    def __del__(self) -> None:
        with suppress(ValueError):  # of wasmtime, at the end of the process: its memory went first, ours with it
            self.close()

    # Callbacks: nothing may leave them, for C knows no exceptions

    def _on_read(self, block: int, offset: int) -> int:
        try:
            read = self._read[block]
            return 0 if read is None else read(offset) & 0xFFFF_FFFF
        except BaseException as error:
            self._failed(error)
            return 0

    def _on_write(self, block: int, offset: int, raw: int, alias: int) -> None:
        try:
            write = self._write[block]
            if write is not None:
                write(offset, raw, alias)
        except BaseException as error:
            self._failed(error)

    def _on_dpsram_written(self, offset: int) -> None:
        try:
            self.dpsram_written(offset)
        except BaseException as error:
            self._failed(error)

    def _guard(self, call: Callable[..., None]) -> Callable[..., None]:
        def guarded(*arguments: int) -> None:
            try:
                call(*arguments)
            except BaseException as error:
                self._failed(error)

        return guarded

    def _failed(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._c.stop(self._p)

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    # Blocks in Python

    def attach(self, block: int, read: Callable[[int], int], write: Callable[[int, int, int], None]) -> None:
        """Answer for `block`: `read(offset)` and `write(offset, raw, alias)` are called for registers with hooks.

        block: address bits 18..14 of an APB block, or BLOCK_SSI and its like. alias: 0 plain, 1 xor, 2 set, 3 clear.
        """
        self._read[block] = read
        self._write[block] = write

    def registers(self, block: int) -> memoryview:
        """The stored values of a block's registers, 1024 words."""
        return self._registers[block * BLOCK_WORDS : (block + 1) * BLOCK_WORDS]

    def masks(self, block: int) -> memoryview:
        """Which bits of a register a write without hook changes, 1024 words."""
        return self._masks[block * BLOCK_WORDS : (block + 1) * BLOCK_WORDS]

    def hooks(self, block: int) -> memoryview:
        """READ_HOOK and WRITE_HOOK of each register, 1024 bytes; both for all of them at first."""
        return self._hooks[block * BLOCK_WORDS : (block + 1) * BLOCK_WORDS]

    # Time

    @property
    def cycles(self) -> int:
        """Cycles of clk_sys since power-on."""
        return self._clock[0]

    @property
    def now_ns(self) -> int:
        """Emulated nanoseconds since power-on."""
        clock = self._clock
        return clock[2] + (clock[0] - clock[1]) * 1_000_000_000 // self._hz

    @property
    def hz(self) -> int:
        """Frequency of clk_sys; setting it leaves the time as it is."""
        return self._hz

    @hz.setter
    def hz(self, value: int) -> None:
        self._c.set_hz(self._p, value)
        self._hz = value

    def cycle_at_ns(self, ns: int) -> int:
        """The first cycle that is not before an instant."""
        return int(self._c.cycle_at_ns(self._p, ns))

    def alarm_at_ns(self, ns: int) -> None:
        """`run` comes back with Run.ALARM at this instant (NEVER: not any more). There is one such alarm."""
        self._c.alarm_at_ns(self._p, ns)

    def run(self, until_cycle: int) -> Run:
        """Let time pass, up to a cycle or what else there is to say (`Run`)."""
        outer, sys.unraisablehook = sys.unraisablehook, self._lost
        try:
            reason: int = self._c.run(self._p, until_cycle)
        finally:
            sys.unraisablehook = outer
        if self._error is not None:
            self._raise()
        return _RUNS[reason]

    def _lost_in_callback(self, lost: sys.UnraisableHookArgs) -> None:
        """Ctrl-C while C runs is raised as the next callback begins, before its `try`: ctypes would only print it."""
        if issubclass(lost.exc_type, KeyboardInterrupt):
            self._failed(lost.exc_value or lost.exc_type())
        else:
            sys.__unraisablehook__(lost)

    def stop(self) -> None:
        """`run` comes back as soon as it can; for callbacks."""
        self._c.stop(self._p)

    # Signals

    def set_irq(self, number: int, level: bool) -> None:
        """An interrupt line, to both cores."""
        self._c.set_irq(self._p, number, level)

    def irq_levels(self, core: int) -> int:
        """The interrupt lines at a core, one bit each, before its NVIC."""
        return int(self._c.irq_levels(self._p, core))

    @property
    def running(self) -> int:
        """Who is at the bus in a callback: core 0 or 1, NOBODY of the chip, or DMA_MASTER."""
        return int(self._c.running(self._p))

    def dreq(self, number: int) -> bool:
        """The level of a data request to DMA."""
        return bool(self._c.dreqs(self._p) >> number & 1)

    def set_dreq(self, number: int, level: bool) -> None:
        """A data request to DMA: a transfer could be made now."""
        self._c.set_dreq(self._p, number, level)

    def set_nmi_mask(self, core: int, mask: int) -> None:
        """SYSCFG.PROCn_NMI_MASK: interrupts that are the NMI of a core."""
        self._c.set_nmi_mask(self._p, core, mask)

    def send_fifo(self, sender: int, value: int) -> None:
        """A word into the mailbox of the other core, as core `sender` would."""
        self._c.send_fifo(self._p, sender, value)

    # Reset

    def reset_core(self, core: int) -> None:
        """Back to the boot ROM's reset vector; a core that is held stays so."""
        self._c.reset_core(self._p, core)

    def hold_core(self, core: int, held: bool) -> None:
        """Hold a core in reset, or let it go."""
        self._c.hold_core(self._p, core, held)

    def reset_block(self, name: str) -> None:
        """Reset a block in C, by its name in lower case: one of `_C_BLOCKS`."""
        self._c.reset_block(self._p, _C_BLOCKS.index(name))
        self._raise()

    def hold_block(self, name: str, held: bool) -> None:
        """The reset line of a block in C: it is reset, and takes no writes until it is released."""
        self._c.hold_block(self._p, _C_BLOCKS.index(name), held)
        self._raise()

    def hold_registers(self, block: int, held: bool) -> None:
        """The reset line of a block in Python, which resets itself: writes do not reach it until it is released."""
        self._c.hold_registers(self._p, block, held)

    @property
    def reset_requests(self) -> int:
        """Cores whose AIRCR.SYSRESETREQ was written, as bits; `reset_core` clears it."""
        return int(self._c.reset_requests(self._p))

    # The bus

    def bus_read(self, address: int, size: int = 4) -> int | None:
        """Read as a bus master does; None when nothing answers."""
        answer = self._c.bus_read(self._p, address & 0xFFFF_FFFF, size)
        self._raise()
        return None if answer >> 32 else int(answer)

    def bus_write(self, address: int, value: int, size: int = 4) -> bool:
        """Write as a bus master does; False when nothing answers."""
        answer = self._c.bus_write(self._p, address & 0xFFFF_FFFF, size, value & 0xFFFF_FFFF)
        self._raise()
        return bool(answer)

    def wrote(self, address: int, length: int) -> None:
        """To be called after `flash`, `sram` or `rom` was written from Python: decoded code and snapshots notice."""
        self._c.wrote(self._p, address, length)

    # Pins

    def drive(self, function: int, pins: int, out: int, oe: int) -> None:
        """What a function drives on GPIOs (a mask), where FUNCSEL gives them to it."""
        self._c.drive(self._p, function, pins, out, oe)

    def drive_qspi(self, function: int, pins: int, out: int, oe: int) -> None:
        """The same for the flash's pins."""
        self._c.drive_qspi(self._p, function, pins, out, oe)

    def pin_inputs(self) -> int:
        """What peripherals see on GPIO0 to 29 now."""
        return int(self._c.pin_inputs(self._p))

    def pin_levels(self) -> int:
        """The levels at the pads of GPIO0 to 29 now."""
        return int(self._c.pin_levels(self._p))

    def qspi_levels(self) -> int:
        """The levels at the flash's pads: SCLK, SS, SD0 to SD3."""
        return int(self._c.qspi_levels(self._p))

    def pins_heard(self) -> int:
        """The GPIOs whose every edge somebody wants at its time: Python, an interrupt, PWM, a program of PIO."""
        return int(self._c.pins_heard(self._p))

    def pin_functions(self, function: int) -> int:
        """The GPIOs whose FUNCSEL names a function."""
        return int(self._c.pin_functions(self._p, function))

    def set_external(self, pins: int, levels: int, driven: int) -> None:
        """Levels from outside on the GPIOs of mask `pins`; those not in `driven` are let go."""
        self._c.set_external(self._p, pins, levels, driven)
        self._raise()

    def set_external_qspi(self, pins: int, levels: int, driven: int) -> None:
        """The same for the flash's pins: BOOTSEL drives SS low."""
        self._c.set_external_qspi(self._p, pins, levels, driven)
        self._raise()

    def watch(self, pins: int) -> None:
        """`pins_changed` is called for each change of these GPIOs."""
        self._c.watch(self._p, pins)

    # The flash and its interface

    def set_timer_tick(self, picoseconds: int) -> None:
        """TIMER counts up after so many each, a microsecond at first; 0: it stands still."""
        self._c.set_timer_tick(self._p, picoseconds)

    def flush_cache(self) -> None:
        """The cache of execute-in-place is empty from here on."""
        self._c.flush_cache(self._p)

    def count_xip_accesses(self, on: bool) -> None:
        """Count them in XIP_CTRL's registers, from the next instruction on; cores are slower meanwhile."""
        self._c.count_accesses(self._p, 1, on)

    def count_bus_accesses(self, on: bool) -> None:
        """Count in BUSCTRL's registers what its PERFSEL registers say; cores are slower meanwhile."""
        self._c.count_accesses(self._p, 2, on)

    def set_flash_latency(self, millionths: int) -> None:
        """How long a master waits for a read of the flash, in millionths of the time that the SSI's registers say.

        0: not at all, and nobody looks. Otherwise cores are slower, and XIP_CTRL's counters count from the start.
        """
        self._c.set_flash_latency(self._p, millionths)

    def hold_ssi(self, held: bool) -> None:
        """The SSI's reset line: what is in its FIFO is lost. Its registers are a block's of Python."""
        self._c.hold_ssi(self._p, held)

    def reset_flash(self) -> None:
        """Power was away from the flash chip."""
        self._c.reset_flash(self._p)

    def set_flash_time(self, millionths: int) -> None:
        """How long the flash chip is busy, in millionths of the typical times."""
        self._c.set_flash_time(self._p, millionths)

    @property
    def flash_busy_ns(self) -> int:
        """How much longer the flash chip erases or programs; 0: it does not."""
        return int(self._c.flash_busy_ns(self._p))

    @property
    def flash_selected(self) -> bool:
        """Its chip select is low."""
        return bool(self._c.flash_state(self._p) & 1)

    @property
    def flash_write_enabled(self) -> bool:
        """The next command may erase or program."""
        return bool(self._c.flash_state(self._p) & 2)

    # PIO

    def pio_state(self, block: int, machine: int) -> PioState:
        """What a state machine of PIO0 or PIO1 has in it, and no register shows."""
        return PioState(*(int(self._c.pio_state(self._p, block, machine, what)) for what in range(8)))

    # Cores

    def core(self, core: int, what: int) -> int:
        """A register: 0 to 15, or one of `Core`. The PC is right while the core is not running."""
        return int(self._c.core_get(self._p, core, what))

    def set_core(self, core: int, what: int, value: int) -> None:
        """Set a register. Setting the PC wakes a core that sleeps or is locked up."""
        self._c.core_set(self._p, core, what, value & 0xFFFF_FFFF)

    def core_registers(self, core: int) -> memoryview:
        """R0 to R15 of a core that is not running, 16 words."""
        return self._view(10 + core).cast("I")

    def instructions(self, core: int) -> int:
        """Instructions that a core has executed."""
        return int(self._c.core_instructions(self._p, core))

    def core_cycles(self, core: int) -> int:
        """Cycles that a core has lived through awake."""
        return int(self._c.core_cycles(self._p, core))

    def halt_core(self, core: int, halted: bool) -> None:
        """A debugger halts a core, or lets it go on."""
        self._c.halt_core(self._p, core, halted)

    @property
    def semihosting_calls(self) -> int:
        """Cores that stand at a BKPT 0xAB, as bits."""
        return int(self._c.semihosting_calls(self._p))

    def set_semihosting(self, on: bool) -> None:
        """BKPT 0xAB is a call to the host, for which `run` comes back; otherwise it is the HardFault of the chip."""
        self._c.set_semihosting(self._p, on)

    def end_semihosting_call(self, core: int, result: int) -> None:
        """The call has been served: R0 is the result, execution goes on behind it."""
        self._c.end_semihosting_call(self._p, core, result & 0xFFFF_FFFF)

    # Debugging

    def set_breakpoints(self, addresses: Iterable[int]) -> bool:
        """All breakpoints there are from now on; False: more than there is room for (32)."""
        wanted = list(addresses)
        if len(wanted) > SCRATCH_WORDS:
            return False
        for number, address in enumerate(wanted):
            self._c.scratch_words[number] = address
        return bool(self._c.breakpoints(self._p, self._c.scratch, len(wanted)))

    def set_watchpoints(self, watchpoints: Iterable[tuple[int, int, int]]) -> bool:
        """All watchpoints: (address, length, 1 write | 2 read); False: more than there is room for (16)."""
        self._c.clear_watchpoints(self._p)
        return all(
            self._c.watchpoint(self._p, number, address, length, kind)
            for number, (address, length, kind) in enumerate(watchpoints)
        )

    def resume(self, core: int, *, step: bool = False) -> None:
        """To be called before execution goes on after a stop: `core` passes what stands at its PC."""
        self._c.resume(self._p, core, step)

    def attach_debugger(self, on: bool) -> None:
        """BKPT is a stop for the debugger; otherwise it is the HardFault of the chip."""
        self._c.attach_debugger(self._p, on)

    def debug_hit(self) -> tuple[Hit, int, int]:
        """What stopped it, which core, and where."""
        hit = Hit(self._c.debug_hit(self._p, self._c.scratch, self._c.scratch + 4))
        core, address = self._c.scratch_words[:2]
        return hit, core, address

    # Coverage

    def cover(self, on: bool) -> memoryview | None:
        """Count edges between basic blocks from now on (AFL's map, COVERAGE_SIZE bytes), or stop it."""
        self._c.cover(self._p, on)
        return self._view(9) if on else None

    def clear_coverage(self) -> None:
        """All counters 0."""
        self._c.clear_coverage(self._p)

    # Snapshots

    def snapshot(self) -> MachineSnapshot:
        """Keep everything as it is now."""
        buffer = self._c.buffer(self._c.snapshot_size())
        self._snapshots += 1
        self._c.save(self._p, buffer.address, self._snapshots)
        return MachineSnapshot(buffer)

    def restore(self, snapshot: MachineSnapshot) -> None:
        """Everything as it was: registers, memories, time. Callbacks and settings of a debugger stay."""
        self._c.restore(self._p, snapshot.buffer.address)


def _ignore(*_: Any) -> None:
    return None
