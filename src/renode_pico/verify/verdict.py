"""What an item came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from renode_pico.verify.table import Item


class Verdict(Enum):
    """The five ends of an item."""

    PASS = "pass"
    FAIL = "fail"
    ADVICE = "advice"
    NOT_APPLICABLE = "not applicable"
    DIED = "device died"

    @property
    def bad(self) -> bool:
        """Something must be mended."""
        return self in (Verdict.FAIL, Verdict.DIED)


class Failed(Exception):
    """The sentence does not hold. `sent`, `came`: the last exchange, None for what the bench knows itself."""

    def __init__(self, should: str, *, sent: str | None = None, came: str | None = None) -> None:
        super().__init__(should)
        self.should = should
        self.sent = sent
        self.came = came


class NotApplicable(Exception):
    """The sentence says nothing about this device, or this host cannot ask; the message says why."""


@dataclass(slots=True)
class Result:
    """What came of an item.

    `reason`: why it does not apply. On failure `sent`, `came`, `should` say what was exchanged and expected;
    `died`: how the device died. `began`, `time`: emulated seconds at the begin and the end; `begin`, `transaction`: how
    many transactions the bus had carried then. Both are the place in the trace.
    """

    item: Item
    verdict: Verdict
    began: float
    time: float
    begin: int
    transaction: int
    reason: str = ""
    sent: str = ""
    came: str = ""
    should: str = ""
    died: str = ""
    advice: list[str] = field(default_factory=list)
    packets: list[str] = field(default_factory=list)
    """The last transactions before the end of an item that failed, in words."""

    @property
    def line(self) -> str:
        """In one line, without its id."""
        if self.verdict is Verdict.NOT_APPLICABLE:
            return self.reason
        parts = []
        if self.should:
            parts.append(f"sent {self.sent}; came {self.came}; should be {self.should}")
        if self.died:
            parts.append(self.died)
        parts += self.advice
        return "; ".join(parts)
