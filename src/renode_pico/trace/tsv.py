"""The bus trace as tab-separated values, the form that Renode's host writes (renode/host/UsbTrace.cs).

A transaction: time, duration (both emulated ns), frame, token, address, endpoint, data PID, handshake, fault, data as
hexadecimal digits; "-" for what there was not. An event: time, "-", frame, "EVENT", what.
"""

from __future__ import annotations

from pathlib import Path

from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.wire import Fault, Pid

HEADER = "# time_ns\tduration_ns\tframe\ttoken\taddress\tendpoint\tdata_pid\thandshake\tfault\tdata\n"
FAULT_NAMES = {fault: fault.value.title().replace("-", "") for fault in Fault}
"""As the C# host names them: Crc, BitStuff, LostData."""
FAULTS = {name: fault for fault, name in FAULT_NAMES.items()}


def format_record(record: TransactionRecord | BusEventRecord) -> str:
    """One line, without its end."""
    if isinstance(record, BusEventRecord):
        return f"{record.time_ns}\t-\t{record.frame}\tEVENT\t{record.kind.value}"
    return "\t".join(
        (
            str(record.time_ns),
            str(record.duration_ns),
            str(record.frame),
            record.token.name,
            str(record.address),
            str(record.endpoint),
            record.data_pid.name if record.data_pid is not None else "-",
            record.handshake.name if record.handshake is not None else "-",
            FAULT_NAMES[record.fault] if record.fault is not None else "-",
            record.data.hex() or "-",
        )
    )


def parse_line(line: str) -> TransactionRecord | BusEventRecord:
    """One line back into a record."""
    fields = line.split("\t")
    if fields[3] == "EVENT":
        return BusEventRecord(int(fields[0]), int(fields[2]), BusEventKind(fields[4]))
    time, duration, frame, token, address, endpoint, data_pid, handshake, fault, data = fields
    return TransactionRecord(
        int(time),
        int(duration),
        int(frame),
        Pid[token],
        int(address),
        int(endpoint),
        None if data_pid == "-" else Pid[data_pid],
        b"" if data == "-" else bytes.fromhex(data),
        None if handshake == "-" else Pid[handshake],
        FAULTS.get(fault),
        1 if handshake == "NAK" else 0,
    )


class TsvTrace:
    """A `BusObserver` that writes each transaction and event to a file."""

    wants_sof = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii")
        self._file.write(HEADER)

    def transaction(self, record: TransactionRecord) -> None:
        """Write a transaction."""
        self._file.write(format_record(record) + "\n")

    def event(self, record: BusEventRecord) -> None:
        """Write an event."""
        self._file.write(format_record(record) + "\n")

    def transfer(self, record: TransferRecord) -> None:
        """Transfers have no line of their own."""

    def close(self) -> None:
        """End the file."""
        self._file.close()
