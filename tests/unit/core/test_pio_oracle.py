"""PIO against `rp2040-pio-emulator`, an independent implementation, on programs that hypothesis makes.

Both run the same program from the same state; registers, pins and FIFOs are equal after each instruction. Where the
package differs from the datasheet or lacks something, the program is kept out of it: docs/pio.md says what and why.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import pioemu
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.pio_bench import (
    ALWAYS,
    FLEVEL,
    GPIO,
    ISR,
    NOP,
    NOT_X,
    NOT_Y,
    NULL,
    OSR,
    PADOE,
    PADOUT,
    PIN,
    PINDIRS,
    PINS,
    TXF0,
    X_DEC,
    X_NE_Y,
    Y_DEC,
    PioBench,
    X,
    Y,
    in_,
    jmp,
    mov,
    out,
    pull,
    push,
    set_,
    wait,
)  # fmt: skip

LENGTH = 8
CYCLES = 120
WORDS = st.one_of(st.integers(0, 40), st.integers(0, 0xFFFFFFFF), st.just(0xFFFFFFFF))


@dataclass(frozen=True)
class Case:
    program: list[int]
    words: list[int]
    x: int
    y: int
    pins: list[int]
    side: tuple[int, int]
    out_pins: tuple[int, int]
    set_pins: tuple[int, int]
    jmp_pin: int
    in_right: bool
    out_right: bool
    autopush: int
    autopull: int
    reads: bool
    wrap_bottom: int


def instructions(auto: bool, reads: bool) -> st.SearchStrategy[int]:
    """The package has one word for what a pin shows and what is put out: a program reads pins, or writes to them."""
    target = st.integers(0, LENGTH - 1)
    bits = st.integers(1, 32)
    sources = st.sampled_from([X, Y, NULL, ISR, OSR] + [PINS] * reads)
    outputs = [] if reads else [PINS, PINDIRS]
    plain = [
        st.builds(jmp, target, st.sampled_from([ALWAYS, NOT_X, X_DEC, NOT_Y, Y_DEC, X_NE_Y] + [PIN] * reads)),
        st.builds(in_, sources, bits),
        st.builds(out, st.sampled_from([X, Y, NULL, ISR, *outputs]), bits),
        st.builds(mov, st.sampled_from([X, Y, ISR, OSR]), sources, st.sampled_from([0, 1])),
        st.builds(set_, st.sampled_from([X, Y, *outputs]), st.integers(0, 31)),
        st.just(NOP),
    ]
    if reads:
        plain.append(st.builds(wait, st.integers(0, 1), st.just(GPIO), st.integers(0, 29)))
    if not auto:  # with autopull, PULL is a fence for us and not for the package
        plain += [st.builds(push, block=st.booleans()), st.builds(pull, block=st.booleans())]
    return st.one_of(plain)


@st.composite
def ranges(draw: st.DrawFn, most: int) -> tuple[int, int]:
    """First pin and number of pins; for the package they do not go on at 0 after GPIO31."""
    count = draw(st.integers(0, most))
    return draw(st.integers(0, min(29, 32 - count))), count


@st.composite
def cases(draw: st.DrawFn) -> Case:
    autopush, autopull = draw(st.sampled_from([(0, 0), (1, 0), (0, 1), (1, 1)]))
    threshold = draw(st.integers(1, 32))
    reads = draw(st.booleans())
    side = draw(ranges(0 if reads else 5))
    program = [
        instruction | draw(st.integers(0, 31)) << 8
        for instruction in draw(
            st.lists(instructions(bool(autopush or autopull), reads), min_size=LENGTH, max_size=LENGTH)
        )
    ]
    return Case(
        program=program,
        words=draw(st.lists(WORDS, max_size=4)),
        x=draw(WORDS),
        y=draw(WORDS),
        pins=draw(st.lists(st.integers(0, 0x3FFFFFFF), min_size=1, max_size=6)),
        side=side,
        out_pins=draw(ranges(32)),
        set_pins=draw(ranges(5)),
        jmp_pin=draw(st.integers(0, 29)),
        in_right=draw(st.booleans()),
        out_right=draw(st.booleans()),
        autopush=threshold if autopush else 0,
        autopull=threshold if autopull else 0,
        reads=reads,
        wrap_bottom=draw(st.integers(0, LENGTH - 1)),
    )


def pads(case: Case, cycle: int) -> int:
    """Levels from outside: another one each 20 cycles."""
    return case.pins[cycle // 20 % len(case.pins)]


def ours(case: Case) -> PioBench:
    bench = PioBench()
    bench.configure(
        wrap=(case.wrap_bottom, LENGTH - 1),
        out_pins=case.out_pins,
        set_pins=case.set_pins,
        side=case.side,
        jmp_pin=case.jmp_pin,
        in_right=case.in_right,
        out_right=case.out_right,
    )
    bench.load(case.program)
    for word, register in ((case.x, X), (case.y, Y)):
        bench.write(TXF0, word)
        bench.execute(pull())
        bench.execute(out(register, 32))
    bench.configure(
        wrap=(case.wrap_bottom, LENGTH - 1),
        out_pins=case.out_pins,
        set_pins=case.set_pins,
        side=case.side,
        jmp_pin=case.jmp_pin,
        in_right=case.in_right,
        out_right=case.out_right,
        autopush=case.autopush,
        autopull=case.autopull,
    )
    bench.execute(mov(OSR, X))  # full: the package fetches the first word at an OUT only
    for word in case.words:
        bench.write(TXF0, word)
    bench.write(0x38, 0xFFFFFFFF)  # the package has no synchronisers
    bench.drive(0x3FFFFFFF, pads(case, 0))
    bench.start()
    return bench


@pytest.mark.row("P8.independent")
@settings(max_examples=150)
@given(cases())
def test_the_same_as_the_package(case: Case) -> None:
    bench = ours(case)

    def source(clock: int) -> int:
        return pads(case, clock)

    source.__annotations__["clock"] = int  # the package looks at the type, not at its name
    oracle = pioemu.emulate(
        case.program,
        stop_when=lambda _, state: state.clock >= CYCLES,
        initial_state=pioemu.State(
            x_register=case.x,
            y_register=case.y,
            transmit_fifo=deque(case.words),
            output_shift_register=pioemu.ShiftRegister(case.x, 0),
        ),
        input_source=source if case.reads else None,
        auto_push=bool(case.autopush),
        auto_pull=bool(case.autopull),
        push_threshold=case.autopush or 32,
        pull_threshold=case.autopull or 32,
        shift_isr_right=case.in_right,
        shift_osr_right=case.out_right,
        out_base=case.out_pins[0],
        out_count=case.out_pins[1],
        set_base=case.set_pins[0],
        set_count=case.set_pins[1],
        side_set_base=case.side[0],
        side_set_count=case.side[1],
        jmp_pin=case.jmp_pin,
        wrap_target=case.wrap_bottom,
        wrap_top=LENGTH - 1,
    )
    now = 0
    for before, after in oracle:
        if case.autopush and len(before.receive_fifo) == 4:
            break  # the package lets an IN pass that has to push into a full FIFO, and stalls at the next one
        while now < after.clock:
            bench.drive(0x3FFFFFFF, pads(case, now))
            bench.run(1)
            now += 1
        state = bench.state()
        assert (state.pc, state.x, state.y) == (after.program_counter, after.x_register, after.y_register)
        assert state.isr == after.input_shift_register.contents
        assert state.isr_count == after.input_shift_register.counter
        assert state.osr == after.output_shift_register.contents
        assert state.osr_count == after.output_shift_register.counter
        assert bench.read(FLEVEL) == len(after.transmit_fifo) | len(after.receive_fifo) << 4
        if not case.reads:
            assert bench.read(PADOUT) == after.pin_values & 0x3FFFFFFF
            assert bench.read(PADOE) == after.pin_directions & 0x3FFFFFFF
