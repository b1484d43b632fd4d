"""Emulated time of the embedded engine: alarms, and running up to an instant or a `poke`."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from renode_pico.clock import NS_PER_MS, Alarm
from renode_pico.core.machine import NEVER, Machine, Run

_ALARM, _DEADLINE, _STOPPED = Run.ALARM, Run.DEADLINE, Run.STOPPED
"""Members of an enumeration by names of their own: Python 3.11 takes five times as long to look one up in its class."""


class MachineClock:
    """`renode_pico.clock.Clock` on a machine.

    An alarm goes off at the first cycle of clk_sys that is not before its instant, between two instructions; alarms of
    one instant in the order in which they were armed.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._queue: list[tuple[int, int, MachineAlarm]] = []
        self._armed = 0
        self._told_ns = NEVER

    @property
    def now_ns(self) -> int:
        """Emulated nanoseconds since power-on."""
        return self.machine.now_ns

    def alarm(self, callback: Callable[[], None]) -> Alarm:
        """A new, unarmed alarm."""
        return MachineAlarm(self, callback)

    def arm(self, alarm: MachineAlarm, at_ns: int) -> None:
        """Put an alarm into the queue, in place of where it was."""
        self._armed += 1
        alarm.ticket = self._armed
        heapq.heappush(self._queue, (at_ns, self._armed, alarm))
        if at_ns < self._told_ns:
            self._told_ns = at_ns
            self.machine.alarm_at_ns(at_ns)

    def fire(self) -> None:
        """Call back everything that is due, including what its callbacks arm for now."""
        queue = self._queue
        now_ns = self.machine.now_ns
        try:
            while queue and queue[0][0] <= now_ns:
                _, ticket, alarm = heapq.heappop(queue)
                if alarm.ticket == ticket:
                    alarm.ticket = 0
                    alarm.callback()
        finally:
            self.tell_machine()

    def tell_machine(self) -> None:
        """The machine is to come back at the earliest alarm."""
        queue = self._queue
        while queue and queue[0][2].ticket != queue[0][1]:
            heapq.heappop(queue)
        self._told_ns = queue[0][0] if queue else NEVER
        self.machine.alarm_at_ns(self._told_ns)


class MachineAlarm:
    """`renode_pico.clock.Alarm`. `ticket` is 0 while it is not armed."""

    __slots__ = ("_clock", "callback", "ticket")

    def __init__(self, clock: MachineClock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self.callback = callback
        self.ticket = 0

    def schedule(self, delay_ns: int) -> None:
        """Call back `delay_ns` emulated nanoseconds from now."""
        clock = self._clock
        clock.arm(self, clock.machine.now_ns + delay_ns if delay_ns > 0 else clock.machine.now_ns)

    def schedule_at(self, at_ns: int) -> None:
        """Call back at an instant that is not over."""
        self._clock.arm(self, at_ns)

    def cancel(self) -> None:
        """Forget the pending call."""
        self.ticket = 0


class MachineRunner:
    """`renode_pico.clock.Runner`: lets the machine run.

    `on_event(reason)` is told what else makes the machine come back (`Run`: lock-up, semihosting, a debugger's stop …);
    `check` is called after each piece and may raise.
    """

    def __init__(
        self, machine: Machine, clock: MachineClock, on_event: Callable[[Run], None], check: Callable[[], None]
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._on_event = on_event
        self._check = check
        self._running = False
        self._poked = False

    def poke(self) -> None:
        """Stop after the current instruction and look at the condition."""
        self._poked = True
        self._machine.stop()

    def run_until(self, condition: Callable[[], bool], deadline_ns: int, longest_ns: int = NS_PER_MS) -> bool:
        """Run until `condition()` holds (True) or the clock has reached `deadline_ns` (False).

        It is looked at again each `longest_ns`, also when nobody pokes.
        """
        if self._running:
            raise RuntimeError("the engine is running already: only poke() may be called from inside an event")
        self._running = True
        machine = self._machine
        try:
            while not condition():
                now_ns = machine.now_ns
                if now_ns >= deadline_ns:
                    return False
                self._run_piece(machine.cycle_at_ns(min(deadline_ns, now_ns + longest_ns)))
                self._check()
            return True
        finally:
            self._running = False

    def _run_piece(self, until_cycle: int) -> None:
        self._poked = False
        while not self._poked:
            reason = self._machine.run(until_cycle)
            if reason is _ALARM:
                self._clock.fire()
            elif reason is _DEADLINE:
                return
            elif reason is not _STOPPED:
                self._on_event(reason)
