"""What the firmware touched and nobody models: said once, counted always."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

_log = logging.getLogger("renode_pico.unmodelled")


class Unmodelled:
    """Counts accesses by `block.register`; the first of each is a warning with the PC that made it. `lacking`: what the
    blocks list of themselves, whether the firmware asks for it or not.

    `pc`: asks the engine where the processor is.
    """

    def __init__(self, pc: Callable[[], int]) -> None:
        self._pc = pc
        self.counts: Counter[str] = Counter()
        self.lacking: dict[str, list[str]] = {}

    def lacks(self, block: str, *what: str) -> None:
        """A block lists what it does not do: registers, fields, behaviour (docs/not-modelled.md)."""
        self.lacking.setdefault(block, []).extend(what)

    def note(self, block: str, register: str, what: str = "is not modelled") -> None:
        """An access to `register` of `block`; `what` ends the sentence of the warning."""
        name = f"{block}.{register}"
        self.counts[name] += 1
        if self.counts[name] == 1:
            _log.warning("%s %s (PC %#010x)", name, what, self._pc())
