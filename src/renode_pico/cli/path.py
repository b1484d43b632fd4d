"""`renode-pico path`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from renode_pico.firmware import image_folder
from renode_pico.places import cache, data, share
from renode_pico.renode_models import prepare_boot_rom


def models() -> Path:
    """`renode/`, with everything at its place that rpi_pico.resc looks for."""
    prepare_boot_rom()
    return share() / "renode"


PLACES: dict[str, tuple[Callable[[], Path], str]] = {
    "models": (models, "Renode's scripts and models: include @…/rpi_pico.resc"),
    "platforms": (lambda: share() / "platforms", "Renode's platform files: boards/rpi_pico.repl"),
    "robot": (lambda: share() / "robot" / "resources", "Robot's resource files"),
    "firmware": (image_folder, "the MicroPython images, their ELFs, how they were made"),
    "modules": (lambda: share() / "firmware" / "modules", "Python modules for the board: pyb.USB_VCP"),
    "apps": (lambda: share() / "firmware" / "apps", "example programs for the board"),
    "cache": (cache, "what can be made again at any time: compiled models"),
    "data": (data, "what 'renode-pico setup' has set up"),
}


@click.command("path")
@click.argument("name", required=False, type=click.Choice(list(PLACES)))
def command(name: str | None) -> None:
    """Print where things are, for other programs: one path, or all of them with what they are.

    In a script of Renode's, `include @/that/path/rpi_pico.resc` boots a Pico.
    """
    if name is not None:
        click.echo(PLACES[name][0]())
        return
    for each, (place, what) in PLACES.items():
        click.echo(f"{each:10} {place()}\n{'':10} {what}")
