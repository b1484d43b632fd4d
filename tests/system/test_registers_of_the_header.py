"""Registers as the pico-sdk's headers have them: after a reset of their block, and which bits a write changes.

MicroPython reads and writes them on each engine; blocks that it runs on are left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from renode_pico.board import Board

HEADERS = Path(__file__).resolve().parents[2].joinpath(
    "firmware", "build", "src", "pico-sdk", "src", "rp2040", "hardware_regs", "include", "hardware", "regs"
)  # fmt: skip
BLOCKS = {"I2C0": ("i2c", 3), "PIO0": ("pio", 10), "PWM": ("pwm", 14), "RTC": ("rtc", 15), "SPI0": ("spi", 16),
          "UART1": ("uart", 23), "ADC": ("adc", 0)}  # fmt: skip
"""The header of each, and its bit in RESETS."""
LIVE = {
    "ADC_FCS": 0x100, "UART_UARTFR": 0x91, "PIO_DBG_CFGINFO": 0x200404, "PIO_INTR": 0xF0,
}  # fmt: skip
"""What the header gives no value for, or another one: an empty FIFO says so, CTS is low where no pin is CTS, there are
four machines with FIFOs of four, and room in each of them."""
LIMITED = {
    # values that do no good are not stored (their descriptions in the header)
    "I2C_IC_CON": 0x3F9, "I2C_IC_SS_SCL_HCNT": 0xFFF3, "I2C_IC_SS_SCL_LCNT": 0xFFF7, "I2C_IC_FS_SCL_HCNT": 0xFFF9,
    "I2C_IC_FS_SCL_LCNT": 0xFFF7, "I2C_IC_FS_SPKLEN": 0xFE, "I2C_IC_RX_TL": 0xF, "I2C_IC_TX_TL": 0xF,
    # over as soon as it is asked for: there is nothing to abort
    "I2C_IC_ENABLE": 5,
    # ACTIVE and MATCH_ACTIVE follow the bits that enable what they tell of
    "RTC_CTRL": 0x103, "RTC_IRQ_SETUP_0": 0x37FFFF1F,
    # "the lowest bit always returns zero"
    "SPI_SSPCPSR": 0xFE,
}  # fmt: skip
ALONE = {"I2C_IC_DATA_CMD", "ADC_CS", "SPI_SSPDR", "UART_UARTDR", "PIO_CTRL", *(f"PIO_SM{n}_INSTR" for n in range(4))}
"""A write begins something, which other tests are about."""


@dataclass(frozen=True, slots=True)
class Described:
    """A register of a header."""

    name: str
    offset: int
    reset: int
    writable: int


def number(text: str, name: str) -> int | None:
    found = re.search(rf"#define {name} +_u\((0x[0-9a-f]+)\)", text)
    return int(found[1], 16) if found else None


def described(header: str) -> Iterator[Described]:
    text = (HEADERS / f"{header}.h").read_text()
    for part in re.split(r"// Register +: ", text)[1:]:
        name = part.split(None, 1)[0]
        offset, reset = number(part, f"{name}_OFFSET"), number(part, f"{name}_RESET")
        assert offset is not None, name
        fields = re.findall(rf'#define ({name}\w*)_ACCESS "RW"', part)
        writable = sum(number(part, f"{field}_BITS") or 0 for field in fields)
        yield Described(name, offset, reset or 0, writable)


def base(block: str) -> int:
    found = number((HEADERS / "addressmap.h").read_text(), f"{block}_BASE")
    assert found is not None
    return found


PROGRAM = """
from machine import mem32
def anew():
    mem32[0x4000E000] = 1 << {bit}
    mem32[0x4000F000] = 1 << {bit}
def look(a, write):
    anew()
    v = mem32[a] & 0xFFFFFFFF
    if not write: return v, 0
    mem32[a] = 0xFFFFFFFF; ones = mem32[a] & 0xFFFFFFFF
    mem32[a] = 0
    return v, ones ^ mem32[a] & 0xFFFFFFFF
print([look({base} + o, w) for o, w in {registers}])
anew()
"""


@pytest.mark.row("P4.resets")
@pytest.mark.parametrize("block", BLOCKS)
def test_reset_values_and_writable_bits(pico: Board, block: str) -> None:
    header, bit = BLOCKS[block]
    registers = list(described(header))
    asked = [(register.offset, register.name not in ALONE) for register in registers]
    repl = pico.repl()
    found = [
        pair
        for first in range(0, len(asked), 40)
        for pair in ast.literal_eval(
            repl.exec(PROGRAM.format(bit=bit, base=base(block), registers=asked[first : first + 40])).decode()
        )
    ]
    assert {register.name: f"{value:#x}" for register, (value, _) in zip(registers, found, strict=True)} == {
        register.name: f"{LIVE.get(register.name, register.reset):#x}" for register in registers
    }
    assert {
        r.name: f"{changed:#x}" for r, (_, changed) in zip(registers, found, strict=True) if r.name not in ALONE
    } == {r.name: f"{LIMITED.get(r.name, r.writable):#x}" for r in registers if r.name not in ALONE}
