"""What the firmware touched of what is not modelled while somebody waited for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MOST = 4
"""So many are named; the one that a loop asks again and again is the first."""


class Meanwhile:
    """Watches from now on. As text it is the end of an error's sentence, empty when nothing was touched.

    counts: asks the engine how often what was touched so far, by names such as `pio0.RXF0 read`.
    """

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts
        self._before = dict(counts())

    @property
    def touched(self) -> dict[str, int]:
        """How often what was touched since, the most often first."""
        since = {name: count - self._before.get(name, 0) for name, count in self._counts().items()}
        return dict(sorted(((n, c) for n, c in since.items() if c > 0), key=lambda each: (-each[1], each[0])))

    def __str__(self) -> str:
        touched = self.touched
        if not touched:
            return ""
        named = [f"{name} {count:,} time{'s' if count > 1 else ''}" for name, count in list(touched.items())[:MOST]]
        more = [f"{len(touched) - MOST} more"] if len(touched) > MOST else []
        return f"; not modelled, but touched meanwhile: {', '.join(named + more)}"
