"""The verifier as Robot keywords: a part of `renode_pico.robot_library.PicoLibrary`."""

from __future__ import annotations

from robot.api.deco import keyword

from renode_pico.board import Board


class VerifyKeywords:
    """Keywords that verify the board's USB device item by item (docs/verify.md)."""

    @property
    def board(self) -> Board:
        """The board of this test."""
        raise NotImplementedError

    @keyword("Verify Chapter 9")
    def verify_chapter9(self, *only: str, without: str = "") -> None:
        """All items of chapter 9, or those with these ids only; `without`: ids to leave out, with commas between."""
        self.verify_pack("chapter9", *only, without=without)

    @keyword
    def verify_pack(self, name: str, *only: str, without: str = "") -> None:
        """The items of a pack: chapter9, hid, msc, ..."""
        from renode_pico.verify.suite import Verify

        Verify(self.board).pack(name, *only, without=tuple(part.strip() for part in without.split(",") if part.strip()))
