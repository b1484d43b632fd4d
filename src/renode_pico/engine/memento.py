"""What Python objects hold, kept and given back: the part of an engine's snapshot that is not the machine's.

A memento follows every reference from its roots through this package's objects, containers, bound methods and
closures, copies what can change, and puts it back in place: identities stay, contents return. What nobody thought of
is therefore in it, too. Left alone are foreign objects (files, threads, views of the machine's memory) and classes that
say `outside_of_snapshots = True`: a trace goes on being written whatever happens to the board.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from functools import cache, partial
from types import BuiltinMethodType, CellType, FunctionType, MethodType, MethodWrapperType
from typing import Any, cast

PACKAGE = "renode_pico."
_IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), type, Enum, range)


class Memento:
    """The contents of everything that is reachable from `roots`, as they are now."""

    def __init__(self, *roots: Any) -> None:
        self._keep: list[Any] = []
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._slots: list[tuple[Callable[[Any], None], Any]] = []
        self._sequences: list[tuple[Any, Any]] = []
        self._others: list[tuple[Callable[..., None], Callable[..., None], Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        seen: set[int] = set()
        waiting: list[Any] = list(roots)
        while waiting:
            thing = waiting.pop()
            if isinstance(thing, _IMMUTABLE) or id(thing) in seen:
                continue
            seen.add(id(thing))
            self._keep.append(thing)
            waiting.extend(self._record(thing))

    def restore(self) -> None:
        """Put everything back."""
        for live, kept in self._dicts:
            live.clear()
            live.update(kept)
        for write, kept in self._slots:
            write(kept)
        for live, kept in self._sequences:
            live[:] = kept
        for clear, fill, kept in self._others:
            clear()
            fill(kept)
        for cell, kept in self._cells:
            cell.cell_contents = kept

    def _record(self, thing: Any) -> Iterator[Any]:
        """Copy what can change of one object, and name what it refers to."""
        if isinstance(thing, dict):
            self._dicts.append((thing, dict(thing)))
            yield from thing.keys()
            yield from thing.values()
        elif isinstance(thing, list | bytearray | array):
            self._sequences.append((thing, thing[:]))
            if isinstance(thing, list):
                yield from thing
        elif isinstance(thing, set):
            self._others.append((thing.clear, thing.update, set(thing)))
            yield from thing
        elif isinstance(thing, deque):
            self._others.append((thing.clear, thing.extend, list(thing)))
            yield from thing
        elif isinstance(thing, tuple | frozenset):
            yield from thing
        elif isinstance(thing, memoryview):
            if isinstance(thing.obj, bytearray | array):
                yield thing.obj
        elif isinstance(thing, MethodType | BuiltinMethodType | MethodWrapperType):
            yield thing.__self__
            if isinstance(thing, MethodType):
                yield thing.__func__
        elif isinstance(thing, FunctionType):
            yield from thing.__defaults__ or ()
            yield from (thing.__kwdefaults__ or {}).values()
            yield from thing.__closure__ or ()
        elif isinstance(thing, CellType):
            try:
                self._cells.append((thing, thing.cell_contents))
            except ValueError:  # nothing in it yet
                return
            yield thing.cell_contents
        elif isinstance(thing, partial):
            yield from (thing.func, thing.args, thing.keywords)
        elif _is_ours(cls := cast(Hashable, type(thing))):
            yield from self._record_attributes(thing, cls)

    def _record_attributes(self, thing: Any, cls: Hashable) -> Iterator[Any]:
        frozen = _is_frozen(cls)
        attributes = getattr(thing, "__dict__", None)
        if attributes is not None:
            if not frozen:
                self._dicts.append((attributes, dict(attributes)))
            yield from attributes.values()
        for name in _slots_of(cls):
            try:
                value = getattr(thing, name)
            except AttributeError:
                continue
            if not frozen:
                self._slots.append((partial(setattr, thing, name), value))
            yield value


@cache
def _is_ours(cls: Any) -> bool:
    return str(cls.__module__).startswith(PACKAGE) and not getattr(cls, "outside_of_snapshots", False)


@cache
def _is_frozen(cls: Any) -> bool:
    return is_dataclass(cls) and bool(getattr(cls, "__dataclass_params__").frozen)  # noqa: B009 (typeshed has no such name)


@cache
def _slots_of(cls: Any) -> tuple[str, ...]:
    names: list[str] = []
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            hidden = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if hidden else name)
    return tuple(names)
