"""The board's serial NOR flash, a Winbond W25Q16JV, behind the SSI: a decoder of commands over the memory that the
cores see at 0x1000_0000.
"""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import NS_PER_MS, NS_PER_US, Clock
from renode_pico.rp2040.unmodelled import Unmodelled

UNIQUE_ID = 0xE660_5838_8372_4A2B
"""What the flash answers to Read Unique ID, most significant byte first; `machine.unique_id()` and the USB serial."""
JEDEC_ID = bytes((0xEF, 0x40, 0x15))
"""Winbond, W25Q…JV, 2^0x15 bytes."""
DEVICE_ID = 0x14
PAGE_SIZE = 256
STATUS1_BUSY, STATUS1_WEL = 1 << 0, 1 << 1
STATUS2_QE, STATUS2_SUS = 1 << 1, 1 << 7

WRITE_STATUS_1, PAGE_PROGRAM, READ, WRITE_DISABLE, READ_STATUS_1, WRITE_ENABLE = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
FAST_READ, WRITE_STATUS_3, READ_STATUS_3, SECTOR_ERASE, WRITE_STATUS_2, READ_STATUS_2 = (
    0x0B, 0x11, 0x15, 0x20, 0x31, 0x35,
)  # fmt: skip
READ_UNIQUE_ID, BLOCK_ERASE_32K, CHIP_ERASE_60, ENABLE_RESET, MANUFACTURER, RESET_DEVICE, READ_JEDEC_ID = (
    0x4B, 0x52, 0x60, 0x66, 0x90, 0x99, 0x9F,
)  # fmt: skip
SUSPEND, RESUME, POWER_UP, POWER_DOWN, CHIP_ERASE_C7, BLOCK_ERASE_64K = 0x75, 0x7A, 0xAB, 0xB9, 0xC7, 0xD8
LEAVE_CONTINUOUS_READ, NOTHING = 0xFF, 0x00

_ERASED_BYTES = {SECTOR_ERASE: 0x1000, BLOCK_ERASE_32K: 0x8000, BLOCK_ERASE_64K: 0x1_0000}
_TYPICAL_NS = {
    PAGE_PROGRAM: 400 * NS_PER_US,
    SECTOR_ERASE: 45 * NS_PER_MS,
    BLOCK_ERASE_32K: 120 * NS_PER_MS,
    BLOCK_ERASE_64K: 150 * NS_PER_MS,
    CHIP_ERASE_60: 5000 * NS_PER_MS,
    CHIP_ERASE_C7: 5000 * NS_PER_MS,
    WRITE_STATUS_1: 10 * NS_PER_MS,
    WRITE_STATUS_2: 10 * NS_PER_MS,
    WRITE_STATUS_3: 10 * NS_PER_MS,
}
"""How long it is busy after a command (W25Q16JV, 9.6)."""
_UNDERSTOOD_WHILE_BUSY = frozenset((READ_STATUS_1, READ_STATUS_2, READ_STATUS_3, SUSPEND, ENABLE_RESET, RESET_DEVICE))
_CHIP_ERASES = frozenset((CHIP_ERASE_60, CHIP_ERASE_C7))
_WRITE_STATUS = frozenset((WRITE_STATUS_1, WRITE_STATUS_2, WRITE_STATUS_3))
_READS = (READ, FAST_READ, READ_STATUS_1, READ_STATUS_2, READ_STATUS_3, READ_UNIQUE_ID, READ_JEDEC_ID, MANUFACTURER)
_MODES = (POWER_UP, POWER_DOWN, ENABLE_RESET, LEAVE_CONTINUOUS_READ, NOTHING)
_WITHOUT_EFFECT = frozenset((*_READS, *_MODES))
_ADDRESSED = frozenset((READ, FAST_READ, PAGE_PROGRAM, *_ERASED_BYTES))
HIGH_Z = 0xFF


class Flash:
    """Commands take effect when chip select goes high; then it is busy for their typical times.

    `memory`: what it holds. `changed(offset, length)`: called after it has been erased or programmed. `on_poll(ns)`:
    somebody has read the status of a chip that is busy for so much longer. `time_scale`: of the typical times; 0: none.
    """

    LACKS = (
        "While it is busy, the mapped memory can be read and executed all the same.",
        "Status registers are not stored: QE is always set, nothing is protected.",
        "SFDP, security registers and power-down are not modelled.",
    )

    def __init__(
        self,
        memory: memoryview,
        clock: Clock,
        unmodelled: Unmodelled,
        changed: Callable[[int, int], None],
        on_poll: Callable[[int], None],
    ) -> None:
        self.time_scale = 1.0
        self._memory = memory
        self._clock = clock
        self._changed = changed
        self._on_poll = on_poll
        self._unmodelled = unmodelled
        self._page = bytearray(PAGE_SIZE)
        self.selected = False
        self.write_enabled = False
        self._command = 0
        self._position = 0
        """Bytes since chip select went low."""
        self._address = 0
        self._page_length = 0
        self._ignored = False
        self._reset_enabled = False
        self._busy_until_ns = 0
        self._suspended_ns = 0
        """What is left to do of a command that was suspended; 0: none was."""

    def reset(self) -> None:
        """Power was away, or it was told to: the content stays."""
        self.selected = self.write_enabled = self._ignored = self._reset_enabled = False
        self._position = self._busy_until_ns = self._suspended_ns = 0

    @property
    def busy_ns(self) -> int:
        """How much longer it erases or programs; 0: it does not."""
        return max(0, self._busy_until_ns - self._clock.now_ns)

    # The four wires

    def select(self) -> None:
        """Chip select goes low."""
        self.selected = True
        self._position = self._command = self._address = self._page_length = 0

    def deselect(self) -> None:
        """Chip select goes high: a command that changes something takes effect."""
        if self.selected and self._position:
            self._finish()
        self.selected = False

    def exchange(self, value: int) -> int:
        """A byte to it and one from it; all ones when it is not selected."""
        if not self.selected:
            return HIGH_Z
        position = self._position
        self._position = position + 1
        if not position:
            self._command = value
            self._ignored = bool(self.busy_ns) and value not in _UNDERSTOOD_WHILE_BUSY
            if self._ignored:
                self._unmodelled.note("FLASH", f"{value:#04x}", "came while the flash is busy: ignored")
        return HIGH_Z if not position or self._ignored else self._answer(position - 1, value)

    def _answer(self, index: int, value: int) -> int:
        command = self._command
        if command in _ADDRESSED:
            if index < 3:
                self._address = self._address << 8 | value
            elif command == PAGE_PROGRAM:
                # More than a page wraps around: the last 256 bytes count.
                self._page[self._page_length % PAGE_SIZE] = value
                self._page_length += 1
            elif command == READ or (command == FAST_READ and index > 3):
                return int(self._memory[(self._address + index - (3 if command == READ else 4)) % len(self._memory)])
            return HIGH_Z
        if command == READ_STATUS_1:
            return self._status()
        if command == READ_STATUS_2:
            return STATUS2_QE | STATUS2_SUS if self._suspended_ns else STATUS2_QE
        if command == READ_STATUS_3:
            return 0
        if command == READ_JEDEC_ID:
            return JEDEC_ID[index] if index < len(JEDEC_ID) else 0
        if command == READ_UNIQUE_ID:
            return HIGH_Z if index < 4 else UNIQUE_ID >> 8 * (7 - (index - 4) % 8) & 0xFF
        if command == MANUFACTURER:
            return HIGH_Z if index < 3 else (JEDEC_ID[0], DEVICE_ID)[(index - 3) % 2]
        if command == POWER_UP:
            return HIGH_Z if index < 3 else DEVICE_ID
        return HIGH_Z

    def _status(self) -> int:
        status = STATUS1_WEL if self.write_enabled else 0
        left_ns = self.busy_ns
        if left_ns:
            status |= STATUS1_BUSY
            self._on_poll(left_ns)
        return status

    # What a command does

    def _finish(self) -> None:
        command = self._command
        if self._ignored:
            return
        reset_enabled, self._reset_enabled = self._reset_enabled, command == ENABLE_RESET
        if command == RESET_DEVICE:
            if reset_enabled:
                self.reset()
        elif command == SUSPEND:
            self._suspend()
        elif command == RESUME:
            self._resume()
        elif command == WRITE_ENABLE:
            self.write_enabled = True
        elif command == WRITE_DISABLE:
            self.write_enabled = False
        elif command == PAGE_PROGRAM:
            if self._may_write():
                self._program()
        elif command in _ERASED_BYTES:
            if self._may_write():
                self._erase(self._address % len(self._memory), _ERASED_BYTES[command])
        elif command in _CHIP_ERASES:
            if self._may_write():
                self._erase(0, len(self._memory))
        elif command in _WRITE_STATUS:
            self._may_write()
        elif command not in _WITHOUT_EFFECT:
            self._unmodelled.note("FLASH", f"{command:#04x}", "is a command that is not modelled")

    def _may_write(self) -> bool:
        name = f"{self._command:#04x}"
        if not self.write_enabled:
            self._unmodelled.note("FLASH", name, "came without a write enable: ignored")
        elif self._suspended_ns:
            self._unmodelled.note("FLASH", name, "came while another command is suspended: ignored")
        else:
            self.write_enabled = False
            self._busy_until_ns = self._clock.now_ns + round(_TYPICAL_NS[self._command] * self.time_scale)
            return True
        return False

    def _suspend(self) -> None:
        if not self._suspended_ns:
            self._suspended_ns, self._busy_until_ns = self.busy_ns, 0

    def _resume(self) -> None:
        if self._suspended_ns:
            self._busy_until_ns = self._clock.now_ns + self._suspended_ns
            self._suspended_ns = 0

    def _erase(self, address: int, size: int) -> None:
        start = address // size * size
        self._memory[start : start + size] = b"\xff" * size
        self._changed(start, size)

    def _program(self) -> None:
        start = self._address % len(self._memory) // PAGE_SIZE * PAGE_SIZE
        count = min(self._page_length, PAGE_SIZE)
        for number in range(self._page_length - count, self._page_length):
            # Programming only ever clears bits.
            self._memory[start + (self._address + number) % PAGE_SIZE] &= self._page[number % PAGE_SIZE]
        self._changed(start, PAGE_SIZE)
