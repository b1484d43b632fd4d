"""The judge of writes behind an endpoint's buffer: buffers that are double for one transfer and single for the next."""

from __future__ import annotations

from typing import cast

import pytest

from renode_pico.engine.protocol import Engine
from renode_pico.fuzz.memory import DpsramJudge
from renode_pico.rp2040 import usb_memory

ENABLE, DOUBLE = 1 << 31, 1 << 30
CONTROL, BUFFER, SECOND = 0x10, 0x240, 0x280
"""EP2_IN_CONTROL, where its buffer begins, and the second one."""


class _Memory:
    """An engine of which only the USB controller's memory is asked for."""

    def __init__(self) -> None:
        self.content = bytearray(usb_memory.SIZE)

    def read_memory(self, address: int, size: int) -> bytes:
        return bytes(self.content[address - usb_memory.BASE :][:size])

    def endpoint(self, bits: int) -> None:
        self.content[CONTROL : CONTROL + 4] = (ENABLE | bits | BUFFER).to_bytes(4, "little")


@pytest.fixture
def memory() -> _Memory:
    memory = _Memory()
    memory.endpoint(0)
    return memory


@pytest.fixture
def judge(memory: _Memory) -> DpsramJudge:
    return DpsramJudge(cast(Engine, memory), {0x82: 64})


def test_a_write_behind_a_single_buffer_is_found(memory: _Memory, judge: DpsramJudge) -> None:
    memory.content[SECOND] = 1
    finding = judge.look()
    assert finding is not None
    assert "0 bytes behind the buffer of endpoint 0x82" in finding.text


def test_the_second_buffer_of_a_double_one_is_not_behind_it(memory: _Memory, judge: DpsramJudge) -> None:
    """Also when it was looked at as a single one before: TinyUSB makes it double for each long transfer."""
    assert judge.look() is None
    judge.begin()
    memory.endpoint(DOUBLE)
    memory.content[SECOND : SECOND + 64] = bytes(range(1, 65))
    assert judge.look() is None
    memory.endpoint(0)
    assert judge.look() is None
    memory.content[SECOND + 64] = 1
    finding = judge.look()
    assert finding is not None
    assert "has 128 bytes" in finding.text


def test_the_next_case_begins_with_the_single_buffer(memory: _Memory, judge: DpsramJudge) -> None:
    memory.endpoint(DOUBLE)
    assert judge.look() is None
    judge.begin()
    memory.endpoint(0)
    memory.content[SECOND] = 1
    assert judge.look() is not None
