"""A machine whose cores are held, for tests of PIO and PWM: registers by name, cycles one by one, pins from outside."""

from __future__ import annotations

from renode_pico.core.machine import FUNC_PIO0, FUNC_PIO1, Machine, PioState

PIO_BASE = (0x5020_0000, 0x5030_0000)
IO_BANK0, PADS_BANK0, PWM_BASE = 0x4001_4000, 0x4001_C000, 0x4005_0000
XOR, SET, CLEAR = 0x1000, 0x2000, 0x3000

CTRL, FSTAT, FDEBUG, FLEVEL, TXF0, RXF0, IRQ, IRQ_FORCE = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x30, 0x34
BYPASS, PADOUT, PADOE, CFGINFO, INSTR_MEM0 = 0x38, 0x3C, 0x40, 0x44, 0x48
CLKDIV, EXECCTRL, SHIFTCTRL, ADDR, INSTR, PINCTRL = 0xC8, 0xCC, 0xD0, 0xD4, 0xD8, 0xDC
INTR, IRQ0_INTE, IRQ0_INTF, IRQ0_INTS, IRQ1_INTE, IRQ1_INTF, IRQ1_INTS = 0x128, 0x12C, 0x130, 0x134, 0x138, 0x13C, 0x140

# Instructions (RP2040 datasheet, 3.4); delay and side-set are added by `side`.
ALWAYS, NOT_X, X_DEC, NOT_Y, Y_DEC, X_NE_Y, PIN, NOT_OSRE = range(8)
PINS, X, Y, NULL, PINDIRS, PC, ISR, OSR = range(8)
STATUS, EXEC, MOV_EXEC = 5, 7, 4
GPIO, WAIT_PIN, WAIT_IRQ = range(3)


def jmp(target: int, condition: int = ALWAYS) -> int:
    return condition << 5 | target


def wait(level: int, source: int, index: int) -> int:
    return 0x2000 | level << 7 | source << 5 | index


def in_(source: int, bits: int) -> int:
    return 0x4000 | source << 5 | bits & 31


def out(destination: int, bits: int) -> int:
    return 0x6000 | destination << 5 | bits & 31


def push(*, iffull: bool = False, block: bool = True) -> int:
    return 0x8000 | iffull << 6 | block << 5


def pull(*, ifempty: bool = False, block: bool = True) -> int:
    return 0x8080 | ifempty << 6 | block << 5


def mov(destination: int, source: int, operation: int = 0) -> int:
    return 0xA000 | destination << 5 | operation << 3 | source


def irq(index: int, *, clear: bool = False, wait: bool = False, rel: bool = False) -> int:
    return 0xC000 | clear << 6 | wait << 5 | rel << 4 | index


def set_(destination: int, value: int) -> int:
    return 0xE000 | destination << 5 | value


def delay(instruction: int, cycles: int) -> int:
    return instruction | cycles << 8


NOP = mov(Y, Y)


class PioBench:
    """One PIO block of a machine that runs no firmware. Offsets are those of the block's registers."""

    def __init__(self, block: int = 0, machine: Machine | None = None) -> None:
        self.machine = machine or Machine()
        self.block = block
        self.base = PIO_BASE[block]
        self.function = (FUNC_PIO0, FUNC_PIO1)[block]

    def read(self, offset: int) -> int:
        value = self.machine.bus_read(self.base + offset)
        assert value is not None
        return value

    def write(self, offset: int, value: int) -> None:
        assert self.machine.bus_write(self.base + offset, value)

    def run(self, cycles: int) -> None:
        self.machine.run(self.machine.cycles + cycles)

    def load(self, program: list[int], at: int = 0) -> None:
        for number, instruction in enumerate(program):
            self.write(INSTR_MEM0 + 4 * (at + number), instruction)

    def sm(self, number: int, register: int) -> int:
        return register + 0x18 * number

    def configure(
        self,
        number: int = 0,
        *,
        divider: float = 1,
        wrap: tuple[int, int] = (0, 31),
        out_pins: tuple[int, int] = (0, 0),
        set_pins: tuple[int, int] = (0, 5),
        side: tuple[int, int] = (0, 0),
        side_optional: bool = False,
        side_dirs: bool = False,
        in_base: int = 0,
        jmp_pin: int = 0,
        in_right: bool = True,
        out_right: bool = True,
        autopush: int = 0,
        autopull: int = 0,
        push_threshold: int = 32,
        pull_threshold: int = 32,
        join_tx: bool = False,
        join_rx: bool = False,
        status: tuple[int, int] = (0, 0),
        sticky: bool = False,
        enable_bit: int | None = None,
    ) -> None:
        """autopush, autopull: thresholds that switch them on; 0: off, with push_threshold, pull_threshold."""
        fixed = round(divider * 256)
        execctrl = (
            side_optional << 30
            | side_dirs << 29
            | jmp_pin << 24
            | (enable_bit or 0) << 19
            | (enable_bit is not None) << 18
            | sticky << 17
            | wrap[1] << 12
            | wrap[0] << 7
            | status[0] << 4
            | status[1]
        )
        shiftctrl = (
            join_rx << 31
            | join_tx << 30
            | ((autopull or pull_threshold) & 31) << 25
            | ((autopush or push_threshold) & 31) << 20
            | out_right << 19
            | in_right << 18
            | bool(autopull) << 17
            | bool(autopush) << 16
        )
        pinctrl = side[1] << 29 | set_pins[1] << 26 | out_pins[1] << 20 | in_base << 15
        pinctrl |= side[0] << 10 | set_pins[0] << 5 | out_pins[0]
        self.write(self.sm(number, CLKDIV), (fixed & 0xFFFFFF) << 8)
        self.write(self.sm(number, EXECCTRL), execctrl)
        self.write(self.sm(number, SHIFTCTRL), shiftctrl)
        self.write(self.sm(number, PINCTRL), pinctrl)

    def start(self, machines: int = 1) -> None:
        """Enable machines (a mask) with their dividers restarted."""
        self.write(CTRL, machines | machines << 8)

    def stop(self) -> None:
        self.write(CTRL, 0)

    def execute(self, instruction: int, number: int = 0) -> None:
        """Through SMx_INSTR; takes a cycle."""
        self.write(self.sm(number, INSTR), instruction)
        self.run(1)

    def state(self, number: int = 0) -> PioState:
        return self.machine.pio_state(self.block, number)

    def select(self, *pins: int, function: int | None = None, control: int = 0) -> None:
        """FUNCSEL of pins: this block's; with overrides in `control`."""
        for pin in pins:
            self.machine.bus_write(IO_BANK0 + 8 * pin + 4, (self.function if function is None else function) | control)

    def drive(self, pins: int, levels: int) -> None:
        """From outside."""
        self.machine.set_external(pins, levels, pins)

    def pads(self) -> int:
        return self.machine.pin_levels()
