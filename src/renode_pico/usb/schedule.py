"""Which pipe has the bus next (USB 2.0, 5.11; docs/bus-timing.md, "Order in a frame")."""

from __future__ import annotations

from collections.abc import Iterator

from renode_pico.errors import UsageError
from renode_pico.usb.endpoint_pipe import NOT_PARKED, EndpointPipe, HostTransfer, PeriodicPipe, make_pipe
from renode_pico.usb.transfer import Pipe, TransferType
from renode_pico.usb.wire import Pid


class Schedule:
    """All pipes of the bus and their turns.

    Isochronous pipes that are due come first, then interrupt pipes that are due, then control and bulk pipes in turn,
    one transaction each, in the order in which they were first used. A failed transaction is tried again before
    anything else.
    """

    def __init__(self) -> None:
        self._pipes: dict[tuple[int, int], EndpointPipe] = {}
        self._by_endpoint: dict[int, list[EndpointPipe]] = {}
        self._periodic: list[PeriodicPipe] = []
        self._ring: list[EndpointPipe] = []
        self._turn = 0
        self._last: EndpointPipe | None = None
        self.waits_for_frame = False
        """After `choose` returned None: something is to be done in a later frame."""

    def transfers(self) -> Iterator[HostTransfer]:
        """Iterate over all queued transfers, pipe by pipe in the order of first use."""
        for pipe in self._pipes.values():
            yield from pipe.queue

    def add(self, transfer: HostTransfer) -> EndpointPipe:
        """Queue a transfer on its pipe, which is made at its first use."""
        pipe = self._pipe(transfer.pipe)
        pipe.queue.append(transfer)
        if len(pipe.queue) == 1:
            pipe.head_changed()
        return pipe

    def remove(self, transfer: HostTransfer) -> None:
        """Take a transfer from its queue."""
        pipe = self._pipes[_key(transfer.pipe)]
        was_head = pipe.queue[0] is transfer
        pipe.queue.remove(transfer)
        if was_head:
            pipe.head_changed()

    def reset_toggle(self, address: int, endpoint_address: int) -> None:
        """Expect or send DATA0 next on an endpoint, and try it again if it was put aside."""
        pipe = self._pipes.get((address, endpoint_address))
        if pipe is not None:
            pipe.toggle = Pid.DATA0
            pipe.parked = NOT_PARKED

    def unpark(self, endpoint_address: int) -> bool:
        """End the waiting of pipes that were answered NAK there; True when there was one with a transfer."""
        found = False
        for pipe in self._by_endpoint.get(endpoint_address, ()):
            if pipe.parked == endpoint_address:
                pipe.parked = NOT_PARKED
                found = found or bool(pipe.queue)
        return found

    def choose(self, frame: int, left_ns: int) -> EndpointPipe | None:
        """Return the pipe for the next transaction, one that ends before `left_ns` have passed."""
        self.waits_for_frame = False
        last = self._last
        if last is not None and last.attempts and last.queue:
            if last.cost_ns() < left_ns:
                return last
            self.waits_for_frame = True
        for periodic in self._periodic:
            if periodic.queue and periodic.parked == NOT_PARKED:
                if periodic.due(frame) and periodic.cost_ns() < left_ns:
                    periodic.serve(frame)
                    self._last = periodic
                    return periodic
                self.waits_for_frame = True
        ring = self._ring
        size = len(ring)
        turn = self._turn
        for _ in range(size):
            if turn >= size:
                turn = 0
            pipe = ring[turn]
            turn += 1
            if pipe.queue and pipe.parked == NOT_PARKED:
                if pipe.cost_ns() < left_ns:
                    self._turn = turn
                    self._last = pipe
                    return pipe
                self.waits_for_frame = True
        return None

    def _pipe(self, pipe: Pipe) -> EndpointPipe:
        key = _key(pipe)
        known = self._pipes.get(key)
        if known is not None:
            if known.pipe == pipe:
                return known
            if known.queue:
                raise UsageError(f"{pipe} is in use with other properties: {known.pipe}")
            self._forget(key, known)
        made = make_pipe(pipe)
        if known is not None:
            made.toggle = known.toggle
        self._pipes[key] = made
        for address in made.endpoint_addresses:
            self._by_endpoint.setdefault(address, []).append(made)
        if isinstance(made, PeriodicPipe):
            self._periodic.append(made)
            self._periodic.sort(key=lambda entry: entry.pipe.type is not TransferType.ISOCHRONOUS)
        else:
            self._ring.append(made)
        return made

    def _forget(self, key: tuple[int, int], pipe: EndpointPipe) -> None:
        del self._pipes[key]
        for address in pipe.endpoint_addresses:
            self._by_endpoint[address].remove(pipe)
        if isinstance(pipe, PeriodicPipe):
            self._periodic.remove(pipe)
        else:
            self._ring.remove(pipe)
        if self._last is pipe:
            self._last = None


def _key(pipe: Pipe) -> tuple[int, int]:
    if pipe.type is TransferType.CONTROL:
        return pipe.address, pipe.number
    return pipe.address, pipe.endpoint_address
