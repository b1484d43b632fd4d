"""The bus trace of a real firmware, decoded by tshark (row T5)."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall
from renode_pico.trace.session import TraceFile
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import Fault
from tests.system.clients.conftest import debian_program, run


def record(pico: Board, path: Path) -> None:
    """Enumerate, use the REPL, provoke a stall and a retry."""
    with TraceFile(path, sof=True).attach(pico.host):
        device = pico.device
        assert pico.repl().eval("6 * 7") == 42
        with pytest.raises(Stall):
            device.control_in(Setup(0xC0, 0x55, 0, 0, 8))
        pico.host.inject(Fault.CRC, endpoint_address=pico.cdc().function.bulk_out.bEndpointAddress)
        assert pico.repl().eval("6 * 9") == 54
        pico.host.reset()


def decode(tshark: str, path: Path, filter_: str, *fields: str) -> list[list[str]]:
    """One row of field values for each packet that the filter lets through."""
    done = run(tshark, "-r", str(path), "-Y", filter_, "-T", "fields", *(f"-e{name}" for name in fields))
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture
def trace(pico: Board, tmp_path: Path) -> tuple[str, Path]:
    tshark = debian_program("tshark", "tshark")
    path = tmp_path / "bus.pcapng"
    record(pico, path)
    return tshark, path


@pytest.mark.row("T5.no-malformed")
def test_no_packet_is_malformed(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    assert len(decode(tshark, path, "frame", "frame.number")) > 300
    assert decode(tshark, path, "_ws.malformed || usbll.invalid_pid || usbll.undecoded", "frame.number") == []


def test_the_spoiled_packet_is_the_only_one_with_a_wrong_checksum(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    assert decode(tshark, path, "usbll.crc5.status == 0 && usbll.crc5", "frame.number") == []
    assert len(decode(tshark, path, "usbll.crc16.status == 0", "frame.number")) == 1


@pytest.mark.row("T5.decoded")
def test_both_levels_say_the_same_of_the_device(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    for interface in ("wire", "urb"):
        found = decode(
            tshark, path, f'frame.interface_name == "{interface}" && usb.idVendor', "usb.idVendor", "usb.idProduct"
        )
        assert ["0x2e8a", "0x0005"] in found, interface


def test_stalls_are_seen_at_both_levels(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    assert decode(tshark, path, "usbll.pid == 0x1e", "frame.number")
    assert decode(tshark, path, "usb.urb_status == -32", "frame.number")


def test_the_repls_bytes_are_in_the_bulk_transfers(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    sent = decode(tshark, path, "usb.capdata && usb.endpoint_address.direction == 0", "usb.capdata")
    assert b"6 * 7" in b"".join(bytes.fromhex(row[0].replace(":", "")) for row in sent)


def test_frames_are_a_millisecond_apart(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    found = decode(tshark, path, "usbll.pid == 0xa5", "usbll.frame_num", "frame.time_epoch")
    frames = [(int(number), round(float(time) * 1e9)) for number, time in found]
    steps = {(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(frames) if b[0] == a[0] + 1}
    assert steps == {(1, 1_000_000)}


def test_what_the_line_did_is_in_the_comments(trace: tuple[str, Path]) -> None:
    tshark, path = trace
    comments = json.dumps(decode(tshark, path, "frame.comment", "frame.comment"))
    assert "attach" in comments
    assert "reset end" in comments
