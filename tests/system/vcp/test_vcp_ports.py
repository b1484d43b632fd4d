"""pyb.USB_VCP: which ports there are, and what the host sees of them (rows V1, V2, V6)."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import ScriptError, Stall, Timeout
from renode_pico.usb.cdc import LineCoding, cdc_ports
from renode_pico.usb.transfer import Setup
from tests.system.vcp.conftest import OPENED, WITHOUT_C, Vcp, both_pumps, c_pump

THREE = "import pyb\npyb.usb_mode('3xVCP')\n"
three_ports = pytest.mark.parametrize(
    "pump",
    [
        pytest.param("c", marks=pytest.mark.pico(files={"boot.py": THREE})),
        pytest.param("python", marks=pytest.mark.pico(files={"boot.py": WITHOUT_C + THREE})),
    ],
)


@pytest.mark.row("V1.separate", "V1.three-at-once")
@pytest.mark.pico(firmware="cdc")
@three_ports
def test_three_ports_beside_the_built_in_one_are_separate(pico: Board, pump: str) -> None:
    device = pico.device
    ports = cdc_ports(device)
    assert len(ports) == 4
    assert len({port.function.control_interface for port in ports}) == 4
    endpoints = [
        endpoint.bEndpointAddress
        for port in ports
        for endpoint in (port.function.bulk_in, port.function.bulk_out, port.function.notification)
        if endpoint is not None
    ]
    assert len(set(endpoints)) == 12
    assert {"USB_VCP(0)", "USB_VCP(1)", "USB_VCP(2)"} <= set(device.strings.values())
    pico.exec("import pyb; v = [pyb.USB_VCP(i) for i in range(3)]")
    for index in range(3):
        port = pico.cdc(1 + index)
        port.write(b"to port %d" % index)
        pico.engine.run(OPENED)
    assert pico.repl().eval("[each.read() for each in v]") == [b"to port 0", b"to port 1", b"to port 2"]
    pico.exec("for i in 2, 0, 1: v[i].write('from port %d' % i)")
    assert [pico.cdc(1 + index).read() for index in range(3)] == [b"from port 0", b"from port 1", b"from port 2"]


@pytest.mark.pico(firmware="uart")
@three_ports
def test_three_ports_without_a_built_in_one(pico: Board, pump: str) -> None:
    console = pico.uart_repl()
    assert len(cdc_ports(pico.device)) == 3
    assert pico.device.descriptor.idVendor == 0x2E8A
    assert pico.device.product == "Board in FS mode"
    console.exec("import pyb; v = pyb.USB_VCP(2)")
    pico.cdc(2).write(b"hello")
    pico.engine.run(OPENED)
    assert console.eval("v.read()") == b"hello"


@pytest.mark.row("V1.port-0", "V1.value-error")
@c_pump
def test_an_id_names_one_object_and_others_do_not_exist(vcp: Vcp) -> None:
    assert vcp.eval("v is pyb.USB_VCP(0) is pyb.USB_VCP() and w is pyb.USB_VCP(1) and v is not w") is True
    assert vcp.eval("[repr(v), repr(w), isinstance(v, pyb.USB_VCP)]") == ["USB_VCP(0)", "USB_VCP(1)", True]
    for number in ("2", "-1", "15"):
        with pytest.raises(ScriptError, match="ValueError"):
            vcp.exec(f"pyb.USB_VCP({number})")


@pytest.mark.row("V1.port-0", "V1.value-error")
@pytest.mark.pico(firmware="uart")
def test_port_0_comes_by_itself_and_no_other(pico: Board) -> None:
    console = pico.uart_repl()
    console.exec("import pyb")
    assert console.eval("pyb.usb_mode()") is None
    with pytest.raises(ScriptError, match="ValueError"):
        console.exec("pyb.USB_VCP(1)")
    console.exec("v = pyb.USB_VCP()")
    assert console.eval("pyb.usb_mode()") == "VCP"
    assert len(cdc_ports(pico.device)) == 1
    with pytest.raises(ScriptError, match="ValueError"):
        console.exec("pyb.USB_VCP(1)")


@pytest.mark.pico(firmware="uart")
def test_the_mode_can_be_changed_and_switched_off(pico: Board) -> None:
    console = pico.uart_repl()
    for bad in ("'VCP+HID'", "'0xVCP'", "'8xVCP'", "'xVCP'", "''"):
        with pytest.raises(ScriptError, match="ValueError"):
            console.exec(f"import pyb; pyb.usb_mode({bad})")
    console.exec("pyb.usb_mode('7xVCP')")
    assert len(cdc_ports(pico.device)) == 7
    count = pico.host.attach_count
    console.exec("pyb.usb_mode('VCP+VCP', vid=0xF055, pid=0x9802)")
    device = pico.wait_reattached(count + 1)
    assert (device.descriptor.idVendor, device.descriptor.idProduct, len(cdc_ports(device))) == (0xF055, 0x9802, 2)
    assert console.eval("pyb.usb_mode()") == "2xVCP"
    console.exec("pyb.usb_mode(None)")
    pico.host.wait_attached(False)
    assert console.eval("pyb.usb_mode()") is None


@pytest.mark.pico(firmware="cdc")
def test_importing_pyb_changes_nothing(pico: Board) -> None:
    count = pico.host.attach_count if pico.device else 0
    pico.exec("import pyb")
    pico.engine.run(0.1)
    assert pico.host.attach_count == count
    assert len(cdc_ports(pico.device)) == 1


@pytest.mark.pico(firmware="uart")
def test_ports_go_with_a_soft_reset(pico: Board) -> None:
    console = pico.uart_repl()
    console.exec("import pyb; v = pyb.USB_VCP(); v.irq(lambda port: port.read(), hard=True)")
    pico.cdc(0).submit_write(bytes(5000))
    console.soft_reset()
    pico.host.wait_attached(False)
    console.exec("import pyb; v = pyb.USB_VCP()")
    pico.host.wait_attached()
    pico.enumerate()
    pico.cdc(0).write(b"again")
    pico.engine.run(OPENED)
    assert console.eval("v.read()") == b"again"


@both_pumps
def test_ports_of_boot_py_come_back_after_a_soft_reset(vcp: Vcp, pump: str) -> None:
    vcp.port()
    count = vcp.pico.host.attach_count
    vcp.console.soft_reset()
    vcp.pico.wait_reattached(count + 1)
    again = Vcp(vcp.pico)
    again.port(1).write(b"after")
    again.run(OPENED)
    assert again.eval("w.read()") == b"after"


@pytest.mark.row("V2.rts", "V2.cts", "V2.irq-rx")
@c_pump
def test_constants(vcp: Vcp) -> None:
    assert vcp.eval("(pyb.USB_VCP.RTS, pyb.USB_VCP.CTS, pyb.USB_VCP.IRQ_RX)") == (1, 2, 1)
    assert vcp.eval("(v.RTS, v.CTS, v.IRQ_RX)") == (1, 2, 1)


@pytest.mark.row("V6.true-while-marked", "V6.false-otherwise")
@both_pumps
def test_an_ide_marks_the_port_by_its_line_coding(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    assert port.get_line_coding() == LineCoding(115200)
    assert vcp.eval("v.debug_mode_enabled()") is False
    for baudrate, marked in ((921600, True), (9600, False), (12_000_000, True), (1, False)):
        port.set_line_coding(LineCoding(baudrate, stop_bits=2, parity=1, data_bits=7))
        assert port.get_line_coding() == LineCoding(baudrate, stop_bits=2, parity=1, data_bits=7)
        assert vcp.eval("(v.debug_mode_enabled(), w.debug_mode_enabled())") == (marked, False)
    port.set_line_coding(LineCoding(921600))
    vcp.enumerate()
    assert vcp.eval("v.debug_mode_enabled()") is False


@both_pumps
def test_standard_requests_to_its_interfaces(vcp: Vcp, pump: str) -> None:
    """USB 2.0, 9.4: an interface has a status without a bit, one setting and no feature.

    The data interfaces behind port 0's are left out: MicroPython takes the next association into the function before
    (mp_usbd_runtime.c, _runtime_dev_claim_itfs), and TinyUSB asks no driver for its second interface then.
    """
    device = vcp.pico.device
    first, second = (port.function for port in vcp.ports)
    with pytest.raises(Stall):
        device.get_interface(second.data_interface)
    for interface in (first.control_interface, first.data_interface, second.control_interface):
        assert device.control_in(Setup(0x81, 0, 0, interface, 2)) == b"\0\0"  # GET_STATUS
        assert device.get_interface(interface) == 0
        device.set_interface(interface, 0)
        for setup in (
            Setup(0x01, 0, 0, interface, 2),  # GET_STATUS with its direction reversed
            Setup(0x01, 1, 0, interface, 0),  # CLEAR_FEATURE
            Setup(0x01, 3, 0, interface, 0),  # SET_FEATURE
            Setup(0x01, 7, 0x2400, interface, 8),  # SET_DESCRIPTOR
            Setup(0x01, 0x55, 0, interface, 0),  # no request of chapter 9
        ):
            with pytest.raises(Stall):
                device.control_out(setup, bytes(setup.wLength))
        for setup in (
            Setup(0x81, 0, 0, interface | 0x0100, 2),  # there is no such interface
            Setup(0x81, 0, 0, interface, 0),  # GET_STATUS of no bytes
            Setup(0x81, 6, 0x2400, interface, 8),  # a class descriptor
            Setup(0x81, 0x55, 0, interface, 1),
        ):
            with pytest.raises(Stall):
                device.control_in(setup)
    assert device.get_status() == 0


@both_pumps
def test_get_interface_with_its_direction_reversed_writes_nothing(vcp: Vcp, pump: str) -> None:
    """TinyUSB alone takes the host's bytes, over a variable on its stack and what lies behind it."""
    device = vcp.pico.device
    interface = vcp.ports[0].function.control_interface
    for length in (1, 16, 64):
        with pytest.raises(Timeout):
            device.control_out(Setup(0x01, 10, 0, interface, length), b"\xff" * length, timeout=0.05)
        assert device.get_status() == 0
        assert vcp.eval("1 + 1") == 2


@both_pumps
def test_requests_of_the_class(vcp: Vcp, pump: str) -> None:
    port = vcp.port(1)
    port.send_break(100)
    interface = port.function.control_interface
    for setup in (
        Setup(0x21, 0x02, 0, interface, 0),  # SET_COMM_FEATURE
        Setup(0x21, 0x20, 0, interface, 0),  # SET_LINE_CODING without data
        Setup(0x21, 0x22, 0, interface, 2),  # SET_CONTROL_LINE_STATE with data
        Setup(0x21, 0x23, 0, interface, 2),  # SEND_BREAK with data
        Setup(0x21, 0x22, 0, interface + 1, 0),  # to the data interface
    ):
        with pytest.raises(Stall):
            vcp.pico.device.control_out(setup, bytes(setup.wLength))
    with pytest.raises(Stall):
        vcp.pico.device.control_in(Setup(0xA1, 0x21, 0, interface, 0))  # GET_LINE_CODING of no bytes
    assert vcp.pico.device.get_interface(interface) == 0
    assert vcp.eval("w.isconnected()") is True
