"""`renode-pico verify`."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from renode_pico.cli.options import OUTPUT, BoardOptions, board_options


@click.command("verify")
@click.argument("image", required=False)
@click.option(
    "--pack",
    "packs",
    metavar="NAMES",
    help="packs, with commas between them  [default: chapter9, or where --only finds its items]",
)
@click.option("--device", metavar="VID:PID", help="a real device instead of a board, through PyUSB: items marked H")
@click.option("--usbip", metavar="HOST[:PORT]", help="--device is one of a USB/IP server")
@click.option("--only", multiple=True, metavar="ID", help="this item only; repeatable, or with commas")
@click.option("--without", multiple=True, metavar="ID", help="leave this item out; repeatable, or with commas")
@click.option("--seed", type=int, default=0, show_default=True, help="of what is random; the same seed, the same run")
@click.option("--list", "as_list", is_flag=True, help="show the items and end")
@click.option("--explain", metavar="ID", help="show what is known about an item and end")
@click.option("--junit", type=OUTPUT, help="write the result as a JUnit report")
@click.option("--json", "json_path", type=OUTPUT, help="write the result as JSON")
@click.option("--html", type=OUTPUT, help="write the result as a page, and the trace of the bus beside it")
@click.option("--quiet", "-q", is_flag=True, help="only what is wrong")
@board_options
def command(
    options: BoardOptions,
    image: str | None,
    packs: str | None,
    device: str | None,
    usbip: str | None,
    only: tuple[str, ...],
    without: tuple[str, ...],
    seed: int,
    as_list: bool,
    explain: str | None,
    junit: Path | None,
    json_path: Path | None,
    html: Path | None,
    quiet: bool,
) -> None:
    """Verify a USB device item by item: chapter 9 of USB 2.0 and what it stands on, and classes by --pack.

    IMAGE is a UF2, ELF or flat file, or one of the names that --firmware knows. After each item the device is proven
    alive; one that died is powered on anew, and the rest goes on. After Ctrl-C the reports tell what was done by then.

    Exit codes: 0 nothing failed; 1 an item failed or the device died; 2 wrong usage; 3 an engine is missing.

    With --device what needs the wire itself (W) is not applicable.

    Example: renode-pico verify blink.uf2 --html report.html
    """
    from renode_pico.errors import UsageError
    from renode_pico.trace.session import traced
    from renode_pico.verify import report as reports
    from renode_pico.verify.page import trace_beside, write_page
    from renode_pico.verify.runner import Report, verify
    from renode_pico.verify.table import choose, pack_names
    from renode_pico.verify.target import BoardTarget, Target
    from renode_pico.verify.verdict import Result

    if explain is not None:
        click.echo(explained(explain))
        return
    if packs is not None:
        names: tuple[str, ...] = tuple(name.strip() for name in packs.split(",") if name.strip())
    else:
        names = pack_names() if only or as_list else ("chapter9",)
    if only and not ids(only):
        raise UsageError("--only: name an item; --list shows them")
    items = choose(names, ids(only))
    if without:
        left_out = choose(pack_names(), ids(without))
        items = tuple(item for item in items if item not in left_out)
    if as_list:
        for item in items:
            click.echo(f"{item.id:6} {item.needs.value} {item.severity.value:6} {item.says} ({item.section})")
        return
    if not items:
        raise UsageError(
            f"nothing is left to verify: packs are {', '.join(pack_names())}" if names else "--pack: name a pack"
        )
    if image is not None:
        if click.get_current_context().get_parameter_source("firmware") is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("give IMAGE or --firmware, not both")
        options = replace(options, firmware=image)

    done: list[Result] = []

    def told(result: Result) -> None:
        done.append(result)
        if result.verdict.bad or not quiet:
            click.echo(reports.line(result))

    if usbip is not None and device is None:
        raise UsageError("--usbip says where a device is: give --device VID:PID, too")
    trace = trace_beside(html) if html is not None and device is None else None
    stopped = False
    with ExitStack() as stack:
        target: Target
        if device is not None:
            if image is not None:
                raise UsageError("give IMAGE or --device, not both")
            from renode_pico.bridge.pyusb_link import find

            target = find(device, usbip)
        else:
            board = stack.enter_context(options.open())
            if trace is not None:
                stack.enter_context(traced(board.host, [trace]))
            target = BoardTarget(board)
        try:
            report = verify(target, items, seed=seed, told=told)
        except KeyboardInterrupt:
            report, stopped = Report(target.name, target.engine, "interrupted:", seed, done), True
    click.echo(reports.summary(report))
    if junit is not None:
        reports.write_junit(junit, report)
    if json_path is not None:
        reports.write_json(json_path, report)
    if html is not None:
        write_page(html, report, trace.name if trace is not None else None)
    if stopped:
        raise KeyboardInterrupt
    sys.exit(0 if report.good else 1)


def ids(texts: tuple[str, ...]) -> list[str]:
    """The ids that options name, with commas or repeated."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def explained(identifier: str) -> str:
    """All that is known about an item. Raises UsageError."""
    from renode_pico.verify.table import choose, pack_names

    (item,) = choose(pack_names(), [identifier])
    needs = {"H": "any host that makes transfers, so a real device, too", "W": "the wire itself: an emulated device"}
    lines = [
        f"{item.id}  {item.says}",
        f"pack      {item.pack}",
        f"section   {item.section}",
        f"severity  {item.severity.value}",
        f"needs     {needs[item.needs.value]}",
        f"origin    {item.origin}",
    ]
    if item.explanation:
        lines.append(f"how       {item.explanation}")
    if re.search(r"\bloop\b", item.explanation):
        lines.append(
            "a loop is a pair of endpoints that gives back what it is given: docs/verify.md says which are found"
        )
    return "\n".join(lines)
