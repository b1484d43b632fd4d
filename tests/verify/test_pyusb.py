"""The verifier through PyUSB: a board behind our USB/IP server, reached by somebody else's client (row Y3)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from renode_pico.board import Board
from renode_pico.bridge.pyusb_link import PyUsbTarget, find
from renode_pico.errors import EngineMissing, UsageError
from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report, verify
from renode_pico.verify.table import Needs, load_pack
from renode_pico.verify.target import BoardTarget
from renode_pico.verify.verdict import Verdict
from tests.system.clients.conftest import Served

ITEMS = load_pack("chapter9").items
FOR_ANY_HOST = [item for item in ITEMS if item.needs is Needs.HOST]
NOT_HERE = "usbip_backend is not here: pip install pyusb-usbip-backend"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("usbip_backend") is None, reason=NOT_HERE)


@pytest.fixture(scope="module")
def target() -> Iterator[PyUsbTarget]:
    from usbip_backend import backend

    margin = backend._UsbipConnection._SERVER_TIMEOUT_MARGIN_MS
    backend._UsbipConnection._SERVER_TIMEOUT_MARGIN_MS = 100
    served = Served("embedded", ("--usbip", "--usbip-port", "0"))
    try:
        served.wait_found()
        yield find("2e8a:0005", f"127.0.0.1:{served.usbip_port}")
    finally:
        backend._UsbipConnection._SERVER_TIMEOUT_MARGIN_MS = margin
        served.end()
        served.close()


@pytest.fixture(scope="module")
def over_pyusb(target: PyUsbTarget) -> Report:
    return verify(target, ITEMS)


@pytest.fixture(scope="module")
def directly() -> Report:
    with Board("cdc", engine="embedded") as board:
        target = BoardTarget(board)
        target.link.cancels = False  # as it is over USB/IP
        return verify(target, FOR_ANY_HOST)


def test_what_needs_the_wire_is_not_applicable(over_pyusb: Report) -> None:
    for result in over_pyusb.results:
        if result.item.needs is Needs.WIRE:
            assert result.verdict is Verdict.NOT_APPLICABLE
            assert result.reason.startswith("PyUSB makes transfers")


@pytest.mark.row("Y3.pyusb")
def test_pyusb_finds_what_the_emulated_host_finds(over_pyusb: Report, directly: Report) -> None:
    """Item by item, where PyUSB can do what the item needs: no resets, no cancelled reads over USB/IP."""
    here = {result.item.id: result for result in directly.results}
    compared = []
    for result in over_pyusb.results:
        if result.verdict is not Verdict.NOT_APPLICABLE:
            direct = here[result.item.id]
            assert result.verdict.bad == direct.verdict.bad, f"{reports.line(result)}\n{reports.line(direct)}"
            compared.append(result.item.id)
    assert len(compared) > 40
    assert {"SR8", "SR3", "DE1", "DE16", "CP9", "SR24"} <= set(compared)


def test_a_device_that_is_not_there_is_told(target: PyUsbTarget) -> None:
    server = target.engine.partition("(")[2].rstrip(")")
    with pytest.raises(UsageError, match=r"--device 1234:5678: no such device of the USB/IP server"):
        find("1234:5678", server)
    with pytest.raises(UsageError, match="give VID:PID in hexadecimal digits"):
        find("pico", server)
    with pytest.raises((UsageError, EngineMissing)):
        find("1234:5678", "127.0.0.1:1")
