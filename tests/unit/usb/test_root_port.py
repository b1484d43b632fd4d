"""Attach, reset, suspend and resume on the host's side (docs/bus-timing.md, "Attach, reset, suspend")."""

from __future__ import annotations

import itertools

import pytest

from renode_pico.clock import NS_PER_MS
from renode_pico.errors import Disconnected, Timeout
from renode_pico.usb.host import BusHost
from renode_pico.usb.transfer import Setup, Status, TransferType
from tests.unit.usb.conftest import Bench
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import FakeDevice

GET_STATUS = Setup(0x80, 0, wLength=2)


def make() -> Bench:
    clock = FakeClock()
    device = FakeDevice(clock)
    return Bench(clock, device, BusHost(device, clock, clock))


def test_should_see_an_attach_100_ms_after_the_pull_up() -> None:
    bench = make()
    bench.host.plug()
    bench.host.run(0.25)
    assert not bench.host.attached
    bench.device.pull_up(True)
    assert bench.host.attached
    bench.host.wait_attached()
    assert bench.clock.now_ns == 350 * NS_PER_MS
    assert bench.host.attach_count == 1


def test_should_not_see_a_device_without_a_cable() -> None:
    bench = make()
    bench.device.pull_up(True)
    assert not bench.host.attached
    with pytest.raises(Timeout, match="unplugged"):
        bench.host.wait_attached(timeout=0.5)
    assert bench.clock.now_ns == 500 * NS_PER_MS


def test_should_not_count_an_attach_shorter_than_the_debounce_time() -> None:
    bench = make()
    bench.host.plug()
    bench.device.pull_up(True)
    bench.host.run(0.09)
    bench.device.pull_up(False)
    bench.host.run(0.2)
    assert bench.host.attach_count == 0
    assert not bench.host.attached


def test_should_see_a_blink_of_the_pull_up_as_detach_and_attach(bus: Bench) -> None:
    begun = bus.clock.now_ns
    bus.device.pull_up(False)
    bus.device.pull_up(True)
    bus.host.wait_attach_count(2)
    assert bus.clock.now_ns == begun + 100 * NS_PER_MS


def test_should_drive_a_reset_of_10_ms_and_wait_10_ms(bench: Bench) -> None:
    begun = bench.clock.now_ns
    bench.host.reset()
    assert bench.device.logged("reset begin") == [begun]
    assert bench.device.logged("reset end") == [begun + 10 * NS_PER_MS]
    assert bench.clock.now_ns == begun + 20 * NS_PER_MS
    assert bench.device.sofs[:2] == [(begun + 10 * NS_PER_MS, 0), (begun + 11 * NS_PER_MS, 1)]


def test_should_send_no_sof_before_the_first_reset(bench: Bench) -> None:
    bench.host.run(0.05)
    assert bench.device.sofs == []


def test_should_end_transfers_and_toggles_on_reset(bus: Bench) -> None:
    bus.device.add(0x02)
    first = bus.host.submit(bus.pipe(0x02), b"a")
    bus.host.wait(first)
    bus.device.add(0x81)
    pending = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.run(0.002)
    bus.host.reset()
    assert pending.status is Status.DISCONNECTED
    bus.host.wait(bus.host.submit(bus.pipe(0x02), b"b"))
    assert [what for _, what in bus.device.tokens if what.startswith("OUT")] == ["OUT 0.2 DATA0 1"] * 2


def test_should_let_a_transfer_submitted_from_a_reset_callback_fail(bus: Bench) -> None:
    bus.device.add(0x81)
    outcomes: list[str] = []

    def again(_: object) -> None:
        with pytest.raises(Disconnected):
            bus.host.submit(bus.pipe(0x81), length=64)
        outcomes.append("refused")

    bus.host.submit(bus.pipe(0x81), length=64, on_done=again)
    bus.host.run(0.002)
    bus.host.reset()
    assert outcomes == ["refused"]


def test_should_end_transfers_when_the_device_leaves(bus: Bench) -> None:
    bus.device.add(0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    bus.later(1_234_567, lambda: bus.device.pull_up(False))
    with pytest.raises(Disconnected, match="endpoint 0x81"):
        bus.host.wait(transfer)
    bus.host.wait_attached(False)
    sofs = len(bus.device.sofs)
    bus.host.run(0.01)
    assert len(bus.device.sofs) == sofs


def test_should_end_transfers_when_the_cable_is_pulled(bus: Bench) -> None:
    bus.device.add(0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.unplug()
    assert transfer.status is Status.DISCONNECTED
    assert not bus.host.plugged
    with pytest.raises(Disconnected, match="unplugged"):
        bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.plug()
    bus.host.wait_attached()
    assert bus.host.attach_count == 2


def test_should_refuse_a_reset_with_nothing_attached() -> None:
    bench = make()
    bench.host.plug()
    with pytest.raises(Disconnected, match="nothing is attached"):
        bench.host.reset()


def test_should_say_that_the_device_left_during_a_reset(bench: Bench) -> None:
    bench.later(3 * NS_PER_MS, lambda: bench.device.pull_up(False))
    with pytest.raises(Disconnected, match="during the reset"):
        bench.host.reset()
    assert bench.device.tokens[-1][1] == "reset end"


def test_should_stop_everything_while_suspended_and_go_on_afterwards(bus: Bench) -> None:
    bus.device.add(0x81)
    transfer = bus.host.submit(bus.pipe(0x81), length=3)
    bus.host.run(0.0015)
    bus.host.suspend()
    assert bus.host.suspended
    idle = bus.device.logged("idle")[-1]
    assert bus.clock.now_ns - idle > 3 * NS_PER_MS
    sofs = len(bus.device.sofs)
    bus.device.send(0x81, b"abc")
    bus.host.run(0.1)
    assert len(bus.device.sofs) == sofs
    assert transfer.status is Status.PENDING
    begun = bus.clock.now_ns
    bus.host.resume()
    assert bus.device.logged("resume end")[-1] - begun == 20 * NS_PER_MS
    assert bus.clock.now_ns == begun + 30 * NS_PER_MS
    bus.host.wait(transfer)
    assert transfer.data == b"abc"


def test_should_count_frames_by_whole_milliseconds_after_a_resume(bus: Bench) -> None:
    bus.host.run(0.0001)
    bus.host.suspend()
    bus.host.resume()
    epoch = bus.device.logged("reset end")[-1]
    assert all((time - epoch) % NS_PER_MS == 0 for time, _ in bus.device.sofs)
    assert all((time - epoch) // NS_PER_MS == frame for time, frame in bus.device.sofs)


def test_should_answer_a_remote_wake_up_with_a_resume(bus: Bench) -> None:
    bus.host.suspend()
    bus.later(5 * NS_PER_MS, bus.host.remote_wakeup)
    bus.host.wait_resumed()
    assert not bus.host.suspended
    assert bus.control(GET_STATUS) == b"\0\0"


def test_should_ignore_a_remote_wake_up_when_awake(bus: Bench) -> None:
    bus.host.remote_wakeup()
    bus.host.run(0.01)
    assert bus.device.logged("resume begin") == []


def test_should_stay_suspended_until_somebody_wakes_the_bus(bus: Bench) -> None:
    bus.host.suspend()
    with pytest.raises(Timeout, match="suspended"):
        bus.host.wait_resumed(timeout=1)


def test_should_raise_when_the_device_leaves_while_suspended(bus: Bench) -> None:
    bus.host.suspend()
    bus.later(NS_PER_MS, lambda: bus.device.pull_up(False))
    with pytest.raises(Disconnected):
        bus.host.wait_resumed()
    with pytest.raises(Disconnected):
        bus.host.resume()


def test_should_count_sof_to_2047_and_start_again(bus: Bench) -> None:
    bus.host.run(2.1)
    numbers = [frame for _, frame in bus.device.sofs]
    assert numbers[2046:2050] == [2046, 2047, 0, 1]
    times = [time for time, _ in bus.device.sofs]
    assert {after - before for before, after in itertools.pairwise(times)} == {NS_PER_MS}


def test_should_do_nothing_but_sof_when_idle(bus: Bench) -> None:
    bus.device.add(0x81)
    bus.host.submit(bus.pipe(0x81), length=64)
    bus.device.add(0x83)
    bus.host.submit(bus.pipe(0x83, TransferType.INTERRUPT, 8, 1), length=8)
    bus.host.run(0.005)
    alarms, transactions = bus.clock.alarms, bus.host.transactions
    bus.host.run(0.1)
    assert bus.clock.alarms - alarms == 100
    assert bus.host.transactions == transactions
