"""Which edges between basic blocks were taken, and whether some of them are new: AFL's map, kept in numpy.

A count is one of eight classes (1, 2, 3, 4-7, 8-15, 16-31, 32-127, more), so that one more turn of a long loop is not
news. Counters are 8 bits and do not wrap over in the core.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import ClassVar, Protocol

from renode_pico.errors import EngineMissing

try:
    import numpy as np
except ImportError as error:  # said when somebody fuzzes, in one line
    raise EngineMissing("fuzzing needs numpy: pip install 'renode-pico[fuzz]'") from error


def _classes() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    table = np.zeros(256, dtype=np.uint8)
    for first, last, bit in ((1, 1, 1), (2, 2, 2), (3, 3, 4), (4, 7, 8), (8, 15, 16), (16, 31, 32), (32, 127, 64)):
        table[first : last + 1] = bit
    table[128:] = 128
    return table


_CLASS_OF = _classes()


class News(IntEnum):
    """How new a case is."""

    NONE = 0
    COUNT = 1
    """Something known was done another number of times."""
    EDGE = 2
    """Something was done that never was."""


class Novelty(Protocol):
    """Tells whether a case has done something that none before has."""

    unit: ClassVar[str]
    """What is counted."""

    @property
    def edges(self) -> int:
        """How many different things were seen so far."""

    def begin(self) -> None:
        """Another case begins."""

    def news(self, behaviour: Sequence[Hashable]) -> News:
        """The case is over; `behaviour` is what the host saw of it. What was new is known from now on."""

    def same_news(self, behaviour: Sequence[Hashable]) -> bool:
        """Whether the case that is over now has all in it that was new at the last `news`."""


class EdgeCoverage:
    """Coverage by the edges that the processor took; `counters` is the core's own map, changed by it."""

    unit: ClassVar[str] = "edges"

    def __init__(self, counters: memoryview) -> None:
        self._bytes = np.frombuffer(counters, dtype=np.uint8)
        self._words = self._bytes.view(np.uint64)
        self._rows = self._bytes.reshape(-1, 8)
        self._seen = np.zeros_like(self._rows)
        self._new = (np.zeros(0, dtype=np.intp), np.zeros((0, 8), dtype=np.uint8))

    @property
    def edges(self) -> int:
        """Edges taken at least once."""
        return int(np.count_nonzero(self._seen))

    def begin(self) -> None:
        """All counters 0."""
        self._words[:] = 0

    def news(self, behaviour: Sequence[Hashable]) -> News:
        """Whether an edge was taken that never was, or in another class of how often; it is known from now on."""
        touched = np.flatnonzero(self._words)
        classes = _CLASS_OF[self._rows[touched]]
        seen = self._seen[touched]
        new = classes & ~seen
        if not new.any():
            return News.NONE
        self._seen[touched] = seen | classes
        first = np.where(seen == 0, new, 0)
        kind = News.EDGE if first.any() else News.COUNT
        told = first if kind is News.EDGE else new
        rows = np.flatnonzero(told.any(axis=1))
        self._new = touched[rows], told[rows]
        return kind

    def same_news(self, behaviour: Sequence[Hashable]) -> bool:
        """Whether each edge that was new was taken again; where none was, each as often."""
        touched, new = self._new
        return bool(np.array_equal(_CLASS_OF[self._rows[touched]] & new, new))


class BehaviourCoverage:
    """Where nobody counts edges: what the host saw of a case stands for what the firmware did.

    A thing is an action with how it ended and how much came; that two of them follow each other counts as COUNT does.
    """

    unit: ClassVar[str] = "behaviours"

    def __init__(self) -> None:
        self._seen: set[Hashable] = set()
        self._last: set[Hashable] = set()

    @property
    def edges(self) -> int:
        """Different behaviours."""
        return len(self._seen)

    def begin(self) -> None:
        """Nothing to be done."""

    def news(self, behaviour: Sequence[Hashable]) -> News:
        """Whether no case before had such a thing, or such a pair of them, in it."""
        self._last = self._things(behaviour) - self._seen
        self._seen |= self._last
        if not self._last:
            return News.NONE
        return News.EDGE if self._last.intersection(behaviour) else News.COUNT

    def same_news(self, behaviour: Sequence[Hashable]) -> bool:
        """Whether all of that is in it again."""
        return self._last <= self._things(behaviour)

    @staticmethod
    def _things(behaviour: Sequence[Hashable]) -> set[Hashable]:
        return {*behaviour, *pairwise(behaviour)}
