"""A clock without an engine: time jumps from alarm to alarm."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from renode_pico.clock import NS_PER_MS


class FakeAlarm:
    def __init__(self, clock: FakeClock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self.callback = callback
        self.ticket = 0

    def schedule(self, delay_ns: int) -> None:
        assert isinstance(delay_ns, int)
        assert delay_ns >= 0
        self.ticket = self._clock.push(delay_ns, self)

    def schedule_at(self, at_ns: int) -> None:
        self.schedule(at_ns - self._clock.now_ns)

    def cancel(self) -> None:
        self.ticket = 0


class FakeClock:
    """Clock and Runner in one. `alarms` counts the callbacks that ran, to see that idle is cheap."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.alarms = 0
        self._events: list[tuple[int, int, FakeAlarm]] = []
        self._tickets = 0
        self._poked = False
        self._running = False

    def alarm(self, callback: Callable[[], None]) -> FakeAlarm:
        return FakeAlarm(self, callback)

    def push(self, delay_ns: int, alarm: FakeAlarm) -> int:
        self._tickets += 1
        heapq.heappush(self._events, (self.now_ns + delay_ns, self._tickets, alarm))
        return self._tickets

    def poke(self) -> None:
        self._poked = True

    def run_until(self, condition: Callable[[], bool], deadline_ns: int) -> bool:
        assert not self._running, "waiting inside an alarm callback"
        if condition():
            return True
        self._running = True
        try:
            return self._run(condition, deadline_ns)
        finally:
            self._running = False

    def _run(self, condition: Callable[[], bool], deadline_ns: int) -> bool:
        look_ns = self.now_ns + NS_PER_MS
        while self._events and self._events[0][0] <= deadline_ns:
            time_ns, ticket, alarm = heapq.heappop(self._events)
            if ticket != alarm.ticket:
                continue
            self.now_ns = time_ns
            self._poked = False
            alarm.ticket = 0
            self.alarms += 1
            alarm.callback()
            if self._poked or time_ns >= look_ns:
                look_ns = time_ns + NS_PER_MS
                if condition():
                    return True
        self.now_ns = max(self.now_ns, deadline_ns)
        return condition()
