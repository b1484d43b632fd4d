"""An RP2040 with the flash of a Pico: the machine in C and the blocks in Python, wired together."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.core.clock import MachineClock
from renode_pico.core.machine import BLOCK_USB, DMA_MASTER, NOBODY, WRITE_HOOK, Machine, Run
from renode_pico.rp2040.adc import Adc
from renode_pico.rp2040.block import Alias, Block, Irq, Number
from renode_pico.rp2040.busctrl import Busctrl
from renode_pico.rp2040.clock_outputs import ClockOutputs
from renode_pico.rp2040.clocks import STOPPED, Clocks, Generator
from renode_pico.rp2040.flash import Flash
from renode_pico.rp2040.i2c import I2c
from renode_pico.rp2040.pin_watch import PinWatch, Wires
from renode_pico.rp2040.pll import Pll
from renode_pico.rp2040.psm import Psm, Stage
from renode_pico.rp2040.resets import ResetBit, Resets
from renode_pico.rp2040.rosc import Rosc
from renode_pico.rp2040.rtc import Rtc
from renode_pico.rp2040.spi import Spi
from renode_pico.rp2040.ssi import Ssi
from renode_pico.rp2040.syscfg import Syscfg
from renode_pico.rp2040.sysinfo import Sysinfo
from renode_pico.rp2040.tbman import Tbman
from renode_pico.rp2040.uart import Uart
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb import UsbController
from renode_pico.rp2040.usb_memory import Dpsram
from renode_pico.rp2040.usb_regs import Reg
from renode_pico.rp2040.usb_sanitizer import UsbSanitizer, Where
from renode_pico.rp2040.vreg_and_chip_reset import HAD_POR, HAD_RUN, VregAndChipReset
from renode_pico.rp2040.watchdog import Watchdog
from renode_pico.rp2040.xip_ctrl import XipAux, XipCtrl
from renode_pico.rp2040.xosc import Xosc

FLASH_BASE = 0x1000_0000
VBUS_SENSE_PIN = 24
"""The Pico's GPIO that sees the cable's 5 V through a divider."""
SP, LR, PC = 13, 14, 15
_C_BLOCKS = {
    ResetBit.DMA: "dma",
    ResetBit.IO_BANK0: "io_bank0",
    ResetBit.IO_QSPI: "io_qspi",
    ResetBit.PADS_BANK0: "pads_bank0",
    ResetBit.PADS_QSPI: "pads_qspi",
    ResetBit.PIO0: "pio0",
    ResetBit.PIO1: "pio1",
    ResetBit.PWM: "pwm",
    ResetBit.TIMER: "timer",
}
"""Blocks in C by the bit of RESETS that resets them."""
_LEFT_BY_BOOT_ROM = 1 << ResetBit.IO_QSPI | 1 << ResetBit.PADS_QSPI
OF_REVISION = {"B1": frozenset({"E2", "E5"}), "B2": frozenset[str]()}
"""The USB controller's errata that a revision always has."""
_DORMANT_WAKE_INTS = (*range(0x4001_4180, 0x4001_4190, 4), 0x4001_8054)
"""What would wake a dormant oscillator now: of IO_BANK0 and of IO_QSPI."""
_IO_QSPI_CTRLS = range(0x4001_8004, 0x4001_8034, 8)
_MAIN_CTRL, _BUFF_STATUS, _INTS = (offset >> 2 for offset in (Reg.MAIN_CTRL, Reg.BUFF_STATUS, Reg.INTS))
"""Words of the USB controller that a driver reads with each packet: TinyUSB MAIN_CTRL four times."""


_ALIASES = tuple(Alias)


class BoardUsb(UsbController):
    """The controller on a Pico: the cable's 5 V also reaches a GPIO."""

    def __init__(self, machine: Machine, clock: MachineClock, unmodelled: Unmodelled) -> None:
        self._machine = machine
        self._shown = machine.registers(BLOCK_USB)
        for word in (_MAIN_CTRL, _BUFF_STATUS, _INTS):
            machine.hooks(BLOCK_USB)[word] = WRITE_HOOK
        super().__init__(Dpsram(machine.dpsram), clock, lambda level: machine.set_irq(Irq.USBCTRL, level), unmodelled)
        self.held = True
        machine.attach(BLOCK_USB, self.read, self._write)
        machine.dpsram_written = self.dpram_updated
        machine.set_external(1 << VBUS_SENSE_PIN, 0, 1 << VBUS_SENSE_PIN)

    def vbus(self, present: bool) -> None:
        """The host switches the cable's 5 V."""
        pin = 1 << VBUS_SENSE_PIN
        self._machine.set_external(pin, pin if present else 0, pin)
        super().vbus(present)

    def _update_interrupt(self) -> None:
        """Where each change ends: what the firmware asks for most lies where the core finds it."""
        super()._update_interrupt()
        shown = self._shown
        shown[_MAIN_CTRL], shown[_BUFF_STATUS], shown[_INTS] = self.main_ctrl, self.buff_status, self.ints

    def _write(self, offset: int, raw: int, alias: int) -> None:
        self.write(offset, raw, _ALIASES[alias])


class AroundUsb:
    """What the USB controller's sanitizer asks of the chip."""

    def __init__(self, chip: Chip, revision: str) -> None:
        self._machine = chip.machine
        self._clocks = chip.clocks
        self._is_b2 = revision == "B2"

    def where(self) -> Where:
        """Who is at the bus."""
        machine, master = self._machine, self._machine.running
        if master in (NOBODY, DMA_MASTER):
            return Where("debugger" if master == NOBODY else "dma")
        return Where(f"core{master}", machine.core(master, PC), machine.core(master, LR))

    def now_ns(self) -> int:
        """Emulated time, at the instruction in hand."""
        return self._machine.now_ns

    def frequencies(self) -> tuple[int, int]:
        """Of clk_sys and clk_usb, Hz."""
        frequency = self._clocks.frequency
        return frequency[Generator.SYS], frequency[Generator.USB]

    def abort_works(self) -> bool:
        """RP2040-E2: EP_ABORT can be used from B2 on."""
        return self._is_b2

    def guard(self, pieces: int) -> None:
        """Which writes into buffers are to be told."""
        self._machine.dpsram_guard[0] = pieces


class Chip:
    """Everything between the pins.

    `cores`: 1 or 2. `revision`: of the chip, a key of `sysinfo.CHIP_IDS`. `rom`: the boot ROM's image; with `boot_rom`
    execution starts there, otherwise at the start of flash, as the boot ROM leaves the chip. `sanitize`: misuse of the
    USB controller is noted (`usb.sanitizer`). `errata`: beyond those of the revision, see `UsbBlock.errata`.
    `flash_latency`: see `XipCtrl.flash_latency`.
    `on_dead(why)`: nothing will happen any more until a reset. `poke`: the machine's time is another one from here on,
    look again.
    """

    def __init__(
        self,
        rom: bytes,
        on_dead: Callable[[str], None],
        *,
        cores: int = 1,
        revision: str = "B2",
        boot_rom: bool = True,
        sanitize: bool = False,
        errata: frozenset[str] = frozenset(),
        flash_latency: float = 0.0,
    ) -> None:
        self._on_dead = on_dead
        self._boot_rom = boot_rom
        self.poke: Callable[[], None] = _nothing
        self._asleep = False
        """clk_sys stands still for now: its oscillator is dormant, or resuscitation is on its way."""
        self._resetting = False
        """Blocks are reset one after the other here, on the chip all at once: clk_sys may seem to stop in between."""
        self.resets = 0
        """How often it has come out of reset, power-on included."""
        self.machine = machine = Machine(cores)
        machine.rom[: len(rom)] = rom
        machine.wrote(0, len(rom))
        self.clock = clock = MachineClock(machine)
        self.unmodelled = unmodelled = Unmodelled(self._pc)
        self.pins = PinWatch(machine)
        self.wires = Wires(machine, self.pins)
        self.flash = Flash(machine, unmodelled)
        self.rosc = Rosc(machine, clock, unmodelled)
        self.xosc = Xosc(machine, clock, unmodelled)
        self.pll_sys = Pll(machine, Number.PLL_SYS, unmodelled, "PLL_SYS", self.xosc)
        self.pll_usb = Pll(machine, Number.PLL_USB, unmodelled, "PLL_USB", self.xosc)
        self.clocks = clocks = Clocks(
            machine, clock, unmodelled, self.rosc, self.xosc, self.pll_sys, self.pll_usb, self._clk_sys_changed
        )
        self.pins.follow_functions(clocks.inputs_selected)
        self.clock_outputs = ClockOutputs(machine, clock, unmodelled, clocks, self.pins)
        self.sysinfo = Sysinfo(machine, unmodelled, revision)
        self.syscfg = Syscfg(machine, unmodelled, machine.set_nmi_mask)
        self.vreg_and_chip_reset = VregAndChipReset(machine, unmodelled)
        self.tbman = Tbman(machine, unmodelled)
        self.busctrl = Busctrl(machine, unmodelled)
        self.uarts = [Uart(machine, clock, unmodelled, clocks, self.pins, which) for which in (0, 1)]
        self.spis = [Spi(machine, clock, unmodelled, clocks, self.pins, which) for which in (0, 1)]
        self.i2cs = [I2c(machine, clock, unmodelled, clocks, self.pins, which) for which in (0, 1)]
        self.adc = Adc(machine, clock, unmodelled, clocks)
        self.rtc = Rtc(machine, clock, unmodelled, clocks, self._dormant_wake)
        self.ssi = Ssi(machine, unmodelled)
        self.xip_ctrl = XipCtrl(machine, clock, unmodelled, clocks, machine.flash)
        self.xip_ctrl.flash_latency = flash_latency
        self.xip_aux = XipAux(machine, unmodelled, self.xip_ctrl)
        self.usb = BoardUsb(machine, clock, unmodelled)
        self.usb.have(errata | OF_REVISION[revision])
        if sanitize:
            self.usb.sanitizer = UsbSanitizer(self.usb, AroundUsb(self, revision))
        self.watchdog = Watchdog(machine, clock, unmodelled, clocks, self._watchdog_triggered)
        self.resets_block = Resets(machine, unmodelled, self._reset_lines())
        self.psm = Psm(machine, unmodelled, self._stages())
        self._watchdog_alarm = clock.alarm(self._watchdog_fired)
        machine.unmodelled = self._nothing_there
        machine.dormant_wake = self._dormant_wake
        self.xosc.fell_asleep = self.rosc.fell_asleep = self._oscillator_fell_asleep
        self.vreg_and_chip_reset.record(HAD_POR)
        self._start()

    def _reset_lines(self) -> dict[ResetBit, Callable[[bool], None]]:
        machine = self.machine
        lines: dict[ResetBit, Callable[[bool], None]] = {
            bit: lambda held, name=name: machine.hold_block(name, held)  # type: ignore[misc]
            for bit, name in _C_BLOCKS.items()
        }
        blocks: dict[ResetBit, Block] = {
            ResetBit.ADC: self.adc,
            ResetBit.BUSCTRL: self.busctrl,
            ResetBit.I2C0: self.i2cs[0],
            ResetBit.I2C1: self.i2cs[1],
            ResetBit.PLL_SYS: self.pll_sys,
            ResetBit.PLL_USB: self.pll_usb,
            ResetBit.RTC: self.rtc,
            ResetBit.SPI0: self.spis[0],
            ResetBit.SPI1: self.spis[1],
            ResetBit.SYSCFG: self.syscfg,
            ResetBit.SYSINFO: self.sysinfo,
            ResetBit.TBMAN: self.tbman,
            ResetBit.UART0: self.uarts[0],
            ResetBit.UART1: self.uarts[1],
        }
        lines |= {bit: block.hold for bit, block in blocks.items()}
        lines[ResetBit.IO_BANK0] = self._io_bank0_held
        lines[ResetBit.USBCTRL] = self.usb.hold
        return dict(sorted(lines.items()))

    def _io_bank0_held(self, held: bool) -> None:
        self.machine.hold_block("io_bank0", held)
        self.pins.functions_changed()

    def _stages(self) -> dict[Stage, Callable[[bool], None]]:
        def resets(held: bool) -> None:
            if held:
                self.resets_block.reset()

        def xip(held: bool) -> None:
            self.xip_ctrl.hold(held)
            self.ssi.hold(held)

        def sio(held: bool) -> None:
            if held:
                self.machine.reset_block("sio")

        return {
            Stage.ROSC: self.rosc.hold,
            Stage.XOSC: self.xosc.hold,
            Stage.CLOCKS: self.clocks.hold,
            Stage.RESETS: resets,
            Stage.XIP: xip,
            Stage.VREG_AND_CHIP_RESET: self.vreg_and_chip_reset.hold,
            Stage.SIO: sio,
            Stage.PROC0: lambda held: self._hold_core(0, held),
            Stage.PROC1: self._core1_forced_off,
        }

    def _hold_core(self, core: int, held: bool) -> None:
        self.machine.hold_core(core, held)
        if not held:
            self.machine.reset_core(core)

    def _core1_forced_off(self, held: bool) -> None:
        """Core 1 that comes back tells core 0 so, in the boot ROM: where it is missing, somebody has to."""
        self._hold_core(1, held)
        if not held and self.machine.cores == 1:
            self.machine.send_fifo(1, 0)

    # Reset

    def power_on(self) -> None:
        """The supply comes back: memories empty but the flash, everything reset."""
        machine = self.machine
        for memory in (machine.sram, machine.dpsram, machine.xip_sram):
            memory[:] = bytes(len(memory))
        machine.wrote(0x2000_0000, len(machine.sram))
        self.flash.reset()
        self._reset(HAD_POR)

    def run_pin(self) -> None:
        """RUN pulled low and released: memories stay."""
        self._reset(HAD_RUN)

    def _reset(self, cause: int) -> None:
        self._resetting = True
        self._watchdog_alarm.cancel()
        for core in (0, 1):
            self.machine.hold_core(core, True)
        self.psm.reset()
        self.resets_block.reset()
        for block in (self.rosc, self.xosc, self.clocks, self.xip_ctrl, self.ssi, self.watchdog):
            block.reset()
        self.vreg_and_chip_reset.reset()
        self.vreg_and_chip_reset.record(cause)
        self.machine.reset_block("sio")
        self._resetting = False
        self._start()

    def _start(self) -> None:
        self.resets += 1
        for core in (0, 1):
            self._hold_core(core, False)
        if not self._boot_rom:
            self._as_the_boot_rom_leaves_it()
        self.poke()

    def _as_the_boot_rom_leaves_it(self) -> None:
        machine = self.machine
        self.resets_block.write_register(Resets.RESET.offset, _LEFT_BY_BOOT_ROM, Alias.CLEAR)
        for address in _IO_QSPI_CTRLS:
            machine.bus_write(address, 0)
        self.ssi.SER = 1
        machine.set_core(0, LR, 0)
        machine.set_core(0, PC, FLASH_BASE)

    def _watchdog_triggered(self) -> None:
        # It may be in the middle of the instruction that wrote TRIGGER: reset when it is over.
        self._watchdog_alarm.schedule(0)

    def _watchdog_fired(self) -> None:
        restarts = bool(self.psm.WDSEL >> Stage.PROC0 & 1)
        self._resetting = True
        self.psm.watchdog_fired()
        self.resets_block.watchdog_fired()
        self._resetting = False
        self._clk_sys_changed(self.clocks.frequency[Generator.SYS])
        if restarts:
            self._started_by_watchdog()

    def _started_by_watchdog(self) -> None:
        self.resets += 1
        if not self._boot_rom:
            self._as_the_boot_rom_leaves_it()

    # What the machine says

    def event(self, reason: Run) -> None:
        """Something that only Python can decide on (`core.clock.MachineRunner`)."""
        if reason is Run.CORE1_MISSED:
            self._on_dead("the firmware starts core 1, but this board was made with one core")
        elif reason is Run.RESET_REQUEST:
            for core in (0, 1):
                if self.machine.reset_requests >> core & 1:
                    self.machine.reset_core(core)

    def _clk_sys_changed(self, hz: int) -> None:
        if hz:
            self.machine.hz = hz
            if self._asleep:
                self._asleep = False
                self._hold_cores_as_psm_says()
            self.poke()
        elif self.clocks.reviving or self.xosc.dormant or self.rosc.dormant:
            self._stand_still()
        elif not self._resetting:
            self._on_dead(STOPPED)

    def _oscillator_fell_asleep(self) -> None:
        if self.rtc.INTS or any(self.machine.bus_read(address) for address in _DORMANT_WAKE_INTS):
            self._dormant_wake()

    def _stand_still(self) -> None:
        """Without clk_sys the cores stand where they are."""
        self._asleep = True
        for core in (0, 1):
            self.machine.hold_core(core, True)

    def _dormant_wake(self) -> None:
        self.xosc.wake()
        self.rosc.wake()

    def _hold_cores_as_psm_says(self) -> None:
        if self._asleep:
            return
        for core, stage in ((0, Stage.PROC0), (1, Stage.PROC1)):
            self.machine.hold_core(core, bool(self.psm.FRCE_OFF >> stage & 1))

    def _nothing_there(self, address: int, is_write: bool) -> None:
        self.unmodelled.note(
            "BUS", f"{address:#010x}", "is written, but not modelled" if is_write else "is not modelled"
        )

    def _pc(self) -> int:
        return self.machine.core(0, PC)

    # Looking in

    def peek(self, address: int) -> int:
        """A word of ROM, RAM or flash, without side effects; 0 elsewhere."""
        if address < 0x4000 or 0x1000_0000 <= address < 0x1020_0000 or 0x2000_0000 <= address < 0x2004_2000:
            return self.machine.bus_read(address & ~3) or 0
        return 0

    @property
    def instructions(self) -> int:
        """Of both cores since power-on."""
        return self.machine.instructions(0) + self.machine.instructions(1)


def _nothing() -> None:
    pass
