"""machine.USBDevice beside the built-in port, over soft resets and from boot.py (rows D17 to D19, D24, D25)."""

from __future__ import annotations

import json

import pytest

from renode_pico.board import Board
from renode_pico.firmware import image_folder
from renode_pico.micropython.repl import Repl
from renode_pico.usb.cdc import cdc_ports
from renode_pico.usb.requests import get_descriptor
from tests.system.conftest import EDITION, PROBE

pytestmark = pytest.mark.pico(firmware="uart-cdc", files=PROBE)

BESIDE = """
from probe import *
usb.builtin_driver = usb.BUILTIN_DEFAULT
b = usb.builtin_driver
cfg = bytearray(b.desc_cfg) + interface(b.itf_max, endpoint(b.ep_max | 0x80), endpoint(b.ep_max), string=b.str_max)
cfg[2] = len(cfg)
cfg[4] = b.itf_max + 1
STRINGS[b.str_max] = 'beside'
config(b.desc_dev, cfg, STRINGS)
usb.active(True)
"""


def install(pico: Board, console: Repl, strings: str = "{}") -> None:
    """Configure a runtime interface beside the built-in port and see the device come back."""
    pico.enumerate()
    count = pico.host.attach_count
    console.exec(f"STRINGS = {strings}\n" + BESIDE)
    pico.wait_reattached(count + 1)


@pytest.mark.row("R8.first-version", "R8.second-version")
def test_the_firmware_is_the_version_that_its_record_names(pico: Board, console: Repl) -> None:
    """Which MicroPython this run is about: all of these suites count for it (row R8)."""
    record = json.loads((image_folder() / "uart-cdc.json").read_text())
    said = console.eval("'v{}.{}.{}'.format(*__import__('sys').implementation.version)")
    assert said == record["versions"]["micropython"]
    assert not EDITION or said == f"v{EDITION}"


@pytest.mark.row("D16.takes-effect", "D17.appended", "D17.work-at-once")
def test_the_built_in_port_and_the_runtime_interface_work_at_once(pico: Board, console: Repl) -> None:
    install(pico, console)
    device = pico.device
    interface = device.configuration.interfaces[-1]
    assert interface.bInterfaceNumber == console.eval("b.itf_max")
    in_, out = (device.endpoint(endpoint.bEndpointAddress) for endpoint in interface.endpoints)
    repl = pico.repl()  # from here on alone: UART and USB share one interpreter
    repl.exec("box = bytearray(64); usb.submit_xfer(b.ep_max, box); usb.submit_xfer(b.ep_max | 0x80, bytes(200))")
    sent = out.submit_out(b"while the REPL answers")
    received = in_.submit_in(200)
    assert repl.eval("6 * 7") == 42
    pico.host.wait(sent, received)
    assert received.data == bytes(200)
    assert repl.eval("bytes(box[:22])") == b"while the REPL answers"


@pytest.mark.row("D18.overrides", "D18.missing", "D18.none")
def test_a_string_at_a_built_in_index_overrides_and_others_stay(pico: Board, console: Repl) -> None:
    before = dict(pico.device.strings)
    install(pico, console, strings="{2: 'Other product', 3: None}")
    after = pico.device.strings
    assert after[2] == "Other product"
    assert after[1] == before[1]
    assert after[3] == before[3]
    assert "beside" in after.values()


@pytest.mark.row(
    "D19.itf-max", "D19.ep-max", "D19.str-max", "D19.desc-dev", "D19.desc-cfg", "D19.only-those-of-the-build"
)
def test_the_builtin_constants_agree_with_the_bus(pico: Board, console: Repl) -> None:
    device = pico.device
    console.exec("import machine; usb = machine.USBDevice(); b = usb.BUILTIN_DEFAULT")
    assert console.eval("[n for n in dir(usb) if n.startswith('BUILTIN_')]") == [
        "BUILTIN_CDC",
        "BUILTIN_DEFAULT",
        "BUILTIN_NONE",
    ]
    assert console.eval("usb.BUILTIN_CDC is b") is True
    assert console.eval("b.desc_dev") == device.control_in(get_descriptor(1, 0, 0, 18))
    total = console.eval("len(b.desc_cfg)")
    assert isinstance(total, int)
    assert console.eval("b.desc_cfg") == device.control_in(get_descriptor(2, 0, 0, total + 64))
    interfaces = device.configuration.interfaces
    assert console.eval("b.itf_max") == 1 + max(i.bInterfaceNumber for i in interfaces)
    assert console.eval("b.ep_max") == 1 + max(e.bEndpointAddress & 15 for i in interfaces for e in i.endpoints)
    used = [device.descriptor.iManufacturer, device.descriptor.iProduct, device.descriptor.iSerialNumber]
    used += [i.iInterface for i in interfaces]
    assert console.eval("b.str_max") == 1 + max(used)
    assert console.eval("(usb.BUILTIN_NONE.itf_max, usb.BUILTIN_NONE.ep_max, usb.BUILTIN_NONE.str_max)") == (0, 0, 1)
    assert console.eval("usb.BUILTIN_NONE.desc_cfg") == b""


@pytest.mark.row("D24.drops", "D24.detaches", "D24.built-in-returns")
def test_a_soft_reset_drops_the_runtime_device(pico: Board, console: Repl) -> None:
    install(pico, console)
    assert len(pico.device.configuration.interfaces) == 3
    count = pico.host.attach_count
    console.soft_reset()
    device = pico.wait_reattached(count + 1)
    assert [i.bInterfaceClass for i in device.configuration.interfaces] == [2, 10]
    assert len(cdc_ports(device)) == 1
    assert pico.repl().eval("'b' in globals()") is False


BOOT = """
from probe import *
start(endpoint(0x81), pid=0xB007, product=2, strings={2: 'from boot.py'})
"""


@pytest.mark.row("D25.first", "D25.every-boot", "D25.every-soft-reset")
@pytest.mark.pico(firmware="uart-cdc", files={**PROBE, "boot.py": BOOT})
def test_a_device_from_boot_py_is_what_the_host_sees_first(pico: Board, console: Repl) -> None:
    device = pico.enumerate()
    assert (device.descriptor.idProduct, device.strings[2]) == (0xB007, "from boot.py")
    assert pico.host.attach_count == 1
    for _ in range(2):
        count = pico.host.attach_count
        console.soft_reset()
        device = pico.wait_reattached(count + 1)
        assert device.descriptor.idProduct == 0xB007
    pico.power_cycle()
    assert pico.enumerate().descriptor.idProduct == 0xB007
