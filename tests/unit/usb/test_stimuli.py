"""What the host puts on the bus beside transactions, and that it goes on as if nothing had been."""

from __future__ import annotations

import pytest

from renode_pico.errors import UsageError
from renode_pico.usb.timing import EOF1_NS, FRAME_NS
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import SofFault, Stray
from tests.unit.usb.conftest import Bench


def device_descriptor(bus: Bench) -> bytes:
    return bus.control(Setup(0x80, 6, 0x0100, 0, 18))


@pytest.mark.parametrize("stray", Stray)
def test_should_send_one_stray_packet_and_go_on(bus: Bench, stray: Stray) -> None:
    assert bus.host.stray(stray) is None
    assert len(bus.device.logged(f"stray {stray.value}")) == 1
    assert len(device_descriptor(bus)) == 18
    assert len(bus.device.logged("stray")) == 1


def test_should_babble_from_eof1_on_and_start_the_next_frame_in_time(bus: Bench) -> None:
    first = bus.device.sofs[0][0]
    for _ in range(3):
        bus.host.stray(Stray.BABBLE)
    assert [(time - first) % FRAME_NS for time in bus.device.logged("stray babble")] == [FRAME_NS - EOF1_NS] * 3
    bus.host.run(0.005)
    assert all((time - first) % FRAME_NS == 0 for time, _ in bus.device.sofs)


def test_should_wait_with_a_stray_packet_for_the_transaction_under_way(bus: Bench) -> None:
    sink = bus.device.add(0x02)
    transfer = bus.host.submit(bus.pipe(0x02), bytes(64 * 40))
    bus.host.run(0.0002)
    assert bus.host.stray(Stray.DATA) is None
    bus.host.wait(transfer)
    assert sum(map(len, sink.taken)) == 64 * 40
    stray = bus.device.logged("stray")[0]
    before = [time for time in bus.device.logged("OUT") if time <= stray]
    after = [time for time in bus.device.logged("OUT") if time > stray]
    assert before
    assert after
    assert after[0] - stray >= 13 * 2000 // 3


def test_should_refuse_a_stray_packet_on_a_bus_without_traffic(bus: Bench) -> None:
    bus.host.suspend()
    with pytest.raises(UsageError, match="stray data: the port is suspended"):
        bus.host.stray(Stray.DATA)
    bus.host.resume()
    assert bus.host.stray(Stray.DATA) is None


@pytest.mark.parametrize("seconds", [1e-6, 2e-6, 5e-3])
def test_should_drive_se0_for_so_long(bus: Bench, seconds: float) -> None:
    bus.host.se0(seconds)
    begin, end = bus.device.logged("reset begin")[-1], bus.device.logged("reset end")[-1]
    assert end - begin == round(seconds * 1e9)
    assert bus.host.port_state == "Active"


@pytest.mark.parametrize("seconds", [0, -1, 0.011])
def test_should_refuse_se0_that_is_none_or_a_reset(bus: Bench, seconds: float) -> None:
    with pytest.raises(UsageError, match="SE0"):
        bus.host.se0(seconds)


def test_should_carry_nothing_during_se0(bus: Bench) -> None:
    bus.device.add(0x02)
    transfer = bus.host.submit(bus.pipe(0x02), bytes(64 * 40))
    bus.host.se0(2e-3)
    begin, end = bus.device.logged("reset begin")[-1], bus.device.logged("reset end")[-1]
    assert not [time for time in bus.device.logged("OUT") if begin <= time < end]
    bus.host.cancel(transfer)


def test_should_lose_double_and_spoil_starts_of_frame(bus: Bench) -> None:
    bus.host.inject_sof(SofFault.LOST, count=2, skip=1)
    bus.host.inject_sof(SofFault.DOUBLED)
    bus.host.inject_sof(SofFault.CORRUPT)
    bus.device.sofs.clear()
    bus.host.run(0.0065)
    numbers = [number for _, number in bus.device.sofs]
    first = numbers[0]
    assert [number - first for number in numbers] == [0, 3, 3, 5, 6]
    assert len(device_descriptor(bus)) == 18


def test_should_refuse_to_spoil_no_start_of_frame(bus: Bench) -> None:
    with pytest.raises(UsageError, match="inject sof lost"):
        bus.host.inject_sof(SofFault.LOST, count=0)
