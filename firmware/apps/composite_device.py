# Puts USB functions together into one device: what the class examples (hid_keyboard.py, midi_device.py, msc_ramdisk.py,
# dfu_runtime.py) run on, alone or together.
#
# A function is an object with
#   interfaces, endpoints        how many interface numbers and endpoint numbers it uses
#   name                         its string
#   descriptor(itf, ep, string)  its descriptors, numbered from there; it remembers the numbers
#   opened(), reset()            the host has configured the device; has reset the bus
#   control(stage, kind, code, value, length)
#                                a request to one of its interfaces: what USBDevice's control_xfer_cb returns
#   done(ep, n)                  a transfer of n bytes is complete
#   resumed(ep)                  the host has cleared the halt of one of its endpoints, halted or not
import struct

from machine import USBDevice, unique_id

SETUP, DATA, ACK = 1, 2, 3  # stages of a control transfer
GET_STATUS, GET_INTERFACE, SET_INTERFACE = 0, 10, 11  # standard requests to an interface (USB 2.0, 9.4)


class Function:
    interfaces = 1
    endpoints = 1
    name = "function"

    def opened(self):
        pass

    def reset(self):
        pass

    def control(self, stage, kind, code, value, length):
        return False

    def done(self, ep, n):
        pass

    def resumed(self, ep):
        pass


class Device:
    def __init__(self, *functions, vid=0xF055, pid=0x9900, builtin=False):
        self.usb = USBDevice()
        self.usb.active(False)
        self.usb.builtin_driver = driver = self.usb.BUILTIN_DEFAULT if builtin else self.usb.BUILTIN_NONE
        itf = driver.itf_max
        ep = max(1, driver.ep_max)
        string = max(4, driver.str_max)  # 1 to 3: manufacturer, product and serial number
        self._of_itf = {}
        self._of_ep = {}
        strings = {3: unique_id().hex().upper()}  # as bulk-only transport 1.0, 4.1.1 wants it; MicroPython's has small letters
        body = b""
        for function in functions:
            function.device = self
            body += function.descriptor(itf, ep, string)
            strings[string] = function.name
            string += 1
            for _ in range(function.interfaces):
                self._of_itf[itf] = function
                itf += 1
            for _ in range(function.endpoints):
                self._of_ep[ep] = function
                ep += 1
        desc_dev = bytearray(driver.desc_dev)
        struct.pack_into("<HH", desc_dev, 8, vid, pid)
        header = bytearray(driver.desc_cfg[:9] or b"\x09\x02\0\0\0\x01\0\xa0\x32")
        struct.pack_into("<HB", header, 2, len(driver.desc_cfg or header) + len(body), itf)
        desc_cfg = bytes(header) + driver.desc_cfg[9:] + body
        self.usb.config(desc_dev, desc_cfg, strings, self._open, self._reset, self._control, self._done)

    def start(self):
        self.usb.active(True)

    def stop(self):
        self.usb.active(False)

    def submit(self, ep, buffer):
        """Queue a transfer; False if the endpoint is busy or the device is not configured."""
        try:
            return self.usb.submit_xfer(ep, buffer)
        except OSError:
            return False

    def _open(self, descriptor):
        self._of_itf[descriptor[2]].opened()

    def _reset(self):
        for function in self._of_itf.values():
            function.reset()

    def _control(self, stage, request):
        kind, code, value, index, length = struct.unpack("<BBHHH", request)
        if kind == 1 and code == GET_INTERFACE and length and index & 0xFF in self._of_itf:
            return True  # reversed; never taken: TinyUSB would write the host's data over its own variable
        if kind & 0x1F == 1 and index not in self._of_itf:
            return False
        if kind & 0x7F == 1 and code in (GET_STATUS, GET_INTERFACE, SET_INTERFACE):
            return stage != SETUP or self._standard(kind, code, value, length)
        if kind & 0x1F == 1:  # to an interface
            if kind & 0x80 and not length:
                return False  # TinyUSB would take the status stage for an OUT one, and it would have no end
            answer = self._of_itf[index].control(stage, kind, code, value, length)
            return False if answer is True and stage == SETUP and length else answer  # nobody takes the data
        if kind & 0x7F == 2 and code == 1 and value == 0 and stage == SETUP:  # CLEAR_FEATURE(ENDPOINT_HALT)
            self._of_ep[index & 0x0F].resumed(index & 0xFF)  # in both directions, as TinyUSB takes it
        return False

    @staticmethod
    def _standard(kind, code, value, length):
        """Interfaces have one setting, and nothing to tell in their status."""
        if code == SET_INTERFACE:
            return value == 0
        if kind != 0x81 or not length:
            return False
        return (b"\0\0" if code == GET_STATUS else b"\0")[:length]

    def _done(self, ep, result, n):
        self._of_ep[ep & 0x0F].done(ep, n)


def endpoint(address, kind, size, interval=0):
    """An endpoint descriptor; kind: 2 bulk, 3 interrupt (USB 2.0, 9.6.6)."""
    return struct.pack("<BBBBHB", 7, 5, address, kind, size, interval)


def interface(number, endpoints, cls, sub, protocol, string=0):
    """An interface descriptor (USB 2.0, 9.6.5)."""
    return bytes((9, 4, number, 0, endpoints, cls, sub, protocol, string))
