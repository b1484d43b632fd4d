from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from renode_pico.errors import UsageError
from renode_pico.trace.session import TraceFile, traced
from renode_pico.usb.observe import BusObserver
from renode_pico.usb.transfer import Host
from tests.unit.trace.records import feed, short_trace


class FakeHost:
    def __init__(self) -> None:
        self.observers: list[BusObserver] = []

    def add_observer(self, observer: BusObserver) -> None:
        self.observers.append(observer)

    def remove_observer(self, observer: BusObserver) -> None:
        self.observers.remove(observer)


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    host = FakeHost()
    outputs = [tmp_path / "bus.pcapng", tmp_path / "bus.html", tmp_path / "bus.txt"]
    with traced(cast(Host, host), outputs):
        for observer in host.observers:
            feed(observer, short_trace())
    assert host.observers == []
    assert outputs[0].read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert outputs[1].read_text().startswith("<!doctype html>")
    assert "STALL" in outputs[2].read_text()


def test_the_file_is_complete_after_an_error(tmp_path: Path) -> None:
    host = FakeHost()

    def interrupted() -> None:
        with TraceFile(tmp_path / "bus.html").attach(cast(Host, host)):
            feed(host.observers[0], short_trace())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "bus.html").read_text().rstrip().endswith("</html>")


def test_an_unknown_suffix_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\.pcapng"):
        TraceFile(Path("bus.pdf"))
