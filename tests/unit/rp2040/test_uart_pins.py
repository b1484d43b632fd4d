"""A UART's bits at its pins, and what the other UART makes of them over a jumper wire."""

from __future__ import annotations

import pytest

from renode_pico.rp2040.uart_pins import Frame
from tests.unit.rp2040.chip_bench import Bench, Registers
from tests.unit.rp2040.test_uart import (
    CHARACTER_S,
    CR,
    DR,
    FR,
    IBRD,
    LCR_H,
    ON,
    RIS,
    RSR,
    RXFE,
    UART1,
    Uart0,
)

IO_BANK0, FUNCSEL_UART, FUNCSEL_SIO = 0x4001_4000, 2, 5
BIT_S = CHARACTER_S / 10
TX0, RX1 = 0, 5


class Pair:
    """UART0's TX at GPIO0, wired to UART1's RX at GPIO5."""

    def __init__(self) -> None:
        self.bench = bench = Bench()
        self.uart0 = Uart0(bench)
        self.uart1 = Registers(bench, UART1)
        self.uart0.set_up()
        self.uart1[IBRD], self.uart1[IBRD + 4], self.uart1[LCR_H], self.uart1[CR] = 67, 52, 0x70, ON
        self.select(TX0, FUNCSEL_UART)
        bench.chip.wires.connect(TX0, RX1)
        self.select(RX1, FUNCSEL_UART)

    def select(self, pin: int, function: int) -> None:
        self.bench[IO_BANK0 + 8 * pin + 4] = function


@pytest.mark.parametrize(
    ("control", "value", "bits"),
    [
        (0x70, 0x55, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]),
        (0x76, 0x01, [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
        (0x72, 0x01, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (0xF2, 0x00, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
        (0xF6, 0xFF, [0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]),
        (0x18, 0x1F, [0, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_frames(control: int, value: int, bits: list[int]) -> None:
    assert Frame(control).bits(value) == bits


def test_edges_at_a_watched_pin_are_where_they_belong() -> None:
    bench = Bench()
    uart = Uart0(bench)
    uart.set_up()
    edges: list[tuple[float, int]] = []
    bench[IO_BANK0 + 4] = FUNCSEL_UART
    assert bench.machine.pin_levels() & 1, "idle is high"
    bench.chip.pins.watch(lambda changed, levels: edges.append((bench.now, levels & 1)), 1)
    start = bench.now
    uart[DR] = 0x0F
    uart.run(1.1)
    assert [level for _, level in edges] == [0, 1, 0, 1]
    assert [time - start for time, _ in edges] == pytest.approx([0, BIT_S, 5 * BIT_S, 9 * BIT_S], abs=2e-8)


def test_nothing_moves_where_nobody_listens() -> None:
    bench = Bench()
    uart = Uart0(bench)
    uart.set_up()
    bench[IO_BANK0 + 4] = FUNCSEL_UART
    uart[DR] = 0x00
    uart.run(0.5)
    assert bench.machine.pin_levels() & 1
    uart.run(0.6)
    assert uart.text() == b"\x00"


def test_the_other_uart_hears_it_over_a_wire() -> None:
    pair = Pair()
    text = bytes(range(0, 256, 9))
    for value in text:
        pair.uart0[DR] = value
    pair.uart0.run(0.9)
    assert pair.uart1[FR] & RXFE
    pair.uart0.run(len(text) + 1)
    assert bytes(pair.uart1[DR] for _ in text) == text
    assert pair.uart1[FR] & RXFE
    assert pair.uart0.text() == text


def test_what_does_not_agree_is_told() -> None:
    pair = Pair()
    pair.uart0[LCR_H] = 0x72  # odd
    pair.uart1[LCR_H] = 0x76  # even
    pair.uart0[DR] = 0x41
    pair.uart0.run(2)
    assert pair.uart1[DR] == 0x200 | 0x41, "parity"
    pair.uart0[LCR_H], pair.uart1[LCR_H] = 0x70, 0x50
    pair.uart0[DR] = 0x01
    pair.uart0.run(2)
    assert pair.uart1[DR] == 0x100 | 0x01, "seven bits and a stop bit that is the eighth: framing"
    assert pair.uart1[RSR] == 1


def test_a_break_is_one_character() -> None:
    pair = Pair()
    pair.uart0[LCR_H] = 0x71
    pair.uart0.run(20)
    pair.uart0[LCR_H] = 0x70
    pair.uart0.run(2)
    assert pair.uart1[DR] == 0x500
    assert pair.uart1[FR] & RXFE
    pair.uart0[DR] = 0x41
    pair.uart0.run(2)
    assert pair.uart1[DR] == 0x41


@pytest.mark.parametrize("off", [ON & ~1, ON & ~(1 << 9)])
def test_a_break_that_began_while_the_receiver_was_off_is_heard_once(off: int) -> None:
    """As when both are one UART, which the SDK disables to begin its break. It is over when the line was high."""
    pair = Pair()
    pair.uart1[CR] = off
    pair.uart0[LCR_H] = 0x71
    pair.uart0.run(3)
    for control in (ON, off, ON):
        pair.uart1[CR] = control
        pair.uart0.run(20)
    assert pair.uart1[DR] == 0x500
    assert pair.uart1[FR] & RXFE
    pair.uart0[LCR_H] = 0x70
    pair.uart0.run(2)
    pair.uart0[DR] = 0x41
    pair.uart0.run(2)
    assert pair.uart1[DR] == 0x41


def test_what_was_low_and_is_high_again_when_the_receiver_is_switched_on_is_nothing() -> None:
    pair = Pair()
    pair.uart1[CR] = ON & ~1
    pair.uart0[DR] = 0x41
    pair.uart0.run(2)
    pair.uart1[CR] = ON
    pair.uart0.run(2)
    assert pair.uart1[FR] & RXFE


def test_a_spike_is_no_character() -> None:
    pair = Pair()
    machine = pair.bench.machine
    for level in (1, 0, 1):
        machine.set_external(1 << RX1, level << RX1, 1 << RX1)
        pair.bench.run(BIT_S / 5)
    pair.uart0.run(2)
    assert pair.uart1[FR] & RXFE
    assert pair.uart1[RIS] == 0


def test_a_pin_that_is_no_longer_the_receivers_is_not_heard() -> None:
    pair = Pair()
    pair.select(RX1, FUNCSEL_SIO)
    pair.uart0[DR] = 0x41
    pair.uart0.run(2)
    assert pair.uart1[FR] & RXFE


def test_a_state_machine_of_pio_hears_it_on_the_same_pin() -> None:
    """The datasheet's UART receiver (3.6.4), eight cycles a bit, listening at the very pin that the UART drives."""
    bench = Bench()
    uart = Uart0(bench)
    uart.set_up()
    bench[IO_BANK0 + 4] = FUNCSEL_UART
    pio = Registers(bench, 0x5020_0000)
    program = (
        0x2020,  # wait 0 pin 0
        0xEA27,  # set x, 7 [10]
        0x4001,  # in pins, 1
        0x0642,  # jmp x-- 2 [6]
    )
    for number, instruction in enumerate(program):
        pio[0x48 + 4 * number] = instruction
    pio[0xCC] = 3 << 12  # SM0_EXECCTRL: wraps from 3 to 0
    pio[0xD0] = 1 << 18 | 1 << 16 | 8 << 20  # SM0_SHIFTCTRL: to the right, autopush at 8
    divisor = round(67.8125 * 16 / 8 * 256)
    pio[0xC8] = divisor << 8
    pio[0x00] = 1
    text = b"PIO hears"
    received = bytearray()
    for value in text:
        uart[DR] = value
        uart.run(1.2)
        while not pio[0x04] >> 8 & 1:  # FSTAT.RXEMPTY
            received.append(pio[0x20] >> 24)
    assert bytes(received) == text
