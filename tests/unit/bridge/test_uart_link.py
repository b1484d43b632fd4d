"""UARTs as lines for the doors."""

from __future__ import annotations

from renode_pico.bridge.uart_link import BACKLOG, UartLink, UartSource
from renode_pico.usb.cdc import LineCoding


class FakeUart:
    """A UART whose two ends are lists."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.written = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data

    def read(self) -> bytes:
        data = bytes(self.sent)
        self.sent.clear()
        return data


class Nobody:
    """Lets no time pass."""

    def nudge(self) -> None:
        pass

    def passed_on(self) -> None:
        pass

    def hurry(self) -> None:
        pass


class Door:
    """Keeps what it is given."""

    def __init__(self, source: UartSource) -> None:
        self.data = bytearray()
        self.link = UartLink(Nobody(), source, self.data.extend)


def test_every_door_gets_everything() -> None:
    uart = FakeUart()
    source = UartSource(uart, 0)
    one, two = Door(source), Door(source)
    one.link.open()
    two.link.open()
    uart.sent += b"hello"
    source.look()
    assert one.data == two.data == b"hello"
    one.link.send(b"to the chip")
    assert uart.written == b"to the chip"


def test_what_was_said_before_somebody_came_is_kept() -> None:
    uart = FakeUart()
    source = UartSource(uart, 1)
    door = Door(source)
    uart.sent += b"x" * BACKLOG + b"boot message"
    source.look()
    assert not door.data
    door.link.open()
    assert door.data.endswith(b"boot message")
    assert len(door.data) == BACKLOG


def test_a_client_that_does_not_read_loses_the_oldest_and_never_the_order() -> None:
    uart = FakeUart()
    source = UartSource(uart, 0)
    door = Door(source)
    door.link.open()
    door.link.accept(False)
    uart.sent += b"one "
    source.look()
    uart.sent += b"two"
    source.look()
    assert not door.data
    door.link.accept(True)
    assert door.data == b"one two"


def test_settings_are_remembered_and_change_nothing() -> None:
    uart = FakeUart()
    door = Door(UartSource(uart, 0))
    door.link.open()
    assert (door.link.dtr, door.link.rts, door.link.present) == (True, True, True)
    door.link.set_coding(LineCoding(9600))
    door.link.set_lines(False, True)
    door.link.set_break(True)
    assert door.link.coding == LineCoding(9600)
    assert (door.link.dtr, door.link.rts) == (False, True)
    assert not uart.written
    door.link.close()
    assert not door.link.is_open
