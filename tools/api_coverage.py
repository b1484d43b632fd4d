"""Write docs/api-coverage.md: the sentence groups of the API documents, their rows, the tests, where they are proven.

python tools/api_coverage.py                  # from results/matrix.json of the last test run: make coverage-page
python tools/api_coverage.py --check          # the groups and the page name no row or test that is not there
python tools/api_coverage.py --documents DIR  # every line of the documents in DIR belongs to exactly one group
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from acceptance import ENGINES, ROOT, Row, matching, named_in_sources, parts_of, read_rows

SENTENCES = ROOT / "tests" / "api_sentences.toml"
PAGE = ROOT / "docs" / "api-coverage.md"
MATRIX = ROOT / "results" / "matrix.json"


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences of a document that say one thing; `lines`: the first and the last of them."""

    lines: tuple[int, int]
    heading: str
    says: str
    rows: tuple[str, ...]
    note: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """An API document's title, its file name and its groups in order."""

    title: str
    file: str
    groups: tuple[Group, ...]


def documents() -> list[Document]:
    """Read tests/api_sentences.toml."""
    found = []
    for table in tomllib.loads(SENTENCES.read_text()).values():
        groups = tuple(
            Group(**entry | {"lines": tuple(entry["lines"]), "rows": tuple(entry["rows"])}) for entry in table["groups"]
        )
        found.append(Document(table["title"], table["document"], groups))
    return found


def write(states: dict[str, dict[str, str]]) -> str:
    """The page. `states`: for each row the engines' states in the last run; empty when there was none."""
    known = read_rows()
    lines = [
        "# What the API documents say, and what proves it",
        "",
        "Made by `make coverage-page` from the last test run; not to be edited. A *row* is an acceptance row of",
        "[tests/rows.toml](../tests/rows.toml), cut into parts of one claim each. *differs*: the firmware does",
        "otherwise in part, and the tests state what it does. Sentences are given in our own words, with their lines",
        "in the document.",
    ]
    if not states:
        lines += ["", "There was no test run: what is proven is not known."]
    used: list[str] = []
    for document in documents():
        lines += ["", f"## {document.title}", "", f"Lines of `{document.file}`.", ""]
        lines += ["| lines | heading | it says | rows | embedded | renode |", "|---|---|---|---|---|---|"]
        for group in document.groups:
            used += [row for row in group.rows if row not in used]
            first, last = group.lines
            where = str(first) if first == last else f"{first}–{last}"
            cells = [combined(states, group.rows, engine) for engine in ENGINES] if group.rows else ["–", "–"]
            rows = " ".join(f"[{row}](#{row.lower()})" for row in group.rows) or f"none: {group.note}"
            if group.differs:
                rows += ", [differs](deviations.md)"
            lines.append(f"| {where} | {group.heading} | {group.says} | {rows} | {' | '.join(cells)} |")
    lines += ["", "## The tests of each row"]
    named = named_in_sources()
    for row in sorted(used, key=lambda r: (r[0], int(r[1:]))):
        lines += ["", f"### {row}", "", f"{known[row].says}.", "", *part_lines(known[row], named)]
    return "\n".join(lines) + "\n"


def part_lines(row: Row, named: dict[str, list[str]]) -> list[str]:
    """Each part of a row with the tests that name it."""
    lines = []
    for part in row.parts:
        lines.append(f"- {part.name}: {part.text}")
        tests = [test for name, some in named.items() if matching(name, [part.name]) for test in some]
        lines += [f"  - `{test}`" for test in dict.fromkeys(tests)] or ["  - no test"]
    return lines


def combined(states: dict[str, dict[str, str]], rows: tuple[str, ...], engine: str) -> str:
    """One word for all rows of a group: the one they share, else each."""
    words = {row: states.get(row, {}).get(engine, "not run") for row in rows}
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return ", ".join(f"{row} {word}" for row, word in words.items())


def read_matrix(path: Path) -> dict[str, dict[str, str]]:
    """Each row's state on each engine, as tools/matrix.py wrote them."""
    return {
        row: {engine: cell[engine]["state"] for engine in ENGINES} for row, cell in json.loads(path.read_text()).items()
    }


def complaints() -> list[str]:
    """What the groups or the page name that is not there any more, and rows of D and V in no group."""
    rows, tests = read_rows(), named_in_sources()
    named = [row for document in documents() for group in document.groups for row in group.rows]
    found = [f"a group names row {row}, which is not in tests/rows.toml" for row in named if row not in rows]
    found += [f"row {row} belongs to no group" for row in sorted(rows) if row[0] in "DV" and row not in named]
    for document in documents():
        found += [
            f"{document.title}, lines {g.lines}: neither row nor note"
            for g in document.groups
            if not (g.rows or g.note)
        ]
    if not PAGE.is_file():
        return [*found, f"{PAGE.name} is missing: make coverage-page"]
    there = {test for some in tests.values() for test in some}
    page = PAGE.read_text()
    found += [
        f"{PAGE.name} names {t}, which is not there" for t in re.findall(r"^  - `(.+)`$", page, re.M) if t not in there
    ]
    found += [f"{PAGE.name} names row {row}" for row in re.findall(r"^### (\w+)$", page, re.M) if row not in rows]
    parts = parts_of(rows)
    return found + [
        f"{PAGE.name} names part {name}" for name in re.findall(r"^- ([\w.-]+):", page, re.M) if name not in parts
    ]


def uncovered(folder: Path) -> list[str]:
    """Lines of the documents that are not blank and in no group, or in more than one."""
    found = []
    for document in documents():
        for number, line in enumerate((folder / document.file).read_text().splitlines(), 1):
            count = sum(group.lines[0] <= number <= group.lines[1] for group in document.groups)
            if line.strip() and count != 1:
                found.append(f"{document.file}:{number} is in {count} groups")
    return found


def main() -> int:
    """Write the page, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--documents", type=Path, metavar="DIR")
    parser.add_argument("--matrix", type=Path, default=MATRIX, help="matrix.json of a test run")
    options = parser.parse_args()
    if options.check or options.documents:
        problems = uncovered(options.documents) if options.documents else []
        problems += complaints() if options.check else []
        print("\n".join(problems) or "all there")
        return 1 if problems else 0
    if not options.matrix.is_file():
        print(f"{options.matrix} is missing: run make test first", file=sys.stderr)
        return 1
    PAGE.write_text(write(read_matrix(options.matrix)))
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
