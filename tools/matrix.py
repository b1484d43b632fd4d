"""Print rows x engines from the result files of a test run, and write it as Markdown and JSON.

    python tools/matrix.py RESULTS_DIR [--missing ENGINE=REASON ...]

Reads every `*.xml` under RESULTS_DIR: JUnit files of pytest (test properties `row` and `engine`, recorded by the
plugin for each test that had a board) and `output.xml` files of Robot Framework (tags `row:D7`, in a folder
`robot-ENGINE`). A row is `failing` when one of its tests failed, else `proven` when one passed, else `skipped` with the
reason, else `no test`. Exit code 1 when a test failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROWS_FILE = Path(__file__).resolve().parent.parent / "tests" / "rows.toml"
ENGINES = ("embedded", "renode")


@dataclass(frozen=True, slots=True)
class Result:
    """One test's outcome: `status` is passed, failed or skipped; `rows` may be empty, `engine` too (unit tests)."""

    test: str
    status: str
    reason: str
    rows: tuple[str, ...]
    engine: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What the run says of one row on one engine."""

    state: str
    reason: str = ""
    tests: tuple[str, ...] = ()


def read_junit(path: Path) -> Iterator[Result]:
    """Read the outcomes of a pytest JUnit file."""
    for case in ET.parse(path).getroot().iter("testcase"):
        properties = [(p.get("name", ""), p.get("value", "")) for p in case.iter("property")]
        rows = tuple(value for name, value in properties if name == "row")
        engine = next((value for name, value in properties if name == "engine"), "")
        status, reason = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                status, reason = (
                    "failed",
                    (child.get("message") or "").splitlines()[0][:200] if child.get("message") else "",
                )
            elif child.tag == "skipped" and status == "passed":
                status, reason = "skipped", child.get("message") or "no reason given"
        yield Result(f"{case.get('classname')}::{case.get('name')}", status, reason, rows, engine)


def read_robot(path: Path) -> Iterator[Result]:
    """Read the outcomes of a Robot Framework output.xml; its engine is the folder `robot-ENGINE` it lies in."""
    engine = next((e for e in ENGINES if f"robot-{e}" in path.parts), "")
    root = ET.parse(path).getroot()
    statuses = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}

    def walk(suite: ET.Element, prefix: str) -> Iterator[Result]:
        name = f"{prefix}{suite.get('name')}"
        for test in suite.findall("test"):
            status = test.find("status")
            assert status is not None
            tags = [tag.text or "" for tag in (*test.findall("tag"), *test.findall("tags/tag"))]
            rows = tuple(tag[4:].upper() for tag in tags if tag.lower().startswith("row:"))
            word = statuses.get(status.get("status", ""), "failed")
            reason = (status.text or "").strip().splitlines()[0][:200] if (status.text or "").strip() else ""
            yield Result(f"{name} / {test.get('name')}", word, reason, rows, engine)
        for child in suite.findall("suite"):
            yield from walk(child, f"{name} / ")

    for suite in root.findall("suite"):
        yield from walk(suite, "")


def read_results(folder: Path) -> list[Result]:
    """Read every result file of a run."""
    results: list[Result] = []
    for path in sorted(folder.rglob("*.xml")):
        tag = ET.parse(path).getroot().tag
        if tag in ("testsuites", "testsuite"):
            results += read_junit(path)
        elif tag == "robot":
            results += read_robot(path)
    return results


def rows() -> dict[str, tuple[str, str]]:
    """Return each row's text and the engine it is about (`both`, `embedded` or `renode`), in the document's order."""
    table = tomllib.loads(ROWS_FILE.read_text())
    only = table.pop("only")
    found: dict[str, tuple[str, str]] = {}
    for letter, group in table.items():
        for number, text in group.items():
            if number.isdigit():
                found[f"{letter}{number}"] = (text, only.get(f"{letter}{number}", group["engines"]))
    return found


def judge(row: str, engine: str, about: str, results: list[Result], missing: dict[str, str]) -> Cell:
    """Say what the run knows of a row on an engine."""
    if about not in ("both", engine):
        return Cell("n/a", f"{about} only")
    if engine in missing:
        return Cell("skipped", missing[engine])
    mine = [r for r in results if row in r.rows and r.engine == engine]
    for status, state in (("failed", "failing"), ("passed", "proven"), ("skipped", "skipped")):
        chosen = [r for r in mine if r.status == status]
        if chosen:
            return Cell(state, chosen[0].reason, tuple(r.test for r in chosen))
    return Cell("no test")


def main() -> int:
    """Read, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--missing", action="append", default=[], metavar="ENGINE=REASON")
    options = parser.parse_args()
    missing = dict(item.split("=", 1) for item in options.missing)
    results = read_results(options.results)
    known = rows()
    cells = {
        row: {engine: judge(row, engine, about, results, missing) for engine in ENGINES}
        for row, (_, about) in known.items()
    }
    strangers = sorted({row for r in results for row in r.rows} - set(known))
    print_matrix(known, cells)
    write_files(options.results, known, cells)
    for engine, reason in missing.items():
        print(f"\n{engine}: NOT RUN, {reason}")
    for result in results:
        if result.status == "failed":
            print(f"FAILED  {result.engine or 'unit':8}  {result.test}  {result.reason}")
    for row in strangers:
        print(f"unknown row {row} named by a test")
    counts = {status: sum(r.status == status for r in results) for status in ("passed", "failed", "skipped")}
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    if not results:
        print("no result files found", file=sys.stderr)
    return 1 if counts["failed"] or strangers or not counts["passed"] else 0


def print_matrix(known: dict[str, tuple[str, str]], cells: dict[str, dict[str, Cell]]) -> None:
    """Print one line a row, then the counts of each engine."""
    print(f"\n{'row':4} {'embedded':10} {'renode':10} what must hold")
    for row, (text, _) in known.items():
        print(f"{row:4} " + " ".join(f"{cells[row][e].state:10}" for e in ENGINES) + f" {text}")
        for engine in ENGINES:
            cell = cells[row][engine]
            if cell.state in ("skipped", "failing") and cell.reason and not cell.reason.startswith("Renode is not"):
                print(f"{'':4} {engine}: {cell.reason}")
    print()
    for engine in ENGINES:
        states = [cells[row][engine].state for row in known]
        words = ("proven", "failing", "skipped", "no test", "n/a")
        print(f"{engine:9} " + ", ".join(f"{states.count(w)} {w}" for w in words))


def write_files(folder: Path, known: dict[str, tuple[str, str]], cells: dict[str, dict[str, Cell]]) -> None:
    """Write the matrix beside the results: `matrix.json` for tools, `matrix.md` for people."""
    document = {row: {"text": text, **{e: asdict(cells[row][e]) for e in ENGINES}} for row, (text, _) in known.items()}
    (folder / "matrix.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = ["| row | embedded | renode | what must hold |", "|---|---|---|---|"]
    lines += [
        f"| {row} | {cells[row]['embedded'].state} | {cells[row]['renode'].state} | {text} |"
        for row, (text, _) in known.items()
    ]
    (folder / "matrix.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
