"""`renode-pico fuzz`."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from renode_pico.cli.options import OUTPUT, SECONDS, BoardOptions, board_options
from renode_pico.errors import UsageError

if TYPE_CHECKING:
    from renode_pico.engine.select import EngineName
    from renode_pico.fuzz.case_file import Setting
    from renode_pico.fuzz.session import Report
    from renode_pico.fuzz.target import Target

FOLDER = click.Path(path_type=Path, file_okay=False)
SAMPLES = 100
"""Programs of the corpus that --compare runs on the other engine, beside those of the findings."""
EACH = 1.0
"""Real seconds between two lines of progress."""


def setting_of(options: BoardOptions) -> Setting:
    """The board of programs that the options describe. Raises UsageError for what replaying cannot keep."""
    from renode_pico.fuzz.case_file import Setting

    left_out = {
        "--flash": options.flash_file,
        "--gdb": options.gdb_port,
        "--mips": options.mips,
        "--flash-latency": options.flash_latency or None,
        "--errata": options.errata or None,
        "--strict": options.strict or None,
    }
    for name, given in left_out.items():
        if given is not None:
            raise UsageError(f"{name} is not kept in a program's file, so that replaying it would not be the same")
    engine = "embedded" if options.engine == "auto" else options.engine
    return Setting(
        options.firmware,
        cast("EngineName", engine),
        options.contents(),
        options.cores,
        options.revision,  # type: ignore[arg-type]
        options.bootsel,
    )


@click.command("fuzz")
@click.argument("image", required=False)
@click.option(
    "--cases", type=click.IntRange(min=1), help="end after so many; without it 2000, or no limit with --seconds"
)
@click.option("--seconds", type=SECONDS, help="end after so many real seconds")
@click.option("--seed", default=1, show_default=True, help="the same seed gives the same cases and findings")
@click.option("--corpus", type=FOLDER, metavar="DIR", help="begin with the programs in DIR, add what is new")
@click.option("--out", type=FOLDER, metavar="DIR", help="where findings and the page go; without it fuzz-IMAGE")
@click.option(
    "--compare", type=click.Choice(["renode", "embedded"]), help="run findings and samples on that engine, too"
)
@click.option(
    "--without",
    multiple=True,
    metavar="JUDGE[:WORD]",
    help="tell no findings of a judge, or none with WORD in their key (sanitizer:revoked); may be given several times",
)
@click.option("--junit", type=OUTPUT, help="write the result as a JUnit report")
@click.option("--sarif", type=OUTPUT, help="write the findings as SARIF 2.1.0, for code scanning")
@click.option("--quiet", "-q", is_flag=True, help="only the findings and the last line")
@board_options
def command(
    options: BoardOptions,
    image: str | None,
    cases: int | None,
    seconds: float | None,
    seed: int,
    corpus: Path | None,
    out: Path | None,
    compare: str | None,
    without: tuple[str, ...],
    junit: Path | None,
    sarif: Path | None,
    quiet: bool,
) -> None:
    """Fuzz a firmware's USB device: do to it whatever a host, a cable or a person can, and look what breaks.

    IMAGE is booted and its device enumerated once; each case begins at that instant. What takes a new way through the
    firmware is kept and changed further. A finding is made as small as it can be and written as a readable program:
    'renode-pico replay FILE' runs it again, equal to the bit. --engine auto is the embedded one here. Ctrl-C ends it
    with what was found so far.

    Exit codes: 0 nothing was found; 1 something was; 2 wrong usage; 3 an engine or a library is missing; 130 Ctrl-C.

    Example: renode-pico fuzz build/app.uf2 --seconds 60 --corpus corpus
    """
    from renode_pico.fuzz.judges import LeftOut
    from renode_pico.fuzz.report import write_junit, write_page, write_sarif
    from renode_pico.fuzz.session import DEFAULT_CASES, Fuzzer
    from renode_pico.fuzz.target import Target

    if image is not None:
        source = click.get_current_context().get_parameter_source("firmware")
        if source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("give IMAGE or --firmware, not both")
        options = replace(options, firmware=image)
    setting = setting_of(options)
    if compare == setting.engine:
        raise click.UsageError(f"--compare {compare}: that is the engine the cases run on")
    left_out = [LeftOut.parse(text) for text in without]
    logging.getLogger("renode_pico.unmodelled").setLevel(logging.ERROR)  # a crashed program writes anywhere
    if cases is None and seconds is None:
        cases = DEFAULT_CASES

    def tell(text: str) -> None:
        click.echo(text)

    def note(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    told = 0.0

    def progress(report: Report) -> None:
        nonlocal told
        if report.seconds - told >= EACH:
            told = report.seconds
            rate = (report.cases + report.tries) / report.seconds
            note(f"{report.cases} cases, {rate:.0f}/s, {len(report.found)} findings")

    with setting.open() as board:
        target = Target(board)
        if target.boot_rom and not setting.bootsel:
            raise UsageError(
                f"{board.firmware.name}: the chip has started its boot ROM: this is no program that it starts, or it "
                "has asked for the boot ROM; --bootsel fuzzes that"
            )
        out = out or Path(f"fuzz-{board.firmware.stem}")
        out.mkdir(parents=True, exist_ok=True)
        note(f"board    {board.firmware.name} on {board.engine.version}, seed {seed}")
        fuzzer = Fuzzer(target, setting, seed=seed, corpus=corpus, out=out, tell=tell, without=left_out)
        report = fuzzer.run(cases, seconds, each=progress)
        if compare is not None and not report.interrupted:
            _compare(target, fuzzer, setting, cast("EngineName", compare))
    page = out / "report.html"
    write_page(page, [report], f"renode-pico fuzz {report.firmware}")
    if junit is not None:
        write_junit(junit, [report])
    if sarif is not None:
        write_sarif(sarif, [report])
    compared = f", {report.compared} compared" if report.compared else ""
    compared += f", {report.left_out} left out" if report.left_out else ""
    click.echo(
        f"end      {len(report.found)} findings in {report.cases} cases ({report.seconds:.1f} s), "
        f"{report.edges} {report.unit}, {report.kept} programs kept{compared}: {page}"
    )
    if report.interrupted and not report.found:
        sys.exit(130)
    sys.exit(1 if report.found else 0)


def _compare(target: Target, fuzzer: object, setting: Setting, engine: EngineName) -> None:
    from renode_pico.fuzz.compare import compare
    from renode_pico.fuzz.session import Fuzzer

    assert isinstance(fuzzer, Fuzzer)
    report = fuzzer.report
    step = max(1, len(fuzzer.corpus) // SAMPLES)
    programs = [found.program for found in report.found] + fuzzer.corpus[::step]
    report.compared, different = compare(target, programs, setting, engine)
    for program, finding in different:
        fuzzer.note(finding, program)
