"""Consoles on a terminal: untouched while there is one, named once there are two."""

from __future__ import annotations

from io import BytesIO

import pytest

from renode_pico.run.display import Display


def shown(*pieces: tuple[str, bytes], named: bool) -> bytes:
    stream = BytesIO()
    display = Display(stream, named=named, coloured=False)
    for name, data in pieces:
        display.show(name, data)
    display.end()
    return stream.getvalue()


def test_one_console_is_shown_byte_for_byte() -> None:
    data = bytes(range(256)) + b"\n"
    assert shown(("uart0", data), named=True) == data


def test_lines_of_two_consoles_are_named_and_never_mixed() -> None:
    pieces = (("uart0", b"first\n"), ("cdc0", b"a\nb"), ("uart0", b"c\n"), ("uart0", b"d"), ("uart0", b"e\n"))
    assert shown(*pieces, named=True) == b"first\ncdc0 | a\ncdc0 | b\nuart0 | c\nuart0 | de\n"


def test_in_a_log_only_the_lines_are_kept_apart() -> None:
    assert shown(("uart0", b"half"), ("cdc0", b"other\n"), named=False) == b"half\nother\n"


def test_a_carriage_return_moves_within_a_line() -> None:
    assert shown(("a", b"\n"), ("b", b"10 %\r20 %\r\n"), named=True) == b"\nb | 10 %\r20 %\r\n"


def test_a_note_waits_for_the_end_of_the_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    stream = BytesIO()
    display = Display(stream, named=False, coloured=False)
    told = []
    display.show("uart0", b"Set up")
    display.note("device")
    told.append(capsys.readouterr().err)
    display.show("uart0", b" endpoint")
    display.show("uart0", b" 0\nnext")
    told.append(capsys.readouterr().err)
    display.note("end")
    display.end()
    told.append(capsys.readouterr().err)
    assert told == ["", "device\n", "end\n"]
    assert stream.getvalue() == b"Set up endpoint 0\nnext\n"


def test_a_note_begins_a_line_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    stream = BytesIO()
    display = Display(stream, named=True, coloured=False)
    display.show("uart0", b">>> ")
    display.note("device")
    assert (stream.getvalue(), capsys.readouterr().err) == (b">>> \n", "device\n")
