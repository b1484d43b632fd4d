"""`renode-pico setup`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from renode_pico.errors import UsageError

if TYPE_CHECKING:
    from renode_pico.setup.download import Progress


@click.group("setup")
def command() -> None:
    """Get what else there is to get."""


@command.command("renode")
@click.option("--version", metavar="V", help="of the release; the one that this package was tried with when not given")
@click.option("--from", "source", metavar="FILE|URL", help="take this archive; a file needs no network")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), help="unpack it in this folder")
@click.option("--sha256", metavar="SUM", help="what the archive's checksum must be")
@click.option("--pyrenode3", metavar="SOURCE", help="install pyrenode3 from there: a folder, a file, a URL for pip")
@click.option("--without-pyrenode3", is_flag=True, help="Renode alone: scripts and Robot suites, no Python engine")
@click.option("--remove", is_flag=True, help="take away what was set up")
def renode(
    version: str | None,
    source: str | None,
    directory: Path | None,
    sha256: str | None,
    pyrenode3: str | None,
    without_pyrenode3: bool,
    remove: bool,
) -> None:
    """Download Renode's portable release for this machine, check it, unpack it, and have every command find it.

    A download that was cut off is gone on with. The archive's checksum must be what the release page gives; where it
    gives none, it is printed and remembered, and another one is refused the next time. pyrenode3 comes with it.
    """
    from renode_pico.setup import remove_renode, set_up_pyrenode, set_up_renode

    if remove:
        if any((version, source, directory, sha256, pyrenode3, without_pyrenode3)):
            raise UsageError("--remove takes no other option")
        remove_renode(click.echo)
        return
    if pyrenode3 and without_pyrenode3:
        raise UsageError("--pyrenode3 and --without-pyrenode3 contradict each other")
    with bar() as progress:
        set_up_renode(
            version=version, source=source, directory=directory, sha256=sha256, say=click.echo, progress=progress
        )
    if not without_pyrenode3:
        set_up_pyrenode(pyrenode3, click.echo)


@contextmanager
def bar() -> Iterator[Progress]:
    """How far a download is, on a terminal; nothing elsewhere."""
    from rich import progress as rich_progress
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, size: None
        return
    with rich_progress.Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=None, visible=False)
        yield lambda done, size: shown.update(task, completed=done, total=size, visible=True)
