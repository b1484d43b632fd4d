"""The tables of items, and the functions that belong to them.

A new pack is two files in `packs/`: `hid.toml` with `title`, `about` and an `[item.ID]` for each item, and `hid.py` (or
a package `hid`) in which each item has its function:

    @check("HID1")
    def idle_rate_is_kept(bench: Bench) -> None: ...

The name of the file is the name for `--pack`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from renode_pico.errors import UsageError

PACKS = "renode_pico.verify.packs"

Check = Callable[[Any], None]
"""Called with a `bench.Bench`."""


class Severity(Enum):
    """How much an item weighs: what does not hold fails, unless it is advice."""

    MUST = "must"
    SHOULD = "should"
    ADVICE = "advice"


class Needs(Enum):
    """What an item needs of the host."""

    HOST = "H"
    """Transfers, resets, suspend: what any host has."""
    WIRE = "W"
    """Single transactions, faults and line states."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is checked.

    `says`: the sentence that must hold. `section`: of USB 2.0, or of the document it names. `origin`: who else checks
    it. `fresh`: the device is powered on anew for it, as the item is about what comes before the first reset.
    """

    id: str
    pack: str
    says: str
    section: str
    severity: Severity
    needs: Needs
    origin: str
    fresh: bool
    check: Check

    @property
    def group(self) -> str:
        """The letters of its id."""
        return self.id.rstrip("0123456789")

    @property
    def explanation(self) -> str:
        """What the function's docstring says about how it is checked."""
        return " ".join((self.check.__doc__ or "").split())


@dataclass(frozen=True, slots=True)
class Pack:
    """Items that belong together. `about`: which devices it is for. `groups`: what the letters of an id stand for."""

    name: str
    title: str
    about: str
    items: tuple[Item, ...]
    groups: dict[str, str]


_checks: dict[str, Check] = {}


def check(identifier: str) -> Callable[[Check], Check]:
    """Say that a function checks the item of that id."""

    def register(function: Check) -> Check:
        if identifier in _checks and _checks[identifier].__qualname__ != function.__qualname__:
            raise ValueError(f"two functions check {identifier}")
        _checks[identifier] = function
        return function

    return register


def pack_names() -> tuple[str, ...]:
    """The packs there are, chapter9 first."""
    names = sorted(entry.name.removesuffix(".toml") for entry in files(PACKS).iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(names, key=lambda name: name != "chapter9"))


@cache
def load_pack(name: str) -> Pack:
    """A pack with its functions. Raises UsageError for a name there is none of, ValueError for an incomplete pack."""
    if name not in pack_names():
        raise UsageError(f"pack '{name}': there are {', '.join(pack_names())}")
    table = tomllib.loads((files(PACKS) / f"{name}.toml").read_text(encoding="utf-8"))
    import_module(f"{PACKS}.{name}")
    missing = [identifier for identifier in table["item"] if identifier not in _checks]
    if missing:
        raise ValueError(f"pack {name}: no function checks {', '.join(missing)}")
    items = tuple(
        Item(
            identifier,
            name,
            row["says"],
            row["section"],
            Severity(row["severity"]),
            Needs(row["needs"]),
            row["origin"],
            row.get("fresh", False),
            _checks[identifier],
        )
        for identifier, row in table["item"].items()
    )
    return Pack(name, table["title"], table["about"], items, table.get("group", {}))


def choose(packs: Iterable[str], only: Iterable[str] = ()) -> tuple[Item, ...]:
    """The items of some packs, or those of them that are named. Raises UsageError for an id that none of them has."""
    items = [item for name in packs for item in load_pack(name).items]
    wanted = {identifier.upper() for identifier in only}
    unknown = wanted - {item.id.upper() for item in items}
    if unknown:
        raise UsageError(f"item {', '.join(sorted(unknown))}: no such id in the chosen packs; --list shows them")
    return tuple(item for item in items if not wanted or item.id.upper() in wanted)
