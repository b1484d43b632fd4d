# A DFU runtime interface (DFU 1.1, 4): `dfu-util -e` makes the board leave for its boot loader.
#
#   import dfu_runtime
#   dfu_runtime.start()
import struct

import machine
import micropython
from composite_device import ACK, SETUP, Device, Function, interface

DETACH, GETSTATUS, GETSTATE = 0, 3, 5
APP_IDLE, APP_DETACH = 0, 1
CAN_DOWNLOAD, WILL_DETACH = 0x01, 0x08
DETACH_TIMEOUT = 1000  # ms


class DfuRuntime(Function):
    endpoints = 0
    name = "DFU runtime"

    def __init__(self, on_detach):
        self.state = APP_IDLE
        self._on_detach = on_detach

    def descriptor(self, itf, ep, string):
        attributes = CAN_DOWNLOAD | WILL_DETACH  # it leaves by itself, the host need not reset the bus
        functional = struct.pack("<BBBHHH", 9, 0x21, attributes, DETACH_TIMEOUT, 256, 0x0110)
        return interface(itf, 0, 0xFE, 1, 1, string) + functional

    def control(self, stage, kind, code, value, length):
        if kind == 0xA1 and code == GETSTATUS:
            return bytes((0, 0, 0, 0, self.state, 0)) if stage == SETUP else True  # OK, poll again at once
        if kind == 0xA1 and code == GETSTATE:
            return bytes((self.state,)) if stage == SETUP else True
        if kind == 0x21 and code == DETACH:
            if stage == ACK:
                self.state = APP_DETACH
                micropython.schedule(self._on_detach, self)
            return True
        return False  # a download is for the boot loader


def start(on_detach=lambda _: machine.bootloader(), **options):
    """A device with nothing but the DFU runtime interface."""
    dfu = DfuRuntime(on_detach)
    Device(dfu, pid=0x9904, **options).start()
    return dfu
