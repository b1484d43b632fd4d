"""The bus trace as text: one line per record, the same bytes for the same traffic (row C17).

time in s      frame   what
0.118865200    [   9]  SETUP 1.0   DATA0    8  ACK    80 06 00 01 00 00 12 00
0.118970532    [   9]  IN    1.0   -        -  NAK x3
0.119012345    [   9]  === control 1.00 completed, 18 bytes in 1 packets: bmRequestType=0x80 ...
0.104857536    [   0]  --- attach
"""

from __future__ import annotations

from typing import TextIO

from renode_pico.clock import NS_PER_S
from renode_pico.trace.recorder import Record, Recorder
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord


def format_record(record: Record) -> str:
    """Return the line for a record, without line end."""
    match record:
        case TransactionRecord():
            return f"{_time(record.time_ns)} [{record.frame:4}]  {_transaction(record)}"
        case BusEventRecord():
            return f"{_time(record.time_ns)} [{record.frame:4}]  --- {record.kind.value}"
        case TransferRecord():
            return f"{_time(record.end_ns)} {'':6}  === {_transfer(record)}"


class TextTrace(Recorder):
    """Writes each record as a line as it comes; keeps nothing. `sof`: starts of frame, too."""

    def __init__(self, file: TextIO, *, sof: bool = False, transfers: bool = True) -> None:
        self._file = file
        super().__init__(self._write, sof=sof, transfers=transfers)

    def _write(self, record: Record) -> None:
        self._file.write(format_record(record) + "\n")


def _time(time_ns: int) -> str:
    return f"{time_ns // NS_PER_S:4}.{time_ns % NS_PER_S:09}"


def _transaction(record: TransactionRecord) -> str:
    where = f"{record.address}.{record.endpoint}"
    pid = "-" if record.data_pid is None else record.data_pid.name
    length = "-" if record.data_pid is None else str(len(record.data))
    answer = "silence" if record.handshake is None else record.handshake.name
    if record.nak_count > 1:
        answer += f" x{record.nak_count}"
    fault = "" if record.fault is None else f"  fault: {record.fault.value}"
    return f"{record.token.name:5} {where:5} {pid:5} {length:>4}  {answer:8}{record.data.hex(' ')}{fault}".rstrip()


def _transfer(record: TransferRecord) -> str:
    where = f"{record.type.name.lower()} {record.address}.{record.endpoint_address:02x}"
    moved = f"{len(record.data)} bytes in {len(record.packets)} packets"
    request = "" if record.setup is None else f": {record.setup}"
    return f"{where} {record.status.value}, {moved}{request}"
