"""What is expected of consoles: text wherever it appears, expressions in lines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renode_pico.errors import UsageError
from renode_pico.run.watch import Pattern, Watcher


def watcher(*expected: str, failing: tuple[str, ...] = ()) -> Watcher:
    return Watcher(map(Pattern.parse, expected), map(Pattern.parse, failing))


def test_text_is_seen_as_soon_as_it_is_there() -> None:
    watch = watcher("ready>")
    watch.feed("uart0", b"system rea", 1.0)
    assert not watch.seen
    watch.feed("uart0", b"dy> ", 2.0)
    (seen,) = watch.seen
    assert (seen.console, seen.line, seen.at) == ("uart0", "system ready> ", 2.0)
    assert not watch.missing


def test_consoles_are_not_mixed() -> None:
    watch = watcher("ab")
    watch.feed("uart0", b"a", 1.0)
    watch.feed("cdc0", b"b", 1.0)
    assert watch.missing


def test_all_must_be_seen_in_any_order() -> None:
    watch = watcher("one", "two")
    watch.feed("uart0", b"two\r\n", 1.0)
    assert [str(pattern) for pattern in watch.missing] == ["'one'"]
    watch.feed("uart0", b"one", 1.0)
    assert not watch.missing


def test_an_expression_waits_for_the_end_of_its_line() -> None:
    watch = watcher(r"/^temp: (\d+)$/")
    watch.feed("uart0", b"temp: 2", 1.0)
    watch.feed("uart0", b"7 C\r\n", 2.0)
    assert watch.missing
    watch.feed("uart0", b"temp: 27\r\n", 3.0)
    assert watch.seen[0].line == "temp: 27"


def test_an_expression_sees_a_prompt_once_it_is_quiet() -> None:
    watch = watcher("/>>> $/")
    watch.feed("cdc0", b"hello\r\n>>> ", 1.0)
    assert watch.missing
    watch.feed("cdc0", b"", 2.0)
    assert watch.seen[0].at == 2.0


def test_what_must_not_be_seen_is_told_with_its_line() -> None:
    watch = watcher("done", failing=("/panic|assert/",))
    watch.feed("uart0", b"*** panic at 3\ndone\n", 1.0)
    assert watch.failed is not None
    assert watch.failed.line == "*** panic at 3"


def test_bytes_that_are_no_text_do_not_hide_what_follows() -> None:
    watch = watcher("ok ü")
    watch.feed("uart0", b"\xff\xfeok \xc3", 1.0)
    watch.feed("uart0", b"\xbc\n", 1.0)
    assert not watch.missing


@pytest.mark.parametrize(("text", "word"), [("", "empty"), ("/(/", "no regular expression")])
def test_patterns_that_make_no_sense_are_refused(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Pattern.parse(text)


def test_a_path_is_text() -> None:
    assert Pattern.parse("/").expression is None
    assert Pattern.parse("/dev/null").expression is None


@given(st.text("abx\n", max_size=40), st.lists(st.integers(0, 40)))
def test_it_does_not_matter_how_output_is_cut(text: str, cuts: list[int]) -> None:
    whole, pieces = watcher("ab", "/^b+$/"), watcher("ab", "/^b+$/")
    data = text.encode() + b"\n"
    whole.feed("uart0", data, 0.0)
    places = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    for begin, end in itertools.pairwise(places):
        pieces.feed("uart0", data[begin:end], 0.0)
    assert pieces.missing == whole.missing
