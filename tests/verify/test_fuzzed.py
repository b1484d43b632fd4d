"""The fuzzer on devices that are known: it says nothing of the right one, and finds those that are wrong in one thing.

The devices are the verifier's own (`right_device`, `mutants`): no chip, the device's end of the wire. So each rule of
`fuzz.invariants` has a device that breaks it and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from renode_pico.board import Board
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.invariants import RULES
from renode_pico.fuzz.program import Action, Control, Program, Receive, Reset, Send
from renode_pico.fuzz.session import Fuzzer
from renode_pico.fuzz.target import Target
from renode_pico.usb import requests
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import Packet, Pid
from renode_pico.verify.table import load_pack
from tests.verify.mutants import MUTANTS, Requests
from tests.verify.right_device import (
    ISO_IN,
    KEYBOARD,
    KEYS,
    LOOP_IN,
    LOOP_OUT,
    SERIAL,
    DeviceTarget,
    RightDevice,
)

CASES = 1000
pytestmark = pytest.mark.row("Z1.judges")


class WireEngine:
    """What `fuzz.target` needs of an engine. Going back is switching the device off and on, and enumerating it."""

    name = version = "the wire"
    resets = 0
    misuses: tuple[()] = ()

    def __init__(self, wire: DeviceTarget) -> None:
        self.wire = wire
        wire.host.plug()
        self.device = self._enumerated()

    def _enumerated(self) -> Any:
        self.wire.host.wait_attached(timeout=1)
        return enumerate_device(self.wire.host)

    @property
    def now(self) -> float:
        return self.wire.host.now

    def peek(self, address: int) -> int:
        return 0

    def read_memory(self, address: int, length: int) -> bytes:
        return b""

    def snapshot(self, *also: Any) -> None:
        pass

    def restore(self, snapshot: None) -> None:
        self.wire.restart(plugged=True)
        vars(self.device).update(vars(self._enumerated()))


def target_of(make: type[RightDevice]) -> Target:
    wire = DeviceTarget(make)
    engine = WireEngine(wire)
    board = SimpleNamespace(engine=engine, host=wire.host, device=engine.device, firmware=Path(__file__))
    return Target(cast(Board, board), prepared=True)


def ask(kind: int, request: int, value: int = 0, index: int = 0, length: int = 0) -> Control:
    return Control(Setup(kind, request, value, index, length))


class AlternatesForgotten(Requests):
    """GET_INTERFACE says 0, whatever has been set."""

    def wrong(self, setup: Setup) -> Any:
        return b"\0" if (setup.bmRequestType, setup.bRequest) == (0x81, 10) and setup.wIndex == 0 else NotImplemented


class BusySetup(RightDevice):
    """Behind a refused request a SETUP is answered NAK."""

    def setup(self, address: int, endpoint: int, data: bytes, fault: Any = None) -> Packet | None:
        if self._stage == "stall" and address == self.address:
            self._stage = "idle"
            return Packet(Pid.NAK)
        return super().setup(address, endpoint, data, fault)


class ReservedTypes(RightDevice):
    """A request of the reserved type is acknowledged."""

    def _request(self, setup: Setup, data: bytes) -> bytes | None:
        return b"" if setup.bmRequestType & 0x60 == 0x60 else super()._request(setup, data)


class MorePower(RightDevice):
    """The vendor's request changes bMaxPower."""

    def _vendor(self, setup: Setup, data: bytes) -> bytes | None:
        self.chain.parts[0][8] = 50 + len(data)
        return super()._vendor(setup, data)


OWN: dict[str, type[RightDevice]] = {
    "CP1": BusySetup,
    "SR20": AlternatesForgotten,
    "SR24": ReservedTypes,
    "DE18": MorePower,
}
"""Where the verifier's mutant breaks another part of the item's sentence than the one that can be watched."""
HALT = ask(0x02, 3, requests.ENDPOINT_HALT, KEYS)
SHOWS: dict[str, tuple[Action, ...]] = {
    "CP1": (ask(0xA1, 0x33, 0, KEYBOARD, 4), ask(0x80, 0, 0, 0, 2)),
    "CP4": (ask(0x00, 9, 0),),
    "SR3": (ask(0x80, 6, 0x0201, 0, 9),),
    "SR4": (ask(0x80, 6, 0x0400, 0, 9),),
    "SR5": (ask(0x80, 6, 0x0600, 0, 10),),
    "SR11": (ask(0x81, 0, 0, 9, 2),),
    "SR12": (ask(0x82, 0, 0, 0x8A, 2),),
    "SR13": (HALT, Receive(KEYS, 8)),
    "SR15": (HALT, ask(0x80, 0x77, 0xFF00, 0, 2), ask(0x82, 0, 0, KEYS, 2)),
    "SR16": (ask(0x02, 3, 0xFF, LOOP_IN),),
    "SR17": (ask(0x00, 3, 1), ask(0x00, 1, 1), ask(0x80, 0, 0, 0, 2)),
    "SR18": (ask(0x00, 3, 2),),
    "SR19": (ask(0x00, 9, 0), ask(0x81, 10, 0, 0, 1)),
    "SR20": (ask(0x01, 11, 1, 0), ask(0x81, 10, 0, 0, 1)),
    "SR22": (ask(0x82, 12, 0, 0, 2),),
    "SR24": (ask(0x60, 3),),
    "SR26": (ask(0x21, 0x22, 0, 9),),
    "DE18": (Control(Setup(0x40, 0x5B, 0, 0, 3), b"abc"), ask(0x80, 6, 0x0200, 0, 255)),
    "EP2": (Send(LOOP_OUT, bytes(128)), Receive(LOOP_IN, 128)),
}
"""A program for each rule."""
GOOD: tuple[Action, ...] = (
    *(HALT, ask(0x82, 0, 0, KEYS, 2), Receive(KEYS, 8), ask(0x02, 1, 0, KEYS), Receive(KEYS, 8)),
    *(HALT, ask(0x01, 11, 0, KEYBOARD), ask(0x82, 0, 0, KEYS, 2), ask(0x00, 3, 1), ask(0x80, 0, 0, 0, 2), Reset()),
    *(ask(0x80, 0, 0, 0, 2), ask(0x01, 11, 1, 1), ask(0x82, 12, 0, ISO_IN, 2), ask(0x81, 10, 0, 1, 1)),
    *(ask(0x21, 0x22, 3, 2), ask(0x81, 0, 0, SERIAL, 2), Send(LOOP_OUT, bytes(100)), Receive(LOOP_IN, 100)),
)


def test_the_rules_are_items_of_the_verifier() -> None:
    assert set(RULES) <= {item.id for item in load_pack("chapter9").items}
    assert set(SHOWS) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_tells_the_device_that_breaks_it(rule: str) -> None:
    outcome = target_of(OWN.get(rule) or MUTANTS[rule]).run(Program(SHOWS[rule]))
    assert f"chapter9 {rule}" in [each.key for each in outcome.findings], outcome


@pytest.mark.parametrize("rule", RULES)
def test_what_shows_it_is_nothing_on_the_right_device(rule: str) -> None:
    assert target_of(RightDevice).run(Program(SHOWS[rule])).findings == []


def test_a_good_host_sees_nothing_of_the_right_device() -> None:
    assert target_of(RightDevice).run(Program(GOOD)).findings == []


def test_nothing_is_found_in_the_right_device() -> None:
    fuzzer = Fuzzer(target_of(RightDevice), Setting("wire"), seed=1)
    report = fuzzer.run(CASES)
    assert report.cases == CASES
    assert [found.finding for found in report.found] == []
    assert report.unconfirmed == 0
