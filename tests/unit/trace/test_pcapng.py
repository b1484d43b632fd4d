from __future__ import annotations

import io
from typing import Any

import pytest
from pcapng import FileScanner
from pcapng.blocks import EnhancedPacket, SectionHeader

from renode_pico.trace.pcapng import LINKTYPE_USB_2_0_FULL_SPEED, LINKTYPE_USB_LINUX_MMAPPED, PcapngTrace
from renode_pico.trace.urb import urb_events
from renode_pico.usb.observe import TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, Status, TransferType
from tests.unit.trace.records import DEVICE, feed, short_trace


def blocks(*, sof: bool = False) -> list[Any]:
    stream = io.BytesIO()
    writer = PcapngTrace(stream, sof=sof)
    feed(writer, short_trace())
    writer.close()
    stream.seek(0)
    return list(FileScanner(stream))


def test_the_file_has_an_interface_for_each_level() -> None:
    section = blocks()[0]
    assert isinstance(section, SectionHeader)
    assert [interface.link_type for interface in section.interfaces.values()] == [
        LINKTYPE_USB_2_0_FULL_SPEED,
        LINKTYPE_USB_LINUX_MMAPPED,
    ]


def test_every_transaction_and_every_transfer_is_there() -> None:
    packets = [block for block in blocks() if isinstance(block, EnhancedPacket)]
    tokens = [block for block in packets if block.interface_id == 0 and block.packet_data[0] in (0x2D, 0x69, 0xE1)]
    assert len(tokens) == sum(isinstance(record, TransactionRecord) for record in short_trace())
    urbs = [block for block in packets if block.interface_id == 1]
    assert len(urbs) == 2 * sum(isinstance(record, TransferRecord) for record in short_trace())


def test_timestamps_are_emulated_nanoseconds() -> None:
    first = next(block for block in blocks() if isinstance(block, EnhancedPacket))
    record = next(record for record in short_trace() if isinstance(record, TransactionRecord))
    assert first.timestamp_high << 32 | first.timestamp_low == record.time_ns
    assert first.timestamp == pytest.approx(record.time_ns / 1e9)


def test_what_the_line_did_is_a_comment() -> None:
    comments = [block.options["opt_comment"] for block in blocks() if "opt_comment" in getattr(block, "options", ())]
    assert "plug" in comments[0]
    assert "reset end" in comments[0]
    assert len(comments) == 2


def test_starts_of_frame_are_written_when_asked_for() -> None:
    def frames(found: list[Any]) -> int:
        return sum(isinstance(block, EnhancedPacket) and block.packet_data[0] == 0xA5 for block in found)

    assert frames(blocks()) == 0
    assert frames(blocks(sof=True)) == 1


def urb(record: TransferRecord) -> tuple[bytes, bytes]:
    (begin, submit), (end, complete) = urb_events(record, 7)
    assert (begin, end) == (record.begin_ns, record.end_ns)
    return submit, complete


def status_of(event: bytes) -> int:
    return int.from_bytes(event[28:32], "little", signed=True)


def test_a_control_read_is_a_pair_of_events() -> None:
    setup = Setup(0x80, 6, 0x0100, 0, 64)
    record = TransferRecord(
        1_500_000_000, 1_500_100_000, 5, 0, TransferType.CONTROL, Status.COMPLETED, setup, DEVICE, (18,)
    )
    submit, complete = urb(record)
    assert submit[8:9] + complete[8:9] == b"SC"
    assert submit[10] == complete[10] == 0x80
    assert submit[11] == 5
    assert submit[40:48] == setup.pack()
    assert len(submit) == 64
    assert complete[64:] == DEVICE
    assert status_of(complete) == 0


@pytest.mark.parametrize(
    ("status", "number"),
    [
        (Status.STALLED, -32),
        (Status.CANCELLED, -104),
        (Status.DISCONNECTED, -108),
        (Status.ERROR, -71),
        (Status.BABBLE, -75),
    ],
)
def test_a_failure_has_the_kernels_number(status: Status, number: int) -> None:
    _, complete = urb(TransferRecord(0, 1000, 1, 0x82, TransferType.BULK, status, None, b"", ()))
    assert status_of(complete) == number


def test_an_out_transfers_data_is_submitted() -> None:
    submit, complete = urb(TransferRecord(0, 1000, 1, 0x02, TransferType.BULK, Status.COMPLETED, None, b"data", (4,)))
    assert submit[64:] == b"data"
    assert complete[64:] == b""
    assert submit[10] == 0x02
