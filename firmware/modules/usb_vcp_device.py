"""The USB device behind pyb.USB_VCP: some CDC-ACM functions beside the firmware's built-in ones.

CDC 1.2 and PSTN 1.2 are the USB-IF's class definitions; chapter numbers of USB 2.0 are given as such.
"""

import struct

from machine import Timer, USBDevice

try:
    from _usb_vcp import Dispatcher, Guard, ready
except ImportError:
    from usb_vcp_pump import Dispatcher, Guard, ready

ENDPOINTS = 16  # of the controller, in each direction, endpoint 0 included
OPEN_DELAY_MS = 8  # after DTR: a host sets up its terminal (echo off) just after it has opened the port

_SET_LINE_CODING = 0x20
_GET_LINE_CODING = 0x21
_SET_CONTROL_LINE_STATE = 0x22
_SEND_BREAK = 0x23

_GET_STATUS = 0  # standard requests (USB 2.0, 9.4)
_SET_FEATURE = 3
_GET_INTERFACE = 10

_SETUP = 1
_ACK = 3


class VcpDevice:
    """Makes `ports` (objects with `attach`, `pump`, `dtr`, `line_coding`) the functions of the USB device."""

    def __init__(self, ports, vid=None, pid=None):
        usb = USBDevice()
        usb.active(False)
        usb.builtin_driver = built_in = usb.BUILTIN_DEFAULT
        self.configured = False
        self.count = len(ports)
        self._usb = usb
        self._ports = ports
        self._coding = bytearray(7)  # of a request under way
        self._timer = Timer(-1)
        self._opened = self._opened  # bound once
        self._first_itf = built_in.itf_max
        first_ep = max(1, built_in.ep_max)
        if first_ep + 2 * len(ports) > ENDPOINTS:
            raise ValueError("too many ports")

        desc_dev = bytearray(built_in.desc_dev)
        if vid is not None:
            struct.pack_into("<H", desc_dev, 8, vid)
        if pid is not None:
            struct.pack_into("<H", desc_dev, 10, pid)
        # Strings 1 to 3 are the device's own even when no built-in driver has any.
        first_str = max(built_in.str_max, desc_dev[14] + 1, desc_dev[15] + 1, desc_dev[16] + 1)
        strings = {}
        functions = b""
        for i, port in enumerate(ports):
            strings[first_str + i] = "USB_VCP(%d)" % i
            ep = first_ep + 2 * i
            functions += function_descriptor(self._first_itf + 2 * i, first_str + i, ep, ep + 1)
            port.attach(self, ep + 1, 0x80 | (ep + 1))

        usb.config(
            desc_dev,
            configuration_descriptor(built_in.desc_cfg, self._first_itf, functions, len(ports)),
            strings,
            Guard(self._open_itf),
            Guard(self._reset),
            Guard(self._control_xfer),
            Dispatcher([port.pump for port in ports]),
        )

    def activate(self):
        """Show the device to the host. It may still be looking at the one before: a detach and an attach follow."""
        self._usb.active(True)

    def deactivate(self):
        self._reset()
        self._timer.deinit()
        self._usb.active(False)

    def ready(self):
        """The host has configured the device, and the bus is neither suspended nor unplugged."""
        return self.configured and ready()

    # Callbacks of the USB stack. Each may be called twice for the same event, see Guard.

    def _open_itf(self, descriptor):
        i = (descriptor[2] - self._first_itf) // 2
        self.configured = True
        self._ports[i].pump.start()

    def _reset(self):
        self.configured = False
        for port in self._ports:
            port.dtr = False
            port.line_coding[:] = DEFAULT_CODING
            port.pump.stop()

    def _control_xfer(self, stage, request):
        kind, code, value, index, length = struct.unpack("<BBHHH", request)
        if kind & 0x7F == 0x02:  # standard request to an endpoint: SET_FEATURE or CLEAR_FEATURE of ENDPOINT_HALT
            if stage == _SETUP and value == 0:
                self._halt(index & 0xFF, code == _SET_FEATURE)  # in both directions, as the stack takes it
            return False  # the stack answers
        i, other = divmod(index - self._first_itf, 2)
        if not 0 <= i < len(self._ports):
            return False
        if kind == 0x81 and code == _GET_STATUS and length:
            return b"\0\0" if stage == _SETUP else True  # of an interface: all reserved (USB 2.0, 9.4.5)
        if kind == 0x01 and code == _GET_INTERFACE and length:
            return True  # never taken: the stack would write the host's data over its own variable
        if kind & 0x7F != 0x21 or other:
            return False
        port = self._ports[i]
        if kind == 0x21 and code == _SET_LINE_CODING and length == 7:
            if stage == _SETUP:
                return self._coding
            if stage == _ACK:
                port.line_coding[:] = self._coding
            return True
        if kind == 0xA1 and code == _GET_LINE_CODING and length:
            return port.line_coding if stage == _SETUP else True
        if kind == 0x21 and code == _SET_CONTROL_LINE_STATE and not length:
            if stage == _ACK:
                self._set_dtr(port, value & 1)
            return True
        # A break changes nothing on a port without a wire.
        return kind == 0x21 and code == _SEND_BREAK and not length

    def _halt(self, ep, halted):
        for port in self._ports:
            if ep in port.endpoints:
                port.pump.halt(ep, halted)

    def _set_dtr(self, port, dtr):
        port.dtr = bool(dtr)
        if dtr:
            self._timer.init(mode=Timer.ONE_SHOT, period=OPEN_DELAY_MS, callback=self._opened)
        else:
            port.pump.connected = False

    def _opened(self, _):
        for port in self._ports:
            if port.dtr and not port.pump.connected:
                port.pump.connected = True
                port.pump.flush()


DEFAULT_CODING = struct.pack("<IBBB", 115200, 0, 0, 8)  # PSTN 1.2, table 17: bit/s, stop bits, parity, data bits


def configuration_descriptor(built_in, itf_max, functions, count):
    """The built-in configuration descriptor with `count` more functions; a new one if there is none (USB 2.0, 9.6.3)."""
    header = bytearray(built_in[:9] or b"\x09\x02\0\0\0\x01\0\x80\x7d")
    struct.pack_into("<H", header, 2, (len(built_in) or 9) + len(functions))
    header[4] = itf_max + 2 * count
    return bytes(header) + built_in[9:] + functions


def function_descriptor(itf, string, ep_notify, ep_data):
    """A CDC-ACM function: IAD, communication and data interface (CDC 1.2, 5; PSTN 1.2, 5.3)."""
    # fmt: off
    return bytes((
        8, 0x0B, itf, 2, 0x02, 0x02, 0x00, 0,  # interface association
        9, 0x04, itf, 0, 1, 0x02, 0x02, 0x00, string,  # communication interface, ACM
        5, 0x24, 0x00, 0x20, 0x01,  # header: CDC 1.20
        5, 0x24, 0x01, 0x00, itf + 1,  # call management: none
        4, 0x24, 0x02, 0x06,  # ACM: line coding and state, break
        5, 0x24, 0x06, itf, itf + 1,  # union
        7, 0x05, 0x80 | ep_notify, 0x03, 8, 0, 16,  # notifications
        9, 0x04, itf + 1, 0, 2, 0x0A, 0x00, 0x00, 0,  # data interface
        7, 0x05, ep_data, 0x02, 64, 0, 0,  # OUT
        7, 0x05, 0x80 | ep_data, 0x02, 64, 0, 0,  # IN
    ))
    # fmt: on
