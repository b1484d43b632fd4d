"""A run as one HTML page that is read at a glance; each item leads to its transactions in the trace page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape

from renode_pico import __version__
from renode_pico.verify.runner import Report
from renode_pico.verify.table import load_pack
from renode_pico.verify.verdict import Result, Verdict

CLASSES = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.ADVICE: "advice",
    Verdict.NOT_APPLICABLE: "na",
    Verdict.DIED: "died",
}


def trace_beside(page: Path) -> Path:
    """Where the trace goes that belongs to a page."""
    return page.with_name(f"{page.stem}-trace.html")


def write_page(path: Path, report: Report, trace: str | None) -> None:
    """Write the page. `trace`: the name of the trace page in the same folder, or none."""
    environment = Environment(
        loader=PackageLoader("renode_pico.verify"), autoescape=select_autoescape(["html.j2"]), trim_blocks=True
    )
    groups: dict[str, list[Result]] = {}
    for result in report.results:
        groups.setdefault(result.item.group, []).append(result)
    titles = {
        name: text for pack in {r.item.pack for r in report.results} for name, text in load_pack(pack).groups.items()
    }
    page = environment.get_template("report.html.j2").render(
        report=report,
        version=__version__,
        groups=[(titles.get(name, name), results) for name, results in groups.items()],
        counts=[
            (verdict.value, CLASSES[verdict], report.count(verdict)) for verdict in Verdict if report.count(verdict)
        ],
        classes=CLASSES,
        bad=[result for result in report.results if result.verdict.bad],
        place=lambda result: _place(result, trace),
    )
    path.write_text(page, encoding="utf-8")


def _place(result: Result, trace: str | None) -> str:
    if trace is None or result.transaction == result.begin:
        return ""
    return f"{trace}#{round(result.began * 1e9)}-{round(result.time * 1e9)}"
