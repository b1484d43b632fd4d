"""machine.USBDevice: what config() and active() make the host see (rows D1 to D6, D14 to D16)."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.errors import ScriptError, Timeout
from renode_pico.micropython.repl import Repl
from renode_pico.usb.descriptors import string_text
from renode_pico.usb.requests import get_descriptor
from renode_pico.usb.transfer import Pipe, Setup, TransferType
from tests.system.conftest import PROBE

pytestmark = pytest.mark.pico(firmware="uart", files=PROBE)

BUILTIN_MANUFACTURER = "MicroPython"
ENGLISH = bytes((4, 3, 0x09, 0x04))


def string(pico: Board, index: int) -> str:
    """The text of a string descriptor as the host reads it in the default language."""
    return string_text(pico.device.control_in(get_descriptor(3, index, 0x0409, 255)))


@pytest.mark.row("D1.same-object")
def test_the_constructor_returns_the_same_object(pico: Board, console: Repl) -> None:
    assert console.eval("__import__('machine').USBDevice() is __import__('machine').USBDevice()") is True


@pytest.mark.row("D2.desc-dev", "D2.desc-cfg")
def test_the_host_reads_the_descriptors_byte_for_byte(pico: Board, console: Repl) -> None:
    console.exec(
        "from probe import *\n"
        "dev = device(0x1209, 0xABCD, 0, 0, 0)\n"
        "cfg = configuration(interface(0, endpoint(0x81, 3, 16, 5), endpoint(0x02)), b'\\x05\\xff\\x01\\x02\\x03')\n"
        "config(dev, cfg); usb.active(True)"
    )
    device = pico.device
    assert device.control_in(get_descriptor(1, 0, 0, 18)) == console.eval("dev")
    configuration = console.eval("cfg")
    assert isinstance(configuration, bytes)
    assert device.control_in(get_descriptor(2, 0, 0, 9)) == configuration[:9]
    assert device.control_in(get_descriptor(2, 0, 0, len(configuration))) == configuration


@pytest.mark.parametrize(
    "strings",
    [
        pytest.param("[None, 'Maker', 'Thing']", id="list", marks=pytest.mark.row("D3.list")),
        pytest.param("{1: 'Maker', 2: 'Thing'}", id="dict", marks=pytest.mark.row("D3.dict")),
        pytest.param(
            "type('Strings', (), {'__getitem__': lambda self, i: (None, 'Maker', 'Thing')[i]})()",
            id="object",
            marks=pytest.mark.row("D3.object"),
        ),
    ],
)
def test_strings_come_from_anything_subscriptable(pico: Board, console: Repl, strings: str) -> None:
    console.exec(f"import probe; probe.start(strings={strings}, manufacturer=1, product=2)")
    assert string(pico, 1) == "Maker"
    assert string(pico, 2) == "Thing"


@pytest.mark.parametrize(
    "strings",
    [
        pytest.param("None", id="none", marks=pytest.mark.row("D4.none")),
        pytest.param("{2: 'Thing'}", id="KeyError", marks=pytest.mark.row("D4.key-error")),
        pytest.param("[None, None, 'Thing']", id="value", marks=pytest.mark.row("D4.none-value")),
        pytest.param("[None]", id="IndexError", marks=pytest.mark.row("D4.index-error")),
    ],
)
def test_a_missing_string_falls_back_to_the_built_in_one(pico: Board, console: Repl, strings: str) -> None:
    console.exec(f"import probe; probe.start(strings={strings}, manufacturer=1)")
    assert string(pico, 1) == BUILTIN_MANUFACTURER


@pytest.mark.row("D4.omitted")
def test_strings_cannot_be_left_out(console: Repl) -> None:
    """The document has them optional; the firmware wants at least None: docs/deviations.md."""
    console.exec("from probe import *; dev, cfg = device(manufacturer=1), configuration(interface(0))")
    with pytest.raises(ScriptError, match="TypeError: 'desc_strs' argument required"):
        console.exec("usb.config(dev, cfg)")
    console.exec("usb.config(dev, cfg, None)")


@pytest.mark.row("D5.table-as-given")
def test_index_0_is_the_language_table_as_given(pico: Board, console: Repl) -> None:
    console.exec(
        "import probe; probe.start(strings={0: b'\\x06\\x03\\x07\\x04\\x09\\x04', 1: 'Hersteller'}, manufacturer=1)"
    )
    table = pico.device.control_in(get_descriptor(3, 0, 0, 255))
    assert table == b"\x06\x03\x07\x04\x09\x04"
    assert pico.device.languages == (0x0407, 0x0409)


@pytest.mark.row("D5.none-english")
@pytest.mark.parametrize("strings", ["None", "[None, 'Maker']"])
def test_none_at_index_0_is_the_english_table(pico: Board, console: Repl, strings: str) -> None:
    console.exec(f"import probe; probe.start(strings={strings}, manufacturer=1)")
    assert pico.device.control_in(get_descriptor(3, 0, 0, 255)) == ENGLISH


@pytest.mark.row("D6.per-interface", "D6.per-iad", "D6.descriptors")
def test_open_is_called_once_per_interface_or_association(pico: Board, console: Repl) -> None:
    console.exec(
        "from probe import *\n"
        "one = interface(0, endpoint(0x81), endpoint(0x01))\n"
        "two = interface(1, endpoint(0x82)) + b'\\x05\\x24\\x01\\x02\\x03'\n"
        "three = interface(2, endpoint(0x83)) + interface(3, endpoint(0x03))\n"
        "iad = bytes((8, 11, 2, 2, 255, 0, 0, 0))\n"
        "config(device(), configuration(one, two, iad, three, count=4)); usb.active(True)"
    )
    pico.enumerate()
    opened = [event[1] for event in console.eval("log") if event[0] == "open"]
    one, two, three, iad = (console.eval(name) for name in ("one", "two", "three", "iad"))
    # The firmware counts an association descriptor as the end of the interface before it: docs/deviations.md.
    assert opened == [one, two + iad, three]


@pytest.mark.row("D6.after-set-configuration", "D6.memoryview")
def test_open_gets_a_memoryview_and_only_after_set_configuration(pico: Board, console: Repl) -> None:
    console.exec(
        "from probe import *\n"
        "opened = []\n"
        "cfg = configuration(interface(0, endpoint(0x81)))\n"
        "usb.config(device(), cfg, None, lambda view: opened.append((type(view), bytes(view))))\n"
        "usb.active(True)"
    )
    pico.enumerate()
    console.exec("opened.clear()")
    pico.host.reset()
    read = pico.host.submit(Pipe(0, 0, TransferType.CONTROL, 64), setup=get_descriptor(2, 0, 0, 255), timeout=1)
    pico.host.wait(read)
    assert read.data == console.eval("cfg")
    assert console.eval("opened") == []
    pico.host.wait(pico.host.submit(Pipe(0, 0, TransferType.CONTROL, 64), setup=Setup(0, 9, 1), timeout=1))
    assert console.eval("[(kind is memoryview, data) for kind, data in opened]") == [(True, console.eval("cfg")[9:])]


@pytest.mark.row("D14.reads", "D14.attach", "D14.enumerate", "D14.detach")
def test_active_attaches_and_detaches(pico: Board, console: Repl) -> None:
    pico.host.plug()
    console.exec("import probe; probe.config(probe.device(), probe.configuration(probe.interface(0)))")
    assert console.eval("probe.usb.active()") is False
    assert not pico.host.attached
    console.exec("probe.usb.active(True)")
    assert console.eval("probe.usb.active()") is True
    assert pico.enumerate().descriptor.idVendor == 0xF055
    console.exec("probe.usb.active(False)")
    assert console.eval("probe.usb.active()") is False
    pico.host.wait_attached(False, timeout=1)


def test_active_needs_a_configuration(pico: Board, console: Repl) -> None:
    with pytest.raises(ScriptError, match="EINVAL"):
        console.exec("import machine; machine.USBDevice().active(True)")
    pico.host.plug()
    with pytest.raises(Timeout):
        pico.host.wait_attached(timeout=1)


@pytest.mark.row("D15.new-device")
def test_a_new_configuration_makes_a_new_device(pico: Board, console: Repl) -> None:
    console.exec("import probe; probe.start(pid=1)")
    assert pico.device.descriptor.idProduct == 1
    count = pico.host.attach_count
    console.exec("probe.usb.active(False); probe.start(probe.endpoint(0x81), pid=2)")
    device = pico.wait_reattached(count + 1)
    assert device.descriptor.idProduct == 2
    assert [e.bEndpointAddress for i in device.configuration.interfaces for e in i.endpoints] == [0x81]


@pytest.mark.row("D16.default-none", "D16.raises-while-active")
def test_the_built_in_driver_is_none_and_cannot_be_set_while_active(pico: Board, console: Repl) -> None:
    console.exec("import probe")
    assert console.eval("probe.usb.builtin_driver is probe.usb.BUILTIN_NONE") is True
    console.exec("probe.start()")
    with pytest.raises(ScriptError, match="EINVAL"):
        console.exec("probe.usb.builtin_driver = probe.usb.BUILTIN_NONE")
    console.exec("probe.usb.active(False); probe.usb.builtin_driver = probe.usb.BUILTIN_NONE")


@pytest.mark.row("D27.repl-on-uart0", "D27.default-is-none", "D27.only-device")
def test_without_built_in_driver_the_runtime_device_is_the_only_one(pico: Board, console: Repl) -> None:
    pico.host.plug()
    with pytest.raises(Timeout):
        pico.host.wait_attached(timeout=1)
    console.exec("import probe")
    assert console.eval("probe.usb.BUILTIN_DEFAULT is probe.usb.BUILTIN_NONE") is True
    assert console.eval("[n for n in dir(probe.usb) if n.startswith('BUILTIN_')]") == [
        "BUILTIN_DEFAULT",
        "BUILTIN_NONE",
    ]
    console.exec("probe.start(probe.endpoint(0x81))")
    device = pico.enumerate()
    assert [i.bInterfaceClass for i in device.configuration.interfaces] == [0xFF]
    assert console.eval("1 + 1") == 2


@pytest.mark.row("C6.device-qualifier")
def test_a_device_qualifier_is_stalled_by_a_full_speed_device(pico: Board, console: Repl) -> None:
    from renode_pico.errors import Stall

    console.exec("import probe; probe.start()")
    with pytest.raises(Stall):
        pico.device.control_in(Setup(0x80, 6, 0x0600, 0, 10))
