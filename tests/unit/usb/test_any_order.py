"""Whatever happens in whatever order, the host keeps its promises and can be used afterwards."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from renode_pico.clock import NS_PER_US
from renode_pico.errors import UsbError
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.host import BusHost
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType
from renode_pico.usb.wire import Fault
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.usb.fake_device import FakeDevice

ENDPOINTS = (0x02, 0x81, 0x82, 0x83)
ACTIONS = st.sampled_from(
    [
        "plug",
        "unplug",
        "pull up",
        "pull down",
        "blink",
        "reset",
        "suspend",
        "resume",
        "wake",
        "control",
        "out",
        "in",
        "interrupt",
        "cancel",
        "send",
        "fault",
        "run",
        "enumerate",
    ]
)


class Table:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.device = FakeDevice(self.clock)
        for address in ENDPOINTS:
            self.device.add(address)
        self.host = BusHost(self.device, self.clock, self.clock)
        self.transfers: list[Transfer] = []
        self.finals: list[Transfer] = []

    def submit(self, endpoint: int, kind: TransferType, setup: Setup | None = None) -> None:
        pipe = Pipe(self.device.address, endpoint, kind, 64, 3)
        data = b"x" * 100 if endpoint == 0x02 else b""
        length = 64 if endpoint & 0x80 else 0
        self.transfers.append(
            self.host.submit(pipe, data, length=length, setup=setup, timeout=0.5, on_done=self.finals.append)
        )

    def do(self, action: str, delay_us: int) -> None:
        host, device = self.host, self.device
        match action:
            case "plug":
                host.plug()
            case "unplug":
                host.unplug()
            case "pull up" | "pull down":
                device.pull_up(action == "pull up")
            case "blink":
                device.pull_up(False)
                device.pull_up(True)
            case "reset":
                host.reset()
            case "suspend":
                host.suspend()
            case "resume":
                host.resume()
            case "wake":
                host.remote_wakeup()
            case "control":
                self.submit(0, TransferType.CONTROL, Setup(0x80, 6, 0x0200, 0, 75))
            case "out":
                self.submit(0x02, TransferType.BULK)
            case "in":
                self.submit(0x82, TransferType.BULK)
            case "interrupt":
                self.submit(0x83, TransferType.INTERRUPT)
            case "cancel":
                for transfer in self.transfers[-2:]:
                    host.cancel(transfer)
            case "send":
                device.send(0x82, b"data")
            case "fault":
                host.inject(Fault.LOST_HANDSHAKE, endpoint_address=0x82)
            case "enumerate":
                enumerate_device(host, timeout=0.3)
        host.run(delay_us / 1e6)


@settings(max_examples=150)
@given(st.lists(st.tuples(ACTIONS, st.integers(0, 30_000), st.booleans()), max_size=25))
def test_should_come_through_anything(steps: list[tuple[str, int, bool]]) -> None:
    table = Table()
    table.host.plug()
    table.device.pull_up(True)
    for action, delay_us, later in steps:
        if later and action in ("pull up", "pull down", "blink", "unplug", "wake", "cancel", "send"):

            def act(action: str = action) -> None:
                match action:
                    case "pull up" | "pull down":
                        table.device.pull_up(action == "pull up")
                    case "blink":
                        table.device.pull_up(False)
                        table.device.pull_up(True)
                    case "unplug":
                        table.host.unplug()
                    case "wake":
                        table.host.remote_wakeup()
                    case "send":
                        table.device.send(0x82, b"data")
                    case "cancel":
                        for transfer in table.transfers[-2:]:
                            table.host.cancel(transfer)

            table.clock.alarm(act).schedule(delay_us * NS_PER_US)
        else:
            with suppress(UsbError):
                table.do(action, delay_us)
    table.host.run(0.2)
    table.host.unplug()
    assert all(transfer.status is not Status.PENDING for transfer in table.transfers)
    assert len(table.finals) == len(table.transfers)
    assert len({id(transfer) for transfer in table.finals}) == len(table.finals)
    alarms = table.clock.alarms
    table.host.run(1)
    assert table.clock.alarms - alarms <= 1, "an unplugged host still does something"
    table.device.pull_up(True)
    table.host.plug()
    assert enumerate_device(table.host).product == "Board in FS mode"
