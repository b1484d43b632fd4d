"""`renode-pico replay`."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from renode_pico.cli.options import FILE, OUTPUT

if TYPE_CHECKING:
    from renode_pico.engine.select import EngineName


@click.command("replay")
@click.argument("file", type=FILE)
@click.option("--firmware", metavar="F", help="another image than the one that FILE names")
@click.option("--engine", type=click.Choice(["embedded", "renode"]), help="another engine than the one that FILE names")
@click.option("--html", type=OUTPUT, help="write the bus trace as a page")
@click.option("--pcapng", type=OUTPUT, help="write the bus trace for Wireshark")
@click.option("--text", type=OUTPUT, help="write the bus trace as text; '-' is not needed, it is short")
def command(
    file: Path, firmware: str | None, engine: str | None, html: Path | None, pcapng: Path | None, text: Path | None
) -> None:
    """Run a program that the fuzzer has found, or that you wrote, and say what is wrong.

    FILE is TOML: the board, and the actions one after the other. The same image on the same engine gives the same trace
    to the bit; its sha256 is compared with the one in FILE.

    Exit codes: 0 nothing is wrong; 1 something is; 2 wrong usage; 3 an engine or a library is missing.
    """
    from renode_pico.firmware.find import find_image
    from renode_pico.fuzz.case_file import image_hash, read_case
    from renode_pico.fuzz.replay import replay

    for path, suffix in ((html, ".html"), (pcapng, ".pcapng"), (text, ".txt")):
        if path is not None and path.suffix.lower() != suffix:
            raise click.UsageError(f"{path}: the name of such a trace ends in {suffix}")
    logging.getLogger("renode_pico.unmodelled").setLevel(logging.ERROR)
    case = read_case(file)
    setting = case.setting
    if engine is not None:
        setting = replace(setting, engine=cast("EngineName", engine))
    if firmware is not None:
        setting = replace(setting, firmware=firmware)
    same = image_hash(find_image(setting.firmware)) == case.sha256 and setting == case.setting
    result = replay(setting, case.program, [path for path in (html, pcapng, text) if path is not None])
    for number, answer in enumerate(result.outcome.answers, 1):
        click.echo(f"{number:3}  {answer.ended}{'  ' + answer.data[:32].hex(' ') if answer.data else ''}")
    for finding in result.outcome.findings:
        click.echo(f"found    {finding.judge}: {finding.text}{' in ' + finding.stack if finding.stack else ''}")
    if result.outcome.rebooted:
        click.echo("note     the firmware has started the chip again")
    if case.trace:
        equal = "equal to the one in the file" if result.sha256 == case.trace else "not the one in the file"
        why = "" if same else " (another image or engine)"
        click.echo(f"trace    sha256 {result.sha256}: {equal}{why}")
    if not result.outcome.findings:
        click.echo("end      nothing is wrong")
    sys.exit(1 if result.outcome.findings else 0)
