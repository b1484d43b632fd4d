"""Pseudo-terminal and RFC 2217 on the fake device's CDC port."""

from __future__ import annotations

import os
import socket
import termios
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from renode_pico.bridge import pty as pty_module
from renode_pico.bridge.exported import ExportedDevice
from renode_pico.bridge.pty import PtyPort
from renode_pico.bridge.rfc2217 import Rfc2217Port
from renode_pico.usb.cdc import SET_CONTROL_LINE_STATE, SET_LINE_CODING, LineCoding
from renode_pico.usb.device import Device
from tests.unit.bridge.conftest import Table

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
COM_PORT = 44
SET_BAUDRATE, SET_DATASIZE, SET_PARITY, SET_STOPSIZE, SET_CONTROL = 1, 2, 3, 4, 5


@pytest.fixture(autouse=True)
def each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminals are looked at in each pass of the loop: these tests count passes, not real time."""
    monkeypatch.setattr(pty_module, "LOOK_EVERY", 0.0)


@pytest.fixture
def terminal(table: Table) -> Iterator[PtyPort]:
    port = PtyPort(table.loop)
    table.exported.follow(port)
    table.found()
    yield port
    port.close()


@pytest.fixture
def port(table: Table) -> Iterator[Rfc2217Port]:
    port = Rfc2217Port(table.loop, report=table.lines.append)
    table.exported.follow(port)
    table.found()
    yield port
    port.close()


def control_lines(table: Table) -> list[int]:
    return [setup.wValue for setup in table.device.requests if setup.bRequest == SET_CONTROL_LINE_STATE]


def codings(table: Table) -> list[LineCoding]:
    return [LineCoding.unpack(data) for data in table.device.out_data if len(data) == 7]


def received(table: Table) -> bytes:
    return b"".join(table.device.endpoints[0x02].taken)


def open_terminal(terminal: PtyPort) -> int:
    return os.open(terminal.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def read_terminal(table: Table, slave: int, size: int) -> bytes:
    got = bytearray()

    def enough() -> bool:
        with suppress(BlockingIOError):
            got.extend(os.read(slave, size))
        return len(got) >= size

    table.until(enough)
    return bytes(got)


def test_opening_the_terminal_raises_the_lines_and_closing_drops_them(table: Table, terminal: PtyPort) -> None:
    table.turn()
    assert control_lines(table) == []
    slave = open_terminal(terminal)
    table.until(lambda: control_lines(table) == [3])
    os.close(slave)
    table.until(lambda: control_lines(table) == [3, 0])


def test_bytes_pass_unchanged_both_ways(table: Table, terminal: PtyPort) -> None:
    slave = open_terminal(terminal)
    every = bytes(range(256))
    os.write(slave, every)
    table.until(lambda: received(table) == every)
    table.device.send(0x82, every[:64], every[64:128], b"\x03\x04\r\n\xff")
    assert read_terminal(table, slave, 133) == every[:128] + b"\x03\x04\r\n\xff"
    os.close(slave)


def test_settings_are_passed_on(table: Table, terminal: PtyPort) -> None:
    slave = open_terminal(terminal)
    table.until(lambda: len(codings(table)) == 1)
    settings = termios.tcgetattr(slave)
    settings[2] |= termios.CSTOPB
    settings[4] = settings[5] = termios.B9600
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    table.until(lambda: codings(table)[-1] == LineCoding(9600, 2))
    os.close(slave)


def test_what_a_program_wrote_before_it_ended_arrives(table: Table, terminal: PtyPort) -> None:
    slave = open_terminal(terminal)
    os.write(slave, b"and gone")
    os.close(slave)
    table.until(lambda: received(table) == b"and gone")
    table.until(lambda: control_lines(table)[-1:] == [0])


def test_a_device_that_takes_nothing_holds_the_program_off(table: Table, terminal: PtyPort) -> None:
    table.device.make_room(0x02, 0)
    slave = open_terminal(terminal)
    sent, refused = 0, 0
    while refused < 20:
        try:
            sent += os.write(slave, b"x" * 1024)
            refused = 0
        except BlockingIOError:
            refused += 1
        table.turn(2)
    assert sent < 1 << 17
    table.device.make_room(0x02, None)
    table.until(lambda: len(received(table)) == sent)
    os.close(slave)


def test_a_program_that_does_not_read_holds_the_device_off(
    table: Table, terminal: PtyPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pty_module, "BACKLOG", 1024)
    slave = open_terminal(terminal)
    table.until(lambda: terminal.in_use)
    table.device.send(0x82, *[bytes([number]) * 64 for number in range(250)] * 4)
    table.turn(50)
    assert len(table.device.endpoints[0x82].packets) > 500
    assert len(read_terminal(table, slave, 64000)) == 64000
    os.close(slave)


def test_a_device_that_leaves_hangs_up_and_comes_back_on_a_new_terminal(table: Table, terminal: PtyPort) -> None:
    slave = open_terminal(terminal)
    table.until(lambda: control_lines(table) == [3])
    table.device.pull_up(False)
    table.until(lambda: table.exported.device is None)
    with pytest.raises(OSError, match="Input/output error"):
        os.write(slave, b"lost")
    os.close(slave)
    table.device.pull_up(True)
    table.found()
    slave = open_terminal(terminal)
    os.write(slave, b"kept")
    table.until(lambda: received(table) == b"kept")
    table.until(lambda: control_lines(table) == [3, 3])
    os.close(slave)


def test_who_reads_that_a_device_has_come_finds_its_doors_open(table: Table, tmp_path: Path) -> None:
    """A script waits for the line `device` and opens the link then."""
    link = tmp_path / "pico"
    seen: list[bool] = []

    class Doors:
        port: PtyPort | None = None

        def found(self, device: Device) -> None:
            self.port = PtyPort(table.loop, link=link)

        def lost(self) -> None: ...

    def report(line: str) -> None:
        if line.startswith("device"):
            seen.append(link.is_symlink())

    exported = ExportedDevice(table.engine.host, report=report)
    doors = Doors()
    exported.follow(doors)
    exported.check()
    assert seen == [True]
    assert doors.port is not None
    doors.port.close()


def test_an_idle_terminal_outlives_the_device(table: Table, terminal: PtyPort) -> None:
    path = terminal.path
    table.device.pull_up(False)
    table.until(lambda: table.exported.device is None)
    table.device.pull_up(True)
    table.found()
    assert terminal.path == path
    slave = open_terminal(terminal)
    table.until(lambda: control_lines(table) == [3])
    os.close(slave)


def test_rfc2217_clients_lose_their_port_with_the_device(table: Table, port: Rfc2217Port) -> None:
    client = Telnet(table, port)
    table.until(lambda: control_lines(table)[-1:] == [3])
    table.device.pull_up(False)
    table.until(lambda: not port.in_use)
    table.device.pull_up(True)
    table.found()
    again = Telnet(table, port)
    again.sock.sendall(b"back")
    table.until(lambda: received(table) == b"back")
    assert client.sock.fileno() >= 0


def test_the_link_points_at_the_terminal_and_goes_with_it(table: Table, tmp_path: Path) -> None:
    link = tmp_path / "pico"
    link.symlink_to(tmp_path / "stale")
    port = PtyPort(table.loop, link=link)
    assert str(link.readlink()) == port.path
    port.close()
    assert not link.is_symlink()


def test_a_file_in_the_links_place_is_left_alone(table: Table, tmp_path: Path) -> None:
    (tmp_path / "pico").write_text("mine")
    with pytest.raises(FileExistsError):
        PtyPort(table.loop, link=tmp_path / "pico")
    assert (tmp_path / "pico").read_text() == "mine"


def test_a_terminal_is_raw_from_the_start(terminal: PtyPort) -> None:
    slave = open_terminal(terminal)
    flags = termios.tcgetattr(slave)[tty.LFLAG]
    assert not flags & (termios.ECHO | termios.ICANON | termios.ISIG)
    os.close(slave)


class Telnet:
    """A client that speaks the com port option by hand."""

    def __init__(self, table: Table, port: Rfc2217Port) -> None:
        self.table = table
        self.sock = table.connect(port.port)
        self.seen = bytearray()
        self.sock.sendall(bytes([IAC, WILL, COM_PORT, IAC, DO, COM_PORT, IAC, WILL, 0, IAC, DO, 0]))

    def set(self, option: int, value: bytes) -> None:
        self.sock.sendall(bytes([IAC, SB, COM_PORT, option]) + value.replace(b"\xff", b"\xff\xff") + bytes([IAC, SE]))

    def saw(self, data: bytes) -> bool:
        with suppress(BlockingIOError):
            self.seen += self.sock.recv(65536)
        return data in self.seen


def test_rfc2217_settings_reach_the_device(table: Table, port: Rfc2217Port) -> None:
    client = Telnet(table, port)
    client.set(SET_BAUDRATE, (57600).to_bytes(4, "big"))
    client.set(SET_DATASIZE, b"\x07")
    client.set(SET_PARITY, b"\x03")
    client.set(SET_STOPSIZE, b"\x02")
    table.until(lambda: codings(table)[-1:] == [LineCoding(57600, 2, 2, 7)])
    table.until(lambda: client.saw(bytes([IAC, SB, COM_PORT, SET_BAUDRATE + 100]) + (57600).to_bytes(4, "big")))


def test_rfc2217_control_lines_reach_the_device(table: Table, port: Rfc2217Port) -> None:
    client = Telnet(table, port)
    table.until(lambda: control_lines(table)[-1:] == [3])
    client.set(SET_CONTROL, b"\x09")
    table.until(lambda: control_lines(table)[-1:] == [2])
    client.set(SET_CONTROL, b"\x0c")
    table.until(lambda: control_lines(table)[-1:] == [0])


def test_rfc2217_data_is_escaped_both_ways(table: Table, port: Rfc2217Port) -> None:
    client = Telnet(table, port)
    client.sock.sendall(b"a\xff\xffb")
    table.until(lambda: received(table) == b"a\xffb")
    table.device.send(0x82, b"c\xffd")
    table.until(lambda: client.saw(b"c\xff\xffd"))


def test_one_client_at_a_time(table: Table, port: Rfc2217Port) -> None:
    first = Telnet(table, port)
    table.until(lambda: port.in_use)
    assert table.receive(table.connect(port.port), 1) == b""
    first.sock.close()
    table.until(lambda: not port.in_use)
    assert control_lines(table)[-1] == 0
    second = Telnet(table, port)
    second.sock.sendall(b"next")
    table.until(lambda: received(table) == b"next")


@pytest.mark.parametrize(
    "nonsense",
    [
        bytes([IAC, SB]) + b"\x00" * 1000,
        bytes([IAC, SB, COM_PORT, IAC, SE]),
        bytes([IAC, SE]),
        bytes([IAC, SB, IAC, SE]),
        bytes([IAC, SB, COM_PORT, SET_BAUDRATE, 0, IAC, SE]),
        bytes([IAC, SB, COM_PORT, SET_PARITY, 99, IAC, SE]),
    ],
)
def test_nonsense_does_not_end_the_server(table: Table, port: Rfc2217Port, nonsense: bytes) -> None:
    client = Telnet(table, port)
    client.sock.sendall(nonsense)
    table.turn(20)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.sock.close()
    table.until(lambda: not port.in_use)
    second = Telnet(table, port)
    second.sock.sendall(b"still here")
    table.until(lambda: received(table).endswith(b"still here"))


def test_an_unbounded_suboption_is_cut_off(table: Table, port: Rfc2217Port) -> None:
    client = Telnet(table, port)
    client.sock.sendall(bytes([IAC, SB, COM_PORT]))
    for _ in range(60):
        try:
            client.sock.sendall(b"x" * 4096)
        except OSError:
            break
        table.turn(3)
    table.until(lambda: not port.in_use)


def test_line_coding_requests_are_what_the_class_says(table: Table, port: Rfc2217Port) -> None:
    Telnet(table, port).set(SET_BAUDRATE, (9600).to_bytes(4, "big"))
    table.until(lambda: bool(codings(table)))
    setup = next(each for each in table.device.requests if each.bRequest == SET_LINE_CODING)
    assert (setup.bmRequestType, setup.wIndex, setup.wLength) == (0x21, 0, 7)
