"""pyb.USB_VCP and what happens to the bus: opening, resets, suspend, unplugging, much data (rows V5, V16, V17)."""

from __future__ import annotations

from contextlib import suppress

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall, Timeout
from tests.system.vcp.conftest import BOOT, OPENED, WITHOUT_C, Vcp, both_pumps, digest, pattern

TRAFFIC = """
print('go')
for i in range(30):
    v.write(bytes(300))
    v.read(300)
    time.sleep_ms(1)
print(v.isconnected())
"""
SUSPENDED = 0.02
"""Emulated seconds after which a device whose bus has gone quiet knows it (3 ms)."""


@pytest.mark.row("V5.dtr-set", "V5.dtr-cleared", "V5.unplugged")
@both_pumps
def test_isconnected_follows_the_host(vcp: Vcp, pump: str) -> None:
    host = vcp.pico.host
    port = vcp.ports[0]
    assert vcp.eval("(v.isconnected(), w.isconnected(), pyb.have_cdc())") == (False, False, False)
    port.set_control_line_state(dtr=False, rts=True)
    vcp.run(OPENED)
    assert vcp.eval("v.isconnected()") is False
    port.set_control_line_state(dtr=True, rts=False)
    vcp.run(OPENED)
    assert vcp.eval("(v.isconnected(), w.isconnected(), pyb.have_cdc())") == (True, False, True)
    port.set_control_line_state(dtr=False, rts=False)
    assert vcp.eval("v.isconnected()") is False
    port.set_control_line_state(dtr=True, rts=True)
    vcp.run(OPENED)
    host.unplug()
    vcp.run(SUSPENDED)
    assert vcp.eval("v.isconnected()") is False
    vcp.enumerate()
    assert vcp.eval("v.isconnected()") is False
    vcp.port()
    assert vcp.eval("v.isconnected()") is True


@pytest.mark.row("V5.configured")
@both_pumps
def test_isconnected_needs_a_configuration(vcp: Vcp, pump: str) -> None:
    vcp.port()
    assert vcp.eval("v.isconnected()") is True
    vcp.pico.device.set_configuration(0)
    assert vcp.eval("v.isconnected()") is False


@pytest.mark.row("V17.isconnected", "V17.works-again")
@both_pumps
@pytest.mark.parametrize(
    "event",
    [
        pytest.param("unplug", marks=pytest.mark.row("V17.unplug", "V17.replug")),
        pytest.param("reset", marks=pytest.mark.row("V17.bus-reset")),
    ],
)
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_port_survives_the_loss_of_the_bus_in_the_middle_of_a_transfer(
    vcp: Vcp, pump: str, event: str, direction: str
) -> None:
    host = vcp.pico.host
    port = vcp.port()
    vcp.exec("v.init(flow=v.RTS); v.setinterrupt(-1)")

    def disturb() -> None:
        if direction == "out":
            port.submit_write(pattern(20_000))
        vcp.run(0.004)
        if event == "unplug":
            host.unplug()
            vcp.run(SUSPENDED)
        else:
            host.reset()

    assert vcp.meanwhile(TRAFFIC, disturb) == "go\nFalse\n"
    vcp.enumerate()
    port = vcp.port()
    vcp.run(0.1)
    port.read_available()
    assert vcp.eval("v.isconnected()") is True
    port.write(b"once more")
    vcp.run(OPENED)
    assert vcp.eval("(v.read(), v.write(b'with feeling'))") == (b"once more", 12)
    assert port.read_until(b"feeling") == b"with feeling"


@pytest.mark.row("V17.suspend", "V17.isconnected")
@both_pumps
def test_a_transfer_goes_on_after_a_suspend(vcp: Vcp, pump: str) -> None:
    host = vcp.pico.host
    port = vcp.port()
    vcp.exec("v.init(flow=v.RTS | v.CTS); v.setinterrupt(-1); data = bytes(range(256)) * 32")
    transfer = port.submit_write(pattern(8000))
    vcp.run(0.004)
    host.suspend()
    assert vcp.eval("v.isconnected()") is False
    host.resume()
    assert vcp.eval("v.isconnected()") is True
    assert vcp.digest("v.recv(8000)") == digest(pattern(8000))
    host.wait(transfer)

    def interrupt_it() -> None:
        vcp.run(0.003)
        host.suspend()
        vcp.run(0.05)
        host.resume()

    assert vcp.meanwhile("print('go'); print(v.write(data))", interrupt_it) == "go\n8192\n"
    vcp.run(0.05)
    assert port.read() == bytes(range(256)) * 32


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.pico(firmware="uart", files={"boot.py": "import pyb\npyb.usb_mode('2xVCP')\n"})
def test_a_port_works_again_after_the_host_has_halted_its_endpoints(vcp: Vcp, direction: str) -> None:
    device = vcp.pico.device
    port = vcp.ports[0]
    port.set_control_line_state(True, True)
    vcp.run(OPENED)
    function = port.function
    address = (function.bulk_in if direction == "in" else function.bulk_out).bEndpointAddress
    endpoint = device.endpoint(address)
    if direction == "in":
        vcp.exec("v.write(b'lost with the halt')")
        vcp.run(OPENED)
    device.set_halt(address)
    with pytest.raises(Stall):
        endpoint.read(64) if direction == "in" else endpoint.write(b"refused")
    endpoint.clear_halt()
    if direction == "in":
        vcp.exec("v.write(b'sent after it')")
        assert endpoint.read(64) == b"sent after it"
    else:
        endpoint.write(b"taken after it")
        vcp.run(OPENED)
        assert vcp.eval("v.read()") == b"taken after it"


ECHO = """
v.init(flow=v.RTS | v.CTS); v.setinterrupt(-1)
w.init(flow=w.RTS | w.CTS); w.setinterrupt(-1)
buf = bytearray(1024)
left = 2 * SIZE
print('go')
while left:
    for port in v, w:
        n = port.readinto(buf)
        if n:
            port.write(buf, n)
            left -= n
"""


MUCH = pytest.mark.row("V16.much-to-board", "V16.much-to-host", "V16.all-values", "V16.two-ports", "V16.nothing-lost")


@pytest.mark.parametrize(
    "pump",
    [
        pytest.param("c", marks=[MUCH, pytest.mark.pico(firmware="uart", files={"boot.py": BOOT})]),
        pytest.param("python", marks=pytest.mark.pico(firmware="uart", files={"boot.py": WITHOUT_C + BOOT})),
    ],
)
def test_much_data_both_ways_on_two_ports_at_once(vcp: Vcp, pump: str, pico: Board) -> None:
    size = 1 << 20 if pico.engine.name == "renode" else 1 << 16
    if pump == "python":
        size >>= 3  # the C module is what ships; this is for what a stock image does
    ports = [vcp.port(0), vcp.port(1)]
    sent = [pattern(size, seed) for seed in (1, 100)]

    def transfer() -> None:
        transfers = [port.submit_write(data) for port, data in zip(ports, sent, strict=True)]
        received = [bytearray(), bytearray()]
        quiet = 0
        while any(len(data) < size for data in received) and quiet < 1000:
            before = sum(map(len, received))
            for port, data in zip(ports, received, strict=True):
                with suppress(Timeout):
                    data += port.read(0.001)
            quiet = quiet + 1 if sum(map(len, received)) == before else 0
        assert [bytes(data) for data in received] == sent
        pico.host.wait(*transfers)

    vcp.meanwhile(ECHO.replace("SIZE", str(size)), transfer, timeout=600.0)
    assert [port.read_available() for port in ports] == [b"", b""]
