"""The embedded engine: a Pico on a core of our own in C, blocks and USB host in Python, all in this process."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal
from weakref import WeakSet

from renode_pico import __version__
from renode_pico.bridge.gdb import SIGINT, SIGSEGV, SIGTRAP, GdbStub
from renode_pico.clock import NS_PER_MS, NS_PER_S, Clock, nanoseconds
from renode_pico.core.clock import MachineAlarm, MachineRunner
from renode_pico.core.debugger import MachineTarget
from renode_pico.core.machine import Core, Fault, Hit, MachineSnapshot, Run, State
from renode_pico.engine import parts
from renode_pico.engine.embedded_backtrace import Symbols, backtrace, find_elf
from renode_pico.engine.embedded_io import UartPort
from renode_pico.engine.ending import Registers
from renode_pico.engine.faults import EXC_HARDFAULT, FaultAt, end_of_program, lock_up_text, no_handler_text
from renode_pico.engine.memento import Memento
from renode_pico.engine.protocol import BoardConfig, Uart
from renode_pico.engine.semihosting import Semihosting
from renode_pico.errors import FirmwareError, ImageError, UsageError
from renode_pico.firmware.images import FLASH_BASE, Image, check_fits, load_image, read_flash_file
from renode_pico.renode_models import boot_rom as boot_rom_image
from renode_pico.rp2040.chip import LR, PC, SP, Chip
from renode_pico.rp2040.not_modelled import listed
from renode_pico.rp2040.ssi import SS
from renode_pico.rp2040.sysinfo import CHIP_IDS
from renode_pico.rp2040.usb_sanitizer import Misuse
from renode_pico.usb.host import BusHost
from renode_pico.usb.wire import Wire

MIPS = 125
"""Most instructions take one cycle, and firmware sets clk_sys to 125 MHz."""
GPIO_COUNT = 30
ALL_GPIOS = (1 << GPIO_COUNT) - 1
ROM_SIZE = 0x4000
"""Core 1 waits in the boot ROM until it is launched."""
WATCHDOG_SCRATCH0 = 0x4005_800C
LONGEST_PIECE_NS = 50 * NS_PER_MS
"""So long `run` stays in the core when nothing happens: Ctrl-C is heard in between."""
MAX_CLOSED_CHIPS = 12
"""So many of them, and the garbage collector is asked before another one is made: it counts objects, not bytes.

To ask it takes 40 to 200 ms where as much is loaded as in a run of tests; a chip that has run MicroPython holds 4 MB.
"""


@dataclass(frozen=True, slots=True)
class EmbeddedSnapshot:
    """A board at an instant: the machine's part and that of the objects around it."""

    machine: MachineSnapshot
    objects: Memento


class PinListener:
    """Who watches pins from outside of the board: nothing of it goes back with a snapshot."""

    outside_of_snapshots = True

    def __init__(self, clock: Clock, changed: Callable[[int, int, bool], None]) -> None:
        self._clock = clock
        self._changed = changed

    def __call__(self, which: int, levels: int) -> None:
        """Some pins have changed: tell each."""
        now_ns = self._clock.now_ns
        for pin in range(GPIO_COUNT):
            if which >> pin & 1:
                self._changed(now_ns, pin, bool(levels >> pin & 1))


class EmbeddedEngine:
    """`protocol.Engine` in this process and thread: deterministic, no wall clock.

    `chip_revision` is what SYSINFO says (the firmware takes different ways through its USB driver); `boot_rom=False`
    starts at the beginning of the flash. Raises ImageError, UsageError, or EngineMissing when the core cannot be had.
    """

    _closed_chips: ClassVar[WeakSet[Chip]] = WeakSet()
    """Chips whose engine was closed and that are still there: each is some MB in a ring of references."""

    def __init__(
        self, config: BoardConfig, *, chip_revision: Literal["B1", "B2"] = "B2", boot_rom: bool = True
    ) -> None:
        if config.mips not in (None, MIPS):
            raise UsageError(
                f"the embedded engine runs at {MIPS} MIPS only, not at {config.mips}: use the renode engine"
            )
        if config.cores not in (None, 1, 2):
            raise UsageError(f"the RP2040 has one core or two, not {config.cores}")
        if chip_revision not in CHIP_IDS:
            raise UsageError(f"chip revision {chip_revision}: there are {', '.join(CHIP_IDS)}")
        self._config = config
        image = load_image(config.firmware)
        if len(self._closed_chips) >= MAX_CLOSED_CHIPS:
            gc.collect()
        self._dead: FirmwareError | None = None
        self._chip = chip = Chip(
            boot_rom_image(),
            self._died,
            cores=config.cores or 2,
            revision=chip_revision,
            boot_rom=boot_rom,
            sanitize=config.sanitize,
            errata=config.errata,
            flash_latency=config.flash_latency,
        )
        self._machine = chip.machine
        self._clock = chip.clock
        self.runner = MachineRunner(chip.machine, chip.clock, self._event, self._check)
        chip.poke = self.runner.poke
        self._saved: bytes | None = None
        self._load_saved_flash(image)
        if image.entry is None:
            for segment in image.segments:
                self._write_flash(segment.address - FLASH_BASE, segment.data)
        self._uarts = [UartPort(uart, self.runner.poke) for uart in chip.uarts]
        self._host = BusHost(chip.usb, self._clock, self.runner, lambda: self.unmodelled)
        self._closed = False
        self._debugged = MachineTarget(self._machine, self.reset)
        if image.entry is not None:
            self._load_ram(image)
        self._gdb: GdbStub | None = None
        self._pin_listeners: list[PinListener] = []
        self._wait_for_gdb = False
        self._semihosting: Semihosting | None = None

    # What it is

    @property
    def name(self) -> str:
        """`embedded`."""
        return "embedded"

    @property
    def version(self) -> str:
        """Version of this package, whose part it is."""
        return f"renode-pico {__version__}"

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self._clock.now_ns / NS_PER_S

    @property
    def chip(self) -> Chip:
        """Everything between the pins: blocks, buses to attach devices to, jumper wires."""
        return self._chip

    @property
    def host(self) -> BusHost:
        """The USB host at the other end of the cable."""
        return self._host

    @property
    def wire(self) -> Wire:
        """The device's end of the cable."""
        return self._chip.usb

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on by both cores."""
        return self._chip.instructions

    @property
    def asleep(self) -> bool:
        """Core 0 waits for an interrupt or an event, and core 1 does or has not been let go."""
        machine, waits = self._machine, State.WAITING_EVENT | State.WAITING_INTERRUPT
        cores = range(1, self._config.cores or 2)
        return bool(machine.core(0, Core.STATE) & waits) and all(
            machine.core(core, Core.STATE) & (waits | State.HELD) for core in cores
        )

    @property
    def pc(self) -> int:
        """Where core 0 is."""
        return self._machine.core(0, PC)

    @property
    def unmodelled(self) -> dict[str, int]:
        """How often the firmware touched which `block.register` that nobody models."""
        return dict(self._chip.unmodelled.counts)

    @property
    def misuses(self) -> list[Misuse]:
        """What the sanitizer has found, in order."""
        sanitizer = self._chip.usb.sanitizer
        return [] if sanitizer is None else list(sanitizer.misuses.values())

    @property
    def not_modelled(self) -> dict[str, list[str]]:
        """What the blocks themselves list that they do not do."""
        return listed()

    @property
    def resets(self) -> int:
        """How often the chip has come out of reset, power-on included."""
        return self._chip.resets

    # Time

    def run(self, seconds: float) -> None:
        """Let emulated time pass. Raises FirmwareError when the processor has stopped for good."""
        self._ask_gdb()
        longest_ns = LONGEST_PIECE_NS if self._gdb is None else NS_PER_MS
        self.runner.run_until(_never, self._deadline(seconds), longest_ns)

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Run until `condition` holds; False when `timeout` emulated seconds have passed first.

        Raises FirmwareError when the processor has stopped for good.
        """
        self._ask_gdb()
        return self.runner.run_until(condition, self._deadline(timeout))

    def run_on(self, seconds: float) -> bool:
        """Let emulated time pass though core 0 stands still at a program's end; whether core 1 runs firmware.

        Raises FirmwareError when core 1 ends, too.
        """
        ended, self._dead = self._dead, None
        try:
            self.run(seconds)
        finally:
            self._dead = ended or self._dead
        stands = self._machine.core(1, Core.STATE) & (State.HELD | State.LOCKED_UP)
        return not stands and self._machine.core(1, PC) >= ROM_SIZE

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at an emulated instant, in seconds since power-on, whoever lets time pass then."""
        at_ns = nanoseconds(seconds)
        if at_ns <= self._clock.now_ns:
            action()
        else:
            self._clock.arm(MachineAlarm(self._clock, action), at_ns)

    def _deadline(self, seconds: float) -> int:
        return self._clock.now_ns + nanoseconds(seconds)

    def at_address(self, address: int, action: Callable[[], None]) -> None:
        """Do something each time a core comes to the instruction at `address`, before it executes it.

        `action` must not let time pass; what it raises comes out of whatever does. Raises UsageError for more places
        than there is room for (32, with those of GDB).
        """
        self._debugged.hooks[address & ~1] = action
        if not self._debugged.set_points():
            del self._debugged.hooks[address & ~1]
            raise UsageError(f"{address:#010x}: there is no room for another place to stop at")

    # Pins

    def uart(self, number: int) -> Uart:
        """UART0 or UART1."""
        if number not in (0, 1):
            raise UsageError(f"UART {number}: the RP2040 has UART0 and UART1")
        return self._uarts[number]

    def peek(self, address: int) -> int:
        """Read a word over the chip's bus; 0 where nothing is."""
        return self._machine.bus_read(address) or 0

    def read_memory(self, address: int, length: int) -> bytes:
        """Read RAM, the USB controller's included, flash or ROM; as far as there is any."""
        return self._debugged.read(address, length) if self._debugged.is_memory(address) else b""

    def write_memory(self, address: int, data: bytes) -> None:
        """Write RAM as a debugger does. Raises UsageError where there is none."""
        if not (self._debugged.is_memory(address) and self._debugged.write(address, data)):
            raise UsageError(f"{len(data)} bytes at {address:#010x}: there is no RAM")

    def gpio(self, pin: int) -> bool:
        """The level of a GPIO pin as driven by the chip or from outside; one that nobody drives follows its pulls."""
        return bool(self._machine.pin_levels() & self._pin(pin))

    def set_gpio(self, pin: int, level: bool) -> None:
        """Drive a GPIO pin from outside."""
        mask = self._pin(pin)
        self._machine.set_external(mask, mask if level else 0, mask)

    def release_gpio(self, pin: int) -> None:
        """Nothing outside drives a GPIO pin any more."""
        self._machine.set_external(self._pin(pin), 0, 0)

    def _pin(self, pin: int) -> int:
        if not 0 <= pin < GPIO_COUNT:
            raise UsageError(f"GPIO {pin}: the RP2040 has GPIO0 to GPIO{GPIO_COUNT - 1}")
        return 1 << pin

    @contextmanager
    def pins_watched(self, changed: Callable[[int, int, bool], None]) -> Iterator[None]:
        """Within the context, call `changed(time, pin, level)` for each change of a GPIO's level.

        time: emulated nanoseconds since power-on; it goes back only where the board does (`restore`).
        """
        listener = PinListener(self._clock, changed)
        self._pin_listeners.append(listener)
        self._chip.pins.watch(listener, ALL_GPIOS)
        try:
            yield
        finally:
            self._pin_listeners.remove(listener)
            self._chip.pins.watch(listener, 0)

    def press(self, name: str, down: bool) -> None:
        """Push the button `bootsel` down, or let it go: it pulls the flash's chip select low."""
        parts.button(name)
        self._machine.set_external_qspi(SS, 0, SS if down else 0)

    def led(self, name: str = "led") -> bool:
        """Whether the Pico's LED, `led`, is lit: GPIO25, driven high."""
        return self.gpio(parts.led_pin(name))

    def set_adc(self, channel: int, volts: float) -> None:
        """The voltage at an ADC input, 0 to 3 (GPIO26 to GPIO29), between 0 V and ADC_AVDD, 3.3 V."""
        self._chip.adc.voltages[parts.adc_input(channel)] = parts.finite(volts, "a voltage")

    def set_temperature(self, celsius: float) -> None:
        """The chip's temperature, as its sensor measures it."""
        self._chip.adc.temperature = parts.finite(celsius, "a temperature")

    def set_clock_input(self, pin: int, hertz: int) -> None:
        """An oscillator makes a clock at GPIO20 or GPIO22, up to 50 MHz; 0 ends it."""
        self._chip.clocks.set_input(*parts.clock_input(pin, hertz))

    # Looking on

    def start_gdb(self, port: int) -> None:
        """Listen for GDB on a TCP port of this machine; the board stands until GDB has connected and lets it go."""
        if self._gdb is not None:
            raise UsageError("GDB's server runs already")
        self._gdb = GdbStub(port, self._debugged)
        self._wait_for_gdb = True

    def enable_semihosting(self) -> Semihosting:
        """From now on BKPT 0xAB is a call to the host, with this console; before, it is the chip's HardFault."""
        if self._semihosting is None:
            target = self._debugged
            self._semihosting = Semihosting(target.read, target.write, lambda: self.now)
            self._machine.set_semihosting(True)
        return self._semihosting

    def snapshot(self, *also: Any) -> EmbeddedSnapshot:
        """Keep the board as it is: chip, USB host and what `also` names, with everything that hangs on it.

        For this engine in this process. What stands outside stays as it is: traces, who watches pins, GDB, files.
        """
        gdb, self._gdb = self._gdb, None  # with its connection, if there is one
        try:
            return EmbeddedSnapshot(self._machine.snapshot(), Memento(self, *also))
        finally:
            self._gdb = gdb

    def restore(self, snapshot: EmbeddedSnapshot) -> None:
        """The board as it was, its time included; any number of times, and in any order."""
        gdb, listeners = (self._gdb, self._wait_for_gdb), list(self._pin_listeners)
        self._machine.restore(snapshot.machine)
        snapshot.objects.restore()
        self._gdb, self._wait_for_gdb = gdb
        for over in set(self._pin_listeners).difference(listeners):
            self._chip.pins.watch(over, 0)
        for listener in listeners:
            self._chip.pins.watch(listener, ALL_GPIOS)
        self._pin_listeners[:] = listeners

    # Reset and power

    def reset(self) -> None:
        """The RUN pin pulled low and released: the chip starts again, flash kept, time goes on."""
        self._forget_end()
        self._chip.run_pin()

    def _forget_end(self) -> None:
        self._dead = None
        if self._semihosting is not None:
            self._semihosting.restart()

    def power_cycle(self) -> None:
        """Power taken away and given back, cable included: memories lost, flash kept and saved."""
        plugged = self._host.plugged
        self._host.unplug()
        self._save_flash()
        self._forget_end()
        self._chip.power_on()
        for uart in self._uarts:
            uart.power_off()
        if plugged:
            self._host.plug()

    def _event(self, reason: Run) -> None:
        if reason is Run.LOCKED_UP:
            for core in (0, 1):
                if self._machine.core(core, Core.STATE) & State.LOCKED_UP:
                    self._locked_up(core)
        elif reason is Run.NO_HANDLER:
            for core in (0, 1):
                ipsr, vtor = self._machine.core(core, Core.IPSR), self._machine.core(core, Core.VTOR)
                if ipsr == EXC_HARDFAULT and not vtor:
                    self._died(no_handler_text(self._fault(core, first=True), core), core, Core.FIRST_R0)
        elif reason is Run.DEBUG:
            self._halted()
        elif reason is Run.SEMIHOSTING:
            self._serve_semihosting()
        else:
            self._chip.event(reason)

    def _halted(self) -> None:
        hit, core, address = self._machine.debug_hit()
        hook = self._debugged.hooks.get(address) if hit is Hit.BREAKPOINT else None
        if hook is not None:
            hook()
        if self._gdb is None or (hook is not None and address not in self._debugged.breakpoints):
            self._machine.resume(core)
        else:
            self._gdb.halted(SIGTRAP, core, address if hit is Hit.WATCHPOINT else None)

    def _ask_gdb(self) -> None:
        """GDB may want the board to stand: it has just come, or sent its Ctrl-C."""
        if self._gdb is None:
            return
        if self._wait_for_gdb:
            self._wait_for_gdb = False
            self._gdb.wait_for_client()
            self._gdb.halted(SIGTRAP)
        elif self._gdb.poll():
            self._gdb.halted(SIGINT)

    def _serve_semihosting(self) -> None:
        assert self._semihosting is not None
        for core in (0, 1):
            if self._machine.semihosting_calls >> core & 1:
                result = self._semihosting.call(self._machine.core(core, 0), self._machine.core(core, 1))
                self._machine.end_semihosting_call(core, result)
        ended = self._semihosting.ended(self._config.firmware.name, self.now)
        if ended is not None:
            self._end(ended)

    def _locked_up(self, core: int) -> None:
        """A HardFault in the handler of one: where programs end, as that handler is a BKPT unless they have another."""
        machine, first, last = self._machine, self._fault(core, first=True), self._fault(core, first=False)
        registers = Registers(
            pc=machine.core(core, Core.FIRST_R0 + PC) & ~1,
            lr=machine.core(core, Core.FIRST_R0 + LR),
            sp=machine.core(core, Core.FIRST_R0 + SP),
            psp=machine.core(core, Core.PSP),
            r0=machine.core(core, Core.FIRST_R0),
            exception=machine.core(core, Core.FIRST_FAULT_IPSR),
        )
        firmware, read = self._config.firmware, self._chip.peek
        error = end_of_program(firmware, first, last, registers, read, at=self.now, core=core)
        if error is not None:
            self._end(error, core)
        else:
            self._died(lock_up_text(first, last, core), core, Core.FIRST_R0)

    def _fault(self, core: int, *, first: bool) -> FaultAt:
        """Of the HardFault that is being handled, or has led to lock-up; or what could not be done last."""
        machine = self._machine
        pc = machine.core(core, Core.FIRST_R0 + PC if first else PC)
        return FaultAt(
            Fault(machine.core(core, Core.FIRST_FAULT if first else Core.FAULT)),
            address=machine.core(core, Core.FIRST_FAULT_ADDRESS if first else Core.FAULT_ADDRESS),
            pc=pc,
            code=machine.bus_read(pc & ~1, 2) or 0,
        )

    def _died(self, why: str, core: int = 0, registers: int = 0) -> None:
        """`registers`: where in `Machine.core` those begin that it had when it went wrong."""
        trace = self._backtrace(self._machine.core(core, registers + SP))
        where = f" in {trace}" if trace else f", LR {self._machine.core(core, registers + LR):#010x}"
        self._end(FirmwareError(f"{self._config.firmware.name}: {why}{where} (at {self.now:.6f} s)"), core)

    def _end(self, error: FirmwareError, core: int = 0) -> None:
        if self._gdb is not None and self._gdb.connected and not self._dead:
            resets = self.resets
            self._gdb.halted(SIGSEGV, core)  # before it is over, somebody may look at it
            if self.resets != resets:
                return  # and begin anew
        self._dead = self._dead or error
        self.runner.poke()

    def _backtrace(self, stack_pointer: int) -> str:
        path = find_elf(self._config.firmware)
        if path is None:
            return ""
        try:
            return backtrace(Symbols(path).name, self._chip.peek, stack_pointer)
        except Exception as error:  # An ornament: whatever goes wrong with it must not hide what it decorates.
            return f"(no backtrace: {error})"

    def _check(self) -> None:
        self._ask_gdb()
        if self._dead is not None:
            raise self._dead.with_traceback(None)

    # Flash

    def flash(self) -> bytes:
        """The whole flash content, 2 MiB."""
        return bytes(self._machine.flash)

    def load_flash(self, data: bytes, offset: int) -> None:
        """Overwrite part of the flash, as an external programmer would. Raises ImageError when it does not fit."""
        check_fits(data, offset, "flash")
        self._write_flash(offset, data)

    def _write_flash(self, offset: int, data: bytes) -> None:
        self._machine.flash[offset : offset + len(data)] = data
        self._machine.wrote(FLASH_BASE + offset, len(data))

    def _load_ram(self, image: Image) -> None:
        """As the boot ROM leaves the chip that has been given an image for the RAM, up to the watchdog's reset."""
        for segment in image.segments:
            self._debugged.write(segment.address, segment.data)
        for number, value in enumerate(image.watchdog_scratch, start=4):
            self._machine.bus_write(WATCHDOG_SCRATCH0 + 4 * number, value)

    def _load_saved_flash(self, firmware: Image) -> None:
        """What the flash file holds; a flash image is for a board that has none yet."""
        config = self._config
        if config.flash_file is not None and config.flash_file.exists():
            self._saved = read_flash_file(config.flash_file)
            self._write_flash(0, self._saved)
        elif config.flash_image is not None:
            check_fits(config.flash_image, config.flash_offset, "flash image")
            if firmware.entry is None and config.flash_offset < firmware.end - FLASH_BASE:
                raise ImageError(
                    f"flash image: at offset {config.flash_offset:#x} it would be overwritten by {firmware.path.name}, "
                    f"which reaches {firmware.end - FLASH_BASE:#x}"
                )
            self._write_flash(config.flash_offset, config.flash_image)

    def _save_flash(self) -> None:
        path = self._config.flash_file
        if path is None:
            return
        content = self.flash()
        if content != self._saved:
            _replace(path, content)
            self._saved = content

    def close(self) -> None:
        """End it, saving the flash. May be called twice."""
        if not self._closed:
            self._closed = True
            if self._gdb is not None:
                self._gdb.close()
            self._closed_chips.add(self._chip)
            self._save_flash()


def _never() -> bool:
    return False


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the new one. Raises ImageError."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).replace(path)
    except OSError as error:
        raise ImageError(f"{path}: the flash cannot be saved: {error.strerror or error}") from error
