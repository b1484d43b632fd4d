"""Control of execute-in-place: cache and streaming (RP2040 datasheet, 2.6.3; `xip.h`)."""

from __future__ import annotations

from collections import deque

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.errors import UsageError
from renode_pico.rp2040.block import Block, Dreq, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.unmodelled import Unmodelled

STAT_FLUSH_READY, STAT_FIFO_EMPTY, STAT_FIFO_FULL = 1 << 0, 1 << 1, 1 << 2
STREAM_CTR_BITS = 0x003F_FFFF
FIFO_DEPTH = 2
CYCLES_PER_WORD = 16
"""Eight quad transfers at half of clk_sys, the SDK's choice for the flash of a Pico."""
FLUSH_CYCLES = 1026
"""One for each set of the cache's 1024, and "just over" that."""
FLASH_LATENCY_MOST = 100
_MILLION = 1_000_000
CTRL_EN, CTRL_POWER_DOWN = 1 << 0, 1 << 3


def checked_latency(factor: float) -> float:
    """The same. Raises UsageError for one that cannot be."""
    if not 0 <= factor <= FLASH_LATENCY_MOST:
        raise UsageError(f"the flash's latency can be 0 to {FLASH_LATENCY_MOST} times the chip's, not {factor}")
    return factor


class XipCtrl(Block):
    """Streams words. The cache is the machine's (`core/fabric.c`), looked at only while something is counted."""

    NAME = "XIP_CTRL"
    LACKS = (
        "CTR_HIT, CTR_ACC: without `flash_latency` they count from when firmware reads or writes one of them first, "
        "with an empty cache. What is fetched ahead of a jump that is taken is not counted, nor are words of a stream.",
        "Nothing in the cache is stale: flash is read as it is. It takes time with `flash_latency` only, and masters "
        "do not wait for each other, for a stream or for a flush.",
        "The cache's memory, as SRAM, is not written by the cache.",
        "A read of FLUSH does not wait for the end of the flush, but brings it about.",
    )

    CTRL = Register(0x00, reset=0x3, mask=0xB)
    FLUSH = Register(0x04, mask=0)
    STAT = Register(0x08, reset=STAT_FLUSH_READY | STAT_FIFO_EMPTY, mask=0)
    CTR_HIT = Register(0x0C, mask=0)
    CTR_ACC = Register(0x10, mask=0)
    STREAM_ADDR = Register(0x14, mask=0xFFFF_FFFC)
    STREAM_CTR = Register(0x18, mask=STREAM_CTR_BITS)
    STREAM_FIFO = Register(0x1C, mask=0)

    def __init__(
        self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, memory: memoryview
    ) -> None:
        self._clocks = clocks
        self._memory = memory.cast("I")
        self.dreq = Line(machine.set_dreq, Dreq.XIP_STREAM)
        self._word_alarm = clock.alarm(self._word_fetched)
        self._flush_alarm = clock.alarm(self._flushed)
        self._flushing = False
        self._fetching = False
        self._fifo: deque[int] = deque()
        self._flash_latency = 0.0
        super().__init__(machine, Number.XIP_CTRL, unmodelled)

    @property
    def flash_latency(self) -> float:
        """Of the time that the chip takes for a word that is not in the cache, how much its reader waits.

        See docs/renode.md. 0: reads of the flash take no time. In steps of a millionth, up to FLASH_LATENCY_MOST.
        Raises UsageError.
        """
        return self._flash_latency

    @flash_latency.setter
    def flash_latency(self, factor: float) -> None:
        self._flash_latency = checked_latency(factor)
        self._machine.set_flash_latency(round(factor * _MILLION))

    def reset(self) -> None:
        """The block's reset."""
        super().reset()
        self._machine.count_xip_accesses(False)
        self._machine.flush_cache()
        self._flush_alarm.cancel()
        self._flushing = False
        self._word_alarm.cancel()
        self._fetching = False
        self._fifo.clear()
        self._show()

    @STREAM_CTR.written
    def _stream_written(self, before: int, raw: int) -> None:
        # A word on its way is thrown away when the counter is written (`xip.h`).
        self._word_alarm.cancel()
        self._fetching = False
        self._fetch()

    def _fetch(self) -> None:
        hz = self._clocks.frequency[Generator.SYS]
        if self.STREAM_CTR and not self._fetching and len(self._fifo) < FIFO_DEPTH and hz:
            self._fetching = True
            self._word_alarm.schedule(CYCLES_PER_WORD * NS_PER_S // hz)

    def _word_fetched(self) -> None:
        self._fetching = False
        self._fifo.append(self._memory[(self.STREAM_ADDR >> 2) % len(self._memory)])
        self.STREAM_ADDR = (self.STREAM_ADDR + 4) & 0xFFFF_FFFC
        self.STREAM_CTR -= 1
        self._fetch()
        self._show()

    @STREAM_FIFO.read
    def take(self) -> int:
        """The next streamed word, here and in XIP_AUX."""
        if not self._fifo:
            return 0
        value = self._fifo.popleft()
        self._fetch()
        self._show()
        return value

    @CTRL.written
    def _ctrl_written(self, before: int, raw: int) -> None:
        if self.CTRL & CTRL_POWER_DOWN:
            self.CTRL &= ~CTRL_EN

    @FLUSH.written
    def _flush_written(self, before: int, raw: int) -> None:
        hz = self._clocks.frequency[Generator.SYS]
        if raw & 1 and hz:
            self._machine.flush_cache()
            self._flushing = True
            self._flush_alarm.schedule(FLUSH_CYCLES * NS_PER_S // hz)
            self._show()

    @FLUSH.read
    def _flush_read(self) -> int:
        self._flush_alarm.cancel()
        self._flushed()
        return 0

    def _flushed(self) -> None:
        self._flushing = False
        self._show()

    @CTR_HIT.read
    def _ctr_hit_read(self) -> int:
        self._machine.count_xip_accesses(True)
        return self.CTR_HIT

    @CTR_ACC.read
    def _ctr_acc_read(self) -> int:
        self._machine.count_xip_accesses(True)
        return self.CTR_ACC

    @CTR_HIT.written
    def _ctr_hit_written(self, before: int, raw: int) -> None:
        self._machine.count_xip_accesses(True)
        self.CTR_HIT = 0

    @CTR_ACC.written
    def _ctr_acc_written(self, before: int, raw: int) -> None:
        self._machine.count_xip_accesses(True)
        self.CTR_ACC = 0

    def _show(self) -> None:
        level = len(self._fifo)
        status = 0 if self._flushing else STAT_FLUSH_READY
        if not level:
            status |= STAT_FIFO_EMPTY
        if level >= FIFO_DEPTH:
            status |= STAT_FIFO_FULL
        self.STAT = status
        self.dreq.set(bool(level))


class XipAux(Block):
    """The streamed words once more, where DMA reads them without the APB's delay."""

    NAME = "XIP_AUX"

    STREAM_FIFO = Register(0x0, mask=0)

    def __init__(self, machine: Machine, unmodelled: Unmodelled, control: XipCtrl) -> None:
        self._control = control
        super().__init__(machine, Number.XIP_AUX, unmodelled)

    @STREAM_FIFO.read
    def _take(self) -> int:
        return self._control.take()
