"""How `renode-pico serve` begins and ends, and what it leaves behind (rows T3, T4)."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.clients.conftest import Served


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_is_left(serve: Callable[..., Served], tmp_path: Path, number: int) -> None:
    link = tmp_path / "pico"
    served = serve("--link", str(link), "--usbip", "--rfc2217")
    served.wait_for("^rfc2217")
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
        assert served.process.wait(timeout=60) == 2
    assert "Traceback" not in "\n".join(served.lines)


@pytest.mark.row("T4.doors-pty", "T4.doors-rfc2217")
def test_every_cdc_function_has_doors_of_its_own(serve: Callable[..., Served], tmp_path: Path) -> None:
    boot = tmp_path / "boot.py"
    boot.write_text(TWO_PORTS)
    served = serve("--boot", str(boot), "--link", str(tmp_path / "pico"), "--rfc2217")
    served.wait_for("^pty .* is CDC port 1")
    served.wait_for("^rfc2217 .* is CDC port 1")
    assert (tmp_path / "pico.1").is_symlink()


TWO_PORTS = """
import machine
usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_DEFAULT
b = usb.builtin_driver
i, e = b.itf_max, b.ep_max
more = bytes((
    8, 11, i, 2, 2, 2, 0, 0,
    9, 4, i, 0, 1, 2, 2, 0, 0,
    5, 36, 0, 32, 1, 5, 36, 1, 0, i + 1, 4, 36, 2, 2, 5, 36, 6, i, i + 1,
    7, 5, e | 128, 3, 8, 0, 16,
    9, 4, i + 1, 0, 2, 10, 0, 0, 0,
    7, 5, e + 1, 2, 64, 0, 0,
    7, 5, e + 1 | 128, 2, 64, 0, 0,
))
cfg = bytearray(b.desc_cfg) + more
cfg[2:4] = len(cfg).to_bytes(2, 'little')
cfg[4] = i + 2
usb.config(b.desc_dev, cfg, {}, control_xfer_cb=lambda stage, request: True)
usb.active(True)
"""
