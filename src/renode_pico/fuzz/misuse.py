"""The judge of what firmware does to the USB controller: the sanitizer's checks, one finding for each place."""

from __future__ import annotations

from renode_pico.board import Board
from renode_pico.fuzz.judges import Finding
from renode_pico.rp2040.usb_sanitizer import Check, Misuse
from renode_pico.sanitizer.findings import findings

_Place = tuple[Check, str, int]


class MisuseJudge:
    """Tells misuse that was not there at the cases' common beginning; nothing on a board without the sanitizer."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._before = {_place(each) for each in board.engine.misuses}
        self._told: dict[_Place, Finding] = {}

    def look(self) -> list[Finding]:
        """What there is since then."""
        return [self._finding(each) for each in self._board.engine.misuses if _place(each) not in self._before]

    def _finding(self, misuse: Misuse) -> Finding:
        place = _place(misuse)
        if place not in self._told:
            (found,) = findings([misuse], self._board.firmware)
            where = found.place.function or f"{misuse.where.pc:#010x}"
            text = str(found).partition(", first at ")
            stack = " < ".join(filter(None, dict.fromkeys((where, found.caller.function))))
            self._told[place] = Finding("sanitizer", f"sanitizer {misuse.check} {where}", text[0], stack)
        return self._told[place]


def _place(misuse: Misuse) -> _Place:
    return misuse.check, misuse.where.master, misuse.where.pc
