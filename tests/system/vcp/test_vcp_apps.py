"""The examples of firmware/apps/vcp_*.py, each as a board's main.py."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.usb.cdc import CdcPort, LineCoding, cdc_ports
from tests.system.conftest import app
from tests.system.vcp.conftest import OPENED, pattern


def running(name: str) -> pytest.MarkDecorator:
    return pytest.mark.pico(firmware="uart", files={"main.py": app(name)})


def opened(pico: Board, index: int = 0) -> CdcPort:
    port = pico.cdc(index)
    pico.engine.run(OPENED)
    return port


def console(pico: Board, marker: bytes) -> bytes:
    """What the program prints on UART0, up to `marker`."""
    text = bytearray()

    def seen() -> bool:
        text.extend(pico.engine.uart(0).read())
        return marker in text

    assert pico.engine.run_until(seen, 5.0), bytes(text)
    return bytes(text)


@pytest.mark.row("V4.minus-one-raw")
@running("vcp_echo.py")
def test_echo(pico: Board) -> None:
    port = opened(pico)
    data = pattern(5000)
    transfer = port.submit_write(data)
    received = b""
    while len(received) < len(data):
        received += port.read()
    assert received == data
    pico.host.wait(transfer)


@pytest.mark.row("V1.separate", "V1.three-at-once")
@running("vcp_three_ports.py")
def test_three_ports(pico: Board) -> None:
    ports = [opened(pico, index) for index in range(3)]
    ports[2].write(b"hel")
    ports[0].write(b"a\nb\n")
    ports[2].write(b"lo\n")
    assert ports[0].read_until(b"b\n") == b"USB_VCP(0): a\nUSB_VCP(0): b\n"
    assert ports[2].read_until(b"\n") == b"USB_VCP(2): hello\n"
    assert ports[1].read_available() == b""


@pytest.mark.row("V3.rts-holds-off", "V3.rts-loses-nothing")
@running("vcp_flow_rts.py")
def test_flow_rts(pico: Board) -> None:
    port = opened(pico)
    start = pico.engine.now
    port.write(pattern(5000))
    assert 0.3 < pico.engine.now - start < 0.6  # 10 kB/s, less what is buffered
    console(pico, b"\n5000\r\n")


@pytest.mark.row("V3.cts-waits")
@running("vcp_flow_cts.py")
def test_flow_cts(pico: Board) -> None:
    pico.enumerate()
    pico.engine.run(0.5)
    assert b"took" not in pico.engine.uart(0).read()
    port = opened(pico)
    assert b"the host took it in" in console(pico, b" ms\r\n")
    first = port.read_until(b" ")
    assert port.read_until(b" ") == first


@pytest.mark.row("V4.ctrl-c", "V4.another")
@running("vcp_interrupt.py")
def test_interrupt(pico: Board) -> None:
    port = opened(pico)
    assert port.read_until(b"\n") == b"Ctrl-C interrupts me\n"
    port.write(b"\x03")
    assert port.read_until(b"me\n") == b"interrupted\nq interrupts me\n"
    port.write(b"\x03")
    pico.engine.run(0.1)
    assert port.read_available() == b""
    port.write(b"q")
    assert port.read_until(b"\n") == b"interrupted\n"


@pytest.mark.row("V14.new-data")
@running("vcp_irq.py")
def test_irq(pico: Board) -> None:
    port = opened(pico)
    port.write(b"shout")
    assert port.read() == b"SHOUT"


@pytest.mark.row("V14.hard")
@running("vcp_irq_hard.py")
def test_irq_hard(pico: Board) -> None:
    port = opened(pico)
    for level in (True, False, True):
        port.write(b"x")
        pico.engine.run(0.002)
        assert pico.engine.gpio(25) is level


@pytest.mark.row("V15.dupterm")
@running("vcp_repl.py")
def test_repl(pico: Board) -> None:
    port = opened(pico)
    port.write(b"\r2 ** 10\r")
    port.read_until(b"2 ** 10\r\n")
    assert port.read_until(b"\r\n") == b"1024\r\n"


@pytest.mark.pico(firmware="cdc", files={"boot.py": app("vcp_boot.py")})
def test_boot(pico: Board) -> None:
    pico.host.plug()
    pico.host.wait_attached()
    first = pico.host.attach_count
    assert len(cdc_ports(pico.device)) == 4
    assert pico.host.attach_count == first  # the host never sees the device without them


@running("vcp_lines.py")
def test_lines(pico: Board) -> None:
    port = opened(pico)
    port.write(b"1 2 3\n40 2\n")
    assert port.read_until(b"42\n") == b"6\n42\n"


@pytest.mark.row("V5.dtr-set", "V5.unplugged", "V6.true-while-marked", "V6.false-otherwise")
@running("vcp_connected.py")
def test_connected(pico: Board) -> None:
    pico.enumerate()
    console(pico, b"connected: False, IDE: False\r\n")
    port = opened(pico)
    assert port.read_until(b"\n") == b"hello\n"
    console(pico, b"connected: True, IDE: False\r\n")
    port.set_line_coding(LineCoding(12_000_000))
    console(pico, b"connected: True, IDE: True\r\n")
    pico.host.unplug()
    console(pico, b"connected: False, IDE: True\r\n")
    pico.enumerate()
    console(pico, b"connected: False, IDE: False\r\n")
    assert opened(pico).read_until(b"\n") == b"hello\n"
