"""Runs a C program of firmware/chip that checks a block, and says what it found (firmware/chip/check.h)."""

from __future__ import annotations

from typing import cast

from renode_pico.board import Board
from renode_pico.engine.select import EngineName


def outcomes(program: str, engine: str, *, timeout: float = 5.0) -> dict[str, bool]:
    """Each check's name, and whether it was good, in order.

    timeout: emulated seconds until the program must have said that it is done. Raises AssertionError otherwise.
    """
    said = bytearray()
    with Board(f"chip/{program}", engine=cast(EngineName, engine)) as board:
        console = board.engine.uart(0)

        def is_done() -> bool:
            said.extend(console.read())
            return b"done" in said

        board.engine.run_until(is_done, timeout)
        assert is_done(), f"{program} is not done after {timeout:g} s; it said: {bytes(said)!r}"
    lines = bytes(said).decode().splitlines()
    return {line.removeprefix("not ").removeprefix("ok "): line.startswith("ok ") for line in lines if "ok " in line}
