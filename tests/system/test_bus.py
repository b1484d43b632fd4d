"""The bus and the controller, driven from both ends with real firmware in between (rows C1 to C16)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall, TransactionError
from renode_pico.micropython.repl import Repl
from renode_pico.usb.requests import get_descriptor
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType
from renode_pico.usb.wire import Fault
from tests.system import registers as reg
from tests.system.conftest import PROBE

pytestmark = pytest.mark.pico(firmware="uart", files=PROBE)

START = "from machine import mem8, mem16, mem32; from probe import *; start(endpoint(0x81), endpoint(0x01))"


def peek(console: Repl, address: int) -> int:
    """Read a register from the chip's side."""
    value = console.eval(f"mem32[{address:#x}] & 0xffffffff")
    assert isinstance(value, int)
    return value


def poke(console: Repl, address: int, value: int) -> None:
    """Write a register from the chip's side."""
    console.exec(f"mem32[{address:#x}] = {value:#x}")


def line_state(console: Repl) -> str:
    """The differential state of the bus as the device sees it."""
    return ("SE0", "J", "K", "SE1")[(peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_LINE_STATE) >> 2]


@pytest.mark.row("C1.full-speed", "C1.detach")
def test_the_pull_up_attaches_and_detaches(pico: Board, console: Repl) -> None:
    console.exec(START)
    assert peek(console, reg.SIE_CTRL) & reg.SIE_CTRL_PULLUP_EN
    assert not pico.host.attached
    pico.enumerate()
    assert peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_CONNECTED
    assert line_state(console) == "J", "the idle state of full speed: D+ is high"
    poke(console, reg.SIE_CTRL + reg.CLEAR, reg.SIE_CTRL_PULLUP_EN)
    assert not pico.host.attached
    count = pico.host.attach_count
    poke(console, reg.SIE_CTRL + reg.SET, reg.SIE_CTRL_PULLUP_EN)
    assert pico.wait_reattached(count + 1).descriptor.idVendor == 0xF055


@pytest.mark.row("C1.vbus-pin", "C1.vbus-override")
def test_vbus_is_detected_by_override_and_by_the_cable(pico: Board, console: Repl) -> None:
    console.exec(START)
    assert peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_VBUS_DETECTED, "the SDK's override says VBUS is there"
    poke(console, reg.USB_PWR, reg.USB_PWR_VBUS_DETECT_OVERRIDE_EN)
    assert not peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_VBUS_DETECTED
    poke(console, reg.USB_PWR, 0)
    assert not peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_VBUS_DETECTED
    pico.host.plug()
    assert peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_VBUS_DETECTED


@pytest.mark.row("C2.address-0", "C2.views-agree")
def test_a_bus_reset_returns_both_ends_to_address_0(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    assert device.address != 0
    assert peek(console, reg.ADDR_ENDP) & 0x7F == device.address
    pico.host.reset()
    assert peek(console, reg.ADDR_ENDP) & 0x7F == 0
    pipe = Pipe(0, 0, TransferType.CONTROL, 64)
    transfer = pico.host.submit(pipe, setup=get_descriptor(1, 0, 0, 18), timeout=1)
    pico.host.wait(transfer)
    assert transfer.data[:2] == b"\x12\x01"
    old = pico.host.submit(Pipe(device.address, 0, TransferType.CONTROL, 64), setup=get_descriptor(1, 0, 0, 18))
    with pytest.raises(TransactionError):
        pico.host.wait(old)


@pytest.mark.row("C2.bus-reset-bit", "C2.address-0")
def test_the_firmware_takes_its_address_away_not_the_controller(pico: Board, console: Repl) -> None:
    """With USBCTRL_IRQ off at the NVIC the firmware knows nothing of the reset (docs/renode-usb.md, Decisions)."""
    console.exec(START)
    address = pico.enumerate().address
    console.exec("log.clear()")
    poke(console, reg.NVIC_ICER, 1 << reg.USBCTRL_IRQ)
    pico.host.reset()
    assert peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_BUS_RESET
    assert peek(console, reg.ADDR_ENDP) & 0x7F == address
    assert console.eval("log") == []
    poke(console, reg.NVIC_ISER, 1 << reg.USBCTRL_IRQ)
    assert console.eval("('reset',) in log") is True
    assert peek(console, reg.ADDR_ENDP) & 0x7F == 0
    assert pico.enumerate().descriptor.idVendor == 0xF055


@pytest.mark.row("C3.start-of-dpsram", "C3.always-accepted", "C3.aborts")
def test_setup_is_accepted_in_the_middle_of_a_data_stage(pico: Board, console: Repl) -> None:
    console.exec(START)
    console.exec("answer = bytes(4000); import probe; probe.answer = lambda s, r: answer if s == 1 else True")
    device = pico.device
    for _ in range(3):
        begun = pico.host.submit(device.control_pipe, setup=Setup(0xA1, 0x10, 0, 0, 4000))

        def begins(begun: Transfer = begun) -> bool:
            return begun.actual_length >= 64

        assert pico.engine.run_until(begins, timeout=1)
        assert begun.actual_length < 4000
        pico.host.cancel(begun)
        pico.host.run(0.005)  # the firmware has put its next packet into the buffer: the SETUP must abort it
        assert peek(console, reg.buffer_control(0x80)) & reg.AVAILABLE
        assert len(device.control_in(get_descriptor(1, 0, 0, 18))) == 18
    setup = get_descriptor(1, 0, 0, 18)
    device.control_in(setup)
    assert bytes(console.eval(f"bytes(mem8[{reg.USBCTRL_DPRAM} + i] for i in range(8))")) == setup.pack()


@pytest.mark.parametrize(
    "wLength",
    [
        *(pytest.param(n, marks=pytest.mark.row("C6.wlength-below")) for n in (1, 8, 9, 17, 18, 19, 31)),
        pytest.param(32, marks=pytest.mark.row("C6.wlength-at")),
        *(pytest.param(n, marks=pytest.mark.row("C6.wlength-above")) for n in (33, 64, 255, 4096)),
    ],
)
def test_get_descriptor_is_cut_at_the_descriptor_or_at_wlength(pico: Board, console: Repl, wLength: int) -> None:
    console.exec(START)
    device = pico.device
    whole = device.control_in(get_descriptor(2, 0, 0, 4096))
    assert len(whole) == int.from_bytes(whole[2:4], "little") == 32
    assert device.control_in(get_descriptor(2, 0, 0, wLength)) == whole[:wLength]


@pytest.mark.row("C5.endpoint-0", "C6.device-qualifier", "C6.synch-frame")
def test_invalid_standard_requests_are_stalled_and_the_valid_ones_still_answered(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    invalid = {
        "DEVICE_QUALIFIER": Setup(0x80, 6, 0x0600, 0, 10),
        "unknown descriptor type": Setup(0x80, 6, 0x7700, 0, 64),
        "string beyond the last": Setup(0x80, 6, 0x0363, 0x0409, 64),
        "SET_CONFIGURATION 7": Setup(0x00, 9, 7),
        "SET_FEATURE TEST_MODE": Setup(0x00, 3, 2, 0x0100),
        "SET_FEATURE 99": Setup(0x00, 3, 99),
        "GET_STATUS of endpoint 15": Setup(0x82, 0, 0, 0x8F, 2),
        "GET_INTERFACE 9": Setup(0x81, 10, 0, 9, 1),
        "SYNCH_FRAME": Setup(0x82, 12, 0, 0x81, 2),
        "bRequest 77": Setup(0x80, 77, 0, 0, 2),
    }
    seen = {}
    for name, setup in invalid.items():
        try:
            if setup.is_in:
                seen[name] = f"answered {device.control_in(setup)!r}"
            else:
                device.control_out(setup)
                seen[name] = "accepted"
        except Stall:
            seen[name] = "STALL"
        assert device.control_in(Setup(0x80, 0, 0, 0, 2)) in (b"\x00\x00", b"\x02\x00"), name
        if name.startswith("SET_CONFIGURATION"):
            device.set_configuration(1)
    tolerated = {"SET_CONFIGURATION 7", "GET_STATUS of endpoint 15", "GET_INTERFACE 9"}  # see docs/deviations.md
    assert {name for name, what in seen.items() if what != "STALL"} <= tolerated, seen


def test_the_standard_requests_of_chapter_9(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    assert device.control_in(Setup(0x80, 8, 0, 0, 1)) == b"\x01"  # GET_CONFIGURATION
    assert device.control_in(Setup(0x80, 0, 0, 0, 2)) == b"\x00\x00"  # GET_STATUS: bus powered, no remote wake-up
    device.set_remote_wakeup(True)
    assert device.control_in(Setup(0x80, 0, 0, 0, 2)) == b"\x02\x00"
    device.set_remote_wakeup(False)
    assert device.control_in(Setup(0x80, 0, 0, 0, 2)) == b"\x00\x00"
    assert device.control_in(Setup(0x82, 0, 0, 0x81, 2)) == b"\x00\x00"
    device.control_out(Setup(0x02, 3, 0, 0x81))  # SET_FEATURE(ENDPOINT_HALT)
    assert device.control_in(Setup(0x82, 0, 0, 0x81, 2)) == b"\x01\x00"
    with pytest.raises(Stall):
        device.endpoint(0x81).read(64)
    device.clear_halt(0x81)
    assert device.control_in(Setup(0x82, 0, 0, 0x81, 2)) == b"\x00\x00"
    device.set_configuration(0)
    assert device.control_in(Setup(0x80, 8, 0, 0, 1)) == b"\x00"
    device.set_configuration(1)
    assert device.control_in(Setup(0x80, 8, 0, 0, 1)) == b"\x01"


@pytest.mark.row("C7.short-in", "C7.short-out", "C7.zero-length-in", "C7.zero-length-out", "C7.single-out")
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 127, 128, 129, 1000])
def test_bulk_of_any_length_both_ways(pico: Board, console: Repl, size: int) -> None:
    console.exec(START)
    device = pico.device
    data = bytes(i * 13 & 255 for i in range(size))
    console.exec("box = bytearray(1024); usb.submit_xfer(0x01, box)")
    device.endpoint(0x01).write(data, zero_packet=size % 64 == 0)
    assert console.eval("log[-1]") == ("xfer", 1, 0, size)
    console.exec(f"usb.submit_xfer(0x81, box[:{size}])")
    assert device.endpoint(0x81).read(1024 if size % 64 or not size else size) == data


@pytest.mark.row("C7.nak-in", "C7.nak-out")
def test_nak_while_no_buffer_is_available(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    transfers = [
        pico.host.submit(device.endpoint(0x81).pipe, length=64),
        pico.host.submit(device.endpoint(0x01).pipe, b"waits"),
    ]
    pico.host.run(0.05)
    assert [transfer.status for transfer in transfers] == [Status.PENDING] * 2
    console.exec("box = bytearray(64); usb.submit_xfer(0x81, b'now'); usb.submit_xfer(0x01, box)")
    pico.host.wait(*transfers, timeout=1)
    assert transfers[0].data == b"now"
    assert console.eval("bytes(box[:5])") == b"waits"


@pytest.mark.row("C8.interrupt-interval")
def test_an_interrupt_endpoint_is_polled_at_binterval(pico: Board, console: Repl) -> None:
    console.exec("from probe import *; start(endpoint(0x81, 3, 8, 10))")
    pipe = pico.device.endpoint(0x81).pipe
    assert (pipe.type, pipe.interval) == (TransferType.INTERRUPT, 10)
    frames = []
    for _ in range(4):
        console.exec("usb.submit_xfer(0x81, b'report')")
        transfer = pico.host.submit(pipe, length=8, on_done=lambda t: frames.append(pico.host.frame))
        pico.host.wait(transfer, timeout=1)
    gaps = {(b - a) % 2048 % 10 for a, b in pairwise(frames)}
    assert gaps == {0}, f"polled in frames {frames}, not each 10"


@pytest.mark.row("C8.iso-in", "C8.iso-out", "C8.iso-one-a-frame")
def test_isochronous_goes_one_packet_a_frame_without_handshake(pico: Board, console: Repl) -> None:
    """Two hand-made endpoints: TinyUSB's driver refuses to open isochronous ones for machine.USBDevice."""
    console.exec(START)
    device = pico.device
    half = reg.FULL | reg.AVAILABLE | 32
    control = reg.ENABLE | reg.DOUBLE_BUFFERED | 1 << 26
    console.exec(
        "for i in range(32): mem8[0x50100d00 + i] = i; mem8[0x50100d80 + i] = 0x80 + i\n"
        f"mem32[{reg.endpoint_control(0x87):#x}] = {control | 0xD00:#x}\n"
        f"mem32[{reg.buffer_control(0x87):#x}] = {half << 16 | half:#x}\n"
        f"mem32[{reg.endpoint_control(0x07):#x}] = {control | 0xE00:#x}\n"
        f"mem32[{reg.buffer_control(0x07):#x}] = {(reg.AVAILABLE | 128) << 16 | reg.AVAILABLE | 128:#x}"
    )
    frames: list[int] = []
    note = lambda _: frames.append(pico.host.frame)  # noqa: E731
    ins, outs = (Pipe(device.address, address, TransferType.ISOCHRONOUS, 128) for address in (0x87, 0x07))
    received = [pico.host.submit(ins, length=32, on_done=note) for _ in range(2)]
    pico.host.wait(*received, timeout=1)
    assert [transfer.data for transfer in received] == [bytes(range(32)), bytes(range(0x80, 0xA0))]
    assert (frames[1] - frames[0]) % 2048 == 1
    pico.host.wait(*[pico.host.submit(outs, bytes((n,)) * 20, on_done=note) for n in (1, 2)], timeout=1)
    assert (frames[3] - frames[2]) % 2048 == 1
    assert console.eval("[mem8[0x50100e00], mem8[0x50100e13], mem8[0x50100e80], mem8[0x50100e93]]") == [1, 1, 2, 2]


@pytest.mark.row("C9.all-at-once")
def test_all_thirty_endpoints_at_once(pico: Board, console: Repl) -> None:
    console.exec(
        "from probe import *\n"
        "parts = [interface(0, *[endpoint(n | 0x80) for n in range(1, 16)], *[endpoint(n, 3) for n in range(1, 16)])]\n"
        "config(device(), configuration(*parts)); usb.active(True)"
    )
    device = pico.device
    console.exec(
        "boxes = {n: bytearray(64) for n in range(1, 16)}\n"
        "for n in range(1, 16): usb.submit_xfer(n, boxes[n]); usb.submit_xfer(n | 0x80, bytes((n,)) * 100)"
    )
    ins = [pico.host.submit(device.endpoint(n | 0x80).pipe, length=100) for n in range(1, 16)]
    outs = [pico.host.submit(device.endpoint(n).pipe, bytes((0x40 + n,)) * 33) for n in range(1, 16)]
    pico.host.wait(*ins, *outs, timeout=2)
    assert [transfer.data for transfer in ins] == [bytes((n,)) * 100 for n in range(1, 16)]
    assert console.eval("[bytes(boxes[n][:33]) for n in range(1, 16)]") == [
        bytes((0x40 + n,)) * 33 for n in range(1, 16)
    ]


@pytest.mark.row("C11.each-ms", "C11.sof-rd-wraps")
def test_sof_comes_each_millisecond_and_wraps_at_11_bits(pico: Board, console: Repl) -> None:
    console.exec(START)
    pico.enumerate()
    frame = pico.host.frame
    pico.host.run(0.1)
    assert (pico.host.frame - frame) % 2048 == 100
    told = peek(console, reg.SOF_RD)
    assert (pico.host.frame - told) % 2048 <= 10, "frames go on while the answer comes over the UART"
    seen = console.eval("[mem32[0x50110048] for _ in range(200)]")
    assert all(0 <= number < 2048 for number in seen)
    steps = {(b - a) % 2048 for a, b in pairwise(seen)}
    assert steps <= {0, 1, 2}
    pico.host.run((2048 - pico.host.frame) / 1000 + 0.003)
    assert pico.host.frame < 10
    assert peek(console, reg.SOF_RD) < 100


@pytest.mark.row("C12.host-resume")
def test_an_idle_bus_suspends_and_the_host_resumes_it(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    assert not peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_SUSPENDED
    pico.host.suspend()
    assert console.eval("__import__('machine').USBDevice().active()") is True
    frame = pico.host.frame
    pico.host.run(0.05)
    assert pico.host.frame == frame, "no frames while suspended"
    assert line_state(console) == "J"
    pico.host.resume()
    console.exec("usb.submit_xfer(0x81, b'resumed')")
    assert device.endpoint(0x81).read(64, timeout=1) == b"resumed"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.CRC, marks=pytest.mark.row("C13.crc-no-loss")),
        pytest.param(Fault.BIT_STUFF, marks=pytest.mark.row("C13.bit-stuffing-no-loss")),
        pytest.param(Fault.LOST_DATA, marks=pytest.mark.row("C13.time-out-no-loss")),
        pytest.param(Fault.LOST_HANDSHAKE, marks=pytest.mark.row("C13.lost-ack-no-loss")),
    ],
)
@pytest.mark.parametrize("address", [0x01, 0x81], ids=["OUT", "IN"])
def test_no_byte_is_lost_or_doubled_after_a_fault(pico: Board, console: Repl, fault: Fault, address: int) -> None:
    console.exec(START)
    endpoint = pico.device.endpoint(address)
    data = bytes(range(256)) + b"end"
    console.exec("box = bytearray(300)")
    pico.host.inject(fault, endpoint_address=address, count=2, skip=1)
    if address & 0x80:
        console.exec("usb.submit_xfer(0x81, bytes(range(256)) + b'end')")
        assert endpoint.read(300, timeout=1) == data
    else:
        console.exec("usb.submit_xfer(0x01, box)")
        endpoint.write(data, timeout=1)
        assert console.eval("bytes(box[:259])") == data
    assert console.eval("log[-1][1:]") == (address, 0, 259)


def test_three_faults_in_a_row_end_the_transfer(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    console.exec("box = bytearray(64); usb.submit_xfer(0x01, box)")
    pico.host.inject(Fault.CRC, endpoint_address=0x01, count=3)
    with pytest.raises(TransactionError):
        device.endpoint(0x01).write(b"spoiled", timeout=1)
    device.endpoint(0x01).write(b"whole", timeout=1)
    assert console.eval("bytes(box[:5])") == b"whole"


@pytest.mark.parametrize(
    ("fault", "bit"),
    [
        pytest.param(Fault.CRC, reg.SIE_STATUS_CRC_ERROR, marks=pytest.mark.row("C13.crc-bit")),
        pytest.param(Fault.BIT_STUFF, reg.SIE_STATUS_BIT_STUFF_ERROR, marks=pytest.mark.row("C13.bit-stuffing-bit")),
        pytest.param(Fault.LOST_DATA, reg.SIE_STATUS_RX_TIMEOUT, marks=pytest.mark.row("C13.time-out-bit")),
        pytest.param(Fault.WRONG_TOGGLE, reg.SIE_STATUS_DATA_SEQ_ERROR, marks=pytest.mark.row("C13.wrong-toggle-bit")),
    ],
)
def test_the_status_register_tells_what_went_wrong(pico: Board, console: Repl, fault: Fault, bit: int) -> None:
    console.exec(START)
    device = pico.device
    console.exec("box = bytearray(192); usb.submit_xfer(0x01, box)")
    assert not peek(console, reg.SIE_STATUS) & bit
    pico.host.inject(fault, endpoint_address=0x01, skip=1)
    device.endpoint(0x01).write(bytes(100), timeout=1)
    assert peek(console, reg.SIE_STATUS) & bit
    poke(console, reg.SIE_STATUS, bit)
    assert not peek(console, reg.SIE_STATUS) & bit, "written 1 clears"


@pytest.mark.row("C14.intf", "C14.ints")
def test_forced_and_enabled_interrupts_show_in_ints(pico: Board, console: Repl) -> None:
    console.exec(START)
    pico.enumerate()
    console.exec("from machine import disable_irq, enable_irq")
    masked = (
        "state = disable_irq()\n"
        "enabled = mem32[0x50110090]\n"
        "mem32[0x50110090] = 0\n"
        "mem32[0x50110094] = 1 << 10\n"
        "forced = mem32[0x50110098]\n"
        "mem32[0x50110094] = 0\n"
        "quiet = mem32[0x50110098]\n"
        "mem32[0x50110090] = enabled\n"
        "enable_irq(state)"
    )
    console.exec(masked)
    assert console.eval("forced") == 1 << 10
    assert console.eval("quiet") == 0


@pytest.mark.row("C14.buff-status", "C7.single-in")
def test_buff_status_and_should_handle_follow_a_buffer(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    in5 = 1 << 10
    console.exec(
        "from machine import disable_irq, enable_irq\n"
        f"mem32[{reg.endpoint_control(0x85):#x}] = {reg.ENABLE | reg.INTERRUPT_PER_BUFF | 2 << 26 | 0xE00:#x}\n"
        "for i in range(8): mem8[0x50100e00 + i] = 0x30 + i\n"
        f"mem32[{reg.buffer_control(0x85):#x}] = {reg.FULL | 8:#x}\n"
        f"mem32[{reg.buffer_control(0x85):#x}] = {reg.FULL | reg.AVAILABLE | 8:#x}\n"
        f"mem32[{reg.INTE + reg.CLEAR:#x}] = 1 << 4"  # the driver must not see an endpoint it did not open
    )
    pipe = Pipe(device.address, 0x85, TransferType.BULK, 64)
    transfer = pico.host.submit(pipe, length=8, timeout=1)
    pico.host.wait(transfer)
    assert transfer.data == b"01234567"
    assert peek(console, reg.BUFF_STATUS) & in5
    assert not peek(console, reg.BUFF_CPU_SHOULD_HANDLE) & in5, "buffer 0 is the one to handle"
    poke(console, reg.BUFF_STATUS, in5)
    assert not peek(console, reg.BUFF_STATUS) & in5
    control = peek(console, reg.buffer_control(0x85))
    assert not control & (reg.AVAILABLE | reg.FULL)
    assert control & 0x3FF == 8


@pytest.mark.row("C7.double-in")
def test_a_double_buffered_endpoint_sends_both_in_order(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    second = (reg.FULL | reg.AVAILABLE | reg.DATA1 | 5) << 16
    console.exec(
        f"mem32[{reg.endpoint_control(0x86):#x}] = {reg.ENABLE | reg.DOUBLE_BUFFERED | 2 << 26 | 0xE00:#x}\n"
        "for i in range(64): mem8[0x50100e00 + i] = i; mem8[0x50100e40 + i] = 0x80 + i\n"
        f"mem32[{reg.buffer_control(0x86):#x}] = {second | reg.FULL | reg.AVAILABLE | 64:#x}"
    )
    transfer = pico.host.submit(Pipe(device.address, 0x86, TransferType.BULK, 64), length=128, timeout=1)
    pico.host.wait(transfer)
    assert transfer.packets == (64, 5)
    assert transfer.data == bytes(range(64)) + bytes(range(0x80, 0x85))


@pytest.mark.row("C10.abort", "C10.abort-done")
def test_abort_takes_a_buffer_back(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    in1 = 1 << 2
    console.exec("usb.submit_xfer(0x81, b'never seen')")
    poke(console, reg.EP_ABORT, in1)
    assert peek(console, reg.EP_ABORT_DONE) & in1
    transfer = pico.host.submit(device.endpoint(0x81).pipe, length=64)
    pico.host.run(0.02)
    assert transfer.status is Status.PENDING, "an aborted endpoint answers NAK"
    poke(console, reg.EP_ABORT, 0)
    poke(console, reg.EP_ABORT_DONE, in1)
    pico.host.wait(transfer, timeout=1)
    assert transfer.data == b"never seen"


@pytest.mark.row("C10.status-nak", "C10.status-stall")
def test_nak_and_stall_are_noted_per_endpoint(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    in1 = 1 << 2
    control = reg.endpoint_control(0x81)
    poke(console, reg.INTE + reg.CLEAR, 1 << 19)
    poke(console, reg.EP_STATUS_STALL_NAK, 0xFFFFFFFF)
    transfer = pico.host.submit(device.endpoint(0x81).pipe, length=64)
    pico.host.run(0.01)
    assert not peek(console, reg.EP_STATUS_STALL_NAK) & in1, "not asked for"
    poke(console, control, peek(console, control) | reg.INTERRUPT_ON_NAK)
    pico.host.run(0.01)
    assert peek(console, reg.EP_STATUS_STALL_NAK) & in1
    pico.host.cancel(transfer)
    poke(console, control, peek(console, control) & ~reg.INTERRUPT_ON_NAK)
    poke(console, reg.EP_STATUS_STALL_NAK, in1)
    assert not peek(console, reg.EP_STATUS_STALL_NAK) & in1
    poke(console, control, peek(console, control) | reg.INTERRUPT_ON_STALL)
    console.exec("usb.stall(0x81, True)")
    with pytest.raises(Stall):
        device.endpoint(0x81).read(64)
    assert peek(console, reg.EP_STATUS_STALL_NAK) & in1


@pytest.mark.row("C15.set", "C15.clear", "C15.xor", "C15.dpsram-8", "C15.dpsram-16", "C15.dpsram-32")
def test_aliases_and_narrow_accesses(pico: Board, console: Repl) -> None:
    console.exec(START)
    scratch = reg.USBCTRL_DPRAM + 0xF00
    console.exec(f"mem32[{scratch}] = 0x04030201")
    assert console.eval(f"[mem8[{scratch} + i] for i in range(4)]") == [1, 2, 3, 4]
    assert console.eval(f"[mem16[{scratch}], mem16[{scratch} + 2]]") == [0x0201, 0x0403]
    console.exec(f"mem8[{scratch} + 1] = 0xaa; mem16[{scratch} + 2] = 0xbbcc")
    assert peek(console, scratch) == 0xBBCCAA01
    before = peek(console, reg.INTE)
    unused = 1 << 9
    poke(console, reg.INTE + reg.SET, unused)
    assert peek(console, reg.INTE) == before | unused
    poke(console, reg.INTE + reg.XOR, unused)
    assert peek(console, reg.INTE) == before & ~unused
    poke(console, reg.INTE + reg.XOR, unused)
    poke(console, reg.INTE + reg.CLEAR, unused)
    assert peek(console, reg.INTE) == before & ~unused


@pytest.mark.row("C16.nineteen")
def test_a_frame_carries_at_most_19_full_bulk_packets(pico: Board, console: Repl) -> None:
    """Many hand-made endpoints with both buffers full: what limits is the bus."""
    console.exec(START)
    device = pico.device
    console.exec(
        "for n in range(2, 16):\n"
        f"    mem32[{reg.USBCTRL_DPRAM} + 8 * n] = {reg.ENABLE | reg.DOUBLE_BUFFERED | 2 << 26 | 0xE00:#x}\n"
        f"    mem32[{reg.USBCTRL_DPRAM + 0x80} + 8 * n] = "
        f"{(reg.FULL | reg.AVAILABLE | reg.DATA1 | 64) << 16 | reg.FULL | reg.AVAILABLE | 64:#x}"
    )
    frames: list[int] = []
    last = pico.host.frame
    while pico.host.frame == last:
        pico.host.run(0.000_01)
    transfers = []
    for number in range(2, 16):
        pipe = Pipe(device.address, number | 0x80, TransferType.BULK, 64)
        transfers += [
            pico.host.submit(pipe, length=64, on_done=lambda _: frames.append(pico.host.frame)) for _ in range(2)
        ]
    pico.host.wait(*transfers, timeout=1)
    assert [frames.count(frame) for frame in sorted(set(frames))] == [19, 9]
