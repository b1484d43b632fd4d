"""`renode-pico repl`."""

from __future__ import annotations

from pathlib import Path

import click

from renode_pico.cli.options import BOOT, CORES, ENGINE, FIRMWARE, MAIN, Settings, open_board


@click.command("repl")
@FIRMWARE
@ENGINE
@BOOT
@MAIN
@CORES
@click.pass_obj
def command(
    settings: Settings, firmware: str, engine: str, boot: Path | None, main_py: Path | None, cores: int | None
) -> None:
    """Open an interactive REPL over the emulated USB port; Ctrl-] ends it."""
    from renode_pico.cli.console import interact

    with open_board(settings, firmware, engine, boot, main_py, cores) as board:
        interact(board)
