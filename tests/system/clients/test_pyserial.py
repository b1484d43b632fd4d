"""pyserial, through both doors (row T4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial
from pcapng import FileScanner
from pcapng.blocks import EnhancedPacket

from renode_pico.usb.cdc import SET_CONTROL_LINE_STATE, SET_LINE_CODING, LineCoding
from tests.system.clients.conftest import PATIENCE, Served

CTRL_A, CTRL_B, CTRL_C, CTRL_D = b"\x01", b"\x02", b"\x03", b"\x04"


@pytest.fixture(params=["pty", "rfc2217"])
def target(
    request: pytest.FixtureRequest, serve: Callable[..., Served], tmp_path: Path
) -> Iterator[tuple[Served, str]]:
    trace = str(tmp_path / "bus.pcapng")
    if request.param == "pty":
        served = serve("--pty", "--pcap", trace)
        yield served, served.wait_for(r"^pty +(\S+) is CDC port 0")[1]
    else:
        served = serve("--rfc2217", "--pcap", trace)
        yield served, served.rfc2217


def raw_repl(port: Any) -> None:
    """Interrupt whatever runs and enter the raw REPL."""
    port.write(b"\r" + CTRL_C + CTRL_C + CTRL_A)
    assert port.read_until(b"raw REPL; CTRL-B to exit\r\n>").endswith(b">")


def execute(port: Any, code: bytes) -> bytes:
    """What code prints in the raw REPL."""
    port.write(code + CTRL_D)
    answer = bytes(port.read_until(CTRL_D + b">"))
    assert answer.startswith(b"OK"), answer
    assert answer.endswith(CTRL_D + CTRL_D + b">"), answer
    return answer[2:-3]


def test_long_output_arrives_whole_and_ctrl_c_interrupts(target: tuple[Served, str]) -> None:
    _, url = target
    with serial.serial_for_url(url, 115200, timeout=PATIENCE) as port:
        raw_repl(port)
        assert execute(port, b"for i in range(1000): print(i)") == b"".join(b"%d\r\n" % i for i in range(1000))
        port.write(b"while True: pass" + CTRL_D)
        assert port.read(2) == b"OK"
        port.write(CTRL_C)
        assert b"KeyboardInterrupt" in port.read_until(CTRL_D + b">")


def requests(trace: Path) -> list[tuple[bytes, bytes]]:
    """Every class request to an interface that a trace holds: SETUP packet and data."""
    with trace.open("rb") as stream:
        packets = [block for block in FileScanner(stream) if isinstance(block, EnhancedPacket)]
    urbs = [block.packet_data for block in packets if block.interface_id == 1]
    submitted = [(urb[40:48], urb[64:]) for urb in urbs if urb[8:9] == b"S" and urb[14] == 0]
    return [(setup, data) for setup, data in submitted if setup[0] == 0x21]


def test_line_coding_and_control_lines_are_on_the_bus(target: tuple[Served, str], tmp_path: Path) -> None:
    served, url = target
    with serial.serial_for_url(url, 57600, stopbits=serial.STOPBITS_TWO, timeout=PATIENCE) as port:
        raw_repl(port)
    assert served.end() == 0
    found = requests(tmp_path / "bus.pcapng")
    codings = [LineCoding.unpack(data) for setup, data in found if setup[1] == SET_LINE_CODING]
    assert codings[-1] == LineCoding(57600, stop_bits=2)
    states = [setup[2] for setup, _ in found if setup[1] == SET_CONTROL_LINE_STATE]
    assert states[0] & 1
