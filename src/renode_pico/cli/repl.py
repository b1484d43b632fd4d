"""`renode-pico repl`."""

from __future__ import annotations

import click

from renode_pico.cli.options import BoardOptions, board_options


@click.command("repl")
@board_options
def command(options: BoardOptions) -> None:
    """Open an interactive REPL over the emulated USB port; Ctrl-] ends it."""
    options.require_micropython("repl")
    from renode_pico.cli.console import interact

    with options.open() as board:
        interact(board)
