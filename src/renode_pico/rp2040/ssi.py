"""The serial interface to the flash, a Synopsys DW_apb_ssi (RP2040 datasheet, 4.10; `ssi.h`).

Plain serial frames reach the flash's decoder as they are written. Dual and quad frames are what the second stage sends
to enter the mapped mode, which is a memory here.
"""

from __future__ import annotations

from collections import deque

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Dreq, Function, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.flash import Flash
from renode_pico.rp2040.unmodelled import Unmodelled

CTRLR0_TMOD_LSB, CTRLR0_DFS_32_LSB, CTRLR0_SPI_FRF_BITS = 8, 16, 0x0060_0000
TMOD_TX_ONLY = 1
SR_TFNF, SR_TFE, SR_RFNE, SR_RFF = 1 << 1, 1 << 2, 1 << 3, 1 << 4
DMACR_RDMAE, DMACR_TDMAE = 1 << 0, 1 << 1
FIFO_DEPTH = 16
SS = 1 << 1
"""Chip select among the flash's pins: SCLK, SS, SD0 to SD3."""


class Ssi(Block):
    """Chip select goes low when frames are written, unless IO_QSPI overrides it, and high when they are over."""

    NAME = "SSI"
    LACKS = (
        "Frames take no time: the transmit FIFO is always empty, BUSY never set.",
        "Dual and quad frames read zeros; the mapped flash costs no waiting whatever BAUDR says.",
    )

    CTRLR0 = Register(0x00, mask=0x017F_FFFF)
    CTRLR1 = Register(0x04, mask=0xFFFF)
    SSIENR = Register(0x08, mask=1)
    MWCR = Register(0x0C, mask=0b111)
    SER = Register(0x10, mask=1)
    BAUDR = Register(0x14, mask=0xFFFF)
    TXFTLR = Register(0x18, mask=0xFF)
    RXFTLR = Register(0x1C, mask=0xFF)
    TXFLR = Register(0x20, mask=0)
    RXFLR = Register(0x24, mask=0)
    SR = Register(0x28, reset=SR_TFNF | SR_TFE, mask=0)
    IMR = Register(0x2C, mask=0x3F, lacks="it raises no interrupts")
    ISR = Register(0x30, mask=0)
    RISR = Register(0x34, mask=0)
    TXOICR = Register(0x38, mask=0)
    RXOICR = Register(0x3C, mask=0)
    RXUICR = Register(0x40, mask=0)
    MSTICR = Register(0x44, mask=0)
    ICR = Register(0x48, mask=0)
    DMACR = Register(0x4C, mask=DMACR_RDMAE | DMACR_TDMAE)
    DMATDLR = Register(0x50, mask=0xFF)
    DMARDLR = Register(0x54, mask=0xFF)
    IDR = Register(0x58, reset=0x5153_5049, mask=0)
    SSI_VERSION_ID = Register(0x5C, reset=0x3430_312A, mask=0)
    DR0 = Register(0x60, mask=0)
    RX_SAMPLE_DLY = Register(0xF0, mask=0xFF)
    SPI_CTRLR0 = Register(0xF4, reset=0x0300_0000, mask=0xFF07_FB3F)
    TXD_DRIVE_EDGE = Register(0xF8, mask=0xFF)

    def __init__(self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, flash: Flash) -> None:
        self._clock = clock
        self._clocks = clocks
        self._flash = flash
        self.tx_dreq = Line(machine.set_dreq, Dreq.XIP_SSITX)
        self.rx_dreq = Line(machine.set_dreq, Dreq.XIP_SSIRX)
        self._over_alarm = clock.alarm(self._frames_over)
        self._driving = False
        """Chip select is low by this block."""
        self._busy_until_ns = 0
        self._rx: deque[int] = deque()
        super().__init__(machine, Number.SSI, unmodelled)

    def reset(self) -> None:
        """The block's reset."""
        super().reset()
        self._rx.clear()
        self._frames_over()
        self._show()

    def chip_select_changed(self, low: bool) -> None:
        """The level at the flash's pin, by this block or by IO_QSPI's override."""
        if low:
            self._flash.select()
        else:
            self._flash.deselect()

    # Frames

    @DR0.written
    def _data_written(self, before: int, raw: int) -> None:
        if not self.SSIENR:
            return
        control = self.CTRLR0
        answer = 0
        if not control & CTRLR0_SPI_FRF_BITS:
            if self._driving or not self._flash.selected:
                self._drive_chip_select((control >> CTRLR0_DFS_32_LSB & 0x1F) + 1)
            for shift in range(control >> CTRLR0_DFS_32_LSB & 0x18, -1, -8):
                answer = answer << 8 | self._flash.exchange(raw >> shift & 0xFF)
        if control >> CTRLR0_TMOD_LSB & 0b11 != TMOD_TX_ONLY and len(self._rx) < FIFO_DEPTH:
            self._rx.append(answer)
        self._show()

    @DR0.read
    def _data_read(self) -> int:
        if not self._rx:
            return 0
        value = self._rx.popleft()
        self._show()
        return value

    def _drive_chip_select(self, bits: int) -> None:
        """Low from the first frame on until the last one that was written in time is over."""
        hz = self._clocks.frequency[Generator.SYS]
        if not self.SER or not hz:
            return
        now_ns = self._clock.now_ns
        self._busy_until_ns = max(self._busy_until_ns, now_ns) + bits * max(2, self.BAUDR) * NS_PER_S // hz
        if not self._driving:
            self._driving = True
            self._machine.drive_qspi(Function.XIP, SS, 0, SS)
        self._over_alarm.schedule(self._busy_until_ns - now_ns)

    def _frames_over(self) -> None:
        self._over_alarm.cancel()
        self._busy_until_ns = 0
        if self._driving:
            self._driving = False
            self._machine.drive_qspi(Function.XIP, SS, SS, SS)

    # Other registers

    @SSIENR.written
    def _enable_written(self, before: int, raw: int) -> None:
        if before != self.SSIENR:
            self._rx.clear()
            self._frames_over()
            self._show()

    @DMACR.written
    @DMARDLR.written
    def _dma_written(self, before: int, raw: int) -> None:
        self._show()

    def _show(self) -> None:
        received = len(self._rx)
        self.RXFLR = received
        status = SR_TFNF | SR_TFE
        if received:
            status |= SR_RFNE
        if received >= FIFO_DEPTH:
            status |= SR_RFF
        self.SR = status
        self.tx_dreq.set(bool(self.SSIENR and self.DMACR & DMACR_TDMAE))
        self.rx_dreq.set(bool(self.DMACR & DMACR_RDMAE and received > self.DMARDLR))
