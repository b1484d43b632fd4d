"""Write docs/not-modelled.md: what the models of each engine list themselves that they do not do.

    python tools/not_modelled.py            # of the engines that are here; what is said of another one stays
    python tools/not_modelled.py --check    # exit code 1 when the page says otherwise

The engines are asked with a board in their hands (`engine.not_modelled`); tests/system/test_not_modelled.py holds the
page to them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from renode_pico.board import Board
from renode_pico.engine.select import ENGINES, EngineName
from renode_pico.errors import EngineMissing

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "not-modelled.md"
HEAD = """# What is not modelled

Made by `make not-modelled` from what the models list themselves; not to be edited. Software that touches a register or
field of these is told so: the first time in the log, with the program counter, and counted from then on
(`engine.unmodelled` in Python, `machine UnmodelledAccesses` in Renode's monitor). When a wait ends in a time-out, the
error names what was touched since the wait began.
"""
TITLES = {"renode": "Renode", "embedded": "The embedded engine"}


def listed(engine: str) -> dict[str, list[str]]:
    """What an engine's models list, by block. Raises EngineMissing."""
    with Board("uart", engine=cast(EngineName, engine), cores=2 if engine == "renode" else None) as board:
        return board.engine.not_modelled


def merged(blocks: Mapping[str, Sequence[str]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Blocks that lack the same are one entry: uart0 and uart1."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for block in sorted(blocks):
        alike.setdefault(tuple(blocks[block]), []).append(block)
    return {tuple(names): what for what, names in alike.items()}


def runs(names: Sequence[str]) -> list[str]:
    """Names as code; those that differ in a number that counts up are one: `INSTR_MEM0` to `INSTR_MEM31`."""
    found: list[list[str]] = []
    for name in names:
        if found and follows(found[-1][-1], name):
            found[-1].append(name)
        else:
            found.append([name])
    short = [(run if len(run) <= 2 else [f"{run[0]}` to `{run[-1]}"]) for run in found]
    return [f"`{text}`" for texts in short for text in texts]


def follows(before: str, name: str) -> bool:
    """Whether a name is the one before with its last number one higher."""
    pattern = re.compile(r"(.*?)(\d+)(\D*)")
    first, second = pattern.fullmatch(before), pattern.fullmatch(name)
    if first is None or second is None:
        return False
    return (first[1], first[3], int(first[2]) + 1) == (second[1], second[3], int(second[2]))


def section(engine: str, blocks: Mapping[str, Sequence[str]]) -> str:
    """An engine's part of the page."""
    lines = [f"## {TITLES[engine]}", "", "| block | registers, fields, behaviour |", "|---|---|"]
    for names, what in sorted(merged(blocks).items()):
        lines.append(f"| {', '.join(names)} | {', '.join(runs(what))} |")
    return "\n".join(lines) + "\n"


def sections(page: str) -> dict[str, str]:
    """The engines' parts of a page."""
    found = {}
    for engine, title in TITLES.items():
        match = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        found[engine] = match[0].rstrip("\n") + "\n" if match else ""
    return found


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    before = PAGE.read_text() if PAGE.is_file() else ""
    parts = sections(before)
    for engine in ENGINES:
        try:
            parts[engine] = section(engine, listed(engine))
        except EngineMissing as error:
            print(f"{engine}: left as it is, {error}", file=sys.stderr)
    page = "\n".join([HEAD, *(parts[engine] for engine in TITLES if parts[engine])])
    if options.check:
        return int(page != before)
    PAGE.write_text(page)
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
