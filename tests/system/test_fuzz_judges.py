"""Judges that chip/faulty has nothing for: the watchdog, a device that leaves, two engines that differ, and what
chip/faulty_bus does wrong on the bus and in memory."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from renode_pico.engine.select import EngineName
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.compare import compare
from renode_pico.fuzz.judges import JUDGES
from renode_pico.fuzz.program import Action, Control, Program, Receive, Send, Suspend
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


# chip/faulty_bus

EVENTS, COMMANDS = 0x81, 0x01


def ask(kind: int, request: int, value: int = 0, index: int = 0, length: int = 0) -> Control:
    return Control(Setup(kind, request, value, index, length))


HALT = ask(0x02, 3, 0, EVENTS)
PLANTED: dict[str, tuple[tuple[Action, ...], str]] = {
    # the finding's key: what shows it, and words of its text
    "chapter9 CP4": ((ask(0xC0, 1, length=8),), "DATA0 where DATA1 is due"),
    "chapter9 EP2": ((ask(0x40, 2), Receive(EVENTS, 64)), "a packet of 80 bytes instead of 64"),
    "chapter9 DE18": ((ask(0x40, 3), ask(0x80, 6, 0x0200, length=255)), "not the one of the enumeration"),
    "chapter9 SR15": ((HALT, ask(0x40, 4), ask(0x82, 0, 0, EVENTS, 2)), "says that the endpoint is not halted"),
    "chapter9 SR13": ((HALT, ask(0x40, 4), Receive(EVENTS, 8)), "though it has been halted"),
    "chapter9 SR20": ((ask(0x40, 8, 1), ask(0x01, 11), ask(0x81, 10, length=1)), "it says 1, 0 has been set"),
    "chapter9 SR26": ((ask(0x41, 8, 0, 6),), "there is no interface 6"),
    "sanitizer armed-buffer requested": ((ask(0x40, 5),), "endpoint 0x81: a buffer is written while"),
    "dpsram 0x81": ((ask(0x40, 6, 10),), "0 bytes behind the buffer of endpoint 0x81"),
    "stack 1": ((ask(0x40, 7, 40),), "core 1's stack has grown over its end"),
    # TinyUSB does these by itself
    "silent GET_STATUS is not answered": ((ask(0x80, 5, length=1),), "it does after a bus reset"),
    "chapter9 SR11": ((ask(0x81, 0, length=2),), "it is refused"),
    "chapter9 SR12": ((ask(0x82, 0, 0, 0x85, 2),), "there is no endpoint 0x85"),
    "chapter9 SR16": ((ask(0x02, 3, 7, EVENTS),), "it is accepted"),
    "chapter9 SR17": ((ask(0x00, 3, 1),), "it is accepted"),
}
GOOD = (
    *(
        ask(0x40, 7, 3),
        ask(0x40, 6, 0),
        ask(0x80, 6, 0x0200, length=255),
        ask(0x82, 0, 0, EVENTS, 2),
        Receive(EVENTS, 8),
    ),
    *(Send(COMMANDS, b"a command"), ask(0x81, 10, length=1), Suspend(5), Receive(EVENTS, 8)),
)


@pytest.fixture(scope="module")
def bus(request: pytest.FixtureRequest) -> Iterator[Target]:
    engine = cast(EngineName, engine_of(request.config))
    with Setting("chip/faulty_bus", engine=engine, cores=2).open() as board:
        yield Target(board)


@pytest.mark.parametrize("key", PLANTED, ids=lambda key: str(key).replace(" ", "-"))
def test_what_it_does_wrong_is_seen(bus: Target, key: str) -> None:
    actions, text = PLANTED[key]
    outcome = bus.run(Program(actions))
    assert [text in each.text for each in outcome.findings if each.key == key] == [True], outcome


def test_what_a_good_host_does_to_it_is_no_finding(bus: Target) -> None:
    outcome = bus.run(Program(GOOD))
    assert outcome.findings == []
    assert {answer.ended for answer in outcome.answers} == {"completed", "done"}


def test_each_judge_has_a_fault_that_it_finds() -> None:
    """Here, among chip/faulty's, or in a test of its own."""
    faults = tomllib.loads((PROBE.parents[1] / "chip" / "faulty" / "faults.toml").read_text(encoding="utf-8"))["fault"]
    shown = {key.split()[0] for key in PLANTED} | {fault["judge"] for fault in faults}
    assert shown | {"watchdog", "left", "engines"} == set(JUDGES)


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
