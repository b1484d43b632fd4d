"""`renode-pico lsusb`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from renode_pico.cli.options import BOOT, ENGINE, FIRMWARE, MAIN, Settings, open_board


@click.command("lsusb")
@click.option("-v", "--verbose", is_flag=True, help="all descriptors, as `lsusb -v` prints them")
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
@FIRMWARE
@ENGINE
@BOOT
@MAIN
@click.pass_obj
def command(
    settings: Settings,
    verbose: bool,
    as_json: bool,
    firmware: str,
    engine: str,
    boot: Path | None,
    main_py: Path | None,
) -> None:
    """Boot the board, enumerate its USB device and print the device tree with its strings."""
    from renode_pico.usb.lsusb import device_dict, format_device, format_line

    with open_board(settings, firmware, engine, boot, main_py) as board:
        device = board.enumerate()
        if as_json:
            click.echo(json.dumps(device_dict(device), indent=1))
        else:
            click.echo(format_device(device) if verbose else format_line(device))
