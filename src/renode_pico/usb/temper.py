"""How a host takes a device that lies about itself."""

from __future__ import annotations

from enum import Enum

from renode_pico.errors import DescriptorError


class Temper(Enum):
    """LENIENT forgives what Linux forgives, keeps a note of it, and tries again. STRICT ends at the first lie."""

    LENIENT = "lenient"
    STRICT = "strict"


class Problems:
    """What was wrong with a device's answers, in the order in which it was found."""

    def __init__(self, temper: Temper = Temper.STRICT) -> None:
        self.temper = temper
        self._found: list[str] = []

    @property
    def strict(self) -> bool:
        """Nothing is forgiven."""
        return self.temper is Temper.STRICT

    @property
    def found(self) -> tuple[str, ...]:
        """Each problem in one sentence."""
        return tuple(self._found)

    def forgive(self, problem: str) -> None:
        """Note something that a lenient host goes on with. Raises DescriptorError when the host is strict."""
        if self.strict:
            raise DescriptorError(problem)
        if problem not in self._found:
            self._found.append(problem)
