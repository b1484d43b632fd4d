"""One direction of one endpoint: its two words in DPSRAM, its buffers, and which of them is next.

The words are the state (RP2040 datasheet, 4.1.2.5 and 4.1.2.7); only what the hardware keeps for itself is kept here.
"""

from __future__ import annotations

from renode_pico.rp2040.usb_memory import (
    EP0_BUFFER_0,
    EP0_BUFFER_1,
    BufCtrl,
    Dpsram,
    EpCtrl,
    buffer_control,
    endpoint_control,
)

NON_ISOCHRONOUS_BUFFER = 64
"""Size of a buffer and distance between the two of a control, bulk or interrupt endpoint, bytes."""
_OWNED = BufCtrl.AVAILABLE | BufCtrl.FULL
_STALL = BufCtrl.STALL
_DOUBLE_BUFFERED = EpCtrl.DOUBLE_BUFFERED


class Endpoint:
    """Endpoint `number`, direction IN when `is_in`.

    `bit` is its bit in BUFF_STATUS, EP_ABORT and the registers like them. `control` stands for the endpoint control
    word; endpoint 0 has none in DPSRAM, the controller gives it one made from SIE_CTRL.
    """

    def __init__(self, memory: Dpsram, number: int, is_in: bool) -> None:
        self._memory = memory
        self._words = memory.words
        self.number = number
        self.is_in = is_in
        self.endpoint_address = number | (0x80 if is_in else 0)
        self.bit = 1 << (2 * number + (0 if is_in else 1))
        self._control_index = endpoint_control(number, is_in) >> 2
        self.buffer_index = buffer_control(number, is_in) >> 2
        self.ep0_control = 0
        self._when_ready = _OWNED if is_in else BufCtrl.AVAILABLE
        self.reset()

    def reset(self) -> None:
        """The block's reset: DPSRAM keeps its content, the buffer selector and what was pending do not."""
        self.selector = 0
        self.nak_answered = False
        self.done: list[int] = []
        """Buffers completed and not yet acknowledged through BUFF_STATUS, oldest first."""

    # The two words

    @property
    def control(self) -> int:
        """EPn_IN_CONTROL or EPn_OUT_CONTROL."""
        return self._words[self._control_index] if self.number else self.ep0_control

    @property
    def buffers(self) -> int:
        """EPn_IN_BUFFER_CONTROL or EPn_OUT_BUFFER_CONTROL."""
        return self._words[self.buffer_index]

    @property
    def isochronous(self) -> bool:
        """ENDPOINT_TYPE says so."""
        return self.control & EpCtrl.ENDPOINT_TYPE_BITS == EpCtrl.ENDPOINT_TYPE_ISOCHRONOUS

    # The buffer that is next

    @property
    def current(self) -> int:
        """0 or 1; a single-buffered endpoint knows buffer 0 only."""
        return 1 if self.selector and self.control & _DOUBLE_BUFFERED else 0

    def half(self, buffer: int) -> int:
        """The half of the buffer control word that belongs to `buffer`."""
        word = self._words[self.buffer_index]
        return word >> BufCtrl.HALF if buffer else word & 0xFFFF

    @property
    def ready(self) -> bool:
        """The next buffer is the controller's: full of data for IN, empty for OUT."""
        half = self._words[self.buffer_index]
        if self.selector and self.control & _DOUBLE_BUFFERED:
            half >>= BufCtrl.HALF
        return half & _OWNED == self._when_ready

    @property
    def stalled(self) -> bool:
        """STALL, valid for both buffers."""
        return self._words[self.buffer_index] & _STALL != 0

    def address(self, buffer: int) -> int:
        """Where `buffer` begins in DPSRAM."""
        if not self.number:
            return EP0_BUFFER_1 if buffer else EP0_BUFFER_0
        base = self.control & EpCtrl.BUFFER_ADDRESS_BITS
        if not buffer:
            return base
        if self.isochronous:
            return base + (128 << (self.buffers >> BufCtrl.ISO_OFFSET_LSB & 0b11))
        return base + NON_ISOCHRONOUS_BUFFER

    def data(self, buffer: int) -> bytes:
        """What an IN buffer holds, as long as its length field says."""
        return self._memory.read(self.address(buffer), self.half(buffer) & BufCtrl.LENGTH_BITS)

    # What the firmware does

    def word_written(self) -> None:
        """The buffer control word was written: its RESET bit takes the selector back to buffer 0."""
        if self.buffers & BufCtrl.RESET:
            self.selector = 0

    # What the controller does at the end of a transaction

    def sent(self, buffer: int) -> bool:
        """IN, acknowledged: AVAILABLE and FULL are cleared, length and PID stay. True if it was marked LAST."""
        return self._give_back(buffer, self.half(buffer) & ~(BufCtrl.AVAILABLE | BufCtrl.FULL))

    def received(self, buffer: int, data: bytes) -> bool:
        """OUT: the data is stored, FULL set, AVAILABLE cleared, the length as received. True if marked LAST."""
        self._memory.write(self.address(buffer), data)
        kept = self.half(buffer) & ~(BufCtrl.AVAILABLE | BufCtrl.LENGTH_BITS)
        return self._give_back(buffer, kept | BufCtrl.FULL | len(data))

    def _give_back(self, buffer: int, half: int) -> bool:
        shift = BufCtrl.HALF * buffer
        word = self.buffers & ~(0xFFFF << shift) | half << shift
        # The selector is about to move: a RESET bit that stayed would take it back at the firmware's next write.
        self._words[self.buffer_index] = word & ~BufCtrl.RESET
        if self.control & EpCtrl.DOUBLE_BUFFERED:
            self.selector = buffer ^ 1
        return bool(half & BufCtrl.LAST)

    def interrupts(self, buffer: int) -> bool:
        """Whether the completion of `buffer` is reported in BUFF_STATUS.

        With an interrupt per two buffers that is the second one, or a first one marked LAST with nothing behind it.
        """
        control = self.control
        if control & EpCtrl.INTERRUPT_PER_BUFF:
            return True
        if not control & EpCtrl.INTERRUPT_PER_DOUBLE_BUFF:
            return False
        last_alone = bool(self.half(0) & BufCtrl.LAST) and not self.half(1) & BufCtrl.AVAILABLE
        return buffer == 1 or last_alone
