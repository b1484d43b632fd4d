"""USBCTRL_IRQ: what raises it, as levels, and three events that are latched (RP2040 datasheet, 4.1.4, INTR to INTS)."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_line import Line
from renode_pico.rp2040.usb_registers import UsbRegisters
from renode_pico.rp2040.usb_regs import SIE_STATUS_INTERRUPTS, Int


class UsbInterrupts(UsbRegisters):
    """The registers, and the interrupt that follows from them: `interrupt` is called with its level when it changes."""

    _line: Line

    def __init__(self, interrupt: Callable[[bool], None], unmodelled: Unmodelled) -> None:
        super().__init__(unmodelled)
        self._interrupt = interrupt
        self._interrupt_level = False

    def _report(self, status_bits: int) -> None:
        self.sie_status |= status_bits
        self._update_interrupt()

    def _latch(self, interrupt_bits: int) -> None:
        self._latched |= interrupt_bits
        self._update_interrupt()

    def raw_interrupts(self) -> int:
        """INTR: the sources as levels, three of them latched."""
        raw = self._latched
        status = self.sie_status
        if status:
            for status_bit, interrupt in SIE_STATUS_INTERRUPTS:
                if status & status_bit:
                    raw |= interrupt
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
        level = bool(self.raw_interrupts() & self.inte | self.intf)
        if level != self._interrupt_level:
            self._interrupt_level = level
            self._interrupt(level)
