"""The bus trace as one self-contained HTML page: a timeline that a person reads at a glance.

The page's code comes from `templates/`; the records follow as compressed blocks, written while the bus runs, so that
the trace is never whole in memory. The page unpacks them; `templates/records.js` reads what `_HEAD` writes here.
"""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache
from typing import BinaryIO

from jinja2 import Environment, PackageLoader, select_autoescape

from renode_pico import __version__
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Status
from renode_pico.usb.wire import Fault, Pid

TRANSACTION, EVENT, TRANSFER = 0, 1, 2
_HEAD = struct.Struct("<dd8BIIHH")
"""Begin and end in ns; what it is, token, event or type, address, endpoint, data PID or status, handshake, fault, 0;
NAKs or packets it stands for; bytes of data that belong to it; frame; 0."""
_COUNT = struct.Struct("<I")
_BLOCK_RECORDS = 4096
_MARK = "@records@"

EVENTS = tuple(BusEventKind)
STATES = tuple(Status)
FAULTS = tuple(Fault)
_EVENT_NUMBER = {kind: number for number, kind in enumerate(EVENTS)}
_STATE_NUMBER = {status: number for number, status in enumerate(STATES)}
_FAULT_NUMBER = {fault: number + 1 for number, fault in enumerate(FAULTS)}


class _NakRun:
    """Transactions of one endpoint answered by NAK, one after the other."""

    __slots__ = ("count", "end_ns", "first")

    def __init__(self, first: TransactionRecord) -> None:
        self.first = first
        self.count = 0
        self.end_ns = 0

    def add(self, record: TransactionRecord) -> None:
        """Count another one."""
        self.count += record.nak_count
        self.end_ns = record.time_ns + record.duration_ns


class HtmlTrace:
    """Observes a bus and writes the page to a binary stream; it is complete after `close()`. The stream stays open."""

    wants_sof = False

    def __init__(self, stream: BinaryIO, *, title: str = "USB trace") -> None:
        self._stream = stream
        self._heads: list[bytes] = []
        self._data: list[bytes] = []
        self._runs: dict[tuple[int, int], _NakRun] = {}
        page = _environment().get_template("timeline.html.j2")
        text = page.render(
            title=title,
            version=__version__,
            mark=_MARK,
            events=[kind.value for kind in EVENTS],
            states=[status.value for status in STATES],
            faults=[fault.value for fault in FAULTS],
        )
        head, self._tail = text.split(_MARK)
        self._stream.write(head.encode())

    def transaction(self, record: TransactionRecord) -> None:
        """Take a transaction; NAKs of one endpoint in a row become one record."""
        if record.handshake is Pid.NAK and record.fault is None:
            key = (record.address, record.endpoint_address)
            run = self._runs.get(key)
            if run is None:
                run = self._runs[key] = _NakRun(record)
            run.add(record)
            return
        if self._runs:
            self._end_run((record.address, record.endpoint_address))
        self._transaction(record, record.time_ns + record.duration_ns, 0, record.data)

    def event(self, record: BusEventRecord) -> None:
        """Take a change of the line's state."""
        if record.kind is BusEventKind.SOF:
            return
        for key in list(self._runs):
            self._end_run(key)
        number = _EVENT_NUMBER[record.kind]
        self._add(_HEAD.pack(record.time_ns, record.time_ns, EVENT, number, 0, 0, 0, 0, 0, 0, 0, 0, record.frame, 0))

    def transfer(self, record: TransferRecord) -> None:
        """Take a transfer; its data is that of its transactions."""
        number = record.endpoint_address & 0x0F
        for endpoint_address in (number, number | 0x80):
            self._end_run((record.address, endpoint_address))
        setup = record.setup.pack() if record.setup is not None else b""
        state = _STATE_NUMBER[record.status]
        self._add(
            _HEAD.pack(
                record.begin_ns,
                record.end_ns,
                TRANSFER,
                record.type.value,
                record.address,
                record.endpoint_address,
                state,
                0,
                0,
                0,
                len(record.packets),
                len(setup),
                0,
                0,
            ),
            setup,
        )

    def close(self) -> None:
        """Write what is left, and the end of the page."""
        for key in list(self._runs):
            self._end_run(key)
        self._write_block()
        self._stream.write(self._tail.encode())
        self._stream.flush()

    def _end_run(self, key: tuple[int, int]) -> None:
        run = self._runs.pop(key, None)
        if run is not None:
            self._transaction(run.first, run.end_ns, run.count, b"")

    def _transaction(self, record: TransactionRecord, end_ns: int, naks: int, data: bytes) -> None:
        time_ns, _, frame, token, address, _, data_pid, _, handshake, fault, _ = record
        self._add(
            _HEAD.pack(
                time_ns,
                end_ns,
                TRANSACTION,
                token,
                address,
                record.endpoint_address,
                data_pid or 0,
                handshake or 0,
                0 if fault is None else _FAULT_NUMBER[fault],
                0,
                naks,
                len(data),
                frame,
                0,
            ),
            data,
        )

    def _add(self, head: bytes, data: bytes = b"") -> None:
        self._heads.append(head)
        if data:
            self._data.append(data)
        if len(self._heads) >= _BLOCK_RECORDS:
            self._write_block()

    def _write_block(self) -> None:
        if not self._heads:
            return
        block = _COUNT.pack(len(self._heads)) + b"".join(self._heads) + b"".join(self._data)
        self._heads.clear()
        self._data.clear()
        encoded = base64.b64encode(zlib.compress(block, level=1))
        self._stream.write(b'<script type="text/plain" class="records">' + encoded + b"</script>\n")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("renode_pico.trace"), autoescape=select_autoescape(["html.j2"]), trim_blocks=True
    )
