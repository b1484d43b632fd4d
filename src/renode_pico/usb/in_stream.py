"""What flows in from a bulk endpoint, gathered until its owner takes it."""

from __future__ import annotations

from renode_pico.usb.transfer import Host
from renode_pico.usb.values import InStream, Pipe, Status, Transfer

__all__ = ["InStream", "TransferStream"]


class TransferStream:
    """An `InStream` made of a host's transfers."""

    def __init__(self, host: Host, pipe: Pipe, *, transfers: int, backlog: int) -> None:
        self._host = host
        self._pipe = pipe
        self._transfers = transfers
        self._backlog = backlog
        self._data = bytearray()
        self._pending: list[Transfer] = []
        self._closed = False
        self.failed: Transfer | None = None

    @property
    def available(self) -> int:
        """Bytes that have come and were not taken."""
        return len(self._data)

    def fill(self) -> None:
        """Ask for more where there is room."""
        size = self._pipe.max_packet_size
        while (
            not self._closed
            and self.failed is None
            and len(self._pending) < self._transfers
            and len(self._data) + len(self._pending) * size < self._backlog
        ):
            self._pending.append(self._host.submit(self._pipe, length=size, on_done=self._received))

    def take(self) -> bytes:
        """Return everything that has come."""
        data = bytes(self._data)
        self._data.clear()
        return data

    def wait(self, until: bytes, timeout: float) -> bool:
        """Run until the byte has come, or nothing is asked for any more."""
        searched, found = 0, False

        def enough() -> bool:
            nonlocal searched, found
            found = found or (self._data.find(until, searched) >= 0 if until else bool(self._data))
            searched = len(self._data)
            return found or not self._pending

        return self._host.wait_until(enough, timeout)

    def close(self) -> None:
        """Cancel what is asked for."""
        self._closed = True
        for transfer in tuple(self._pending):
            self._host.cancel(transfer)

    def _received(self, transfer: Transfer) -> None:
        if transfer in self._pending:
            self._pending.remove(transfer)
        self._data += transfer.data
        if transfer.status is Status.COMPLETED:
            self.fill()
        elif transfer.status is not Status.CANCELLED:
            self.failed = transfer
