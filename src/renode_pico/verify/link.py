"""What the verifier reaches a device through: our host on either engine, or PyUSB (`pyusb.PyUsbLink`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from renode_pico.errors import UsageError
from renode_pico.usb.raw import RawHost
from renode_pico.usb.transfer import Host, Pipe, Setup, Status


@dataclass(frozen=True, slots=True)
class Answer:
    """How a transfer ended. `data`: what came of an IN; `length`: bytes that were moved; `seconds` it took."""

    status: Status
    data: bytes = b""
    length: int = 0
    seconds: float = 0.0
    packets: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """It is complete."""
        return self.status is Status.COMPLETED

    @property
    def stalled(self) -> bool:
        """The device has refused it."""
        return self.status is Status.STALLED

    def __str__(self) -> str:
        if not self.ok:
            return "STALL" if self.stalled else self.status.value
        if not self.data:
            return f"done, {self.length} bytes"
        shown = self.data[:24].hex(" ")
        return f"{len(self.data)} bytes: {shown}{' ...' if len(self.data) > 24 else ''}"


class Link(Protocol):
    """The host's end. Times are seconds: emulated ones, or real ones where the device is real."""

    @property
    def host(self) -> Host | None:
        """Our own host; None where an operating system is between."""

    @property
    def raw(self) -> RawHost | None:
        """Single transactions, where they can be had."""

    @property
    def why_not_raw(self) -> str:
        """Why there are none."""

    @property
    def resets(self) -> bool:
        """The bus can be reset, as far as is known."""

    @property
    def cancels(self) -> bool:
        """A transfer of which nothing comes can be given up."""

    @property
    def now(self) -> float:
        """Seconds since the beginning."""

    @property
    def transactions(self) -> int:
        """How many the bus has carried."""

    def reset(self) -> int:
        """Reset the bus; the address at which the device answers afterwards."""

    def control(self, pipe: Pipe, setup: Setup, data: bytes, timeout: float) -> Answer:
        """A control transfer."""

    def transfer(self, pipe: Pipe, data: bytes, length: int, timeout: float, zero_packet: bool) -> Answer:
        """A transfer on another endpoint: OUT of `data`, or IN of `length` bytes."""

    def exchange(self, out: Pipe, data: bytes, into: Pipe, timeout: float, packets: int = 1) -> tuple[Answer, bytes]:
        """An OUT transfer, and what comes from an IN endpoint meanwhile and after it, as many bytes as were sent.

        packets: how many an IN transfer asks for at most. `timeout` is that of each transfer.
        """

    def reset_toggle(self, pipe: Pipe) -> None:
        """The host's side of an endpoint begins with DATA0 again."""

    def run(self, seconds: float) -> None:
        """Let time pass."""


@runtime_checkable
class HasRaw(Protocol):
    """A host that carries single transactions."""

    def raw(self) -> RawHost:
        """The way to do so."""


class HostLink:
    """`Link` by a host of ours."""

    def __init__(self, host: Host) -> None:
        self.host: Host = host
        self.raw: RawHost | None = host.raw() if isinstance(host, HasRaw) else None
        self.why_not_raw = "this host makes transfers only"
        self.resets = self.cancels = True

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self.host.now

    @property
    def transactions(self) -> int:
        """How many the bus has carried since power-on."""
        return self.host.transactions

    def reset(self) -> int:
        """Reset the bus: the device is in the Default state."""
        self.host.reset()
        return 0

    def control(self, pipe: Pipe, setup: Setup, data: bytes, timeout: float) -> Answer:
        """A control transfer."""
        return self._end(pipe, data, setup, 0, timeout, False)

    def transfer(self, pipe: Pipe, data: bytes, length: int, timeout: float, zero_packet: bool) -> Answer:
        """A transfer on another endpoint."""
        return self._end(pipe, data, None, length, timeout, zero_packet)

    def _end(
        self, pipe: Pipe, data: bytes, setup: Setup | None, length: int, timeout: float, zero_packet: bool
    ) -> Answer:
        host = self.host
        began = host.now
        try:
            transfer = host.submit(pipe, data, setup=setup, length=length, timeout=timeout, zero_packet=zero_packet)
        except UsageError:
            return Answer(Status.ERROR)
        host.wait_until(lambda: transfer.status is not Status.PENDING, timeout + 0.001)
        came = transfer.data if (setup.is_in if setup is not None else pipe.is_in) else b""
        return Answer(transfer.status, came, transfer.actual_length, host.now - began, transfer.packets)

    def exchange(self, out: Pipe, data: bytes, into: Pipe, timeout: float, packets: int = 1) -> tuple[Answer, bytes]:
        """Both at once, as a device need not keep all that is sent before it is read."""
        host = self.host
        writing = host.submit(out, data, timeout=timeout)
        came = bytearray()
        while len(came) < len(data):
            left = -(-(len(data) - len(came)) // into.max_packet_size)
            answer = self.transfer(into, b"", min(packets, left) * into.max_packet_size, timeout, False)
            came += answer.data
            if not answer.ok:
                break
        host.wait_until(lambda: writing.status is not Status.PENDING, timeout)
        return Answer(writing.status, b"", writing.actual_length), bytes(came)

    def reset_toggle(self, pipe: Pipe) -> None:
        """DATA0 on the host's side."""
        self.host.reset_toggle(pipe.address, pipe.endpoint_address)

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""
        self.host.run(seconds)
