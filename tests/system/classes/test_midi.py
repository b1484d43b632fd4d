"""The MIDI device of firmware/apps/midi_device.py, against USB MIDI 1.0."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import Timeout
from tests.system.classes.conftest import endpoints_of, interface_of, on_a_board, started

pytestmark = on_a_board

START = "import midi_device\nm = midi_device.start()"


def test_descriptors(pico: Board) -> None:
    _, device = started(pico, START)
    control = interface_of(device, 1, 1)
    streaming = interface_of(device, 1, 3)
    (association,) = device.configuration.associations
    assert control.bInterfaceNumber in association
    assert streaming.bInterfaceNumber in association
    (header,) = control.extra
    assert header[7:] == bytes((1, streaming.bInterfaceNumber))
    class_header, *jacks = streaming.extra
    assert [(jack[2], jack[3]) for jack in jacks] == [(2, 1), (2, 2), (3, 1), (3, 2)]  # IN and OUT, both kinds
    specific = [extra for endpoint in streaming.endpoints for extra in endpoint.extra]
    total = len(class_header) + sum(map(len, jacks)) + 2 * 7 + sum(map(len, specific))
    assert int.from_bytes(class_header[5:7], "little") == total
    assert [extra[2:4] for extra in specific] == [b"\x01\x01"] * 2


def test_events_both_ways(pico: Board) -> None:
    console, device = started(pico, START)
    in_, out = endpoints_of(device, interface_of(device, 1, 3))
    console.exec("m.note_on(60); m.note_off(60); m.note_on(61, 127, 9)")
    received = b""
    while len(received) < 12:
        received += in_.read(64)
    assert received == bytes.fromhex("09903c40 08803c00 09993d7f")
    out.write(bytes.fromhex("09903c40 0bb04000 08803c00 09907f10"))
    received = b""
    while len(received) < 16:
        received += in_.read(64)
    assert received == bytes.fromhex("09904840 0bb04000 08804800 09907f10")  # notes an octave up, the rest as it was


def test_a_long_run_keeps_its_order(pico: Board) -> None:
    console, device = started(pico, START)
    in_, _ = endpoints_of(device, interface_of(device, 1, 3))
    console.exec("for i in range(128): m.note_on(i)")
    received = b""
    while len(received) < 4 * 128:
        received += in_.read(64)
    assert received == b"".join(bytes((9, 0x90, note, 64)) for note in range(128))
    with pytest.raises(Timeout):
        in_.read(64, timeout=0.1)
