"""Subsystem resets (RP2040 datasheet, 2.14; `resets.h`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from renode_pico.rp2040.block import Block, Machine, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

ALL_BLOCKS = 0x01FF_FFFF


class ResetBit(IntEnum):
    """RESET, WDSEL and RESET_DONE."""

    ADC = 0
    BUSCTRL = 1
    DMA = 2
    I2C0 = 3
    I2C1 = 4
    IO_BANK0 = 5
    IO_QSPI = 6
    JTAG = 7
    PADS_BANK0 = 8
    PADS_QSPI = 9
    PIO0 = 10
    PIO1 = 11
    PLL_SYS = 12
    PLL_USB = 13
    PWM = 14
    RTC = 15
    SPI0 = 16
    SPI1 = 17
    SYSCFG = 18
    SYSINFO = 19
    TBMAN = 20
    TIMER = 21
    UART0 = 22
    UART1 = 23
    USBCTRL = 24


class Resets(Block):
    """`lines`: what to tell a block of its reset line, True while it is held."""

    NAME = "RESETS"

    RESET = Register(0x0, reset=ALL_BLOCKS, mask=ALL_BLOCKS)
    WDSEL = Register(0x4, mask=ALL_BLOCKS)
    RESET_DONE = Register(0x8, mask=0)

    def __init__(
        self, machine: Machine, unmodelled: Unmodelled, lines: Mapping[ResetBit, Callable[[bool], None]]
    ) -> None:
        self._lines = lines
        super().__init__(machine, Number.RESETS, unmodelled)
        self._drive(0, ALL_BLOCKS)

    def reset(self) -> None:
        """Every block held in reset."""
        super().reset()
        self._drive(0, ALL_BLOCKS)

    def watchdog_fired(self) -> None:
        """The blocks that WDSEL names go into reset."""
        before = self.RESET
        self.RESET = before | self.WDSEL
        self._drive(before, self.RESET)

    @RESET.written
    def _reset_written(self, before: int, raw: int) -> None:
        self._drive(before, self.RESET)

    def _drive(self, before: int, after: int) -> None:
        changed = before ^ after
        for bit, line in self._lines.items():
            if changed >> bit & 1:
                line(bool(after >> bit & 1))
        self.RESET_DONE = ~after & ALL_BLOCKS
