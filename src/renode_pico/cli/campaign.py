"""`renode-pico campaign`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from renode_pico.cli.options import FILE, OUTPUT

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("campaign")
@click.argument("file", type=FILE)
@click.option(
    "--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://HOST:PORT; without it this machine's cores"
)
@click.option("--workers", type=click.IntRange(min=1), help="processes on this machine; without it one for each core")
@click.option("--out", type=FOLDER, metavar="DIR", help="where results and the page go; without it campaign-NAME")
@click.option("--junit", type=OUTPUT, help="write a JUnit report, too")
@click.option("--quiet", "-q", is_flag=True, help="only the last line")
def command(
    file: Path, scheduler: str | None, workers: int | None, out: Path | None, junit: Path | None, quiet: bool
) -> None:
    """Run a matrix of images, engines, packs and seeds on many processes, or machines, by Dask.

    FILE is TOML: what the matrix is made of. Each result is on disk before the next one is looked at; the same command
    goes on where it was stopped, whatever was killed.

    Exit codes: 0 all is done and nothing was found; 1 something was found, or is not done; 2 wrong usage; 3 Dask is
    missing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from renode_pico.fuzz.campaign import Case, read_campaign
    from renode_pico.fuzz.campaign_report import write_campaign_junit, write_campaign_page
    from renode_pico.fuzz.dispatch import run
    from renode_pico.fuzz.results import Results

    if scheduler is not None and workers is not None:
        raise click.UsageError("--workers are those of this machine; with --scheduler they are elsewhere")
    campaign = read_campaign(file)
    out = out or Path(f"campaign-{campaign.name}")
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Results(out / "results.jsonl") as results, Progress(*columns, console=console) as bar:
        known = sum(case.key in results.by_key for case in campaign.cases)
        task = bar.add_task(campaign.name, total=len(campaign.cases), completed=known)

        def each(case: Case, result: Mapping[str, Any]) -> None:
            bar.advance(task)
            found = result.get("error") or f"{len(result['found'])} findings"
            console.print(f"{case.name}: {found} ({result['seconds']:.1f} s)", markup=False, highlight=False)

        lost = run(campaign, results, scheduler=scheduler, workers=workers, each=each)
        entries = [results.by_key[case.key] for case in campaign.cases if case.key in results.by_key]
    page = out / "report.html"
    write_campaign_page(page, campaign.name, entries)
    if junit is not None:
        write_campaign_junit(junit, campaign, entries)
    for text in lost:
        click.echo(f"not done {text}")
    keys = {(entry["case"]["firmware"], each["key"]) for entry in entries for each in entry["result"].get("found", ())}
    errors = sum("error" in entry["result"] for entry in entries)
    click.echo(
        f"end      {len(entries)} of {len(campaign.cases)} cases done, {errors} with an error, "
        f"{len(keys)} different findings: {page}"
    )
    sys.exit(1 if keys or errors or lost else 0)
