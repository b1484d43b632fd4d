# A vendor interface with an interrupt IN endpoint 0x81 that always has the next report ready:
# eight bytes, the first counts up. It asks to be polled each 10 frames.
# Runs on a board without the built-in port, or replaces it.
import machine

usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_NONE

report = bytearray(8)


def opened(descriptors):
    usb.submit_xfer(0x81, report)


def moved(endpoint, result, count):
    report[0] = report[0] + 1 & 0xFF
    usb.submit_xfer(0x81, report)


desc_dev = b"\x12\x01\x00\x02\xff\x00\x00\x40\x55\xf0\x03\x90\x00\x01\x00\x00\x00\x01"
desc_cfg = (
    b"\x09\x02\x19\x00\x01\x01\x00\xa0\x32"
    b"\x09\x04\x00\x00\x01\xff\x00\x00\x00"
    b"\x07\x05\x81\x03\x08\x00\x0a"
)
usb.config(desc_dev, desc_cfg, {}, open_itf_cb=opened, xfer_cb=moved)
usb.active(True)
