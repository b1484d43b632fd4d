"""Endpoints that give back what they are given: how data is sent through a device whose purpose is not known.

A vendor interface that loops back, and MicroPython's prompt behind CDC, which echoes what is typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from renode_pico.usb.descriptors import EndpointDescriptor
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.usb.wire import Fault, Packet, Pid
from renode_pico.verify.bench import PATIENCE, Bench, is_ack

if TYPE_CHECKING:
    from collections.abc import Iterator

SET_CONTROL_LINE_STATE = 0x22
DTR_AND_RTS = 3
PROBE = b"qwerty"
CTRL_C = b"\x03"
SETTLE = 0.0001
"""Seconds between SET_CONTROL_LINE_STATE and data."""
QUIET = 0.02
"""Seconds without data after which an endpoint is taken to have said all."""
ROUNDS = (1, 2)
"""Packets before what resets toggles: the toggles stand either way once."""
STREAM = 5.0
"""Seconds for a transfer of many packets."""
LINE = 192
"""The most bytes sent before the line is begun anew: a prompt's line does not go on for ever."""


class Loop:
    """A pair of endpoints behind which bytes come back, by transfers."""

    def __init__(self, bench: Bench, out: EndpointDescriptor, into: EndpointDescriptor) -> None:
        self.bench = bench
        self.out = out
        self.into = into

    def drain(self) -> bytes:
        """Read until nothing comes any more; an empty packet is something."""
        came = bytearray()
        while (answer := self.bench.read(self.into, self.into.max_packet_size, QUIET)).ok:
            came += answer.data
        return bytes(came)

    def clear(self) -> None:
        """A new line where there is a prompt; whatever comes of it is read away."""
        self.bench.write(self.out, CTRL_C, 0.2)
        self.drain()

    def gather(self, length: int, timeout: float = 1.0) -> bytes:
        """Read so many bytes, in whatever packets they come."""
        came = bytearray()
        while len(came) < length:
            answer = self.bench.read(self.into, self.into.max_packet_size, timeout)
            if not answer.ok:
                break
            came += answer.data
        return bytes(came)

    def packets(self, count: int) -> None:
        """Send so many small packets, each of which must come back: toggles stand otherwise after each."""
        for _ in range(count):
            data = letters(self.bench, 3)
            self.bench.expect(self.passes(data), "the same 3 bytes")

    def passes(self, data: bytes) -> bool:
        """Send data; whether exactly that comes back. Asked for at once: a device keeps little while nobody reads."""
        bench, into = self.bench, self.bench.pipe(self.into)
        packets = -(-len(data) // into.max_packet_size)
        written, came = bench.link.exchange(bench.pipe(self.out), data, into, 1.0, packets)
        bench.note(f"{len(data)} bytes to {self.out.bEndpointAddress:#04x}", f"{written}; {shown(came)}")
        return written.ok and came == data

    def greeting(self, data: bytes, should: str) -> bytes:
        """Send the first data through ports that have just been opened; what the device says before it.

        Some send a line to whoever opens them. It comes with the first toggles, so it has to be the same each time.
        Fails unless the data comes back behind it.
        """
        bench, into = self.bench, self.bench.pipe(self.into)
        written, came = bench.link.exchange(bench.pipe(self.out), data, into, 1.0)
        while not came.endswith(data) and (more := bench.read(self.into, into.max_packet_size, QUIET)).ok:
            came += more.data
        bench.note(f"{len(data)} bytes to {self.out.bEndpointAddress:#04x}", f"{written}; {shown(came)}")
        bench.expect(written.ok and came.endswith(data), should)
        return came.removesuffix(data)

    def streams(self, data: bytes) -> bool:
        """The same for more than a device keeps at once, in long transfers."""
        bench = self.bench
        into = bench.pipe(self.into)
        packets = -(-len(data) // into.max_packet_size)
        written, came = bench.link.exchange(bench.pipe(self.out), data, into, STREAM, packets)
        same = next((at for at, pair in enumerate(zip(came, data, strict=False)) if pair[0] != pair[1]), len(came))
        told = f"{len(came)} bytes back, the first {same} of them right"
        bench.note(f"{len(data)} bytes to {self.out.bEndpointAddress:#04x}", f"{written}; {told}")
        return written.ok and came == data


class RawLoop:
    """The same by single transactions, so that each of them can be spoiled."""

    def __init__(self, bench: Bench, out: EndpointDescriptor, into: EndpointDescriptor) -> None:
        self.bench = bench
        self.out = out
        self.into = into

    def send(self, data: bytes, fault: Fault | None = None) -> Packet | None:
        """One OUT packet, without regard to the answer but for NAK, which is waited out; the toggle stays."""
        bench = self.bench
        return bench.tx_out(self.out.bEndpointAddress, bench.pid(self.out), data, fault, patience=PATIENCE)

    def put(self, data: bytes) -> None:
        """One OUT packet that must be taken."""
        self.bench.expect(is_ack(self.send(data)), "ACK")
        self.bench.toggle(self.out)

    def take(self, fault: Fault | None = None, timeout: float = 0.5) -> bytes | None:
        """One IN packet; None when none comes. A packet with the old toggle is a repetition: b''."""
        bench = self.bench
        packet = bench.tx_in(self.into.bEndpointAddress, fault, patience=timeout)
        if packet is None or packet.pid not in (Pid.DATA0, Pid.DATA1):
            return None
        if packet.pid is not bench.pid(self.into):
            return b""
        if fault is None:
            bench.toggle(self.into)
        return packet.data

    def gather(self, length: int) -> bytes:
        """Read so many bytes."""
        came = bytearray()
        while len(came) < length:
            data = self.take()
            if data is None:
                break
            came += data
        return bytes(came)

    def drain(self) -> bytes:
        """Read until nothing comes any more."""
        came = bytearray()
        while (data := self.take(timeout=QUIET)) is not None:
            came += data
        return bytes(came)

    def clear(self) -> None:
        """A new line where there is a prompt."""
        self.put(CTRL_C)
        self.drain()

    def expect(self, data: bytes, came: bytes) -> None:
        """Fail unless exactly that has come back."""
        self.bench.note(f"{len(data)} bytes to {self.out.bEndpointAddress:#04x}: {data[:16]!r}", shown(came))
        self.bench.expect(came == data, f"the same {len(data)} bytes")


def shown(data: bytes) -> str:
    """Bytes that came back, in short."""
    return f"{len(data)} bytes back: {data[:24]!r}{' ...' if len(data) > 24 else ''}"


def letters(bench: Bench, length: int) -> bytes:
    """Random text that a prompt echoes as it is."""
    return bytes(bench.rng.choice(b"abcdefghijklmnopqrstuvwxyz") for _ in range(length))


def open_ports(bench: Bench) -> None:
    """Tell CDC ports that somebody listens."""
    for interface in bench.tree.acm_interfaces():
        bench.control(Setup(0x21, SET_CONTROL_LINE_STATE, DTR_AND_RTS, interface, 0))


def pairs(bench: Bench) -> Iterator[tuple[EndpointDescriptor, EndpointDescriptor]]:
    """Bulk endpoints that belong to one interface, OUT and IN."""
    for setting in bench.tree.settings():
        if setting.bAlternateSetting or setting.bInterfaceClass not in (0x0A, 0xFF):
            continue
        bulk = [endpoint for endpoint in setting.endpoints if endpoint.type is TransferType.BULK]
        outs = [endpoint for endpoint in bulk if not endpoint.bEndpointAddress & 0x80]
        ins = [endpoint for endpoint in bulk if endpoint.bEndpointAddress & 0x80]
        if outs and ins:
            yield outs[0], ins[0]


def find(bench: Bench) -> tuple[EndpointDescriptor, EndpointDescriptor] | None:
    """The first pair that gives back what it is given. Leaves the device configured."""
    for out, into in pairs(bench):
        bench.to_configured()
        open_ports(bench)
        loop = Loop(bench, out, into)
        bench.run(QUIET)
        loop.clear()
        if loop.passes(PROBE):
            return out, into
    return None


def _found(bench: Bench) -> tuple[EndpointDescriptor, EndpointDescriptor]:
    if not bench.link.cancels:
        bench.skip("this host cannot give up a read: what an endpoint has to say cannot be read away")
    if not bench.loop_known:
        bench.loop = find(bench)
        bench.loop_known = True
    if bench.loop is None:
        bench.skip("no pair of bulk endpoints of this device gives back what it is given")
    return bench.loop


def loop(bench: Bench) -> Loop:
    """A configured device, and a pair that loops. Raises NotApplicable when there is none."""
    found = _found(bench)
    bench.to_configured()
    open_ports(bench)
    loop = Loop(bench, *found)
    bench.run(SETTLE)
    loop.clear()
    return loop


def raw_loop(bench: Bench) -> RawLoop:
    """The same by single transactions."""
    _ = bench.raw
    found = _found(bench)
    bench.to_configured()
    open_ports(bench)
    loop = RawLoop(bench, *found)
    bench.run(SETTLE)
    loop.clear()
    return loop
