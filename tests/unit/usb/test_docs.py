"""The programs in docs/host.md run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from renode_pico.usb.host import BusHost
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import FakeDevice

TEXT = (Path(__file__).parents[3] / "docs" / "host.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_should_run_the_program(program: str) -> None:
    clock = FakeClock()
    device = FakeDevice(clock)
    for address in (0x02, 0x81, 0x82):
        device.add(address)
    device.pull_up(True)
    host = BusHost(device, clock, clock)
    host.plug()
    exec(program, {"host": host})


def test_should_have_programs() -> None:
    assert len(PROGRAMS) >= 5
