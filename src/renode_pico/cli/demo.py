"""`renode-pico demo`: the main job."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from renode_pico.cli.options import OUTPUT, BoardOptions, board_options


@click.command("demo")
@click.option("--json", "json_file", type=OUTPUT, help="write the results here")
@board_options
def command(options: BoardOptions, json_file: Path | None) -> None:
    """Boot MicroPython, use its USB port in every way there is, and say what happened.

    Prints the device tree, runs a program on the REPL, installs a runtime device with machine.USBDevice and moves
    data through it, stalls, resets the bus in the middle of a transfer.
    """
    options.require_micropython("demo")
    from renode_pico.cli.mainjob import run_main_job

    with options.open() as board:
        good = run_main_job(board, json_file)
    if not good:
        sys.exit(1)
