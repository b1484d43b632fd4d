"""The USB host on Renode, as `usb.transfer.Host`: each call goes to the C# host in the emulation (renode/host)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from renode_pico.clock import countable
from renode_pico.engine.renode_raw import RenodeRaw
from renode_pico.engine.renode_runtime import dotnet_bytes
from renode_pico.engine.renode_trace import RenodeTrace
from renode_pico.errors import Disconnected, Timeout, UsageError
from renode_pico.trace.tsv import FAULT_NAMES
from renode_pico.usb.failure import failure, timeout_error
from renode_pico.usb.meanwhile import Meanwhile
from renode_pico.usb.observe import BusObserver
from renode_pico.usb.raw import RawHost
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer
from renode_pico.usb.wire import Fault, Packet, Pid, SofFault, Stray

STATUS = {
    "Pending": Status.PENDING,
    "Completed": Status.COMPLETED,
    "Stalled": Status.STALLED,
    "TimedOut": Status.TIMED_OUT,
    "Cancelled": Status.CANCELLED,
    "Disconnected": Status.DISCONNECTED,
    "Error": Status.ERROR,
    "Babble": Status.BABBLE,
}


SLICE = 0.125
"""Emulated seconds of one stay inside Renode, between which Python looks at Ctrl-C and whether the program is over. A
whole number of milliseconds."""


class CalledBack:
    """Runs Python code that the emulation calls back from a thread of its own.

    What the code raises is kept for the thread that lets time pass; in Renode's it would end the process.
    """

    def __init__(self) -> None:
        self.running = False
        self._raised: BaseException | None = None

    def run(self, code: Callable[[], bool]) -> bool:
        """Run it; True ends a wait, which an exception does, too."""
        before, self.running = self.running, True
        try:
            return code()
        except BaseException as error:
            self._raised = self._raised or error
            return True
        finally:
            self.running = before

    def raise_kept(self) -> None:
        """Raise what was kept."""
        error, self._raised = self._raised, None
        if error is not None:
            raise error


class RenodeTransfer:
    """A transfer in the emulation, as `usb.transfer.Transfer`."""

    def __init__(
        self, pipe: Pipe, setup: Setup | None, on_done: Callable[[Transfer], None] | None, called_back: CalledBack
    ) -> None:
        self.pipe = pipe
        self.setup = setup
        self.on_done = on_done
        self.internal: Any = None
        self._called_back = called_back

    @property
    def status(self) -> Status:
        """Where it stands; all but PENDING are final."""
        return STATUS[str(self.internal.Status)]

    @property
    def data(self) -> bytes:
        """IN: what has been received so far. OUT: what was to be sent."""
        return bytes(self.internal.Data)

    @property
    def actual_length(self) -> int:
        """Bytes moved so far."""
        return int(self.internal.ActualLength)

    @property
    def packets(self) -> tuple[int, ...]:
        """Length of each acknowledged data packet, in order."""
        return tuple(self.internal.Packets)

    def done(self, _: Any) -> None:
        """Called by the emulation at the instant it becomes final."""
        self._called_back.run(self._tell)

    def _tell(self) -> bool:
        if self.on_done is not None:
            self.on_done(self)
        return False

    def __repr__(self) -> str:
        return f"<{self.pipe} {self.status.value}, {self.actual_length} bytes>"


class RenodeInStream:
    """`usb.in_stream.InStream` in the emulation (renode/host/UsbInStream.cs)."""

    def __init__(self, host: RenodeHost, pipe: Pipe, make: Callable[[], Any]) -> None:
        self._host = host
        self._make = make
        self._internal = make()
        self._pipe = pipe
        self._kept = b""
        self.is_open = True

    def pause(self) -> None:
        """Leave the emulation for a moment: ask for nothing, keep what has come."""
        self._kept = self.take()
        self._internal.Close()

    def go_on(self) -> None:
        """Ask again, in whatever emulation the host is in now."""
        self._internal = self._make()
        self._internal.Fill()

    @property
    def available(self) -> int:
        """Bytes that have come and were not taken."""
        return len(self._kept) + int(self._internal.Count)

    @property
    def failed(self) -> Transfer | None:
        """The transfer that ended the stream."""
        failed = self._internal.Failed
        return self._host.known(failed, self._pipe) if failed is not None else None

    def fill(self) -> None:
        """Ask for more where there is room."""
        with self._host.running("stream from ", self._pipe):
            self._internal.Fill()

    def take(self) -> bytes:
        """Return everything that has come."""
        data, self._kept = self._kept + bytes(self._internal.Take()), b""
        return data

    def wait(self, until: bytes, timeout: float) -> bool:
        """Run until the byte has come, or nothing is asked for any more."""
        if until in self._kept if until else self._kept:
            return True
        return self._host.run_until_received(self._internal, until[0] if until else -1, timeout)

    def close(self) -> None:
        """Cancel what is asked for."""
        self.is_open = False
        self._internal.Close()


class DotNetValues:
    """Arguments of a C# host's `Submit`; made once where they come again, as each packet of a stream is a transfer."""

    def __init__(self, host: Any) -> None:
        from Antmicro.Renode.Exceptions import RecoverableException
        from Antmicro.Renode.UsbHosts import (
            UsbArgumentException,
            UsbInStream,
            UsbPipe,
            UsbSetup,
            UsbTransfer,
            UsbTransferType,
        )
        from System import Action, Array, Boolean, Byte, Double, Int32

        self.misuse: Any = UsbArgumentException
        self.refusal: Any = RecoverableException
        self.submit: Any = host.Submit.Overloads[
            UsbPipe, Array[Byte], Int32, UsbSetup, Boolean, Double, Action[UsbTransfer]
        ]
        self.stream: Any = UsbInStream
        self._make_pipe, self._make_type, self._make_setup = UsbPipe, UsbTransferType, UsbSetup
        self._make_action = Action[UsbTransfer]
        self._empty = dotnet_bytes(b"")
        self._pipes: dict[Pipe, Any] = {}

    def pipe(self, pipe: Pipe) -> Any:
        """An endpoint of a device."""
        known = self._pipes.get(pipe)
        if known is None:
            known = self._pipes[pipe] = self._make_pipe(
                pipe.address,
                pipe.endpoint_address,
                self._make_type(int(pipe.type)),
                pipe.max_packet_size,
                pipe.interval,
            )
        return known

    def data(self, data: bytes) -> Any:
        """What an OUT transfer sends."""
        return dotnet_bytes(data) if data else self._empty

    def setup(self, setup: Setup | None) -> Any:
        """A SETUP packet, or null."""
        return self._make_setup.Unpack(dotnet_bytes(setup.pack())) if setup is not None else None

    def on_done(self, transfer: RenodeTransfer) -> Any:
        """What the emulation calls when the transfer is final, or null."""
        return self._make_action(transfer.done) if transfer.on_done is not None else None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What Python waits for on a C# host: streams, and transfers by their place among the host's pending ones."""

    streams: tuple[RenodeInStream, ...]
    transfers: Mapping[int, RenodeTransfer]


class RenodeHost:
    """Implements `Host` by a C# UsbHost. `check` is called before and after time passes; it raises what went wrong.

    unmodelled: asks the engine how often the firmware touched what is not modelled.
    """

    def __init__(
        self, internal: Any, check: Callable[[], None], unmodelled: Callable[[], Mapping[str, int]] = dict
    ) -> None:
        self.internal = internal
        self._check = check
        self._unmodelled = unmodelled
        self._trace = RenodeTrace(internal)
        self._called_back = CalledBack()
        self._values = DotNetValues(internal)
        self._streams: WeakSet[RenodeInStream] = WeakSet()
        self._transfers: WeakSet[RenodeTransfer] = WeakSet()
        self.calls = 0
        """How many actions wait for their time."""
        self.drains: list[Callable[[], None]] = []
        """Called after time has passed, to take out what has been gathered inside."""

    def let_go(self) -> UnderWay:
        """Take everything of Python's off the C# host, before it is saved or ended; what was under way."""
        streams = [stream for stream in self._streams if stream.is_open]
        for stream in streams:
            stream.pause()
        mine = [transfer for transfer in self._transfers if transfer.status is Status.PENDING]
        transfers: dict[int, RenodeTransfer] = {}
        for place, pending in enumerate(self.internal.PendingTransfers()):
            for transfer in mine:
                if pending.Equals(transfer.internal):
                    pending.OnDone = None
                    transfers[place] = transfer
        return UnderWay(tuple(streams), transfers)

    def take_up(self, internal: Any, under_way: UnderWay) -> None:
        """Stand on a C# host: the same one again, or that of an emulation which has been loaded. Observers go along."""
        self.internal = internal
        self._values = DotNetValues(internal)
        self._trace.move(internal)
        pending = list(internal.PendingTransfers())
        for place, transfer in under_way.transfers.items():
            transfer.internal = pending[place]
            transfer.internal.OnDone = self._values.on_done(transfer)
        for stream in under_way.streams:
            stream.go_on()

    # What can be seen

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return float(self.internal.Now)

    @property
    def plugged(self) -> bool:
        """The cable is in and VBUS is on."""
        return bool(self.internal.Plugged)

    @property
    def attached(self) -> bool:
        """The cable is in and the device has its pull-up on."""
        return bool(self.internal.Attached)

    @property
    def suspended(self) -> bool:
        """The bus is idle, or just being resumed."""
        return bool(self.internal.Suspended)

    @property
    def port_state(self) -> str:
        """What the root port is doing, in one word."""
        return str(self.internal.PortState)

    @property
    def frame(self) -> int:
        """The number of the current frame, 11 bits."""
        return int(self.internal.Frame)

    @property
    def attach_count(self) -> int:
        """How often a device was seen to attach."""
        return int(self.internal.AttachCount)

    @property
    def transactions(self) -> int:
        """How many transactions the bus has carried since power-on, SOF not counted."""
        return int(self.internal.Transactions)

    def add_observer(self, observer: BusObserver) -> None:
        """Report each transaction, event and transfer to an observer, whenever emulated time has passed."""
        self._trace.add(observer)

    def remove_observer(self, observer: BusObserver) -> None:
        """Stop reporting to it."""
        self._trace.remove(observer)

    # The cable and the line

    def plug(self) -> None:
        """Put the cable in."""
        with self.running("plug"):
            self.internal.Plug()

    def unplug(self) -> None:
        """Pull the cable."""
        with self.running("unplug"):
            self.internal.Unplug()

    def reset(self) -> None:
        """Drive a bus reset."""
        with self.running("bus reset"):
            self.internal.Reset()

    def suspend(self) -> None:
        """Stop all traffic; returns when the bus has been idle for more than 3 ms."""
        with self.running("suspend"):
            self.internal.Suspend()

    def resume(self) -> None:
        """Drive resume, then start frames again."""
        with self.running("resume"):
            self.internal.Resume()

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
    ) -> Transfer:
        """Queue a transfer on a pipe; see `Host.submit`."""
        transfer = RenodeTransfer(pipe, setup, on_done, self._called_back)
        self._transfers.add(transfer)
        with self.running("transfer on ", pipe):
            transfer.internal = self._values.submit(
                self._values.pipe(pipe),
                self._values.data(data),
                length,
                self._values.setup(setup),
                zero_packet,
                -1.0 if timeout is None else float(timeout),
                self._values.on_done(transfer),
            )
        return transfer

    def in_stream(self, pipe: Pipe, *, transfers: int, backlog: int) -> RenodeInStream:
        """Gather what comes from an IN endpoint."""

        def make() -> Any:
            return self._values.stream(self.internal, self._values.pipe(pipe), transfers, backlog)

        stream = RenodeInStream(self, pipe, make)
        self._streams.add(stream)
        return stream

    def run_until_received(self, stream: Any, until: int, timeout: float) -> bool:
        """Run until a C# stream has received a byte (-1: any)."""
        return self._run("RunUntilReceived", stream, until, timeout)

    def known(self, transfer: Any, pipe: Pipe) -> RenodeTransfer:
        """A transfer that the emulation has begun by itself."""
        known = RenodeTransfer(pipe, None, None, self._called_back)
        known.internal = transfer
        return known

    def cancel(self, transfer: Transfer) -> None:
        """End a pending transfer as CANCELLED."""
        self.internal.Cancel(internal(transfer))

    def reset_toggle(self, address: int, endpoint_address: int) -> None:
        """The host's side of CLEAR_FEATURE(ENDPOINT_HALT) and its like: DATA0."""
        self.internal.ResetToggle(address, endpoint_address)

    def inject(self, fault: Fault, *, endpoint_address: int, count: int = 1, skip: int = 0, late: bool = False) -> None:
        """Spoil transactions of an endpoint."""
        from Antmicro.Renode.UsbHosts import UsbFault

        with self.running("inject"):
            self.internal.Inject(getattr(UsbFault, FAULT_NAMES[fault]), endpoint_address, count, skip, late)

    def inject_sof(self, fault: SofFault, *, count: int = 1, skip: int = 0) -> None:
        """Lose, double or spoil starts of frame."""
        from Antmicro.Renode.UsbHosts import UsbSofFault

        with self.running("inject sof"):
            self.internal.InjectSof(getattr(UsbSofFault, fault.name.title()), count, skip)

    def neighbour(self, present: bool) -> None:
        """Another device on the same hub, polled in the middle of each frame."""
        with self.running("neighbour"):
            self.internal.Neighbour = present

    def stray(self, stray: Stray, *, address: int = 0, endpoint: int = 0) -> Packet | None:
        """Put a packet on the bus that belongs to no transaction; return what is answered."""
        from Antmicro.Renode.UsbHosts import UsbStray

        with self.running("stray packet"):
            answer = self.internal.Stray(getattr(UsbStray, stray.value.title().replace("-", "")), address, endpoint)
        return None if answer is None else Packet(Pid(int(answer.Pid)), bytes(answer.Data))

    def se0(self, seconds: float) -> None:
        """Drive SE0 for so long between two transactions."""
        with self.running("SE0"):
            self.internal.Se0(seconds)

    def raw(self) -> RawHost:
        """Single transactions by hand."""
        return RenodeRaw(self)

    # Waiting

    def meanwhile(self) -> Meanwhile:
        """Watch from now on what the firmware touches of what is not modelled."""
        return Meanwhile(self._unmodelled)

    def wait(self, *transfers: Transfer, timeout: float = 5.0) -> None:
        """Run until all are final; raises for the first that did not complete."""
        meanwhile = self.meanwhile()
        if not self._run("RunUntilDone", transfer_array(transfers), timeout):
            pending = [transfer for transfer in transfers if transfer.status is Status.PENDING]
            for transfer in pending:
                self.cancel(transfer)
            raise timeout_error(pending[0], timeout, self.now, meanwhile)
        for transfer in transfers:
            if transfer.status is not Status.COMPLETED:
                raise failure(transfer, self.now, meanwhile)

    def wait_any(self, transfers: Sequence[Transfer], timeout: float = 5.0) -> None:
        """Run until one of them is final."""
        meanwhile = self.meanwhile()
        if not self._run("RunUntilAnyDone", transfer_array(transfers), timeout):
            raise Timeout(
                f"none of {len(transfers)} transfers ended within {timeout:g} s (at {self.now:.6f} s){meanwhile}"
            )

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Run until a condition about transfers holds; see `Host.wait_until`."""
        from System import Boolean, Func

        return self._run("RunUntil", Func[Boolean](lambda: self._called_back.run(condition)), timeout)

    def wait_attached(self, attached: bool = True, timeout: float = 5.0) -> None:
        """Run until the device is attached (or detached)."""
        self._expect(
            "the device to attach" if attached else "the device to detach", "RunUntilAttached", attached, timeout
        )

    def wait_attach_count(self, count: int, timeout: float = 5.0) -> None:
        """Run until a device has attached at least `count` times since power-on."""
        self._expect(f"attach number {count}", "RunUntilAttachCount", count, timeout)

    def wait_resumed(self, timeout: float = 5.0) -> None:
        """Run until a suspended bus is awake again."""
        self._expect("the bus to wake up", "RunUntilResumed", timeout)

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""
        self._run("RunFor", seconds)

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Run until the condition holds, looked at with each event and each emulated ms; False at the deadline."""
        from System import Boolean, Func

        looked_at = Func[Boolean](lambda: self._called_back.run(condition))
        return self._run("RunUntil", looked_at, timeout, 0.001, time_at=1)

    def call_at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at an emulated instant, in seconds since power-on."""
        from System import Action

        def act() -> bool:
            self.calls -= 1
            action()
            return False

        self.calls += 1
        self.internal.CallAt(seconds, Action(lambda: self._called_back.run(act)))

    def call_back(self, code: Callable[[], bool]) -> None:
        """Run code that the emulation has called; what it raises comes out of whatever lets time pass."""
        self._called_back.run(code)

    def _expect(self, what: str, method: str, *arguments: Any) -> None:
        meanwhile = self.meanwhile()
        if not self._run(method, *arguments):
            raise Timeout(f"waited {arguments[-1]:g} emulated seconds for {what} (until {self.now:.6f} s){meanwhile}")

    def _run(self, method: str, *arguments: Any, time_at: int = -1) -> bool:
        """Call a method that lets time pass, in slices of the time it may take."""
        given = list(arguments)
        left = countable(float(given[time_at]))
        self._check()
        while True:
            given[time_at] = min(left, SLICE)
            with self.running(method):
                done = bool(getattr(self.internal, method)(*given))
            left -= SLICE
            if done or left <= 0:
                return done

    @contextmanager
    def running(self, what: str, pipe: Pipe | None = None) -> Iterator[None]:
        """Turn Renode's refusals into our errors, and look what has happened meanwhile."""
        try:
            yield
        except self._values.misuse as error:
            raise UsageError(error.Message) from None
        except self._values.refusal as error:
            if not self._called_back.running:
                self._check()
            where = f"endpoint {pipe.endpoint_address:#04x}" if pipe is not None else ""
            raise Disconnected(f"{what}{where}: {error.Message}") from None
        if not self._called_back.running:
            self._called_back.raise_kept()
            self._trace.drain()
            for drain in self.drains:
                drain()
            self._check()


def internal(transfer: Transfer) -> Any:
    """The C# object behind a transfer."""
    if not isinstance(transfer, RenodeTransfer):
        raise UsageError(f"{transfer} is not a transfer of this host")
    return transfer.internal


def transfer_array(transfers: Sequence[Transfer]) -> Any:
    """Transfers as a C# array."""
    from Antmicro.Renode.UsbHosts import UsbTransfer
    from System import Array

    return Array[UsbTransfer]([internal(transfer) for transfer in transfers])
