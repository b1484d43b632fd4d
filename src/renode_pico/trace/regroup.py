"""Transfers out of transactions: for traces that hold only what was on the wire, as Renode's monitor writes them.

What a host wanted cannot be seen on the wire, so some of it is inferred: a bulk or interrupt transfer ends with a short
packet (USB 2.0, 5.7.3, 5.8.3), a control transfer with its status stage (8.5.3). Endpoint types and packet sizes come
from the configuration descriptors that pass by; before one has, an endpoint is taken for bulk with 64 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from renode_pico.errors import UsageError
from renode_pico.trace.tsv import parse_line
from renode_pico.usb.observe import BusEventKind, BusEventRecord, BusObserver, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, Status, TransferType
from renode_pico.usb.wire import Pid

GET_CONFIGURATION_DESCRIPTOR = (0x80, 6, 2)
ENDPOINT_DESCRIPTOR = 5
ATTEMPTS = 3
"""Failed attempts after which a host gives a transfer up (10.2.6)."""
ENDS = (BusEventKind.RESET_BEGIN, BusEventKind.DETACH, BusEventKind.UNPLUG)


def replay(recorded: Path, observers: Iterable[BusObserver]) -> None:
    """Tell observers what a trace of Renode's monitor holds. Raises UsageError with the line that makes no sense."""
    observers = list(observers)
    with recorded.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.startswith("#") or not line.strip():
                continue
            try:
                record = parse_line(line.rstrip("\n"))
            except (ValueError, LookupError) as error:
                raise UsageError(f"{recorded}, line {number}: this is no trace of Renode's host ({error})") from error
            for observer in observers:
                if isinstance(record, TransactionRecord):
                    observer.transaction(record)
                else:
                    observer.event(record)


@dataclass(slots=True)
class _Open:
    """A transfer whose end has not been seen."""

    begin_ns: int
    address: int
    endpoint_address: int
    type: TransferType
    setup: Setup | None = None
    data: bytearray = field(default_factory=bytearray)
    packets: list[int] = field(default_factory=list)
    last_pid: Pid | None = None
    failures: int = 0


class Regroup:
    """Passes records on to an observer, with the transfers that they make up behind them."""

    def __init__(self, observer: BusObserver) -> None:
        self._observer = observer
        self._open: dict[tuple[int, int], _Open] = {}
        self._endpoints: dict[tuple[int, int], tuple[TransferType, int]] = {}

    @property
    def wants_sof(self) -> bool:
        """As the observer behind."""
        return self._observer.wants_sof

    def transaction(self, record: TransactionRecord) -> None:
        """Pass a transaction on, and the transfer that ends with it."""
        self._observer.transaction(record)
        if record.endpoint == 0:
            self._control(record)
        else:
            self._other(record)

    def event(self, record: BusEventRecord) -> None:
        """Pass an event on; some end all transfers."""
        if record.kind in ENDS:
            for key in list(self._open):
                self._end(key, record.time_ns, Status.DISCONNECTED)
        self._observer.event(record)

    def transfer(self, record: TransferRecord) -> None:
        """Transfers are made here, not taken."""

    def _control(self, record: TransactionRecord) -> None:
        key = (record.address, 0)
        end_ns = record.time_ns + record.duration_ns
        if record.token is Pid.SETUP:
            if key in self._open:
                self._end(key, record.time_ns, Status.CANCELLED)
            if len(record.data) == 8:
                setup = Setup.unpack(record.data)
                self._open[key] = _Open(record.time_ns, record.address, 0, TransferType.CONTROL, setup)
            return
        transfer = self._open.get(key)
        if transfer is None or transfer.setup is None:
            return
        if record.handshake is Pid.STALL:
            self._end(key, end_ns, Status.STALLED)
        elif record.handshake is Pid.ACK and record.data_pid is not None:
            reads = transfer.setup.is_in and transfer.setup.wLength > 0
            if (record.token is Pid.IN) == reads and transfer.setup.wLength > 0:
                self._take(transfer, record)
            else:
                self._learn(transfer)
                self._end(key, end_ns, Status.COMPLETED)
        elif self._failed(transfer, record):
            self._end(key, end_ns, Status.ERROR)

    def _other(self, record: TransactionRecord) -> None:
        key = (record.address, record.endpoint_address)
        kind, size = self._endpoints.get(key, (TransferType.BULK, 64))
        end_ns = record.time_ns + record.duration_ns
        transfer = self._open.get(key)
        if transfer is None:
            transfer = self._open[key] = _Open(record.time_ns, record.address, record.endpoint_address, kind)
        if kind is TransferType.ISOCHRONOUS:
            self._take(transfer, record)
            self._end(key, end_ns, Status.COMPLETED)
        elif record.handshake is Pid.STALL:
            self._end(key, end_ns, Status.STALLED)
        elif record.handshake is Pid.ACK and record.data_pid is not None:
            self._take(transfer, record)
            if len(record.data) < size:
                self._end(key, end_ns, Status.COMPLETED)
        elif self._failed(transfer, record):
            self._end(key, end_ns, Status.ERROR)

    def _take(self, transfer: _Open, record: TransactionRecord) -> None:
        transfer.failures = 0
        if record.data_pid is transfer.last_pid and transfer.type is not TransferType.ISOCHRONOUS:
            return  # the packet before once more: its handshake was lost (8.6.4)
        transfer.last_pid = record.data_pid
        transfer.data += record.data
        transfer.packets.append(len(record.data))

    def _failed(self, transfer: _Open, record: TransactionRecord) -> bool:
        if record.handshake is Pid.NAK:
            return False
        transfer.failures += 1
        return transfer.failures >= ATTEMPTS

    def _learn(self, transfer: _Open) -> None:
        """Note the endpoints of a configuration descriptor."""
        setup = transfer.setup
        assert setup is not None
        if (setup.bmRequestType, setup.bRequest, setup.wValue >> 8) != GET_CONFIGURATION_DESCRIPTOR:
            return
        data, position = bytes(transfer.data), 0
        while position + 2 <= len(data) and data[position] >= 2:
            descriptor = data[position : position + data[position]]
            if descriptor[1] == ENDPOINT_DESCRIPTOR and len(descriptor) >= 7:
                size = (descriptor[4] | descriptor[5] << 8) & 0x7FF
                self._endpoints[transfer.address, descriptor[2]] = (TransferType(descriptor[3] & 3), size)
            position += data[position]

    def _end(self, key: tuple[int, int], end_ns: int, status: Status) -> None:
        made = self._open.pop(key)
        self._observer.transfer(
            TransferRecord(
                made.begin_ns,
                end_ns,
                made.address,
                made.endpoint_address,
                made.type,
                status,
                made.setup,
                bytes(made.data),
                tuple(made.packets),
            )
        )
