from __future__ import annotations

import io

import pytest
from rich.console import Console

from renode_pico.cli.live import Look, Meter, Screen, picture, plain_line
from renode_pico.usb.observe import BusEventKind, TransactionRecord
from tests.unit.trace.records import Script, feed, short_trace


def meter_of(script: Script) -> Meter:
    meter = Meter()
    feed(meter, script.records)
    return meter


def text_of(look: Look) -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(picture(look, "cdc.uf2 on an engine", ["a note"]))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_bytes_and_naks_are_counted_by_endpoint() -> None:
    script = Script()
    script.bulk(0x82, bytes(100), naks=7)
    (use,) = meter_of(script).look(1.0).endpoints
    assert (use.bytes, use.naks, use.transfers, use.transactions, use.state) == (100, 7, 1, 9, "active")


def test_frame_use_is_the_time_the_bus_was_busy() -> None:
    script = Script()
    script.bulk(0x02, bytes(640))
    busy_ns = sum(record.duration_ns for record in script.records if isinstance(record, TransactionRecord))
    assert meter_of(script).look(0.001).use == pytest.approx(busy_ns / 1e6)


def test_each_look_begins_anew() -> None:
    script = Script()
    script.bulk(0x02, bytes(64))
    meter = meter_of(script)
    meter.look(1.0)
    look = meter.look(3.0)
    assert (look.bytes, look.transfers, look.use, look.seconds) == (0, 0, 0, 2.0)
    assert look.endpoints[0].state == "idle"
    assert look.endpoints[0].total_bytes == 64


def test_a_stall_and_a_silence_are_states() -> None:
    meter = Meter()
    whole = short_trace()
    end = next(n for n, record in enumerate(whole) if isinstance(record, TransactionRecord) and record.data == b"lost")
    feed(meter, whole[: end + 1])
    states = {(use.address, use.endpoint_address): use.state for use in meter.look(1.0).endpoints}
    assert states[1, 0x80] == "stalled"
    assert states[1, 0x02] == "no answer"


def test_a_reset_forgets_the_endpoints() -> None:
    script = Script()
    script.bulk(0x02, bytes(64))
    script.event(BusEventKind.RESET_BEGIN)
    look = meter_of(script).look(1.0)
    assert look.endpoints == ()
    assert look.line == "reset"


def test_the_picture_and_the_line_name_what_moves() -> None:
    script = Script()
    script.bulk(0x82, bytes(2048))
    look = meter_of(script).look(1.0)
    assert "1.2 IN" in text_of(look)
    assert "2,048" in text_of(look)
    assert "a note" in text_of(look)
    assert "1.2 IN active 2,048 B/s" in plain_line(look)


def test_plain_lines_when_there_is_no_terminal() -> None:
    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=False)
    screen = Screen(Meter(), lambda: now[0], "title", console=console, interval=1.0, wall=lambda: now[0])
    with screen:
        screen.note("device found")
        for _ in range(12):
            now[0] += 1.0
            screen.show()
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "device found"
    assert len(lines) == 3
    assert "\x1b" not in console.file.getvalue()


def test_a_picture_on_a_terminal() -> None:
    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=30)
    with Screen(Meter(), lambda: now[0], "the title", console=console, wall=lambda: now[0]) as screen:
        now[0] = 1.0
        screen.show()
    assert isinstance(console.file, io.StringIO)
    assert "the title" in console.file.getvalue()
