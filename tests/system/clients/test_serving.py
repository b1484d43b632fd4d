"""How `renode-pico serve` begins and ends, and what it leaves behind (rows T3, T4)."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from tests.system.clients.conftest import PATIENCE, Served


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_is_left(serve: Callable[..., Served], tmp_path: Path, number: int) -> None:
    link = tmp_path / "pico"
    served = serve("--link", str(link), "--usbip", "--rfc2217")
    served.wait_for("^rfc2217 .* is CDC port 0")
    assert link.is_symlink()
    client = socket.create_connection(("127.0.0.1", served.usbip_port))
    client.sendall(struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1"))
    assert len(client.recv(320, socket.MSG_WAITALL)) == 320
    assert served.end(number) == 0
    assert not link.is_symlink()
    assert client.recv(1) == b""
    client.close()
    assert "Traceback" not in "\n".join(served.lines)
    assert served.lines[-2:] == ["end", ""]


def test_a_port_that_is_taken_is_said_in_one_line(serve: Callable[..., Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = serve("--usbip-port", str(taken.getsockname()[1]))
        served.wait_for("cannot listen on 127.0.0.1")
        assert served.process.wait(timeout=PATIENCE) == 2
    assert "Traceback" not in "\n".join(served.lines)


TWO_PORTS = """
import pyb
port = pyb.USB_VCP()
port.irq(lambda port: port.write(b"the second was told " + port.read() + b"\\n"))
"""


@pytest.mark.row("T4.doors-pty", "T4.doors-rfc2217")
def test_every_cdc_function_has_doors_of_its_own(serve: Callable[..., Served], tmp_path: Path) -> None:
    boot = tmp_path / "boot.py"
    boot.write_text(TWO_PORTS)
    served = serve("--boot", str(boot), "--link", str(tmp_path / "pico"), "--rfc2217")
    doors = [served.wait_for(rf"^{door} +(\S+) is CDC port 1")[1] for door in ("pty", "rfc2217")]
    assert (tmp_path / "pico.1").resolve() == Path(doors[0])
    for door in doors:
        with serial.serial_for_url(door, 115200, timeout=PATIENCE) as port:
            port.write(b"x\r")
            assert port.read_until(b"\n") == b"the second was told x\r\n", "it is not at the first, which is the REPL"


@pytest.mark.row("T4.doors-pty", "T4.doors-rfc2217")
@pytest.mark.parametrize("door", ["pty", "rfc2217"])
def test_a_uart_has_doors_too_and_keeps_what_was_said_before(
    serve: Callable[..., Served], tmp_path: Path, door: str
) -> None:
    served = serve("--firmware", "uart", f"--{door}", "--uart", "1")
    where = served.wait_for(rf"^{door} +(\S+) is UART0")[1]
    served.wait_for(rf"^{door} +(\S+) is UART1")
    with serial.serial_for_url(where, 115200, timeout=PATIENCE) as port:
        if door == "pty":  # pyserial's RFC 2217 throws away what comes before it has set the port up
            assert port.read_until(b">>> ").startswith(b"MicroPython v")
        port.write(b"print(6 * 7)\r")
        assert port.read_until(b"\n42\r\n").endswith(b"\n42\r\n")


def test_what_a_pseudo_terminal_cannot_do_is_told_at_its_start(serve: Callable[..., Served], tmp_path: Path) -> None:
    link = tmp_path / "pico"
    served = serve("--link", str(link), "--rfc2217")
    line = served.wait_for("^pty .* is CDC port 0.*")[0]
    assert "no control lines, no parity: rfc2217 has them" in line
    with serial.Serial(str(link), timeout=PATIENCE) as port, pytest.raises(OSError, match="ioctl"):
        port.dtr = False
    with serial.serial_for_url(served.rfc2217, timeout=PATIENCE) as port:
        port.dtr = False
        assert port.cts is True
    assert (tmp_path / "pico.uart0").is_symlink()
    assert served.end() == 0
    assert not (tmp_path / "pico.uart0").is_symlink()


@pytest.mark.parametrize("firmware", ["cdc", "uart"])
def test_what_main_py_ended_with_is_told_and_still_there_for_a_client(
    serve: Callable[..., Served], tmp_path: Path, firmware: str
) -> None:
    program = tmp_path / "main.py"
    program.write_text("import nonexistent\n")
    served = serve("--firmware", firmware, "--main", str(program), "--pty")
    where = served.wait_for(rf"^pty +(\S+) is {'CDC port 0' if firmware == 'cdc' else 'UART0'}")[1]
    served.wait_for("^board +ImportError: no module named 'nonexistent'")
    with serial.serial_for_url(where, 115200, timeout=PATIENCE) as port:
        assert b"ImportError: no module named 'nonexistent'\r\n" in port.read_until(b">>> ")


def test_a_board_of_two_cores_is_served(serve: Callable[..., Served], tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text("import _thread, time\n_thread.start_new_thread(lambda: time.sleep(1), ())\n")
    served = serve("--cores", "2", "--main", str(program), "--rfc2217")
    with serial.serial_for_url(served.rfc2217, timeout=PATIENCE) as port:
        port.write(b"\rprint('alive', 6 * 7)\r")
        assert port.read_until(b"alive 42").endswith(b"alive 42")
