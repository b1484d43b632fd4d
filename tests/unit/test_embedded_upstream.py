"""The faults of rp2040py that `rp2040py_fixes` works around. A test that fails here says: that one is mended, take the
work-around away."""

from __future__ import annotations

from typing import Any

import pytest
from rp2040py.clock.simulation_clock import SimulationClock
from rp2040py.rp2040 import RP2040


class Silent:
    def _drop(self, *_: str) -> None:
        pass

    debug = info = warning = error = _drop


@pytest.fixture
def chip() -> Any:
    chip = RP2040(SimulationClock())
    chip.logger = Silent()
    return chip


def test_the_uart_raises_its_transmit_interrupt_again_when_it_is_cleared(chip: Any) -> None:
    chip.write_uint32(0x4003_4038, 1 << 5)
    chip.write_uint32(0x4003_4044, 1 << 5)
    assert chip.core.pending_interrupts & 1 << 20


def test_the_uart_has_no_receive_time_out(chip: Any) -> None:
    chip.uart[0].feed_byte(0x41)
    chip.clock.tick(1e9)
    assert not chip.read_uint32(0x4003_403C) & 1 << 6


def test_resets_resets_nothing_and_is_always_done(chip: Any) -> None:
    chip.write_uint32(0x4005_0000 + 0x04, 7)  # PWM CH0_DIV
    chip.write_uint32(0x4000_C000, 0x01FF_FFFF)
    assert chip.read_uint32(0x4005_0000 + 0x04) == 7
    assert chip.read_uint32(0x4000_C008) == 0x01FF_FFFF


def test_the_inter_core_fifo_reads_as_all_ones(chip: Any) -> None:
    assert chip.read_uint32(0xD000_0050) == 0xFFFF_FFFF


@pytest.mark.parametrize("address", [0x4002_8000, 0x4002_C000, 0x4000_80A0, 0x4000_4008, 0x4006_001C])
def test_registers_that_read_as_all_ones(chip: Any, address: int) -> None:
    assert chip.read_uint32(address) == 0xFFFF_FFFF


def test_pads_come_out_of_reset_with_their_inputs_off(chip: Any) -> None:
    assert chip.read_uint32(0x4001_C004) == 0x36


def test_a_driven_pin_does_not_read_as_it_is_driven(chip: Any) -> None:
    chip.write_uint32(0x4001_4000 + 4, 5)
    chip.write_uint32(0x4001_C004, 0x56)
    chip.write_uint32(0xD000_0024, 1)
    chip.write_uint32(0xD000_0014, 1)
    assert chip.read_uint32(0xD000_0004) & 1 == 0


def test_the_flash_has_no_identity(chip: Any) -> None:
    chip.ssi._tx_buffer = bytearray()
    assert [chip.ssi._shift_byte(byte) for byte in (0x4B, *bytes(12))] == [0xFF] * 13


def test_a_bad_address_is_only_logged(chip: Any) -> None:
    assert chip.read_uint32(0x3000_0000) == 0xFFFF_FFFF
    assert chip.core.ipsr == 0


def test_the_watchdog_goes_on_counting_after_it_has_reset_the_chip(chip: Any) -> None:
    resets: list[int] = []
    chip.watchdog.on_watchdog_trigger = lambda: resets.append(1)
    chip.write_uint32(0x4005_8004, 2000)
    chip.write_uint32(0x4005_8000, 1 << 30)
    chip.clock.tick(1.5e6)
    chip.reset(preserve_flash=True, from_watchdog=True)
    assert resets == [1]
    assert chip.read_uint32(0x4005_8000) & 1 << 30


def test_there_is_one_revision_of_the_chip_only(chip: Any) -> None:
    assert chip.read_uint32(0x4000_0000) == 0x1000_2927


def test_leaving_reset_skips_the_boot_rom(chip: Any) -> None:
    chip.leave_reset()
    assert chip.core.pc == 0x1000_0000
