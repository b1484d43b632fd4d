"""A Pico on Renode, driven from Python through pyrenode3 (renode/rpi_pico.resc and renode/host)."""

from __future__ import annotations

import hashlib
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import sleep
from typing import Any
from weakref import WeakSet

from renode_pico.core.machine import Fault
from renode_pico.engine import parts
from renode_pico.engine.embedded_backtrace import RAM, Symbols, backtrace, find_elf
from renode_pico.engine.ending import Registers
from renode_pico.engine.faults import FaultAt, end_of_program, lock_up_text, no_handler_text
from renode_pico.engine.memento import Memento
from renode_pico.engine.protocol import BoardConfig
from renode_pico.engine.renode_host import RenodeHost, UnderWay
from renode_pico.engine.renode_runtime import RenodeRuntime, dotnet_bytes, dotnet_decimal, runtime, script
from renode_pico.engine.semihosting import Semihosting
from renode_pico.errors import FirmwareError, ImageError, UsageError
from renode_pico.firmware.images import FLASH_BASE, FLASH_SIZE, check_fits, load_image, read_flash_file
from renode_pico.rp2040 import usb_memory
from renode_pico.rp2040.clocks import STOPPED
from renode_pico.rp2040.usb_sanitizer import Check, Misuse, Where

HOST = "usb_host"
GPIO_COUNT = 30
DPSRAM = range(usb_memory.BASE, usb_memory.BASE + usb_memory.SIZE)
MEMORIES = (range(0x4000), range(FLASH_BASE, FLASH_BASE + FLASH_SIZE), RAM, DPSRAM)
"""ROM, flash, RAM, and the USB controller's."""
MIPS = 125
"""One instruction a cycle of the clock that MicroPython sets; docs/renode.md says why."""
SP, LR, PC = 13, 14, 15
GDB_LOOK = 0.02
"""Real seconds between two looks whether GDB has connected."""
FLASH_SELECT = 1
"""The pin of io_qspi that BOOTSEL is at."""


class RenodeUart:
    """`protocol.Uart` on a UART of the emulation; `tap` follows a restored board into its new emulation."""

    def __init__(self) -> None:
        self.tap: Any = None
        self._kept = b""

    def write(self, data: bytes) -> None:
        """Queue bytes for the chip's RX pin."""
        self.tap.Write(dotnet_bytes(data))

    def read(self) -> bytes:
        """Everything the chip has sent since the last call."""
        data, self._kept = self._kept + bytes(self.tap.Read()), b""
        return data

    def let_go(self) -> None:
        """Leave the emulation, with what has come and was not read yet."""
        self._kept = self.read()
        self.tap.Dispose()


@dataclass(eq=False)
class RenodeSnapshot:
    """A board as it was: Renode's saved state in a file, and Python's side of it.

    in_place: the same state, to be put back into the emulation that it was taken of (renode/host/EmulationMemento.cs).
    """

    state: Path
    objects: Memento
    under_way: UnderWay
    in_place: Any = None


class RenodeEngine:
    """Implements `Engine`. One at a time in a process: Renode has one emulation.

    Raises EngineMissing when Renode or pyrenode3 is not there, ImageError when an image cannot be loaded.
    """

    def __init__(self, config: BoardConfig) -> None:
        if config.cores not in (None, 1, 2):
            raise UsageError(f"the RP2040 has two cores, of which a board may lack one; not {config.cores}")
        image = load_image(config.firmware)  # refuses what no RP2040 can run, in the same words as the embedded engine
        if image.entry is not None and image.end > RAM.stop:
            raise UsageError(f"{config.firmware}: linked for {image.start:#010x}, where Renode does not execute code")
        self._config = config
        self._has_flash = config.flash_file is not None and config.flash_file.exists()
        if self._has_flash:
            read_flash_file(config.flash_file)  # type: ignore[arg-type]  # its errors are better than Renode's
        self._runtime = runtime()
        self._asked_for_runtime = False
        self._folder = tempfile.TemporaryDirectory(prefix="pico-renode-")
        self._snapshots = count(1)
        self._taken: WeakSet[RenodeSnapshot] = WeakSet()
        self._name = "pico"
        self._peripherals: dict[str, Any] = {}
        self._make()
        self._noted = -1
        self._unmodelled: dict[str, int] = {}
        self._host = RenodeHost(self._external(HOST), self._check, lambda: self.unmodelled)
        self._uarts = (RenodeUart(), RenodeUart())
        self._listen()
        self._dead: FirmwareError | None = None
        self._runs_on = False
        self._one_core = config.cores != 2
        self._cores: list[Any] = []
        self._semihosting: Semihosting | None = None
        self._exited: set[int] = set()  # cores whose program has ended by semihosting
        self._follow_cores()
        self._gdb_port: int | None = None
        self._wait_for_gdb = False
        self._closed = False
        self._went_back = False

    def _make(self) -> None:
        """Take the emulation over that a board of the same kind has left, or make one."""
        config, kind = self._config, self._kind()
        if self._runtime.reuse.take(self, kind):
            self._external(HOST).KeepRecords = False  # of an observer that has stayed
        else:
            self._runtime.clear()
            self._runtime.command("emulation SetGlobalAdvanceImmediately true")
            self._load(config.firmware)
            self._runtime.reuse.made(kind)
        self._runtime.keep_ready()
        self._emulation = self._runtime.emulation.internal
        self._machine = self._runtime.emulation.get_mach(self._name)
        if config.flash_image is not None and not self._has_flash:
            self.load_flash(config.flash_image, config.flash_offset, "flash image")

    def _kind(self) -> tuple[Any, ...] | None:
        """What boards with the same emulation have in common; None for one on whose flash a file hangs."""
        config = self._config
        if config.flash_file is not None:
            return None
        content = hashlib.sha256(config.firmware.read_bytes()).digest()
        chip = config.cores, config.mips, config.flash_latency, config.revision, config.sanitize, config.errata
        return content, *chip

    def _load(self, firmware: Path) -> None:
        config, command = self._config, self._runtime.command
        command(f'$name="{self._name}"')
        command(f"$firmware={path_token(firmware)}")
        command(f"$flash={path_token(config.flash_file)}" if config.flash_file is not None else '$flash=""')
        # variables outlive the emulation: what an earlier board has set must not stay
        command(f"$mips={MIPS if config.mips is None else config.mips}")
        command(f"$flash_latency={config.flash_latency:f}")
        command(f"$revision={1 if config.revision == 'B1' else 2}")
        board = "rpi_pico.repl" if config.cores == 2 else "rpi_pico_single.repl"
        command(f"$platform={path_token(script().parent.parent / 'platforms' / 'boards' / board)}")
        self._runtime.script(script())
        if "E15" in config.errata:
            command("sysbus.usb ErratumE15 true")
        if config.sanitize:
            command("sysbus.usb Sanitize true")
        command(f'emulation CreateUsbHost "{HOST}"')
        command(f"connector Connect sysbus.usb {HOST}")
        command(f"{HOST} AutoEnumerate false")
        command(f"{HOST} AutoOpen false")

    # What it is

    @property
    def name(self) -> str:
        """`renode`."""
        return "renode"

    @property
    def version(self) -> str:
        """Version of Renode."""
        return f"Renode {self._runtime.version}"

    @property
    def runtime(self) -> RenodeRuntime:
        """The Renode it runs on: monitor commands and pyrenode3's wrappers."""
        self._asked_for_runtime = True
        return self._runtime

    @property
    def emulation(self) -> Any:
        """Renode's emulation that the board is in."""
        return self._emulation

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self._host.now

    @property
    def asleep(self) -> bool:
        """False: Renode does not say."""
        return False

    @property
    def host(self) -> RenodeHost:
        """The USB host at the other end of the cable."""
        return self._host

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on, both cores."""
        return sum(int(cpu.ExecutedInstructions) for cpu in self._machine.internal.SystemBus.GetCPUs())

    @property
    def pc(self) -> int:
        """Where core 0 is."""
        return int(self._peripheral("cpu0").PC.RawValue)

    @property
    def unmodelled(self) -> dict[str, int]:
        """How often the firmware touched what nobody models: `pio0.RXF0 read`, `uart0: break`."""
        from Antmicro.Renode.Peripherals.RP2040 import RP2040_Report

        noted = int(RP2040_Report.Noted)
        if noted != self._noted:
            table = RP2040_Report.UnmodelledAccesses(self._machine.internal)
            self._unmodelled = {access_name(block, what): int(count) for block, what, count in rows_of(table)}
            self._noted = noted
        return self._unmodelled

    @property
    def misuses(self) -> list[Misuse]:
        """What the sanitizer has found, in order."""
        rows = rows_of(self._peripheral("usb").Misuses())
        return [
            Misuse(
                Check(check),
                int(endpoint, 0) if endpoint else None,
                Where(master, int(pc, 0), int(lr, 0)),
                int(first),
                int(count),
            )
            for check, endpoint, master, pc, lr, first, count in rows
        ]

    @property
    def not_modelled(self) -> dict[str, list[str]]:
        """What the models themselves list that they do not do, by block."""
        from Antmicro.Renode.Peripherals.RP2040 import RP2040_Report

        listed: dict[str, list[str]] = {}
        for block, what in rows_of(RP2040_Report.NotModelled(self._machine.internal)):
            listed.setdefault(block.removeprefix("sysbus."), []).append(what)
        return listed

    # Time

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""
        self._host.run(seconds)

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Run until `condition` holds; False when `timeout` emulated seconds have passed first."""
        return self._host.run_until(condition, timeout)

    def run_on(self, seconds: float) -> bool:
        """Let emulated time pass though core 0 stands still at a program's end; whether core 1 runs firmware.

        Raises FirmwareError when core 1 ends, too.
        """
        self._runs_on = True
        try:
            self._host.run(seconds)
        finally:
            self._runs_on = False
        for core in self._cores:
            if int(core.MultiprocessingId) == 1:
                if core.StoppedAt >= 0:
                    raise self._stopped(core, 1, float(core.StoppedAt))
                return int(core.PC.RawValue) not in MEMORIES[0]
        return False

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at an emulated instant, in seconds since power-on, whoever lets time pass then."""
        if seconds <= self.now:
            action()
        else:
            self._host.call_at(seconds, action)

    def _check(self) -> None:
        """Raise FirmwareError when a core stands at a breakpoint, as at the end of a program, or nowhere."""
        self._await_gdb()
        if self._runs_on:
            return
        if self._dead is None:
            self._dead = self._ended()
        if self._dead is not None:
            raise self._dead.with_traceback(None)

    def _ended(self) -> FirmwareError | None:
        if self._one_core and self._peripheral("sio").CoreOneMissed:
            return self._core_one_missed()
        for core in self._cores:
            if core.StoppedAt >= 0:
                at = float(core.StoppedAt)
                exited = self._semihosting.ended(self._config.firmware.name, at) if self._semihosting else None
                return exited or self._stopped(core, int(core.MultiprocessingId), at)
        if self._peripheral("clocks").HasStopped:
            core = self._peripheral("cpu0")
            return self._died(STOPPED, int(core.SP.RawValue), int(core.LR.RawValue), self.now)
        if self._core_tap.Aborted:
            core = self._peripheral("cpu0")
            why = f"a core was aborted, core 0 is at {self.pc:#010x}"
            return self._died(why, int(core.SP.RawValue), int(core.LR.RawValue), self.now)
        return None

    def _core_one_missed(self) -> FirmwareError:
        core = self._peripheral("cpu0")
        why = "the firmware starts core 1, which this board does not have (a board with cores=2 does; --cores 2)"
        return self._died(why, int(core.SP.RawValue), int(core.LR.RawValue), self.now)

    def _stopped(self, core: Any, number: int, at: float) -> FirmwareError:
        """A core that is locked up, or in the boot ROM's HardFault handler; `at`: since when."""
        first, values = self._fault(core.FirstFault)
        registers = Registers(
            pc=values[PC] & ~1,
            lr=values[LR],
            sp=values[SP],
            psp=int(core.OtherSP.RawValue),
            r0=values[0],
            exception=int(core.FirstFault.Exception),
        )
        if core.LastFault is None:
            return self._died(no_handler_text(first, number), registers.sp, registers.lr, at)
        last, _ = self._fault(core.LastFault)
        error = end_of_program(self._config.firmware, first, last, registers, self._memory, at=at, core=number)
        return error or self._died(lock_up_text(first, last, number), registers.sp, registers.lr, at)

    def _fault(self, fault: Any) -> tuple[FaultAt, list[int]]:
        """What a fault was about, and the registers R0 to R15 at it."""
        registers = [int(register) for register in fault.Registers]
        pc = registers[PC]
        code = self._memory(pc) >> 8 * (pc & 2) & 0xFFFF
        return FaultAt(Fault(int(fault.Cause)), address=int(fault.Address), pc=pc, code=code), registers

    def _died(self, why: str, stack_pointer: int, link: int, at: float) -> FirmwareError:
        trace = self._backtrace(stack_pointer)
        where = f" in {trace}" if trace else f", LR {link:#010x}"
        return FirmwareError(f"{self._config.firmware.name}: {why}{where} (at {at:.6f} s)")

    def _backtrace(self, stack_pointer: int) -> str:
        path = find_elf(self._config.firmware)
        if path is None:
            return ""
        try:
            return backtrace(Symbols(path).name, self._memory, stack_pointer)
        except Exception as error:  # An ornament: whatever goes wrong with it must not hide what it decorates.
            return f"(no backtrace: {error})"

    def _memory(self, address: int) -> int:
        """A word of ROM, flash or RAM; 0 elsewhere, where reading may have effects."""
        return self.peek(address & ~3) if any(address in memory for memory in MEMORIES) else 0

    # Pins

    def uart(self, number: int) -> RenodeUart:
        """UART 0 or 1."""
        if number not in (0, 1):
            raise UsageError(f"UART {number}: the RP2040 has UART 0 and UART 1")
        return self._uarts[number]

    def peek(self, address: int) -> int:
        """Read a word over the chip's bus."""
        return int(self._machine.internal.SystemBus.ReadDoubleWord(address))

    def read_memory(self, address: int, length: int) -> bytes:
        """Read RAM, the USB controller's included, flash or ROM; as far as there is any."""
        memory = next((memory for memory in MEMORIES if address in memory), None)
        length = min(length, memory.stop - address) if memory is not None else 0
        return bytes(self._machine.internal.SystemBus.ReadBytes(address, length)) if length > 0 else b""

    def write_memory(self, address: int, data: bytes) -> None:
        """Write RAM as a debugger does. Raises UsageError where there is none."""
        if address not in RAM or address + len(data) > RAM.stop:
            raise UsageError(f"{len(data)} bytes at {address:#010x}: there is no RAM")
        self._machine.internal.SystemBus.WriteBytes(dotnet_bytes(data), address)

    def gpio(self, pin: int) -> bool:
        """The level of a GPIO pin."""
        return bool(self._peripheral("io_bank0").Level(self._pin(pin)))

    def set_gpio(self, pin: int, level: bool) -> None:
        """Drive a GPIO pin from outside."""
        self._peripheral("io_bank0").OnGPIO(self._pin(pin), level)

    def release_gpio(self, pin: int) -> None:
        """Nothing outside drives a GPIO pin any more."""
        self._peripheral("io_bank0").Release(self._pin(pin))

    def _pin(self, pin: int) -> int:
        if not 0 <= pin < GPIO_COUNT:
            raise UsageError(f"GPIO {pin}: the RP2040 has GPIO0 to GPIO{GPIO_COUNT - 1}")
        return pin

    @contextmanager
    def pins_watched(self, changed: Callable[[int, int, bool], None]) -> Iterator[None]:
        """Call `changed(time, pin, level)` for each change of a pin: emulated nanoseconds, whenever time has passed."""
        bank = self._peripheral("io_bank0")
        recorder = bank.StartRecording()

        def drain() -> None:
            changes = iter(memoryview(recorder.Read()).tolist())
            for time, pin, level in zip(changes, changes, changes, strict=True):
                changed(time, pin, bool(level))

        self._host.drains.append(drain)
        try:
            yield
        finally:
            drain()
            self._host.drains.remove(drain)
            bank.StopRecording(recorder)

    def press(self, name: str, down: bool) -> None:
        """Push the button `bootsel` down, or let it go: it pulls the flash's chip select low."""
        parts.button(name)
        pins = self._peripheral("io_qspi")
        if down:
            pins.OnGPIO(FLASH_SELECT, False)
        else:
            pins.Release(FLASH_SELECT)

    def led(self, name: str = "led") -> bool:
        """Whether the Pico's LED, `led`, is lit: GPIO25, driven high."""
        return self.gpio(parts.led_pin(name))

    def set_adc(self, channel: int, volts: float) -> None:
        """The voltage at an ADC input, 0 to 3 (GPIO26 to GPIO29), between 0 V and ADC_AVDD, 3.3 V."""
        self._peripheral("adc").SetVoltage(parts.adc_input(channel), dotnet_decimal(parts.finite(volts, "a voltage")))

    def set_temperature(self, celsius: float) -> None:
        """The chip's temperature, as its sensor measures it."""
        self._peripheral("adc").Temperature = dotnet_decimal(parts.finite(celsius, "a temperature"))

    def set_clock_input(self, pin: int, hertz: int) -> None:
        """An oscillator makes a clock at GPIO20 or GPIO22, up to 50 MHz; 0 ends it."""
        self._peripheral("clocks").SetInput(*parts.clock_input(pin, hertz))

    # As it was

    def snapshot(self, *also: Any) -> RenodeSnapshot:
        """Keep the board as it is: Renode's saved state, chip and USB host, in a file that lasts as long as the engine.

        `also`: Python objects that belong to the board; what they hold comes back, too. Raises UsageError while pins
        are watched.
        """
        self._check_still("snapshot")
        path = Path(self._folder.name) / f"{next(self._snapshots)}.save"
        under_way = self._let_go()
        snapshot = RenodeSnapshot(path, Memento(self, *also), under_way, emulation_memento())
        try:
            self._runtime.command(f"Save {path_token(path)}")
        finally:
            self._take_up(under_way)
        self._taken.add(snapshot)
        return snapshot

    def restore(self, snapshot: RenodeSnapshot) -> None:
        """The board as it was, its time included; any number of times, and in any order.

        Some milliseconds of real time, a second where the emulation itself has become another one since.
        """
        self._check_still("restore")
        self._let_go()
        here = self._emulation, self._machine
        gdb = self._gdb_port, self._wait_for_gdb
        snapshot.objects.restore()
        self._emulation, self._machine = here  # which may be another one than at the snapshot
        self._gdb_port, self._wait_for_gdb = gdb
        self._peripherals.clear()
        if snapshot.in_place is None or not snapshot.in_place.Restore():
            self._load_state(snapshot)
        self._noted = -1
        self._went_back = True
        self._take_up(snapshot.under_way)

    def _load_state(self, snapshot: RenodeSnapshot) -> None:
        self._runtime.clear()
        self._runtime.command(f"Load {path_token(snapshot.state)}")
        self._emulation = self._runtime.emulation.internal
        self._machine = self._runtime.emulation.get_mach(self._name)
        self._runtime.command(f'mach set "{self._name}"')
        snapshot.in_place = emulation_memento()

    def _let_go(self) -> UnderWay:
        """Let nothing of Python's hang on the emulation any more; what was under way on the bus."""
        self._leave_cores()
        for uart in self._uarts:
            uart.let_go()
        return self._host.let_go()

    def _take_up(self, under_way: UnderWay) -> None:
        """Hang on to the emulation that there is now."""
        self._host.take_up(self._external(HOST), under_way)
        self._listen()
        self._follow_cores()

    def _check_still(self, what: str) -> None:
        if self._host.drains:
            raise UsageError(f"{what}: pins are being watched, which ends with the emulation")
        if self._host.calls:
            raise UsageError(f"{what}: something is to be done at its time, which ends with the emulation")

    def start_gdb(self, port: int) -> None:
        """Listen for GDB on a TCP port of this machine: Renode's own server, each core a thread.

        The board stands until GDB has connected and lets it go.
        """
        if self._gdb_port is not None:
            raise UsageError("GDB's server runs already")
        with socket.socket() as probe:  # what Renode says of a port that is taken is its log's
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise UsageError(f"GDB's port {port}: {error.strerror or error}") from error
        self._runtime.command(f'mach set "{self._name}"')
        self._runtime.command(f"machine StartGdbServer {port} false")
        self._gdb_port = port
        self._wait_for_gdb = True

    def _await_gdb(self) -> None:
        """Stand still until GDB has connected to Renode's server, which tells nobody."""
        while self._wait_for_gdb:
            if all(core.DebuggerConnected for core in self._cores):
                self._wait_for_gdb = False
            else:
                sleep(GDB_LOOK)

    def enable_semihosting(self) -> Semihosting:
        """From now on BKPT 0xAB is a call to the host, with this console; before, it is the end of the program."""
        if self._semihosting is None:
            self._semihosting = Semihosting(self.read_memory, self._write_if_there, lambda: self.now)
            for core in self._cores:
                self._serve_calls_of(core)
        return self._semihosting

    def _serve_calls_of(self, core: Any) -> None:
        """Have the core call us, on the emulation's thread, with R0 and R1; -1 is a program that is over."""
        from System import Func, Int64, UInt32

        semihosting = self._semihosting
        if semihosting is None:
            return
        number = int(core.MultiprocessingId)

        def serve(operation: int, argument: int) -> int:
            result = [-1]

            def call() -> bool:
                if number in self._exited:  # and runs: GDB has reset the chip
                    self._exited.clear()
                    semihosting.restart()
                answer = semihosting.call(int(operation), int(argument))
                if semihosting.exit_code is None:
                    result[0] = answer
                else:
                    self._exited.add(number)
                return False

            self._host.call_back(call)
            return result[0]

        core.Semihosting = Func[UInt32, UInt32, Int64](serve)

    def _write_if_there(self, address: int, data: bytes) -> bool:
        try:
            self.write_memory(address, data)
        except UsageError:
            return False
        return True

    # Reset and power

    def reset(self) -> None:
        """The RUN pin pulled low and released: the chip starts again, flash kept, time goes on."""
        self._dead = None
        self._core_tap.Reset()
        self._exited.clear()
        if self._semihosting is not None:
            self._semihosting.restart()
        self._runtime.command("machine Reset")

    def power_cycle(self) -> None:
        """Power taken away and given back, cable included: memories lost, flash kept and saved."""
        plugged = self._host.plugged
        if plugged:
            self._host.internal.Unplug()  # whatever state the firmware is in
        self.reset()
        self._peripheral("vreg_and_chip_reset").PowerOn()
        self._peripheral("sram").ZeroAll()
        for uart in self._uarts:
            uart.read()
        if plugged:
            self._host.plug()

    # Flash

    def flash(self) -> bytes:
        """The whole flash content, 2 MiB."""
        path = Path(self._folder.name) / "flash.bin"
        self._runtime.command(f"sysbus.ssi SaveFlash {path_token(path)}")
        return path.read_bytes()[:FLASH_SIZE]

    def load_flash(self, data: bytes, offset: int, what: str = "flash") -> None:
        """Overwrite part of the flash, as an external programmer would. Raises ImageError when it does not fit."""
        check_fits(data, offset, what)
        path = Path(self._folder.name) / "image.bin"
        path.write_bytes(data)
        self._runtime.command(f"sysbus.ssi LoadFlash {path_token(path)} {offset}")

    def close(self) -> None:
        """End the emulation. May be called twice."""
        if not self._closed:
            self._closed = True
            for uart in self._uarts:
                uart.let_go()
            for snapshot in self._taken:
                snapshot.in_place = None
            # What .NET holds of Python and Python of .NET is out of both garbage collectors' reach.
            self._leave_cores()
            self._host.internal.Forget()
            if self._runtime.reuse.owned_by(self):  # or a later board has begun
                self._catch_up()
                self._runtime.pause()
                if not (self._is_whole() and self._runtime.reuse.leave()):
                    self._runtime.clear()
                    self._runtime.collect()
            self._folder.cleanup()

    def _is_whole(self) -> bool:
        """Whether nobody has put anything into the emulation, and no core was given up."""
        touched = self._asked_for_runtime or self._gdb_port is not None or bool(self._host.drains)
        ended = self._dead is not None or self._core_tap.Aborted or self._semihosting is not None
        return not touched and not ended

    def _catch_up(self) -> None:
        """The flash went back with a snapshot, and its file has not: it keeps what is written, as that is written."""
        if self._went_back and self._config.flash_file is not None:
            self._runtime.command(f"sysbus.ssi SaveFlash {path_token(self._config.flash_file)}")

    # Renode's objects

    def _peripheral(self, name: str) -> Any:
        """A peripheral of the machine by its name in the .repl file."""
        if name not in self._peripherals:
            from Antmicro.Renode.Peripherals import IPeripheral

            found, peripheral = self._machine.internal.TryGetByName[IPeripheral](f"sysbus.{name}")
            if not found:
                raise ImageError(f"the platform has no peripheral {name}")
            self._peripherals[name] = derived(peripheral)
        return self._peripherals[name]

    def _external(self, name: str) -> Any:
        from Antmicro.Renode.Core import IExternal

        found, external = self._runtime.emulation.internal.ExternalsManager.TryGetByName[IExternal](name)
        if not found:
            raise UsageError(f"the emulation has no external {name}")
        return derived(external)

    def _listen(self) -> None:
        """Listen to the UARTs of this emulation."""
        from Antmicro.Renode.UsbHosts import UartTap

        for number, uart in enumerate(self._uarts):
            uart.tap = UartTap(self._peripheral(f"uart{number}"), self._host.internal)

    def _follow_cores(self) -> None:
        from Antmicro.Renode.UsbHosts import CoreTap

        self._cores = [derived(core) for core in self._machine.internal.SystemBus.GetCPUs()]
        self._core_tap = CoreTap(self._machine.internal, self._host.internal)
        for core in self._cores:
            self._serve_calls_of(core)

    def _leave_cores(self) -> None:
        self._core_tap.Dispose()
        for core in self._cores:
            core.Semihosting = None
        self._cores = []


def emulation_memento() -> Any:
    """The emulation as it is, kept in this process."""
    from Antmicro.Renode.UsbHosts import EmulationMemento

    return EmulationMemento()


def rows_of(table: Any) -> list[list[str]]:
    """The rows of a table of Renode's, without its head."""
    rows, columns = int(table.GetLength(0)), int(table.GetLength(1))
    return [[str(table[row, column]) for column in range(columns)] for row in range(1, rows)]


def access_name(block: str, what: str) -> str:
    """One name for an access: to a register `block.REGISTER read`, else `block: what was asked for`."""
    block = block.removeprefix("sysbus.")
    return f"{block}.{what}" if what.endswith((" read", " written")) else f"{block}: {what}"


def path_token(path: Path) -> str:
    """Write a path as the monitor reads it."""
    return "@" + str(path.absolute()).replace(" ", "\\ ")


def derived(value: Any) -> Any:
    """The object behind an interface, with all its members."""
    from pyrenode3.conversion import interface_to_class

    return interface_to_class(value)
