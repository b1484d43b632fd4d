"""The host controller: frames, transfers, and waiting for them (USB 2.0, chapters 5 and 10; docs/bus-timing.md)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from renode_pico.clock import NS_PER_S, Clock, Runner, nanoseconds
from renode_pico.errors import Disconnected, Timeout, UsageError
from renode_pico.usb.bus import Bus
from renode_pico.usb.endpoint_pipe import HostTransfer
from renode_pico.usb.failure import failure, timeout_error
from renode_pico.usb.in_stream import InStream, TransferStream
from renode_pico.usb.meanwhile import Meanwhile
from renode_pico.usb.observe import BusEventKind, BusObserver, TransferRecord
from renode_pico.usb.raw import RawBus
from renode_pico.usb.root_port import PortState, RootPort
from renode_pico.usb.schedule import Schedule
from renode_pico.usb.stimuli import Se0, SofFaults, Stimulus, StrayPacket
from renode_pico.usb.timing import (
    BYTE_TIMES_NS,
    DEBOUNCE_NS,
    FRAME_MASK,
    FRAME_NS,
    HANDSHAKED_OVERHEAD,
    RESET_NS,
    RESET_RECOVERY_NS,
    SOF_NS,
    SUSPEND_NS,
)
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType
from renode_pico.usb.wire import Fault, Packet, Pid, SofFault, Stray, Wire

T = TypeVar("T")
_PENDING, _COMPLETED, _CONTROL = Status.PENDING, Status.COMPLETED, TransferType.CONTROL
"""Members of an enumeration by names of their own: Python 3.11 takes five times as long to look one up in its class."""
NEIGHBOUR = 127
"""The device address of the neighbour on the hub."""

_GRACE_NS = 1_000
"""What a wait for something with a fixed length is given beyond it."""


class BusHost:
    """`transfer.Host` for an engine in this process: `wire` is the device's end of the cable, `clock` gives the
    alarms, `runner` lets time pass. Installs itself as the wire's listener.

    unmodelled: asks the engine how often the firmware touched what is not modelled.
    """

    def __init__(
        self, wire: Wire, clock: Clock, runner: Runner, unmodelled: Callable[[], Mapping[str, int]] = dict
    ) -> None:
        self.wire = self._wire = wire
        self._clock = clock
        self._runner = runner
        self._unmodelled = unmodelled
        self._bus = Bus(wire, clock)
        self._schedule = Schedule()
        self._port = RootPort(wire, clock, self._bus, self)
        self._frame_alarm = clock.alarm(self._frame_begins)
        self._slot_alarm = clock.alarm(self._slot)
        self._timeout_alarm = clock.alarm(self._timeouts)
        self._deadlines: list[tuple[int, int, HostTransfer]] = []
        self._submitted = 0
        self._epoch_ns = 0
        self._frame_end_ns = 0
        self._free_ns = 0
        self._traffic = False
        self._waits_for_frame = False
        self._slot_armed = False
        self._current: HostTransfer | None = None
        self._sof_observed = False
        self._sof_faults = SofFaults()
        self._neighbour = False
        self._neighbour_alarm = clock.alarm(self._poll_neighbour)
        self._stimulus: Stimulus | None = None
        self._stimulus_alarm = clock.alarm(self._kick)
        self._se0_alarm = clock.alarm(wire.reset_end)
        wire.listener = self

    # What can be seen

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self._clock.now_ns / NS_PER_S

    @property
    def plugged(self) -> bool:
        """The cable is in and VBUS is on."""
        return self._port.state is not PortState.UNPLUGGED

    @property
    def attached(self) -> bool:
        """The cable is in and the device has its pull-up on."""
        return self._port.attached

    @property
    def suspended(self) -> bool:
        """The bus is idle, or just being resumed."""
        return self._port.state in (PortState.SUSPENDED, PortState.RESUMING)

    @property
    def port_state(self) -> str:
        """What the root port is doing, in one word."""
        return self._port.state.name.capitalize()

    @property
    def frame(self) -> int:
        """The number of the current frame, 11 bits."""
        return self._bus.frame & FRAME_MASK

    @property
    def attach_count(self) -> int:
        """How often a device was seen to attach, each time after 100 ms of debounce."""
        return self._port.attach_count

    @property
    def transactions(self) -> int:
        """How many transactions the bus has carried since power-on, SOF not counted."""
        return self._bus.count

    def add_observer(self, observer: BusObserver) -> None:
        """Report every transaction, bus event and transfer from now on; without observers nothing is recorded."""
        self._bus.observers = (*self._bus.observers, observer)
        self._sof_observed = any(known.wants_sof for known in self._bus.observers)

    def remove_observer(self, observer: BusObserver) -> None:
        """Report no more to an observer."""
        self._bus.observers = tuple(known for known in self._bus.observers if known is not observer)
        self._sof_observed = any(known.wants_sof for known in self._bus.observers)

    # The cable and the line

    def plug(self) -> None:
        """Put the cable in: VBUS comes on."""
        self._port.plug()

    def unplug(self) -> None:
        """Pull the cable: transfers under way end as DISCONNECTED."""
        self._port.unplug()

    def reset(self) -> None:
        """Drive a bus reset (10 ms SE0, then 10 ms recovery; 7.1.7.5); all pipes end, all toggles are DATA0.

        A device that has just attached is first given the rest of its debounce time. Raises Disconnected when nothing
        is attached or the device leaves meanwhile.
        """
        self._run_for(DEBOUNCE_NS + _GRACE_NS, lambda: self._port.settled)
        if not self._port.occupied:
            raise Disconnected(f"bus reset: nothing is attached to the port (at {self.now:.6f} s)")
        count = self._port.attach_count
        self._port.reset_begin()
        self._run_for(
            RESET_NS + RESET_RECOVERY_NS + _GRACE_NS,
            lambda: self._port.state not in (PortState.RESET, PortState.RECOVERY),
        )
        if self._port.state is not PortState.ACTIVE or self._port.attach_count != count:
            raise Disconnected(f"bus reset: the device left the bus during the reset (at {self.now:.6f} s)")

    def suspend(self) -> None:
        """Stop all traffic; returns when the bus has been idle for 5 ms. Transfers under way wait for the resume.

        Raises Disconnected when there is no device that has been reset.
        """
        self._expect_enabled("suspend")
        if self._port.state is PortState.SUSPENDED:
            return
        self._run_for(RESET_RECOVERY_NS + _GRACE_NS, lambda: self._port.state is not PortState.RECOVERY)
        self._traffic = False
        self._run_for(FRAME_NS, lambda: self._current is None)
        self._expect_enabled("suspend")
        self._port.suspend()
        self._run_for(SUSPEND_NS, lambda: self._port.state is not PortState.SUSPENDED)

    def resume(self) -> None:
        """Drive resume for 20 ms, then start frames again (7.1.7.7); returns after 10 ms of recovery."""
        self._expect_enabled("resume")
        if self._port.state is PortState.SUSPENDED:
            self._port.resume_begin()
        self.wait_resumed()

    # Transfers

    def submit(
        self,
        pipe: Pipe,
        data: bytes = b"",
        *,
        length: int = 0,
        setup: Setup | None = None,
        zero_packet: bool = False,
        timeout: float | None = None,
        on_done: Callable[[Transfer], None] | None = None,
    ) -> HostTransfer:
        """Queue a transfer on a pipe; see `transfer.Host.submit`.

        Raises Disconnected when there is no device that has been reset, UsageError when the arguments
        contradict each other.
        """
        self._expect_enabled(f"transfer on device {pipe.address} endpoint {pipe.endpoint_address:#04x}")
        if pipe.type is _CONTROL:
            length = _control_length(setup, data)
        elif setup is not None:
            raise UsageError(f"endpoint {pipe.endpoint_address:#04x} is not a control endpoint: it takes no SETUP")
        elif pipe.is_in and data:
            raise UsageError(f"endpoint {pipe.endpoint_address:#04x} is an IN endpoint: it takes no data")
        now_ns = self._clock.now_ns
        transfer = HostTransfer(pipe, bytes(data), length, setup, zero_packet, on_done, now_ns)
        self._schedule.add(transfer)
        if timeout is not None:
            self._submitted += 1
            transfer.deadline_ns = now_ns + nanoseconds(timeout)
            heapq.heappush(self._deadlines, (transfer.deadline_ns, self._submitted, transfer))
            self._arm_timeouts()
        if not self._slot_armed:
            self._kick()
        return transfer

    def in_stream(self, pipe: Pipe, *, transfers: int, backlog: int) -> InStream:
        """Gather what comes from an IN endpoint."""
        return TransferStream(self, pipe, transfers=transfers, backlog=backlog)

    def cancel(self, transfer: Transfer) -> None:
        """End a pending transfer as CANCELLED; what the device already acknowledged stays in `actual_length`."""
        if isinstance(transfer, HostTransfer) and transfer.status is _PENDING:
            self._finish(transfer, Status.CANCELLED)

    def reset_toggle(self, address: int, endpoint_address: int) -> None:
        """Set the host's side of an endpoint's toggle to DATA0 (9.4.5)."""
        self._schedule.reset_toggle(address, endpoint_address)
        self._kick()

    def inject(self, fault: Fault, *, endpoint_address: int, count: int = 1, skip: int = 0, late: bool = False) -> None:
        """Spoil the next `count` transactions of an endpoint that carry data, after leaving `skip` alone.

        Endpoint 0x00 means the control endpoint's OUT and SETUP transactions, 0x80 its IN transactions. `late`: only
        those that begin in the last 100 µs of a frame.
        """
        self._bus.inject(fault, endpoint_address, count, skip, late)

    def raw(self) -> RawBus:
        """Single transactions by hand."""
        return RawBus(self)

    def transact(self, carry: Callable[[Bus], T], length: int) -> T:
        """Let `carry` put one transaction on the bus at the next free instant; over when the transaction's time is.

        length: bytes of data at most, so that it ends before the next frame does. For `raw`; transfers have to be over.
        """
        self._run_for(FRAME_NS, lambda: self._current is None)
        clock = self._clock
        if clock.now_ns < self._free_ns:
            self._run_for(self._free_ns - clock.now_ns, _never)
        left_ns = self._frame_end_ns - clock.now_ns
        if 0 <= left_ns < BYTE_TIMES_NS[length + HANDSHAKED_OVERHEAD]:
            self._run_for(left_ns + SOF_NS, _never)
        self._bus.duration_ns = 0
        answer = carry(self._bus)
        self._free_ns = clock.now_ns + self._bus.duration_ns
        self._run_for(self._bus.duration_ns, _never)
        return answer

    def inject_sof(self, fault: SofFault, *, count: int = 1, skip: int = 0) -> None:
        """Lose, double or spoil the next `count` starts of frame, after leaving `skip` alone."""
        self._sof_faults.inject(fault, count, skip)

    def stray(self, stray: Stray, *, address: int = 0, endpoint: int = 0) -> Packet | None:
        """Put a packet on the bus that belongs to no transaction; see `transfer.Host.stray`."""
        stimulus = StrayPacket(self._bus, stray, address, endpoint)
        self._stimulate(stimulus)
        return stimulus.answer

    def se0(self, seconds: float) -> None:
        """Drive SE0 for so long between two transactions; see `transfer.Host.se0`."""
        self._stimulate(Se0(self._bus, nanoseconds(seconds), self._se0_alarm))

    def neighbour(self, present: bool) -> None:
        """Another device on the same hub, polled in the middle of each frame; see `transfer.Host.neighbour`."""
        self._neighbour = present

    def _poll_neighbour(self) -> None:
        now_ns = self._clock.now_ns
        if self._current is None and now_ns >= self._free_ns:
            self._bus.raw(Pid.IN, NEIGHBOUR, 1, None, b"", None)
            self._free_ns = now_ns + self._bus.duration_ns

    def _stimulate(self, stimulus: Stimulus) -> None:
        self._run_for(RESET_RECOVERY_NS + _GRACE_NS, lambda: self._port.state is not PortState.RECOVERY)
        if self._port.state is not PortState.ACTIVE:
            raise UsageError(f"{stimulus}: the port is {self._port.state.value} (at {self.now:.6f} s)")
        self._stimulus = stimulus
        self._kick()
        try:
            done = self._run_for(3 * FRAME_NS + stimulus.duration_ns, lambda: self._stimulus is None)
        finally:
            self._stimulus = None
            self._stimulus_alarm.cancel()
        if not done:
            raise Disconnected(f"{stimulus}: the port is {self._port.state.value} (at {self.now:.6f} s)")

    # Waiting

    def meanwhile(self) -> Meanwhile:
        """Watch from now on what the firmware touches of what is not modelled."""
        return Meanwhile(self._unmodelled)

    def wait(self, *transfers: Transfer, timeout: float = 5.0) -> None:
        """Run until all are final; see `transfer.Host.wait` for what it raises."""
        meanwhile = self.meanwhile()
        if len(transfers) == 1:
            only = transfers[0]
            done = self._run_until(lambda: only.status is not _PENDING, timeout)
        else:
            done = self._run_until(lambda: all(each.status is not _PENDING for each in transfers), timeout)
        if not done:
            late = [each for each in transfers if each.status is _PENDING]
            error = timeout_error(late[0], timeout, self.now, meanwhile)
            for each in late:
                self.cancel(each)
            raise error
        for each in transfers:
            if each.status is not _COMPLETED:
                raise failure(each, self.now, meanwhile)

    def wait_any(self, transfers: Sequence[Transfer], timeout: float = 5.0) -> None:
        """Run until one of them is final; raises `Timeout` at the deadline, leaving all pending."""
        meanwhile = self.meanwhile()
        if not self._run_until(lambda: any(each.status is not _PENDING for each in transfers), timeout):
            raise timeout_error(transfers[0], timeout, self.now, meanwhile)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Run until a condition about transfers holds; see `Host.wait_until`."""
        return self._run_until(condition, timeout)

    def wait_attached(self, attached: bool = True, timeout: float = 5.0) -> None:
        """Run until a device is attached, debounce included (or until none is)."""
        if attached:
            self._wait("a device to attach", lambda: self._port.occupied, timeout)
        else:
            absent = (PortState.UNPLUGGED, PortState.DETACHED)
            self._wait("the device to detach", lambda: self._port.state in absent, timeout)

    def wait_attach_count(self, count: int, timeout: float = 5.0) -> None:
        """Run until a device has attached at least `count` times since power-on, debounce included."""
        self._wait(f"attach number {count}", lambda: self._port.attach_count >= count, timeout)

    def wait_resumed(self, timeout: float = 5.0) -> None:
        """Run until a suspended bus is awake again, recovery included. Raises Timeout, or Disconnected on a detach."""
        busy = (PortState.SUSPENDED, PortState.RESUMING, PortState.RECOVERY)
        self._wait("the bus to resume", lambda: self._port.state not in busy, timeout)
        self._expect_enabled("resume")

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""
        self._run_until(lambda: False, seconds)

    # WireListener

    def pull_up_changed(self, attached: bool) -> None:
        """Pass the pull-up's change on to the port."""
        self._port.pull_up_changed(attached)

    def remote_wakeup(self) -> None:
        """Answer a device's resume signal."""
        self._port.remote_wakeup()

    def endpoint_ready(self, endpoint_address: int) -> None:
        """Try an endpoint again that had answered NAK."""
        if self._schedule.unpark(endpoint_address) and not self._slot_armed:
            self._kick()

    # PortUser

    def frames_begin(self, at_once: bool) -> None:
        """Start frames, numbered by the milliseconds since the end of the last reset."""
        now_ns = self._clock.now_ns
        if at_once:
            self._epoch_ns = now_ns
            self._bus.frame = -1
            self._frame_end_ns = now_ns
            self._frame_begins()
        else:
            frame = -(-(now_ns - self._epoch_ns) // FRAME_NS)
            self._bus.frame = frame - 1
            self._frame_end_ns = self._epoch_ns + frame * FRAME_NS
            self._frame_alarm.schedule(self._frame_end_ns - now_ns)

    def frames_end(self) -> None:
        """Stop frames and transactions."""
        self._traffic = False
        self._frame_alarm.cancel()
        self._slot_alarm.cancel()
        self._slot_armed = False
        self._current = None

    def traffic_begin(self) -> None:
        """Let transactions through."""
        self._traffic = True
        self._kick()

    def device_lost(self) -> None:
        """End all transfers and forget all pipes."""
        pending = list(self._schedule.transfers())
        self._schedule = Schedule()
        self._waits_for_frame = False
        for transfer in pending:
            self._close(transfer, Status.DISCONNECTED)

    def port_changed(self) -> None:
        """Have conditions looked at."""
        self._runner.poke()

    # Frames and transactions

    def _frame_begins(self) -> None:
        bus = self._bus
        bus.frame += 1
        begin_ns = self._frame_end_ns
        self._frame_end_ns = bus.frame_end_ns = begin_ns + FRAME_NS
        self._frame_alarm.schedule_at(self._frame_end_ns)
        self._free_ns = max(self._free_ns, begin_ns + SOF_NS)
        if self._neighbour:
            self._neighbour_alarm.schedule(begin_ns + FRAME_NS // 2 - self._clock.now_ns)
        if self._sof_faults:
            self._free_ns += self._sof_faults.carry(bus)
        else:
            self._wire.sof(bus.frame & FRAME_MASK)
        if self._sof_observed:
            bus.event(BusEventKind.SOF)
        if self._waits_for_frame and not self._slot_armed:
            self._kick()

    def _kick(self) -> None:
        if self._traffic and not self._slot_armed:
            self._slot_armed = True
            self._slot_alarm.schedule_at(max(self._free_ns, self._clock.now_ns))

    def _slot(self) -> None:
        """Finish the transaction whose time is over, then start the next one if there is any."""
        done = self._current
        if done is not None:
            self._current = None
            if done.outcome is not None and done.status is _PENDING:
                try:
                    self._finish(done, done.outcome)
                except BaseException:  # from somebody's on_done: not ours to hide, but the bus goes on.
                    self._slot_armed = False
                    self._kick()
                    raise
        if not self._traffic:
            self._slot_armed = False
            self._runner.poke()
            return
        now_ns = self._clock.now_ns
        if now_ns < self._free_ns:
            self._slot_alarm.schedule_at(self._free_ns)
            return
        end_ns = self._frame_end_ns
        if self._stimulus is not None:
            end_ns = self._stimulate_or_wait(self._stimulus, now_ns)
            if end_ns <= now_ns:
                return
        schedule = self._schedule
        pipe = schedule.choose(self._bus.frame, end_ns - now_ns)
        self._waits_for_frame = schedule.waits_for_frame
        if pipe is None:
            self._slot_armed = False
            return
        self._current = pipe.queue[0]
        pipe.step(self._bus)
        self._free_ns = now_ns + self._bus.duration_ns
        self._slot_alarm.schedule_at(self._free_ns)

    def _stimulate_or_wait(self, stimulus: Stimulus, now_ns: int) -> int:
        """Put it on the bus when its time has come; returns until when transactions may last, ns."""
        if stimulus.carried:
            self._stimulus = None
            self._runner.poke()
            return self._frame_end_ns
        begin_ns = stimulus.begin_ns(now_ns, self._frame_end_ns)
        if begin_ns > now_ns:
            self._stimulus_alarm.schedule(begin_ns - now_ns)
            return min(begin_ns, self._frame_end_ns)
        stimulus.carry()
        self._free_ns = now_ns + stimulus.duration_ns
        self._slot_alarm.schedule(stimulus.duration_ns)
        return now_ns

    # The end of transfers

    def _finish(self, transfer: HostTransfer, status: Status) -> None:
        self._schedule.remove(transfer)
        self._close(transfer, status)
        self._kick()

    def _close(self, transfer: HostTransfer, status: Status) -> None:
        transfer.status = status
        if self._bus.observers:
            self._report(transfer)
        if transfer.deadline_ns is not None:
            self._arm_timeouts()
        if transfer.on_done is not None:
            transfer.on_done(transfer)
        self._runner.poke()

    def _timeouts(self) -> None:
        now_ns = self._clock.now_ns
        while self._deadlines and self._deadlines[0][0] <= now_ns:
            transfer = heapq.heappop(self._deadlines)[2]
            if transfer.status is _PENDING:
                self._finish(transfer, Status.TIMED_OUT)
        self._arm_timeouts()

    def _arm_timeouts(self) -> None:
        while self._deadlines and self._deadlines[0][2].status is not _PENDING:
            heapq.heappop(self._deadlines)
        if self._deadlines:
            self._timeout_alarm.schedule(max(0, self._deadlines[0][0] - self._clock.now_ns))
        else:
            self._timeout_alarm.cancel()

    def _report(self, transfer: HostTransfer) -> None:
        data = transfer.data if transfer.takes_in else transfer.data[: transfer.position]
        record = TransferRecord(
            transfer.begin_ns,
            self._clock.now_ns,
            transfer.pipe.address,
            transfer.pipe.endpoint_address,
            transfer.pipe.type,
            transfer.status,
            transfer.setup,
            data,
            transfer.packets,
        )
        for observer in self._bus.observers:
            observer.transfer(record)

    # Running

    def _expect_enabled(self, what: str) -> None:
        if not self._port.enabled:
            raise Disconnected(
                f"{what}: the port is {self._port.state.value} (at {self.now:.6f} s); enumerate a device"
            )

    def _run_for(self, duration_ns: int, condition: Callable[[], bool]) -> bool:
        return self._runner.run_until(condition, self._clock.now_ns + duration_ns)

    def _run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        return self._run_for(nanoseconds(timeout), condition)

    def _wait(self, what: str, condition: Callable[[], bool], timeout: float) -> None:
        meanwhile = self.meanwhile()
        if not self._run_until(condition, timeout):
            state = self._port.state.value
            raise Timeout(
                f"waited {timeout:g} emulated seconds for {what}: the port is {state} (at {self.now:.6f} s){meanwhile}"
            )


def _never() -> bool:
    return False


def _control_length(setup: Setup | None, data: bytes) -> int:
    if setup is None:
        raise UsageError("a control transfer needs a SETUP packet")
    expected = 0 if setup.is_in else setup.wLength
    if len(data) != expected:
        raise UsageError(f"control request ({setup}): {len(data)} bytes for an OUT data stage of {expected}")
    return setup.wLength
