"""DPSRAM as the processor writes it: control words, which may wake the host, and buffers (datasheet, 4.1.2.7).

Reading and storing are done by the core in C, which tells of each write that somebody wants to know of.
"""

from __future__ import annotations

from renode_pico.rp2040 import usb_memory
from renode_pico.rp2040.usb_transactions import UsbTransactions


class UsbDpsram(UsbTransactions):
    """The transactions, and the control words that decide over them."""

    def dpram_updated(self, offset: int, _value: int = 0) -> None:
        """The firmware has written the word at `offset` of DPSRAM."""
        if self.sanitizer is not None:
            self.sanitizer.memory_written(offset)
        if offset >= usb_memory.BUFFERS:
            return
        if offset >= usb_memory.EP0_IN_BUFFER_CONTROL:
            endpoint = self.endpoints[(offset - usb_memory.EP0_IN_BUFFER_CONTROL) >> 2]
            endpoint.word_written()
        elif offset >= usb_memory.EP1_IN_CONTROL:
            endpoint = self.endpoints[(offset >> 2) & 0x1F]
        else:
            return
        self._look_again(endpoint)
