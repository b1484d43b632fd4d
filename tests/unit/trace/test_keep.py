from __future__ import annotations

from pathlib import Path
from typing import cast

from renode_pico.trace.keep import KeptTrace, file_name
from renode_pico.usb.transfer import Host
from tests.unit.trace.records import feed, short_trace
from tests.unit.trace.test_session import FakeHost

pytest_plugins = ["pytester"]


def test_a_failure_keeps_both_pictures(tmp_path: Path) -> None:
    host = FakeHost()
    trace = KeptTrace(cast(Host, host))
    for observer in tuple(host.observers):
        feed(observer, short_trace())
    kept = trace.end(tmp_path / "traces", "tests/a.py::test_it[1 2]")
    assert [path.name for path in kept] == ["tests_a.py_test_it_1_2.pcapng", "tests_a.py_test_it_1_2.html"]
    assert kept[1].read_text().rstrip().endswith("</html>")
    assert host.observers == []


def test_a_success_keeps_nothing(tmp_path: Path) -> None:
    host = FakeHost()
    trace = KeptTrace(cast(Host, host))
    folder = trace._folder
    assert trace.end() == []
    assert host.observers == []
    assert not folder.exists()


def test_a_host_that_cannot_be_watched_is_left_alone(tmp_path: Path) -> None:
    assert KeptTrace(cast(Host, object())).end(tmp_path, "x") == []


def test_a_name_is_not_too_long_for_a_file() -> None:
    assert len(file_name("x" * 1000)) < 130
