"""The standard requests of USB 2.0, 9.4, each with values that are valid and with values that are not (row C6).

Where TinyUSB or MicroPython takes what the standard has stalled, the test says so: docs/deviations.md.
"""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall, TransactionError
from renode_pico.micropython.repl import Repl
from renode_pico.usb.device import Device
from renode_pico.usb.requests import get_descriptor
from renode_pico.usb.transfer import Pipe, Setup, TransferType
from tests.system import registers as reg
from tests.system.conftest import PROBE

pytestmark = pytest.mark.pico(firmware="uart", files=PROBE)

GET_STATUS, CLEAR_FEATURE, SET_FEATURE, SET_ADDRESS = 0, 1, 3, 5
GET_DESCRIPTOR, SET_DESCRIPTOR, GET_CONFIGURATION, SET_CONFIGURATION = 6, 7, 8, 9
GET_INTERFACE, SET_INTERFACE = 10, 11
ENDPOINT_HALT, DEVICE_REMOTE_WAKEUP, TEST_MODE = 0, 1, 2
"""Table 9-6."""
OUT, IN = 0x00, 0x80
TO_INTERFACE, TO_ENDPOINT = 1, 2


@pytest.fixture
def device(pico: Board, console: Repl) -> Device:
    """A configured device with a bulk endpoint each way, whose program refuses what the stack hands on to it."""
    console.exec("import probe; probe.answer = False; probe.start(probe.endpoint(0x81), probe.endpoint(0x01))")
    return pico.device


def stalled(device: Device, setup: Setup, data: bytes = b"") -> bool:
    """Whether the device refuses a request; it must answer the next one."""
    try:
        device.control_in(setup) if setup.is_in else device.control_out(setup, data)
    except Stall:
        assert len(device.control_in(Setup(IN, GET_STATUS, 0, 0, 2))) == 2
        return True
    return False


def status(device: Device, recipient: int = 0, index: int = 0) -> bytes:
    """GET_STATUS of the device, an interface or an endpoint."""
    return device.control_in(Setup(IN | recipient, GET_STATUS, 0, index, 2))


@pytest.mark.row("C6.get-status")
def test_get_status(device: Device, console: Repl) -> None:
    assert status(device) == b"\x00\x00", "bus powered, no remote wake-up"
    assert stalled(device, Setup(IN | TO_INTERFACE, GET_STATUS, 0, 0, 2)), "the program has refused it"
    console.exec("probe.answer = lambda stage, request: b'\\0\\0' if stage == 1 else True")
    assert status(device, TO_INTERFACE, 0) == b"\x00\x00", "reserved"
    assert [status(device, TO_ENDPOINT, each) for each in (0x00, 0x80, 0x01, 0x81)] == [b"\x00\x00"] * 4
    device.set_halt(0x81)
    assert (status(device, TO_ENDPOINT, 0x81), status(device, TO_ENDPOINT, 0x01)) == (b"\x01\x00", b"\x00\x00")
    assert stalled(device, Setup(IN | TO_INTERFACE, GET_STATUS, 0, 9, 2)), "there is no interface 9"


@pytest.mark.row("C6.set-feature")
def test_set_feature(device: Device) -> None:
    device.control_out(Setup(OUT, SET_FEATURE, DEVICE_REMOTE_WAKEUP))
    assert status(device) == b"\x02\x00"
    device.control_out(Setup(OUT | TO_ENDPOINT, SET_FEATURE, ENDPOINT_HALT, 0x81))
    assert status(device, TO_ENDPOINT, 0x81) == b"\x01\x00"
    with pytest.raises(Stall):
        device.endpoint(0x81).read(64)
    assert stalled(device, Setup(OUT, SET_FEATURE, 99))
    assert stalled(device, Setup(OUT, SET_FEATURE, TEST_MODE, 0x0100)), "for high speed only"
    assert status(device) == b"\x02\x00"


@pytest.mark.row("C6.clear-feature")
def test_clear_feature(device: Device) -> None:
    device.control_out(Setup(OUT, SET_FEATURE, DEVICE_REMOTE_WAKEUP))
    device.control_out(Setup(OUT, CLEAR_FEATURE, DEVICE_REMOTE_WAKEUP))
    assert status(device) == b"\x00\x00"
    device.set_halt(0x01)
    device.control_out(Setup(OUT | TO_ENDPOINT, CLEAR_FEATURE, ENDPOINT_HALT, 0x01))
    assert status(device, TO_ENDPOINT, 0x01) == b"\x00\x00"
    device.control_out(Setup(OUT | TO_ENDPOINT, CLEAR_FEATURE, ENDPOINT_HALT, 0x01))  # one that is not halted
    assert stalled(device, Setup(OUT, CLEAR_FEATURE, 99))


@pytest.mark.row("C6.get-configuration")
def test_get_configuration(device: Device) -> None:
    assert device.control_in(Setup(IN, GET_CONFIGURATION, 0, 0, 1)) == b"\x01"
    device.set_configuration(0)
    assert device.control_in(Setup(IN, GET_CONFIGURATION, 0, 0, 1)) == b"\x00"


@pytest.mark.row("C6.set-configuration")
def test_set_configuration(pico: Board, device: Device, console: Repl) -> None:
    device.control_out(Setup(OUT, SET_CONFIGURATION, 0))
    assert device.control_in(Setup(IN, GET_CONFIGURATION, 0, 0, 1)) == b"\x00"
    with pytest.raises(TransactionError):
        pico.host.wait(pico.host.submit(device.endpoint(0x81).pipe, length=64, timeout=0.05))
    device.control_out(Setup(OUT, SET_CONFIGURATION, 1))
    console.exec("probe.usb.submit_xfer(0x81, b'there again')")
    assert device.endpoint(0x81).read(64) == b"there again"
    device.control_out(Setup(OUT, SET_CONFIGURATION, 7))  # not stalled
    assert device.control_in(Setup(IN, GET_CONFIGURATION, 0, 0, 1)) == b"\x07"
    device.control_out(Setup(OUT, SET_CONFIGURATION, 0))
    assert device.control_in(Setup(IN, GET_CONFIGURATION, 0, 0, 1)) == b"\x00"


@pytest.mark.row("C6.get-descriptor")
def test_get_descriptor(device: Device) -> None:
    assert device.control_in(get_descriptor(1, 0, 0, 18))[:2] == b"\x12\x01"
    assert device.control_in(get_descriptor(2, 0, 0, 9))[:2] == b"\x09\x02"
    assert device.control_in(get_descriptor(3, 0, 0, 255))[:2] == b"\x04\x03"
    assert stalled(device, get_descriptor(0x77, 0, 0, 64)), "there is no such type"
    assert stalled(device, get_descriptor(4, 0, 0, 9)), "an interface's is not accessible by itself (9.4.3)"
    assert stalled(device, get_descriptor(5, 0, 0, 7)), "nor is an endpoint's"
    assert stalled(device, get_descriptor(3, 99, 0x0409, 64)), "there is no string 99"


@pytest.mark.row("C6.set-descriptor")
def test_set_descriptor(device: Device) -> None:
    before = device.control_in(get_descriptor(1, 0, 0, 18))
    assert stalled(device, Setup(OUT, SET_DESCRIPTOR, 0x0100, 0, 18), bytes(18)), "optional, and not there"
    assert device.control_in(get_descriptor(1, 0, 0, 18)) == before


@pytest.mark.row("C6.get-interface")
def test_get_interface(device: Device) -> None:
    assert device.control_in(Setup(IN | TO_INTERFACE, GET_INTERFACE, 0, 0, 1)) == b"\x00"
    assert stalled(device, Setup(IN | TO_INTERFACE, GET_INTERFACE, 0, 9, 1)), "there is no interface 9"


@pytest.mark.row("C6.set-interface")
def test_set_interface(device: Device) -> None:
    device.control_out(Setup(OUT | TO_INTERFACE, SET_INTERFACE, 0, 0))
    assert device.control_in(Setup(IN | TO_INTERFACE, GET_INTERFACE, 0, 0, 1)) == b"\x00"
    device.control_out(Setup(OUT | TO_INTERFACE, SET_INTERFACE, 5, 0))  # not stalled, and without effect
    assert device.control_in(Setup(IN | TO_INTERFACE, GET_INTERFACE, 0, 0, 1)) == b"\x00"
    assert stalled(device, Setup(OUT | TO_INTERFACE, SET_INTERFACE, 0, 9)), "there is no interface 9"


@pytest.mark.row("C6.set-address")
def test_set_address(pico: Board, device: Device, console: Repl) -> None:
    """The status stage is still at the old address: the host would not see it complete otherwise (9.4.6)."""
    device.control_out(Setup(OUT, SET_ADDRESS, 77))
    pico.host.run(0.002)
    assert console.eval(f"__import__('machine').mem32[{reg.ADDR_ENDP}] & 0x7f") == 77
    new, old = (Pipe(address, 0, TransferType.CONTROL, 64) for address in (77, device.address))
    answer = pico.host.submit(new, setup=get_descriptor(1, 0, 0, 18), timeout=1)
    pico.host.wait(answer)
    assert answer.data[:2] == b"\x12\x01"
    with pytest.raises(TransactionError):
        pico.host.wait(pico.host.submit(old, setup=get_descriptor(1, 0, 0, 18), timeout=1))
