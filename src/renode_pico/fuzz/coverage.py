"""Which edges between basic blocks were taken, and whether some of them are new: AFL's map, kept in numpy.

A count is one of eight classes (1, 2, 3, 4-7, 8-15, 16-31, 32-127, more), so that one more turn of a long loop is not
news. Counters are 8 bits and do not wrap over in the core.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

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


class Novelty(Protocol):
    """Tells whether a case has done something that none before has."""

    @property
    def edges(self) -> int:
        """How many different things were seen so far."""

    def begin(self) -> None:
        """Another case begins."""

    def is_new(self, behaviour: Hashable) -> bool:
        """The case is over; `behaviour` is what the host saw of it."""


class EdgeCoverage:
    """Coverage by the edges that the processor took; `counters` is the core's own map, changed by it."""

    def __init__(self, counters: memoryview) -> None:
        self._bytes = np.frombuffer(counters, dtype=np.uint8)
        self._words = self._bytes.view(np.uint64)
        self._rows = self._bytes.reshape(-1, 8)
        self._seen = np.zeros_like(self._rows)

    @property
    def edges(self) -> int:
        """Edges taken at least once."""
        return int(np.count_nonzero(self._seen))

    def begin(self) -> None:
        """All counters 0."""
        self._words[:] = 0

    def is_new(self, behaviour: Hashable) -> bool:
        """Whether an edge was taken that never was, or in another class of how often; it is known from now on."""
        touched = np.flatnonzero(self._words)
        classes = _CLASS_OF[self._rows[touched]]
        seen = self._seen[touched]
        if not np.any(classes & ~seen):
            return False
        self._seen[touched] = seen | classes
        return True


class BehaviourCoverage:
    """Where nobody counts edges: what the host saw of a case stands for what the firmware did."""

    def __init__(self) -> None:
        self._seen: set[Hashable] = set()

    @property
    def edges(self) -> int:
        """Different behaviours."""
        return len(self._seen)

    def begin(self) -> None:
        """Nothing to be done."""

    def is_new(self, behaviour: Hashable) -> bool:
        """Whether no case before was like it."""
        if behaviour in self._seen:
            return False
        self._seen.add(behaviour)
        return True
