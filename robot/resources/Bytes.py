"""Text and data as the hexadecimal digits that the host is given, and back."""

from __future__ import annotations

ROBOT_LIBRARY_SCOPE = "TEST"


def digits(text: str) -> str:
    """The bytes of a text, one byte a character."""
    return text.encode("latin-1").hex(" ")


def text(answer: str) -> str:
    """The text that an answer of the host is, one character a byte."""
    return bytes.fromhex(answer).decode("latin-1")


def pattern(length: str | int) -> str:
    """As `pattern` in firmware/apps/vcp_two_ports.py, as text."""
    return "".join(chr((i + (i >> 8) * 13) & 0xFF) for i in range(int(length)))
