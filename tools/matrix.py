"""Print rows x engines from the result files of a test run, and write it as Markdown and JSON.

    python tools/matrix.py RESULTS_DIR [--missing ENGINE=REASON ...] [--partial] [--accept]

Reads every `*.xml` under RESULTS_DIR: JUnit files of pytest (test properties `row` and `engine`, recorded by the
plugin) and `output.xml` files of Robot Framework (tags `row:D7.reset-cb`, in a folder `robot-ENGINE`; with
`row:P7.i2c-devices@renode` a case that runs on both engines proves a part on one only).

A row is `proven` on an engine when each of its parts has a passing test there, and no failing one. Otherwise it is
`failing`, `6 of 9 parts`, `skipped` with the reason, or `no test`. tests/rows.toml has the parts; tests/proven.txt
those that a run has proven so far (`--accept` brings it up to date): what is in it must stay proven.

Exit code 1 when a test failed, a test names an unknown part, rows.toml is wrong in itself, or a part that was proven is
not any more; `--partial` says that only a part of the tests ran, so that nothing can be told of the latter.
"""

from __future__ import annotations

import argparse
import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from acceptance import COLUMNS, ENGINES, NEITHER, ROOT, Part, Row, parts_of, problems, read_rows, unknown

ROBOT_PATH = " / "
"""Between the names of suites and case."""
PROVEN_FILE = ROOT / "tests" / "proven.txt"


@dataclass(frozen=True, slots=True)
class Result:
    """One test's outcome: `status` is passed, failed or skipped; `rows` may be empty, `engine` too (unit tests).

    has_board: real firmware took part; where it did not, only parts that allow it are proven.
    """

    test: str
    status: str
    reason: str
    rows: tuple[str, ...]
    engine: str
    has_board: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """What the run says of a part in one column: proven, failing, skipped, no test or n/a."""

    state: str
    reason: str = ""
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowCell:
    """What the run says of a row in one column. `proven` of `count` parts; `parts`: the cell of each."""

    state: str
    reason: str = ""
    proven: int = 0
    count: int = 0
    parts: Mapping[str, Cell] = field(default_factory=dict)


Cells = dict[str, dict[str, RowCell]]


def read_junit(path: Path) -> Iterator[Result]:
    """Read the outcomes of a pytest JUnit file."""
    for case in ET.parse(path).getroot().iter("testcase"):
        properties = [(p.get("name", ""), p.get("value", "")) for p in case.iter("property")]
        rows = tuple(value for name, value in properties if name == "row")
        engine = next((value for name, value in properties if name == "engine"), "")
        has_board = ("board", "no") not in properties
        status, reason = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                status, reason = (
                    "failed",
                    (child.get("message") or "").splitlines()[0][:200] if child.get("message") else "",
                )
            elif child.tag == "skipped" and status == "passed":
                status, reason = "skipped", child.get("message") or "no reason given"
        yield Result(f"{case.get('classname')}::{case.get('name')}", status, reason, rows, engine, has_board)


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
            named = [tag[4:].partition("@") for tag in tags if tag.startswith("row:")]
            rows = tuple(name for name, _, only in named if only in ("", engine))
            word = statuses.get(status.get("status", ""), "failed")
            reason = (status.text or "").strip().splitlines()[0][:200] if (status.text or "").strip() else ""
            yield Result(f"{name}{ROBOT_PATH}{test.get('name')}", word, reason, rows, engine)
        for child in suite.findall("suite"):
            yield from walk(child, f"{name}{ROBOT_PATH}")

    for suite in root.findall("suite"):
        yield from walk(suite, "")


def read_results(folder: Path) -> list[Result]:
    """Read every result file of a run."""
    results: list[Result] = []
    for path in sorted(folder.rglob("*.xml")):
        try:
            tag = ET.parse(path).getroot().tag
        except ET.ParseError as error:
            results.append(Result(str(path.relative_to(folder)), "failed", f"not a whole file: {error}", (), ""))
            continue
        if tag in ("testsuites", "testsuite"):
            results += read_junit(path)
        elif tag == "robot":
            results += read_robot(path)
    return results


def read_missing(folder: Path, said: Sequence[str]) -> dict[str, str]:
    """Why an engine was not run: as it is said now, or as it was when these results were looked at first."""
    note = folder / "missing.json"
    if said or not note.is_file():
        note.write_text(json.dumps(dict(item.split("=", 1) for item in said)))
    return {str(engine): str(reason) for engine, reason in json.loads(note.read_text()).items()}


def judge_part(part: Part, column: str, results: Sequence[Result], missing: Mapping[str, str]) -> Cell:
    """Say what the run knows of a part in one column, be it for it or not. `results`: those that name the part."""
    mine = [r for r in results if r.engine == column or (column == NEITHER == part.engines)]
    mine = [r for r in mine if r.has_board or not part.board or part.engines == NEITHER]
    for status, state in (("failed", "failing"), ("passed", "proven"), ("skipped", "skipped")):
        chosen = [r for r in mine if r.status == status]
        if chosen:
            return Cell(state, chosen[0].reason, tuple(r.test for r in chosen))
    return Cell("skipped", missing[column]) if column in missing else Cell("no test")


def judge_row(row: Row, column: str, by_part: Mapping[str, list[Result]], missing: Mapping[str, str]) -> RowCell:
    """Say what the run knows of a row in one column: of its parts that are for it."""
    cells = {part.name: judge_part(part, column, by_part.get(part.name, []), missing) for part in row.parts}
    mine = {part.name: cells[part.name] for part in row.parts if part.is_for(column)}
    if not mine:
        others = sum(cell.state == "proven" for cell in cells.values())
        return RowCell("n/a", row.parts[0].why if row.parts else "", others, len(cells))
    states = [cell.state for cell in mine.values()]
    proven, count = states.count("proven"), len(states)
    reason = next(
        (cell.reason for state in ("failing", "skipped") for cell in mine.values() if cell.state == state), ""
    )
    if "failing" in states:
        state = "failing"
    elif proven == count:
        state, reason = "proven", ""
    elif proven:
        state = f"{proven} of {count} parts"
    else:
        state = "skipped" if "skipped" in states else "no test"
    return RowCell(state, reason, proven, count, mine)


def judge(rows: Mapping[str, Row], results: Sequence[Result], missing: Mapping[str, str]) -> Cells:
    """Judge all rows in all columns."""
    by_part: dict[str, list[Result]] = {}
    for result in results:
        for name in result.rows:
            by_part.setdefault(name, []).append(result)
    return {row.name: {column: judge_row(row, column, by_part, missing) for column in COLUMNS} for row in rows.values()}


def read_proven(path: Path) -> set[tuple[str, str]]:
    """(part, column) of what was proven before."""
    if not path.is_file():
        return set()
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {(name, column) for name, *columns in lines for column in columns}


def write_proven(path: Path, rows: Mapping[str, Row], proven: set[tuple[str, str]]) -> None:
    """A line for each part, in the rows' order."""
    lines = [
        "# The parts that a run of `make test` has proven, and where. Written by `make coverage-page`; from then on",
        "# `make test` fails when one of them is not proven any more.",
    ]
    for name in parts_of(rows):
        columns = [column for column in COLUMNS if (name, column) in proven]
        lines += [f"{name} {' '.join(columns)}"] if columns else []
    path.write_text("\n".join(lines) + "\n")


def part_states(cells: Cells) -> dict[tuple[str, str], str]:
    """The state of each part in each column that it is for."""
    return {(n, c): cell.state for row in cells.values() for c in COLUMNS for n, cell in row[c].parts.items()}


def lost(before: set[tuple[str, str]], states: Mapping[tuple[str, str], str]) -> list[str]:
    """What was proven and is not; what is skipped with a reason is not lost."""
    gone = [(key, states.get(key, "not in tests/rows.toml any more")) for key in sorted(before)]
    return [
        f"{name} on {column}" + f": {state}" for (name, column), state in gone if state not in ("proven", "skipped")
    ]


def main() -> int:
    """Read, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--missing", action="append", default=[], metavar="ENGINE=REASON")
    parser.add_argument("--partial", action="store_true", help="only a part of the tests ran")
    parser.add_argument("--accept", action="store_true", help="note in tests/proven.txt what this run has proven")
    options = parser.parse_args()
    if not options.results.is_dir():
        print(f"{options.results}: there is no such directory", file=sys.stderr)
        return 2
    missing = read_missing(options.results, options.missing)
    results = read_results(options.results)
    rows = read_rows()
    cells = judge(rows, results, missing)
    print_matrix(rows, cells)
    write_files(options.results, rows, cells)
    for engine, reason in missing.items():
        print(f"\n{engine}: NOT RUN, {reason}")
    for result in results:
        if result.status == "failed":
            print(f"FAILED  {result.engine or 'unit':8}  {result.test}  {result.reason}")
        elif result.status == "skipped" and ROBOT_PATH in result.test:  # of its own tests pytest has told the reasons
            _, _, case = result.test.partition(ROBOT_PATH)
            print(f"SKIPPED {result.engine:8}  {case}: {result.reason}")
    strangers = {(r.test, name): reason for r in results for name in r.rows if (reason := unknown(name, rows))}
    wrong = problems(rows) + [f"{test} names {name}: {reason}" for (test, name), reason in strangers.items()]
    states, before = part_states(cells), read_proven(PROVEN_FILE)
    if options.partial:
        print("\nonly a part of the tests ran: what is not proven may be so for that")
    else:
        wrong += [f"was proven, is not any more: {what}" for what in lost(before, states)]
    if options.accept:
        ran = {r.engine or NEITHER for r in results} - set(missing)
        kept = {key for key in before if states.get(key) == "skipped" or key[1] not in ran or options.partial}
        write_proven(PROVEN_FILE, rows, kept | {key for key, state in states.items() if state == "proven"})
    print("".join(f"\n{line}" for line in wrong), end="\n" if wrong else "")
    counts = {status: sum(r.status == status for r in results) for status in ("passed", "failed", "skipped")}
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    if not results:
        print("no result files found", file=sys.stderr)
    return 1 if counts["failed"] or wrong or not counts["passed"] else 0


def shown(cell: RowCell) -> str:
    """One cell of the table."""
    return f"n/a ({cell.proven} of {cell.count})" if cell.state == "n/a" and cell.proven else cell.state


def unproven(cell: RowCell) -> Iterator[str]:
    """What keeps a row from being proven, where that is not all of it."""
    for state in ("failing", "skipped", "no test"):
        names = [name.partition(".")[2] for name, part in cell.parts.items() if part.state == state]
        reasons = list(
            dict.fromkeys(part.reason for part in cell.parts.values() if part.state == state and part.reason)
        )
        if names and not (state == "no test" and len(names) == cell.count):
            yield f"{state}: {', '.join(names)}" + (f" ({'; '.join(reasons)})" if reasons else "")


def print_matrix(rows: Mapping[str, Row], cells: Cells) -> None:
    """Print one line a row and what is missing from it, then the counts of each column."""
    print(f"\n{'row':4} " + " ".join(f"{column:15}" for column in COLUMNS) + " what must hold")
    for name, row in rows.items():
        print(f"{name:4} " + " ".join(f"{shown(cells[name][c]):15}" for c in COLUMNS) + f" {row.says}")
        for column in COLUMNS:
            for line in unproven(cells[name][column]):
                if "Renode is not" not in line:
                    print(f"{'':4} {column}: {line}")
    print()
    for column in COLUMNS:
        mine = [row[column] for row in cells.values() if row[column].state != "n/a"]
        states = ["partly proven" if cell.state.endswith("parts") else cell.state for cell in mine]
        known = ("proven", "partly proven", "failing", "skipped", "no test")
        print(f"{column:9} rows: " + ", ".join(f"{states.count(w)} {w}" for w in known if w in states), end="")
        print(f"; parts: {sum(cell.proven for cell in mine)} of {sum(cell.count for cell in mine)} proven")


def write_files(folder: Path, rows: Mapping[str, Row], cells: Cells) -> None:
    """Write the matrix beside the results: `matrix.json` for tools, `matrix.md` for people."""
    document = {
        name: {"text": row.says, **{column: asdict(cells[name][column]) for column in COLUMNS}}
        for name, row in rows.items()
    }
    (folder / "matrix.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [f"| row | {' | '.join(COLUMNS)} | what must hold |", "|---|" + "---|" * (len(COLUMNS) + 1)]
    for name, row in rows.items():
        states = " | ".join(shown(cells[name][column]) for column in COLUMNS)
        lines.append(f"| {name} | {states} | {row.says} |")
    (folder / "matrix.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
