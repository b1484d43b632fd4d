"""Finding tracebacks in what a board says."""

from __future__ import annotations

from renode_pico.micropython.complaint import tracebacks

WHOLE = "Traceback (most recent call last):\n  File \"main.py\", line 1, in <module>\nImportError: no module named 'x'"


def test_each_traceback_is_found_as_it_was_printed() -> None:
    said = f"hello\n{WHOLE}\nMicroPython v1.25.0 on 2025\n>>> \n{WHOLE}\n".replace("\n", "\r\n")
    assert tracebacks(said.encode()) == [WHOLE, WHOLE]


def test_one_whose_beginning_is_lost_is_found() -> None:
    said = b'n f\r\n  File "main.py", line 4, in f\r\nZeroDivisionError: divide by zero\r\nMicroPython'
    assert tracebacks(said) == ['  File "main.py", line 4, in f\nZeroDivisionError: divide by zero']


def test_nothing_is_found_where_there_is_nothing() -> None:
    assert tracebacks(b"MicroPython v1.25.0\r\n>>> \xff") == []
