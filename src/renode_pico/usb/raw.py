"""Single transactions by hand, for whoever verifies a device: what no scheduler would send, at a chosen instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from renode_pico.usb.bus import Bus
from renode_pico.usb.wire import Fault, Packet, Pid, Wire

T = TypeVar("T")

GAP = 0.0001
"""Emulated seconds between two tokens to an endpoint that has answered NAK."""


@runtime_checkable
class TimedWire(Protocol):
    """A wire that knows how fast its device answers."""

    @property
    def answer_bits(self) -> float:
        """Bit times from the end of the host's packet to the beginning of the device's (7.1.18)."""


@runtime_checkable
class SuspendWire(Protocol):
    """A wire that knows whether its device has seen that the bus is idle."""

    @property
    def suspended(self) -> bool:
        """The device is suspended (7.1.7.6)."""


class RawHost(Protocol):
    """A host that carries single transactions. Each call is over when the transaction's time is.

    Must not be used while transfers are under way.
    """

    @property
    def pulled_up(self) -> bool:
        """The device has its pull-up on, whether the cable is in or not."""

    @property
    def answer_bits(self) -> float | None:
        """`TimedWire.answer_bits`; None where nobody knows."""

    @property
    def suspended(self) -> bool | None:
        """`SuspendWire.suspended`; None where nobody knows."""

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """See `Wire.setup`."""

    def out(
        self,
        address: int,
        endpoint: int,
        pid: Pid,
        data: bytes,
        fault: Fault | None = None,
        *,
        patience: float = 0.0,
    ) -> Packet | None:
        """See `Wire.out`; sent again after `GAP` as long as the answer is NAK and `patience` seconds are not over."""

    def in_(
        self,
        address: int,
        endpoint: int,
        fault: Fault | None = None,
        *,
        isochronous: bool = False,
        patience: float = 0.0,
    ) -> Packet | None:
        """See `Wire.in_`; a data packet is acknowledged unless there is a fault or the endpoint is isochronous.

        Asked again after `GAP` as long as the answer is NAK and `patience` seconds are not over.
        """


class Carrier(Protocol):
    """What `RawBus` needs of a host."""

    wire: Wire

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""

    def transact(self, carry: Callable[[Bus], T], length: int) -> T:
        """Let `carry` put one transaction on the bus."""

    def run(self, seconds: float) -> None:
        """Let time pass."""


class RawBus:
    """`RawHost` on a host in this process."""

    def __init__(self, host: Carrier) -> None:
        self._host = host
        self._wire = host.wire

    @property
    def pulled_up(self) -> bool:
        """The device has its pull-up on."""
        return self._wire.pulled_up

    @property
    def answer_bits(self) -> float | None:
        """How fast the device answers, in bit times."""
        return self._wire.answer_bits if isinstance(self._wire, TimedWire) else None

    @property
    def suspended(self) -> bool | None:
        """The device has seen that the bus is idle."""
        return self._wire.suspended if isinstance(self._wire, SuspendWire) else None

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """A SETUP transaction."""
        return self._host.transact(lambda bus: bus.raw(Pid.SETUP, address, endpoint, Pid.DATA0, data, fault), len(data))

    def out(
        self,
        address: int,
        endpoint: int,
        pid: Pid,
        data: bytes,
        fault: Fault | None = None,
        *,
        patience: float = 0.0,
    ) -> Packet | None:
        """An OUT transaction."""
        return self._repeat(lambda bus: bus.raw(Pid.OUT, address, endpoint, pid, data, fault), len(data), patience)

    def in_(
        self,
        address: int,
        endpoint: int,
        fault: Fault | None = None,
        *,
        isochronous: bool = False,
        patience: float = 0.0,
    ) -> Packet | None:
        """An IN transaction."""
        return self._repeat(
            lambda bus: bus.raw(Pid.IN, address, endpoint, None, b"", fault, isochronous=isochronous),
            1023 if isochronous else 64,
            patience,
        )

    def _repeat(self, carry: Callable[[Bus], Packet | None], length: int, patience: float) -> Packet | None:
        end = self._host.now + patience
        while True:
            answer = self._host.transact(carry, length)
            if answer is None or answer.pid is not Pid.NAK or self._host.now + GAP > end:
                return answer
            self._host.run(GAP)
