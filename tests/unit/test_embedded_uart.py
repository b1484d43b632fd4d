"""The PL011 of the embedded engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.engine.embedded import EmbeddedEngine
from tests.unit.embedded_programs import BUSY, engine_with

UART0 = 0x4003_4000
DR, RSR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR = (
    0x00, 0x04, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44,
)  # fmt: skip
RX, TX, RT, OE = 1 << 4, 1 << 5, 1 << 6, 1 << 10
CHARACTER_S = 10 * 16 * 67.8125 / 125e6
"""8N1 at 115200."""


class Uart0:
    """UART0's registers, and the port at its other end."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.engine = engine
        self.port = engine.uart(0)
        self.bus = engine._chip.mcu

    def __getitem__(self, offset: int) -> int:
        return int(self.bus.read_uint32(UART0 + offset))

    def __setitem__(self, offset: int, value: int) -> None:
        self.bus.write_uint32(UART0 + offset, value)

    @property
    def interrupt(self) -> bool:
        return bool(self.engine._chip.core.pending_interrupts & 1 << 20)


@pytest.fixture
def uart(tmp_path: Path) -> Uart0:
    uart = Uart0(engine_with(tmp_path, BUSY))
    uart[IBRD], uart[FBRD], uart[LCR_H], uart[CR] = 67, 52, 0x70, 0x301
    return uart


def test_bytes_go_out_and_wake_who_waits(uart: Uart0) -> None:
    uart[DR] = 0x41
    uart[DR] = 0x142
    assert uart.port.read() == b"AB"
    assert uart.port.read() == b""
    received = bytearray()

    def something() -> bool:
        received.extend(uart.port.read())
        return bool(received)

    uart.engine._clock.alarm(lambda: uart.__setitem__(DR, 0x43)).schedule(50_000)
    assert uart.engine.run_until(something, 1)
    assert received == b"C"
    assert uart.engine.now < 0.000051


def test_a_cleared_transmit_interrupt_stays_clear(uart: Uart0) -> None:
    uart[IMSC] = TX
    assert not uart.interrupt
    uart[DR] = 0x41
    assert uart.interrupt
    uart[ICR] = TX
    assert not uart.interrupt
    assert uart[FR] & 1 << 7
    assert not uart.interrupt


def test_characters_arrive_at_the_programmed_speed(uart: Uart0) -> None:
    uart.port.write(b"abc")
    uart.engine.run(0.9 * CHARACTER_S)
    assert uart[FR] & 1 << 4, "empty"
    uart.engine.run(0.2 * CHARACTER_S)
    assert not uart[FR] & 1 << 4
    assert uart[DR] == ord("a")
    assert uart[FR] & 1 << 4
    uart.engine.run(2 * CHARACTER_S)
    assert [uart[DR], uart[DR]] == list(b"bc")


def test_a_few_characters_are_told_by_the_time_out_and_many_by_their_number(uart: Uart0) -> None:
    uart[IMSC] = RX | RT
    uart[IFLS] = 0
    uart.port.write(b"xyz")
    uart.engine.run(3.5 * CHARACTER_S)
    assert not uart.interrupt
    uart.engine.run(3.2 * CHARACTER_S)
    assert uart[MIS] == RT
    uart[ICR] = RT
    uart.port.write(b"w")
    uart.engine.run(1.1 * CHARACTER_S)
    assert uart[MIS] == RX
    for _ in range(4):
        uart[DR]
    assert not uart.interrupt


def test_the_time_out_starts_again_after_each_character_taken(uart: Uart0) -> None:
    """MicroPython's handler clears all interrupts, takes one character and returns."""
    uart[IMSC] = 0x7FF
    uart.port.write(b"ab")
    uart.engine.run(6 * CHARACTER_S)
    uart[ICR] = 0x7FF
    assert uart[DR] == ord("a")
    assert not uart.interrupt
    uart.engine.run(3.3 * CHARACTER_S)
    assert uart[RIS] & RT
    assert uart[DR] == ord("b")


def test_what_is_not_taken_in_time_is_lost_with_an_overrun(uart: Uart0) -> None:
    uart.port.write(bytes(range(40)))
    uart.engine.run(41 * CHARACTER_S)
    assert uart[RIS] & OE
    assert uart[RSR] & 1 << 3
    assert [uart[DR] & 0xFF for _ in range(32)] == list(range(32))
    uart[RSR] = 0
    assert not uart[RSR]


def test_characters_wait_for_a_receiver_that_is_off(tmp_path: Path) -> None:
    uart = Uart0(engine_with(tmp_path, BUSY))
    uart.port.write(b"early")
    uart.engine.run(0.01)
    assert uart[FR] & 1 << 4
    uart[IBRD], uart[FBRD], uart[LCR_H], uart[CR] = 67, 52, 0x70, 0x301
    uart.engine.run(6 * CHARACTER_S)
    assert bytes(uart[DR] for _ in range(5)) == b"early"


def test_a_transmitter_that_is_off_sends_nothing(uart: Uart0) -> None:
    uart[CR] = 0x201
    uart[DR] = 0x41
    assert uart.port.read() == b""
