"""A fake device on the real host, served by the real loop; clients are plain sockets in the same thread."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from renode_pico.bridge.exported import ExportedDevice
from renode_pico.bridge.loop import Loop
from renode_pico.bridge.usbip import UsbipServer
from renode_pico.clock import NS_PER_S
from renode_pico.usb.host import BusHost
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import CDC_CONFIGURATION, FakeDevice

TURNS = 4000
"""Passes of the loop after which a test gives up waiting: about 20 emulated seconds."""

ISOCHRONOUS = bytes.fromhex("0904 02 00 02 ff 00 00 00  0705 03 01 4000 01  0705 83 01 4000 01")


def with_isochronous() -> bytes:
    """The CDC configuration with an interface of two isochronous endpoints beside it."""
    whole = bytearray(CDC_CONFIGURATION + ISOCHRONOUS)
    whole[2:4] = len(whole).to_bytes(2, "little")
    whole[4] = 3
    return bytes(whole)


@dataclass
class FakeEngine:
    clock: FakeClock
    host: BusHost

    asleep = False

    @property
    def now(self) -> float:
        return self.clock.now_ns / NS_PER_S

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        return self.clock.run_until(condition, self.clock.now_ns + round(timeout * NS_PER_S))


@dataclass
class Table:
    """Everything on one table. `lines`: what people were told."""

    device: FakeDevice
    engine: FakeEngine
    loop: Loop
    exported: ExportedDevice
    lines: list[str]
    sockets: list[socket.socket] = field(default_factory=list)

    def until(self, condition: Callable[[], bool]) -> None:
        """Turn the loop until a condition holds."""
        for _ in range(TURNS):
            if condition():
                return
            self.loop.turn()
        raise AssertionError("it did not happen")

    def turn(self, count: int = 10) -> None:
        for _ in range(count):
            self.loop.turn()

    def connect(self, port: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", port))
        client.setblocking(False)
        self.sockets.append(client)
        return client

    def receive(self, client: socket.socket, size: int) -> bytes:
        """Exactly so many bytes; fewer when the server ends the connection."""
        got = bytearray()

        def enough() -> bool:
            try:
                data = client.recv(size - len(got))
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True
            got.extend(data)
            return len(got) == size or not data

        self.until(enough)
        return bytes(got)

    def found(self) -> None:
        self.until(lambda: self.exported.device is not None)


@pytest.fixture
def table() -> Iterator[Table]:
    """A device with CDC port and isochronous endpoints, plugged in."""
    clock = FakeClock()
    device = FakeDevice(clock, configuration=with_isochronous())
    for address in (0x02, 0x82, 0x81):
        device.add(address)
    for address in (0x03, 0x83):
        device.add(address, isochronous=True)
    host = BusHost(device, clock, clock)
    engine = FakeEngine(clock, host)
    loop = Loop(engine, speed=0)
    lines: list[str] = []
    exported = ExportedDevice(host, report=lines.append)
    loop.hooks.append(exported.check)
    table = Table(device, engine, loop, exported, lines)
    device.pull_up(True)
    host.plug()
    yield table
    for client in table.sockets:
        client.close()
    loop.close()


@pytest.fixture
def server(table: Table) -> Iterator[UsbipServer]:
    """A USB/IP server; the device has been found."""
    server = UsbipServer(table.loop, table.exported, report=table.lines.append)
    table.found()
    yield server
    server.close()
