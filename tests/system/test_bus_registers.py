"""The controller's registers with real firmware held back: what they say at the very instant (rows C3, C7, C10 to C16).

The firmware's driver answers the interrupt within microseconds. With the interrupt off at the NVIC the registers stay
as the bus has left them, and the program on the board does what the driver would do.
"""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.micropython.repl import Repl
from renode_pico.usb.requests import get_descriptor
from renode_pico.usb.transfer import Pipe, Setup, Status, TransferType
from tests.system import registers as reg
from tests.system.conftest import PROBE
from tests.system.test_bus import START, peek, poke

pytestmark = pytest.mark.pico(firmware="uart", files=PROBE)

IN6, OUT6 = 1 << 12, 1 << 13
"""Bits of endpoint 6 in BUFF_STATUS and its like."""
BULK = 2 << 26
AT = 0xE00
"""Where in DPSRAM the buffers of the endpoints lie that are made by hand here."""


def hold_driver_back(console: Repl) -> None:
    """Let no USB interrupt reach the firmware."""
    poke(console, reg.NVIC_ICER, 1 << reg.USBCTRL_IRQ)


def let_driver_go(console: Repl) -> None:
    """The firmware sees what has happened meanwhile."""
    poke(console, reg.NVIC_ISER, 1 << reg.USBCTRL_IRQ)


def pending(console: Repl) -> bool:
    """Whether the controller's interrupt waits at the NVIC."""
    return bool(peek(console, reg.NVIC_ISPR) >> reg.USBCTRL_IRQ & 1)


@pytest.mark.row("C3.setup-rec", "C3.start-of-dpsram")
def test_a_setup_sets_setup_rec_until_the_firmware_has_seen_it(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    assert not peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_SETUP_REC
    hold_driver_back(console)
    setup = get_descriptor(1, 0, 0, 18)
    transfer = pico.host.submit(device.control_pipe, setup=setup, timeout=1)
    pico.host.run(0.005)
    assert peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_SETUP_REC
    assert console.eval(f"bytes(mem8[{reg.USBCTRL_DPRAM} + i] for i in range(8))") == setup.pack()
    assert transfer.status is Status.PENDING
    let_driver_go(console)
    pico.host.wait(transfer)
    assert transfer.data[:2] == b"\x12\x01"
    assert not peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_SETUP_REC


@pytest.mark.row("C10.stall-arm")
def test_endpoint_0_stalls_only_when_it_is_armed(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    hold_driver_back(console)
    transfer = pico.host.submit(device.control_pipe, setup=Setup(0x80, 0, 0, 0, 2), timeout=1)
    pico.host.run(0.002)
    poke(console, reg.SIE_STATUS, reg.SIE_STATUS_SETUP_REC)
    poke(console, reg.buffer_control(0x80), reg.STALL)
    pico.host.run(0.002)
    assert transfer.status is Status.PENDING, "STALL in the buffer control alone is no stall"
    poke(console, reg.EP_STALL_ARM, 1)
    pico.host.run(0.002)
    assert [transfer.status] == [Status.STALLED]
    assert peek(console, reg.EP_STALL_ARM) == 1
    again = pico.host.submit(device.control_pipe, setup=Setup(0x80, 0, 0, 0, 2), timeout=1)
    pico.host.run(0.002)
    assert peek(console, reg.EP_STALL_ARM) == 0, "the next SETUP has taken it away"
    let_driver_go(console)
    pico.host.wait(again)
    assert again.data == b"\x00\x00"


@pytest.mark.row("C7.double-out", "C14.per-buffer")
def test_a_double_buffered_endpoint_receives_into_both_and_then_says_nak(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    hold_driver_back(console)
    control = reg.ENABLE | reg.DOUBLE_BUFFERED | reg.INTERRUPT_PER_BUFF | BULK | AT
    second = (reg.AVAILABLE | reg.DATA1 | 64) << 16
    console.exec(
        f"mem32[{reg.endpoint_control(0x06):#x}] = {control:#x}\n"
        f"mem32[{reg.buffer_control(0x06):#x}] = {second | reg.AVAILABLE | 64:#x}"
    )
    pipe = Pipe(device.address, 0x06, TransferType.BULK, 64)
    pico.host.wait(pico.host.submit(pipe, bytes(range(64)), timeout=1))
    assert peek(console, reg.BUFF_STATUS) & OUT6
    assert not peek(console, reg.BUFF_CPU_SHOULD_HANDLE) & OUT6
    pico.host.wait(pico.host.submit(pipe, b"second buffer", timeout=1))
    third = pico.host.submit(pipe, b"no room", timeout=1)
    pico.host.run(0.005)
    assert third.status is Status.PENDING
    assert console.eval(f"bytes(mem8[{reg.USBCTRL_DPRAM + AT} + i] for i in range(64))") == bytes(range(64))
    assert console.eval(f"bytes(mem8[{reg.USBCTRL_DPRAM + AT + 64} + i] for i in range(13))") == b"second buffer"
    words = peek(console, reg.buffer_control(0x06))
    assert [(half & reg.FULL != 0, half & reg.AVAILABLE, half & 0x3FF) for half in (words & 0xFFFF, words >> 16)] == [
        (True, 0, 64),
        (True, 0, 13),
    ]
    poke(console, reg.BUFF_STATUS, OUT6)
    assert peek(console, reg.BUFF_STATUS) & peek(console, reg.BUFF_CPU_SHOULD_HANDLE) & OUT6, "the other one"
    poke(console, reg.BUFF_STATUS, OUT6)
    assert not peek(console, reg.BUFF_STATUS) & OUT6


@pytest.mark.row("C14.per-two-buffers", "C14.inte")
def test_an_interrupt_per_two_buffers_comes_with_the_second(pico: Board, console: Repl) -> None:
    console.exec(START)
    device = pico.device
    hold_driver_back(console)
    control = reg.ENABLE | reg.DOUBLE_BUFFERED | reg.INTERRUPT_PER_DOUBLE_BUFF | BULK | AT
    half = reg.FULL | reg.AVAILABLE | 64
    console.exec(
        f"mem32[{reg.endpoint_control(0x86):#x}] = {control:#x}\n"
        f"mem32[{reg.buffer_control(0x86):#x}] = {(half | reg.DATA1) << 16 | half:#x}\n"
        f"mem32[{reg.NVIC_ICPR:#x}] = {1 << reg.USBCTRL_IRQ}"
    )
    pipe = Pipe(device.address, 0x86, TransferType.BULK, 64)
    pico.host.wait(pico.host.submit(pipe, length=64, timeout=1))
    assert not peek(console, reg.BUFF_STATUS) & IN6
    assert not pending(console)
    pico.host.wait(pico.host.submit(pipe, length=64, timeout=1))
    assert peek(console, reg.BUFF_STATUS) & IN6
    assert peek(console, reg.INTS) & reg.INT_BUFF_STATUS
    assert pending(console)
    poke(console, reg.INTE + reg.CLEAR, reg.INT_BUFF_STATUS)
    assert peek(console, reg.INTR) & reg.INT_BUFF_STATUS
    assert not peek(console, reg.INTS) & reg.INT_BUFF_STATUS, "not enabled"
    poke(console, reg.INTE + reg.SET, reg.INT_BUFF_STATUS)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        pytest.param(reg.INTERRUPT_ON_NAK, 0, id="NAK", marks=pytest.mark.row("C14.on-nak", "C10.status-nak")),
        pytest.param(
            reg.INTERRUPT_ON_STALL, reg.STALL, id="STALL", marks=pytest.mark.row("C14.on-stall", "C10.status-stall")
        ),
    ],
)
def test_an_interrupt_comes_on_the_handshake_that_was_asked_for(
    pico: Board, console: Repl, ask: int, answer: int
) -> None:
    console.exec(START)
    device = pico.device
    hold_driver_back(console)
    other = (reg.INTERRUPT_ON_NAK | reg.INTERRUPT_ON_STALL) & ~ask
    pipe = Pipe(device.address, 0x86, TransferType.BULK, 64)
    poke(console, reg.buffer_control(0x86), answer)
    seen = []
    for bits in (other, ask):
        console.exec(
            f"mem32[{reg.endpoint_control(0x86):#x}] = {reg.ENABLE | BULK | AT | bits:#x}\n"
            f"mem32[{reg.EP_STATUS_STALL_NAK:#x}] = 0xffffffff\n"
            f"mem32[{reg.INTE + reg.SET:#x}] = {reg.INT_EP_STALL_NAK:#x}\n"
            f"mem32[{reg.NVIC_ICPR:#x}] = {1 << reg.USBCTRL_IRQ}"
        )
        transfer = pico.host.submit(pipe, length=64)
        pico.host.run(0.003)
        pico.host.cancel(transfer)
        ints = bool(peek(console, reg.INTS) & reg.INT_EP_STALL_NAK)
        seen.append((peek(console, reg.EP_STATUS_STALL_NAK) & IN6, ints, pending(console)))
    assert seen == [(0, False, False), (IN6, True, True)]


IDLE = f"""
import time
def idle():
    sof, t = mem32[{reg.SOF_RD:#x}], time.ticks_us()
    print('go')
    while not mem32[{reg.SIE_STATUS:#x}] & {reg.SIE_STATUS_SUSPENDED}:
        n = mem32[{reg.SOF_RD:#x}]
        if n != sof:
            sof, t = n, time.ticks_us()
    return time.ticks_diff(time.ticks_us(), t)
"""


@pytest.mark.row("C12.suspended-after-3-ms")
def test_the_bus_is_suspended_three_milliseconds_after_the_last_that_was_on_it(pico: Board, console: Repl) -> None:
    console.exec(START)
    pico.enumerate()
    console.exec(IDLE)
    hold_driver_back(console)
    waiting = [pico.host.suspend]

    def suspend(_: bytes) -> None:
        while waiting:
            waiting.pop()()

    waited = int(console.exec("print(idle())", on_output=suspend).split()[1])
    assert 3000 <= waited < 4100, "counted from the start of the last frame, which may have had traffic"
    assert peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_SUSPENDED
    pico.host.resume()
    assert not peek(console, reg.SIE_STATUS) & reg.SIE_STATUS_SUSPENDED


@pytest.mark.row("C16.throughput")
def test_so_many_bytes_take_so_many_frames(pico: Board, console: Repl) -> None:
    """56 packets of 64 bytes, 28 each way, wait in hand-made buffers: 19, 19 and 18 go into three frames."""
    console.exec(START)
    device = pico.device
    base = reg.USBCTRL_DPRAM
    full, room = reg.FULL | reg.AVAILABLE | 64, reg.AVAILABLE | 64
    console.exec(
        "for n in range(2, 16):\n"
        f"    for at, half in ((0, {full:#x}), (4, {room:#x})):\n"
        f"        mem32[{base} + 8 * n + at] = {reg.ENABLE | reg.DOUBLE_BUFFERED | BULK | AT:#x}\n"
        f"        mem32[{base + 0x80} + 8 * n + at] = (half | {reg.DATA1:#x}) << 16 | half"
    )
    frames: list[int] = []
    last = pico.host.frame
    while pico.host.frame == last:
        pico.host.run(0.000_01)
    begin = pico.engine.now
    transfers = []
    for number in range(2, 16):
        out, in_ = (Pipe(device.address, address, TransferType.BULK, 64) for address in (number, number | 0x80))
        transfers.append(pico.host.submit(out, bytes(128), on_done=lambda _: frames.append(pico.host.frame)))
        transfers.append(pico.host.submit(in_, length=128, on_done=lambda _: frames.append(pico.host.frame)))
    pico.host.wait(*transfers, timeout=1)
    seconds = pico.engine.now - begin
    assert sum(transfer.actual_length for transfer in transfers) == 56 * 64
    assert 0.0029 < seconds < 0.0031, "the last 18 packets take nearly all of the third frame"
    assert (max(frames) - min(frames)) % 2048 <= 2
