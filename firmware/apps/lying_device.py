# A device that lies about itself as badly as an operating system forgives: bNumInterfaces and bNumEndpoints.
# Runs on a board without the built-in port, or replaces it.
import machine

usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_NONE

desc_dev = b"\x12\x01\x00\x02\xff\x00\x00\x40\x55\xf0\x05\x90\x00\x01\x01\x02\x00\x01"
desc_cfg = (
    b"\x09\x02\x20\x00\x04\x01\x00\x80\x32"
    b"\x09\x04\x00\x00\x03\xff\x00\x00\x00"
    b"\x07\x05\x01\x02\x40\x00\x00"
    b"\x07\x05\x81\x02\x40\x00\x00"
)
usb.config(desc_dev, desc_cfg, {1: "renode-pico", 2: "liar"})
usb.active(True)
