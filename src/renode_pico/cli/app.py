"""The command `renode-pico`: its subcommands, each in a file of its own, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any, cast

import click

from renode_pico import __version__
from renode_pico.cli.options import Settings
from renode_pico.errors import RenodePicoError, UsageError

COMMANDS = (
    "doctor",
    "run",
    "lsusb",
    "verify",
    "exec",
    "repl",
    "trace",
    "fuzz",
    "replay",
    "campaign",
    "serve",
    "top",
    "picture",
    "demo",
    "new",
    "path",
    "setup",
)


class Commands(click.Group):
    """Subcommands, each loaded when it is asked for: the module `renode_pico.cli.NAME` holds the one of that name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name them in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, import_module(f"renode_pico.cli.{cmd_name}").command)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="renode-pico")
@click.pass_context
def cli(context: click.Context) -> None:
    """A Raspberry Pi Pico that exists only in software, with a USB cable one can plug in.

    Exit codes: 0 all good; 1 the firmware or a check failed; 2 wrong usage; 3 an engine or a tool is missing.
    """
    if context.obj is None:
        context.obj = Settings()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.exit(run_cli(arguments))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def interrupt(signum: int, frame: FrameType | None) -> None:
    """Let SIGTERM end the program the way Ctrl-C does: with everything closed."""
    raise KeyboardInterrupt


def run_cli(arguments: Sequence[str] | None) -> int:
    """Run a command; every error we know becomes one line and an exit code."""
    try:
        result: Any = cli.main(
            list(arguments) if arguments is not None else None, prog_name="renode-pico", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except RenodePicoError as error:
        click.echo(f"renode-pico: {error}", err=True)
        return error.exit_code
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        click.echo(f"renode-pico: {error.filename or ''}: {error.strerror or error}", err=True)
        return UsageError.exit_code
    return result if isinstance(result, int) else 0
