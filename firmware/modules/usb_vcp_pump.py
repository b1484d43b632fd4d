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
_ENDPOINT_CONTROL = 0x50100000  # USBCTRL_DPRAM: from 8 on, IN and OUT of endpoint 1, 2, ...
_ENABLE = 0x80  # in the highest byte of an endpoint's control register


# What goes on at once: callbacks of the USB stack run between two bytecodes of the program, and a KeyboardInterrupt may
# end anything, in both cases at a branch only. So what belongs together is written without a branch between.


class Pump:
    def __init__(self, port, ep_out, ep_in, rx, tx, rx_size):
        self.connected = False  # the host takes data: DTR is set
        self.hold = False  # take no packet that the rx ring has no room for
        self.handler = None  # called with the port when data has arrived
        self.hard = False  # never True here
        self.interrupt = 3
        self.calls = {ep_out: self._received, ep_in: self._sent}  # what to call when a transfer is complete
        self._port = port
        self._ep_out = ep_out
        self._ep_in = ep_in
        # Numbers of this size are objects: made once.
        self._out_control = _ENDPOINT_CONTROL + 8 * ep_out + 7
        self._in_control = _ENDPOINT_CONTROL + 8 * (ep_in & 0x0F) + 3
        self._rx = rx
        self._tx = tx
        self._rx_size = rx_size
        self._out = bytearray(_PACKET)
        self._in = bytearray(_CHUNK)
        self._in_view = memoryview(self._in)
        self._halted = {ep_out: False, ep_in: False}
        self._scheduled = False
        self._usb = USBDevice()
        self._run_handler = self._run_handler  # bound once: nothing to allocate when they are called
        self._take = self._take
        self.flush = self.flush
        self._flushing = False
        self._again = False
        self._forget()

    def _forget(self):
        self._out_busy = False  # an OUT transfer was submitted
        self._length = -1  # of the packet in _out that is not in the rx ring yet
        self._in_busy = False  # an IN transfer was submitted
        self._staged = -1  # bytes in _in that were taken from the tx ring and not submitted
        self._whole = False  # the last IN transfer ended with a full packet: an empty one is due if nothing follows

    @property
    def interrupt(self):
        """The character that raises KeyboardInterrupt, or -1."""
        return self._char[0] if self._char else -1

    @interrupt.setter
    def interrupt(self, char):
        self._char = bytes((char,)) if char >= 0 else None

    def start(self):
        """The host has configured the device. What it sent to the last configuration is gone."""
        self._forget()
        for ep in self._halted:
            self._halted[ep] = False
        while self._rx.readinto(self._out):
            pass
        self.resume()

    def stop(self):
        """Transfers in flight will never complete."""
        self.connected = False
        self._forget()

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

    # Host to program

    def resume(self):
        """Take the next packet from the host, unless it is held off. A KeyboardInterrupt leaves when that is done."""
        try:
            self._resume()
        except KeyboardInterrupt:
            self._resume()
            raise

    def _resume(self):
        if self._out_busy or self._halted[self._ep_out]:
            return
        if self.hold and self._rx_size - self._rx.any() < _PACKET:
            return
        irq = disable_irq()
        try:
            # A bus reset disables the endpoint before the USB stack knows of it; a transfer would crash then.
            if not _RP2 or mem8[self._out_control] & _ENABLE:
                self._out_busy = self._usb.submit_xfer(self._ep_out, self._out)
        except OSError as error:
            self._out_busy = error.errno == _EBUSY
        finally:
            enable_irq(irq)

    def _received(self, n):
        self._length = n
        self._out_busy = False
        _finish(self._take)

    def _take(self):
        if self._length >= 0:
            if self._char and self._char in self._out:  # in the rest of the buffer, too: then it only takes longer
                self._take_interrupts(bytes(self._out[: self._length]))
            else:
                self._rx.write(self._out, self._length)
                self._length = -1
        self.resume()
        if self.handler and not self._scheduled and self._rx.any():
            self._scheduled = _schedule(self._run_handler, None)

    def _take_interrupts(self, data):
        rest = data.replace(self._char, b"")
        self._rx.write(rest)
        self._length = -1
        if len(rest) < len(data):
            _schedule(_raise_interrupt, None)

    def _run_handler(self, _):
        self._scheduled = False
        if self.handler and self._rx.any():
            self.handler(self._port)

    # Program to host

    def flush(self):
        """Send what is in the tx ring, as far as the host takes it. A KeyboardInterrupt leaves when that is done."""
        mine = False
        self._again = True
        try:
            # A callback that comes while the program is flushing leaves it to the program, which looks again.
            while self._again and not self._flushing:
                mine = self._flushing = True
                self._again = False
                self._flush()
                mine = self._flushing = False
        except KeyboardInterrupt:
            if mine:
                mine = self._flushing = False
            self.flush()
            raise
        finally:
            if mine:
                self._flushing = False

    def _flush(self):
        if self._in_busy or not self.connected or self._halted[self._ep_in]:
            return
        if self._staged < 0:
            n = min(self._tx.any(), _CHUNK)
            if not (n or self._whole):
                return
            self._tx.readinto(self._in, n)
            self._staged = n
        n = self._staged
        whole = n > 0 and n % _PACKET == 0
        data = self._in if n == _CHUNK else self._in_view[:n]
        irq = disable_irq()
        try:
            if not _RP2 or mem8[self._in_control] & _ENABLE:
                self._in_busy = self._usb.submit_xfer(self._ep_in, data)
                self._staged = -1
                self._whole = whole
        except OSError as error:
            self._in_busy = error.errno == _EBUSY
        finally:
            enable_irq(irq)

    def _sent(self, _):
        self._in_busy = False
        _finish(self.flush)


class Dispatcher:
    """USBDevice.config(xfer_cb=...): passes completed transfers to the pumps."""

    def __init__(self, pumps):
        self._calls = {}
        for pump in pumps:
            self._calls.update(pump.calls)

    def __call__(self, ep, result, n):
        self._calls[ep](n)


class Guard:
    """Another callback of the USB stack, one that may be called again when a KeyboardInterrupt has ended it."""

    def __init__(self, function):
        self._function = function

    def __call__(self, *args):
        return _finish(self._function, *args)


def _finish(function, *args):
    """Call a function to its end: a KeyboardInterrupt is the running program's, not that of a callback."""
    try:
        return function(*args)
    except KeyboardInterrupt:
        _schedule(_raise_interrupt, None)
        return function(*args)


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
