"""PWM of the embedded engine (RP2040 datasheet, 4.5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renode_pico.core.machine import FUNC_PWM, Machine
from tests.unit.core.pio_bench import CLEAR, IO_BANK0, PWM_BASE, SET

CSR, DIV, CTR, CC, TOP = range(0, 20, 4)
EN, INTR, INTE, INTF, INTS = range(0xA0, 0xB4, 4)
PH_CORRECT, A_INV, B_INV, LEVEL, RISE, FALL, PH_RET, PH_ADV = (
    1 << 1,
    1 << 2,
    1 << 3,
    1 << 4,
    2 << 4,
    3 << 4,
    1 << 6,
    1 << 7,
)


class Pwm:
    def __init__(self) -> None:
        self.machine = Machine()

    def read(self, offset: int) -> int:
        value = self.machine.bus_read(PWM_BASE + offset)
        assert value is not None
        return value

    def write(self, offset: int, value: int) -> None:
        assert self.machine.bus_write(PWM_BASE + offset, value)

    def run(self, cycles: int) -> None:
        self.machine.run(self.machine.cycles + cycles)

    def slice(self, number: int, register: int) -> int:
        return 20 * number + register

    def configure(self, number: int, *, top: int, cc: int = 0, div: int = 16, csr: int = 0) -> None:
        for register, value in ((TOP, top), (CC, cc), (DIV, div), (CSR, csr)):
            self.write(self.slice(number, register), value)

    def select(self, *pins: int) -> None:
        for pin in pins:
            self.machine.bus_write(IO_BANK0 + 8 * pin + 4, FUNC_PWM)

    def pads(self) -> int:
        return self.machine.pin_levels()

    def levels(self, pin: int, cycles: int) -> str:
        """Cycle by cycle."""
        seen = ""
        for _ in range(cycles):
            seen += str(self.pads() >> pin & 1)
            self.run(1)
        return seen


@pytest.fixture
def pwm() -> Pwm:
    return Pwm()


def test_reset_values(pwm: Pwm) -> None:
    for number in range(8):
        assert [pwm.read(pwm.slice(number, register)) for register in (CSR, DIV, CTR, CC, TOP)] == [0, 16, 0, 0, 0xFFFF]
    assert [pwm.read(register) for register in (EN, INTR, INTE, INTF, INTS)] == [0] * 5


def test_the_counter_wraps_after_top(pwm: Pwm) -> None:
    pwm.configure(2, top=4)
    pwm.write(EN, 1 << 2)
    seen = []
    for _ in range(11):
        seen.append(pwm.read(pwm.slice(2, CTR)))
        pwm.run(1)
    assert seen == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]


def test_phase_correct_counts_up_and_down(pwm: Pwm) -> None:
    pwm.configure(0, top=3, cc=2, csr=PH_CORRECT | 1)
    seen = []
    pwm.select(0)
    for _ in range(16):
        seen.append((pwm.read(CTR), pwm.pads() & 1))
        pwm.run(1)
    assert [counter for counter, _ in seen] == [0, 1, 2, 3, 3, 2, 1, 0] * 2
    assert [level for _, level in seen] == [1, 1, 0, 0, 0, 0, 1, 1] * 2


@pytest.mark.parametrize(("compare", "levels"), [(0, "0000"), (1, "1000"), (3, "1110"), (4, "1111"), (9, "1111")])
def test_duty_is_exact_from_0_to_100_percent(pwm: Pwm, compare: int, levels: str) -> None:
    pwm.configure(1, top=3, cc=compare << 16 | compare)
    pwm.select(2, 3)
    pwm.write(EN, 2)
    assert pwm.levels(2, 12) == levels * 3
    assert pwm.levels(3, 12) == levels * 3


def test_outputs_may_be_inverted_and_appear_on_both_pins(pwm: Pwm) -> None:
    pwm.configure(3, top=3, cc=3 << 16 | 1, csr=A_INV | B_INV | 1)
    pwm.select(6, 22, 7, 23)
    pwm.run(400)
    assert [pwm.levels(pin, 4) for pin in (6, 22, 7, 23)] == ["0111", "0111", "0001", "0001"]


@pytest.mark.parametrize("div", [16, 17, 24, 40, 255, 1000, 4095])
def test_dividers_are_exact_on_average(pwm: Pwm, div: int) -> None:
    pwm.configure(0, top=0xFFFF, div=div, csr=1)
    for cycles in (1, 7, 100, 3333, 10000):
        before = pwm.machine.cycles
        pwm.run(cycles)
        assert pwm.machine.cycles - before == cycles
    total = 1 + 7 + 100 + 3333 + 10000
    assert pwm.read(CTR) == total * 16 // div


def test_divider_0_is_256(pwm: Pwm) -> None:
    pwm.configure(0, top=0xFFFF, div=0, csr=1)
    pwm.run(256 * 3)
    assert pwm.read(CTR) == 3


def test_compare_and_top_are_taken_over_at_the_wrap(pwm: Pwm) -> None:
    pwm.configure(0, top=3, cc=1, csr=1)
    pwm.select(0)
    pwm.run(1)
    pwm.write(CC, 2)
    pwm.write(TOP, 5)
    assert (pwm.read(CC), pwm.read(TOP)) == (2, 5)
    assert pwm.levels(0, 3 + 6 + 6) == "000" + "110000" * 2


def test_they_are_taken_over_at_once_while_the_slice_stands(pwm: Pwm) -> None:
    pwm.configure(0, top=1, cc=1)
    pwm.select(0)
    assert pwm.pads() & 1
    pwm.write(CC, 0)
    assert not pwm.pads() & 1


def test_en_is_csr_en_of_all_slices_at_once(pwm: Pwm) -> None:
    for number in (0, 7):
        pwm.configure(number, top=99)
    pwm.write(EN, 0x81)
    pwm.run(50)
    assert pwm.read(pwm.slice(0, CTR)) == pwm.read(pwm.slice(7, CTR)) == 50
    assert pwm.read(pwm.slice(7, CSR)) == 1
    pwm.write(pwm.slice(7, CSR) | CLEAR, 1)
    assert pwm.read(EN) == 1
    pwm.write(EN | SET, 2)
    assert pwm.read(EN) == 3
    pwm.run(10)
    assert pwm.read(pwm.slice(7, CTR)) == 50


def test_phase_may_be_advanced_and_retarded(pwm: Pwm) -> None:
    pwm.configure(0, top=999, div=16 * 10, csr=1)
    pwm.run(100)
    pwm.write(CSR, 1 | PH_ADV)
    assert (pwm.read(CTR), pwm.read(CSR)) == (11, 1)
    pwm.write(CSR, 1 | PH_RET)
    pwm.write(CSR, 1 | PH_RET)
    assert pwm.read(CSR) == 1
    pwm.run(100)
    assert pwm.read(CTR) == 11 + 10 - 2


def test_wrap_interrupts(pwm: Pwm) -> None:
    pwm.configure(0, top=9, csr=1)
    pwm.configure(5, top=19, csr=1)
    pwm.write(INTE, 1 << 5)
    pwm.run(12)
    assert (pwm.read(INTR), pwm.read(INTS)) == (1, 0)
    pwm.run(20)
    assert (pwm.read(INTR), pwm.read(INTS)) == (0x21, 0x20)
    pwm.write(INTR, 0x21)
    assert pwm.read(INTR) == 0
    pwm.write(INTF, 0x80)
    assert pwm.read(INTS) == 0x80


# B as an input


def edges(pwm: Pwm, pin: int, number: int) -> None:
    for _ in range(number):
        for level in (1, 0):
            pwm.machine.set_external(1 << pin, level << pin, 1 << pin)
            pwm.run(10)


@pytest.mark.parametrize(("mode", "counts"), [(RISE, 5), (FALL, 5)])
@pytest.mark.parametrize("pin", [3, 19])
def test_edges_of_b_are_counted(pwm: Pwm, mode: int, counts: int, pin: int) -> None:
    pwm.configure(1, top=999, csr=mode | 1)
    pwm.select(pin)
    edges(pwm, pin, 5)
    assert pwm.read(pwm.slice(1, CTR)) == counts
    pwm.machine.set_external(1 << pin, 1 << pin, 1 << pin)
    assert pwm.read(pwm.slice(1, CTR)) == counts + (mode == RISE)


def test_edges_go_through_the_divider(pwm: Pwm) -> None:
    pwm.configure(1, top=999, csr=RISE | 1, div=16 * 2)
    pwm.select(3)
    edges(pwm, 3, 7)
    assert pwm.read(pwm.slice(1, CTR)) == 3


def test_the_time_that_b_is_high_is_counted(pwm: Pwm) -> None:
    pwm.configure(1, top=0xFFFF, csr=LEVEL | 1)
    pwm.select(3)
    pwm.run(100)
    edges(pwm, 3, 7)
    assert pwm.read(pwm.slice(1, CTR)) == 70


def test_b_is_no_output_while_it_is_counted(pwm: Pwm) -> None:
    pwm.configure(1, top=3, cc=9 << 16, csr=1)
    pwm.select(3)
    assert pwm.pads() >> 3 & 1
    pwm.write(pwm.slice(1, CSR), 1 | RISE)
    assert not pwm.pads() >> 3 & 1


def test_a_slice_measures_the_duty_of_another_one(pwm: Pwm) -> None:
    """Slice 0 drives GPIO0; outside, a wire leads to GPIO3: B of slice 1."""
    pwm.configure(0, top=99, cc=37, csr=1)
    pwm.configure(1, top=0xFFFF, csr=LEVEL | 1)
    pwm.select(0, 3)
    pwm.machine.pins_changed = lambda _changed, levels: pwm.machine.set_external(8, (levels & 1) << 3, 8)
    pwm.machine.set_external(8, (pwm.pads() & 1) << 3, 8)
    pwm.machine.watch(1)
    pwm.run(100 * 50)
    assert pwm.read(pwm.slice(1, CTR)) == 37 * 50


def test_watched_outputs_change_in_their_cycle(pwm: Pwm) -> None:
    seen: list[tuple[int, int]] = []
    pwm.machine.pins_changed = lambda _changed, levels: seen.append((pwm.machine.cycles, levels & 1))
    pwm.select(0)
    pwm.machine.watch(1)
    pwm.configure(0, top=9, cc=3, div=16 * 5 // 2)
    pwm.write(EN, 1)
    pwm.run(60)
    assert seen == [(0, 1), (8, 0), (25, 1), (33, 0), (50, 1), (58, 0)]


def test_edges_nobody_watches_are_latched(pwm: Pwm) -> None:
    pwm.select(0)
    pwm.configure(0, top=9, cc=3, csr=1)
    pwm.run(1000)
    assert (pwm.machine.bus_read(IO_BANK0 + 0xF0) or 0) & 0xC == 0xC


@settings(max_examples=100)
@given(
    top=st.integers(0, 12),
    compare=st.integers(0, 14),
    div=st.sampled_from([16, 19, 40, 48]),
    correct=st.booleans(),
    steps=st.lists(st.integers(1, 40), max_size=12),
    later=st.tuples(st.integers(0, 12), st.integers(0, 14)),
)
def test_in_steps_is_cycle_by_cycle(
    top: int, compare: int, div: int, correct: bool, steps: list[int], later: tuple[int, int]
) -> None:
    seen = []
    for single in (False, True):
        pwm = Pwm()
        pwm.select(0)
        pwm.configure(0, top=top, cc=compare, div=div, csr=1 | PH_CORRECT * correct)
        states = []
        for number, step in enumerate(steps):
            for _ in range(step if single else 1):
                pwm.run(1 if single else step)
                if single:
                    pwm.read(CTR)
            states.append((pwm.read(CTR), pwm.pads() & 1, pwm.read(INTR)))
            if number == len(steps) // 2:
                pwm.write(TOP, later[0])
                pwm.write(CC, later[1])
        seen.append(states)
    assert seen[0] == seen[1]
