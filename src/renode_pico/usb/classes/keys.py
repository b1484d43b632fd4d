"""Key codes of the American keyboard (HID Usage Tables 1.5, chapter 10)."""

from __future__ import annotations

KEYBOARD_PAGE = 0x07
FIRST_MODIFIER, LAST_MODIFIER = 0xE0, 0xE7
SHIFTS = (0xE1, 0xE5)
CAPS_LOCK = 0x39

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PLAIN = "1234567890\n\x1b\b\t -=[]\\\0;'`,./"
_SHIFTED = '!@#$%^&*()\n\x1b\b\t _+{}|\0:"~<>?'
_KEYPAD = "/*-+\n1234567890."
FIRST_LETTER, FIRST_DIGIT, FIRST_KEYPAD = 0x04, 0x1E, 0x54


def character(code: int, shift: bool = False, caps: bool = False) -> str:
    """Return what a key types; empty for one that types nothing."""
    if FIRST_LETTER <= code < FIRST_DIGIT:
        letter = _LETTERS[code - FIRST_LETTER]
        return letter.upper() if shift != caps else letter
    if FIRST_DIGIT <= code < FIRST_DIGIT + len(_PLAIN):
        return (_SHIFTED if shift else _PLAIN)[code - FIRST_DIGIT].replace("\0", "")
    if FIRST_KEYPAD <= code < FIRST_KEYPAD + len(_KEYPAD):
        return _KEYPAD[code - FIRST_KEYPAD]
    return ""
