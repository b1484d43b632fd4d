"""Sees what firmware does to the USB controller that the model forgives and silicon punishes at random.

`sanitizer.checks` says in words what each check is about, and where the datasheet says so. Here is how it is seen. The
vectors of tests/unit/rp2040/vectors/sanitizer.vec hold this and renode/models/RP2040_USB_Sanitizer.cs to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from renode_pico.clock import NS_PER_S
from renode_pico.rp2040 import usb_memory
from renode_pico.rp2040.usb_endpoint import NON_ISOCHRONOUS_BUFFER, Endpoint
from renode_pico.rp2040.usb_memory import BufCtrl, Dpsram, EpCtrl
from renode_pico.rp2040.usb_regs import Reg, SieCtrl, SieStatus

CONTROL_WORDS = usb_memory.BUFFERS // 4
FIRST_BUFFER_CONTROL = usb_memory.EP0_IN_BUFFER_CONTROL // 4
FIRST_ENDPOINT_CONTROL = usb_memory.EP1_IN_CONTROL // 4
PIECE_BITS = 6
ON = 1
"""Bit 0 of the guard stands for control words, which are told anyway: the guard is not 0 while somebody listens."""
HALVES = 0xFFFF, 0xFFFF_0000
EITHER_AVAILABLE = BufCtrl.AVAILABLE | BufCtrl.AVAILABLE << BufCtrl.HALF
_HALF_PLACE = BufCtrl.AVAILABLE | BufCtrl.LENGTH_BITS
PLACE_BITS = _HALF_PLACE | _HALF_PLACE << BufCtrl.HALF | 0b11 << BufCtrl.ISO_OFFSET_LSB
"""What decides over the ranges that are the controller's."""
SET_ADDRESS = b"\x00\x05"
"""bmRequestType and bRequest (USB 2.0, 9.4.6)."""


class Check(StrEnum):
    """What can be found."""

    EARLY_AVAILABLE = "early-available"
    ARMED_BUFFER = "armed-buffer"
    ARMED_CONTROL = "armed-control"
    REVOKED = "revoked"
    LATE_CLEAR = "late-clear"
    OVERLAP = "overlap"
    ABORT = "abort"
    IN_RESET = "in-reset"
    UNALIGNED = "unaligned"
    EARLY_ADDRESS = "early-address"


@dataclass(frozen=True, slots=True)
class Where:
    """Who was at the bus: `master` is core0, core1 or dma; `pc` of the store, and LR then; 0 where there are none."""

    master: str
    pc: int = 0
    lr: int = 0


@dataclass(slots=True)
class Misuse:
    """One check at one place. `endpoint`: its address, or None; `ns`: emulated time of the first; `count`: of all."""

    check: Check
    endpoint: int | None
    where: Where
    ns: int
    count: int = 1


class Controller(Protocol):
    """What the sanitizer looks at of the block."""

    memory: Dpsram
    endpoints: tuple[Endpoint, ...]
    """By their bits in BUFF_STATUS."""
    ep_abort: int
    ep_abort_done: int
    sie_status: int

    @property
    def pulled_up(self) -> bool:
        """The device is on the bus."""

    @property
    def address(self) -> int:
        """The device address it has."""


class Surroundings(Protocol):
    """What the sanitizer asks of the chip around the controller."""

    def where(self) -> Where:
        """Who is at the bus."""

    def now_ns(self) -> int:
        """Emulated time, exact at the instruction in hand."""

    def frequencies(self) -> tuple[int, int]:
        """Of clk_sys and clk_usb, Hz."""

    def abort_works(self) -> bool:
        """The chip is a B2 (RP2040-E2)."""

    def guard(self, pieces: int) -> None:
        """From now on `memory_written` is to be told of writes into 64 bytes at 64 n for each bit n."""


@dataclass(frozen=True, slots=True)
class _Buffers:
    """Ranges of DPSRAM, and the pieces of 64 bytes that they are in as bits."""

    ranges: tuple[range, ...]
    pieces: int


class UsbSanitizer:
    """Looks at each write before the controller acts on it, and at what the controller gives back.

    Two stores and a completion for each packet come through here: what they cost is counted (docs/sanitizer.md).
    """

    def __init__(self, block: Controller, around: Surroundings) -> None:
        self._block = block
        self._endpoints = block.endpoints
        self._memory = block.memory
        self._live_words = block.memory.words
        self._around = around
        self._now_ns = around.now_ns
        self.misuses: dict[tuple[Check, str, int], Misuse] = {}
        """By check, master and PC, in the order in which they were found."""
        self._words = [0] * CONTROL_WORDS
        """The control words as they were before the write in hand."""
        self._changed_ns = ([0] * CONTROL_WORDS, [0] * CONTROL_WORDS)
        """When the half of each buffer got other bits than AVAILABLE from the firmware, by the number of the word."""
        self._armed: dict[Endpoint, _Buffers] = {}
        """Buffers that are the controller's, of endpoints that are enabled."""
        self._known: dict[tuple[int, int, int], _Buffers] = {}
        """What was worked out before: by the number of the word, its bits, and the endpoint's control word."""
        self._guarded = -1
        self._rearmed: set[tuple[int, int]] = set()
        """(bit of the endpoint, buffer): made available while its last completion was still in BUFF_STATUS."""
        self._status_done = True
        self.reset()

    # What the controller tells

    def reset(self) -> None:
        """The block was reset; DPSRAM is what it is."""
        self._words[:] = self._live_words[:CONTROL_WORDS]
        self._rearmed.clear()
        self._status_done = True
        self._armed.clear()
        for endpoint in self._endpoints:
            self._look_at_buffers(endpoint, endpoint.buffers, endpoint.control)
        self._set_guard()

    def setup_received(self) -> None:
        """Endpoint 0 has got a SETUP."""
        self._status_done = False

    def given_back(self, endpoint: Endpoint) -> None:
        """The controller has changed the buffer control word: a buffer is the firmware's again."""
        index = endpoint.buffer_index
        if index == FIRST_BUFFER_CONTROL:
            self._status_done = True
        self._words[index] = word = self._live_words[index]
        self._look_at_buffers(endpoint, word, endpoint.control)

    # What the firmware writes

    def memory_written(self, offset: int) -> None:
        """DPSRAM at `offset` was written; with a size in bits 23..16, an unaligned access was refused."""
        if offset >= usb_memory.BUFFERS:
            if offset >= usb_memory.SIZE:
                self._report(Check.UNALIGNED, None)
            else:
                self._buffer_written(offset)
            return
        index = offset >> 2
        before, after = self._words[index], self._live_words[index]
        if before == after:
            return
        self._words[index] = after
        if index < FIRST_BUFFER_CONTROL:
            if index >= FIRST_ENDPOINT_CONTROL:
                self._endpoint_control_written(self._endpoints[index & 0x1F], before, after)
        elif (before | after) & EITHER_AVAILABLE:
            self._buffer_control_written(self._endpoints[index & 0x1F], index, before, after)
        else:
            self._note_change(index, before ^ after)

    def buff_status_cleared(self, mask: int) -> None:
        """BUFF_STATUS is about to be cleared."""
        if self._rearmed:
            self._check_late_clear(mask)

    def abort_begun(self, mask: int) -> None:
        """Bits of EP_ABORT are about to be set."""
        if mask and not self._around.abort_works():
            self._report(Check.ABORT, next(endpoint for endpoint in self._endpoints if mask & endpoint.bit))

    def address_written(self, address: int) -> None:
        """ADDR_ENDP is about to get a device address."""
        wanted = bytes(self._memory.bytes[:2]) == SET_ADDRESS
        if address and address != self._block.address and wanted and not self._status_done:
            self._report(Check.EARLY_ADDRESS, self._endpoints[0])

    def written_in_reset(self, offset: int, value: int) -> None:
        """A register was written while RESETS holds the block, and nothing came of it.

        Each program made with the pico-sdk powers the transceiver down at its start, whether there is a clock or not
        (runtime_init_usb_power_down): that this is lost does nobody harm.
        """
        if offset != Reg.SIE_CTRL or value != SieCtrl.TRANSCEIVER_PD:
            self._report(Check.IN_RESET, None)

    # The checks

    def _buffer_control_written(self, endpoint: Endpoint, index: int, before: int, after: int) -> None:
        """AVAILABLE is, or was, set in a half of it."""
        control = endpoint.control
        live = self._block.pulled_up and control & EpCtrl.ENABLE
        changed = before ^ after
        if before & EITHER_AVAILABLE and live and not self._revocable(endpoint):
            for half in HALVES:
                if before & half & EITHER_AVAILABLE and changed & half:
                    self._report(Check.REVOKED, endpoint)
        others = changed & ~EITHER_AVAILABLE
        rising = after & changed & EITHER_AVAILABLE
        if rising and live:
            buffer = 0 if after & BufCtrl.RESET else endpoint.current
            half = HALVES[buffer]
            if rising & half:
                self._check_available(endpoint, buffer, index, others & half)
        if rising and endpoint.done:
            self._rearmed.update((endpoint.bit, buffer) for buffer in endpoint.done if rising & HALVES[buffer])
        if others:
            self._note_change(index, others)
        had = self._armed.get(endpoint)
        taken = self._guarded
        self._look_at_buffers(endpoint, after, control)
        if rising and live:
            mine = self._armed.get(endpoint)
            if mine is not None and mine.pieces & taken:  # of others, or its own of before
                self._check_overlap(endpoint, mine, had)

    def _note_change(self, index: int, bits: int) -> None:
        now_ns = self._now_ns()
        if bits & 0xFFFF:
            self._changed_ns[0][index] = now_ns
        if bits >> 16:
            self._changed_ns[1][index] = now_ns

    def _check_available(self, endpoint: Endpoint, buffer: int, index: int, others: int) -> None:
        clk_sys, clk_usb = self._around.frequencies()
        if clk_sys == clk_usb:
            return
        if others or (self._now_ns() - self._changed_ns[buffer][index]) * clk_usb < NS_PER_S:
            self._report(Check.EARLY_AVAILABLE, endpoint)

    def _check_late_clear(self, mask: int) -> None:
        for endpoint in self._endpoints:
            if mask & endpoint.bit and endpoint.done and (endpoint.bit, endpoint.done[0]) in self._rearmed:
                self._rearmed.discard((endpoint.bit, endpoint.done[0]))
                self._report(Check.LATE_CLEAR, endpoint)

    def _check_overlap(self, endpoint: Endpoint, mine: _Buffers, had: _Buffers | None) -> None:
        pieces = mine.pieces
        for other, theirs in self._armed.items():
            # Both directions of endpoint 0 have one buffer: that is the chip's own way.
            if not theirs.pieces & pieces or other is endpoint or not other.number | endpoint.number:
                continue
            new = [one for one in mine.ranges if had is None or one not in had.ranges]
            if any(one.start < each.stop and each.start < one.stop for one in new for each in theirs.ranges):
                self._report(Check.OVERLAP, endpoint)
                return

    def _endpoint_control_written(self, endpoint: Endpoint, before: int, after: int) -> None:
        armed = endpoint.buffers & EITHER_AVAILABLE
        if armed and before & after & EpCtrl.ENABLE and self._live(endpoint) and not self._revocable(endpoint):
            self._report(Check.ARMED_CONTROL, endpoint)
        self._look_at_buffers(endpoint, endpoint.buffers, endpoint.control)

    def _buffer_written(self, offset: int) -> None:
        for endpoint, buffers in self._armed.items():
            in_it = any(offset in one for one in buffers.ranges)
            if in_it and self._live(endpoint) and not self._revocable(endpoint):
                self._report(Check.ARMED_BUFFER, endpoint)
                return

    # What the checks ask

    def _live(self, endpoint: Endpoint) -> bool:
        """A token may come for it at any moment."""
        return self._block.pulled_up and bool(endpoint.control & EpCtrl.ENABLE)

    def _revocable(self, endpoint: Endpoint) -> bool:
        """The controller has let go: EP_ABORT_DONE says so, or a SETUP that the firmware has not yet seen."""
        block = self._block
        if block.ep_abort & block.ep_abort_done & endpoint.bit:
            return True
        return not endpoint.number and bool(block.sie_status & SieStatus.SETUP_REC)

    def _look_at_buffers(self, endpoint: Endpoint, word: int, control: int) -> None:
        """Which ranges of DPSRAM are the controller's now."""
        if word & EITHER_AVAILABLE:
            key = endpoint.buffer_index, word & PLACE_BITS, control
            buffers = self._known.get(key)
            if buffers is None:
                buffers = self._known[key] = self._work_out(endpoint, word, control)
            if buffers.ranges:
                self._armed[endpoint] = buffers
                if buffers.pieces & ~self._guarded:
                    self._guarded |= buffers.pieces
                    self._around.guard(self._guarded)
                return
        if self._armed.pop(endpoint, None) is not None:
            self._set_guard()

    def _work_out(self, endpoint: Endpoint, word: int, control: int) -> _Buffers:
        ranges: list[range] = []
        pieces = 0
        if control & EpCtrl.ENABLE:
            for buffer in (0, 1) if control & EpCtrl.DOUBLE_BUFFERED else (0,):
                half = word >> BufCtrl.HALF * buffer
                if half & BufCtrl.AVAILABLE:
                    start = endpoint.address(buffer) % usb_memory.SIZE
                    length = half & BufCtrl.LENGTH_BITS
                    if not endpoint.is_in and not endpoint.isochronous:
                        length = NON_ISOCHRONOUS_BUFFER
                    ranges.append(range(start, start + length))
                    if length:
                        first, last = start >> PIECE_BITS, (start + length - 1) >> PIECE_BITS
                        pieces |= ((2 << last - first) - 1) << first
        return _Buffers(tuple(ranges), pieces & (1 << (usb_memory.SIZE >> PIECE_BITS)) - 1)

    def _set_guard(self) -> None:
        pieces = ON
        for buffers in self._armed.values():
            pieces |= buffers.pieces
        if pieces != self._guarded:
            self._guarded = pieces
            self._around.guard(pieces)

    def _report(self, check: Check, endpoint: Endpoint | None) -> None:
        where = self._around.where()
        key = (check, where.master, where.pc)
        known = self.misuses.get(key)
        if known is not None:
            known.count += 1
            return
        address = None if endpoint is None else endpoint.endpoint_address
        self.misuses[key] = Misuse(check, address, where, self._around.now_ns())
