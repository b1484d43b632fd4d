"""What the models of the embedded engine do not do, made of what they say themselves (docs/not-modelled.md)."""

from __future__ import annotations

from dataclasses import dataclass

from renode_pico.rp2040.adc import Adc
from renode_pico.rp2040.block import Block
from renode_pico.rp2040.busctrl import Busctrl
from renode_pico.rp2040.clock_outputs import ClockOutputs
from renode_pico.rp2040.clocks import Clocks
from renode_pico.rp2040.flash import Flash
from renode_pico.rp2040.i2c import I2c
from renode_pico.rp2040.pll import Pll
from renode_pico.rp2040.psm import Psm
from renode_pico.rp2040.resets import Resets
from renode_pico.rp2040.rosc import Rosc
from renode_pico.rp2040.rtc import Rtc
from renode_pico.rp2040.spi import Spi
from renode_pico.rp2040.ssi import Ssi
from renode_pico.rp2040.syscfg import Syscfg
from renode_pico.rp2040.sysinfo import Sysinfo
from renode_pico.rp2040.tbman import Tbman
from renode_pico.rp2040.uart import Uart
from renode_pico.rp2040.usb_registers import HOST_REGISTER_NAMES
from renode_pico.rp2040.vreg_and_chip_reset import VregAndChipReset
from renode_pico.rp2040.watchdog import Watchdog
from renode_pico.rp2040.xip_ctrl import XipAux, XipCtrl
from renode_pico.rp2040.xosc import Xosc

BLOCKS: tuple[tuple[str, type[Block]], ...] = (
    ("SYSINFO", Sysinfo),
    ("SYSCFG", Syscfg),
    ("CLOCKS", Clocks),
    ("RESETS", Resets),
    ("PSM", Psm),
    ("XOSC", Xosc),
    ("PLL_SYS, PLL_USB", Pll),
    ("BUSCTRL", Busctrl),
    ("UART0, UART1", Uart),
    ("SPI0, SPI1", Spi),
    ("I2C0, I2C1", I2c),
    ("ADC", Adc),
    ("WATCHDOG", Watchdog),
    ("RTC", Rtc),
    ("ROSC", Rosc),
    ("VREG_AND_CHIP_RESET", VregAndChipReset),
    ("TBMAN", Tbman),
    ("XIP_CTRL", XipCtrl),
    ("XIP_AUX", XipAux),
    ("SSI", Ssi),
)
"""In the order of their addresses."""


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is not modelled. `register` is empty when it belongs to the block as a whole."""

    block: str
    register: str
    what: str


DMA_LACKS = "of a FIFO it is 1 while that asks, not how many transfers it has room for"
"""DMA is in the core, which has no list of its own."""


def lacks() -> list[Lack]:
    """All of them, block by block."""
    found: list[Lack] = []
    for name, block in BLOCKS:
        found += [Lack(name, register.name, register.lacks) for register in block.declared.values() if register.lacking]
        found += [Lack(name, "", sentence) for sentence in block.LACKS]
    found += [Lack("CLOCKS", "", sentence) for sentence in ClockOutputs.LACKS]
    found += [Lack("the flash chip", "", sentence) for sentence in Flash.LACKS]
    found += [Lack("DMA", "CH*_DBG_CTDREQ", DMA_LACKS)]
    found += [
        Lack("USBCTRL_REGS", name, "belongs to the host mode: kept, without effect") for name in HOST_REGISTER_NAMES
    ]
    return found


def listed() -> dict[str, list[str]]:
    """By block: registers and what of them is missing, or a sentence about the whole block."""
    by_block: dict[str, list[str]] = {}
    for lack in lacks():
        text = f"{lack.register}: {lack.what}" if lack.register else lack.what
        by_block.setdefault(lack.block, []).append(text)
    return by_block
