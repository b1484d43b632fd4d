"""PIO run in one go is PIO run cycle by cycle: what is skipped, foreseen or grouped makes no difference.

The cycle-by-cycle run never skips anything, for somebody looks after each cycle. It is compared with runs that are
looked at only where something happens to them, with and without somebody who watches the pins.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.pio_bench import (
    BYPASS,
    CTRL,
    FDEBUG,
    FLEVEL,
    IRQ,
    IRQ0_INTE,
    PADOE,
    PADOUT,
    PINDIRS,
    RXF0,
    TXF0,
    PioBench,
    X,
    Y,
    in_,
    irq,
    jmp,
    mov,
    out,
    pull,
    push,
    set_,
    wait,
)  # fmt: skip

PLACES = 10


@dataclass(frozen=True)
class Machine:
    start: int
    divider: float
    wrap: tuple[int, int]
    out_pins: tuple[int, int]
    set_pins: tuple[int, int]
    side: tuple[int, int]
    in_base: int
    jmp_pin: int
    autopush: int
    autopull: int
    join_tx: bool
    sticky: bool
    x: int


@dataclass(frozen=True)
class Deed:
    after: int
    what: str
    machine: int
    value: int


@dataclass(frozen=True)
class Story:
    program: list[int]
    machines: list[Machine]
    deeds: list[Deed]
    selected: int
    bypass: int
    last: int


@dataclass
class Seen:
    states: list[object] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)


PLACE = st.integers(0, PLACES - 1)
BITS = st.integers(1, 32)
FIELD = st.integers(0, 7)
PIN = st.integers(0, 9)
OUT_TO = st.integers(0, 6)  # OUT PC and MOV PC lead anywhere in the memory; EXEC has a test of its own
GOES_ON = st.one_of(
    st.builds(jmp, PLACE, st.sampled_from([2, 2, 4, 4, 0, 1, 3, 5, 6, 7])),
    st.builds(set_, st.sampled_from([0, 0, X, Y]), st.integers(0, 31)),
    st.builds(mov, st.sampled_from([0, 1, 2, 6, 7]), FIELD, st.integers(0, 2)),
    st.builds(in_, FIELD, BITS),
    st.builds(push, iffull=st.booleans(), block=st.just(False)),
)
MAY_STALL = st.one_of(
    st.builds(wait, st.integers(0, 1), st.integers(0, 2), PIN),
    st.builds(out, OUT_TO, BITS),
    st.builds(push, iffull=st.booleans(), block=st.booleans()),
    st.builds(pull, ifempty=st.booleans(), block=st.booleans()),
    st.builds(mov, st.sampled_from([3, 5]), FIELD, st.integers(0, 2)),
    st.builds(irq, st.integers(0, 7), clear=st.booleans(), wait=st.booleans(), rel=st.booleans()),
    st.builds(set_, st.just(PINDIRS), st.integers(0, 31)),
)
INSTRUCTION = st.one_of(GOES_ON, GOES_ON, GOES_ON, GOES_ON, MAY_STALL)
PROGRAM = st.lists(
    st.builds(lambda op, extra: op | extra << 8, INSTRUCTION, st.one_of(st.just(0), st.integers(0, 31))),
    min_size=PLACES,
    max_size=PLACES,
)
RANGE = st.tuples(PIN, st.integers(0, 3))
THRESHOLD = st.one_of(st.just(0), st.just(0), st.just(0), st.integers(1, 32))
MACHINE = st.builds(
    Machine,
    start=PLACE,
    divider=st.sampled_from([1, 1, 1, 1.5, 2, 3.25, 17, 100.0625]),
    wrap=st.tuples(PLACE, PLACE),
    out_pins=RANGE,
    set_pins=RANGE,
    side=RANGE,
    in_base=PIN,
    jmp_pin=PIN,
    autopush=THRESHOLD,
    autopull=THRESHOLD,
    join_tx=st.booleans(),
    sticky=st.sampled_from([False, False, False, True]),
    x=st.sampled_from([0, 5, 100, 1000, 0xFFFFFFFF]),
)
DEED = st.builds(
    Deed,
    after=st.one_of(st.integers(1, 5), st.integers(1, 300)),
    what=st.sampled_from(["put", "get", "pins", "irq", "force", "restart", "enable", "instr"]),
    machine=st.integers(0, 3),
    value=st.integers(0, 0x3FF),
)
STORY = st.builds(
    Story,
    program=PROGRAM,
    machines=st.lists(MACHINE, min_size=1, max_size=4),
    deeds=st.lists(DEED, max_size=6),
    selected=st.integers(0, 0x3FF),
    bypass=st.sampled_from([0, 0, 0x3FF]),
    last=st.integers(1, 2500),
)


def prepare(story: Story, bench: PioBench) -> PioBench:
    bench.write(BYPASS, story.bypass)
    for pin in range(10):
        if story.selected >> pin & 1:
            bench.select(pin)
    bench.load(story.program)
    for number, machine in enumerate(story.machines):
        bench.configure(number)
        bench.write(TXF0 + 4 * number, machine.x)
        bench.execute(pull(), number)
        bench.execute(mov(X, 7), number)
        bench.execute(jmp(machine.start), number)
        bench.configure(number, set_pins=(5 * (number % 2), 5))
        bench.execute(set_(PINDIRS, 31), number)
        bench.configure(
            number,
            divider=machine.divider,
            wrap=machine.wrap,
            out_pins=machine.out_pins,
            set_pins=machine.set_pins,
            side=machine.side,
            in_base=machine.in_base,
            jmp_pin=machine.jmp_pin,
            autopush=machine.autopush,
            autopull=machine.autopull,
            join_tx=machine.join_tx,
            sticky=machine.sticky,
        )
    bench.start((1 << len(story.machines)) - 1)
    return bench


def do(bench: PioBench, deed: Deed) -> None:
    match deed.what:
        case "put":
            bench.write(TXF0 + 4 * deed.machine, deed.value * 0x400801)
        case "get":
            bench.read(RXF0 + 4 * deed.machine)
        case "pins":
            bench.drive(0x3FF, deed.value)
        case "irq":
            bench.write(IRQ, deed.value & 0xFF)
        case "force":
            bench.write(0x34, deed.value & 0xFF)
        case "restart":
            bench.write(CTRL, bench.read(CTRL) | (deed.value & 0xFF) << 4)
        case "enable":
            bench.write(CTRL, deed.value & 0xF)
        case "instr":
            bench.write(bench.sm(deed.machine, 0xD8), jmp(deed.value % PLACES))


def look(bench: PioBench) -> object:
    """Everything that can be known; the pads first, for looking at anything brings all up to date."""
    registers = (bench.pads(), *(bench.read(offset) for offset in (PADOUT, PADOE, IRQ, FDEBUG, FLEVEL)))
    return registers, [bench.state(number) for number in range(4)]


def tell(story: Story, *, step_by_step: bool, watch: bool, bench: PioBench | None = None) -> Seen:
    bench, seen = prepare(story, bench or PioBench()), Seen()
    start, before = bench.machine.cycles, bench.pads()

    def changed(_changed: int, levels: int) -> None:
        seen.edges.append((bench.machine.cycles - start, levels & 0x3FF))

    if watch:
        bench.machine.pins_changed = changed
        bench.machine.watch(0x3FF)
        bench.write(IRQ0_INTE, 0xFFF)
    for deed in [*story.deeds, Deed(story.last, "", 0, 0)]:
        for _ in range(deed.after if step_by_step else 1):
            bench.run(1 if step_by_step else deed.after)
            if step_by_step and bench.pads() != before:
                before = bench.pads()
                seen.edges.append((bench.machine.cycles - start, before & 0x3FF))
        seen.states.append(look(bench))
        do(bench, deed)
        if step_by_step and bench.pads() != before:
            before = bench.pads()
            seen.edges.append((bench.machine.cycles - start, before & 0x3FF))
    return seen


@settings(max_examples=150)
@given(STORY)
def test_all_at_once_is_one_by_one(story: Story) -> None:
    slowly = tell(story, step_by_step=True, watch=False)
    assert tell(story, step_by_step=False, watch=False).states == slowly.states
    watched = tell(story, step_by_step=False, watch=True)
    assert watched.states == slowly.states
    assert watched.edges == slowly.edges
