"""Registers that rp2040py 0.3.6 does not have: it answers all ones for them (see `rp2040py_fixes`)."""

from __future__ import annotations

from typing import Any

from rp2040py.peripherals.peripheral import BasePeripheral

SYSCFG_RESETS = {0x04: 0, 0x08: 0x1000_0000, 0x0C: 0, 0x10: 0, 0x14: 0x66, 0x18: 0}
"""SYSCFG behind PROC0_NMI_MASK, by offset (`syscfg.h`)."""
CLOCKS_RESETS = {0xA0: 0xFFFF_FFFF, 0xA4: 0x7FFF, 0xA8: 0xFFFF_FFFF, 0xAC: 0x7FFF}
"""WAKE_EN0 to SLEEP_EN1 (`clocks.h`)."""
SSI_RESETS = {0x10: 0, 0x48: 0}
"""SER and ICR (`ssi.h`)."""
RTC_RESETS = {0x00: 0}
"""CLKDIV_M1 (`rtc.h`)."""
PPB_RESETS = {0xD10: 0, 0xD14: 0, 0xD24: 0}
"""SCR, CCR and SHCSR (`m0plus.h`)."""


class StoredRegisters:
    """A block of rp2040py with registers it does not know: kept as written, without effect."""

    def __init__(self, block: Any, resets: dict[int, int]) -> None:
        self._block = block
        self._resets = resets
        self._values = dict(resets)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._block, name)

    def reset(self) -> None:
        """Both parts."""
        self._values = dict(self._resets)
        self._block.reset()

    def read_uint32(self, offset: int) -> int:
        """One register."""
        value = self._values.get(offset)
        return int(self._block.read_uint32(offset)) if value is None else value

    def write_uint32(self, offset: int, value: int) -> None:
        """One register."""
        if offset in self._values:
            self._values[offset] = value & 0xFFFF_FFFF
        else:
            self._block.write_uint32(offset, value)

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        """One register through an alias."""
        if offset in self._values:
            before = self._values[offset]
            after = (value, before ^ value, before | value, before & ~value)[atomic_type]
            self._values[offset] = after & 0xFFFF_FFFF
        else:
            self._block.write_uint32_atomic(offset, value, atomic_type)


class Pll(BasePeripheral):  # type: ignore[misc]
    """rp2040py answers all ones for both PLLs; the registers are here, locked whenever powered (`pll.h`)."""

    CS, PWR, FBDIV_INT, PRIM = 0x0, 0x4, 0x8, 0xC
    CS_LOCK = 1 << 31
    PWR_PD, PWR_VCOPD = 1 << 0, 1 << 5

    def __init__(self, chip: Any, name: str) -> None:
        super().__init__(chip, name)
        self.reset()

    def reset(self) -> None:
        """Reset values: powered down."""
        self._values = {self.CS: 1, self.PWR: 0x2D, self.FBDIV_INT: 0, self.PRIM: 0x77000}

    def read_uint32(self, offset: int) -> int:
        """One register."""
        value = self._values.get(offset)
        if value is None:
            return int(super().read_uint32(offset))
        locked = offset == self.CS and not self._values[self.PWR] & (self.PWR_PD | self.PWR_VCOPD)
        return value | self.CS_LOCK if locked else value

    def write_uint32(self, offset: int, value: int) -> None:
        """One register."""
        if offset not in self._values:
            super().write_uint32(offset, value)
            return
        self._values[offset] = value & (0x3F if offset == self.CS else 0xFFFF_FFFF)


class Rosc(BasePeripheral):  # type: ignore[misc]
    """The ring oscillator: registers, and random bits that are the same in each run (`rosc.h`)."""

    CTRL, DIV, PHASE, STATUS, RANDOMBIT = 0x00, 0x10, 0x14, 0x18, 0x1C
    CTRL_RESET, DIV_PASS, PHASE_RESET = 0xAA0, 0xAA0, 0x08
    DISABLE = 0xD1E
    STATUS_ENABLED, STATUS_DIV_RUNNING, STATUS_STABLE = 1 << 12, 1 << 16, 1 << 31
    LAST = 0x20
    SEED = 0x2040

    def __init__(self, chip: Any) -> None:
        super().__init__(chip, "ROSC_BASE")
        self._random = self.SEED
        self.reset()

    def reset(self) -> None:
        """Reset values, running."""
        self._values = dict.fromkeys(range(0, self.LAST + 4, 4), 0)
        self._values |= {self.CTRL: self.CTRL_RESET, self.DIV: self.DIV_PASS, self.PHASE: self.PHASE_RESET}

    def read_uint32(self, offset: int) -> int:
        """One register."""
        if offset == self.RANDOMBIT:
            return self._random_bit()
        if offset == self.STATUS:
            if self._values[self.CTRL] >> 12 == self.DISABLE:
                return 0
            return self.STATUS_ENABLED | self.STATUS_DIV_RUNNING | self.STATUS_STABLE
        value = self._values.get(offset)
        return int(super().read_uint32(offset)) if value is None else value

    def write_uint32(self, offset: int, value: int) -> None:
        """One register."""
        if offset in self._values:
            self._values[offset] = value & 0xFFFF_FFFF
        else:
            super().write_uint32(offset, value)

    def _random_bit(self) -> int:
        word = self._random
        word ^= word << 13 & 0xFFFF_FFFF
        word ^= word >> 17
        word ^= word << 5 & 0xFFFF_FFFF
        self._random = word
        return word & 1
