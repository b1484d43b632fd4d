"""The house stays tidy: few files on the package's top floor, no imports in a circle, twins under one name."""

from __future__ import annotations

import ast
import graphlib
import re
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


def snake(name: str) -> str:
    """`EndpointPipe` as `endpoint_pipe`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "renode" / "models").glob("RP2040_USB*.cs")), ids=lambda path: path.name
)
def test_a_part_of_the_usb_controller_has_the_name_of_its_twin(path: Path) -> None:
    """RP2040_USB.cs is usb.py, RP2040_USB.Registers.cs and RP2040_USB_Registers.cs would be usb_registers.py."""
    name = path.stem.removeprefix("RP2040_").replace(".", "_").lower()
    assert (PACKAGE / "rp2040" / f"{name}.py").is_file()


@pytest.mark.parametrize("path", sorted((ROOT / "renode/host").glob("Usb*.cs")), ids=lambda path: path.name)
def test_a_part_of_the_usb_host_has_the_name_of_its_twin_or_says_which_it_is(path: Path) -> None:
    """UsbEndpointPipe.cs is usb/endpoint_pipe.py. A part of a class, UsbBus.Raw.cs, belongs to its first file."""
    first = path.with_name(path.name.partition(".")[0] + ".cs")
    twin = PACKAGE / "usb" / f"{snake(first.stem.removeprefix('Usb'))}.py"
    said = re.search(r"[Ii]ts twin is\s+(?:///\s)?([\w/]+(?:\.py)?)|has no twin", first.read_text())
    if twin.is_file() and first.stem != "UsbHost":
        assert said is None, "the name says it"
    else:
        assert said is not None, f"{twin.name} is not there, and {first.name} does not say where its twin is"
        assert said[1] is None or (ROOT / said[1]).exists()
