"""Judges that chip/faulty has nothing for: the watchdog, a device that leaves the bus, two engines that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from renode_pico.engine.select import EngineName
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.compare import compare
from renode_pico.fuzz.program import Control, Program, Receive
from renode_pico.fuzz.target import Target
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.transfer import Setup

PROBE = Path(__file__).parents[2] / "firmware" / "apps" / "probe.py"
MAIN = b"""
import machine, micropython, probe

def leave(_):
    device = machine.USBDevice()
    device.active(False)
    device.active(True)

def answer(stage, request):
    if stage == 1 and request[1] == 5:
        micropython.schedule(leave, None)
    if stage == 1 and request[1] == 6:
        machine.WDT(timeout=50)
        while True:
            pass
    return True

probe.answer = answer
probe.start()
"""
SETTING = Setting("uart", files={"main.py": MAIN, "probe.py": PROBE.read_bytes()})

pytestmark = [pytest.mark.usefixtures("own_board"), pytest.mark.row("Z1.judges")]


def test_the_watchdog_and_a_device_that_leaves_are_found(request: pytest.FixtureRequest) -> None:
    with replace(SETTING, engine=cast(EngineName, engine_of(request.config))).open() as board:
        target = Target(board)
        found = {
            number: [each.judge for each in target.run(Program((Control(Setup(0x21, number)),))).findings]
            for number in (4, 5, 6, 4)
        }
    assert found == {4: [], 5: ["left"], 6: ["watchdog"]}


@pytest.mark.engine("renode", reason="it takes both engines")
def test_what_two_engines_show_differently_is_found() -> None:
    """The same firmware shows the same; another firmware in its place does not."""
    programs = [
        Program((Control(Setup(0x80, 6, 0x0100, 0, 18)), Receive(0x81, 8))),
        Program((Control(Setup(0xC1, 2, 0, 0, 24)), Control(Setup(0x80, 0, 0, 0, 2)))),
    ]
    setting = Setting("chip/faulty")
    with setting.open() as board:
        target = Target(board)
        assert compare(target, programs, setting, "renode") == (2, [])
        number, different = compare(target, programs, Setting("chip/usb_composite"), "renode")
    assert number == 2
    assert [program for program, _ in different] == programs
    assert {finding.judge for _, finding in different} == {"engines"}
