"""Consoles on a terminal: untouched while there is one, named once there are two."""

from __future__ import annotations

from io import BytesIO

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
