"""`renode-pico new`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from renode_pico.errors import UsageError

TEMPLATE_NAME = "traffic-light"
"""What the project in `data/project` calls itself."""


@click.command("new")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Lay a small project into DIRECTORY: a USB device in MicroPython, its tests, a workflow for CI.

    The folder must be empty or not there yet; nothing is ever overwritten.
    """
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty")
    name = directory.absolute().name
    for path, content in project():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content.replace(TEMPLATE_NAME, name))
        click.echo(f"  {target}")
    click.echo(f"\nNow:  cd {directory} && pip install -r requirements.txt && pytest")


def project() -> Iterator[tuple[str, str]]:
    """The files of the project: path and text."""
    yield from _files(resources.files("renode_pico") / "data" / "project", "")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            yield prefix + entry.name, entry.read_text(encoding="utf-8")
