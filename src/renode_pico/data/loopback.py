# A runtime USB device beside the built-in port: one vendor interface whose bulk IN endpoint
# sends back what its bulk OUT endpoint has received, and four class requests to that interface
# (TinyUSB keeps requests of type vendor from machine.USBDevice: they are stalled).
# Runs on the board (MicroPython 1.25 or newer); `renode-pico demo` installs it.
import machine
from micropython import const

SIZE = const(65536)
CHUNK = const(16384)

SET = const(1)  # no data: wValue is remembered
GET = const(2)  # IN: the 16 bytes kept by PUT, the last two being SET's wValue
PUT = const(3)  # OUT: up to 14 bytes
STALL_IN = const(4)  # no data: the IN endpoint is halted

usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_DEFAULT
builtin = usb.builtin_driver

itf = builtin.itf_max
ep_out = builtin.ep_max
ep_in = ep_out | 0x80
desc_cfg = bytearray(builtin.desc_cfg) + bytes(
    (9, 4, itf, 0, 2, 0xFF, 0, 0, builtin.str_max)
    + (7, 5, ep_out, 2, 64, 0, 0)
    + (7, 5, ep_in, 2, 64, 0, 0)
)
desc_cfg[2:4] = len(desc_cfg).to_bytes(2, "little")
desc_cfg[4] = itf + 1

data = memoryview(bytearray(SIZE))
kept = memoryview(bytearray(16))
position = 0


def start(view):
    if view[1] == 4 and view[2] == itf:  # our interface descriptor
        global position
        position = 0
        usb.submit_xfer(ep_out, data[:CHUNK])


def moved(ep, good, count):
    global position
    position += count
    if position == SIZE:
        position = 0
        ep ^= 0x80
    usb.submit_xfer(ep, data[position : position + CHUNK])


def control(stage, request):
    kind, number = request[0], request[1]
    if kind & 0x7F != 0x21:  # class, interface
        return False
    if number == SET and stage == 3:
        kept[14:] = request[2:4]
    elif number == GET and stage == 1:
        return kept
    elif number == PUT and stage == 1:
        return kept[:14]
    elif number == STALL_IN and stage == 3:
        usb.stall(ep_in, True)
    return SET <= number <= STALL_IN


usb.config(
    builtin.desc_dev,
    desc_cfg,
    {builtin.str_max: "loopback"},
    open_itf_cb=start,
    control_xfer_cb=control,
    xfer_cb=moved,
)
usb.active(True)
