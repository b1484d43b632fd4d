"""The bus trace: records, folded NAKs, text."""

from __future__ import annotations

import io

from renode_pico.clock import NS_PER_MS
from renode_pico.trace.recorder import Record, Recorder, RingRecorder
from renode_pico.trace.text import TextTrace, format_record
from renode_pico.usb.host import BusHost
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Setup, Status
from renode_pico.usb.wire import Fault, Pid
from tests.unit.usb.conftest import Bench, make_bench
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import FakeDevice


def nak(time_ns: int, endpoint: int = 1, token: Pid = Pid.IN) -> TransactionRecord:
    return TransactionRecord(time_ns, 5333, time_ns // NS_PER_MS, token, 1, endpoint, None, b"", Pid.NAK, None, 1)


def ack(time_ns: int, endpoint: int = 1) -> TransactionRecord:
    return TransactionRecord(time_ns, 9333, time_ns // NS_PER_MS, Pid.IN, 1, endpoint, Pid.DATA0, b"x", Pid.ACK)


def recorded(*records: TransactionRecord) -> list[Record]:
    sink: list[Record] = []
    recorder = Recorder(sink.append)
    for record in records:
        recorder.transaction(record)
    recorder.close()
    return sink


def test_should_fold_a_run_of_naks_into_one_record() -> None:
    run = recorded(nak(1), nak(2), nak(3), ack(4))
    assert [(each.time_ns, each.nak_count) for each in run if isinstance(each, TransactionRecord)] == [(1, 3), (4, 0)]


def test_should_fold_naks_of_two_endpoints_side_by_side_in_the_order_of_time() -> None:
    run = recorded(nak(1), nak(2, 2), nak(3), nak(4, 2), ack(5))
    assert [(e.time_ns, e.endpoint, e.nak_count) for e in run if isinstance(e, TransactionRecord)] == [
        (1, 1, 2),
        (2, 2, 2),
        (5, 1, 0),
    ]


def test_should_begin_a_new_run_after_anything_else() -> None:
    run = recorded(nak(1), ack(2, 3), nak(3), nak(4))
    assert [(e.time_ns, e.nak_count) for e in run if isinstance(e, TransactionRecord)] == [(1, 1), (2, 0), (3, 2)]


def test_should_record_everything_that_happens_on_the_bus() -> None:
    clock = FakeClock()
    device = FakeDevice(clock)
    bench = Bench(clock, device, BusHost(device, clock, clock))
    ring = RingRecorder()
    bench.host.add_observer(ring)
    device.pull_up(True)
    bench.host.plug()
    bench.host.reset()
    bench.control(Setup(0x80, 0, wLength=2))
    bench.host.suspend()
    bench.host.remote_wakeup()
    bench.host.wait_resumed()
    device.pull_up(False)
    bench.host.run(0.001)
    bench.host.unplug()
    records = list(ring)
    assert [record.kind for record in records if isinstance(record, BusEventRecord)] == [
        BusEventKind.PLUG,
        BusEventKind.ATTACH,
        BusEventKind.RESET_BEGIN,
        BusEventKind.RESET_END,
        BusEventKind.SUSPEND,
        BusEventKind.REMOTE_WAKEUP,
        BusEventKind.RESUME_BEGIN,
        BusEventKind.RESUME_END,
        BusEventKind.DETACH,
        BusEventKind.UNPLUG,
    ]
    transactions = [record for record in records if isinstance(record, TransactionRecord)]
    assert [(each.token, each.data_pid, each.data, each.handshake) for each in transactions] == [
        (Pid.SETUP, Pid.DATA0, bytes.fromhex("80 00 00 00 00 00 02 00"), Pid.ACK),
        (Pid.IN, Pid.DATA1, b"\0\0", Pid.ACK),
        (Pid.OUT, Pid.DATA1, b"", Pid.ACK),
    ]
    (transfer,) = [record for record in records if isinstance(record, TransferRecord)]
    assert (transfer.status, transfer.data, transfer.packets) == (Status.COMPLETED, b"\0\0", (2,))
    assert transfer.end_ns == transactions[-1].time_ns + transactions[-1].duration_ns


def test_should_show_what_was_spoiled() -> None:
    bench = make_bench()
    ring = RingRecorder(transfers=False)
    bench.host.add_observer(ring)
    bench.device.add(0x02)
    bench.device.add(0x81)
    bench.device.send(0x81, b"x")
    bench.host.inject(Fault.WRONG_TOGGLE, endpoint_address=0x02)
    bench.host.inject(Fault.CRC, endpoint_address=0x81)
    bench.host.wait(bench.host.submit(bench.pipe(0x02), b"a"), bench.host.submit(bench.pipe(0x81), length=64))
    seen = [(e.token, e.data_pid, e.handshake, e.fault) for e in ring if isinstance(e, TransactionRecord)]
    assert seen == [
        (Pid.OUT, Pid.DATA1, Pid.ACK, Fault.WRONG_TOGGLE),
        (Pid.OUT, Pid.DATA0, Pid.ACK, None),
        (Pid.IN, Pid.DATA0, None, Fault.CRC),
        (Pid.IN, Pid.DATA0, Pid.ACK, None),
    ]


def test_should_report_starts_of_frame_only_to_who_wants_them() -> None:
    bench = make_bench()
    quiet, all_of_it = RingRecorder(), RingRecorder(sof=True)
    bench.host.add_observer(quiet)
    bench.host.run(0.0105)
    assert len(quiet) == 0
    bench.host.remove_observer(quiet)
    bench.host.add_observer(all_of_it)
    bench.host.run(0.010)
    assert len(all_of_it) == 10


def test_should_keep_no_more_than_its_limit() -> None:
    ring = RingRecorder(limit=3)
    for time in range(10):
        ring.transaction(ack(time))
    assert [record.time_ns for record in ring if isinstance(record, TransactionRecord)] == [7, 8, 9]


def test_should_write_one_line_a_record() -> None:
    setup = Setup(0x80, 6, 0x0100, 0, 18)
    data = TransactionRecord(
        1_234_567_890, 1, 211, Pid.SETUP, 1, 0, Pid.DATA0, setup.pack(), None, Fault.LOST_HANDSHAKE
    )
    assert format_record(data) == (
        "   1.234567890 [ 211]  SETUP 1.0   DATA0    8  silence 80 06 00 01 00 00 12 00  fault: lost-handshake"
    )
    assert format_record(nak(5 * NS_PER_MS)) == "   0.005000000 [   5]  IN    1.1   -        -  NAK"
    assert format_record(BusEventRecord(0, 0, BusEventKind.ATTACH)) == "   0.000000000 [   0]  --- attach"


def trace() -> str:
    file = io.StringIO()
    bench = make_bench()
    text = TextTrace(file)
    bench.host.add_observer(text)
    bench.device.add(0x02, room=3)
    bench.device.add(0x81)
    bench.device.send(0x81, *[bytes([n]) * n for n in range(20)])
    bench.host.inject(Fault.CRC, endpoint_address=0x81, skip=3)
    transfers = [
        bench.host.submit(bench.pipe(0x02), bytes(300)),
        *[bench.host.submit(bench.pipe(0x81), length=64) for _ in range(20)],
    ]
    bench.later(NS_PER_MS // 3, lambda: bench.device.make_room(0x02, None))
    bench.host.wait(*transfers)
    text.close()
    return file.getvalue()


def test_should_write_the_same_bytes_for_the_same_traffic() -> None:
    first = trace()
    assert first == trace()
    lines = first.splitlines()
    times = [float(line[:14]) for line in lines]
    assert len(lines) > 40
    assert times == sorted(times)
