"""What a REPL talks through."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from renode_pico.errors import Timeout
from renode_pico.micropython.stream import CdcStream, UartStream
from renode_pico.usb.cdc import cdc_ports
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.meanwhile import Meanwhile
from tests.unit.usb.conftest import make_bench


class FakeUart:
    def __init__(self) -> None:
        self.sent = b""
        self.waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent += data

    def read(self) -> bytes:
        return self.waiting.pop(0) if self.waiting else b""


class FakeEngine:
    """Only what a UartStream needs; something arrives `delay` seconds after it is waited for."""

    def __init__(self, delay: float) -> None:
        self.now = 0.0
        self.delay = delay
        self.ports = [FakeUart(), FakeUart()]
        self.host = self

    def meanwhile(self) -> Meanwhile:
        return Meanwhile(dict)

    def uart(self, number: int) -> FakeUart:
        return self.ports[number]

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        if condition():
            return True
        if self.delay <= timeout:
            self.now += self.delay
            self.ports[1].waiting.append(b"late")
        else:
            self.now += timeout
        return condition()


def test_should_talk_through_a_uart() -> None:
    engine = FakeEngine(0.5)
    stream = UartStream(engine, 1)  # type: ignore[arg-type]
    stream.write(b"to the chip")
    assert engine.ports[1].sent == b"to the chip"
    engine.ports[1].waiting.append(b"early")
    assert stream.read(1) == b"early"
    assert stream.read(1) == b"late"
    assert stream.now == 0.5
    with pytest.raises(Timeout, match="UART1"):
        stream.read(0.1)


def test_should_talk_through_a_usb_port_and_open_it() -> None:
    bench = make_bench()
    for address in (0x02, 0x81, 0x82):
        bench.device.add(address)
    port = cdc_ports(enumerate_device(bench.host))[0]
    stream = CdcStream(port)
    assert port.is_open
    stream.write(b"to the device")
    assert bench.device.endpoints[0x02].taken == [b"to the device"]
    bench.device.send(0x82, b"from the device")
    assert stream.read(1) == b"from the device"
    assert stream.now == bench.host.now
