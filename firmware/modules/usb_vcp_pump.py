"""The pump of a USB_VCP port in Python, for firmware without the C module `_usb_vcp`.

It moves bytes between two endpoints and two rings. What it cannot do is said where it matters: it sees a packet when the
scheduler gets to it, not in the interrupt.
"""

import os
import sys
from io import IOBase
from time import ticks_diff, ticks_us

import micropython
from machine import USBDevice, disable_irq, enable_irq, mem8, mem32

_PACKET = 64  # wMaxPacketSize of a full-speed bulk endpoint
_CHUNK = 512  # most bytes of one IN transfer
_EBUSY = 16
# The controller of the RP2040 and the RP2350, where MicroPython does not tell what has to be known.
_RP2 = sys.platform == "rp2"
_SOF_RD = 0x50110048  # USBCTRL_REGS
_ENDPOINT_CONTROL = 0x50100000  # USBCTRL_DPRAM: from 8 on, IN and OUT of endpoint 1, 2, ...; bit 31: enabled


class Pump:
    def __init__(self, port, ep_out, ep_in, rx, tx, rx_size):
        self.connected = False  # the host takes data: DTR is set
        self.hold = False  # take no packet that the rx ring has no room for
        self.handler = None  # called with the port when data has arrived
        self.hard = False  # never True here
        self.interrupt = 3
        self._port = port
        self._ep_out = ep_out
        self._ep_in = ep_in
        self._rx = rx
        self._tx = tx
        self._rx_size = rx_size
        self._out = bytearray(_PACKET)
        self._in = bytearray(_CHUNK)
        self._in_view = memoryview(self._in)
        self._out_busy = False  # an OUT transfer was submitted
        self._in_busy = False
        self._in_whole = False  # the IN transfer ends with a full packet
        self._halted = {ep_out: False, ep_in: False}
        self._scheduled = False
        self._usb = USBDevice()
        self._run_handler = self._run_handler  # bound once: nothing to allocate when it is scheduled

    @property
    def interrupt(self):
        """The character that raises KeyboardInterrupt, or -1."""
        return self._char[0] if self._char else -1

    @interrupt.setter
    def interrupt(self, char):
        self._char = bytes((char,)) if char >= 0 else None

    @property
    def idle(self):
        return not (self._in_busy or self._tx.any())

    def start(self):
        """The host has configured the device. What it sent to the last configuration is gone."""
        self._out_busy = self._in_busy = self._in_whole = False
        for ep in self._halted:
            self._halted[ep] = False
        while self._rx.readinto(self._out):
            pass
        self.resume()

    def stop(self):
        """Transfers in flight will never complete."""
        self._out_busy = self._in_busy = self._in_whole = self.connected = False

    def resume(self):
        """Take the next packet from the host, unless it is held off."""
        # Between two bytecodes a callback of the USB stack may call this: one assignment takes the turn.
        busy, self._out_busy = self._out_busy, True
        if busy:
            return
        if self._halted[self._ep_out] or (self.hold and self._rx_size - self._rx.any() < _PACKET):
            self._out_busy = False
        else:
            self._out_busy = self._submit(self._ep_out, self._out)

    def flush(self):
        """Send what is in the tx ring, as far as the host takes it."""
        busy, self._in_busy = self._in_busy, True
        if busy:
            return
        n = self._tx.any()
        if not self.connected or self._halted[self._ep_in] or not (n or self._in_whole):
            self._in_busy = False
            return
        n = min(n, _CHUNK)
        self._tx.readinto(self._in, n)
        self._in_whole = n > 0 and n % _PACKET == 0
        self._in_busy = self._submit(self._ep_in, self._in if n == _CHUNK else self._in_view[:n])

    def halt(self, ep, halted):
        """The host has set or cleared an endpoint's halt feature."""
        if self._halted[ep] and not halted:
            if ep == self._ep_in:
                self._in_busy = False
            else:
                self._out_busy = False
        self._halted[ep] = halted
        self.resume()
        self.flush()

    def done(self, ep, n):
        """A transfer has completed. May be called again for the same one if it was interrupted."""
        if ep == self._ep_in:
            self._in_busy = False
            self.flush()
        elif self._out_busy:
            if self._char and self._char in self._out:  # in the rest of the buffer, too: then it only takes longer
                self._take_interrupts(n)
            else:
                self._rx.write(self._out, n)
                self._out_busy = False
            self.resume()
            if self.handler and not self._scheduled and self._rx.any():
                self._scheduled = _schedule(self._run_handler, None)

    def _take_interrupts(self, n):
        parts = bytes(self._out[:n]).split(self._char)
        self._out_busy = False
        for part in parts:
            self._rx.write(part)
        if len(parts) > 1:
            _schedule(_raise_interrupt, None)

    def _run_handler(self, _):
        self._scheduled = False
        if self.handler and self._rx.any():
            self.handler(self._port)

    def _submit(self, ep, buffer):
        # After a bus reset, and before the USB stack has got to it, a transfer would crash the firmware.
        irq = disable_irq()
        try:
            return _enabled(ep) and self._usb.submit_xfer(ep, buffer)
        except OSError as error:  # not active; or there is one already, as after a halt in the middle of a transfer
            return error.errno == _EBUSY
        finally:
            enable_irq(irq)


def _enabled(ep):
    """The endpoint is configured."""
    return not _RP2 or mem8[_ENDPOINT_CONTROL + 8 * (ep & 0x0F) + (3 if ep & 0x80 else 7)] & 0x80 != 0


class Dispatcher:
    """USBDevice.config(xfer_cb=...): passes completed transfers to the pumps."""

    def __init__(self, pumps):
        self._pumps = {}
        for pump in pumps:
            self._pumps[pump._ep_out] = self._pumps[pump._ep_in] = pump

    def __call__(self, ep, result, n):
        return Guard(self._pumps[ep].done)(ep, n)


class Guard:
    """Calls a function that must not end with the running program's KeyboardInterrupt, and that may be called again."""

    def __init__(self, function):
        self._function = function

    def __call__(self, *args):
        try:
            return self._function(*args)
        except KeyboardInterrupt:
            _schedule(_raise_interrupt, None)
            return self._function(*args)


def task():
    """The USB stack runs by itself unless the scheduler is locked; then nothing here can make it."""
    return True


def ready():
    """True if the host sends frames: not suspended, not unplugged. Takes a millisecond, three if it does not."""
    if not _RP2:
        return True
    frame = mem32[_SOF_RD]
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 3000:
        if mem32[_SOF_RD] != frame:
            return True
    return False


def _schedule(function, argument):
    try:
        micropython.schedule(function, argument)
        return True
    except RuntimeError:  # the queue is full
        return False


class _CtrlC(IOBase):
    """A terminal on which somebody has typed Ctrl-C: what os.dupterm makes of it is a real KeyboardInterrupt."""

    def __init__(self):
        self._typed = False

    def readinto(self, buffer):
        if self._typed:
            return None
        self._typed = True
        buffer[0] = 3
        return 1

    def write(self, buffer):
        return len(buffer)

    def ioctl(self, request, argument):
        return 0


def _raise_interrupt(_):
    terminal = os.dupterm(_CtrlC())
    os.dupterm_notify(None)
    os.dupterm(terminal)
