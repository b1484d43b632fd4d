"""What makes no sense on any bus is refused in the same way by both hosts, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from renode_pico.board import Board
from renode_pico.errors import UsageError
from renode_pico.usb.device import Device
from renode_pico.usb.transfer import Pipe, Setup, TransferType
from renode_pico.usb.wire import Fault

pytestmark = pytest.mark.pico(firmware="cdc")

BULK_IN = 0x82


def pipe(device: Device, endpoint_address: int, type_: TransferType = TransferType.BULK, size: int = 64) -> Pipe:
    """An endpoint of the device."""
    return Pipe(device.address, endpoint_address, type_, size)


MISUSES: dict[str, Callable[[Device], object]] = {
    "packet size 0": lambda d: d.host.submit(pipe(d, 0x0F, size=0), b"x"),
    "packet size 1024": lambda d: d.host.submit(pipe(d, 0x0F, size=1024), b"x"),
    "data for IN": lambda d: d.host.submit(pipe(d, BULK_IN), b"x"),
    "SETUP for bulk": lambda d: d.host.submit(pipe(d, BULK_IN), setup=Setup(0x80, 6, 0x100, 0, 18)),
    "control without SETUP": lambda d: d.host.submit(pipe(d, 0, TransferType.CONTROL)),
    "too little data for wLength": lambda d: d.host.submit(
        pipe(d, 0, TransferType.CONTROL), b"abc", setup=Setup(0x00, 7, 0x300, 0, 8)
    ),
    "no fault at all": lambda d: d.host.inject(Fault.CRC, endpoint_address=BULK_IN, count=0),
    "fault before now": lambda d: d.host.inject(Fault.CRC, endpoint_address=BULK_IN, skip=-1),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_misuse_is_refused_and_the_device_stays_usable(pico: Board, misuse: str) -> None:
    device = pico.device
    with pytest.raises(UsageError):
        MISUSES[misuse](device)
    assert len(device.get_descriptor(1, length=18)) == 18
