"""`renode-pico lsusb`."""

from __future__ import annotations

import json

import click

from renode_pico.cli.options import BoardOptions, board_options


@click.command("lsusb")
@click.option("-v", "--verbose", is_flag=True, help="all descriptors, as `lsusb -v` prints them")
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
@board_options
def command(options: BoardOptions, verbose: bool, as_json: bool) -> None:
    """Boot the board, enumerate its USB device and print the device tree with its strings.

    A traceback that boot.py or main.py has ended with goes to the standard error.
    What the device does wrong and an operating system forgives follows, a line for each problem; see --strict.
    """
    from renode_pico.usb.lsusb import device_dict, format_device, format_line, format_problems

    with options.open() as board:
        try:
            device = board.enumerate()
        finally:
            for line in board.complaint().splitlines():
                click.echo(f"board: {line}", err=True)
        if as_json:
            click.echo(json.dumps(device_dict(device), indent=1))
        else:
            click.echo(format_device(device) if verbose else format_line(device))
            for line in format_problems(device):
                click.echo(line)
