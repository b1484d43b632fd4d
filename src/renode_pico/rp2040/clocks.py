"""Clock generators, frequency counter and resuscitation (RP2040 datasheet, 2.15; `clocks.h`).

A multiplexer switches at once; frequencies follow from the registers here and from oscillators and PLLs.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from renode_pico.clock import NS_PER_S, NS_PER_US, Clock
from renode_pico.rp2040.block import Block, Function, Irq, Line, Machine, Number, Register
from renode_pico.rp2040.clock_source import ClockSource
from renode_pico.rp2040.unmodelled import Unmodelled

STOPPED = "clk_sys has stopped: its source is switched off, and resuscitation is not enabled"
"""What a board dies of then."""


class Generator(IntEnum):
    """The generated clocks, in the order of their registers: CTRL, DIV and SELECTED of each are 12 bytes."""

    GPOUT0 = 0
    GPOUT1 = 1
    GPOUT2 = 2
    GPOUT3 = 3
    REF = 4
    SYS = 5
    PERI = 6
    USB = 7
    ADC = 8
    RTC = 9


CTRL_ENABLE, CTRL_KILL, CTRL_AUXSRC_LSB = 1 << 11, 1 << 10, 5
REF_SRC_BITS, REF_AUXSRC_BITS, SYS_SRC_BITS = 0b11, 0b11, 0b1
AUXSRC_BITS, GPOUT_AUXSRC_BITS = 0b111, 0b1111
GPOUT_BITS, CLOCK_BITS = 0x0013_1DE0, 0x0013_0CE0
DIV_RESET, DIV_INT_BITS, SHORT_DIV_BITS = 0x100, 0xFFFF_FF00, 0x300
DIVIDE_BY_MOST = 1 << 24
"""An integer part of 0 stands for 2^16, in 1/256."""
RESUS_TIMEOUT_BITS, RESUS_ENABLE, RESUS_FRCE, RESUS_CLEAR = 0xFF, 1 << 8, 1 << 12, 1 << 16
FC0_PASS, FC0_DONE, FC0_RUNNING = 1 << 0, 1 << 4, 1 << 8
FC0_FAIL, FC0_SLOW, FC0_FAST, FC0_DIED = 1 << 16, 1 << 20, 1 << 24, 1 << 28
INPUT_PINS = (20, 22)
"""Of CLK_GPIN0 and CLK_GPIN1 (RP2040 datasheet, 2.19.2)."""
FC0_FRAC = 5
"""Bits behind the point of FC0_RESULT.KHZ."""


class Clocks(Block):
    """The ten generated clocks.

    `on_clk_sys` is told the new frequency of clk_sys in Hz; 0: it has stopped, and with it everything for good.
    """

    NAME = "CLOCKS"
    LACKS = (
        "WAKE_EN and SLEEP_EN stop nothing.",
        "PHASE, NUDGE and DC50 have no effect.",
    )

    CLK_GPOUT0_CTRL = Register(0x00, mask=GPOUT_BITS)
    CLK_GPOUT0_DIV = Register(0x04, reset=DIV_RESET)
    CLK_GPOUT0_SELECTED = Register(0x08, reset=1, mask=0)
    CLK_GPOUT1_CTRL = Register(0x0C, mask=GPOUT_BITS)
    CLK_GPOUT1_DIV = Register(0x10, reset=DIV_RESET)
    CLK_GPOUT1_SELECTED = Register(0x14, reset=1, mask=0)
    CLK_GPOUT2_CTRL = Register(0x18, mask=GPOUT_BITS)
    CLK_GPOUT2_DIV = Register(0x1C, reset=DIV_RESET)
    CLK_GPOUT2_SELECTED = Register(0x20, reset=1, mask=0)
    CLK_GPOUT3_CTRL = Register(0x24, mask=GPOUT_BITS)
    CLK_GPOUT3_DIV = Register(0x28, reset=DIV_RESET)
    CLK_GPOUT3_SELECTED = Register(0x2C, reset=1, mask=0)
    CLK_REF_CTRL = Register(0x30, mask=0x63)
    CLK_REF_DIV = Register(0x34, reset=DIV_RESET, mask=SHORT_DIV_BITS)
    CLK_REF_SELECTED = Register(0x38, reset=1, mask=0)
    CLK_SYS_CTRL = Register(0x3C, mask=0xE1)
    CLK_SYS_DIV = Register(0x40, reset=DIV_RESET)
    CLK_SYS_SELECTED = Register(0x44, reset=1, mask=0)
    CLK_PERI_CTRL = Register(0x48, mask=0x0CE0)
    CLK_PERI_DIV = Register(0x4C, mask=0)
    """Not there; the SDK writes it as it does for every clock."""
    CLK_PERI_SELECTED = Register(0x50, reset=1, mask=0)
    CLK_USB_CTRL = Register(0x54, mask=CLOCK_BITS)
    CLK_USB_DIV = Register(0x58, reset=DIV_RESET, mask=SHORT_DIV_BITS)
    CLK_USB_SELECTED = Register(0x5C, reset=1, mask=0)
    CLK_ADC_CTRL = Register(0x60, mask=CLOCK_BITS)
    CLK_ADC_DIV = Register(0x64, reset=DIV_RESET, mask=SHORT_DIV_BITS)
    CLK_ADC_SELECTED = Register(0x68, reset=1, mask=0)
    CLK_RTC_CTRL = Register(0x6C, mask=CLOCK_BITS)
    CLK_RTC_DIV = Register(0x70, reset=DIV_RESET)
    CLK_RTC_SELECTED = Register(0x74, reset=1, mask=0)
    CLK_SYS_RESUS_CTRL = Register(0x78, reset=0xFF, mask=0x0001_11FF)
    CLK_SYS_RESUS_STATUS = Register(0x7C, mask=0)
    FC0_REF_KHZ = Register(0x80, mask=0x000F_FFFF)
    FC0_MIN_KHZ = Register(0x84, mask=0x01FF_FFFF)
    FC0_MAX_KHZ = Register(0x88, reset=0x01FF_FFFF, mask=0x01FF_FFFF)
    FC0_DELAY = Register(0x8C, reset=1, mask=0x7)
    FC0_INTERVAL = Register(0x90, reset=8, mask=0xF)
    FC0_SRC = Register(0x94, mask=0xFF)
    FC0_STATUS = Register(0x98, mask=0)
    FC0_RESULT = Register(0x9C, mask=0)
    WAKE_EN0 = Register(0xA0, reset=0xFFFF_FFFF)
    WAKE_EN1 = Register(0xA4, reset=0x7FFF, mask=0x7FFF)
    SLEEP_EN0 = Register(0xA8, reset=0xFFFF_FFFF)
    SLEEP_EN1 = Register(0xAC, reset=0x7FFF, mask=0x7FFF)
    ENABLED0 = Register(0xB0, reset=0xFFFF_FFFF, mask=0)
    ENABLED1 = Register(0xB4, reset=0x7FFF, mask=0)
    INTR = Register(0xB8, mask=0)
    INTE = Register(0xBC, mask=1)
    INTF = Register(0xC0, mask=1)
    INTS = Register(0xC4, mask=0)

    def __init__(
        self,
        machine: Machine,
        clock: Clock,
        unmodelled: Unmodelled,
        rosc: ClockSource,
        xosc: ClockSource,
        pll_sys: ClockSource,
        pll_usb: ClockSource,
        on_clk_sys: Callable[[int], None],
    ) -> None:
        self._rosc, self._xosc, self._pll_sys, self._pll_usb = rosc, xosc, pll_sys, pll_usb
        self._on_clk_sys = on_clk_sys
        self.irq = Line(machine.set_irq, Irq.CLOCKS)
        self._counted_alarm = clock.alarm(self._counted)
        self._resus_alarm = clock.alarm(self._resuscitate)
        self._reviving = False
        self._inputs = dict.fromkeys(INPUT_PINS, 0)
        """Hz of what is at the clock inputs' pins."""
        self._followers: list[Callable[[], None]] = []
        self.frequency = [0] * len(Generator)
        """Hz by `Generator`; 0 for one that stands still."""
        super().__init__(machine, Number.CLOCKS, unmodelled)
        for source in (rosc, xosc, pll_sys, pll_usb):
            source.follow(self._changed)
        self._changed()

    def follow(self, changed: Callable[[], None]) -> None:
        """`changed()` is called when one of the frequencies is another one."""
        self._followers.append(changed)

    def set_input(self, pin: int, hz: int) -> None:
        """An oscillator outside makes a clock of `hz` at a pin (CLK_GPIN0: GPIO20, CLK_GPIN1: GPIO22); 0: none."""
        self._inputs[pin] = hz
        self._changed()

    def inputs_selected(self) -> None:
        """FUNCSEL of a pin is another one."""
        if any(self._inputs.values()):
            self._changed()

    @property
    def reviving(self) -> bool:
        """clk_sys stands still, and resuscitation is on its way."""
        return self._reviving

    def reset(self) -> None:
        """All clocks from the ring oscillator."""
        super().reset()
        self._counted_alarm.cancel()
        self._resus_alarm.cancel()
        self._reviving = False
        self.irq.set(False)
        self._changed()

    # Generators

    def _changed(self) -> None:
        self.CLK_REF_SELECTED = 1 << (self.CLK_REF_CTRL & REF_SRC_BITS)
        resuscitated = self.CLK_SYS_RESUS_STATUS
        self.CLK_SYS_SELECTED = 1 if resuscitated else 1 << (self.CLK_SYS_CTRL & SYS_SRC_BITS)
        before = self.frequency
        self.frequency = now = self._frequencies()
        if now == before:
            return
        if now[Generator.SYS] != before[Generator.SYS]:
            self._clk_sys_changed(now[Generator.SYS])
        for changed in self._followers:
            changed()

    def _input_frequencies(self) -> list[int]:
        selected = self._machine.pin_functions(Function.CLOCK)
        return [hz if selected >> pin & 1 else 0 for pin, hz in self._inputs.items()]

    def _frequencies(self) -> list[int]:
        rosc, xosc = self._rosc.frequency, self._xosc.frequency
        pll_sys, pll_usb = self._pll_sys.frequency, self._pll_usb.frequency
        gpin0, gpin1 = self._input_frequencies()

        def divided(generator: Generator, hz: int) -> int:
            divisor: int = self.words[3 * generator + 1]
            slow = (hz << 8) // (divisor if divisor & DIV_INT_BITS else divisor | DIVIDE_BY_MOST)
            return max(1, slow) if hz else 0  # slower than 1 Hz is not standing still

        def picked(generator: Generator, *sources: int) -> int:
            control: int = self.words[3 * generator]
            if not control & CTRL_ENABLE or control & CTRL_KILL:
                return 0
            index = control >> CTRL_AUXSRC_LSB & (GPOUT_AUXSRC_BITS if generator < Generator.REF else AUXSRC_BITS)
            return sources[index] if index < len(sources) else 0

        ref_aux = self.CLK_REF_CTRL >> CTRL_AUXSRC_LSB & REF_AUXSRC_BITS
        ref = divided(
            Generator.REF, (rosc, (pll_usb, gpin0, gpin1, 0)[ref_aux], xosc, 0)[self.CLK_REF_CTRL & REF_SRC_BITS]
        )
        sys = ref
        if self.CLK_SYS_CTRL & SYS_SRC_BITS and not self.CLK_SYS_RESUS_STATUS:
            sys = (pll_sys, pll_usb, rosc, xosc, gpin0, gpin1, 0, 0)[self.CLK_SYS_CTRL >> CTRL_AUXSRC_LSB & AUXSRC_BITS]
        sys = divided(Generator.SYS, sys)
        peri = picked(Generator.PERI, sys, pll_sys, pll_usb, rosc, xosc, gpin0, gpin1)
        usb, adc, rtc = (
            divided(generator, picked(generator, pll_usb, pll_sys, rosc, xosc, gpin0, gpin1))
            for generator in (Generator.USB, Generator.ADC, Generator.RTC)
        )
        outputs = [
            divided(
                generator,
                picked(generator, pll_sys, gpin0, gpin1, pll_usb, rosc, xosc, sys, usb, adc, rtc, ref),
            )
            for generator in (Generator.GPOUT0, Generator.GPOUT1, Generator.GPOUT2, Generator.GPOUT3)
        ]
        return [*outputs, ref, sys, peri, usb, adc, rtc]

    def _clk_sys_changed(self, hz: int) -> None:
        self._resus_alarm.cancel()
        self._reviving = not hz and bool(self.CLK_SYS_RESUS_CTRL & RESUS_ENABLE and self.frequency[Generator.REF])
        if self._reviving:
            self._resus_alarm.schedule(self._resus_delay_ns())
        self._on_clk_sys(hz)

    @CLK_GPOUT0_CTRL.written
    @CLK_GPOUT0_DIV.written
    @CLK_GPOUT1_CTRL.written
    @CLK_GPOUT1_DIV.written
    @CLK_GPOUT2_CTRL.written
    @CLK_GPOUT2_DIV.written
    @CLK_GPOUT3_CTRL.written
    @CLK_GPOUT3_DIV.written
    @CLK_REF_CTRL.written
    @CLK_REF_DIV.written
    @CLK_SYS_CTRL.written
    @CLK_SYS_DIV.written
    @CLK_PERI_CTRL.written
    @CLK_USB_CTRL.written
    @CLK_USB_DIV.written
    @CLK_ADC_CTRL.written
    @CLK_ADC_DIV.written
    @CLK_RTC_CTRL.written
    @CLK_RTC_DIV.written
    def _generator_written(self, before: int, raw: int) -> None:
        self._changed()

    @WAKE_EN0.written
    @WAKE_EN1.written
    def _wake_en_written(self, before: int, raw: int) -> None:
        self.ENABLED0, self.ENABLED1 = self.WAKE_EN0, self.WAKE_EN1

    # Resuscitation: clk_sys from clk_ref when it has stopped

    def _resus_delay_ns(self) -> int:
        timeout = max(1, self.CLK_SYS_RESUS_CTRL & RESUS_TIMEOUT_BITS)
        return 2 * timeout * NS_PER_S // self.frequency[Generator.REF]

    @CLK_SYS_RESUS_CTRL.written
    def _resus_written(self, before: int, raw: int) -> None:
        control = self.CLK_SYS_RESUS_CTRL
        if control & RESUS_CLEAR:
            self.CLK_SYS_RESUS_STATUS = 0
            self._changed()
            self._update_interrupt()
        elif control & RESUS_FRCE:
            self._resuscitate()

    def _resuscitate(self) -> None:
        self.CLK_SYS_RESUS_STATUS = 1
        self._changed()
        self._update_interrupt()

    @INTE.written
    @INTF.written
    def _interrupt_written(self, before: int, raw: int) -> None:
        self._update_interrupt()

    def _update_interrupt(self) -> None:
        self.INTR = self.CLK_SYS_RESUS_STATUS
        self.INTS = self.INTR & self.INTE | self.INTF
        self.irq.set(bool(self.INTS))

    # The frequency counter

    @FC0_SRC.written
    def _count(self, before: int, raw: int) -> None:
        self._counted_alarm.cancel()
        self.FC0_STATUS = 0
        if self.FC0_SRC:
            self.FC0_STATUS = FC0_RUNNING
            self._counted_alarm.schedule(NS_PER_US << self.FC0_INTERVAL)

    def _counted(self) -> None:
        frequency = self.frequency
        ref = frequency[Generator.REF]
        pll_sys, pll_usb, rosc, xosc = self._pll_sys, self._pll_usb, self._rosc, self._xosc
        oscillators = [source.frequency for source in (pll_sys, pll_usb, rosc, rosc, xosc)]
        sources = [0, *oscillators, *self._input_frequencies(), *frequency[Generator.REF :]]
        source = self.FC0_SRC
        hz = sources[source] if source < len(sources) else 0
        # It counts during a number of cycles of clk_ref, and takes those for as long as FC0_REF_KHZ says they are.
        khz = (hz << FC0_FRAC) * self.FC0_REF_KHZ // ref if ref and self.FC0_REF_KHZ else (hz << FC0_FRAC) // 1000
        self.FC0_RESULT = min(khz, 0x3FFF_FFFF)
        status = FC0_DONE
        if khz >> FC0_FRAC < self.FC0_MIN_KHZ:
            status |= FC0_SLOW
        if khz >> FC0_FRAC > self.FC0_MAX_KHZ:
            status |= FC0_FAST
        status |= FC0_FAIL if status & (FC0_SLOW | FC0_FAST) else FC0_PASS
        self.FC0_STATUS = status if hz else status | FC0_DIED
