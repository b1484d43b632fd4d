"""What every block of registers has in common (RP2040 datasheet, 2.1).

A block declares its registers in its class, one line each, as the datasheet's table lists them:

    class Example(Block):
        NAME = "EXAMPLE"
        CTRL = Register(0x00, reset=0x1, mask=0x0000_00FF)
        STATUS = Register(0x04, mask=0)

        @CTRL.written
        def _ctrl_written(self, before: int, raw: int) -> None: ...

`self.STATUS` is the word as the processor reads it, and is assigned to when it changes: the words lie in the machine's
memory, which serves reads without a hook by itself. So does it writes, by mask; a method marked `written` is told of
each one after the stored bits have changed, and of what was written as it was: bits that act by being written as 1
(write 1 to clear, self-clearing) act through any of the register's four addresses.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar, Protocol, TypeVar, overload

from renode_pico.rp2040.unmodelled import Unmodelled

ALL = 0xFFFF_FFFF
BLOCK_WORDS = 1024
READ_HOOK, WRITE_HOOK = 1, 2
"""What the machine is to ask Python for, by register (`core/machine.h`)."""


class Number(IntEnum):
    """A block's number in the machine: 16 KiB of the APB each from 0x4000_0000 on, then those on the AHB-Lite."""

    SYSINFO = 0
    SYSCFG = 1
    CLOCKS = 2
    RESETS = 3
    PSM = 4
    XOSC = 9
    PLL_SYS = 10
    PLL_USB = 11
    BUSCTRL = 12
    UART0 = 13
    UART1 = 14
    SPI0 = 15
    SPI1 = 16
    I2C0 = 17
    I2C1 = 18
    ADC = 19
    WATCHDOG = 22
    RTC = 23
    ROSC = 24
    VREG_AND_CHIP_RESET = 25
    TBMAN = 27
    XIP_CTRL = 28
    SSI = 29
    USBCTRL_REGS = 30
    XIP_AUX = 31


class Irq(IntEnum):
    """Interrupt lines of the blocks here (`intctrl.h`)."""

    USBCTRL = 5
    XIP = 6
    CLOCKS = 17
    SPI0 = 18
    SPI1 = 19
    UART0 = 20
    UART1 = 21
    ADC_FIFO = 22
    I2C0 = 23
    I2C1 = 24
    RTC = 25


class Dreq(IntEnum):
    """Data requests of the blocks here (`dreq.h`)."""

    SPI0_TX = 16
    SPI0_RX = 17
    SPI1_TX = 18
    SPI1_RX = 19
    UART0_TX = 20
    UART0_RX = 21
    UART1_TX = 22
    UART1_RX = 23
    I2C0_TX = 32
    I2C0_RX = 33
    I2C1_TX = 34
    I2C1_RX = 35
    ADC = 36
    XIP_STREAM = 37
    XIP_SSITX = 38
    XIP_SSIRX = 39


class Function(IntEnum):
    """FUNCSEL of a pin, for the blocks here (RP2040 datasheet, 2.19.2)."""

    XIP = 0
    SPI = 1
    UART = 2
    I2C = 3
    CLOCK = 8


class Alias(IntEnum):
    """Which of a register's four addresses was written (RP2040 datasheet, 2.1.2): bits 13..12 of the address."""

    NORMAL = 0
    XOR = 1
    SET = 2
    CLEAR = 3

    def apply(self, before: int, raw: int) -> int:
        """What `raw` makes of a register that holds `before`."""
        if self == Alias.NORMAL:
            return raw
        if self == Alias.SET:
            return before | raw
        return before & ~raw if self == Alias.CLEAR else before ^ raw


class Machine(Protocol):
    """What a block needs of the machine it is part of (`core.machine.Machine`)."""

    def registers(self, block: int) -> memoryview:
        """The block's 1024 words, as the processor reads them."""

    def masks(self, block: int) -> memoryview:
        """Which bits of them a write without hook can change."""

    def hooks(self, block: int) -> memoryview:
        """READ_HOOK, WRITE_HOOK, a byte for each."""

    def hold_registers(self, block: int, held: bool) -> None:
        """Writes do not reach it while it is held."""

    def attach(self, block: int, read: Callable[[int], int], write: Callable[[int, int, int], None]) -> None:
        """Who is asked: `read(offset)`, and told: `write(offset, raw, alias)`."""

    def set_irq(self, number: int, level: bool) -> None:
        """The level of an interrupt line."""

    def set_dreq(self, number: int, level: bool) -> None:
        """The level of a data request: a transfer could be made now."""

    def pin_functions(self, function: int) -> int:
        """The GPIOs, as a mask, whose FUNCSEL names that function."""

    def pin_inputs(self) -> int:
        """What peripherals see of GPIO0 to GPIO29 now."""

    def set_external(self, pins: int, levels: int, driven: int) -> None:
        """Levels from outside on the pins of a mask; those not in `driven` are let go."""

    def drive(self, function: int, pins: int, out: int, oe: int) -> None:
        """What a function (`Function`) drives on the pins of a mask that select it."""

    def drive_qspi(self, function: int, pins: int, out: int, oe: int) -> None:
        """The same for the flash's pins."""

    def wrote(self, address: int, length: int) -> None:
        """Memory was written behind the cores' backs."""

    def set_timer_tick(self, picoseconds: int) -> None:
        """TIMER counts up after so many each; 0: it stands still."""

    def flush_cache(self) -> None:
        """The cache of execute-in-place is empty from here on."""

    def set_flash_latency(self, millionths: int) -> None:
        """How long a read of the flash takes past the cache, of what the SSI's registers say; 0: no time."""

    def count_xip_accesses(self, on: bool) -> None:
        """Count them in XIP_CTRL's registers."""

    def count_bus_accesses(self, on: bool) -> None:
        """Count in BUSCTRL's registers what its PERFSEL registers say."""


_Method = TypeVar("_Method", bound=Callable[..., Any])


class Register:
    """A register, declared in a block's class.

    offset: bytes from the block's start. reset: its value after a reset of the block. mask: the bits that a write
    changes, all others being read only or none. lacks: what of it is not modelled, for people; the first write that
    changes one of the bits of `lacking` says so. Of an instance it is the stored word.
    """

    def __init__(
        self, offset: int, reset: int = 0, mask: int = ALL, *, lacks: str = "", lacking: int | None = None
    ) -> None:
        self.offset = offset
        self.reset = reset
        self.mask = mask
        self.lacks = lacks
        self.lacking = (ALL if lacking is None else lacking) if lacks else 0
        self.name = ""
        self.writer = ""
        self.reader = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, block: None, owner: type) -> Register: ...

    @overload
    def __get__(self, block: Block, owner: type) -> int: ...

    def __get__(self, block: Block | None, owner: type) -> Register | int:
        if block is None:
            return self
        value: int = block.words[self.offset >> 2]
        return value

    def __set__(self, block: Block, value: int) -> None:
        block.words[self.offset >> 2] = value

    def written(self, method: _Method) -> _Method:
        """Marks `method(before, raw)`: called after each write, the stored bits changed already."""
        self.writer = method.__name__
        return method

    def read(self, method: _Method) -> _Method:
        """Marks `method()`: what a read returns, and does; the stored word is what it stores."""
        self.reader = method.__name__
        return method


class Line:
    """An interrupt or data request of a block: the machine is told when its level changes."""

    def __init__(self, tell: Callable[[int, bool], None], number: int) -> None:
        self._tell = tell
        self._number = number
        self.level = False

    def set(self, level: bool) -> None:
        """The level from now on."""
        if level != self.level:
            self.level = level
            self._tell(self._number, level)


class Block:
    """Registers in the machine's memory, and what they do.

    NAME: as the pico-sdk's headers have it; two of a kind get theirs as `name`. LACKS: what of the block is not
    modelled and belongs to no register, a sentence each.
    """

    NAME: ClassVar[str] = ""
    LACKS: ClassVar[tuple[str, ...]] = ()
    declared: ClassVar[dict[int, Register]] = {}
    """The registers by offset."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {value.offset: value for value in vars(cls).values() if isinstance(value, Register)}
        cls.declared = dict(sorted((cls.declared | own).items()))

    def __init__(self, machine: Machine, number: int, unmodelled: Unmodelled, name: str = "") -> None:
        self.name = name or self.NAME
        self.words = machine.registers(number)
        self.held = False
        """In reset: what is written is lost."""
        self._machine = machine
        self._number = number
        self._unmodelled = unmodelled
        self._readers: dict[int, Callable[[], int]] = {}
        self._writers: dict[int, Callable[[int, int], None]] = {}
        self._reset_words = array("I", bytes(4 * BLOCK_WORDS))
        masks, hooks = machine.masks(number), machine.hooks(number)
        hooks[:] = bytes((READ_HOOK | WRITE_HOOK,)) * BLOCK_WORDS
        for offset, register in self.declared.items():
            word = offset >> 2
            masks[word] = register.mask
            hooks[word] = (READ_HOOK if register.reader else 0) | (
                WRITE_HOOK if register.writer or register.lacking else 0
            )
            self._reset_words[word] = register.reset
            if register.reader:
                self._readers[offset] = getattr(self, register.reader)
            if register.writer:
                self._writers[offset] = getattr(self, register.writer)
        machine.attach(number, self.read_register, self.write_register)
        self.words[:] = memoryview(self._reset_words)

    def reset(self) -> None:
        """All registers as they come out of reset; blocks with more state than that extend it."""
        self.words[:] = memoryview(self._reset_words)

    def hold(self, held: bool) -> None:
        """The reset line: registers go to their reset values, and stay there until it is released."""
        if held or self.held:
            self.reset()
        self.held = held
        self._machine.hold_registers(self._number, held)

    def read_register(self, offset: int) -> int:
        """A read that the machine cannot serve by itself."""
        reader = self._readers.get(offset)
        if reader is not None:
            return reader()
        if offset in self.declared:
            value: int = self.words[offset >> 2]
            return value
        self._unmodelled.note(self.name, f"{offset:#x}", "is no register: read as 0")
        return 0

    def write_register(self, offset: int, raw: int, alias: int) -> None:
        """A write with consequences, through any of the four aliases."""
        register = self.declared.get(offset)
        if register is None:
            if Alias(alias).apply(0, raw):  # software that clears a whole block clears what is not there, too
                self._unmodelled.note(self.name, f"{offset:#x}", "is no register: write ignored")
            return
        words, word, mask = self.words, offset >> 2, register.mask
        before = words[word]
        if mask:
            after = before & ~mask | (Alias(alias).apply(before, raw) if alias else raw) & mask
            words[word] = after
            if (before ^ after) & register.lacking:
                self.note(register.name, f"is not modelled: {register.lacks}")
        writer = self._writers.get(offset)
        if writer is not None:
            writer(before, raw)

    def note(self, register: str, what: str) -> None:
        """Firmware has asked for something that this model does not do."""
        self._unmodelled.note(self.name, register, what)
