"""`renode-pico exec`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from renode_pico.cli.options import FILE, SECONDS, BoardOptions, board_options
from renode_pico.errors import ScriptError


@click.command("exec")
@click.argument("file", required=False, type=FILE)
@click.option("-c", "code", help="code given right here")
@click.option("--timeout", type=SECONDS, default=60.0, show_default=True, help="deadline in emulated seconds")
@board_options
def command(options: BoardOptions, file: Path | None, code: str | None, timeout: float) -> None:
    """Run MicroPython code on the board through its USB REPL; its output goes to stdout.

    A traceback on the device goes to stderr and gives exit code 1.
    """
    if (file is None) == (code is None):
        raise click.UsageError("give either FILE or -c CODE")
    source = file.read_bytes() if file else cast(str, code).encode()
    options.require_micropython("exec")
    with options.open() as board:
        board.enumerate()
        try:
            board.repl().exec(source, timeout=timeout, on_output=write_output)
        except ScriptError as error:
            click.echo(error.traceback.rstrip(), err=True)
            sys.exit(1)


def write_output(data: bytes) -> None:
    """Pass the device's output on as it comes."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
