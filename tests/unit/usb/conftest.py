from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from renode_pico.usb.host import BusHost
from renode_pico.usb.transfer import Pipe, Setup, TransferType
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import FakeDevice


@dataclass
class Bench:
    """A host, a cable and a device on a table."""

    clock: FakeClock
    device: FakeDevice
    host: BusHost

    def control(self, setup: Setup, data: bytes = b"", address: int = 0, max_packet_size: int = 64) -> bytes:
        pipe = Pipe(address, 0, TransferType.CONTROL, max_packet_size)
        transfer = self.host.submit(pipe, data, setup=setup)
        self.host.wait(transfer)
        return transfer.data

    def pipe(
        self, endpoint_address: int, kind: TransferType = TransferType.BULK, size: int = 64, interval: int = 1
    ) -> Pipe:
        return Pipe(self.device.address, endpoint_address, kind, size, interval)

    def later(self, delay_ns: int, callback: Callable[[], None]) -> None:
        self.clock.alarm(callback).schedule(delay_ns)


def make_bench() -> Bench:
    """Plugged in, attached, reset: traffic may flow."""
    clock = FakeClock()
    device = FakeDevice(clock)
    bench = Bench(clock, device, BusHost(device, clock, clock))
    device.pull_up(True)
    bench.host.plug()
    bench.host.reset()
    return bench


@pytest.fixture
def bench() -> Bench:
    """Plugged in, attached, not reset."""
    clock = FakeClock()
    device = FakeDevice(clock)
    bench = Bench(clock, device, BusHost(device, clock, clock))
    device.pull_up(True)
    bench.host.plug()
    bench.host.wait_attached()
    return bench


@pytest.fixture
def bus() -> Bench:
    """Reset too."""
    return make_bench()
