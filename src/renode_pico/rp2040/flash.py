"""The board's serial NOR flash, a Winbond W25Q16JV, behind the SSI: a decoder of commands over the memory that the
cores see at 0x1000_0000.
"""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.rp2040.unmodelled import Unmodelled

UNIQUE_ID = 0xE660_5838_8372_4A2B
"""What the flash answers to Read Unique ID, most significant byte first; `machine.unique_id()` and the USB serial."""
JEDEC_ID = bytes((0xEF, 0x40, 0x15))
"""Winbond, W25Q…JV, 2^0x15 bytes."""
DEVICE_ID = 0x14
PAGE_SIZE = 256
STATUS1_WEL = 1 << 1
STATUS2_QE = 1 << 1

WRITE_STATUS_1, PAGE_PROGRAM, READ, WRITE_DISABLE, READ_STATUS_1, WRITE_ENABLE = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
FAST_READ, WRITE_STATUS_3, READ_STATUS_3, SECTOR_ERASE, WRITE_STATUS_2, READ_STATUS_2 = (
    0x0B, 0x11, 0x15, 0x20, 0x31, 0x35,
)  # fmt: skip
READ_UNIQUE_ID, BLOCK_ERASE_32K, CHIP_ERASE_60, ENABLE_RESET, MANUFACTURER, RESET_DEVICE, READ_JEDEC_ID = (
    0x4B, 0x52, 0x60, 0x66, 0x90, 0x99, 0x9F,
)  # fmt: skip
POWER_UP, POWER_DOWN, CHIP_ERASE_C7, BLOCK_ERASE_64K = 0xAB, 0xB9, 0xC7, 0xD8
LEAVE_CONTINUOUS_READ, NOTHING = 0xFF, 0x00

_ERASED_BYTES = {SECTOR_ERASE: 0x1000, BLOCK_ERASE_32K: 0x8000, BLOCK_ERASE_64K: 0x1_0000}
_CHIP_ERASES = frozenset((CHIP_ERASE_60, CHIP_ERASE_C7))
_WRITE_STATUS = frozenset((WRITE_STATUS_1, WRITE_STATUS_2, WRITE_STATUS_3))
_READS = (READ, FAST_READ, READ_STATUS_1, READ_STATUS_2, READ_STATUS_3, READ_UNIQUE_ID, READ_JEDEC_ID, MANUFACTURER)
_MODES = (POWER_UP, POWER_DOWN, ENABLE_RESET, RESET_DEVICE, LEAVE_CONTINUOUS_READ, NOTHING)
_WITHOUT_EFFECT = frozenset((*_READS, *_MODES))
_ADDRESSED = frozenset((READ, FAST_READ, PAGE_PROGRAM, *_ERASED_BYTES))
HIGH_Z = 0xFF


class Flash:
    """Commands take effect when chip select goes high, and no time.

    `memory`: what it holds. `changed(offset, length)`: called after it has been erased or programmed.
    """

    LACKS = (
        "Erasing and programming take no time: BUSY is never set.",
        "Status registers are not stored: QE is always set, nothing is protected.",
        "SFDP, security registers, suspend and power-down are not modelled.",
    )

    def __init__(self, memory: memoryview, changed: Callable[[int, int], None], unmodelled: Unmodelled) -> None:
        self._memory = memory
        self._changed = changed
        self._unmodelled = unmodelled
        self._page = bytearray(PAGE_SIZE)
        self.selected = False
        self.write_enabled = False
        self._command = 0
        self._position = 0
        """Bytes since chip select went low."""
        self._address = 0
        self._page_length = 0

    def reset(self) -> None:
        """Power was away: the content stays."""
        self.selected = self.write_enabled = False
        self._position = 0

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
            return HIGH_Z
        return self._answer(position - 1, value)

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
            return STATUS1_WEL if self.write_enabled else 0
        if command == READ_STATUS_2:
            return STATUS2_QE
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

    # What a command does

    def _finish(self) -> None:
        command = self._command
        if command == WRITE_ENABLE:
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
        enabled, self.write_enabled = self.write_enabled, False
        if not enabled:
            self._unmodelled.note("FLASH", f"{self._command:#04x}", "came without a write enable: ignored")
        return enabled

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
