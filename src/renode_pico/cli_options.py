"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

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
    "--cores",
    type=click.IntRange(1, 2),
    help="1 or 2; without it both on the embedded engine, core 0 alone on Renode: enough for all but _thread",
)
BOOT = click.option("--boot", type=FILE, help="file to install as boot.py")
MAIN = click.option("--main", "main_py", type=FILE, help="file to install as main.py")
