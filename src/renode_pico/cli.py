"""The command line: `renode-pico`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import click

from renode_pico import __version__
from renode_pico.board import Board
from renode_pico.cli_options import BOOT, CORES, ENGINE, FILE, FIRMWARE, MAIN, OUTPUT
from renode_pico.cli_serve import picture, serve, top
from renode_pico.engine.select import EngineName
from renode_pico.errors import RenodePicoError, ScriptError, UsageError

if TYPE_CHECKING:
    from renode_pico.trace.session import TraceFiles


@dataclass(slots=True)
class Settings:
    """What options before the command have set."""

    trace: TraceFiles | None = None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="renode-pico")
@click.pass_context
def cli(context: click.Context) -> None:
    """A Raspberry Pi Pico that exists only in software, with a USB cable one can plug in.

    Exit codes: 0 all good; 1 the firmware or a check failed; 2 wrong usage; 3 an engine or a tool is missing.
    """
    if context.obj is None:
        context.obj = Settings()


@contextmanager
def open_board(
    settings: Settings,
    firmware: str,
    engine: str,
    boot: Path | None = None,
    main_py: Path | None = None,
    cores: int | None = None,
) -> Iterator[Board]:
    """Make a board as the options say, traced when a trace was asked for."""
    files = {name: path.read_bytes() for name, path in (("boot.py", boot), ("main.py", main_py)) if path}
    with Board(firmware, engine=cast(EngineName, engine), files=files, cores=cores) as board:
        if settings.trace is None:
            yield board
        else:
            with settings.trace.attach(board.host):
                yield board


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
def doctor(as_json: bool) -> None:
    """Show which engines, tools and firmware images are there, and what to do about the missing."""
    from renode_pico.doctor import look

    findings = look()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            mark = "ok     " if finding.found else "missing"
            text = finding.detail if finding.found else finding.advice
            click.echo(f"{mark}  {finding.kind:8}  {finding.name:18}  {text}".rstrip())
    missing = [finding for finding in findings if finding.needed and not finding.found]
    if missing:
        sys.exit(3)


@cli.command()
@FIRMWARE
@ENGINE
@click.option("--json", "json_file", type=OUTPUT, help="write the results here")
@click.pass_obj
def run(settings: Settings, firmware: str, engine: str, json_file: Path | None) -> None:
    """Boot the board, use its USB port in every way there is, and say what happened.

    Boots MicroPython, prints the device tree, runs a program on the REPL, installs a runtime device with
    machine.USBDevice and moves data through it, stalls, resets the bus in the middle of a transfer.
    """
    from renode_pico.mainjob import run_main_job

    with open_board(settings, firmware, engine) as board:
        good = run_main_job(board, json_file)
    if not good:
        sys.exit(1)


@cli.command()
@click.option("-v", "--verbose", is_flag=True, help="all descriptors, as `lsusb -v` prints them")
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
@FIRMWARE
@ENGINE
@BOOT
@MAIN
@click.pass_obj
def lsusb(
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


@cli.command("exec")
@click.argument("file", required=False, type=FILE)
@click.option("-c", "code", help="code given right here")
@click.option("--timeout", default=60.0, show_default=True, help="deadline in emulated seconds")
@FIRMWARE
@ENGINE
@CORES
@click.pass_obj
def exec_(
    settings: Settings,
    file: Path | None,
    code: str | None,
    timeout: float,
    firmware: str,
    engine: str,
    cores: int | None,
) -> None:
    """Run MicroPython code on the board through its USB REPL; its output goes to stdout.

    A traceback on the device goes to stderr and gives exit code 1.
    """
    if (file is None) == (code is None):
        raise click.UsageError("give either FILE or -c CODE")
    if timeout <= 0:
        raise click.BadParameter("must be positive", param_hint="--timeout")
    source = file.read_bytes() if file else cast(str, code).encode()
    with open_board(settings, firmware, engine, cores=cores) as board:
        board.enumerate()
        try:
            board.repl().exec(source, timeout=timeout, on_output=write_output)
        except ScriptError as error:
            click.echo(error.traceback.rstrip(), err=True)
            sys.exit(1)


def write_output(data: bytes) -> None:
    """Pass the device's output on as it comes."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@cli.command()
@FIRMWARE
@ENGINE
@BOOT
@MAIN
@CORES
@click.pass_obj
def repl(
    settings: Settings, firmware: str, engine: str, boot: Path | None, main_py: Path | None, cores: int | None
) -> None:
    """Open an interactive REPL over the emulated USB port; Ctrl-] ends it."""
    from renode_pico.console import interact

    with open_board(settings, firmware, engine, boot, main_py, cores) as board:
        interact(board)


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
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
def trace(outputs: tuple[Path, ...], sof: bool, command: tuple[str, ...]) -> None:
    """Run another command of renode-pico with every transaction on the bus printed or saved.

    Example: renode-pico trace -o bus.html -o bus.pcapng lsusb -v
    """
    if command[0] not in ("run", "lsusb", "exec", "repl"):
        raise click.UsageError(f"cannot trace '{command[0]}': give run, lsusb, exec or repl")
    from renode_pico.trace.session import TraceFiles

    settings = Settings(trace=TraceFiles(outputs or (None,), sof=sof))
    cli.main(list(command), prog_name="renode-pico", standalone_mode=False, obj=settings)


cli.add_command(serve)
cli.add_command(top)
cli.add_command(picture)


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
