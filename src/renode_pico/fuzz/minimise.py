"""The smallest program that still shows a fault: actions left out, then values made smaller (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from renode_pico.fuzz.program import Action, Control, Program, Receive, Send, Spoil, Suspend, Unplug, Wait

MOST_TRIES = 150
"""Programs that are tried for one finding at most."""


def minimise(program: Program, shows: Callable[[Program], bool], most: int = MOST_TRIES) -> Program:
    """Make a program as small as can be so that `shows(program)` stays true; it must be true at the beginning."""
    tries = 0

    def good(candidate: Program) -> bool:
        nonlocal tries
        tries += 1
        return tries <= most and shows(candidate)

    while True:
        before = program
        program = _fewer(program, good)
        program = _smaller(program, good)
        if program == before or tries >= most:
            return program


def _fewer(program: Program, good: Callable[[Program], bool]) -> Program:
    """Leave out runs of actions, long ones first, from the end: what comes last matters most, what leads to it less."""
    length = len(program.actions)
    while length:
        at = len(program.actions) - length
        while at >= 0:
            candidate = Program(program.actions[:at] + program.actions[at + length :])
            if good(candidate):
                program = candidate
            at -= length
        length //= 2
    return program


def _smaller(program: Program, good: Callable[[Program], bool]) -> Program:
    """Take the first simpler form of each action that still does it, until none does."""
    at = 0
    while at < len(program.actions):
        for simpler in _simpler(program.actions[at]):
            candidate = Program((*program.actions[:at], simpler, *program.actions[at + 1 :]))
            if good(candidate):
                program = candidate
                break
        else:
            at += 1
    return program


def _simpler(action: Action) -> Iterator[Action]:
    """Forms of an action with less in it, the plainest first."""
    match action:
        case Control(setup, data, leave):
            if leave is not None:
                yield Control(setup, data, None)
            for value in _lower(setup.wValue):
                yield Control(replace(setup, wValue=value), data, leave)
            for value in _lower(setup.wIndex):
                yield Control(replace(setup, wIndex=value), data, leave)
            for value in _lower(setup.wLength):
                yield Control(replace(setup, wLength=value), data[:value], leave)
            if any(data):
                yield Control(setup, bytes(len(data)), leave)
                yield from (Control(setup, bent, leave) for bent in _plainer(data))
        case Send(endpoint, data, zero_packet):
            if zero_packet:
                yield Send(endpoint, data)
            for length in _lower(len(data)):
                yield Send(endpoint, data[:length], zero_packet)
            if any(data):
                yield Send(endpoint, bytes(len(data)), zero_packet)
                yield from (Send(endpoint, bent, zero_packet) for bent in _plainer(data))
        case Receive(endpoint, length):
            yield from (Receive(endpoint, value) for value in _lower(length) if value)
        case Spoil(fault, endpoint, count, skip):
            yield from (Spoil(fault, endpoint, value, skip) for value in _lower(count) if value)
            yield from (Spoil(fault, endpoint, count, value) for value in _lower(skip))
        case Suspend(ms):
            yield from (Suspend(value) for value in _lower(ms))
        case Unplug(ms):
            yield from (Unplug(value) for value in _lower(ms))
        case Wait(us):
            yield from (Wait(value) for value in _lower(us))


def _lower(value: int) -> Iterator[int]:
    """Lower numbers: 0, half of it, each lower bit left out, one less."""
    tried = {value}
    for lower in (0, value // 2, value & 0xFF, *(value & ~(1 << bit) for bit in range(16)), value - 1):
        if 0 <= lower < value and lower not in tried:
            tried.add(lower)
            yield lower


def _plainer(data: bytes) -> Iterator[bytes]:
    """The same length with one half, then one byte, of zeros."""
    middle = len(data) // 2
    yield bytes(middle) + data[middle:]
    yield data[:middle] + bytes(len(data) - middle)
    for at in range(min(len(data), 64)):
        if data[at]:
            yield data[:at] + b"\0" + data[at + 1 :]
