# As boot.py: a vendor device that is there from the first moment on, and after every soft reset.
import machine

usb = machine.USBDevice()
usb.config(
    b"\x12\x01\x00\x02\xff\x00\x00\x40\x55\xf0\x07\xb0\x00\x01\x00\x02\x00\x01",
    b"\x09\x02\x12\x00\x01\x01\x00\xa0\x32" b"\x09\x04\x00\x00\x00\xff\x00\x00\x00",
    {2: "from boot.py"},
)
usb.active(True)
