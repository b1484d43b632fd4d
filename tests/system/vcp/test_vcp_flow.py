"""pyb.USB_VCP.init(flow=...): what happens when one side does not read (row V3)."""

from __future__ import annotations

import pytest

from renode_pico.usb.transfer import Status, Transfer
from tests.system.vcp.conftest import Vcp, both_pumps, digest, pattern

BUFFERED = 1024
"""Bytes a port keeps in each direction."""
TIMED = """
print('go')
t = time.ticks_ms()
n = v.write(data)
print(n, time.ticks_diff(time.ticks_ms(), t))
"""
DATA = "data = bytes((i * 7 + (i >> 8) * 13) & 0xff for i in range(4000))\n"


def pending(transfer: Transfer) -> bool:
    """The host still waits for the device to take all of it; otherwise it has."""
    assert transfer.status in (Status.PENDING, Status.COMPLETED)
    return transfer.status is Status.PENDING


@pytest.mark.row("V3.rts-holds-off", "V3.rts-loses-nothing")
@both_pumps
def test_rts_holds_the_host_off_while_nobody_reads(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    vcp.exec("v.init(flow=v.RTS); v.setinterrupt(-1)")
    data = pattern(5000)
    transfer = port.submit_write(data)
    vcp.run(0.2)
    assert pending(transfer)
    assert BUFFERED - 64 <= transfer.actual_length <= BUFFERED
    assert vcp.digest("v.recv(3000)") == digest(data[:3000])
    vcp.run(0.2)
    assert pending(transfer)
    assert vcp.digest("v.recv(2000)") == digest(data[3000:])
    assert not pending(transfer)
    assert vcp.eval("v.read()") is None


@pytest.mark.row("V3.rts-loses-nothing")
@both_pumps
@pytest.mark.parametrize(
    "reading",
    ["v.read(100)", "bytes(buf[:v.readinto(buf) or 0])", "v.readline()"],
    ids=["read", "readinto", "readline"],
)
def test_whatever_reads_lets_a_host_go_on_that_was_held_off(vcp: Vcp, pump: str, reading: str) -> None:
    """The echo of much data does not show it: its program reads before the buffer is full."""
    port = vcp.port()
    vcp.exec("v.init(flow=v.RTS); v.setinterrupt(-1); buf = bytearray(100); got = bytearray()")
    transfer = port.submit_write(pattern(3000))
    vcp.run(0.1)
    assert pending(transfer)
    code = f"while len(got) < 3000 and time.ticks_diff(time.ticks_ms(), t) < 200: got.extend({reading} or b'')"
    vcp.exec(f"t = time.ticks_ms()\n{code}")
    assert vcp.digest("bytes(got)") == digest(pattern(3000))
    assert not pending(transfer)


@both_pumps
def test_without_rts_what_does_not_fit_is_dropped(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    vcp.exec("v.init(flow=0); v.setinterrupt(-1)")
    assert port.write(pattern(3000)) == 3000
    vcp.run(0.05)
    assert vcp.digest("v.read()") == digest(pattern(3000)[:BUFFERED])
    port.write(b"works on")
    vcp.run(0.05)
    assert vcp.eval("v.read()") == b"works on"


@pytest.mark.row("V3.minus-one", "V3.zero-ends-rts")
@both_pumps
def test_flow_minus_one_leaves_it_and_zero_turns_it_off(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    vcp.exec("v.init(flow=v.RTS); v.init(flow=-1); v.init(); v.setinterrupt(-1)")
    transfer = port.submit_write(pattern(3000))
    vcp.run(0.1)
    assert pending(transfer)
    vcp.exec("v.init(flow=0)")  # lets the rest in, which has no place
    vcp.run(0.1)
    assert not pending(transfer)
    assert vcp.eval("len(v.read())") <= BUFFERED


@pytest.mark.row("V3.minus-one")
@both_pumps
def test_init_without_flow_turns_nothing_on(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    vcp.exec("v.init(flow=0); v.init(flow=-1); v.init(); v.setinterrupt(-1)")
    transfer = port.submit_write(pattern(3000))
    vcp.run(0.1)
    assert not pending(transfer)


@pytest.mark.row("V3.zero-ends-cts")
@both_pumps
def test_zero_turns_off_cts(vcp: Vcp, pump: str) -> None:
    vcp.exec(
        "v.init(flow=v.CTS | v.RTS); v.init(flow=0); t = time.ticks_ms(); n = v.write(bytes(2000))"
        "; t = time.ticks_diff(time.ticks_ms(), t)"
    )  # no host has the port open
    assert vcp.eval("(n, t < 50)") == (2000, True)


@pytest.mark.row("V3.cts-waits", "V11.count")
@both_pumps
def test_cts_makes_write_wait_for_the_host(vcp: Vcp, pump: str) -> None:
    port = vcp.ports[0]

    def open_late() -> None:
        vcp.run(0.3)
        vcp.port()

    vcp.exec(DATA)
    count, waited = map(int, vcp.meanwhile("v.init(flow=v.CTS)" + TIMED, open_late).split()[1:])
    assert count == 4000
    assert 300 <= waited < 1000
    vcp.run(0.05)
    assert port.read() == pattern(4000)


@pytest.mark.row("V3.cts-waits")
@both_pumps
def test_cts_waits_for_a_host_that_stops_reading(vcp: Vcp, pump: str) -> None:
    port = vcp.ports[0]
    port.set_control_line_state(True, True)  # open, but it does not read
    vcp.run(0.02)
    vcp.exec(DATA)

    def read_late() -> None:
        vcp.run(2.0)
        vcp.port()

    count, waited = map(int, vcp.meanwhile("v.init(flow=v.CTS)" + TIMED, read_late).split()[1:])
    assert (count, waited >= 2000) == (4000, True)
    vcp.run(0.05)
    assert port.read() == pattern(4000)


@pytest.mark.row("V11.count")
@both_pumps
def test_without_cts_nobody_waits_for_a_closed_port_and_the_latest_data_stay(vcp: Vcp, pump: str) -> None:
    vcp.exec(DATA + "v.init(flow=0); t = time.ticks_ms(); n = v.write(data); t = time.ticks_diff(time.ticks_ms(), t)")
    assert vcp.eval("n") == 4000
    assert vcp.eval("t") < 50
    vcp.port()
    vcp.run(0.05)
    assert vcp.ports[0].read() == pattern(4000)[-BUFFERED:]


@pytest.mark.row("V11.count")
@both_pumps
def test_without_cts_a_host_that_reads_loses_nothing(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    assert vcp.exec(DATA + "v.init(flow=0); print(v.write(data))") == "4000\n"
    vcp.run(0.05)
    assert port.read() == pattern(4000)


@both_pumps
def test_without_cts_a_host_that_does_not_read_delays_write_by_half_a_second(vcp: Vcp, pump: str) -> None:
    vcp.ports[0].set_control_line_state(True, True)
    vcp.run(0.02)
    vcp.exec(DATA + "v.init(flow=0); t = time.ticks_ms(); n = v.write(data); t = time.ticks_diff(time.ticks_ms(), t)")
    assert vcp.eval("n") == 4000
    assert 500 <= vcp.eval("t") < 600
    vcp.port()
    vcp.run(0.05)
    received = vcp.ports[0].read()
    assert received.endswith(pattern(4000)[-BUFFERED:])
