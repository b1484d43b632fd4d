"""Analogue to digital converter (RP2040 datasheet, 4.9; `adc.h`)."""

from __future__ import annotations

from collections import deque

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Dreq, Irq, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.unmodelled import Unmodelled

CS_EN, CS_TS_EN, CS_START_ONCE, CS_START_MANY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
CS_READY, CS_ERR_STICKY, CS_AINSEL_LSB, CS_AINSEL_BITS, CS_RROBIN_LSB = 1 << 8, 1 << 10, 12, 0x7000, 16
CS_BITS = 0x001F_700B
FCS_EN, FCS_SHIFT, FCS_DREQ_EN = 1 << 0, 1 << 1, 1 << 3
FCS_EMPTY, FCS_FULL, FCS_UNDER, FCS_OVER, FCS_LEVEL_LSB, FCS_THRESH_LSB = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 16, 24
FCS_BITS, FCS_STICKY = 0x0F00_000F, FCS_UNDER | FCS_OVER
CYCLES_PER_CONVERSION = 96
FIFO_DEPTH = 4
PINS, SENSOR = 4, 4
"""Channels 0 to 3 are GPIO26 to GPIO29, 4 is the temperature sensor."""
STEPS, MOST = 4096, 4095


class Adc(Block):
    """Converts voltages that are set from outside.

    `voltages`: of GPIO26 to GPIO29. `temperature`: of the chip, in degrees Celsius. `reference`: ADC_AVDD, in volts.
    """

    NAME = "ADC"
    LACKS = ("Conversions are exact: no noise, no offset, no errors (ERR).",)

    CS = Register(0x00, mask=CS_BITS)
    RESULT = Register(0x04, mask=0)
    FCS = Register(0x08, reset=FCS_EMPTY, mask=FCS_BITS)
    FIFO = Register(0x0C, mask=0)
    DIV = Register(0x10, mask=0x00FF_FFFF)
    INTR = Register(0x14, mask=0)
    INTE = Register(0x18, mask=1)
    INTF = Register(0x1C, mask=1)
    INTS = Register(0x20, mask=0)

    def __init__(self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks) -> None:
        self.voltages = [0.0] * PINS
        self.temperature = 27.0
        self.reference = 3.3
        self._clock = clock
        self._clocks = clocks
        self.irq = Line(machine.set_irq, Irq.ADC_FIFO)
        self.dreq = Line(machine.set_dreq, Dreq.ADC)
        self._done_alarm = clock.alarm(self._conversion_done)
        self._start_alarm = clock.alarm(self._start)
        self._fifo: deque[int] = deque()
        self._converting = False
        self._began_ns = 0
        self._sampled = 0
        super().__init__(machine, Number.ADC, unmodelled)
        clocks.follow(self._clock_changed)

    def reset(self) -> None:
        """The block's reset; what lies on the pins stays."""
        super().reset()
        self._done_alarm.cancel()
        self._start_alarm.cancel()
        self._fifo.clear()
        self._converting = False
        self._show()

    # Conversions

    @CS.written
    def _cs_written(self, before: int, raw: int) -> None:
        if raw & CS_ERR_STICKY:
            self.CS &= ~CS_ERR_STICKY
        if not self.CS & CS_EN:
            self._done_alarm.cancel()
            self._start_alarm.cancel()
            self._converting = False
        elif raw & CS_START_ONCE or self.CS & CS_START_MANY & ~before:
            self._start_alarm.cancel()
            self._start()
        elif not self.CS & CS_START_MANY:
            self._start_alarm.cancel()
        self._show()

    @DIV.written
    def _div_written(self, before: int, raw: int) -> None:
        if self.CS & CS_START_MANY and not self._converting:
            self._start_alarm.cancel()
            self._schedule_next()

    def _clock_changed(self) -> None:
        if self.CS & CS_EN and self.CS & CS_START_MANY and not self._converting:
            self._start()

    def _cycles_ns(self, cycles256: int) -> int:
        """Of 1/256 of a cycle of clk_adc; 0 when it stands still."""
        hz = self._clocks.frequency[Generator.ADC]
        return cycles256 * NS_PER_S // (256 * hz) if hz else 0

    def _start(self) -> None:
        duration_ns = self._cycles_ns(CYCLES_PER_CONVERSION << 8)
        if self._converting or not duration_ns:
            return
        self._converting = True
        self._began_ns = self._clock.now_ns
        self._sampled = self._sample((self.CS & CS_AINSEL_BITS) >> CS_AINSEL_LSB)
        self._done_alarm.schedule(duration_ns)
        self._show()

    def _conversion_done(self) -> None:
        self._converting = False
        channel = (self.CS & CS_AINSEL_BITS) >> CS_AINSEL_LSB
        self.RESULT = result = self._sampled
        if self.FCS & FCS_EN:
            if len(self._fifo) >= FIFO_DEPTH:
                self.FCS |= FCS_OVER
            else:
                self._fifo.append(result >> 4 if self.FCS & FCS_SHIFT else result)
        self._next_channel(channel)
        if self.CS & CS_START_MANY:
            self._schedule_next()
        self._show()

    def _schedule_next(self) -> None:
        """One conversion each 1 + INT + FRAC / 256 cycles, but it takes 96."""
        period_ns = self._cycles_ns(max(self.DIV + 256, CYCLES_PER_CONVERSION << 8))
        left_ns = self._began_ns + period_ns - self._clock.now_ns
        if left_ns > 0:
            self._start_alarm.schedule(left_ns)
        else:
            self._start()

    def _next_channel(self, channel: int) -> None:
        chosen = self.CS >> CS_RROBIN_LSB
        if not chosen:
            return
        for step in range(1, SENSOR + 2):
            following = (channel + step) % (SENSOR + 1)
            if chosen >> following & 1:
                self.CS = self.CS & ~CS_AINSEL_BITS | following << CS_AINSEL_LSB
                return

    def _sample(self, channel: int) -> int:
        volts = 0.0
        if channel < PINS:
            volts = self.voltages[channel]
        elif channel == SENSOR and self.CS & CS_TS_EN:
            # 0.706 V at 27 degrees, falling by 1.721 mV a degree (RP2040 datasheet, 4.9.5)
            volts = 0.706 - (self.temperature - 27) * 0.001721
        return min(MOST, max(0, int(volts / self.reference * STEPS)))

    # The FIFO

    @FIFO.read
    def _fifo_read(self) -> int:
        if not self._fifo:
            self.FCS |= FCS_UNDER
            return 0
        value = self._fifo.popleft()
        self._show()
        return value

    @FCS.written
    def _fcs_written(self, before: int, raw: int) -> None:
        self.FCS &= ~(raw & FCS_STICKY)
        self._show()

    @INTE.written
    @INTF.written
    def _interrupt_written(self, before: int, raw: int) -> None:
        self._show()

    def _show(self) -> None:
        """READY, the FIFO's state, and the lines."""
        ready = self.CS & CS_EN and not self._converting
        self.CS = self.CS | CS_READY if ready else self.CS & ~CS_READY
        control, level = self.FCS, len(self._fifo)
        state = level << FCS_LEVEL_LSB
        if not level:
            state |= FCS_EMPTY
        if level >= FIFO_DEPTH:
            state |= FCS_FULL
        self.FCS = control & (FCS_BITS | FCS_STICKY) | state
        reached = bool(control & FCS_EN and level and level >= control >> FCS_THRESH_LSB)
        self.INTR = int(reached)
        self.INTS = self.INTR & self.INTE | self.INTF
        self.irq.set(bool(self.INTS))
        self.dreq.set(reached and bool(control & FCS_DREQ_EN))
