"""`renode-pico picture`."""

from __future__ import annotations

from pathlib import Path

import click

from renode_pico.cli.options import FILE, OUTPUT


@click.command("picture")
@click.argument("recorded", type=FILE)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    required=True,
    type=OUTPUT,
    help="picture to make: .html, .pcapng or .txt",
)
def command(recorded: Path, outputs: tuple[Path, ...]) -> None:
    """Make pictures of a trace that was recorded in Renode's monitor.

    In the monitor: usb_host TraceStart @bus.tsv ... usb_host TraceStop. Then: renode-pico picture bus.tsv -o bus.html
    """
    from renode_pico.trace.regroup import Regroup, replay
    from renode_pico.trace.session import TraceFiles

    with TraceFiles(outputs).writers() as writers:
        replay(recorded, [Regroup(writer) for writer in writers])
