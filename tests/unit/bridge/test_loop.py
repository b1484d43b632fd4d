"""Real time with a clock in the test's hand."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing

import pytest

from renode_pico.bridge.loop import BATCH, LAG_LIMIT, PATIENCE, READ, Loop, Pace, Patience
from renode_pico.bridge.server import SpeedReport


class CountingEngine:
    """Emulated time passes as far as it is let."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asleep = False

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        self.now += timeout
        return condition()


class Wall:
    """A wall clock that stands still between two looks but for `step`."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 100.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_emulated_time_keeps_up_with_real_time() -> None:
    pace = Pace(1.0)
    assert pace.allowed(100.0, 3.0) == 0
    assert pace.allowed(100.05, 3.0) == pytest.approx(0.05)
    assert pace.allowed(100.05, 3.05) == pytest.approx(0)
    assert pace.allowed(100.05, 3.25) == pytest.approx(-0.2)


@pytest.mark.parametrize("speed", [0.25, 4.0])
def test_speed_is_a_factor(speed: float) -> None:
    pace = Pace(speed)
    pace.allowed(0.0, 0.0)
    assert pace.allowed(0.02, 0.0) == pytest.approx(0.02 * speed)


def test_a_lag_is_given_up_not_caught_up() -> None:
    pace = Pace(1.0)
    pace.allowed(0.0, 0.0)
    assert pace.allowed(LAG_LIMIT * 50, 0.0) == LAG_LIMIT
    assert pace.allowed(LAG_LIMIT * 50, LAG_LIMIT) == pytest.approx(0.0)


def test_as_fast_as_it_can() -> None:
    pace = Pace(0)
    assert pace.allowed(0.0, 0.0) == pace.allowed(0.0, 1000.0) == LAG_LIMIT


def test_an_idle_board_runs_in_real_time() -> None:
    engine = CountingEngine()
    wall = Wall(step=0.0005)
    loop = Loop(engine, wall=wall)
    begin = wall.now
    for _ in range(200):
        loop.turn()
    assert engine.now == pytest.approx(wall.now - begin, abs=2 * BATCH)
    loop.close()


def test_an_engine_stops_for_what_comes_from_outside() -> None:
    loop = Loop(CountingEngine(), speed=0)
    near, far = socket.socketpair()
    seen: list[bytes] = []
    loop.watch(near, READ, lambda events: seen.append(near.recv(10)))
    assert not loop._wanted_outside()
    far.sendall(b"hello")
    assert loop._wanted_outside()
    loop.turn()
    assert seen == [b"hello"]
    assert not loop._wanted_outside()
    loop.close()
    near.close()
    far.close()


def test_an_engine_stops_for_what_it_has_to_tell() -> None:
    loop = Loop(CountingEngine(), speed=0)
    loop.nudge()
    assert loop._wanted_outside()
    loop.close()


def test_a_client_that_has_just_been_answered_gets_a_moment() -> None:
    engine, wall = CountingEngine(), Wall()
    loop = Loop(engine, speed=0, wall=wall)
    loop.expect_request()
    loop.turn()
    assert engine.now == 0
    wall.now += 1
    loop.turn()
    assert engine.now == LAG_LIMIT
    loop.close()


def answer_awaited(loop: Loop, engine: CountingEngine, wall: Wall) -> bool:
    """Whether the board stands still after a word that it has passed on, and for how long nobody answers it."""
    loop.passed_on()
    loop.turn()
    before = engine.now
    loop.turn()
    stood = engine.now == before
    wall.now += PATIENCE
    return stood


def test_a_board_that_sleeps_waits_for_the_answer_to_its_last_word() -> None:
    engine, wall = CountingEngine(), Wall()
    with closing(Loop(engine, speed=0, wall=wall)) as loop:
        assert not answer_awaited(loop, engine, wall), "it has something to do"
        engine.asleep = True
        assert answer_awaited(loop, engine, wall)
        before = engine.now
        loop.turn()
        assert engine.now > before, "nobody has answered: it goes on"
        loop.turn()
        assert engine.now > before + LAG_LIMIT, "and does not wait again"


def test_a_board_with_a_pace_does_not_wait() -> None:
    engine, wall = CountingEngine(), Wall(step=0.001)
    engine.asleep = True
    with closing(Loop(engine, speed=1, wall=wall)) as loop:
        loop.turn()
        assert not answer_awaited(loop, engine, wall)


def test_where_nobody_answers_it_waits_ever_more_seldom() -> None:
    patience = Patience()
    waits = []
    for word in range(200):
        if patience.worth_waiting():
            waits.append(word)
            patience.waited(False)
    assert waits == [0, 2, 6, 14, 30, 62, 126, 191]
    patience.waited(True)
    assert patience.worth_waiting()


def test_hooks_run_after_the_engine_and_stop_ends_it() -> None:
    engine = CountingEngine()
    loop = Loop(engine, speed=0)
    seen: list[float] = []

    def look() -> None:
        seen.append(engine.now)
        if len(seen) == 3:
            loop.stop()

    loop.hooks.append(look)
    loop.run()
    assert seen == [pytest.approx(LAG_LIMIT * number) for number in (1, 2, 3)]
    loop.close()


def speed_report(seconds: list[tuple[float, float]], speed: float = 1.0) -> list[str]:
    """What is reported over intervals of so many real and emulated seconds."""
    engine, wall, lines = CountingEngine(), Wall(), list[str]()
    with closing(Loop(engine, speed=speed, wall=wall)) as loop:
        report = SpeedReport(loop, speed, lines.append)
        for real, emulated in seconds:
            wall.now += real
            engine.now += emulated
            report.look()
    return lines


def test_a_slow_engine_is_told_once_and_when_it_is_over() -> None:
    lines = speed_report([(2.0, 2.0), (2.0, 0.08), (2.0, 0.09), (2.0, 0.07), (2.0, 2.0), (2.0, 2.0)])
    assert lines == ["busy: 4 % of real time", "busy: no more, 1 × real time again"]


def test_a_speed_that_changes_much_is_told_again() -> None:
    assert speed_report([(2.0, 0.08), (2.0, 0.8)]) == ["busy: 4 % of real time", "busy: 40 % of real time"]


def test_half_speed_that_was_asked_for_is_not_busy() -> None:
    assert speed_report([(2.0, 1.0)], speed=0.5) == []
    assert speed_report([(2.0, 0.1)], speed=0.0) == []
