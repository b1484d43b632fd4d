"""Data of any length, in any pieces, taken at any time, whatever the bus does in between: nothing lost or doubled."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renode_pico.board import Board
from renode_pico.usb.cdc import CdcPort, cdc_ports
from tests.system.conftest import app
from tests.system.vcp.conftest import BOOT, OPENED, pattern

ECHO = """
import pyb, time
v = pyb.USB_VCP()
v.init(flow=v.RTS | v.CTS)
v.setinterrupt(-1)
while True:
    data = v.read()
    if data:
        v.write(data)
    else:
        time.sleep_ms(1)
"""

# One board serves all examples: each leaves it as it found it.
some_examples = settings(
    max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
milliseconds = st.integers(0, 8)
bulk_lengths = st.one_of(st.integers(1, 1023), st.sampled_from([63, 64, 65, 127, 128, 129, 960, 1023]))


@pytest.mark.pico(firmware="uart", files={"main.py": app("vendor_bulk.py")})
@some_examples
@given(transfers=st.lists(st.tuples(bulk_lengths, milliseconds, milliseconds), min_size=1, max_size=4))
def test_bulk_transfers_of_any_length_come_back(pico: Board, transfers: list[tuple[int, int, int]]) -> None:
    device = pico.device
    out, in_ = device.endpoint(0x01), device.endpoint(0x81)
    for number, (length, before, between) in enumerate(transfers):
        data = pattern(length, seed=number)
        pico.host.run(before / 1000)
        out.write(data, zero_packet=True)
        pico.host.run(between / 1000)
        assert in_.read(length) == data


def opened_port(pico: Board) -> CdcPort:
    """The host's end of port 0 of the device as it is now."""
    port = cdc_ports(pico.device)[0]
    port.open()
    pico.host.run(OPENED)
    return port


def read_exactly(port: CdcPort, length: int) -> bytes:
    """So many bytes."""
    got = b""
    while len(got) < length:
        got += port.read()
    return got


step = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 700)),
    st.tuples(st.just("wait"), milliseconds),
    st.tuples(st.just("read"), st.just(0)),
    st.tuples(st.just("suspend"), milliseconds),
    st.tuples(st.just("reset"), st.just(0)),
    st.tuples(st.just("reopen"), st.just(0)),
)


@pytest.mark.row("V3.rts-loses-nothing")
@pytest.mark.pico(firmware="uart", files={"boot.py": BOOT, "main.py": ECHO})
@some_examples
@given(steps=st.lists(step, min_size=1, max_size=8))
def test_a_port_echoes_whatever_happens(pico: Board, steps: list[tuple[str, int]]) -> None:
    pico.enumerate()
    port = opened_port(pico)
    sent, seen, seed = b"", b"", 0
    for what, number in [*steps, ("read", 0)]:
        if what == "write":
            seed += 1
            data = pattern(number, seed)
            port.write(data, timeout=30)
            sent += data
        elif what == "wait":
            pico.host.run(number / 1000)
        elif what == "suspend":
            pico.host.suspend()
            pico.host.run(number / 1000)
            pico.host.resume()
        else:
            seen += read_exactly(port, len(sent) - len(seen))
            if what == "reset":
                pico.enumerate()
                port = opened_port(pico)
            elif what == "reopen":
                port.close()
                port.open()
                pico.host.run(OPENED)
    assert seen == sent
    pico.host.run(0.02)
    assert port.read_available() == b""
    port.close()
