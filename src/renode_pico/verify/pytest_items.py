"""The verifier's items as tests of their own in pytest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from renode_pico.board import Board
from renode_pico.verify import report as reports
from renode_pico.verify.bench import Bench
from renode_pico.verify.runner import Runner
from renode_pico.verify.table import Item, choose
from renode_pico.verify.target import BoardTarget
from renode_pico.verify.verdict import Verdict


class Failure(Exception):
    """An item has failed; the message is its report."""


class VerifyItem(pytest.Item):
    """One item as a test."""

    def __init__(self, *, item: Item, shared: VerifyItems, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.funcargs: dict[str, Any] = {}  # other plugins look for fixtures here
        self._item = item
        self._shared = shared

    def runtest(self) -> None:
        """Run the item on the board that all items share."""
        result = self._shared.runner.run(self._item)
        if result.verdict is Verdict.NOT_APPLICABLE:
            pytest.skip(result.reason)
        if result.verdict.bad:
            raise Failure("\n".join([reports.line(result), *result.packets]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """An item's report needs no traceback."""
        if isinstance(excinfo.value, Failure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, None, str]:
        """What a report calls it."""
        return "usb-verify", None, f"{self._item.id} {self._item.says}"


class VerifyItems(pytest.Collector):
    """The items of `--usb-verify`, and the board they share, which is made for the first of them."""

    def __init__(self, *, packs: tuple[str, ...], options: dict[str, Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._packs = packs
        self._options = options
        self._runner: Runner | None = None
        self._stack = ExitStack()

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each item."""
        for item in choose(self._packs):
            yield VerifyItem.from_parent(self, name=item.id, item=item, shared=self)

    @property
    def runner(self) -> Runner:
        """What runs items on the shared board."""
        if self._runner is None:
            board = self._stack.enter_context(Board(**self._options))
            target = BoardTarget(board)
            self._runner = Runner(target, Bench(target.link, 0, target.restart, target.wake))
        return self._runner

    def close(self) -> None:
        """End the board."""
        self._stack.close()
