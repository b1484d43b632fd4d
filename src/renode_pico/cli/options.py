"""The options of a board that commands share, and the board they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from renode_pico.board import Board
    from renode_pico.engine.select import EngineName
    from renode_pico.trace.session import TraceFiles

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
OUTPUT = click.Path(path_type=Path, dir_okay=False)
FIRMWARE = click.option(
    "--firmware",
    default="cdc",
    show_default=True,
    metavar="F",
    envvar="FIRMWARE",
    help="cdc, uart, uart-cdc, or a UF2, ELF or binary file",
)
ENGINE = click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "embedded", "renode"]),
    help="what emulates the board; auto takes Renode when it is installed",
)
CORES = click.option(
    "--cores", type=click.IntRange(1, 2), help="1 or 2; without it core 0 alone, enough for all but _thread"
)
BOOT = click.option("--boot", type=FILE, help="file to install as boot.py")
MAIN = click.option("--main", "main_py", type=FILE, help="file to install as main.py")
FLASH = click.option("--flash", "flash_file", type=OUTPUT, help="keep the flash in this file between two runs")
SPEED = click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="emulated seconds in a real one; 0 for as fast as the engine can",
)


@dataclass(slots=True)
class Settings:
    """What options before the command have set."""

    trace: TraceFiles | None = None


@contextmanager
def open_board(
    settings: Settings,
    firmware: str,
    engine: str,
    boot: Path | None = None,
    main_py: Path | None = None,
    cores: int | None = None,
) -> Iterator[Board]:
    """Make a board as the options say, traced when a trace was asked for."""
    with make_board(firmware, engine, boot, main_py, cores=cores) as board:
        if settings.trace is None:
            yield board
        else:
            with settings.trace.attach(board.host):
                yield board


def make_board(
    firmware: str,
    engine: str,
    boot: Path | None = None,
    main_py: Path | None = None,
    flash_file: Path | None = None,
    cores: int | None = None,
) -> Board:
    """Make a board as the options say."""
    from renode_pico.board import Board

    files = {name: path.read_bytes() for name, path in (("boot.py", boot), ("main.py", main_py)) if path}
    return Board(firmware, engine=cast("EngineName", engine), files=files, flash_file=flash_file, cores=cores)
