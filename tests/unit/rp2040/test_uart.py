"""The PL011 of the chip (RP2040 datasheet, 4.2)."""

from __future__ import annotations

import pytest

from renode_pico.rp2040.block import Alias
from tests.unit.rp2040.chip_bench import RESETS, Bench, Registers

UART0, UART1 = 0x4003_4000, 0x4003_8000
DR, RSR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR = (
    0x00, 0x04, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48,
)  # fmt: skip
CTS, RX, TX, RT, FE, PE, BE, OE = 1 << 1, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 10
BUSY, RXFE, TXFF, RXFF, TXFE = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
UARTEN, LBE, RXE_ON, RTSEN, CTSEN, ON = 1 << 0, 1 << 7, 1 << 9, 1 << 14, 1 << 15, 0x301
CHARACTER_S = 10 * 16 * 67.8125 / 125e6
"""8N1 at 115200."""
FUNCSEL_UART = 2


class Uart0(Registers):
    """UART0's registers, and the other end of its wires."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench, UART0)
        self.model = bench.chip.uarts[0]
        self.sent: list[tuple[float, int]] = []
        self.model.on_byte = lambda value: self.sent.append((bench.now, value))
        self.start = bench.now

    def set_up(self) -> None:
        self[IBRD], self[FBRD], self[LCR_H], self[CR] = 67, 52, 0x70, ON

    def run(self, characters: float) -> None:
        self.bench.run(characters * CHARACTER_S)

    def text(self) -> bytes:
        return bytes(value for _, value in self.sent)


@pytest.fixture
def uart() -> Uart0:
    uart = Uart0(Bench())
    uart.set_up()
    return uart


# Sending


def test_characters_take_their_time_one_after_the_other(uart: Uart0) -> None:
    for value in b"AB":
        uart[DR] = value
    assert uart[FR] & BUSY
    uart.run(0.99)
    assert uart.text() == b""
    uart.run(5)
    assert uart.text() == b"AB"
    assert [time - uart.start for time, _ in uart.sent] == pytest.approx([CHARACTER_S, 2 * CHARACTER_S], abs=2e-8)
    assert uart[FR] & (BUSY | TXFE | TXFF) == TXFE


def test_the_fifo_holds_32_characters_beside_the_one_that_is_sent(uart: Uart0) -> None:
    for value in range(33):
        assert not uart[FR] & TXFF
        uart[DR] = value
    assert uart[FR] & TXFF
    uart[DR] = 99
    uart.run(40)
    assert uart.text() == bytes(range(33)), "the 34th had no room"


def test_without_fifo_there_is_room_for_one(uart: Uart0) -> None:
    uart[LCR_H] = 0x60
    uart[DR] = 1
    assert not uart[FR] & TXFF, "it is in the shift register"
    uart[DR] = 2
    assert uart[FR] & TXFF
    uart.run(1.01)
    assert uart[FR] & (TXFF | TXFE) == TXFE
    assert uart[RIS] & TX


@pytest.mark.parametrize(("select", "level"), [(0, 4), (1, 8), (2, 16), (3, 24), (4, 28)])
def test_the_transmit_interrupt_comes_when_the_fifo_falls_to_its_level(uart: Uart0, select: int, level: int) -> None:
    uart[IFLS] = select
    uart[IMSC] = TX
    for value in range(level + 2):
        uart[DR] = value
    assert not uart[RIS] & TX
    assert not uart.model.irq.level
    uart.run(1.01)
    assert uart[MIS] == TX
    assert uart.model.irq.level
    uart[ICR] = TX
    assert not uart.model.irq.level
    uart.run(5)
    assert not uart[RIS] & TX, "it tells of passing through the level, not of being below it"


def test_filling_the_fifo_takes_the_transmit_interrupt_back(uart: Uart0) -> None:
    uart[IFLS] = 0
    for value in range(6):
        uart[DR] = value
    uart.run(1.01)
    assert uart[RIS] & TX
    uart[DR] = 6
    assert not uart[RIS] & TX


def test_a_transmitter_that_is_off_keeps_what_it_has(uart: Uart0) -> None:
    uart[CR] = 0x201
    uart[DR] = 0x41
    uart.run(3)
    assert uart.text() == b""
    uart[CR] = ON
    uart.run(1.01)
    assert uart.text() == b"A"


@pytest.mark.parametrize(("control", "bits"), [(0x10, 7), (0x70, 10), (0x72, 11), (0x78, 11), (0x7E, 12), (0x30, 8)])
def test_the_frame_decides_how_long_a_character_is(uart: Uart0, control: int, bits: int) -> None:
    uart[LCR_H] = control
    uart[DR] = 0xFF
    uart.run(2)
    assert uart.sent[0][0] - uart.start == pytest.approx(CHARACTER_S * bits / 10, abs=2e-8)
    assert uart.sent[0][1] == (1 << 5 + (control >> 5 & 3)) - 1, "narrow words lose their upper bits"


def test_a_new_divisor_counts_from_the_next_write_of_the_line_control(uart: Uart0) -> None:
    uart[IBRD], uart[FBRD] = 135, 40
    assert uart.model.character_ns == pytest.approx(CHARACTER_S * 1e9, abs=2)
    uart[LCR_H] = 0x70
    assert uart.model.character_ns == pytest.approx(2 * CHARACTER_S * 1e9, abs=2)


def test_the_speed_follows_clk_peri(uart: Uart0) -> None:
    uart.bench[0x4000_8048] = 1 << 11 | 4 << 5  # CLK_PERI from the crystal
    assert uart.model.character_ns == pytest.approx(CHARACTER_S * 1e9 * 125 / 12, abs=2)


def test_break(uart: Uart0) -> None:
    seen: list[bool] = []
    uart.model.on_break = seen.append
    uart[LCR_H] = 0x71
    uart[DR] = 0x41
    uart.run(2)
    assert uart.text() == b""
    uart[LCR_H] = 0x70
    uart.run(2)
    assert seen == [True, False]
    assert uart.text() == b"A"


# Receiving


def test_characters_arrive_at_the_programmed_speed(uart: Uart0) -> None:
    uart.model.receive(b"abc")
    uart.run(0.9)
    assert uart[FR] & RXFE
    uart.run(0.2)
    assert not uart[FR] & RXFE
    assert uart[DR] == ord("a")
    assert uart[FR] & RXFE
    uart.run(2)
    assert [uart[DR], uart[DR]] == list(b"bc")
    assert uart[DR] == 0


def test_a_few_characters_are_told_by_the_time_out_and_many_by_their_number(uart: Uart0) -> None:
    uart[IMSC] = RX | RT
    uart[IFLS] = 0
    uart.model.receive(b"xyz")
    uart.run(3.5)
    assert not uart.model.irq.level
    uart.run(3.2)
    assert uart[MIS] == RT
    uart[ICR] = RT
    uart.model.receive(b"w")
    uart.run(1.1)
    assert uart[MIS] == RX
    for _ in range(4):
        uart[DR]
    assert not uart.model.irq.level


def test_the_time_out_starts_again_after_each_character_taken(uart: Uart0) -> None:
    """MicroPython's handler clears all interrupts, takes one character and returns."""
    uart[IMSC] = 0x7FF
    uart.model.receive(b"ab")
    uart.run(6)
    uart[ICR] = 0x7FF
    assert uart[DR] == ord("a")
    assert not uart.model.irq.level
    uart.run(3.3)
    assert uart[RIS] & RT
    assert uart[DR] == ord("b")
    assert not uart[RIS] & RT


def test_what_is_not_taken_in_time_is_lost_with_an_overrun(uart: Uart0) -> None:
    uart.model.receive(bytes(range(40)))
    uart.run(41)
    assert uart[RIS] & OE
    assert uart[RSR] & 1 << 3
    assert uart[FR] & RXFF
    assert [uart[DR] & 0xFF for _ in range(32)] == list(range(32))
    uart[RSR] = 0
    assert not uart[RSR]


def test_faults_of_a_character_are_told_with_it(uart: Uart0) -> None:
    uart.model.receive(b"a", 1 << 8)
    uart.model.receive(b"b", 1 << 9)
    uart.model.receive_break()
    uart.model.receive(b"c")
    uart.run(4.5)
    assert uart[RIS] & (FE | PE | BE) == FE | PE | BE
    assert uart[DR] == 0x100 | ord("a")
    assert uart[RSR] == 1
    assert uart[DR] == 0x200 | ord("b")
    assert uart[RSR] == 2
    assert uart[DR] == 0x500
    assert uart[RSR] == 5
    assert uart[DR] == ord("c")
    assert uart[RSR] == 0


def test_a_receiver_that_is_off_receives_nothing(uart: Uart0) -> None:
    """DDI 0183, 3.3.8: UARTEN and RXE enable it."""
    for off in (ON & ~RXE_ON, ON & ~UARTEN, ON | LBE):
        uart[CR] = off
        uart.model.receive(b"lost")
        uart.run(6)
        uart[CR] = ON
        uart.model.receive(b"x")
        uart.run(1.2)
        assert uart[DR] == ord("x")
        assert uart[FR] & RXFE


def test_characters_wait_for_a_rate() -> None:
    uart = Uart0(Bench())
    uart.model.receive(b"early")
    uart.bench.run(0.01)
    assert uart[FR] & RXFE
    uart.set_up()
    uart.run(6)
    assert bytes(uart[DR] for _ in range(5)) == b"early"


# Loop back, flow control, DMA, reset


def test_loop_back_in_emulated_time(uart: Uart0) -> None:
    uart[CR] = ON | LBE
    uart[DR] = 0x55
    uart.run(0.9)
    assert uart[FR] & RXFE
    uart.run(0.2)
    assert uart[DR] == 0x55
    assert uart.text() == b"", "it does not leave the chip"


def test_rts_holds_the_other_end_back(uart: Uart0) -> None:
    uart.bench[0x4001_4000 + 8 * 3 + 4] = FUNCSEL_UART
    uart[IFLS] = 0
    uart[CR] = ON | RTSEN
    assert not uart.bench.machine.pin_levels() & 1 << 3, "asserted is low"
    uart.model.receive(bytes(range(10)))
    uart.run(20)
    assert uart.bench.machine.pin_levels() & 1 << 3
    assert not uart[RIS] & OE
    received = []
    for _ in range(10):
        received.append(uart[DR])
        uart.run(1.1)
    assert received == list(range(10))


def test_cts_holds_the_transmitter_back(uart: Uart0) -> None:
    uart.bench[0x4001_4000 + 8 * 2 + 4] = FUNCSEL_UART
    machine = uart.bench.machine
    machine.set_external(1 << 2, 1 << 2, 1 << 2)
    uart[IMSC] = CTS
    uart[CR] = ON | CTSEN
    assert not uart[FR] & 1
    uart[DR] = 0x41
    uart.run(3)
    assert uart.text() == b""
    uart[ICR] = CTS
    machine.set_external(1 << 2, 0, 1 << 2)
    assert uart[FR] & 1
    assert uart[MIS] == CTS
    uart.run(1.1)
    assert uart.text() == b"A"


def test_data_requests(uart: Uart0) -> None:
    tx, rx = uart.model.tx_dreq, uart.model.rx_dreq
    assert not tx.level
    uart[DMACR] = 0b11
    assert tx.level
    assert not rx.level
    for value in range(33):
        uart[DR] = value
    assert not tx.level
    uart.run(1.1)
    assert tx.level
    uart.model.receive(b"a", 1 << 8)
    uart.run(1.1)
    assert rx.level
    uart[DMACR] = 0b111
    assert not rx.level, "after an error, as DMAONERR says"
    uart[ICR] = 0x7FF
    assert rx.level
    uart[DR]
    assert not rx.level


def test_reset(uart: Uart0) -> None:
    uart[DR] = 0x41
    uart.model.receive(b"lost")
    uart.bench.alias(RESETS, 1 << 22, Alias.SET)
    assert uart[CR] == 0x300
    assert uart[FR] & (BUSY | TXFE | RXFE) == TXFE | RXFE
    uart[CR] = ON
    assert uart[CR] == 0x300, "held"
    uart.bench.alias(RESETS, 1 << 22, Alias.CLEAR)
    uart.set_up()
    uart.run(5)
    assert uart.text() == b""
    assert uart[FR] & RXFE, "what was on the line is lost"


def test_it_is_a_pl011() -> None:
    bench = Bench()
    for base in (UART0, UART1):
        assert [bench[base + 0xFE0 + 4 * n] for n in range(8)] == [0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1]
