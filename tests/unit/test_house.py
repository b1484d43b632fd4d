"""The house stays tidy: few files on the package's top floor, and nobody imports in a circle."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "renode_pico"
TOP_FLOOR = 8


def modules(folder: Path, prefix: str) -> dict[str, Path]:
    """The modules below a folder by their dotted names."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        names = [prefix, *path.relative_to(folder).with_suffix("").parts]
        if names[-1] == "__init__":
            names.pop()
        found[".".join(name for name in names if name)] = path
    return found


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """What a module imports where it is loaded or its types are checked, of the known ones; functions left out."""
    seen: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Import):
            seen.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            seen |= submodules or {node.module}
        todo.extend(ast.iter_child_nodes(node))
    return seen & known.keys()


def test_the_top_floor_of_the_package_is_small() -> None:
    assert len([path.name for path in PACKAGE.glob("*.py")]) <= TOP_FLOOR


@pytest.mark.parametrize(("folder", "prefix"), [(PACKAGE, "renode_pico"), (ROOT / "bench", "")])
def test_nobody_imports_in_a_circle(folder: Path, prefix: str) -> None:
    known = modules(folder, prefix)
    graph = {name: imported(path, known) - {name} for name, path in known.items()}
    assert len(known) > 3
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
