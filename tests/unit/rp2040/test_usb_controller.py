"""What vectors cannot say about the controller: its block reset, all endpoints at once, what it does not model."""

from __future__ import annotations

import logging

import pytest

from renode_pico.rp2040.dpsram import SIZE, BufCtrl, EpCtrl, buffer_control, endpoint_control
from renode_pico.rp2040.usb_regs import Int, Reg, SieCtrl, SieStatus
from renode_pico.usb.wire import ACK, NAK, Pid
from tests.unit.rp2040.vectors import Bench, Step, Vector, VectorFile

FILE = VectorFile()


@pytest.fixture
def bench() -> Bench:
    bench = Bench(FILE)
    bench.run(Vector("set-up", [], [Step("attached", ("attached",))]))
    return bench


def firmware_writes(bench: Bench, offset: int, value: int) -> None:
    bench.memory.words[offset >> 2] = value
    bench.usb.dpram_updated(offset)


def open_endpoint(bench: Bench, number: int, is_in: bool, address: int) -> None:
    firmware_writes(
        bench, endpoint_control(number, is_in), EpCtrl.ENABLE | EpCtrl.INTERRUPT_PER_BUFF | 2 << 26 | address
    )


@pytest.mark.row("C9")
def test_all_thirty_endpoints_at_once(bench: Bench) -> None:
    for number in range(1, 16):
        open_endpoint(bench, number, True, 0x180 + 64 * number)
        open_endpoint(bench, number, False, 0x600 + 64 * number)
        bench.memory.write(0x180 + 64 * number, bytes((number,)))
        firmware_writes(bench, buffer_control(number, True), BufCtrl.FULL | BufCtrl.AVAILABLE | 1)
        firmware_writes(bench, buffer_control(number, False), BufCtrl.AVAILABLE)
    for number in range(1, 16):
        packet = bench.usb.in_(0, number)
        bench.usb.in_handshake(0, number, True)
        assert packet is not None
        assert packet.data == bytes((number,))
        assert bench.usb.out(0, number, Pid.DATA0, bytes((0x80 | number,) * number)) == ACK
    bench.clock.run_until(lambda: False, bench.clock.now_ns + 1_000_000)
    assert bench.usb.read(Reg.BUFF_STATUS) == 0xFFFF_FFFC
    for number in range(1, 16):
        assert bench.memory.read(0x600 + 64 * number, number) == bytes((0x80 | number,) * number)


@pytest.mark.row("C2")
def test_the_blocks_reset_keeps_the_memory_and_takes_the_device_off_the_bus(bench: Bench) -> None:
    open_endpoint(bench, 1, True, 0x180)
    bench.usb.write(Reg.INTE, Int.BITS)
    bench.usb.setup(0, 0, bytes(range(8)))
    bench.usb.reset()
    bench.clock.run_until(lambda: False, bench.clock.now_ns + 5_000_000)
    assert bench.told == ["detach"]
    assert bench.memory.read(endpoint_control(1, True), 4) != bytes(4)
    assert [bench.usb.read(offset) for offset in (Reg.MAIN_CTRL, Reg.SIE_CTRL, Reg.INTE, Reg.BUFF_STATUS)] == [0] * 4
    # No override any more: what is left is what the cable carries.
    assert bench.usb.read(Reg.SIE_STATUS) == SieStatus.VBUS_DETECTED
    assert not bench.level


def test_a_transaction_is_over_when_the_next_one_begins(bench: Bench) -> None:
    open_endpoint(bench, 1, True, 0x180)
    firmware_writes(bench, buffer_control(1, True), BufCtrl.FULL | BufCtrl.AVAILABLE | 8)
    bench.usb.in_(0, 1)
    bench.usb.in_handshake(0, 1, True)
    assert bench.usb.read(Reg.BUFF_STATUS) == 0
    assert bench.usb.in_(0, 1) == NAK
    assert bench.usb.read(Reg.BUFF_STATUS) == 1 << 2


def test_an_in_packet_without_any_handshake_is_kept(bench: Bench) -> None:
    open_endpoint(bench, 1, True, 0x180)
    firmware_writes(bench, buffer_control(1, True), BufCtrl.FULL | BufCtrl.AVAILABLE | 8)
    first = bench.usb.in_(0, 1)
    assert bench.usb.in_(0, 1) == first
    assert bench.usb.read(Reg.SIE_STATUS) & SieStatus.RX_TIMEOUT


def test_a_bus_reset_drops_the_transaction_under_way(bench: Bench) -> None:
    bench.usb.setup(0, 0, bytes(range(8)))
    bench.usb.reset_begin()
    bench.clock.run_until(lambda: False, bench.clock.now_ns + 1_000_000)
    assert not bench.usb.read(Reg.SIE_STATUS) & SieStatus.SETUP_REC


def test_a_handshake_for_nothing_is_ignored(bench: Bench) -> None:
    bench.usb.in_handshake(0, 1, True)
    assert bench.usb.read(Reg.BUFF_STATUS) == 0


def test_buffers_wrap_at_the_end_of_the_memory(bench: Bench) -> None:
    open_endpoint(bench, 1, False, SIZE - 64)
    firmware_writes(bench, buffer_control(1, False), BufCtrl.AVAILABLE)
    firmware_writes(bench, endpoint_control(1, False), EpCtrl.ENABLE | 1 << 26 | (SIZE - 64))
    bench.usb.out(0, 1, Pid.DATA0, bytes(range(100)))
    bench.clock.run_until(lambda: False, bench.clock.now_ns + 1_000_000)
    assert bench.memory.read(SIZE - 64, 100) == bytes(range(100))


def test_what_is_not_modelled_is_said_once_and_counted(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            bench.usb.write(Reg.NAK_POLL, 1)
        bench.usb.write(Reg.SIE_CTRL, SieCtrl.START_TRANS)
        assert bench.usb.read(0x88) == 0
    assert bench.unmodelled.counts == {"USBCTRL_REGS.NAK_POLL": 3, "USBCTRL_REGS.SIE_CTRL": 1, "USBCTRL_REGS.0x088": 1}
    assert len(caplog.messages) == 3
    assert "USBCTRL_REGS.NAK_POLL" in caplog.messages[0]
    assert "PC 0x00000000" in caplog.messages[0]
