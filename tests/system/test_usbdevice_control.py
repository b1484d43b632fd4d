"""machine.USBDevice: control transfers (rows D8 to D12), seen from the host and from the callback."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall
from renode_pico.micropython.repl import Repl
from renode_pico.usb.transfer import Setup
from tests.system.conftest import PROBE

pytestmark = pytest.mark.pico(firmware="uart", files=PROBE)

OUT = 0x21  # class request to an interface, host to device
IN = 0xA1


def controls(console: Repl) -> list[tuple[int, bytes]]:
    """What control_xfer_cb was called with for class requests: (stage, request)."""
    events = console.eval("probe.log")
    assert isinstance(events, list)
    return [(stage, request) for kind, stage, request in (e for e in events if e[0] == "control") if request[0] & 0x60]


@pytest.mark.row("D10.goes-on", "D10.acknowledged")
def test_a_request_without_data_runs_setup_and_ack_and_is_acknowledged(pico: Board, console: Repl) -> None:
    console.exec("import probe; probe.start()")
    setup = Setup(OUT, 0x11, wValue=0x1234, wIndex=0)
    pico.device.control_out(setup)
    assert controls(console) == [(1, setup.pack()), (3, setup.pack())]


@pytest.mark.row("D8.in-order", "D8.same-request", "D12.receives")
def test_an_out_request_runs_all_three_stages_with_the_same_request(pico: Board, console: Repl) -> None:
    console.exec("import probe; probe.start(); box = bytearray(8); probe.answer = lambda s, r: box if s == 1 else True")
    setup = Setup(OUT, 0x12, wValue=7, wIndex=0, wLength=8)
    pico.device.control_out(setup, b"8 bytes!")
    assert controls(console) == [(1, setup.pack()), (2, setup.pack()), (3, setup.pack())]
    assert console.eval("box") == bytearray(b"8 bytes!")


@pytest.mark.row("D8.in-order", "D8.same-request", "D11.answers")
def test_an_in_request_runs_all_three_stages_with_the_same_request(pico: Board, console: Repl) -> None:
    console.exec("import probe; probe.start(); probe.answer = lambda s, r: b'answer' if s == 1 else True")
    setup = Setup(IN, 0x13, wIndex=0, wLength=6)
    assert pico.device.control_in(setup) == b"answer"
    assert controls(console) == [(1, setup.pack()), (2, setup.pack()), (3, setup.pack())]


@pytest.mark.row("D9.host-sees-stall", "D9.no-later-stage")
@pytest.mark.parametrize("setup", [Setup(OUT, 0x21), Setup(OUT, 0x22, wLength=4), Setup(IN, 0x23, wLength=4)])
def test_false_stalls_and_no_later_stage_runs(pico: Board, console: Repl, setup: Setup) -> None:
    console.exec("import probe; probe.start(); probe.answer = False")
    device = pico.device
    with pytest.raises(Stall):
        device.control_in(setup) if setup.is_in else device.control_out(setup, bytes(setup.wLength))
    assert controls(console) == [(1, setup.pack())]


@pytest.mark.row("C5.endpoint-0")
def test_a_stalled_request_leaves_endpoint_0_working(pico: Board, console: Repl) -> None:
    console.exec("import probe; probe.start(); probe.answer = lambda s, r: r[1] == 0x32 and (s != 1 or b'fine')")
    device = pico.device
    for _ in range(3):
        with pytest.raises(Stall):
            device.control_in(Setup(IN, 0x31, wLength=4))
        assert device.control_in(Setup(IN, 0x32, wLength=4)) == b"fine"


@pytest.mark.row("D11.shorter", "D11.equal", "D11.longer", "D11.multiple-of-64-zlp", "C4.in", "C4.zero-length")
def test_an_in_answer_is_cut_at_wlength_and_ended_as_usb_asks(pico: Board, console: Repl) -> None:
    console.exec(
        "import probe; probe.start(); data = bytes(i * 7 & 255 for i in range(256));"
        "probe.answer = lambda s, r: data[:r[2] | r[3] << 8] if s == 1 else True"
    )
    device = pico.device
    for size in (1, 8, 63, 64, 65, 128, 200, 256):
        for wLength in {max(size - 1, 1), size, size + 1, size + 64}:
            transfer = pico.host.submit(device.control_pipe, setup=Setup(IN, 0x41, size, 0, wLength), timeout=1)
            pico.host.wait(transfer)
            assert transfer.data == bytes(i * 7 & 255 for i in range(min(size, wLength)))
            zero_length_packet = size < wLength and size % 64 == 0
            assert (transfer.packets[-1] == 0) is zero_length_packet, (size, wLength, transfer.packets)


@pytest.mark.row("D12.receives", "C4.out")
def test_an_out_request_of_many_packets_arrives_whole(pico: Board, console: Repl) -> None:
    console.exec(
        "import probe; probe.start(); box = memoryview(bytearray(300));"
        "probe.answer = lambda s, r: box[:r[6] | r[7] << 8] if s == 1 else True"
    )
    device = pico.device
    for size in (1, 63, 64, 65, 128, 256, 300):
        data = bytes(i * size & 255 for i in range(size))
        device.control_out(Setup(OUT, 0x51, wLength=size), data)
        assert console.eval(f"bytes(box[:{size}])") == data


def test_an_exception_in_the_callback_stalls(pico: Board, console: Repl) -> None:
    console.exec("import probe; probe.start(); probe.answer = lambda s, r: 1 // 0")
    with pytest.raises(Stall):
        pico.device.control_out(Setup(OUT, 0x61))
