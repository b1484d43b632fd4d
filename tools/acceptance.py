"""The acceptance rows, their parts, and the tests that name them: reads tests/rows.toml and the sources.

    python tools/acceptance.py [ROW ...]     # each part of these rows (of all rows) with the tests that name it

A *row* is a sentence of what must hold (`D11`), a *part* one claim of it (`D11.shorter`). Tests name parts: in pytest
by `@pytest.mark.row("D11.shorter")`, in Robot by the tag `row:D11.shorter` (`row:D11.shorter@renode`: on that engine
only, of a case that runs on both). `{argument}` in a pytest name stands for
the value of the test's parameter of that name: `@pytest.mark.row("T4.run-{door}")`.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROWS_FILE = ROOT / "tests" / "rows.toml"
ENGINES = ("embedded", "renode")
NEITHER = "neither"
COLUMNS = (*ENGINES, NEITHER)
"""Where a part can be proven: on an engine, or by a test that needs none."""
GAP = " … "
VERSION_SUITES = ("test_usbdevice_*.py", "test_bus.py", "test_standard_requests.py", "vcp/test_*.py")
"""What every version of MicroPython goes through (row R8): patterns below tests/system."""
SMALL_WORDS = re.compile(r"a|an|and|as|by|each|for|from|in|is|it|no|of|on|or|than|that|the|then|to|with", re.IGNORECASE)
"""Words that need not be in any part: they only hold the others together."""


@dataclass(frozen=True, slots=True)
class Part:
    """One claim of a row. `of`: the row's words that it is about; `here`: which of the things that they stand for.

    no_mutant: why no edit of our code can break it; None when tests/mutants has one (docs/testing.md).
    """

    row: str
    id: str
    of: str
    here: str = ""
    engines: str = "both"
    why: str = ""
    board: bool = True
    no_mutant: str | None = None

    @property
    def name(self) -> str:
        """What tests call it."""
        return f"{self.row}.{self.id}"

    @property
    def text(self) -> str:
        """What it claims, in one line."""
        return f"{self.of} ({self.here})" if self.here else self.of

    def is_for(self, column: str) -> bool:
        """Whether it has to be proven there."""
        return column in ENGINES if self.engines == "both" else column == self.engines


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence and its parts."""

    name: str
    says: str
    parts: tuple[Part, ...]


def read_rows(path: Path = ROWS_FILE) -> dict[str, Row]:
    """Read the rows in the file's order."""
    table = tomllib.loads(path.read_text())
    groups = table.pop("group")
    rows = {}
    for name, entry in table.items():
        inherited = scope(groups[name[0]]) | scope(entry)
        parts = [{key.replace("-", "_"): value for key, value in part.items()} for part in entry.get("parts", [])]
        rows[name] = Row(name, entry["says"], tuple(Part(name, **inherited | part) for part in parts))
    return rows


def scope(entry: Mapping[str, Any]) -> dict[str, str]:
    """What a group or a row says of the engines of all its parts."""
    return {key: entry[key] for key in ("engines", "why") if key in entry}


def parts_of(rows: Mapping[str, Row]) -> dict[str, Part]:
    """All parts by their names."""
    return {part.name: part for row in rows.values() for part in row.parts}


def row_of(name: str) -> str:
    """The row that a part belongs to; a row is its own."""
    return name.partition(".")[0]


def words(text: str) -> list[tuple[int, int]]:
    """Where the words of a sentence are."""
    return [match.span() for match in re.finditer(r"\w+(?:[.-]\w+)*", text)]


def spans(of: str, sentence: str) -> list[tuple[int, int]] | None:
    """Where the words of a part stand in its sentence, in order; None when they do not."""
    found, begin = [], 0
    for piece in of.split(GAP):
        match = re.compile(rf"(?<![\w-]){re.escape(piece.strip())}(?![\w-])").search(sentence, begin)
        if match is None:
            return None
        found.append(match.span())
        begin = match.end()
    return found


def problems(rows: Mapping[str, Row]) -> list[str]:
    """What is wrong with the rows themselves: parts that no sentence explains, words that no part is about."""
    found = []
    for row in rows.values():
        if not row.parts:
            found.append(f"{row.name} has no parts")
        claims = [(part.of, part.here) for part in row.parts]
        names = [part.id for part in row.parts]
        found += [f"{row.name}.{name} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
        covered: list[tuple[int, int]] = []
        for part in row.parts:
            where = spans(part.of, row.says)
            if where is None:
                found.append(f"{part.name}: no sentence explains it, {part.of!r} is not in {row.says!r}")
            if claims.count((part.of, part.here)) > 1:
                found.append(f"{part.name}: another part claims the same")
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", part.id):
                found.append(f"{part.name}: an id is lower case words joined with hyphens")
            if part.engines not in ("both", *COLUMNS):
                found.append(f"{part.name}: there is no engine {part.engines!r}")
            if part.engines != "both" and not part.why:
                found.append(f"{part.name} is for {part.engines} only and does not say why")
            if part.no_mutant is not None and not part.no_mutant.strip():
                found.append(f"{part.name} has no mutant and does not say why")
            covered += where or []
        left = [row.says[a:b] for a, b in words(row.says) if not any(c <= a and b <= d for c, d in covered)]
        left = [word for word in left if not SMALL_WORDS.fullmatch(word)]
        if row.parts and left:
            found.append(f"{row.name}: no part is about {', '.join(map(repr, left))}")
    return found


def unknown(name: str, rows: Mapping[str, Row]) -> str:
    """Say what is wrong with a part's name that a test uses; empty when nothing is. It may hold `{argument}`."""
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(name)))
    if any(pattern.fullmatch(known) for known in parts_of(rows)):
        return ""
    row = rows.get(row_of(name))
    if row is None:
        return f"there is no row {row_of(name)}"
    kind = "it is a row, a test names parts" if name == row.name else "there is no such part"
    return f"{kind}: {', '.join(part.name for part in row.parts)}"


def matching(name: str, known: Iterable[str]) -> list[str]:
    """The parts that a name of a test may stand for: `T4.run-{door}` for all that begin with `T4.run-`."""
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(name)))
    return [each for each in known if pattern.fullmatch(each)]


def named_in_sources(root: Path = ROOT) -> dict[str, list[str]]:
    """The tests that name each part (or what they take for one), as `file::test` or `file: case`.

    Tests outside of `tests/system` have no board: what they name counts where they say for which engine it is, or where
    a part is for neither.
    """
    parts = parts_of(read_rows())
    found: dict[str, list[str]] = {}

    def add(test: str, names: Iterable[str]) -> None:
        for name in names:
            tests = found.setdefault(name, [])
            if test not in tests:
                tests.append(test)

    for path in sorted((root / "tests").rglob("test_*.py")):
        source = path.read_text()
        for_engine = dict(marked(source, engine_needed=True))
        for test, names in marked(source):
            if "system" not in path.parts:
                proof = for_engine.get(test, [])
                names = [n for n in names if n in proof or n not in parts or parts[n].is_for(NEITHER)]
            add(f"{path.relative_to(root)}::{test}", names)
    for path in sorted((root / "robot").rglob("*.robot")):
        for case, names in tagged(path.read_text()):
            add(f"{path.relative_to(root)}: {case}", names)
    return found


def marked(source: str, engine_needed: bool = False) -> Iterator[tuple[str, list[str]]]:
    """The test functions of a Python file with what their `row` markers name, those of parameters and the module's too.

    engine_needed: only markers that name the engine whose model the test is of.
    """
    tree = ast.parse(source)
    constants = {
        ast.unparse(n.targets[0]): row_names(n.value, engine_needed) for n in tree.body if isinstance(n, ast.Assign)
    }
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            used = {name.id for each in node.decorator_list for name in ast.walk(each) if isinstance(name, ast.Name)}
            shared = [name for key in ("pytestmark", *sorted(used)) for name in constants.get(key, [])]
            own = [name for each in node.decorator_list for name in row_names(each, engine_needed)]
            if shared or own:
                yield node.name, [*shared, *own]


def row_names(node: ast.AST, engine_needed: bool) -> list[str]:
    """What the `row` markers within an expression name."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    markers = [call for call in calls if ast.unparse(call.func) == "pytest.mark.row"]
    if engine_needed:
        markers = [call for call in markers if any(keyword.arg == "engine" for keyword in call.keywords)]
    return [str(arg.value) for call in markers for arg in call.args if isinstance(arg, ast.Constant)]


def tagged(source: str) -> Iterator[tuple[str, list[str]]]:
    """The cases of a Robot file with what their `row:` tags name."""
    name, section, in_tags = "", "", False
    found: dict[str, list[str]] = {}
    for line in source.splitlines():
        stripped = line.strip()
        if line.startswith("***"):
            section = line.strip("* ").lower()
        elif section == "test cases" and line[:1].strip() and not line.startswith("#"):
            name = stripped
            found[name] = []
        elif section == "test cases":
            in_tags = stripped.startswith("[Tags]") or (in_tags and stripped.startswith("..."))
            if in_tags:
                found[name] += re.findall(r"\brow:([^\s@]+)", line)
    yield from ((case, names) for case, names in found.items() if names)


def main() -> int:
    """Print parts and the tests that name them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="D7, or a letter: D")
    options = parser.parse_args()
    rows = read_rows()
    named = named_in_sources()
    wrong = problems(rows)
    wrong += [
        f"{test} names {n}: {reason}" for n, tests in named.items() if (reason := unknown(n, rows)) for test in tests
    ]
    without = 0
    for row in rows.values():
        if options.rows and not {row.name, row.name[0]} & set(options.rows):
            continue
        print(f"{row.name}  {row.says}")
        for part in row.parts:
            tests = [test for name, some in named.items() if matching(name, [part.name]) for test in some]
            without += not tests
            print(f"  {part.name:30} {'' if part.engines == 'both' else f'[{part.engines}] '}{part.text}")
            for test in tests:
                print(f"  {'':30} - {test}")
    print(f"{without} parts that no test names")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
