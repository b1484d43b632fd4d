"""The serial interface to the flash, a Synopsys DW_apb_ssi (RP2040 datasheet, 4.10; `ssi.h`): its registers.

What they do is in C (`core/ssi.c`): chip select goes low when frames are written, unless IO_QSPI overrides it, and high
when they are over.
"""

from __future__ import annotations

from renode_pico.core.machine import Machine
from renode_pico.rp2040.block import Block, Number, Register
from renode_pico.rp2040.unmodelled import Unmodelled

SR_TFNF, SR_TFE = 1 << 1, 1 << 2
DMACR_RDMAE, DMACR_TDMAE = 1 << 0, 1 << 1
SS = 1 << 1
"""Chip select among the flash's pins: SCLK, SS, SD0 to SD3."""


class Ssi(Block):
    """Registers in the machine's memory; DR0, and what else has consequences, is answered for in C."""

    NAME = "SSI"
    LACKS = (
        "Frames take no time: the transmit FIFO is always empty, BUSY never set.",
        "Of dual and quad frames there are reads only.",
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

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        self._hold_ssi = machine.hold_ssi
        super().__init__(machine, Number.SSI, unmodelled)

    def reset(self) -> None:
        """The block's reset."""
        super().reset()
        self._hold_ssi(self.held)

    def hold(self, held: bool) -> None:
        """The reset line."""
        super().hold(held)
        self._hold_ssi(held)
