"""PIO of the embedded engine, feature by feature (RP2040 datasheet, chapter 3)."""

from __future__ import annotations

import pytest

from renode_pico.core.machine import Machine
from tests.unit.core.pio_bench import (
    ADDR,
    ALWAYS,
    BYPASS,
    CFGINFO,
    CLEAR,
    CLKDIV,
    CTRL,
    EXEC,
    EXECCTRL,
    FDEBUG,
    FLEVEL,
    FSTAT,
    GPIO,
    INSTR,
    INTR,
    IRQ,
    IRQ0_INTE,
    IRQ0_INTF,
    IRQ0_INTS,
    IRQ1_INTE,
    IRQ1_INTS,
    IRQ_FORCE,
    ISR,
    MOV_EXEC,
    NOP,
    NOT_OSRE,
    NOT_X,
    NOT_Y,
    NULL,
    OSR,
    PADOE,
    PADOUT,
    PC,
    PIN,
    PINCTRL,
    PINDIRS,
    PINS,
    RXF0,
    SET,
    SHIFTCTRL,
    STATUS,
    TXF0,
    WAIT_IRQ,
    WAIT_PIN,
    X_DEC,
    X_NE_Y,
    XOR,
    Y_DEC,
    PioBench,
    X,
    Y,
    delay,
    in_,
    irq,
    jmp,
    mov,
    out,
    pull,
    push,
    set_,
    wait,
)  # fmt: skip


@pytest.fixture(params=[0, 1], ids=["pio0", "pio1"])
def pio(request: pytest.FixtureRequest) -> PioBench:
    return PioBench(request.param)


# Registers


def test_reset_values(pio: PioBench) -> None:
    assert pio.read(CTRL) == 0
    assert pio.read(FSTAT) == 0x0F000F00
    assert pio.read(CFGINFO) == 0x00200404
    for number in range(4):
        assert pio.read(pio.sm(number, CLKDIV)) == 0x00010000
        assert pio.read(pio.sm(number, EXECCTRL)) == 0x0001F000
        assert pio.read(pio.sm(number, SHIFTCTRL)) == 0x000C0000
        assert pio.read(pio.sm(number, PINCTRL)) == 0x14000000


def test_registers_keep_the_bits_they_have(pio: PioBench) -> None:
    for register, bits in [
        (CLKDIV, 0xFFFFFF00),
        (EXECCTRL, 0x7FFFFF9F),
        (SHIFTCTRL, 0xFFFF0000),
        (PINCTRL, 0xFFFFFFFF),
    ]:
        pio.write(pio.sm(2, register), 0xFFFFFFFF)
        assert pio.read(pio.sm(2, register)) == bits
    pio.write(IRQ0_INTE, 0xFFFFFFFF)
    assert pio.read(IRQ0_INTE) == 0xFFF


def test_aliases(pio: PioBench) -> None:
    pio.write(CTRL | SET, 0b0101)
    assert pio.read(CTRL) == 0b0101
    pio.write(CTRL | XOR, 0b0110)
    assert pio.read(CTRL) == 0b0011
    pio.write(CTRL | CLEAR, 0b0001)
    assert pio.read(CTRL) == 0b0010


def test_instruction_memory_is_write_only_and_instr_shows_where_a_machine_is(pio: PioBench) -> None:
    pio.load([jmp(1), NOP, jmp(0)])
    assert pio.read(0x48) == 0
    assert pio.read(INSTR) == jmp(1)
    pio.start()
    pio.run(2)
    assert (pio.read(ADDR), pio.read(INSTR)) == (2, jmp(0))


# JMP


@pytest.mark.parametrize(
    ("condition", "x", "y", "taken"),
    [
        (ALWAYS, 0, 0, True), (NOT_X, 0, 1, True), (NOT_X, 1, 0, False), (X_DEC, 1, 0, True), (X_DEC, 0, 0, False),
        (NOT_Y, 1, 0, True), (NOT_Y, 0, 1, False), (Y_DEC, 0, 1, True), (Y_DEC, 0, 0, False), (X_NE_Y, 1, 2, True),
        (X_NE_Y, 2, 2, False), (PIN, 0, 0, False), (NOT_OSRE, 0, 0, False),
    ],
)  # fmt: skip
def test_jmp(pio: PioBench, condition: int, x: int, y: int, taken: bool) -> None:
    pio.load([set_(X, x), set_(Y, y), jmp(9, condition)])
    pio.start()
    pio.run(3)
    assert pio.state().pc == (9 if taken else 3)
    assert pio.state().x == (x - (condition == X_DEC)) & 0xFFFFFFFF
    assert pio.state().y == (y - (condition == Y_DEC)) & 0xFFFFFFFF


def test_jmp_not_osre_compares_with_the_pull_threshold(pio: PioBench) -> None:
    pio.configure(pull_threshold=8)
    pio.load([mov(OSR, NULL), jmp(4, NOT_OSRE)])
    pio.load([out(NULL, 7), jmp(7, NOT_OSRE)], at=4)
    pio.load([out(NULL, 1), jmp(0, NOT_OSRE), jmp(9)], at=7)
    pio.start()
    pio.run(6)
    assert pio.state().pc == 9
    assert pio.state().osr_count == 8


def test_jmp_pin_looks_at_a_gpio_whatever_in_base_says(pio: PioBench) -> None:
    pio.configure(jmp_pin=21, in_base=5)
    pio.load([jmp(0, PIN), set_(X, 1)])
    pio.drive(1 << 21, 1 << 21)
    pio.start()
    pio.run(10)
    assert pio.state().pc == 0
    pio.drive(1 << 21, 0)
    pio.run(5)
    assert pio.state().x == 1


def test_a_jump_at_wrap_top_that_is_not_taken_wraps(pio: PioBench) -> None:
    pio.configure(wrap=(3, 1))
    pio.load([NOP, jmp(9, NOT_Y)])
    pio.execute(set_(Y, 1))
    pio.start()
    pio.run(2)
    assert pio.state().pc == 3


def test_after_address_31_comes_0(pio: PioBench) -> None:
    pio.configure(wrap=(5, 7))
    pio.load([NOP] * 32)
    pio.execute(jmp(31))
    pio.start()
    pio.run(1)
    assert pio.state().pc == 0


# WAIT and the input synchronisers


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize(("source", "index", "pin"), [(GPIO, 17, 17), (WAIT_PIN, 20, 29), (WAIT_PIN, 31, 8)])
def test_wait_for_a_pin_goes_on_two_cycles_after_it(
    pio: PioBench, level: int, source: int, index: int, pin: int
) -> None:
    pio.configure(in_base=9)
    pio.load([wait(level, source, index), set_(X, 1)])
    pio.drive(1 << pin, (1 - level) << pin)
    pio.run(5)
    pio.start()
    pio.run(1000)
    pio.drive(1 << pin, level << pin)
    pio.run(2)
    assert pio.state().pc == 0
    pio.run(1)
    assert pio.state().pc == 1


def test_a_bypassed_synchroniser_shows_a_pin_at_once(pio: PioBench) -> None:
    pio.load([wait(1, GPIO, 3), set_(X, 1)])
    pio.write(BYPASS, 1 << 3)
    assert pio.read(BYPASS) == 1 << 3
    pio.start()
    pio.run(50)
    pio.drive(1 << 3, 1 << 3)
    pio.run(1)
    assert pio.state().pc == 1


def test_a_pulse_of_one_cycle_is_seen_in_one_cycle(pio: PioBench) -> None:
    pio.load([in_(PINS, 1)])
    pio.configure(wrap=(0, 0), in_right=False)
    pio.start()
    pio.run(40)
    pio.drive(1, 1)
    pio.run(1)
    pio.drive(1, 0)
    pio.run(4)
    assert pio.state().isr == 0b100


# IN and OUT


@pytest.mark.parametrize(("right", "isr"), [(True, 0xB << 28 | 0x7 << 24), (False, 0x7B)])
def test_in_shifts_either_way(pio: PioBench, right: bool, isr: int) -> None:
    pio.configure(in_right=right)
    pio.load([set_(X, 7), in_(X, 4), set_(X, 0x1B), in_(X, 4)])
    pio.start()
    pio.run(4)
    assert (pio.state().isr, pio.state().isr_count) == (isr, 8)


@pytest.mark.parametrize("right", [True, False])
def test_in_of_32_bits_replaces_and_the_count_saturates(pio: PioBench, right: bool) -> None:
    pio.configure(in_right=right)
    pio.load([mov(X, NULL, 1), in_(X, 20), in_(X, 20), in_(NULL, 32)])
    pio.start()
    pio.run(3)
    assert pio.state().isr_count == 32
    pio.run(1)
    assert (pio.state().isr, pio.state().isr_count) == (0, 32)


def test_in_pins_turns_by_in_base(pio: PioBench) -> None:
    pio.configure(in_base=28, in_right=False)
    pio.load([in_(PINS, 8)])
    pio.drive(0x3FFFFFFF, 1 << 28 | 1 << 2)
    pio.run(4)
    pio.start()
    pio.run(1)
    assert pio.state().isr == 1 << 0 | 1 << 6  # GPIO28, and GPIO2 behind 30 and 31, which read 0


def test_in_from_isr_and_osr(pio: PioBench) -> None:
    pio.configure(in_right=False)
    pio.load([pull(), in_(OSR, 8), in_(ISR, 4)])
    pio.write(TXF0, 0x1234)
    pio.start()
    pio.run(3)
    assert pio.state().isr == 0x344


@pytest.mark.parametrize(("right", "x", "osr"), [(True, 0x78, 0x123456), (False, 0x12, 0x34567800)])
def test_out_shifts_either_way(pio: PioBench, right: bool, x: int, osr: int) -> None:
    pio.configure(out_right=right)
    pio.load([pull(), out(X, 8)])
    pio.write(TXF0, 0x12345678)
    pio.start()
    pio.run(2)
    assert (pio.state().x, pio.state().osr, pio.state().osr_count) == (x, osr, 8)


def test_out_isr_sets_its_count_and_mov_clears_it(pio: PioBench) -> None:
    pio.load([pull(), out(ISR, 12), mov(ISR, OSR), mov(OSR, NULL)])
    pio.write(TXF0, 0xFEDCBA98)
    pio.start()
    pio.run(2)
    assert (pio.state().isr, pio.state().isr_count) == (0xA98, 12)
    pio.run(1)
    assert (pio.state().isr, pio.state().isr_count) == (0xFEDCB, 0)
    pio.run(1)
    assert pio.state().osr_count == 0


def test_out_pc_and_mov_pc(pio: PioBench) -> None:
    pio.load([pull(), out(PC, 8)])
    pio.load([set_(X, 21), mov(PC, X)], at=0x11)
    pio.write(TXF0, 0xF1)
    pio.start()
    pio.run(2)
    assert pio.state().pc == 0x11
    pio.run(2)
    assert pio.state().pc == 21


def test_pins_and_directions(pio: PioBench) -> None:
    pio.configure(out_pins=(28, 6), set_pins=(4, 3))
    pio.load([pull(), out(PINS, 32), out(NULL, 1), mov(3, NULL), set_(PINS, 0x1D), set_(PINDIRS, 2), mov(PINS, NULL)])
    pio.write(TXF0, 0b111101)
    pio.start()
    pio.run(2)
    assert pio.read(PADOUT) == 1 << 28 | 3  # bits 30 and 31 are hardwired to 0
    pio.run(2)
    assert pio.read(PADOE) == 0  # MOV PINDIRS is not on this chip
    pio.run(1)
    assert pio.read(PADOUT) == 1 << 28 | 3 | 5 << 4
    pio.run(1)
    assert pio.read(PADOE) == 2 << 4
    pio.run(1)
    assert pio.read(PADOUT) == 5 << 4


# PUSH, PULL and the FIFOs


def test_a_word_goes_through(pio: PioBench) -> None:
    pio.load([pull(), mov(ISR, OSR), push()])
    pio.configure(wrap=(0, 2))
    pio.start()
    pio.run(100)
    pio.write(TXF0, 1234)
    pio.run(3)
    assert pio.read(RXF0) == 1234
    assert pio.read(FDEBUG) == 1 << 24


@pytest.mark.parametrize(("join", "tx", "rx"), [((0, 0), 4, 4), ((1, 0), 8, 0), ((0, 1), 0, 8), ((1, 1), 0, 0)])
def test_joined_fifos(pio: PioBench, join: tuple[int, int], tx: int, rx: int) -> None:
    pio.configure(join_tx=bool(join[0]), join_rx=bool(join[1]))
    pio.load([set_(X, 0), in_(X, 32), push(), jmp(0)])
    for word in range(9):
        pio.write(TXF0, word)
    assert pio.read(FLEVEL) == tx
    assert pio.read(FDEBUG) == 1 << 16
    assert pio.read(FSTAT) & 0x01010101 == (1 << 16 | (tx == 0) << 24 | 1 << 8 | (rx == 0))
    pio.start()
    pio.run(100)
    assert pio.read(FLEVEL) == tx | rx << 4
    assert pio.read(FDEBUG) == 1 << 16 | 1
    assert pio.read(FSTAT) & 0x0101 == 1 | (rx == 0) << 8


def test_a_change_of_join_flushes(pio: PioBench) -> None:
    pio.write(TXF0, 1)
    pio.configure(join_tx=True)
    assert pio.read(FLEVEL) == 0


def test_fifos_keep_their_order_and_reading_an_empty_one_is_an_underflow(pio: PioBench) -> None:
    pio.load([pull(), mov(ISR, OSR), push()])
    pio.configure(wrap=(0, 2))
    pio.start()
    for turn in range(3):
        for word in range(4):
            pio.write(TXF0, 10 * turn + word)
        pio.run(20)
        assert [pio.read(RXF0) for _ in range(4)] == [10 * turn + word for word in range(4)]
    pio.write(FDEBUG, 0xFFFFFFFF)
    pio.read(RXF0)
    assert pio.read(FDEBUG) & 0x0F00 == 0x0100
    assert pio.read(FLEVEL) == 0


def test_stall_flags_come_back_while_the_machine_stalls(pio: PioBench) -> None:
    pio.load([pull()])
    pio.start()
    pio.run(10)
    assert pio.read(FDEBUG) == 1 << 24
    pio.write(FDEBUG, 1 << 24)
    assert pio.read(FDEBUG) == 0
    pio.run(1)
    assert pio.read(FDEBUG) == 1 << 24


def test_pull_that_does_not_block_takes_x(pio: PioBench) -> None:
    pio.load([set_(X, 9), out(NULL, 3), pull(block=False)])
    pio.start()
    pio.run(3)
    assert (pio.state().osr, pio.state().osr_count) == (9, 0)
    assert pio.read(FDEBUG) == 0


def test_push_that_does_not_block_loses_the_word(pio: PioBench) -> None:
    pio.load([set_(X, 5), in_(X, 32), push(block=False)])
    pio.configure(wrap=(1, 2))
    pio.start()
    pio.run(1 + 8)
    assert pio.read(FDEBUG) == 0
    pio.run(2)
    assert pio.read(FDEBUG) == 1
    assert (pio.state().isr, pio.state().isr_count, pio.state().pc) == (0, 0, 1)


def test_iffull_and_ifempty(pio: PioBench) -> None:
    pio.configure(push_threshold=8, pull_threshold=8)
    pio.load([pull(ifempty=True), out(NULL, 4), pull(ifempty=True), out(NULL, 4), pull(ifempty=True)])
    pio.load([in_(X, 4), push(iffull=True), in_(X, 4), push(iffull=True)], at=5)
    pio.write(TXF0, 1)
    pio.write(TXF0, 2)
    pio.start()
    pio.run(9)
    assert pio.read(FLEVEL) == 1 << 4
    assert pio.state().osr == 2


# Autopush, autopull


def test_autopush_pushes_in_the_same_cycle_and_stalls_when_full(pio: PioBench) -> None:
    pio.configure(autopush=8, in_right=False, wrap=(0, 0))
    pio.load([in_(PINS, 8)])
    pio.drive(0xFF, 0x5A)
    pio.run(3)
    pio.start()
    pio.run(4)
    assert pio.read(FLEVEL) == 4 << 4
    assert pio.read(FDEBUG) == 0
    pio.run(1)
    assert pio.read(FDEBUG) == 1
    pio.run(50)
    pio.drive(0xFF, 0xA5)
    pio.run(50)
    words = [pio.read(RXF0) for _ in range(4)]
    pio.run(1)
    assert words == [0x5A] * 4
    assert pio.read(RXF0) == 0xA5  # sampled when it went, not when it stalled


def test_autopull_as_in_the_datasheet(pio: PioBench) -> None:
    """Figure 50: OUT and IN of 32 bits, a word in two cycles, two cycles from the FIFO to X."""
    pio.configure(autopull=32, autopush=32, wrap=(0, 1))
    pio.load([out(X, 32), in_(X, 32)])
    pio.start()
    pio.run(10)
    assert pio.read(FDEBUG) == 1 << 24
    for word in (1, 2, 3):
        pio.write(TXF0, word)
    pio.run(1)
    assert (pio.state().osr, pio.state().osr_count, pio.state().pc) == (1, 0, 0)
    pio.run(1)
    assert (pio.state().x, pio.state().osr, pio.state().osr_count, pio.state().pc) == (1, 2, 0, 1)
    pio.run(1)
    assert pio.read(RXF0) == 1
    pio.run(4)
    assert [pio.read(RXF0) for _ in range(2)] == [2, 3]


def test_autopull_fetches_while_other_instructions_run_or_wait(pio: PioBench) -> None:
    pio.configure(autopull=32, wrap=(0, 0))
    pio.load([delay(NOP, 31)])
    pio.start()
    pio.run(5)
    pio.write(TXF0, 7)
    pio.run(1)
    assert pio.read(FLEVEL) == 0
    assert (pio.state().osr, pio.state().delay) == (7, 27 - 1)


def test_pull_with_autopull_is_a_fence(pio: PioBench) -> None:
    pio.configure(autopull=32)
    pio.load([pull(), out(X, 16), pull(), out(Y, 16)])
    pio.write(TXF0, 0xBBBBAAAA)
    pio.start()
    pio.run(5)
    assert (pio.state().x, pio.state().y) == (0xAAAA, 0xBBBB)


def test_mov_to_osr_is_not_overwritten(pio: PioBench) -> None:
    pio.configure(autopull=32)
    pio.load([set_(X, 3), mov(OSR, X), NOP, NOP])
    pio.start()
    pio.run(1)
    pio.execute(NOP)
    pio.run(3)
    pio.write(TXF0, 99)
    pio.run(2)
    assert pio.state().osr == 3
    assert pio.read(FLEVEL) == 1


# MOV


@pytest.mark.parametrize(("operation", "result"), [(0, 0x13), (1, 0xFFFFFFEC), (2, 0xC8000000)])
def test_mov_operations(pio: PioBench, operation: int, result: int) -> None:
    pio.load([set_(X, 0x13), mov(Y, X, operation)])
    pio.start()
    pio.run(2)
    assert pio.state().y == result


@pytest.mark.parametrize(
    ("fifo", "level", "below", "result"), [(0, 2, 2, 0), (0, 1, 2, 0xFFFFFFFF), (1, 2, 2, 0), (1, 1, 2, 0xFFFFFFFF)]
)
def test_mov_status(pio: PioBench, fifo: int, level: int, below: int, result: int) -> None:
    pio.configure(status=(fifo, below))
    pio.load([mov(Y, STATUS)])
    for _ in range(level):
        if fifo:
            pio.execute(push())
        else:
            pio.write(TXF0, 1)
    pio.start()
    pio.run(1)
    assert pio.state().y == result


# IRQ


def test_irq_flags_set_clear_and_relative(pio: PioBench) -> None:
    pio.load([irq(6, rel=True), irq(1, rel=True), irq(7), irq(7, clear=True)])
    pio.start(0b1000)  # machine 3: 6 rel is 5, 1 rel is 0
    pio.run(3)
    assert pio.read(IRQ) == 1 << 5 | 1 << 0 | 1 << 7
    pio.run(1)
    assert pio.read(IRQ) == 1 << 5 | 1 << 0
    pio.write(IRQ_FORCE, 1 << 4)
    assert pio.read(IRQ) == 1 << 5 | 1 << 4 | 1
    pio.write(IRQ, 0x30)
    assert pio.read(IRQ) == 1


def test_irq_wait_stands_until_it_is_acknowledged_and_then_delays(pio: PioBench) -> None:
    pio.load([delay(irq(2, wait=True), 3), set_(X, 1)])
    pio.start()
    pio.run(500)
    assert (pio.read(IRQ), pio.state().pc) == (4, 0)
    pio.write(IRQ, 4)
    pio.run(1)
    assert (pio.state().pc, pio.state().delay) == (1, 3)
    pio.run(3)
    assert pio.state().x == 0
    pio.run(1)
    assert pio.state().x == 1


def test_wait_for_a_flag_clears_it_and_two_machines_pass_in_turn(pio: PioBench) -> None:
    pio.load([wait(1, WAIT_IRQ, 4), irq(5), jmp(0)])
    pio.load([irq(4), wait(1, WAIT_IRQ, 5), in_(X, 1), jmp(8)], at=8)
    pio.configure(1)
    pio.execute(jmp(8), 1)
    pio.start(0b11)
    pio.run(1)
    assert pio.read(IRQ) == 1 << 4
    pio.run(1)
    assert (pio.read(IRQ), pio.state(0).pc) == (0, 1)
    pio.run(1)
    assert (pio.read(IRQ), pio.state(1).pc) == (1 << 5, 9)
    pio.run(1)
    assert (pio.read(IRQ), pio.state(1).pc) == (0, 10)
    pio.run(6 * 10)
    assert pio.state(1).isr_count == 10


def test_wait_0_irq_does_not_clear(pio: PioBench) -> None:
    pio.load([wait(0, WAIT_IRQ, 3), set_(X, 1)])
    pio.write(IRQ_FORCE, 8)
    pio.start()
    pio.run(20)
    assert pio.state().pc == 0
    pio.write(IRQ, 8)
    pio.run(1)
    assert pio.state().pc == 1


def test_interrupt_lines(pio: PioBench) -> None:
    pio.load([irq(1), jmp(1)])
    assert pio.read(INTR) == 0x0F0
    pio.write(IRQ0_INTE, 1 << 9 | 1 << 2)
    pio.write(IRQ1_INTE, 1 << 7)
    assert (pio.read(IRQ0_INTS), pio.read(IRQ1_INTS)) == (0, 1 << 7)
    pio.start(0b1)
    pio.run(1)
    assert pio.read(IRQ0_INTS) == 1 << 9
    pio.execute(push(), 2)
    assert pio.read(IRQ0_INTS) == 1 << 9 | 1 << 2
    assert pio.read(INTR) == 0x2F4
    pio.write(IRQ0_INTF, 1)
    assert pio.read(IRQ0_INTS) == 1 << 9 | 1 << 2 | 1
    for number in range(4):
        pio.write(TXF0 + 12, number)
    assert pio.read(IRQ1_INTS) == 0


# Side-set, delay, EXEC


def test_side_set_happens_at_once_even_on_a_stall(pio: PioBench) -> None:
    pio.configure(side=(8, 2), wrap=(0, 1))
    pio.load([pull() | 0b10 << 11, NOP | 0b01 << 11])
    pio.start()
    pio.run(1)
    assert pio.read(PADOUT) == 2 << 8
    pio.write(TXF0, 0)
    pio.run(2)
    assert pio.read(PADOUT) == 1 << 8


def test_optional_side_set_and_directions(pio: PioBench) -> None:
    pio.configure(side=(29, 3), side_optional=True, side_dirs=True)
    pio.load([NOP | 0b111 << 10, delay(NOP | 0b000 << 10, 3), NOP | 0b100 << 10])
    pio.start()
    pio.run(1)
    assert pio.read(PADOE) == 1 << 29  # and the place of GPIO30, which is not there
    pio.run(1)
    assert (pio.read(PADOE), pio.state().delay) == (1 << 29, 3)
    pio.run(4)
    assert pio.read(PADOE) == 0


def test_side_set_wins_over_set_and_the_higher_machine_over_the_lower(pio: PioBench) -> None:
    pio.load([set_(PINS, 0b00) | 1 << 12, set_(PINS, 0b11), set_(PINS, 0b00)])
    pio.configure(0, set_pins=(0, 2), side=(0, 1), wrap=(0, 0))
    for number in (1, 2):
        pio.configure(number, set_pins=(0, 2))
    pio.start(0b0001)
    pio.run(1)
    assert pio.read(PADOUT) == 0b01
    pio.execute(jmp(1), 1)
    pio.execute(jmp(2), 2)
    pio.start(0b0011)
    pio.run(1)
    assert pio.read(PADOUT) == 0b11
    pio.execute(jmp(1), 1)
    pio.start(0b0111)
    pio.run(1)
    assert pio.read(PADOUT) == 0b00


def test_delays(pio: PioBench) -> None:
    pio.configure(set_pins=(0, 1), wrap=(0, 1), side=(4, 2))
    pio.load([delay(set_(PINS, 1), 7), delay(set_(PINS, 0), 2)])
    pio.start()
    levels = []
    for _ in range(22):
        pio.run(1)
        levels.append(pio.read(PADOUT) & 1)
    assert levels == ([1] * 8 + [0] * 3) * 2


def test_out_exec_and_mov_exec(pio: PioBench) -> None:
    pio.load([pull(), delay(out(EXEC, 16), 5), set_(Y, 1), mov(X, OSR), delay(mov(MOV_EXEC, X), 9), set_(Y, 2)])
    pio.write(TXF0, jmp(31) << 16 | delay(set_(X, 29), 4))
    pio.start()
    pio.run(2)
    assert (pio.state().pc, pio.state().delay) == (2, 0)
    pio.run(1)
    assert (pio.state().x, pio.state().pc, pio.state().delay) == (29, 2, 4)
    pio.run(5)
    assert (pio.state().y, pio.state().pc) == (1, 3)
    pio.run(2)
    assert pio.state().pc == 5
    pio.run(1)
    assert pio.state().pc == 31
    assert pio.state().y == 1


def test_instr_is_executed_at_once_whatever_the_divider_and_without_its_delay(pio: PioBench) -> None:
    pio.configure(divider=60000)
    pio.execute(delay(set_(X, 3), 31))
    assert (pio.state().x, pio.state().delay, pio.state().pc) == (3, 0, 0)


def test_instr_does_not_move_the_pc_and_the_program_goes_on(pio: PioBench) -> None:
    pio.load([set_(Y, 0), set_(Y, 1), set_(Y, 2), set_(Y, 3)])
    pio.start()
    pio.run(2)
    pio.execute(set_(X, 5))
    assert (pio.state().x, pio.state().y, pio.state().pc) == (5, 1, 2)
    pio.run(1)
    assert (pio.state().y, pio.state().pc) == (2, 3)


def test_an_instruction_that_stalls_in_instr_stays_until_it_is_done(pio: PioBench) -> None:
    pio.load([set_(Y, 1), jmp(1)])
    pio.start()
    pio.execute(pull())
    assert pio.read(EXECCTRL) >> 31 == 1
    pio.run(100)
    assert (pio.read(EXECCTRL) >> 31, pio.state().pc) == (1, 0)
    pio.write(TXF0, 77)
    pio.run(1)
    assert (pio.read(EXECCTRL) >> 31, pio.state().osr, pio.state().pc) == (0, 77, 0)
    pio.run(1)
    assert pio.state().y == 1


def test_a_stalled_instr_is_replaced_by_another_and_dropped_by_a_restart(pio: PioBench) -> None:
    pio.execute(pull())
    pio.execute(NOP)
    pio.write(CTRL, 1 << 4)
    assert pio.read(EXECCTRL) >> 31 == 0
    pio.execute(push())
    assert pio.read(EXECCTRL) >> 31 == 0


def test_a_disabled_machine_finishes_what_was_written_to_instr(pio: PioBench) -> None:
    pio.execute(pull())
    pio.write(TXF0, 5)
    pio.run(1)
    assert (pio.state().osr, pio.read(EXECCTRL) >> 31, pio.state().pc) == (5, 0, 0)


def test_restart(pio: PioBench) -> None:
    pio.load([set_(X, 9), in_(X, 8), pull(), out(Y, 8), delay(NOP, 20), NOP])
    pio.write(TXF0, 0x1234)
    pio.start()
    pio.run(7)
    before = pio.state()
    assert (before.isr_count, before.osr_count, before.delay) == (8, 8, 18)
    pio.write(CTRL, 1 | 1 << 4)
    after = pio.state()
    assert (after.isr, after.isr_count, after.osr_count, after.delay) == (0, 0, 32, 0)
    assert (after.x, after.y, after.osr, after.pc) == (before.x, before.y, before.osr, before.pc)


# OUT_STICKY, INLINE_OUT_EN


def test_sticky_output_comes_back_after_another_machine_wrote(pio: PioBench) -> None:
    pio.configure(0, set_pins=(0, 2), sticky=True)
    pio.configure(1, set_pins=(0, 1))
    pio.load([set_(PINS, 0b11), jmp(1)])
    pio.start(1)
    pio.run(5)
    assert pio.read(PADOUT) == 0b11
    pio.execute(set_(PINS, 0), 1)
    assert pio.read(PADOUT) == 0b10
    pio.run(1)
    assert pio.read(PADOUT) == 0b11
    pio.write(CTRL, 1 | 1 << 4)
    pio.execute(set_(PINS, 0), 1)
    pio.run(3)
    assert pio.read(PADOUT) == 0b10


@pytest.mark.parametrize("steps", [1, 6])
def test_a_stalled_instruction_holds_its_side_set_against_a_sticky_output(pio: PioBench, steps: int) -> None:
    pio.configure(0, set_pins=(0, 1), side=(0, 1), sticky=True)
    pio.load([set_(PINS, 1), wait(1, WAIT_IRQ, 0)])  # both with side-set 0
    pio.start(1)
    for _ in range(2):
        pio.run(steps)
        assert pio.read(PADOUT) == 0


def test_inline_enable_takes_a_bit_of_the_data(pio: PioBench) -> None:
    pio.configure(0, out_pins=(0, 2), enable_bit=7)
    pio.load([pull(), out(PINS, 8), out(PINS, 8)])
    pio.write(TXF0, 0x0081)
    pio.start()
    pio.run(2)
    assert pio.read(PADOUT) == 1
    pio.run(1)
    assert pio.read(PADOUT) == 1


# Clock dividers


@pytest.mark.parametrize(
    ("divider", "periods"),
    [
        (1, [1] * 8), (2, [2] * 8), (2.5, [2, 2, 3, 2, 3, 2, 3, 2]), (1.75, [1, 1, 2, 2, 2, 1, 2]),
        (3.25, [3, 3, 3, 3, 4, 3, 3, 3, 4, 3, 3]),
    ],
)  # fmt: skip
def test_dividers(pio: PioBench, divider: float, periods: list[int]) -> None:
    """Where the running total of the fraction wraps, the next period is a cycle longer (3.5.5)."""
    pio.configure(divider=divider, wrap=(0, 0))
    pio.load([jmp(0, X_DEC)])
    pio.execute(mov(X, NULL, 1))
    pio.start()
    seen, since, before = [], 0, pio.state().x
    for _ in range(sum(periods)):
        pio.run(1)
        if pio.state().x != before:
            before = pio.state().x
            if since:
                seen.append(since)
            since = 0
        since += 1
    assert seen == periods[: len(seen)]
    assert len(seen) >= len(periods) - 1


def test_divider_0_is_65536(pio: PioBench) -> None:
    pio.write(CLKDIV, 0)
    pio.load([jmp(0, X_DEC)])
    pio.configure(wrap=(0, 0))
    pio.write(CLKDIV, 0)
    pio.execute(mov(X, NULL, 1))
    pio.start()
    pio.run(3 * 65536)
    assert pio.state().x == 0xFFFFFFFF - 3


def test_dividers_run_on_while_a_machine_is_disabled(pio: PioBench) -> None:
    pio.configure(divider=10, wrap=(0, 0))
    pio.load([jmp(0, X_DEC)])
    pio.execute(mov(X, NULL, 1))
    pio.start()
    pio.run(4)
    pio.write(CTRL, 0)
    pio.run(3)
    pio.write(CTRL, 1)
    pio.run(3)
    assert pio.state().x == 0xFFFFFFFE
    pio.run(1)
    assert pio.state().x == 0xFFFFFFFD


def test_clkdiv_restart_puts_machines_in_step(pio: PioBench) -> None:
    pio.load([set_(PINS, 1), set_(PINS, 0)])
    for number in range(4):
        pio.configure(number, divider=7.375, set_pins=(number, 1), wrap=(0, 1))
        pio.write(CTRL | SET, 1 << number)
        pio.run(3)
    pio.write(CTRL, 0)
    for number in range(4):
        pio.execute(jmp(0), number)
    pio.start(0b1111)
    for _ in range(200):
        pio.run(1)
        assert pio.read(PADOUT) & 0xF in (0, 0xF)


# Pins through the IO bank


def test_a_pin_is_driven_where_funcsel_says_so(pio: PioBench) -> None:
    pio.configure(set_pins=(6, 1))
    pio.load([set_(PINDIRS, 1), set_(PINS, 1)])
    pio.start()
    pio.run(2)
    assert pio.pads() & 1 << 6 == 0
    pio.select(6)
    assert pio.pads() & 1 << 6
    pio.select(6, control=1 << 8)  # OUTOVER: inverted
    assert pio.pads() & 1 << 6 == 0
    pio.select(6, control=2 << 12)  # OEOVER: off
    assert pio.pads() & 1 << 6 == 0


def test_machines_of_a_block_see_each_others_pins(pio: PioBench) -> None:
    pio.configure(0, set_pins=(6, 1), wrap=(0, 1))
    pio.configure(1, wrap=(3, 4))
    pio.load([delay(set_(PINS, 1), 9), delay(set_(PINS, 0), 9), NOP, wait(1, GPIO, 6), wait(0, GPIO, 6)])
    pio.select(6)
    pio.execute(set_(PINDIRS, 1))
    pio.execute(jmp(3), 1)
    pio.start(0b11)
    seen = []
    for cycle in range(40):
        pio.run(1)
        if pio.state(1).pc == 4:
            seen.append(cycle)
    # written in cycle 0, at the pad in 1, behind the synchroniser in 3; the machine passes in cycle 3
    assert seen == [*range(3, 13), *range(23, 33)]


def test_the_blocks_see_each_others_pins() -> None:
    machine = Machine()
    first, second = PioBench(0, machine), PioBench(1, machine)
    for sender, listener, pin in ((first, second, 3), (second, first, 4)):
        sender.configure(0, set_pins=(pin, 1), wrap=(0, 1), divider=1.5)
        sender.load([delay(set_(PINS, 1), 3), delay(set_(PINS, 0), 3)])
        sender.select(pin)
        sender.execute(set_(PINDIRS, 1))
        listener.configure(1, wrap=(4, 6))
        listener.load([wait(1, GPIO, pin), wait(0, GPIO, pin), jmp(4, X_DEC), jmp(4)], at=4)
        listener.execute(mov(X, NULL, 1), 1)
        listener.execute(jmp(4), 1)
    first.start(0b11)
    second.start(0b11)
    first.run(12 * 1000 + 6)
    assert 0xFFFFFFFF - first.state(1).x == 1000
    assert 0xFFFFFFFF - second.state(1).x == 1000


def test_a_watched_pin_is_told_in_its_cycle(pio: PioBench) -> None:
    pio.configure(set_pins=(2, 1), wrap=(0, 1), divider=2.5)
    pio.load([delay(set_(PINS, 1), 2), set_(PINS, 0)])
    pio.select(2)
    pio.execute(set_(PINDIRS, 1))
    seen: list[tuple[int, int]] = []
    started = pio.machine.cycles
    pio.machine.pins_changed = lambda changed, levels: seen.append((pio.machine.cycles - started, levels >> 2 & 1))
    pio.machine.watch(1 << 2)
    pio.start()
    pio.run(100)
    # ticks at 0, 2, 4, 7, 9, 12, 14, 17, 19 ...: the first and fourth of four; seen a cycle later
    assert seen[:6] == [(1, 1), (8, 0), (10, 1), (18, 0), (20, 1), (28, 0)]
    assert (len(seen), seen[-1]) == (21, (100, 1))


def test_edges_of_a_pin_nobody_watches_are_latched(pio: PioBench) -> None:
    pio.configure(set_pins=(2, 1), wrap=(0, 1))
    pio.load([set_(PINS, 1), set_(PINS, 0)])
    pio.select(2)
    pio.execute(set_(PINDIRS, 1))
    pio.start()
    pio.run(1000)
    assert (pio.machine.bus_read(0x4001_40F0) or 0) >> 8 & 0xC == 0xC


# Cycles that are not run one by one


TOTAL = 7 * 2_000


def test_what_is_skipped_comes_out_the_same(pio: PioBench) -> None:
    """Counting down, nested loops, fractional dividers: read once at the end, or looked at in each cycle."""
    programs = [
        [set_(Y, 9), jmp(1, X_DEC), delay(jmp(1, Y_DEC), 3), set_(PINS, 1), in_(Y, 3), jmp(0)],
        [delay(jmp(0, X_DEC), 2), set_(PINS, 1)],
        [set_(X, 31), NOP, delay(jmp(1, X_DEC), 5), set_(PINS, 0), jmp(0, Y_DEC), mov(PINS, X)],
    ]
    for program in programs:
        for divider in (1, 1.375, 200.0625):
            states = []
            for steps in (1, 7, TOTAL):
                bench = PioBench(pio.block)
                bench.configure(divider=divider, wrap=(0, len(program) - 1), out_pins=(0, 3))
                bench.load(program)
                bench.execute(mov(X, NULL, 1))
                bench.start()
                for _ in range(0, TOTAL, min(steps, TOTAL)):
                    bench.run(min(steps, TOTAL))
                    if steps < TOTAL:
                        bench.read(FSTAT)
                states.append((bench.state(), bench.read(PADOUT)))
            assert states[0] == states[1] == states[2]
