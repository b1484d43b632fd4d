"""What a case writes into the flash is gone when the next one begins, and is not in the file that keeps the flash."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.fuzz.program import Control, Program, Wait
from renode_pico.fuzz.target import Target
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.transfer import Setup

PROBE = Path(__file__).parents[2] / "firmware" / "apps" / "probe.py"
MAIN = b"""
import micropython, probe

def write(value):
    with open("written.txt", "w") as file:
        file.write("case %d " % value * 300)

def answer(stage, request):
    if stage == 1 and request[1] == 5:
        micropython.schedule(write, request[2])
    return True

probe.answer = answer
probe.start()
"""
FILES = {"main.py": MAIN, "probe.py": PROBE.read_bytes()}
FLASH, FLASH_SIZE = 0x1000_0000, 0x20_0000


def writes(value: int) -> Program:
    return Program((Control(Setup(0x21, 5, value)), Wait(1_500_000)))


@pytest.mark.usefixtures("own_board")
@pytest.mark.row("Z1.replay")
def test_the_flash_is_as_it_was_at_the_beginning(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engine, file = cast(EngineName, engine_of(request.config)), tmp_path / "flash.bin"
    with Board("uart", engine=engine, files=FILES, flash_file=file) as board:
        target = Target(board)
        before = board.engine.read_memory(FLASH, FLASH_SIZE)
        for value in (1, 2):
            assert target.run(writes(value)).findings == []
            written = board.engine.read_memory(FLASH, FLASH_SIZE)
            assert b"case %d case" % value in written
            target.restore()
            assert board.engine.read_memory(FLASH, FLASH_SIZE) == before
    assert file.read_bytes() == before
    with Board("uart", engine=engine, flash_file=file) as board:  # and it is a flash that one can begin with
        Target(board)
        assert b"case 1 case" not in board.engine.read_memory(FLASH, FLASH_SIZE)


@pytest.mark.usefixtures("own_board")
def test_what_was_written_last_is_what_the_file_keeps(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engine, file = cast(EngineName, engine_of(request.config)), tmp_path / "flash.bin"
    with Board("uart", engine=engine, files=FILES, flash_file=file) as board:
        target = Target(board)
        target.run(writes(1))
        target.run(writes(2))
        last = board.engine.read_memory(FLASH, FLASH_SIZE)
    assert file.read_bytes() == last
    assert b"case 2 case" in last
    assert b"case 1 case" not in last
