"""The calendar and its alarm (RP2040 datasheet, 4.8)."""

from __future__ import annotations

import pytest

from tests.unit.rp2040.chip_bench import CLOCKS, Bench, Registers

RTC = 0x4005_C000
CLKDIV_M1, SETUP_0, SETUP_1, CTRL, IRQ_SETUP_0, IRQ_SETUP_1, RTC_1, RTC_0, INTR, INTE, INTF, INTS = range(0, 0x30, 4)
ENABLE, ACTIVE, LOAD, FORCE_NOTLEAPYEAR = 1, 2, 1 << 4, 1 << 8
MATCH_ENA, SEC_ENA, MIN_ENA, DAY_ENA = 1 << 28, 1 << 28, 1 << 29, 1 << 24
Moment = tuple[int, int, int, int, int, int, int]


class Rtc(Registers):
    def __init__(self) -> None:
        super().__init__(Bench(), RTC)
        self[CLKDIV_M1] = 46_874

    def set(self, moment: Moment, flags: int = 0) -> None:
        year, month, day, weekday, hour, minute, second = moment
        self[CTRL] = flags
        self[SETUP_0] = year << 12 | month << 8 | day
        self[SETUP_1] = weekday << 24 | hour << 16 | minute << 8 | second
        self[CTRL] = flags | LOAD
        self[CTRL] = flags | ENABLE

    @property
    def moment(self) -> Moment:
        time, date = self[RTC_0], self[RTC_1]
        return (
            date >> 12, date >> 8 & 0xF, date & 0x1F, time >> 24, time >> 16 & 0x1F, time >> 8 & 0x3F, time & 0x3F,
        )  # fmt: skip


@pytest.fixture
def rtc() -> Rtc:
    return Rtc()


def test_it_counts_seconds(rtc: Rtc) -> None:
    rtc.set((2026, 11, 27, 5, 3, 4, 5))
    assert rtc[CTRL] == ENABLE | ACTIVE
    assert rtc.moment == (2026, 11, 27, 5, 3, 4, 5)
    rtc.bench.run(0.9999)
    assert rtc.moment[-1] == 5
    rtc.bench.run(0.0002)
    assert rtc.moment[-1] == 6
    rtc.bench.run(120)
    assert rtc.moment == (2026, 11, 27, 5, 3, 6, 6)


@pytest.mark.parametrize(
    ("before", "flags", "after"),
    [
        ((2026, 12, 31, 4, 23, 59, 59), 0, (2027, 1, 1, 5, 0, 0, 0)),
        ((2024, 2, 28, 3, 23, 59, 59), 0, (2024, 2, 29, 4, 0, 0, 0)),
        ((2024, 2, 28, 3, 23, 59, 59), FORCE_NOTLEAPYEAR, (2024, 3, 1, 4, 0, 0, 0)),
        ((2023, 2, 28, 2, 23, 59, 59), 0, (2023, 3, 1, 3, 0, 0, 0)),
        ((2026, 4, 30, 6, 23, 59, 59), 0, (2026, 5, 1, 0, 0, 0, 0)),
        ((2026, 7, 31, 5, 23, 59, 59), 0, (2026, 8, 1, 6, 0, 0, 0)),
        ((2026, 7, 30, 4, 9, 59, 59), 0, (2026, 7, 30, 4, 10, 0, 0)),
    ],
)
def test_it_carries(rtc: Rtc, before: Moment, flags: int, after: Moment) -> None:
    rtc.set(before, flags)
    rtc.bench.run(1.00001)
    assert rtc.moment == after


def test_the_date_is_that_of_the_last_time_read(rtc: Rtc) -> None:
    rtc.set((2026, 12, 31, 4, 23, 59, 59))
    assert rtc[RTC_0] & 0x3F == 59
    rtc.bench.run(1.00001)
    assert rtc[RTC_1] >> 12 == 2026
    rtc[RTC_0]
    assert rtc[RTC_1] >> 12 == 2027


def test_stopped_it_stands_still(rtc: Rtc) -> None:
    rtc.set((2026, 11, 27, 5, 3, 4, 5))
    rtc[CTRL] = 0
    rtc.bench.run(5)
    assert rtc.moment[-1] == 5
    assert rtc[CTRL] == 0


def test_without_clk_rtc_it_stands_still(rtc: Rtc) -> None:
    rtc.set((2026, 11, 27, 5, 3, 4, 5))
    rtc.bench[CLOCKS + 0x6C] = 0
    rtc.bench.run(5)
    assert rtc.moment[-1] == 5
    rtc.bench[CLOCKS + 0x6C] = 1 << 11
    rtc.bench.run(1.1)
    assert rtc.moment[-1] == 6


def test_an_alarm_each_time_it_matches(rtc: Rtc) -> None:
    rtc.set((2026, 11, 27, 5, 3, 4, 58))
    rtc[INTE] = 1
    rtc[IRQ_SETUP_1] = SEC_ENA | 0
    rtc[IRQ_SETUP_0] = MATCH_ENA
    assert rtc[IRQ_SETUP_0] == MATCH_ENA | 1 << 29, "MATCH_ACTIVE"
    rtc.bench.run(1.1)
    assert not rtc[INTS]
    rtc.bench.run(1)
    assert rtc[INTS] == rtc[INTR] == 1
    assert rtc.bench.chip.rtc.irq.level
    rtc.bench.run(1)
    assert not rtc[INTS], "as long as it matches"
    assert not rtc.bench.chip.rtc.irq.level
    rtc.bench.run(59)
    assert rtc[INTS]
    rtc[IRQ_SETUP_0] = 0
    assert not rtc[INTS]


def test_all_enabled_fields_have_to_match(rtc: Rtc) -> None:
    rtc.set((2026, 11, 27, 5, 3, 4, 59))
    rtc[INTE] = 1
    rtc[IRQ_SETUP_1] = SEC_ENA | MIN_ENA | 5 << 8
    rtc[IRQ_SETUP_0] = MATCH_ENA | DAY_ENA | 28
    rtc.bench.run(1.1)
    assert not rtc[INTS]
    rtc[IRQ_SETUP_0] = MATCH_ENA | DAY_ENA | 27
    assert rtc[INTS]


def test_its_interrupt_can_be_forced(rtc: Rtc) -> None:
    rtc[INTF] = 1
    assert rtc[INTS] == 1
    assert rtc.bench.chip.rtc.irq.level
