"""Transfers as transactions: packets, toggles, NAK, STALL, retries, time-outs (USB 2.0, 8.5 to 8.7)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renode_pico.clock import NS_PER_MS, NS_PER_US
from renode_pico.errors import Babble, Cancelled, Stall, Timeout, TransactionError, UsageError
from renode_pico.usb.timing import SOF_NS
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType
from tests.unit.usb.conftest import Bench, make_bench

VENDOR_IN = 0xC0
VENDOR_OUT = 0x40


def outs(bench: Bench) -> list[str]:
    return [what for _, what in bench.device.tokens if what.startswith("OUT")]


# Bulk


def test_should_split_an_out_transfer_into_packets_with_alternating_toggles(bus: Bench) -> None:
    bus.device.add(0x02)
    transfer = bus.host.submit(bus.pipe(0x02), bytes(130))
    bus.host.wait(transfer)
    assert outs(bus) == ["OUT 0.2 DATA0 64", "OUT 0.2 DATA1 64", "OUT 0.2 DATA0 2"]
    assert (transfer.actual_length, transfer.packets) == (130, (64, 64, 2))


@pytest.mark.parametrize(
    ("length", "zero_packet", "packets"),
    [
        (0, False, (0,)),
        (0, True, (0,)),
        (64, False, (64,)),
        (64, True, (64, 0)),
        (65, True, (64, 1)),
        (128, True, (64, 64, 0)),
    ],
)
def test_should_end_an_out_transfer_with_an_empty_packet_only_where_asked(
    bus: Bench, length: int, zero_packet: bool, packets: tuple[int, ...]
) -> None:
    bus.device.add(0x02)
    transfer = bus.host.submit(bus.pipe(0x02), bytes(length), zero_packet=zero_packet)
    bus.host.wait(transfer)
    assert transfer.packets == packets


def test_should_end_an_in_transfer_with_a_short_packet(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, b"a" * 64, b"bc", b"next")
    transfer = bus.host.submit(bus.pipe(0x81), length=1000)
    bus.host.wait(transfer)
    assert (transfer.data, transfer.packets) == (b"a" * 64 + b"bc", (64, 2))


def test_should_end_an_in_transfer_with_an_empty_packet(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, b"a" * 64, b"", b"next")
    transfer = bus.host.submit(bus.pipe(0x81), length=128)
    bus.host.wait(transfer)
    assert (transfer.data, transfer.packets) == (b"a" * 64, (64, 0))


def test_should_ask_for_no_more_than_was_asked_for(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, b"a" * 64, b"b" * 64)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.wait(transfer)
    bus.host.run(0.002)
    assert len(bus.device.logged("IN")) == 1


def test_should_call_more_than_was_asked_for_babble(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, b"a" * 64)
    with pytest.raises(Babble, match="endpoint 0x81"):
        bus.host.wait(bus.host.submit(bus.pipe(0x81), length=10))
    assert bus.device.tokens[-1][1] == "handshake 0.1 False"


def test_should_call_a_packet_beyond_the_endpoints_size_babble(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, b"a" * 65)
    with pytest.raises(Babble):
        bus.host.wait(bus.host.submit(bus.pipe(0x81), length=1000))


def test_should_run_transfers_of_one_pipe_in_order(bus: Bench) -> None:
    bus.device.add(0x81)
    order: list[int] = []
    transfers = [
        bus.host.submit(bus.pipe(0x81), length=64, on_done=lambda _, number=number: order.append(number))  # type: ignore[misc]
        for number in range(3)
    ]
    bus.device.send(0x81, b"one", b"two", b"three")
    bus.host.wait(*transfers)
    assert [transfer.data for transfer in transfers] == [b"one", b"two", b"three"]
    assert order == [0, 1, 2]


def test_should_let_on_done_submit_the_next_transfer_without_losing_the_bus(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.send(0x81, *[bytes([number]) for number in range(10)])
    received: list[bytes] = []

    def again(transfer: Transfer) -> None:
        received.append(transfer.data)
        if len(received) < 10:
            bus.host.submit(transfer.pipe, length=64, on_done=again)

    begun = bus.clock.now_ns
    bus.host.submit(bus.pipe(0x81), length=64, on_done=again)
    bus.clock.run_until(lambda: len(received) == 10, begun + NS_PER_MS)
    assert b"".join(received) == bytes(range(10))
    assert bus.clock.now_ns - begun == SOF_NS + 10 * (14 * 2000 // 3)


def test_should_go_on_after_a_callback_that_raises(bus: Bench) -> None:
    bus.device.add(0x02)

    def fail(_: Transfer) -> None:
        raise RuntimeError("somebody's bug")

    bus.host.submit(bus.pipe(0x02), b"a", on_done=fail)
    after = bus.host.submit(bus.pipe(0x02), b"b")
    with pytest.raises(RuntimeError, match="somebody's bug"):
        bus.host.run(0.001)
    bus.host.wait(after, timeout=0.01)


def test_should_poll_no_more_after_a_nak_until_the_endpoint_is_ready(bus: Bench) -> None:
    source = bus.device.add(0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.run(0.1)
    assert source.naks == 1
    begun = bus.clock.now_ns
    bus.later(333_333, lambda: bus.device.send(0x81, b"data"))
    bus.host.wait(transfer)
    assert transfer.data == b"data"
    assert bus.clock.now_ns == begun + 333_333 + 17 * 2000 // 3


def test_should_repeat_an_out_packet_answered_nak_with_the_same_toggle(bus: Bench) -> None:
    bus.device.add(0x02, room=1)
    transfer = bus.host.submit(bus.pipe(0x02), bytes(128))
    bus.host.run(0.01)
    assert (transfer.status, transfer.actual_length) == (Status.PENDING, 64)
    bus.device.make_room(0x02, None)
    bus.host.wait(transfer)
    assert outs(bus) == ["OUT 0.2 DATA0 64", "OUT 0.2 DATA1 64", "OUT 0.2 DATA1 64"]


def test_should_see_readiness_that_comes_within_the_naks_own_time(bus: Bench) -> None:
    bus.device.add(0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    bus.later(2 * NS_PER_US, lambda: bus.device.send(0x81, b"quick"))
    bus.host.wait(transfer, timeout=0.001)


def test_should_end_a_stalled_transfer_and_try_the_next_one(bus: Bench) -> None:
    source = bus.device.add(0x81)
    source.halted = True
    first = bus.host.submit(bus.pipe(0x81), length=64)
    second = bus.host.submit(bus.pipe(0x81), length=64)
    with pytest.raises(Stall, match=r"bulk IN transfer on device 0 endpoint 0x81, 0 bytes moved.*CLEAR_FEATURE"):
        bus.host.wait(first)
    assert second.status is Status.PENDING
    with pytest.raises(Stall):
        bus.host.wait(second)


def test_should_start_with_data0_after_reset_toggle(bus: Bench) -> None:
    sink = bus.device.add(0x02)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"a"))
    bus.host.reset_toggle(0, 0x02)
    sink.toggle = sink.toggle.toggled
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"b"))
    assert outs(bus) == ["OUT 0.2 DATA0 1", "OUT 0.2 DATA0 1"]
    assert sink.taken == [b"a", b"b"]


def test_should_give_up_after_three_attempts_without_answer(bus: Bench) -> None:
    with pytest.raises(TransactionError, match="three attempts"):
        bus.host.wait(bus.host.submit(bus.pipe(0x85), length=64))
    assert len(bus.device.logged("IN")) == 3


def test_should_keep_what_was_moved_when_cancelled_and_leave_the_pipe_usable(bus: Bench) -> None:
    sink = bus.device.add(0x02, room=1)
    transfer = bus.host.submit(bus.pipe(0x02), b"a" * 100)
    bus.host.run(0.001)
    bus.host.cancel(transfer)
    assert (transfer.status, transfer.actual_length) == (Status.CANCELLED, 64)
    with pytest.raises(Cancelled):
        bus.host.wait(transfer)
    bus.device.make_room(0x02, None)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"next"))
    assert sink.taken == [b"a" * 64, b"next"]


def test_should_let_a_transfer_be_cancelled_in_the_middle_of_its_last_transaction(bus: Bench) -> None:
    bus.device.add(0x02)
    transfer = bus.host.submit(bus.pipe(0x02), b"abc")
    bus.later(SOF_NS + NS_PER_US, lambda: bus.host.cancel(transfer))
    bus.host.run(0.001)
    assert (transfer.status, transfer.actual_length) == (Status.CANCELLED, 3)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"def"))
    assert outs(bus) == ["OUT 0.2 DATA0 3", "OUT 0.2 DATA1 3"]


def test_should_cancel_a_queued_transfer_without_touching_the_one_before(bus: Bench) -> None:
    bus.device.add(0x81)
    first = bus.host.submit(bus.pipe(0x81), length=64)
    second = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.cancel(second)
    bus.device.send(0x81, b"for the first")
    bus.host.wait(first)
    assert first.data == b"for the first"


def test_should_end_a_transfer_when_its_own_time_has_passed(bus: Bench) -> None:
    bus.device.add(0x81)
    begun = bus.clock.now_ns
    done: list[int] = []
    transfers = [
        bus.host.submit(bus.pipe(0x81), length=64, timeout=time, on_done=lambda _: done.append(bus.clock.now_ns))
        for time in (0.030, 0.010, 0.020)
    ]
    bus.host.run(0.025)
    assert [transfer.status for transfer in transfers] == [Status.PENDING, Status.TIMED_OUT, Status.TIMED_OUT]
    assert done == [begun + 10 * NS_PER_MS, begun + 20 * NS_PER_MS]
    with pytest.raises(Timeout, match="the time it was given"):
        bus.host.wait(transfers[0])


def test_should_cancel_what_is_pending_when_a_wait_times_out(bus: Bench) -> None:
    bus.device.add(0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    begun = bus.clock.now_ns
    with pytest.raises(Timeout, match=r"not done after 0\.5 emulated seconds"):
        bus.host.wait(transfer, timeout=0.5)
    assert transfer.status is Status.CANCELLED
    assert bus.clock.now_ns == begun + 500 * NS_PER_MS


def test_should_wait_for_any_and_leave_the_others(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.device.add(0x82)
    slow = bus.host.submit(bus.pipe(0x81), length=64)
    quick = bus.host.submit(bus.pipe(0x82), length=64)
    bus.later(NS_PER_MS, lambda: bus.device.send(0x82, b"x"))
    bus.host.wait_any([slow, quick])
    assert (slow.status, quick.status) == (Status.PENDING, Status.COMPLETED)
    with pytest.raises(Timeout):
        bus.host.wait_any([slow], timeout=0.01)
    assert slow.status is Status.PENDING


@pytest.mark.parametrize(
    "arguments",
    [
        {"pipe": Pipe(0, 0x81, TransferType.BULK, 64), "data": b"x"},
        {"pipe": Pipe(0, 0x81, TransferType.BULK, 64), "setup": Setup(0x80, 0)},
        {"pipe": Pipe(0, 0x81, TransferType.BULK, 2000)},
        {"pipe": Pipe(0, 0, TransferType.CONTROL, 64)},
        {"pipe": Pipe(0, 0, TransferType.CONTROL, 64), "setup": Setup(0x40, 1, wLength=3), "data": b"four"},
        {"pipe": Pipe(0, 0, TransferType.CONTROL, 64), "setup": Setup(0xC0, 1, wLength=3), "data": b"abc"},
    ],
)
def test_should_refuse_arguments_that_contradict_each_other(bus: Bench, arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        bus.host.submit(**arguments)  # type: ignore[arg-type]


# Control


def test_should_carry_the_three_stages_of_an_in_request(bus: Bench) -> None:
    assert bus.control(Setup(0x80, 6, 0x0100, 0, 64)) == bus.device.descriptors[1, 0]
    stages = [what for _, what in bus.device.tokens if what.split()[0] in ("SETUP", "IN", "OUT")]
    assert stages == ["SETUP 0.0", "IN 0.0", "OUT 0.0 DATA1 0"]


def test_should_carry_the_three_stages_of_an_out_request(bus: Bench) -> None:
    taken: list[bytes] = []

    def take(setup: Setup, data: bytes) -> bytes:
        taken.append(data)
        return b""

    bus.device.on_request = take
    bus.control(Setup(VENDOR_OUT, 1, wLength=100), bytes(range(100)))
    stages = [what for _, what in bus.device.tokens if what.split()[0] in ("SETUP", "IN", "OUT")]
    assert stages == ["SETUP 0.0", "OUT 0.0 DATA1 64", "OUT 0.0 DATA0 36", "IN 0.0"]
    assert taken == [bytes(range(100))]


def test_should_carry_no_data_stage_when_there_is_no_data(bus: Bench) -> None:
    bus.device.on_request = lambda setup, data: b""
    bus.control(Setup(VENDOR_OUT, 1))
    bus.control(Setup(VENDOR_IN, 1))
    stages = [what for _, what in bus.device.tokens if what.split()[0] in ("SETUP", "IN", "OUT")]
    assert stages == ["SETUP 0.0", "IN 0.0"] * 2


def test_should_say_which_request_was_stalled(bus: Bench) -> None:
    with pytest.raises(Stall, match=r"bRequest=0x55.*does not support"):
        bus.control(Setup(VENDOR_IN, 0x55, wLength=8))
    assert bus.control(Setup(0x80, 0, wLength=2)) == b"\0\0"


def test_should_stall_an_out_request_in_its_status_stage(bus: Bench) -> None:
    with pytest.raises(Stall):
        bus.control(Setup(VENDOR_OUT, 0x55, wLength=4), b"data")


def test_should_wait_for_a_device_that_answers_nak_in_its_stages(bus: Bench) -> None:
    bus.device.control_delay_ns = 5 * NS_PER_MS
    begun = bus.clock.now_ns
    bus.control(Setup(0x80, 0, wLength=2))
    assert bus.clock.now_ns - begun > 5 * NS_PER_MS
    assert len(bus.device.logged("IN")) == 2


def test_should_abort_a_control_transfer_with_a_new_setup_after_a_cancel(bus: Bench) -> None:
    bus.device.control_delay_ns = 50 * NS_PER_MS
    pipe = Pipe(0, 0, TransferType.CONTROL, 64)
    slow = bus.host.submit(pipe, setup=Setup(0x80, 0, wLength=2))
    bus.host.run(0.005)
    bus.host.cancel(slow)
    bus.device.control_delay_ns = 0
    assert bus.control(Setup(0x80, 6, 0x0300, 0, 255)) == b"\x04\x03\x09\x04"


def test_should_send_no_setup_while_a_control_transfer_is_pending(bus: Bench) -> None:
    bus.device.control_delay_ns = NS_PER_MS
    pipe = Pipe(0, 0, TransferType.CONTROL, 64)
    transfers = [bus.host.submit(pipe, setup=Setup(0x80, 0, wLength=2)) for _ in range(3)]
    bus.host.wait(*transfers)
    stages = [what.split()[0] for _, what in bus.device.tokens if what.split()[0] in ("SETUP", "OUT")]
    assert stages == ["SETUP", "OUT"] * 3


def test_should_call_data_in_a_status_stage_babble(bus: Bench) -> None:
    bus.device.on_request = lambda setup, data: b""
    original = bus.device.in_
    from renode_pico.usb.wire import Fault, Packet, Pid

    def chatty(address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        original(address, endpoint, fault)
        return Packet(Pid.DATA1, b"surprise")

    bus.device.in_ = chatty  # type: ignore[method-assign]
    with pytest.raises(Babble):
        bus.control(Setup(VENDOR_OUT, 1))


# Any lengths


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 300), min_size=1, max_size=6),
    size=st.sampled_from([8, 16, 32, 64]),
    room=st.integers(1, 3),
    delay=st.integers(10 * NS_PER_US, 2 * NS_PER_MS),
)
def test_should_move_out_data_of_any_length_unchanged(lengths: list[int], size: int, room: int, delay: int) -> None:
    bench = make_bench()
    sink = bench.device.add(0x02, max_packet_size=size, room=room)
    data = [bytes((number * 37 + at) & 0xFF for at in range(length)) for number, length in enumerate(lengths)]
    transfers = [bench.host.submit(bench.pipe(0x02, size=size), each) for each in data]

    def refill() -> None:
        bench.device.make_room(0x02, room)
        bench.later(delay, refill)

    bench.later(delay, refill)
    bench.host.wait(*transfers, timeout=5)
    assert b"".join(sink.taken) == b"".join(data)
    assert [transfer.actual_length for transfer in transfers] == lengths


@settings(max_examples=60)
@given(
    packets=st.lists(st.integers(0, 64), min_size=1, max_size=12),
    requests=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    delay=st.integers(1, NS_PER_MS),
)
def test_should_take_in_data_of_any_split_unchanged(packets: list[int], requests: list[int], delay: int) -> None:
    bench = make_bench()
    bench.device.add(0x81)
    data = [bytes((number * 53 + at) & 0xFF for at in range(length)) for number, length in enumerate(packets)]
    for number, packet in enumerate(data):
        bench.later(number * delay + 1, lambda packet=packet: bench.device.send(0x81, packet))  # type: ignore[misc]
    transfers = [bench.host.submit(bench.pipe(0x81), length=count * 64) for count in requests]
    bench.host.run(0.1)
    received = b"".join(transfer.data for transfer in transfers)
    boundaries = [length for transfer in transfers for length in transfer.packets]
    assert b"".join(data).startswith(received)
    assert packets[: len(boundaries)] == boundaries
    for transfer in transfers:
        if transfer.status is Status.COMPLETED:
            assert transfer.packets[-1] < 64 or transfer.actual_length == transfer.requested
        assert all(length == 64 for length in transfer.packets[:-1])


@settings(max_examples=60)
@given(length=st.integers(0, 400), asked=st.integers(1, 400), size=st.sampled_from([8, 16, 32, 64]))
def test_should_cut_an_in_request_where_usb_does(length: int, asked: int, size: int) -> None:
    bench = make_bench()
    descriptor = bytearray(bench.device.descriptors[1, 0])
    descriptor[7] = size
    bench.device.descriptors[1, 0] = bytes(descriptor)
    data = bytes(at & 0xFF for at in range(length))
    bench.device.on_request = lambda setup, _: data
    pipe = Pipe(0, 0, TransferType.CONTROL, size)
    transfer = bench.host.submit(pipe, setup=Setup(VENDOR_IN, 1, wLength=asked))
    bench.host.wait(transfer)
    assert transfer.data == data[:asked]
    assert (transfer.packets[-1] == 0) is (length < asked and length % size == 0)
