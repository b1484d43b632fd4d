"""The options of a board, the same for every command that boots one, and the board they make."""

from __future__ import annotations

import functools
import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from renode_pico.errors import UsageError

if TYPE_CHECKING:
    from renode_pico.board import Board
    from renode_pico.engine.select import EngineName
    from renode_pico.trace.session import TraceFiles

log = logging.getLogger(__name__)

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class OutputFile(click.Path):
    """A file that will be written when all is done: that it can be is known before anything has begun."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Fails, as click's types do, where nothing can be written."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"{path.parent}: no such folder", param, ctx)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f"{path}: cannot be written", param, ctx)
        return path


class Number(click.FloatRange):
    """Seconds or a factor that clocks can count with: from a millionth to a thousand million, 0 where that is one.

    A range of click's alone has "nan" in it, which compares as if it were in each.
    """

    def __init__(self, *, zero: bool = False) -> None:
        super().__init__(min=1e-6, max=1e9)
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails, as click's types do, for what is none or out of range."""
        number = click.FLOAT.convert(value, param, ctx)
        if self.zero and number == 0:
            return number
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return super().convert(value, param, ctx)


SECONDS, FACTOR = Number(), Number(zero=True)
OUTPUT = OutputFile(path_type=Path, dir_okay=False)
SPEED = click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=FACTOR,
    help="emulated seconds in a real one; 0 for as fast as the engine can",
)
BOARD = (
    click.option(
        "--firmware",
        default="cdc",
        show_default=True,
        metavar="F",
        envvar="FIRMWARE",
        help="cdc, uart, uart-cdc, or a UF2, ELF or binary file",
    ),
    click.option(
        "--engine",
        default="auto",
        show_default=True,
        type=click.Choice(["auto", "embedded", "renode"]),
        help="what emulates the board; auto takes Renode when it is installed",
    ),
    click.option(
        "--cores",
        type=click.IntRange(1, 2),
        help="1 or 2; without it 2 on the embedded engine, on Renode 1: enough for all that does not start core 1",
    ),
    click.option("--revision", type=click.Choice(["B1", "B2"]), help="of the chip; without it B2"),
    click.option(
        "--errata",
        multiple=True,
        type=click.Choice(["E15"]),
        help="a fault of the silicon that is there on request only",
    ),
    click.option(
        "--mips", type=click.IntRange(min=1), help="emulated instructions per emulated microsecond (at 125 MHz)"
    ),
    click.option(
        "--flash-latency",
        type=click.FloatRange(0, 100),
        default=0.0,
        metavar="FACTOR",
        help="what a read of the flash past the cache costs: 1, the chip's time; without it 0, none",
    ),
    click.option(
        "--files",
        multiple=True,
        metavar="DIR|FILE:PATH",
        help="install a directory's files, or one FILE as PATH, in MicroPython's flash; may be given several times",
    ),
    click.option("--boot", type=FILE, help="file to install as boot.py"),
    click.option("--main", "main_py", type=FILE, help="file to install as main.py"),
    click.option("--flash", "flash_file", type=OUTPUT, help="keep the flash in this file between two runs"),
    click.option("--bootsel", is_flag=True, help="hold the button as the power comes on: the boot ROM's own device"),
    click.option("--strict", is_flag=True, help="end at the first lie of the USB device; Linux forgives it"),
    click.option("--sanitize", is_flag=True, help="tell what the firmware does to the USB controller that it must not"),
    click.option("--gdb", "gdb_port", type=click.IntRange(1, 65535), metavar="PORT", help="let GDB connect there"),
)


@dataclass(slots=True)
class Settings:
    """What options before the command have set."""

    trace: TraceFiles | None = None


@dataclass(frozen=True, slots=True)
class BoardOptions:
    """The board that somebody asked for on the command line."""

    firmware: str
    engine: str
    cores: int | None
    revision: str | None
    errata: tuple[str, ...]
    mips: int | None
    flash_latency: float
    files: tuple[str, ...]
    boot: Path | None
    main_py: Path | None
    flash_file: Path | None
    bootsel: bool
    strict: bool
    sanitize: bool
    gdb_port: int | None

    @contextmanager
    def open(self) -> Iterator[Board]:
        """Make the board, traced when `renode-pico trace` asks for it. Raises what `Board` does."""
        from renode_pico.board import Board
        from renode_pico.firmware.images import load_image

        files = self.contents()
        board = Board(
            self.firmware,
            engine=cast("EngineName", self.engine),
            files=files,
            flash_file=self.flash_file,
            cores=self.cores,
            mips=self.mips,
            flash_latency=self.flash_latency,
            revision=self.revision,
            bootsel=self.bootsel,
            temper="strict" if self.strict else "lenient",
            sanitize=self.sanitize,
            errata=self.errata,
        )
        with board, told(board):
            if not self.bootsel and (why := load_image(board.firmware).not_started):
                log.warning("%s: %s", board.firmware.name, why)
            if self.gdb_port is not None:
                board.start_gdb(self.gdb_port)
                click.echo(f"gdb      target remote 127.0.0.1:{self.gdb_port}", err=True)
            settings = click.get_current_context().obj
            if settings.trace is None:
                yield board
            else:
                with settings.trace.attach(board.host):
                    yield board

    def require_micropython(self, command: str) -> None:
        """Raise UsageError when a command that talks to MicroPython gets something else."""
        from renode_pico.firmware.find import find_image
        from renode_pico.firmware.identity import identify

        if self.bootsel:
            raise UsageError(f"--bootsel starts the boot ROM's loader: there is no REPL for {command}")
        path = find_image(self.firmware)
        if not identify(path).micropython:
            raise UsageError(
                f"{path.name} is not MicroPython, and {command} talks to MicroPython's REPL: "
                f"'renode-pico run {self.firmware}' boots it and shows its consoles"
            )

    def contents(self) -> dict[str, bytes]:
        """What goes into the flash's file system: content by path. Raises UsageError."""
        found: dict[str, bytes] = {}
        for name, path in (*self._listed(), ("boot.py", self.boot), ("main.py", self.main_py)):
            if path is None:
                continue
            if name in found:
                raise UsageError(f"two files are to become {name} in the flash, the second is {path}")
            found[name] = path.read_bytes()
        if self.bootsel and found:
            raise UsageError(f"--bootsel starts the boot ROM's loader, which does not read {', '.join(found)}")
        return found

    def _listed(self) -> Iterator[tuple[str, Path]]:
        for argument in self.files:
            source, colon, name = argument.rpartition(":")
            if Path(argument).is_dir():
                yield from tree(Path(argument))
            elif not colon or not name.strip("/"):
                raise UsageError(f"--files {argument}: no such directory; one file is given as FILE:PATH")
            elif not Path(source).is_file():
                raise UsageError(f"--files {argument}: no such file {source}")
            else:
                yield name.strip("/"), Path(source)


@contextmanager
def told(board: Board) -> Iterator[None]:
    """Say at the end what the sanitizer has found, however it ends."""
    try:
        yield
    finally:
        for finding in board.findings:
            click.echo(finding, err=True)


def tree(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below a directory by their paths in it; what is hidden and Python's own caches are left out."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield "/".join(parts), path


def board_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a board, and hand it what they say as `options`."""

    @functools.wraps(command)
    def with_options(*arguments: Any, **keywords: Any) -> Any:
        board = BoardOptions(**{field.name: keywords.pop(field.name) for field in fields(BoardOptions)})
        return command(*arguments, options=board, **keywords)

    for option in reversed(BOARD):
        with_options = option(with_options)
    return with_options
