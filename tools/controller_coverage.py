"""Write docs/controller-coverage.md: the USB controller's test plan, and what its models have counted in the vectors.

python tools/controller_coverage.py     # make controller-coverage
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "tests" / "controller_plan.toml"
PAGE = ROOT / "docs" / "controller-coverage.md"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from renode_pico.rp2040.usb_coverage import Cover  # noqa: E402
from tests.unit.rp2040.vectors import Bench, Model, PythonModel, VectorFile  # noqa: E402
from tests.unit.vector_file import Vector  # noqa: E402


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the plan: what is put in, what is looked at, and what proves it."""

    id: str
    stimulus: str
    checked: str
    vectors: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A cover group: its bins are the cells of a table. `impossible`: bins that cannot be, with the reason."""

    name: str
    title: str
    says: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    impossible: dict[tuple[str, str], str]

    def holes(self, cover: Cover) -> list[str]:
        """Bins that should have been counted and were not."""
        return [
            f"{self.title}: {row} × {column}"
            for row in self.rows
            for column in self.columns
            if not cover[self.name, row, column] and (row, column) not in self.impossible
        ]

    def contradictions(self, cover: Cover) -> list[str]:
        """What has been counted though it cannot be, or though the table has no place for it."""
        return [
            f"{self.title}: {row} × {column}"
            for (group, row, column), count in cover.items()
            if group == self.name
            and count
            and ((row, column) in self.impossible or row not in self.rows or column not in self.columns)
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """tests/controller_plan.toml."""

    points: tuple[Point, ...]
    groups: tuple[Group, ...]
    left_out: tuple[tuple[str, str], ...] = field(default=())


def read_plan() -> Plan:
    """Read the plan."""
    table = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    points = tuple(
        Point(p["id"], p["stimulus"], p["checked"], tuple(p.get("vectors", ())), tuple(p.get("tests", ())))
        for p in table["point"]
    )
    groups = tuple(
        Group(
            g["group"],
            g["title"],
            g["says"],
            tuple(g["rows"]),
            tuple(g["columns"]),
            {
                (row, column): bins["why"]
                for bins in g.get("impossible", ())
                for row in bins["rows"]
                for column in bins["columns"]
            },
        )
        for g in table["cover"]
    )
    return Plan(points, groups, tuple((entry["what"], entry["why"]) for entry in table["left-out"]))


def planned(file: VectorFile) -> list[Vector]:
    """The vectors that the plan is about: the sanitizer's and those of silicon's errata are not."""
    return [vector for vector in file.vectors if not vector.steps[0].where.startswith(("sanitizer.vec", "errata.vec"))]


def count(model: type[Model] = PythonModel) -> Cover:
    """Run all vectors of the plan on a model; what it has counted."""
    file = VectorFile()
    cover: Cover = Counter()
    for vector in planned(file):
        bench = Bench(file, model())
        bench.run(vector)
        cover += bench.model.cover
    return cover


def write(plan: Plan, cover: Cover) -> str:
    """The page."""
    lines = [
        "# The USB controller's test plan and its coverage",
        "",
        "Made by `make controller-coverage` from `tests/controller_plan.toml` and a run of the vectors. The vectors",
        "(`tests/unit/rp2040/vectors`) are run by both models of the controller, the embedded engine's in Python",
        "(`rp2040/usb_coverage.py`: `CountingUsbController`) and Renode's in C# (`sysbus.usb CountCoverage true`,",
        "`sysbus.usb CoverageCounts`). Each model counts for itself what it has been through; both count the same",
        "(`tests/system/test_controller_vectors.py` compares them), so there is one number.",
        "",
        "## The plan",
        "",
        "| point | what is put in | what is looked at | proven by |",
        "|---|---|---|---|",
    ]
    for point in plan.points:
        proofs = [f"{len(point.vectors)} vectors"] if point.vectors else []
        proofs += [f"`{test.rsplit('/', 1)[1]}`" for test in point.tests]
        lines.append(f"| {point.id} | {point.stimulus} | {point.checked} | {', '.join(proofs)} |")
    lines += ["", "Left out:", ""]
    lines += [f"- {what}: {why}." for what, why in plan.left_out]
    for group in plan.groups:
        lines += ["", f"## {group.title}", "", f"{group.says}.", "", *_table(group, cover)]
    return "\n".join(lines) + "\n"


def _table(group: Group, cover: Cover) -> list[str]:
    size = len(group.rows) * len(group.columns) - len(group.impossible)
    covered = size - len(group.holes(cover))
    lines = [
        f"{covered} of {size} bins are covered."
        + (f" {len(group.impossible)} cells cannot be (–)." if group.impossible else ""),
        "",
        f"| | {' | '.join(group.columns)} |",
        "|---|" + "---|" * len(group.columns),
    ]
    for row in group.rows:
        cells = [
            "–" if (row, column) in group.impossible else str(cover[group.name, row, column])
            for column in group.columns
        ]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    reasons: dict[str, list[str]] = {}
    for (row, _), why in group.impossible.items():
        names = reasons.setdefault(why, [])
        if row not in names:
            names.append(row)
    if reasons:
        lines.append("")
        lines += [f"- {', '.join(names)}: {why}." for why, names in reasons.items()]
    return lines


def main() -> int:
    """Write the page; 1 when the plan has holes."""
    plan, cover = read_plan(), count()
    PAGE.write_text(write(plan, cover), encoding="utf-8")
    holes = [hole for group in plan.groups for hole in group.holes(cover)]
    for hole in holes:
        print(f"not covered: {hole}", file=sys.stderr)
    return 1 if holes else 0


if __name__ == "__main__":
    raise SystemExit(main())
