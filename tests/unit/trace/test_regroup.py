from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from renode_pico.cli.app import cli
from renode_pico.errors import UsageError
from renode_pico.trace.regroup import Regroup, replay
from renode_pico.trace.tsv import TsvTrace
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, Status, TransferType
from renode_pico.usb.wire import Fault, Pid
from tests.unit.trace.records import CONFIGURATION, DEVICE, Record, Script, feed, short_trace


class Kept:
    """An observer that keeps what it is told."""

    wants_sof = False

    def __init__(self) -> None:
        self.records: list[Record] = []

    def transaction(self, record: TransactionRecord) -> None:
        self.records.append(record)

    def event(self, record: BusEventRecord) -> None:
        self.records.append(record)

    def transfer(self, record: TransferRecord) -> None:
        self.records.append(record)

    @property
    def transfers(self) -> list[TransferRecord]:
        return [record for record in self.records if isinstance(record, TransferRecord)]


def regroup(records: list[Record]) -> list[TransferRecord]:
    kept = Kept()
    feed(Regroup(kept), [record for record in records if not isinstance(record, TransferRecord)])
    return kept.transfers


def test_a_hosts_own_transfers_come_out_again() -> None:
    records = [record for record in short_trace() if getattr(record, "endpoint_address", 0) != 0x83]
    spoiled = [record for record in records if isinstance(record, TransactionRecord) and record.fault]
    records = [record for record in records if record not in spoiled]
    expected = [record for record in records if isinstance(record, TransferRecord)]
    assert regroup(records) == expected
    assert Status.STALLED in [record.status for record in expected]


def test_full_packets_go_on_and_a_short_one_ends() -> None:
    script = Script()
    for pid, size in ((Pid.DATA0, 64), (Pid.DATA1, 64), (Pid.DATA0, 3)):
        script.transaction(Pid.IN, 1, 2, pid, bytes(size))
    (transfer,) = regroup(script.records)
    assert transfer.packets == (64, 64, 3)


def test_types_and_sizes_come_from_the_configuration_descriptor() -> None:
    script = Script()
    script.control_in(1, Setup(0x80, 6, 0x0200, 0, 255), CONFIGURATION)
    script.transaction(Pid.IN, 1, 1, Pid.DATA0, bytes(8))
    script.transaction(Pid.IN, 1, 1, Pid.DATA1, bytes(2))
    transfer = regroup(script.records)[-1]
    assert (transfer.type, transfer.packets) == (TransferType.INTERRUPT, (8, 2))


def test_a_repeated_packet_counts_once() -> None:
    script = Script()
    script.transaction(Pid.OUT, 1, 2, Pid.DATA0, b"x" * 64)
    script.transaction(Pid.OUT, 1, 2, Pid.DATA0, b"x" * 64)
    script.transaction(Pid.OUT, 1, 2, Pid.DATA1, b"end")
    (transfer,) = regroup(script.records)
    assert transfer.data == b"x" * 64 + b"end"


def test_three_failures_are_an_error_and_two_are_not() -> None:
    script = Script()
    for _ in range(3):
        script.transaction(Pid.OUT, 1, 2, Pid.DATA0, b"lost", handshake=None, fault=Fault.CRC)
    assert [transfer.status for transfer in regroup(script.records)] == [Status.ERROR]
    assert regroup(script.records[:2]) == []


def test_a_reset_ends_what_is_open() -> None:
    script = Script()
    script.transaction(Pid.SETUP, 1, 0, Pid.DATA0, Setup(0x80, 6, 0x0100, 0, 18).pack())
    script.event(BusEventKind.RESET_BEGIN)
    assert [transfer.status for transfer in regroup(script.records)] == [Status.DISCONNECTED]


def test_a_new_request_cancels_the_one_before() -> None:
    script = Script()
    script.transaction(Pid.SETUP, 1, 0, Pid.DATA0, Setup(0x80, 6, 0x0100, 0, 18).pack())
    script.control_in(1, Setup(0x80, 6, 0x0100, 0, 18), DEVICE)
    assert [transfer.status for transfer in regroup(script.records)] == [Status.CANCELLED, Status.COMPLETED]


def test_a_monitors_trace_becomes_a_page(tmp_path: Path) -> None:
    recorded = tmp_path / "bus.tsv"
    trace = TsvTrace(recorded)
    feed(trace, short_trace())
    trace.close()
    outputs = [tmp_path / "bus.html", tmp_path / "bus.txt"]
    arguments = ["picture", str(recorded), *(part for output in outputs for part in ("-o", str(output)))]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert outputs[0].read_text().rstrip().endswith("</html>")
    assert "control 1.00 stalled" in outputs[1].read_text()


def test_what_is_no_trace_is_said_with_its_line(tmp_path: Path) -> None:
    recorded = tmp_path / "bus.tsv"
    recorded.write_text("# a comment\nnonsense\n")
    with pytest.raises(UsageError, match="line 2"):
        replay(recorded, [])
