"""Mementos: everything that can change comes back, in place; what is foreign is left alone."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

import renode_pico.engine.memento as module
from renode_pico.engine.memento import Memento


class Ours:
    """As a class of the package."""

    __module__ = "renode_pico.test"

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    def method(self) -> None:
        self.called = True

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Slotted:
    __module__ = "renode_pico.test"
    __slots__ = ("__hidden", "seen", "unset")

    def __init__(self, seen: Any) -> None:
        self.seen = seen
        self.__hidden = 1

    def hide(self, value: int) -> None:
        self.__hidden = value

    @property
    def hidden(self) -> int:
        return self.__hidden


@dataclass(frozen=True, slots=True)
class Frozen:
    inner: list[int]


Frozen.__module__ = "renode_pico.test"


def test_containers_come_back_in_place() -> None:
    inner = {"a": [1, 2]}
    ours = Ours(
        number=1, words=["x"], mapping=inner, names={"n"}, line=deque([1, 2], maxlen=3), data=bytearray(b"abc"),
        numbers=array("I", [1, 2]), counts=Counter(a=1), pair=([7], frozenset({8})),
    )  # fmt: skip
    memento = Memento(ours)
    identities = {name: id(value) for name, value in vars(ours).items()}
    ours.number = 2
    ours.words.append("y")
    inner["a"].clear()
    inner["b"] = [3]
    ours.names.add("m")
    ours.line.extend([3, 4])
    ours.data += b"d"
    ours.numbers[0] = 9
    ours.counts["a"] += 4
    ours.pair[0].append(8)
    ours.extra = "new"
    memento.restore()
    assert {name: id(value) for name, value in vars(ours).items()} == identities
    assert (ours.number, ours.words, ours.mapping) == (1, ["x"], {"a": [1, 2]})
    assert (ours.names, list(ours.line), ours.line.maxlen) == ({"n"}, [1, 2], 3)
    assert (ours.data, list(ours.numbers), ours.counts, ours.pair[0]) == (b"abc", [1, 2], {"a": 1}, [7])


def test_slots_private_ones_too_and_what_a_frozen_object_holds() -> None:
    slotted, frozen = Slotted([1]), Frozen([1])
    memento = Memento(slotted, frozen)
    slotted.seen = None
    slotted.hide(5)
    frozen.inner.append(2)
    memento.restore()
    assert slotted.seen == [1]
    assert slotted.hidden == 1
    assert frozen.inner == [1]


def test_what_callbacks_hold_is_found() -> None:
    bound, in_closure, in_default, in_partial = Ours(n=1), Ours(n=1), Ours(n=1), Ours(n=1)
    count = 0

    def closure() -> int:
        nonlocal count
        count += 1
        return count + int(in_closure.n)

    callbacks: list[Callable[..., Any]] = [
        bound.method, closure, lambda it=in_default: it.n, partial(print, in_partial), deque([bound]).append,
    ]  # fmt: skip
    memento = Memento(callbacks)
    for thing in (bound, in_closure, in_default, in_partial):
        thing.n = 2
    closure()
    memento.restore()
    assert [thing.n for thing in (bound, in_closure, in_default, in_partial)] == [1, 1, 1, 1]
    assert count == 0


def test_foreign_objects_and_those_outside_stay_as_they_are() -> None:
    class Outside(Ours):
        __module__ = "renode_pico.test"
        outside_of_snapshots = True

    stream, outside = StringIO(), Outside(n=1)
    memento = Memento(Ours(stream=stream, outside=outside))
    stream.write("more")
    outside.n = 2
    memento.restore()
    assert stream.getvalue() == "more"
    assert outside.n == 2


def test_a_view_brings_the_bytearray_behind_it() -> None:
    data = bytearray(8)
    memento = Memento(Ours(view=memoryview(data).cast("I")))
    data[0] = 1
    memento.restore()
    assert not any(data)


def test_rings_end() -> None:
    first, second = Ours(), Ours()
    first.other, second.other = second, first
    memento = Memento(first)
    second.other = None
    memento.restore()
    assert second.other is first


values = st.recursive(
    st.integers() | st.binary() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(values, values)
def test_any_structure_any_number_of_times(before: Any, after: Any) -> None:
    ours = Ours(value=before, kept=[before])
    memento = Memento(ours)
    for _ in range(3):
        ours.value = after
        ours.kept.append(after)
        memento.restore()
        assert ours.value is before
        assert ours.kept == [before]


def test_only_this_package_counts_as_ours() -> None:
    assert module.PACKAGE == "renode_pico."
