"""The host as its clients see it: what they ask for (USB 2.0, 5.4 to 5.8, and chapter 9 for control transfers)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from renode_pico.usb.meanwhile import Meanwhile
from renode_pico.usb.observe import BusObserver
from renode_pico.usb.values import InStream, Pipe, Setup, Status, Transfer, TransferType
from renode_pico.usb.wire import Fault, Packet, SofFault, Stray

__all__ = ["Host", "Pipe", "Setup", "Status", "Transfer", "TransferType"]


class Host(Protocol):
    """The host controller: one root port, frames of 1 ms, transfers (USB 2.0, chapters 5 and 10).

    It owns addresses' toggles and retries; it does not know what a request means. Times are emulated seconds.
    Everything that waits runs the engine until it is done or until the deadline, and raises `Timeout` then.
    """

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""

    @property
    def plugged(self) -> bool:
        """The cable is in and VBUS is on."""

    @property
    def attached(self) -> bool:
        """The cable is in and the device has its pull-up on."""

    @property
    def suspended(self) -> bool: ...

    @property
    def port_state(self) -> str:
        """Unplugged, Detached, Debounce, Attached, Reset, Recovery, Active, Suspended or Resuming."""

    @property
    def frame(self) -> int:
        """The number of the current frame, 11 bits."""

    @property
    def attach_count(self) -> int:
        """How often a device was seen to attach; a change between two looks is a detach and a new attach."""

    def plug(self) -> None:
        """Put the cable in: VBUS comes on."""

    def unplug(self) -> None:
        """Pull the cable: transfers under way end as DISCONNECTED."""

    def reset(self) -> None:
        """Drive a bus reset (10 ms SE0, then 10 ms recovery; 7.1.7.5); all pipes end, all toggles are DATA0."""

    def suspend(self) -> None:
        """Stop all traffic; returns when the bus has been idle for more than 3 ms."""

    def resume(self) -> None:
        """Drive resume for 20 ms, then start frames again (7.1.7.7)."""

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
        """Queue a transfer on a pipe; transfers of one pipe run in order.

        OUT sends `data`; IN asks for `length` bytes and ends with them or with a short packet; control takes both
        from `setup` (`data` is its OUT stage). `zero_packet` ends an OUT of whole packets with an empty one.
        `timeout` is the emulated time it may take from now; it then ends as TIMED_OUT. Never waits.
        """

    def in_stream(self, pipe: Pipe, *, transfers: int, backlog: int) -> InStream:
        """Gather what comes from an IN endpoint; see `usb.values.InStream`."""

    def cancel(self, transfer: Transfer) -> None:
        """End a pending transfer as CANCELLED; what the device already acknowledged stays in `actual_length`."""

    def wait(self, *transfers: Transfer, timeout: float = 5.0) -> None:
        """Run until all are final. Raises Stall, Timeout, Disconnected, Cancelled, TransactionError or Babble for the
        first that did not complete; at the deadline those still pending are cancelled and `Timeout` is raised."""

    def wait_any(self, transfers: Sequence[Transfer], timeout: float = 5.0) -> None:
        """Run until one of them is final; raises `Timeout` at the deadline, leaving all pending."""

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Run until a condition about transfers holds; False when the deadline came first.

        It is looked at whenever a transfer becomes final or the port changes, and must not let time pass itself.
        """

    def wait_attached(self, attached: bool = True, timeout: float = 5.0) -> None:
        """Run until the device is attached (or detached)."""

    def wait_attach_count(self, count: int, timeout: float = 5.0) -> None:
        """Run until a device has attached at least `count` times since power-on."""

    def wait_resumed(self, timeout: float = 5.0) -> None:
        """Run until a suspended bus is awake again, e.g. by the device's remote wake-up."""

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""

    def reset_toggle(self, address: int, endpoint_address: int) -> None:
        """The host's side of CLEAR_FEATURE(ENDPOINT_HALT), SET_CONFIGURATION, SET_INTERFACE (9.4.5): DATA0."""

    def inject(self, fault: Fault, *, endpoint_address: int, count: int = 1, skip: int = 0, late: bool = False) -> None:
        """Spoil the next `count` transactions of an endpoint that carry data, after leaving `skip` alone.

        Endpoint 0x00 means the control endpoint's OUT and SETUP transactions, 0x80 its IN transactions. `late`: only
        those that begin in the last 100 µs of a frame, where a hub may garble them.
        """

    def inject_sof(self, fault: SofFault, *, count: int = 1, skip: int = 0) -> None:
        """Lose, double or spoil the next `count` starts of frame, after leaving `skip` alone."""

    def neighbour(self, present: bool) -> None:
        """Put another device on the same hub: in the middle of each frame it is sent an IN token, with address 127.

        Its answer goes to the host alone. Where the bus is not free just then, the frame is as busy without it.
        """

    def stray(self, stray: Stray, *, address: int = 0, endpoint: int = 0) -> Packet | None:
        """Put a packet on the bus that belongs to no transaction, before the next one, and return what is answered.

        `address`, `endpoint`: of a token. None, which is silence, is right. Returns when it is over. Raises UsageError
        when the bus carries no traffic.
        """

    def se0(self, seconds: float) -> None:
        """Drive SE0 for so long between two transactions, at most 10 ms, and go on as if nothing had been.

        Below 2.5 µs it is no reset (USB 2.0, 7.1.7.5); above it a device may take it for one, and this host does not
        know. Returns when it is over. Raises UsageError for another length and when the bus carries no traffic.
        """

    def meanwhile(self) -> Meanwhile:
        """Watch from now on what the firmware touches of what the engine does not model; for errors' messages."""

    @property
    def transactions(self) -> int:
        """How many transactions the bus has carried since power-on, SOF not counted."""

    def add_observer(self, observer: BusObserver) -> None:
        """Report each transaction, bus event and transfer to an observer; see `usb.observe`."""

    def remove_observer(self, observer: BusObserver) -> None:
        """Stop reporting to it, once everything up to now has been reported."""
