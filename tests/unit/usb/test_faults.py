"""What a host may do wrong on purpose: nothing is lost or doubled by it (USB 2.0, 8.6.4 and 8.7; row C13)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renode_pico.errors import TransactionError, UsageError
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.timing import BYTE_TIMES_NS
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import NO_DATA, NO_TOKEN, Fault
from tests.unit.usb.conftest import Bench, make_bench

BROKEN = [fault for fault in Fault if fault in NO_DATA | NO_TOKEN | {Fault.WRONG_TOGGLE, Fault.LATE}]
ALL = [fault for fault in Fault if fault is not Fault.SLOW]


class Watch:
    """How long each transaction took, ns."""

    wants_sof = False

    def __init__(self) -> None:
        self.durations: list[int] = []

    def transaction(self, record: TransactionRecord) -> None:
        self.durations.append(record.duration_ns)

    def event(self, record: BusEventRecord) -> None:
        pass

    def transfer(self, record: TransferRecord) -> None:
        pass


@pytest.mark.parametrize("fault", ALL)
def test_should_lose_and_double_nothing_on_out(bus: Bench, fault: Fault) -> None:
    sink = bus.device.add(0x02)
    bus.host.inject(fault, endpoint_address=0x02, count=2, skip=1)
    data = bytes(range(200))
    bus.host.wait(bus.host.submit(bus.pipe(0x02), data))
    assert b"".join(sink.taken) == data
    assert len(bus.device.logged("OUT")) == 4 + 2


@pytest.mark.parametrize("fault", ALL)
def test_should_lose_and_double_nothing_on_in(bus: Bench, fault: Fault) -> None:
    bus.device.add(0x81)
    data = bytes(range(200))
    bus.device.send(0x81, *[data[at : at + 64] for at in range(0, 200, 64)])
    bus.host.inject(fault, endpoint_address=0x81, count=2, skip=1)
    transfer = bus.host.submit(bus.pipe(0x81), length=200)
    bus.host.wait(transfer)
    assert transfer.data == data
    assert len(bus.device.logged("handshake 0.1 False")) == (0 if fault in NO_TOKEN else 2)
    assert len(bus.device.logged("IN")) == 4 + 2


def test_should_take_a_slow_packet_at_once(bus: Bench) -> None:
    sink = bus.device.add(0x02)
    bus.device.add(0x81)
    bus.device.send(0x81, b"in")
    for address in (0x02, 0x81):
        bus.host.inject(Fault.SLOW, endpoint_address=address)
    read = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"out"), read)
    assert (sink.taken, read.data) == ([b"out"], b"in")
    assert len(bus.device.logged("OUT")) == len(bus.device.logged("IN")) == 1


@pytest.mark.parametrize(("fault", "byte_times"), [(Fault.SLOW, 60 + 13 + 1), (Fault.LATE, 60 + 9 + 3 + 2)])
def test_should_occupy_the_bus_for_as_long_as_a_packet_is_late(bus: Bench, fault: Fault, byte_times: int) -> None:
    bus.device.add(0x02)
    bus.host.inject(fault, endpoint_address=0x02)
    watch = Watch()
    bus.host.add_observer(watch)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(60)))
    assert watch.durations[0] == BYTE_TIMES_NS[byte_times]


@pytest.mark.parametrize("fault", BROKEN)
def test_should_fail_after_three_spoiled_attempts_and_work_again(bus: Bench, fault: Fault) -> None:
    sink = bus.device.add(0x02)
    bus.host.inject(fault, endpoint_address=0x02, count=3)
    with pytest.raises(TransactionError):
        bus.host.wait(bus.host.submit(bus.pipe(0x02), b"never"))
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"after"))
    assert sink.taken[-1] == b"after"


def test_should_drop_the_repeated_packet_in_the_next_transfer(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, b"first", b"second")
    bus.host.inject(Fault.LOST_HANDSHAKE, endpoint_address=0x81)
    first = bus.host.submit(bus.pipe(0x81), length=64)
    second = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.wait(first, second)
    assert (first.data, second.data) == (b"first", b"second")


@pytest.mark.parametrize("fault", ALL)
def test_should_repeat_a_spoiled_setup(bus: Bench, fault: Fault) -> None:
    bus.host.inject(fault, endpoint_address=0x00)
    assert bus.control(Setup(0x80, 6, 0x0300, 0, 255)) == b"\x04\x03\x09\x04"
    assert len(bus.device.logged("SETUP")) == 2


def test_should_not_spend_a_fault_on_a_nak(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.host.inject(Fault.CRC, endpoint_address=0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.run(0.01)
    bus.device.send(0x81, b"x")
    bus.host.wait(transfer)
    assert len(bus.device.logged("handshake 0.1 False")) == 1


def test_should_run_several_injections_one_after_the_other(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.host.inject(Fault.CRC, endpoint_address=0x02)
    bus.host.inject(Fault.LOST_DATA, endpoint_address=0x02, skip=1)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(128)))
    assert len(bus.device.logged("OUT")) == 4


def test_should_refuse_to_inject_nothing(bus: Bench) -> None:
    with pytest.raises(UsageError):
        bus.host.inject(Fault.CRC, endpoint_address=0x02, count=0)


@settings(max_examples=50)
@given(
    faults=st.lists(st.tuples(st.sampled_from(ALL), st.integers(1, 2), st.integers(1, 4)), max_size=6),
    length=st.integers(1, 1000),
)
def test_should_survive_any_faults_that_leave_one_attempt_in_three(
    faults: list[tuple[Fault, int, int]], length: int
) -> None:
    bench = make_bench()
    sink = bench.device.add(0x02)
    bench.device.add(0x81)
    data = bytes(at * 7 & 0xFF for at in range(length))
    bench.device.send(0x81, *[data[at : at + 64] for at in range(0, length, 64)])
    for fault, count, skip in faults:
        bench.host.inject(fault, endpoint_address=0x02, count=count, skip=skip)
        bench.host.inject(fault, endpoint_address=0x81, count=count, skip=skip)
    out = bench.host.submit(bench.pipe(0x02), data)
    in_ = bench.host.submit(bench.pipe(0x81), length=length)
    bench.host.wait(out, in_)
    assert b"".join(sink.taken) == data
    assert in_.data == data
