"""Records of the bus, in order, with runs of NAKs folded: streamed to whoever takes them, or the last ones kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.wire import Pid

Record = TransactionRecord | BusEventRecord | TransferRecord


class Recorder:
    """A `BusObserver` that passes each record to `sink` as it is complete; keeps nothing but open runs of NAKs.

    Transactions of one endpoint answered by NAK, with nothing but other NAKs between them, become one record with their
    number in `nak_count` and the time and frame of the first. Records come in the order of their times. `sof`: starts
    of frame, too; `transfers`: a record for each transfer that has become final. Call `close` at the end.
    """

    def __init__(self, sink: Callable[[Record], None], *, sof: bool = False, transfers: bool = True) -> None:
        self.wants_sof = sof
        self._sink = sink
        self._transfers = transfers
        self._naks: dict[tuple[int, Pid, int], TransactionRecord] = {}
        self._counts: dict[tuple[int, Pid, int], int] = {}

    def transaction(self, record: TransactionRecord) -> None:
        """Take a transaction."""
        if record.handshake is Pid.NAK:
            key = record.address, record.token, record.endpoint
            self._naks.setdefault(key, record)
            self._counts[key] = self._counts.get(key, 0) + record.nak_count
        else:
            self._flush()
            self._sink(record)

    def event(self, record: BusEventRecord) -> None:
        """Take a bus event."""
        self._flush()
        self._sink(record)

    def transfer(self, record: TransferRecord) -> None:
        """Take a transfer."""
        if self._transfers:
            self._flush()
            self._sink(record)

    def close(self) -> None:
        """Pass on what is still open."""
        self._flush()

    def _flush(self) -> None:
        if not self._naks:
            return
        for key, record in self._naks.items():
            count = self._counts[key]
            self._sink(record if count == record.nak_count else record._replace(nak_count=count))
        self._naks.clear()
        self._counts.clear()


class RingRecorder(Recorder):
    """Keeps the last `limit` records in memory, e.g. to show what came before a failure."""

    def __init__(self, limit: int = 1000, *, sof: bool = False, transfers: bool = True) -> None:
        self._ring: deque[Record] = deque(maxlen=limit)
        super().__init__(self._ring.append, sof=sof, transfers=transfers)

    def __iter__(self) -> Iterator[Record]:
        self.close()
        return iter(tuple(self._ring))

    def __len__(self) -> int:
        self.close()
        return len(self._ring)
