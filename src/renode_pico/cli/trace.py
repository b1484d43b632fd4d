"""`renode-pico trace`."""

from __future__ import annotations

from pathlib import Path

import click

from renode_pico.cli.options import OUTPUT, Settings

TRACED = ("run", "demo", "lsusb", "verify", "exec", "repl")


@click.command("trace", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=OUTPUT,
    help="save there (.txt, .pcapng, .html) instead of printing to stderr; may be given several times",
)
@click.option("--sof", is_flag=True, help="show each start of frame, too")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def command(outputs: tuple[Path, ...], sof: bool, command: tuple[str, ...]) -> None:
    """Run another command of renode-pico with every transaction on the bus printed or saved.

    Example: renode-pico trace -o bus.html -o bus.pcapng lsusb -v
    """
    if command[0] not in TRACED:
        raise click.UsageError(f"cannot trace '{command[0]}': give {', '.join(TRACED)}")
    from renode_pico.cli.app import cli
    from renode_pico.trace.session import TraceFiles

    settings = Settings(trace=TraceFiles(outputs or (None,), sof=sof))
    cli.main(list(command), prog_name="renode-pico", standalone_mode=False, obj=settings)
