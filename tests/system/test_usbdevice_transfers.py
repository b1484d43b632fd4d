"""machine.USBDevice: transfers, stalls and bus resets (rows D7, D13, D20 to D23)."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import FirmwareError, ScriptError, Stall, Timeout
from renode_pico.micropython.repl import Repl
from renode_pico.usb.transfer import Status
from tests.system.conftest import PROBE

pytestmark = pytest.mark.pico(firmware="uart", files=PROBE)

START = "from probe import *; start(endpoint(0x81), endpoint(0x01))"
DONE = 0
"""What xfer_cb gets for success: TinyUSB's XFER_RESULT_SUCCESS, see docs/deviations.md."""


def transfers(console: Repl) -> list[tuple[int, int, int]]:
    """What xfer_cb was called with: (ep, result, count)."""
    events = console.eval("log")
    assert isinstance(events, list)
    return [tuple(event[1:]) for event in events if event[0] == "xfer"]


@pytest.mark.row("D13.in", "D21.queued")
def test_an_in_transfer_completes_with_its_length(pico: Board, console: Repl) -> None:
    console.exec(START)
    endpoint = pico.device.endpoint(0x81)
    assert console.eval("usb.submit_xfer(0x81, bytes(range(100)))") is True
    assert endpoint.read(100) == bytes(range(100))
    assert transfers(console) == [(0x81, DONE, 100)]


@pytest.mark.row("D13.out", "D13.short-packet")
def test_a_full_and_a_short_out_transfer(pico: Board, console: Repl) -> None:
    console.exec(START)
    endpoint = pico.device.endpoint(0x01)
    console.exec("box = bytearray(128); usb.submit_xfer(0x01, box)")
    endpoint.write(bytes(range(128)))
    assert transfers(console) == [(0x01, DONE, 128)]
    assert console.eval("bytes(box)") == bytes(range(128))
    console.exec("box = bytearray(128); usb.submit_xfer(0x01, box)")
    endpoint.write(b"short packet")
    assert transfers(console)[1:] == [(0x01, DONE, 12)]
    assert console.eval("bytes(box[:13])") == b"short packet\0"


@pytest.mark.row("C7.zero-length-out")
def test_a_zero_length_packet_ends_an_out_transfer(pico: Board, console: Repl) -> None:
    console.exec(START)
    endpoint = pico.device.endpoint(0x01)
    console.exec("usb.submit_xfer(0x01, bytearray(256))")
    endpoint.write(bytes(64), zero_packet=True)
    assert transfers(console) == [(0x01, DONE, 64)]


@pytest.mark.row("D21.inactive", "D21.endpoint-0", "D21.already-queued")
def test_submit_is_refused_where_it_cannot_work(pico: Board, console: Repl) -> None:
    console.exec("from probe import *")
    with pytest.raises(ScriptError, match="EINVAL"):
        console.exec("usb.submit_xfer(0x81, b'inactive')")
    console.exec(START)
    pico.enumerate()
    for endpoint in ("0", "0x80"):
        with pytest.raises(ScriptError, match="ValueError"):
            console.exec(f"usb.submit_xfer({endpoint}, bytearray(8))")
    assert console.eval("usb.submit_xfer(0x81, b'first')") is True
    with pytest.raises(ScriptError, match="OSError: 16"):
        console.exec("usb.submit_xfer(0x81, b'second')")
    with pytest.raises(ScriptError, match="TypeError"):
        console.exec("usb.submit_xfer(0x01, 5)")


@pytest.mark.row("D21.not-configured")
def test_submit_before_the_host_has_configured_the_device_panics(pico: Board, console: Repl) -> None:
    """The document promises False; TinyUSB's driver follows a null pointer instead: docs/deviations.md."""
    console.exec(START)
    with pytest.raises(FirmwareError, match=r"breakpoint|panic"):
        console.exec("usb.submit_xfer(0x81, b'nobody asked')", timeout=1)


@pytest.mark.row("D7.reset-cb", "D7.never-complete", "D7.xfer-cb-silent", "D7.enumerates-again")
def test_a_bus_reset_calls_reset_and_silences_transfers_in_flight(pico: Board, console: Repl) -> None:
    console.exec(START)
    pico.enumerate()
    console.exec("log.clear(); usb.submit_xfer(0x81, bytes(100)); usb.submit_xfer(0x01, bytearray(64))")
    pico.host.reset()
    pico.host.run(0.05)
    events = console.eval("log")
    assert ("reset",) in events
    assert transfers(console) == []
    console.exec("log.clear()")
    device = pico.enumerate()
    assert [event[0] for event in console.eval("log") if event[0] != "reset"] == ["open"]
    console.exec("usb.submit_xfer(0x81, b'after the reset')")
    assert device.endpoint(0x81).read(64) == b"after the reset"
    assert transfers(console) == [(0x81, DONE, 15)]


@pytest.mark.row("D22.reads", "D22.in", "D22.out", "D22.state-before", "D22.inactive", "C5.others", "C10.stall-bits")
def test_stall_is_seen_on_in_and_out_and_returns_the_state_before(pico: Board, console: Repl) -> None:
    console.exec("from probe import *")
    with pytest.raises(ScriptError, match="EINVAL"):
        console.exec("usb.stall(0x81)")
    console.exec(START)
    device = pico.device
    for address in (0x81, 0x01):
        assert console.eval(f"usb.stall({address})") is False
        assert console.eval(f"usb.stall({address}, True)") is False
        assert console.eval(f"usb.stall({address})") is True
        for _ in range(3):
            with pytest.raises(Stall):
                device.endpoint(address).read(64) if address & 0x80 else device.endpoint(address).write(b"refused")
        assert device.get_status_endpoint(address) == 1
        assert console.eval(f"usb.stall({address}, False)") is True
        assert console.eval(f"usb.stall({address})") is False
        assert device.get_status_endpoint(address) == 0


@pytest.mark.row("D23.clear-feature", "D23.resets-toggle")
@pytest.mark.parametrize("packets", [1, 2], ids=["next would be DATA1", "next would be DATA0"])
def test_clear_feature_clears_a_stall_and_resets_the_toggle(pico: Board, console: Repl, packets: int) -> None:
    console.exec(START)
    device = pico.device
    for _ in range(packets):
        console.exec("usb.submit_xfer(0x81, b'x'); usb.submit_xfer(0x01, bytearray(64))")
        assert device.endpoint(0x81).read(64) == b"x"
        device.endpoint(0x01).write(b"y")
    console.exec("usb.stall(0x81, True); usb.stall(0x01, True)")
    for address in (0x81, 0x01):
        device.clear_halt(address)
        assert console.eval(f"usb.stall({address})") is False
    console.exec("log.clear(); box = bytearray(64); usb.submit_xfer(0x81, b'again'); usb.submit_xfer(0x01, box)")
    assert device.endpoint(0x81).read(64, timeout=1) == b"again"
    device.endpoint(0x01).write(b"and again", timeout=1)
    assert sorted(transfers(console)) == [(0x01, DONE, 9), (0x81, DONE, 5)]
    assert console.eval("bytes(box[:9])") == b"and again"


@pytest.mark.row("D23.stall-false")
def test_the_device_clears_its_stall_itself(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    console.exec("usb.stall(0x81, True)")
    with pytest.raises(Stall):
        device.endpoint(0x81).read(64)
    console.exec("usb.stall(0x81, False); usb.submit_xfer(0x81, b'free')")
    pico.host.reset_toggle(device.address, 0x81)
    assert device.endpoint(0x81).read(64, timeout=1) == b"free"


@pytest.mark.row("D20.true", "D20.wakes", "C12.remote-wakeup")
def test_remote_wakeup_wakes_a_suspended_host_that_allowed_it(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    assert console.eval("usb.remote_wakeup()") is False
    device.set_remote_wakeup(True)
    pico.host.suspend()
    assert pico.host.suspended
    assert console.eval("usb.remote_wakeup()") is True
    pico.host.wait_resumed(timeout=1)
    console.exec("usb.submit_xfer(0x81, b'awake')")
    assert device.endpoint(0x81).read(64, timeout=1) == b"awake"


@pytest.mark.row("D20.false-otherwise", "C12.host-resume")
def test_remote_wakeup_is_refused_when_the_host_did_not_allow_it(pico: Board, console: Repl) -> None:
    console.exec(START)
    pico.enumerate()
    pico.host.suspend()
    assert console.eval("usb.remote_wakeup()") is False
    with pytest.raises(Timeout):
        pico.host.wait_resumed(timeout=0.1)
    pico.host.resume()
    console.exec("usb.submit_xfer(0x81, b'resumed')")
    assert pico.device.endpoint(0x81).read(64, timeout=1) == b"resumed"


def test_unplugging_in_a_transfer_ends_it(pico: Board, console: Repl) -> None:
    console.exec(START)
    endpoint = pico.device.endpoint(0x81)
    transfer = pico.host.submit(endpoint.pipe, length=64)
    pico.host.run(0.005)
    assert transfer.status is Status.PENDING
    pico.host.unplug()
    assert [transfer.status] == [Status.DISCONNECTED]
