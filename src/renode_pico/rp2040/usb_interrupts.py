"""USBCTRL_IRQ: what raises it, as levels, and three events that are latched (RP2040 datasheet, 4.1.4, INTR to INTS)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_line import Line
from renode_pico.rp2040.usb_registers import UsbRegisters
from renode_pico.rp2040.usb_regs import SIE_STATUS_INTERRUPTS, Int


@cache
def _of_sie_status(status: int) -> int:
    """The interrupts that the sticky bits of SIE_STATUS raise."""
    raised = 0
    for status_bit, interrupt in SIE_STATUS_INTERRUPTS:
        if status & status_bit:
            raised |= interrupt
    return raised


class UsbInterrupts(UsbRegisters):
    """The registers, and the interrupt that follows from them: `interrupt` is called with its level when it changes."""

    _line: Line

    def __init__(self, interrupt: Callable[[bool], None], unmodelled: Unmodelled) -> None:
        super().__init__(unmodelled)
        self._interrupt = interrupt
        self._interrupt_level = False
        self.ints = 0
        """INTS, as it was when something of it has changed last."""

    def _report(self, status_bits: int) -> None:
        self.sie_status |= status_bits
        self._update_interrupt()

    def _latch(self, interrupt_bits: int) -> None:
        self._latched |= interrupt_bits
        self._update_interrupt()

    def raw_interrupts(self) -> int:
        """INTR: the sources as levels, three of them latched."""
        raw = self._latched | _of_sie_status(self.sie_status)
        if self.buff_status:
            raw |= Int.BUFF_STATUS
        if self.ep_abort_done:
            raw |= Int.ABORT_DONE
        if self.ep_status_stall_nak:
            raw |= Int.EP_STALL_NAK
        if self._line.powered:
            raw |= Int.VBUS_DETECT
        return raw

    def _update_interrupt(self) -> None:
        self.ints = self.raw_interrupts() & self.inte | self.intf
        level = self.ints != 0
        if level != self._interrupt_level:
            self._interrupt_level = level
            self._interrupt(level)
