"""Where emulated time meets real time: one loop that alternates between the engine and everything outside.

Nothing else in the package reads the wall clock on behalf of a running board. Models, host and firmware only ever see
the engine's clock: how fast the outside is changes when its bytes arrive, and nothing else.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from typing import Any, Protocol

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

BATCH = 0.01
"""Emulated seconds let pass at once while nothing happens outside."""
RUN_LIMIT = 0.05
"""Real seconds after which a run is interrupted to look around; what comes over a socket interrupts it at once."""
LAG_LIMIT = 0.1
"""Emulated seconds by which a slow engine may trail real time before the rest is given up, not caught up."""
LEAD = 0.005
"""Emulated seconds by which the board may run ahead of real time for a client that has just asked for something."""
HURRY = 0.05
"""Real seconds for which a request is one that was just made."""
GRACE = 0.001
"""Real seconds the board waits for the next request of a client that has just been answered, before it runs on."""
QUIET = 0.0005
"""Emulated seconds for which a board has said nothing more before somebody may be about to answer it."""
PATIENCE = 0.01
"""Real seconds for which a board that sleeps, as fast as it could run, leaves the machine to who may answer it."""
SELDOM = 64
"""Where nobody answers, so many words of the board are passed on for each that is waited behind."""


class RunsInTime(Protocol):
    """The part of an engine that the loop drives; times are emulated seconds."""

    @property
    def now(self) -> float:
        """Emulated time since power-on."""

    @property
    def asleep(self) -> bool:
        """No core runs before something happens; False where that is not known."""

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Run until the condition holds; see `Engine.run_until`."""


class Pace:
    """How far the engine may run: `speed` emulated seconds for each real one, 0 for as fast as it can."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._wall = 0.0
        self._emulated = 0.0
        self._started = False

    def allowed(self, wall: float, emulated: float) -> float:
        """Return the emulated seconds that may pass now; negative when the board is ahead of real time."""
        if self.speed == 0:
            return LAG_LIMIT
        if not self._started:
            self._started = True
            self._wall, self._emulated = wall, emulated
        allowed = (wall - self._wall) * self.speed - (emulated - self._emulated)
        if allowed > LAG_LIMIT:
            self._wall, self._emulated = wall, emulated + LAG_LIMIT
            return LAG_LIMIT
        return allowed


class Patience:
    """Whether to wait for an answer: always while answers come, and ever more seldom while none does."""

    def __init__(self) -> None:
        self._passed_over = 0
        self._between = 0

    def worth_waiting(self) -> bool:
        """Somebody may answer now: whether to wait for it."""
        self._passed_over += 1
        return self._passed_over > self._between

    def waited(self, answered: bool) -> None:
        """How it ended."""
        self._passed_over = 0
        self._between = 0 if answered else min(SELDOM, 2 * self._between + 1)


class Loop:
    """Runs an engine and serves what is outside, in one thread. `wall`: a monotonic clock in seconds.

    `hooks` are called once a pass, after the engine has run.
    """

    def __init__(self, engine: RunsInTime, *, speed: float = 1.0, wall: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self.wall = wall
        self.hooks: list[Callable[[], None]] = []
        self.stopped = False
        self._pace = Pace(speed)
        self._selector = selectors.DefaultSelector()
        self._nudged = False
        self._grace = 0.0
        self._hurry = 0.0
        self._passed_on_at: float | None = None
        self._patience = Patience()
        self._is_patient = False
        self._limit = float("inf")

    # What is outside

    def watch(self, file: Any, events: int, callback: Callable[[int], None]) -> None:
        """Call back with READ, WRITE or both when a file can be read from or written to."""
        self._selector.register(file, events, callback)

    def change(self, file: Any, events: int, callback: Callable[[int], None]) -> None:
        """Watch for other events from now on; 0 for none."""
        known = file in self._selector.get_map()
        if events and known:
            self._selector.modify(file, events, callback)
        elif events:
            self._selector.register(file, events, callback)
        elif known:
            self._selector.unregister(file)

    def forget(self, file: Any) -> None:
        """Watch a file no longer."""
        if file in self._selector.get_map():
            self._selector.unregister(file)

    # What is inside

    def nudge(self) -> None:
        """Called from the engine's callbacks: there is something to pass on to the outside now."""
        self._nudged = True

    def passed_on(self) -> None:
        """As `nudge`, for what the board says to a client that may answer it."""
        self._nudged = True
        self._passed_on_at = self.engine.now

    def hurry(self) -> None:
        """A client has asked for something: it need not wait for the next batch."""
        self._hurry = self.wall() + HURRY

    def expect_request(self) -> None:
        """A client has got all it asked for: give it a moment to ask again before time runs on."""
        self._grace = self.wall() + GRACE

    # Running

    def run(self) -> None:
        """Serve until `stop()`."""
        while not self.stopped:
            self.turn()

    def stop(self) -> None:
        """End `run()` after the present pass; the engine stops within an emulated millisecond."""
        self.stopped = True
        self._nudged = True

    def turn(self) -> None:
        """Look outside, waiting until there is something to do; then let the engine run a little."""
        now = self.wall()
        waits_for_client = self._grace > now
        timeout = self._grace - now if waits_for_client else self._idle_time(now)
        found = self._selector.select(timeout)
        if self._is_patient:
            self._is_patient = False
            self._patience.waited(bool(found))
        for key, mask in found:
            self._grace = 0.0
            key.data(mask)
        now = self.wall()
        if not self.stopped and self._grace <= now:
            self._run_engine(now)
            if self._may_be_answered():
                self._passed_on_at = None
                self._is_patient = self._patience.worth_waiting()
                self._grace = self.wall() + PATIENCE if self._is_patient else 0.0
        for hook in self.hooks:
            hook()

    def close(self) -> None:
        """Give the selector back."""
        self._selector.close()

    def _allowed(self, now: float) -> float:
        lead = LEAD if self._hurry > now else 0.0
        return self._pace.allowed(now, self.engine.now) + lead

    def _idle_time(self, now: float) -> float:
        allowed = self._allowed(now)
        if self._pace.speed == 0 or allowed >= BATCH or (allowed > 0 and self._hurry > now):
            return 0.0
        wanted = min(BATCH, LEAD / 5) if self._hurry > now else BATCH
        return max(0.0, (wanted - allowed) / self._pace.speed)

    def _run_engine(self, now: float) -> None:
        allowed = self._allowed(now)
        if allowed <= 0:
            return
        self._nudged = False
        self._limit = now + RUN_LIMIT
        self.engine.run_until(self._wanted_outside, allowed)

    def _wanted_outside(self) -> bool:
        if self._nudged or self.wall() > self._limit or self._may_be_answered():
            return True
        return bool(self._selector.select(0))

    def _may_be_answered(self) -> bool:
        """The board has said something, and sleeps: what it does from here on may well be for nobody.

        A pace of its own gives the machine to others by itself; without one this process would run all the time, and on
        a busy machine the client would wait for its turn behind it.
        """
        said_at = self._passed_on_at
        if said_at is None or self._pace.speed or self.engine.now - said_at < QUIET:
            return False
        return self.engine.asleep
