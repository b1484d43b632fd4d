"""Phase locked loop (RP2040 datasheet, 2.18; `pll.h`)."""

from __future__ import annotations

from renode_pico.rp2040.block import Machine, Register
from renode_pico.rp2040.clock_source import ClockSource
from renode_pico.rp2040.unmodelled import Unmodelled

CS_LOCK, CS_BYPASS, CS_REFDIV_BITS = 1 << 31, 1 << 8, 0x3F
PWR_PD, PWR_POSTDIVPD, PWR_VCOPD = 1 << 0, 1 << 3, 1 << 5
VCO_MAX_HZ = 1_600_000_000
"""The highest frequency that the oscillator reaches (2.18.2; the SDK's PICO_PLL_VCO_MAX_FREQ_HZ)."""
POSTDIV1_LSB, POSTDIV2_LSB, POSTDIV_BITS = 16, 12, 0b111


class Pll(ClockSource):
    """Locks as soon as it has power, a reference, and divisors that do not ask for more than it can do."""

    LACKS = ("Locking takes no time, and there is no lowest frequency.",)

    CS = Register(0x0, reset=0x1, mask=CS_BYPASS | CS_REFDIV_BITS)
    PWR = Register(0x4, reset=0x2D, mask=0x2D)
    FBDIV_INT = Register(0x8, mask=0xFFF)
    PRIM = Register(0xC, reset=0x77000, mask=0x77000)

    def __init__(self, machine: Machine, number: int, unmodelled: Unmodelled, name: str, xosc: ClockSource) -> None:
        self._xosc = xosc
        super().__init__(machine, number, unmodelled, name)
        xosc.follow(self._changed)

    def reset(self) -> None:
        """Without power."""
        super().reset()
        self._changed()

    @CS.written
    def _cs_written(self, before: int, raw: int) -> None:
        self._changed()

    @PWR.written
    def _pwr_written(self, before: int, raw: int) -> None:
        self._changed()

    @FBDIV_INT.written
    def _fbdiv_written(self, before: int, raw: int) -> None:
        self._changed()

    @PRIM.written
    def _prim_written(self, before: int, raw: int) -> None:
        self._changed()

    def _changed(self) -> None:
        reference, divisor, feedback = self._xosc.frequency, self.CS & CS_REFDIV_BITS, self.FBDIV_INT
        vco = reference // divisor * feedback if divisor else 0
        locked = 0 < vco <= VCO_MAX_HZ and not self.PWR & (PWR_PD | PWR_VCOPD)
        self.CS = self.CS | CS_LOCK if locked else self.CS & ~CS_LOCK
        post = (self.PRIM >> POSTDIV1_LSB & POSTDIV_BITS) * (self.PRIM >> POSTDIV2_LSB & POSTDIV_BITS)
        if self.CS & CS_BYPASS:
            self._runs_at(reference)
        elif not locked or self.PWR & PWR_POSTDIVPD or not post:
            self._runs_at(0)
        else:
            self._runs_at(vco // post)
