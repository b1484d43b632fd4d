"""pytest-embedded's service `renode-pico`: its `dut` is an emulated board.

    pytest_plugins = ["renode_pico.frameworks.pytest_embedded"]      # in conftest.py

    def test_hello(dut):                                             # pytest --embedded-services renode-pico
        dut.expect(">>> ")
        dut.write("print(6 * 7)")
        dut.expect_exact("42", timeout=1)

`dut` is a pytest_embedded.Dut: `expect`, `expect_exact`, `expect_unity_test_output`, `write`. Time-outs are emulated
seconds. `dut.board` is the board, with its USB host, pins and all; the options and markers are this package's own
(`--engine`, `--firmware`, `@pytest.mark.pico`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_embedded import Dut
from pytest_embedded.utils import SERVICE_LIB_NAMES

from renode_pico.board import Board
from renode_pico.frameworks.spawn import BoardSpawn

SERVICE = "renode-pico"


def pytest_configure(config: pytest.Config) -> None:
    """Make the service known; pytest-embedded has no other way in."""
    SERVICE_LIB_NAMES[SERVICE] = __name__


class PicoDut(Dut):  # type: ignore[misc]
    """A board that is expected of. `board`: the board itself."""

    def __init__(self, board: Board, **more: Any) -> None:
        super().__init__(pexpect_proc=BoardSpawn(board), **more)
        self.board = board

    def write(self, s: str | bytes) -> None:
        """Type a line (text gets its end, bytes are sent as they are)."""
        if isinstance(s, str):
            self.pexpect_proc.sendline(s)
        else:
            self.pexpect_proc.send(s)


@pytest.fixture
def dut(request: pytest.FixtureRequest) -> Iterator[Any]:
    """pytest-embedded's own device under test, or with this service a board."""
    services = [name.strip() for name in (request.getfixturevalue("embedded_services") or "").split(",")]
    if SERVICE not in services:
        yield request.getfixturevalue("dut")
        return
    wanted = ("msg_queue", "app", "_pexpect_logfile", "test_case_name", "_meta")
    queue, app, logfile, name, meta = (request.getfixturevalue(each) for each in wanted)
    made = PicoDut(
        request.getfixturevalue("pico"),
        msg_queue=queue, app=app, pexpect_logfile=logfile, test_case_name=name, meta=meta,
    )  # fmt: skip
    yield made
    made.close()
