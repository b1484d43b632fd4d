"""What the C# host gathers of the bus, as records for observers (renode/host/UsbRecords.cs says the form)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from renode_pico.usb.observe import BusEventKind, BusEventRecord, BusObserver, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, Status, TransferType
from renode_pico.usb.wire import Fault, Pid

TRANSACTION, EVENT, TRANSFER = 1, 2, 3
_TRANSACTION = struct.Struct("<xqIHBBBBBBH")
_EVENT = struct.Struct("<xqHB")
_TRANSFER = struct.Struct("<xqqBBBBBii")

_PIDS = {pid.value: pid for pid in Pid}
# in the order of the C# enumerations
_FAULTS = (None, *Fault)
_STATES = tuple(Status)


class RenodeTrace:
    """Takes the host's records in, piece by piece, and tells the observers; costs nothing while there are none."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._observers: list[BusObserver] = []

    def add(self, observer: BusObserver) -> None:
        """Begin to report to an observer."""
        self.drain()
        self._observers.append(observer)
        self._choose()

    def remove(self, observer: BusObserver) -> None:
        """Report what has gathered, then no more to this observer."""
        if observer not in self._observers:
            return
        self.drain()
        self._observers.remove(observer)
        self._choose()

    def move(self, host: Any) -> None:
        """Report what another host gathers."""
        self._host = host
        self._choose()

    def drain(self) -> None:
        """Report what has happened since the last call, in the order of emulated time."""
        if not self._observers:
            return
        observers = self._observers
        for record in read_records(bytes(self._host.TakeRecords())):
            if isinstance(record, TransactionRecord):
                for observer in observers:
                    observer.transaction(record)
            elif isinstance(record, TransferRecord):
                for observer in self._observers:
                    observer.transfer(record)
            else:
                for observer in self._observers:
                    if record.kind is not BusEventKind.SOF or observer.wants_sof:
                        observer.event(record)

    def _choose(self) -> None:
        self._host.KeepRecords = bool(self._observers)
        self._host.TraceStartsOfFrame = any(observer.wants_sof for observer in self._observers)


def read_records(gathered: bytes) -> Iterator[TransactionRecord | BusEventRecord | TransferRecord]:
    """Yield the records one after the other."""
    position, size = 0, len(gathered)
    while position < size:
        kind = gathered[position]
        if kind == TRANSACTION:
            time, duration, frame, token, address, endpoint, data_pid, handshake, fault, length = (
                _TRANSACTION.unpack_from(gathered, position)
            )
            data = position + _TRANSACTION.size
            position = data + length
            yield TransactionRecord(
                time,
                duration,
                frame,
                _PIDS[token],
                address,
                endpoint,
                _PIDS.get(data_pid),
                gathered[data:position],
                _PIDS.get(handshake),
                _FAULTS[fault],
                1 if handshake == Pid.NAK else 0,
            )
        elif kind == EVENT:
            time, frame, length = _EVENT.unpack_from(gathered, position)
            name = position + _EVENT.size
            position = name + length
            yield BusEventRecord(time, frame, BusEventKind(gathered[name:position].decode("ascii")))
        else:
            record, position = _read_transfer(gathered, position)
            yield record


def _read_transfer(gathered: bytes, position: int) -> tuple[TransferRecord, int]:
    """Read a transfer; returns where the next record begins, too."""
    begin, end, address, endpoint_address, type_, status, setup_length, length, count = _TRANSFER.unpack_from(
        gathered, position
    )
    setup = position + _TRANSFER.size
    data = setup + setup_length
    packets = data + length
    record = TransferRecord(
        begin,
        end,
        address,
        endpoint_address,
        TransferType(type_),
        _STATES[status],
        Setup.unpack(gathered[setup:data]) if setup_length else None,
        gathered[data:packets],
        struct.unpack_from(f"<{count}H", gathered, packets),
    )
    return record, packets + 2 * count
