"""pyb.USB_VCP for the RP2040: USB virtual serial ports, with the pyboard's names.

    import pyb
    pyb.usb_mode("3xVCP")   # optional; without it USB_VCP() makes one port
    port = pyb.USB_VCP()

Nothing happens until `usb_mode` or `USB_VCP` is called. Needs MicroPython 1.25 or newer with machine.USBDevice.
"""

from io import IOBase

from machine import idle
from micropython import RingIO
from time import ticks_diff, ticks_ms

try:
    from _usb_vcp import Pump, task

    _HARD = True
except ImportError:
    from usb_vcp_pump import Pump, task

    _HARD = False

_RING = 1024  # bytes waiting in each direction
_STUCK_MS = 500  # how long a host that has the port open may leave `write` without CTS waiting
_IDE_BAUDRATES = (921600, 12000000)  # how the OpenMV IDE marks the port it uses

_OCTETS = (bytes, bytearray)

_POLL = 3  # requests and flags of the stream protocol
_CLOSE = 4
_POLL_RD = 1
_POLL_WR = 4
_EINVAL = 22

_device = None
_mode = None
_ports = []


def usb_mode(mode=False, *, vid=None, pid=None):
    """Choose the number of ports: "VCP", "2xVCP", "3xVCP" and so on; None switches USB off. Without arguments: which.

    The host sees the device leave and a new one come. vid and pid replace those of the firmware.
    Raises ValueError for anything else, and for more ports than there are endpoints.
    """
    global _device, _mode
    if mode is False:
        return _mode
    count = 0 if mode is None else _count(mode)
    ports = [_port(i) for i in range(count)]
    if _device:
        _device.deactivate()
    _device = _mode = None
    if count:
        from usb_vcp_device import VcpDevice

        device = VcpDevice(ports, vid, pid)
        _device = device
        _mode = "VCP" if count == 1 else "%dxVCP" % count
        device.activate()
    else:
        from machine import USBDevice

        USBDevice().active(False)


def _count(mode):
    parts = mode.split("+")
    if all(part == "VCP" for part in parts):
        return len(parts)
    number, found, rest = mode.partition("xVCP")
    if not found or rest or not number.isdigit() or int(number) < 1:
        raise ValueError("bad USB mode")
    return int(number)


def _port(i):
    while len(_ports) <= i:
        port = object.__new__(USB_VCP)
        port._setup(len(_ports))
        _ports.append(port)
    return _ports[i]


def have_cdc():
    """The same as USB_VCP().isconnected()."""
    return USB_VCP().isconnected()


class USB_VCP(IOBase):
    """A USB virtual serial port; the same object for the same id."""

    RTS = 1
    CTS = 2
    IRQ_RX = 1

    def __new__(cls, id=0):
        if _device is None and id == 0:
            usb_mode("VCP")
        if _device is None or not 0 <= id < _device.count:
            raise ValueError("USB_VCP(%d) doesn't exist" % id)
        return _ports[id]

    def __init__(self, id=0):
        pass

    def _setup(self, id):
        self._id = id
        self._flow = 0
        self._rx = RingIO(_RING)
        self._tx = RingIO(_RING)
        self._discard = bytearray(64)
        self._device = None
        self.pump = None
        self.dtr = False
        self.endpoints = ()
        self.line_coding = bytearray(7)

    def attach(self, device, ep_out, ep_in):
        """Called by the device that makes this one of its ports."""
        self._device = device
        self.endpoints = (ep_out, ep_in)
        self.dtr = False
        self.line_coding[:] = b"\x00\xc2\x01\x00\x00\x00\x08"
        self.pump = Pump(self, ep_out, ep_in, self._rx, self._tx, _RING)
        self.pump.hold = bool(self._flow & self.RTS)

    def __repr__(self):
        return "USB_VCP(%d)" % self._id

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if line is None:
            raise StopIteration
        return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def init(self, *, flow=-1):
        """flow: RTS | CTS. RTS holds the host off while the buffer is full; CTS makes `write` wait for the host."""
        if flow != -1:
            self._flow = flow
            self.pump.hold = bool(flow & self.RTS)
            self.pump.resume()

    def setinterrupt(self, chr):
        """The character that raises KeyboardInterrupt when it arrives on this port; -1: none."""
        self.pump.interrupt = chr

    def isconnected(self):
        """A host has the port open: configured, not suspended or unplugged, DTR set."""
        return self.pump.connected and self._device.ready()

    def debug_mode_enabled(self):
        """An IDE has marked the port by its line coding."""
        return int.from_bytes(self.line_coding[:4], "little") in _IDE_BAUDRATES

    def any(self):
        """There is something to read."""
        self.pump.resume()  # a KeyboardInterrupt may have ended a read before it did
        return self._rx.any() > 0

    def close(self):
        """Does nothing."""

    def read(self, nbytes=-1):
        """What has arrived, at most nbytes; None if nothing has."""
        if nbytes == 0:
            return b""
        data = self._rx.read() if nbytes is None or nbytes < 0 else self._rx.read(nbytes)
        self.pump.resume()
        return data or None

    def readinto(self, buf, maxlen=-1):
        """Fill buf with what has arrived, at most maxlen bytes; their number, or None if there are none."""
        n = self._rx.readinto(buf) if maxlen < 0 else self._rx.readinto(buf, maxlen)
        self.pump.resume()
        return n or None

    def readline(self, limit=-1):
        """A line with its newline, or what there is of it; None if there is nothing."""
        line = self._rx.readline() if limit < 0 else self._rx.readline(limit)
        self.pump.resume()
        return line or None

    def readlines(self):
        """All lines that have arrived."""
        return list(self)

    def write(self, buf, length=None, off_length=None):
        """Send bytes; how many. `write(buf, length)` and `write(buf, offset, length)` as for any stream.

        With CTS it waits until the host has taken all but a bufferful. Without, it waits for a host that has the
        port open, but gives up on one that takes nothing for half a second, and keeps the most recent data.
        """
        buf = _octets(buf)
        start = 0
        end = len(buf)
        if off_length is not None:
            start = min(length, end)
            length = off_length
        if length is not None:
            end = min(start + length, end)
        sent = self._put(buf, start, end)
        while sent < end and self._flow & self.CTS:
            if not _pause():  # in an interrupt handler
                return sent - start or None
            sent = self._put(buf, sent, end)
        if sent < end:
            self._write_recent(buf, sent, end)
        return end - start

    def _write_recent(self, buf, sent, end):
        since = ticks_ms()
        while self.pump.connected and self._device.ready() and not _passed(since, _STUCK_MS):
            if not _pause():
                break
            now = self._put(buf, sent, end)
            if now == end:
                return
            if now > sent:
                sent = now
                since = ticks_ms()
        while sent < end:
            self._tx.readinto(self._discard, min(end - sent, len(self._discard)))
            sent += self._tx.write(buf, sent, end - sent)

    def _put(self, buf, start, end):
        """Take as much as there is room for; where it ends."""
        start += self._tx.write(buf, start, end - start)
        self.pump.flush()
        return start

    def recv(self, data, *, timeout=5000):
        """Fill a buffer (its count is returned) or read `data` bytes (they are); it waits timeout ms for more."""
        view = memoryview(bytearray(data) if isinstance(data, int) else data)
        end = len(view)
        got = 0
        since = ticks_ms()
        while got < end:
            n = self._rx.readinto(view[got:])
            self.pump.resume()
            if n:
                got += n
                since = ticks_ms()
            elif _passed(since, timeout) or not _pause():
                break
        return bytes(view[:got]) if isinstance(data, int) else got

    def send(self, data, *, timeout=5000):
        """Send a buffer, or one byte given as an int; how many bytes. It waits timeout ms for a host to take more."""
        buf = bytes((data & 0xFF,)) if isinstance(data, int) else _octets(data)
        end = len(buf)
        sent = 0
        since = ticks_ms()
        while sent < end:
            now = self._put(buf, sent, end) if self.dtr else sent
            if now > sent:
                sent = now
                since = ticks_ms()
            elif _passed(since, timeout) or not _pause():
                break
        return sent

    def irq(self, handler=None, trigger=IRQ_RX, hard=False):
        """Call handler(port) when data has arrived; None: no more. hard=True calls it from the USB interrupt."""
        if handler is not None and not callable(handler):
            raise ValueError("handler must be None or callable")
        if trigger == 0:
            handler = None
        elif trigger != self.IRQ_RX:
            raise ValueError("unsupported trigger")
        if hard and not _HARD:
            raise ValueError("hard unsupported")
        self.pump.handler = None
        self.pump.hard = bool(hard)
        self.pump.handler = handler

    def ioctl(self, request, argument):
        """The stream protocol's requests."""
        if request == _POLL:
            ready = 0
            if argument & _POLL_RD and self._rx.any():
                ready |= _POLL_RD
            if argument & _POLL_WR and self._tx.any() <= _RING // 2:
                ready |= _POLL_WR
            return ready
        return 0 if request == _CLOSE else -_EINVAL


def _octets(buf):
    """A buffer whose len() is its size in bytes."""
    return buf if isinstance(buf, _OCTETS) else bytes(memoryview(buf))


def _passed(since, timeout):
    """`timeout` ms have passed, not a part of one less."""
    return timeout <= 0 or ticks_diff(ticks_ms(), since) > timeout


def _pause():
    """Let USB go on; False where it cannot: in an interrupt handler or a callback of the USB stack."""
    if not task():
        return False
    idle()
    return True
