"""`renode-pico run`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from renode_pico.cli.options import ENGINE, FIRMWARE, OUTPUT, Settings, open_board


@click.command("run")
@FIRMWARE
@ENGINE
@click.option("--json", "json_file", type=OUTPUT, help="write the results here")
@click.pass_obj
def command(settings: Settings, firmware: str, engine: str, json_file: Path | None) -> None:
    """Boot the board, use its USB port in every way there is, and say what happened.

    Boots MicroPython, prints the device tree, runs a program on the REPL, installs a runtime device with
    machine.USBDevice and moves data through it, stalls, resets the bus in the middle of a transfer.
    """
    from renode_pico.cli.mainjob import run_main_job

    with open_board(settings, firmware, engine) as board:
        good = run_main_job(board, json_file)
    if not good:
        sys.exit(1)
