"""One session on the bus with a bit of everything, for suites that hold two runs of it against each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.wire import Fault, SofFault, Stray
from tests.system.conftest import app

FIRMWARE = "uart"
FILES = {"boot.py": app("vendor_bulk.py")}
SIZES = (1, 63, 64, 65, 200, 1000)


@dataclass(slots=True)
class Recorder:
    """A `BusObserver` that keeps everything."""

    wants_sof: bool = False
    transactions: list[TransactionRecord] = field(default_factory=list)
    events: list[BusEventRecord] = field(default_factory=list)
    transfers: list[TransferRecord] = field(default_factory=list)

    def transaction(self, record: TransactionRecord) -> None:
        self.transactions.append(record)

    def event(self, record: BusEventRecord) -> None:
        self.events.append(record)

    def transfer(self, record: TransferRecord) -> None:
        self.transfers.append(record)


def pattern(size: int) -> bytes:
    """Bytes that tell each place from its neighbours, packets included."""
    return bytes((7 * at + at // 64) & 0xFF for at in range(size))


def echo(board: Board, size: int) -> None:
    """Send so many bytes and take them back."""
    sent = pattern(size)
    board.device.endpoint(0x01).write(sent, zero_packet=size % 64 == 0)
    assert board.device.endpoint(0x81).read(size) == sent


def disturb(board: Board) -> None:
    """Everything that a host, a hub or a cable may do wrong, with data in between that has to arrive."""
    host = board.host
    for fault in Fault:
        host.inject(fault, endpoint_address=0x01, skip=1)
        host.inject(fault, endpoint_address=0x81, skip=1)
        echo(board, 150)
    for stray in Stray:
        assert host.stray(stray) is None
        echo(board, 70)
    for sof_fault in SofFault:
        host.inject_sof(sof_fault, count=2)
        host.run(0.005)
        echo(board, 70)
    host.se0(2e-6)
    echo(board, 70)


def drive(board: Board) -> None:
    """Enumerate, move data, make mistakes, halt, suspend, reset, and start over."""
    host = board.host
    device = board.device
    for size in SIZES:
        echo(board, size)
    assert device.get_status() == 0
    with pytest.raises(Stall):
        device.get_descriptor(0x0F, length=64)
    for length in (8, 18, 64):
        assert len(device.get_descriptor(1, length=length)) == min(length, 18)
    disturb(board)
    device.set_halt(0x81)
    with pytest.raises(Stall):
        device.endpoint(0x81).read(64)
    device.clear_halt(0x81)
    echo(board, 100)
    host.suspend()
    host.run(0.01)
    host.resume()
    echo(board, 64)
    host.run(0.01)  # the device's program submits its next transfer; after a reset that would be a panic (D21)
    host.reset()
    board.enumerate()
    echo(board, 300)
