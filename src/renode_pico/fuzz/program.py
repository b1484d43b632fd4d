"""Programs on the bus as data: what a host does to a device, one action after the other, and their form as TOML.

An action is something that a host, a cable or a person does. Times are emulated microseconds or milliseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from renode_pico.errors import UsageError
from renode_pico.usb.values import Setup
from renode_pico.usb.wire import Fault

MOST_DATA = 4096
"""Bytes of one action's data at most: a longer one takes tens of milliseconds on the bus and reaches nothing new."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control transfer (USB 2.0, 8.5.3). `data`: its OUT stage, wLength bytes.

    `leave_us`: it is left under way after so many microseconds, and whatever comes next comes into it; None waits.
    """

    setup: Setup
    data: bytes = b""
    leave_us: int | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Data to an OUT endpoint; `zero_packet`: an empty packet after a last full one."""

    endpoint: int
    data: bytes = b""
    zero_packet: bool = False


@dataclass(frozen=True, slots=True)
class Receive:
    """Ask an IN endpoint for `length` bytes."""

    endpoint: int
    length: int = 64


@dataclass(frozen=True, slots=True)
class Spoil:
    """A fault on the wire: see `Host.inject`."""

    fault: Fault
    endpoint: int
    count: int = 1
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """A bus reset, then address and, if `configure`, configuration as before."""

    configure: bool = True


@dataclass(frozen=True, slots=True)
class Suspend:
    """No traffic for 5 ms and so many more, then resume."""

    ms: int = 0


@dataclass(frozen=True, slots=True)
class Unplug:
    """The cable pulled for so many milliseconds, put in again; then reset, address, configuration."""

    ms: int = 10


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing but starts of frame."""

    us: int = 1000


Action = Control | Send | Receive | Spoil | Reset | Suspend | Unplug | Wait
_NAMES: dict[type[Any], str] = {
    Control: "control",
    Send: "send",
    Receive: "receive",
    Spoil: "spoil",
    Reset: "reset",
    Suspend: "suspend",
    Unplug: "unplug",
    Wait: "wait",
}


@dataclass(frozen=True, slots=True)
class Program:
    """What is done to a device, in order."""

    actions: tuple[Action, ...] = ()

    @property
    def name(self) -> str:
        """Twelve hexadecimal digits that stand for its content."""
        return hashlib.sha256(write_actions(self.actions).encode()).hexdigest()[:12]


def write_actions(actions: Iterable[Action]) -> str:
    """Return actions as TOML, a table `[[do]]` for each."""
    return "\n".join(_table(action) for action in actions)


def read_program(content: Mapping[str, Any], where: str) -> Program:
    """Make a program of what a TOML file holds. Raises UsageError, with `where` and the number of the action."""
    tables = content.get("do", [])
    if not isinstance(tables, list):
        raise UsageError(f"{where}: 'do' is not a list of actions, each written [[do]]")
    actions = []
    for number, table in enumerate(tables, 1):
        try:
            actions.append(_action(dict(table)))
        except (KeyError, TypeError, ValueError) as error:
            what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
            raise UsageError(f"{where}: action {number}: {what}") from None
    return Program(tuple(actions))


def _table(action: Action) -> str:
    lines = ["[[do]]", f'action = "{_NAMES[type(action)]}"']
    match action:
        case Control(setup, data, leave_us):
            lines += [
                f"bmRequestType = {setup.bmRequestType:#04x}",
                f"bRequest = {setup.bRequest:#04x}",
                f"wValue = {setup.wValue:#06x}",
                f"wIndex = {setup.wIndex:#06x}",
                f"wLength = {setup.wLength}",
            ]
            lines += [f'data = "{data.hex(" ")}"'] if data else []
            lines += [f"leave_us = {leave_us}"] if leave_us is not None else []
        case Send(endpoint, data, zero_packet):
            lines += [f"endpoint = {endpoint:#04x}", f'data = "{data.hex(" ")}"']
            lines += ["zero_packet = true"] if zero_packet else []
        case Receive(endpoint, length):
            lines += [f"endpoint = {endpoint:#04x}", f"length = {length}"]
        case Spoil(fault, endpoint, count, skip):
            lines += [f'fault = "{fault.value}"', f"endpoint = {endpoint:#04x}", f"count = {count}", f"skip = {skip}"]
        case Reset(configure):
            lines += [] if configure else ["configure = false"]
        case Suspend(ms) | Unplug(ms):
            lines.append(f"ms = {ms}")
        case Wait(us):
            lines.append(f"us = {us}")
    return "\n".join(lines) + "\n"


def _action(table: dict[str, Any]) -> Action:
    name = table.pop("action")
    action: Action
    match name:
        case "control":
            fields = [
                _number(table, field, limit)
                for field, limit in (
                    ("bmRequestType", 0xFF),
                    ("bRequest", 0xFF),
                    ("wValue", 0xFFFF),
                    ("wIndex", 0xFFFF),
                    ("wLength", 0xFFFF),
                )
            ]
            setup = Setup(*fields)
            data = bytes.fromhex(table.pop("data", ""))
            if len(data) != (0 if setup.is_in else setup.wLength):
                raise ValueError(f"{len(data)} bytes of data, {setup.wLength} asked for by wLength")
            action = Control(setup, data, _number(table, "leave_us", 10**7) if "leave_us" in table else None)
        case "send":
            data = bytes.fromhex(table.pop("data", ""))
            action = Send(_number(table, "endpoint", 0x0F), data, bool(table.pop("zero_packet", False)))
        case "receive":
            action = Receive(_number(table, "endpoint", 0x8F), _number(table, "length", 1 << 20))
        case "spoil":
            fault = Fault(table.pop("fault"))
            numbers = [_number(table, key, limit) for key, limit in (("endpoint", 0x8F), ("count", 8), ("skip", 999))]
            action = Spoil(fault, *numbers)
        case "reset":
            action = Reset(bool(table.pop("configure", True)))
        case "suspend":
            action = Suspend(_number(table, "ms", 10_000))
        case "unplug":
            action = Unplug(_number(table, "ms", 10_000))
        case "wait":
            action = Wait(_number(table, "us", 10**7))
        case _:
            raise ValueError(f"no such action: {name!r}; there are {', '.join(_NAMES.values())}")
    if table:
        raise ValueError(f"{name} knows no {', '.join(map(repr, table))}")
    return action


def _number(table: dict[str, Any], key: str, limit: int) -> int:
    value = table.pop(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise ValueError(f"{key} is {value!r}, not a number from 0 to {limit}")
    return value
