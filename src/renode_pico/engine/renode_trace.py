"""What the C# host writes down of the bus, as records for observers (renode/host/UsbTrace.cs says the file's form)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from renode_pico.trace.tsv import parse_line
from renode_pico.usb.observe import BusEventKind, BusEventRecord, BusObserver, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Status


class Recordable(Protocol):
    """A transfer that can tell observers about itself."""

    @property
    def status(self) -> Status:
        """Where it stands."""

    def record(self) -> TransferRecord:
        """Everything about it, once it is final."""


class RenodeTrace:
    """Takes the host's trace file in, piece by piece, and tells the observers; costs nothing while there are none."""

    def __init__(self, host: Any, streamed: Callable[[], Sequence[Recordable]]) -> None:
        self._host = host
        self._streamed = streamed
        self._observers: list[BusObserver] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._path = Path()
        self._position = 0
        self._transfers: list[Recordable] = []

    def add(self, observer: BusObserver) -> None:
        """Begin to report to an observer."""
        if not self._observers:
            self._folder = tempfile.TemporaryDirectory(prefix="pico-renode-")
            self._path = Path(self._folder.name) / "trace.txt"
            self._position = 0
            self._host.TraceStart(str(self._path))
        self._observers.append(observer)
        self._choose()

    def remove(self, observer: BusObserver) -> None:
        """Report what has gathered, then no more to this observer."""
        if observer not in self._observers:
            return
        self.drain()
        self._observers.remove(observer)
        self._choose()
        if not self._observers and self._folder is not None:
            self._host.TraceStop()
            self._folder.cleanup()
            self._folder = None
            self._transfers.clear()

    def _choose(self) -> None:
        self._host.KeepStreamed = bool(self._observers)
        self._host.TraceStartsOfFrame = any(observer.wants_sof for observer in self._observers)

    def watch(self, transfer: Recordable) -> None:
        """Report this transfer when it is final."""
        if self._observers:
            self._transfers.append(transfer)

    def drain(self) -> None:
        """Report what has happened since the last call, in the order of emulated time."""
        if not self._observers:
            return
        self._host.TraceFlush()
        with self._path.open() as file:
            file.seek(self._position)
            lines = file.read().splitlines()
            self._position = file.tell()
        self._transfers += self._streamed()
        ended = [transfer.record() for transfer in self._transfers if transfer.status is not Status.PENDING]
        self._transfers = [transfer for transfer in self._transfers if transfer.status is Status.PENDING]
        ended.sort(key=lambda record: record.end_ns)
        for line in lines:
            if line.startswith("#"):
                continue
            record = parse_line(line)
            end = record.time_ns + (record.duration_ns if isinstance(record, TransactionRecord) else 0)
            while ended and ended[0].end_ns < end:
                self._transfer(ended.pop(0))
            self._report(record)
        for left in ended:
            self._transfer(left)

    def _report(self, record: TransactionRecord | BusEventRecord) -> None:
        for observer in self._observers:
            if isinstance(record, TransactionRecord):
                observer.transaction(record)
            elif record.kind is not BusEventKind.SOF or observer.wants_sof:
                observer.event(record)

    def _transfer(self, record: TransferRecord) -> None:
        for observer in self._observers:
            observer.transfer(record)
