"""What vectors cannot say about the controller: its block reset, all endpoints at once, what it does not model."""

from __future__ import annotations

import logging

import pytest

from renode_pico.rp2040.usb_memory import SIZE, BufCtrl, EpCtrl, buffer_control, endpoint_control
from renode_pico.rp2040.usb_regs import Int, Reg, SieCtrl, SieStatus
from renode_pico.usb.wire import ACK, NAK, Pid
from tests.unit.rp2040.vectors import Bench, PythonModel, VectorFile
from tests.unit.vector_file import Step, Vector

FILE = VectorFile()


@pytest.fixture
def usb() -> PythonModel:
    usb = PythonModel()
    Bench(FILE, usb).run(Vector("set-up", [], [Step("attached", ("attached",))]))
    return usb


def firmware_writes(usb: PythonModel, offset: int, value: int) -> None:
    usb.write_word(offset, value)


def open_endpoint(usb: PythonModel, number: int, is_in: bool, address: int) -> None:
    firmware_writes(usb, endpoint_control(number, is_in), EpCtrl.ENABLE | EpCtrl.INTERRUPT_PER_BUFF | 2 << 26 | address)


def test_all_thirty_endpoints_at_once(usb: PythonModel) -> None:
    for number in range(1, 16):
        open_endpoint(usb, number, True, 0x180 + 64 * number)
        open_endpoint(usb, number, False, 0x600 + 64 * number)
        usb.memory.write(0x180 + 64 * number, bytes((number,)))
        firmware_writes(usb, buffer_control(number, True), BufCtrl.FULL | BufCtrl.AVAILABLE | 1)
        firmware_writes(usb, buffer_control(number, False), BufCtrl.AVAILABLE)
    for number in range(1, 16):
        packet = usb.in_(0, number)
        usb.in_handshake(0, number, True)
        assert packet is not None
        assert packet.data == bytes((number,))
        assert usb.out(0, number, Pid.DATA0, bytes((0x80 | number,) * number)) == ACK
    usb.wait(1_000_000)
    assert usb.read(Reg.BUFF_STATUS) == 0xFFFF_FFFC
    for number in range(1, 16):
        assert usb.memory.read(0x600 + 64 * number, number) == bytes((0x80 | number,) * number)


def test_the_blocks_reset_keeps_the_memory_and_takes_the_device_off_the_bus(usb: PythonModel) -> None:
    open_endpoint(usb, 1, True, 0x180)
    usb.write(Reg.INTE, Int.BITS)
    usb.setup(0, 0, bytes(range(8)))
    usb.reset()
    usb.wait(5_000_000)
    assert usb.told == ["detach"]
    assert usb.memory.read(endpoint_control(1, True), 4) != bytes(4)
    assert [usb.read(offset) for offset in (Reg.MAIN_CTRL, Reg.SIE_CTRL, Reg.INTE, Reg.BUFF_STATUS)] == [0] * 4
    # No override any more: what is left is what the cable carries.
    assert usb.read(Reg.SIE_STATUS) == SieStatus.VBUS_DETECTED
    assert not usb.irq


def test_a_transaction_is_over_when_the_next_one_begins(usb: PythonModel) -> None:
    open_endpoint(usb, 1, True, 0x180)
    firmware_writes(usb, buffer_control(1, True), BufCtrl.FULL | BufCtrl.AVAILABLE | 8)
    usb.in_(0, 1)
    usb.in_handshake(0, 1, True)
    assert usb.read(Reg.BUFF_STATUS) == 0
    assert usb.in_(0, 1) == NAK
    assert usb.read(Reg.BUFF_STATUS) == 1 << 2


def test_an_in_packet_without_any_handshake_is_kept(usb: PythonModel) -> None:
    open_endpoint(usb, 1, True, 0x180)
    firmware_writes(usb, buffer_control(1, True), BufCtrl.FULL | BufCtrl.AVAILABLE | 8)
    first = usb.in_(0, 1)
    assert usb.in_(0, 1) == first
    assert usb.read(Reg.SIE_STATUS) & SieStatus.RX_TIMEOUT


def test_a_bus_reset_drops_the_transaction_under_way(usb: PythonModel) -> None:
    usb.setup(0, 0, bytes(range(8)))
    usb.reset_begin()
    usb.wait(1_000_000)
    assert not usb.read(Reg.SIE_STATUS) & SieStatus.SETUP_REC


def test_a_handshake_for_nothing_is_ignored(usb: PythonModel) -> None:
    usb.in_handshake(0, 1, True)
    assert usb.read(Reg.BUFF_STATUS) == 0


def test_buffers_wrap_at_the_end_of_the_memory(usb: PythonModel) -> None:
    open_endpoint(usb, 1, False, SIZE - 64)
    firmware_writes(usb, buffer_control(1, False), BufCtrl.AVAILABLE)
    firmware_writes(usb, endpoint_control(1, False), EpCtrl.ENABLE | 1 << 26 | (SIZE - 64))
    usb.out(0, 1, Pid.DATA0, bytes(range(100)))
    usb.wait(1_000_000)
    assert usb.memory.read(SIZE - 64, 100) == bytes(range(100))


def test_what_is_not_modelled_is_said_once_and_counted(usb: PythonModel, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            usb.write(Reg.NAK_POLL, 1)
        usb.write(Reg.SIE_CTRL, SieCtrl.START_TRANS)
        assert usb.read(0x88) == 0
    assert usb.unmodelled.counts == {"USBCTRL_REGS.NAK_POLL": 3, "USBCTRL_REGS.SIE_CTRL": 1, "USBCTRL_REGS.0x088": 1}
    assert len(caplog.messages) == 3
    assert "USBCTRL_REGS.NAK_POLL" in caplog.messages[0]
    assert "PC 0x00000000" in caplog.messages[0]
