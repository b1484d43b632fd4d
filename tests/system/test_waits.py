"""Waits of the host: as long as they say, to less than a microsecond, on both engines; what hangs on it is the same."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import FirmwareError
from renode_pico.usb.transfer import Pipe, Setup, TransferType
from tests.system.conftest import app

LENGTHS = (1e-6, 7e-6, 13e-6, 100e-6, 333e-6, 1e-3, 1.5e-3, 12.25e-3)
FEW_INSTRUCTIONS = 0.5e-6
SEND = Setup(0x21, 3, 0, 0, 200)
"""A request of vendor_control.py with 200 bytes for the device: about 240 µs."""


@pytest.mark.pico(firmware="uart", files={"boot.py": app("vendor_control.py")})
def test_a_wait_lasts_as_long_as_it_says(pico: Board) -> None:
    host = pico.host
    for length in LENGTHS:
        begin = host.now
        host.run(length)
        assert length <= host.now - begin + 1e-12 < length + FEW_INSTRUCTIONS


@pytest.mark.pico(firmware="uart", files={"boot.py": app("vendor_control.py")})
def test_a_request_cancelled_right_after_its_setup_panics_on_both_engines(pico: Board) -> None:
    """The driver arms endpoint 0 for the second SETUP without taking back what it had armed for the first.

    It takes a wait of 10 µs: a millisecond later the first request is over.
    """
    host, pipe = pico.host, Pipe(pico.device.address, 0, TransferType.CONTROL, 64)
    first = host.submit(pipe, bytes(200), setup=SEND)
    host.run(10e-6)
    host.cancel(first)
    with pytest.raises(FirmwareError, match="ep 00 was already available"):
        host.wait(host.submit(pipe, bytes(200), setup=SEND), timeout=0.1)
