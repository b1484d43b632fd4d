"""USB/IP clients from Debian and PyPI (row T3)."""

from __future__ import annotations

import errno
import random
import re
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.system.clients.conftest import ROOT, Served, debian_program, needs, run

LOOPBACK = ROOT / "src" / "renode_pico" / "data" / "loopback.py"
EXAMPLES = ROOT / "firmware" / "build" / "src" / "micropython" / "examples" / "usb"
CLASS_IN, CLASS_OUT = 0xA1, 0x21
SET, GET, PUT, STALL_IN = 1, 2, 3, 4


def looped_back(serve: Callable[..., Served]) -> Served:
    """A board with a vendor interface beside its built-in port, from boot on."""
    served = serve("--usbip", "--boot", str(LOOPBACK))
    served.wait_found()
    return served


@pytest.fixture(scope="module")
def shared(serve_module: Callable[..., Served]) -> Callable[[], Served]:
    """One for the tests that leave it as they found it."""
    return cache(lambda: looped_back(serve_module))


@pytest.fixture
def loopback(request: pytest.FixtureRequest, serve: Callable[..., Served], shared: Callable[[], Served]) -> Served:
    """The one that tests share, or one for the test, where it asks for it."""
    return looped_back(serve) if "alone" in request.fixturenames else shared()


@pytest.fixture
def alone() -> None:
    """For a test that leaves data in the device."""


@pytest.fixture
def device(loopback: Served) -> Iterator[object]:
    """PyUSB's view of it."""
    needs("usbip_backend")
    import usb.core
    import usb.util
    from usbip_backend.backend import USBIPBackend

    backend = USBIPBackend("127.0.0.1", loopback.usbip_port, timeout=300)
    found = usb.core.find(idVendor=0x2E8A, backend=backend)
    assert found is not None
    yield found
    usb.util.dispose_resources(found)
    for connection in backend._conns.values():
        connection.close()


def vendor(device: object) -> tuple[int, int, int]:
    """Interface number and the addresses of its OUT and IN endpoints."""
    configuration = device.get_active_configuration()  # type: ignore[attr-defined]
    interface = next(each for each in configuration if each.bInterfaceClass == 0xFF)
    out, in_ = sorted(endpoint.bEndpointAddress for endpoint in interface)
    return interface.bInterfaceNumber, out, in_


@pytest.mark.row("T3.pyusb")
def test_pyusb_moves_data(device: object) -> None:
    _, out, in_ = vendor(device)
    data = random.Random(3240).randbytes(65536)
    back = b""
    for position in range(0, len(data), 16384):
        assert device.write(out, data[position : position + 16384], 60000) == 16384  # type: ignore[attr-defined]
    while len(back) < len(data):
        back += bytes(device.read(in_, 16384, 60000))  # type: ignore[attr-defined]
    assert back == data


@pytest.mark.row("T3.pyusb")
def test_pyusb_makes_requests_of_each_kind(device: object) -> None:
    interface, _, _ = vendor(device)
    transfer = device.ctrl_transfer  # type: ignore[attr-defined]
    assert transfer(CLASS_OUT, SET, 0xBEEF, interface, None) == 0
    assert transfer(CLASS_OUT, PUT, 0, interface, b"Hello, RP2040!") == 14
    assert bytes(transfer(CLASS_IN, GET, 0, interface, 16)) == b"Hello, RP2040!\xef\xbe"


@pytest.mark.row("T3.stall-epipe")
def test_a_stall_is_epipe_and_can_be_cleared(device: object) -> None:
    import usb.core

    interface, _, in_ = vendor(device)
    with pytest.raises(usb.core.USBError) as refused:
        device.ctrl_transfer(CLASS_IN, 0x7F, 0, interface, 1)  # type: ignore[attr-defined]
    assert refused.value.errno == errno.EPIPE
    device.ctrl_transfer(CLASS_OUT, STALL_IN, 0, interface, None)  # type: ignore[attr-defined]
    with pytest.raises(usb.core.USBError) as halted:
        device.read(in_, 64)  # type: ignore[attr-defined]
    assert halted.value.errno == errno.EPIPE
    device.clear_halt(in_)  # type: ignore[attr-defined]
    status = device.ctrl_transfer(0x82, 0, 0, in_, 2)  # type: ignore[attr-defined]
    assert bytes(status) == b"\0\0"


def test_pyusb_reads_the_strings(device: object) -> None:
    import usb.util

    assert usb.util.get_string(device, 2, 0x0409) == "Board in FS mode"


@pytest.mark.row("T3.usbip-list", "T3.list-while-attached")
def test_usbip_lists_while_another_has_imported(loopback: Served, device: object) -> None:
    usbip = debian_program("usbip", "usbip")
    device.get_active_configuration()  # type: ignore[attr-defined]
    loopback.wait_for("imported 1-1")
    listed = run(usbip, "--tcp-port", str(loopback.usbip_port), "list", "-r", "127.0.0.1")
    assert listed.returncode == 0, listed.stderr
    assert "(2e8a:0005)" in listed.stdout
    assert re.search(r"1 - CDC Data", listed.stdout)


@pytest.mark.usefixtures("alone")
@pytest.mark.row("T3.several-clients")
def test_two_clients_use_the_device_at_once(loopback: Served, device: object) -> None:
    """PyUSB and another library from PyPI, both with the device imported."""
    needs("usbip")
    import usbip

    interface, out, _ = vendor(device)
    with usbip.attach("127.0.0.1", "1-1", port=loopback.usbip_port, vid=0x2E8A, pid=0x0005) as other:
        assert other.control(CLASS_OUT, PUT, 0, interface, b"second client!") == 14
        answer = device.ctrl_transfer(CLASS_IN, GET, 0, interface, 16)  # type: ignore[attr-defined]
        assert bytes(answer)[:14] == b"second client!"
        assert device.write(out, b"x" * 1024, 60000) == 1024  # type: ignore[attr-defined]
        assert other.bulk_out(out, b"y" * 64) == 64
        assert len(other.control(0x80, 6, 0x0100, 0, 18)) == 18


@pytest.mark.row("T3.attach-again")
def test_the_device_reappears_after_its_own_reset(serve: Callable[..., Served], tmp_path: Path) -> None:
    needs("usbip")
    import usbip

    served = serve("--usbip", "--pty")
    path = served.wait_for(r"^pty +(\S+) is CDC port 0")[1]
    transport = usbip.transport.USBIP("127.0.0.1", served.usbip_port)
    handle = usbip.open(0x2E8A, 0x0005, transport=transport)
    before = len(served.lines)
    run(sys.executable, "-m", "mpremote", "connect", path, "reset")
    served.wait_for("left the bus", before)
    served.wait_found("2e8a:0005", before)
    with pytest.raises((usbip.USBError, OSError)):
        handle.control(0x80, 6, 0x0100, 0, 18)
    handle.close()
    again = usbip.open(0x2E8A, 0x0005, transport=transport)
    assert len(again.control(0x80, 6, 0x0100, 0, 18)) == 18
    again.close()


def test_bad_clients_harm_nobody(loopback: Served, device: object) -> None:
    interface, _, _ = vendor(device)
    port = loopback.usbip_port
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
    clients[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
    clients[1].sendall(b"\x01")
    clients[2].sendall(struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1") + b"\xff" * 48)
    clients[3].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    clients[3].sendall(struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1"))
    clients[3].close()
    device.ctrl_transfer(CLASS_OUT, SET, 0x1234, interface, None)  # type: ignore[attr-defined]
    answer = device.ctrl_transfer(CLASS_IN, GET, 0, interface, 16)  # type: ignore[attr-defined]
    assert bytes(answer)[-2:] == b"\x34\x12"
    for client in clients[:3]:
        client.close()


HOST_SIDE = """
import runpy, sys
import usb.backend.libusb1
from usbip_backend.backend import USBIPBackend
backend = USBIPBackend("127.0.0.1", int(sys.argv[1]), timeout=300)
usb.backend.libusb1.get_backend = lambda *_, **__: backend
runpy.run_path(sys.argv[2], run_name="__main__")
"""


def test_micropythons_own_pair_unmodified(serve: Callable[..., Served]) -> None:
    """usb_simple_device.py on the board, usb_simple_host_pyusb.py here, both as MicroPython ships them."""
    needs("usbip_backend")
    if not EXAMPLES.is_dir():
        pytest.skip("MicroPython's sources are not here: make firmware")
    served = serve("--usbip", "--main", str(EXAMPLES / "usb_simple_device.py"))
    served.wait_found("f055:9999")
    host = EXAMPLES / "usb_simple_host_pyusb.py"
    done = run(sys.executable, "-c", HOST_SIDE, str(served.usbip_port), str(host))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "str17: iManufacturer" in done.stdout
    assert "str22: Extra information" in done.stdout
    assert "array('B', [48, 49, 50, 51, 52, 53, 54, 55])" in done.stdout


@pytest.mark.row("T3.idle-in", "T3.unlink")
def test_an_idle_endpoint_holds_nobody_up_and_can_be_unlinked(loopback: Served) -> None:
    """No client from PyPI sends UNLINK, so this one is made of single bytes."""
    client = socket.create_connection(("127.0.0.1", loopback.usbip_port), timeout=300)
    client.sendall(struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1"))
    assert len(client.recv(320, socket.MSG_WAITALL)) == 320

    def submit(seqnum: int, endpoint: int, length: int, setup: bytes = bytes(8)) -> None:
        client.sendall(struct.pack(">IIIIIIIIIi8s", 1, seqnum, 0x10001, 1, endpoint, 0, length, 0, 0, 0, setup))

    def answer() -> tuple[int, int, int, int]:
        head = struct.unpack(">IIIIIiIIII8x", client.recv(48, socket.MSG_WAITALL))
        return head[0], head[1], head[5], head[6]

    submit(1, 1, 8)
    submit(2, 0, 18, struct.pack("<BBHHH", 0x80, 6, 0x0100, 0, 18))
    assert answer() == (3, 2, 0, 18)
    assert client.recv(18, socket.MSG_WAITALL)[:2] == b"\x12\x01"
    client.sendall(struct.pack(">IIIIII24x", 2, 3, 0x10001, 0, 0, 1))
    assert answer() == (4, 3, -errno.ECONNRESET, 0)
    client.sendall(struct.pack(">IIIIII24x", 2, 4, 0x10001, 0, 0, 2))
    assert answer() == (4, 4, 0, 0)
    client.close()
