# A vendor interface with all thirty endpoints that an RP2040 has beside endpoint 0: bulk IN 0x81 to 0x8F, each with its
# own number 128 times ready to be read, and interrupt OUT 0x01 to 0x0F, whose first byte is noted in `heard`.
# (Interrupt OUT: thirty bulk endpoints, which are given two buffers each, would not fit into the controller's memory.)
# Runs on a board without the built-in port, or replaces it.
import machine

usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_NONE

boxes = {n: bytearray(64) for n in range(1, 16)}
heard = {}


def opened(descriptors):
    for n in range(1, 16):
        usb.submit_xfer(n, boxes[n])
        usb.submit_xfer(n | 0x80, bytes((n,)) * 128)


def moved(endpoint, result, count):
    if endpoint in boxes:
        heard[endpoint] = boxes[endpoint][0]


endpoints = b"".join(b"\x07\x05" + bytes((n | 0x80, 2, 64, 0, 0)) for n in range(1, 16))
endpoints += b"".join(b"\x07\x05" + bytes((n, 3, 64, 0, 1)) for n in range(1, 16))
desc_dev = b"\x12\x01\x00\x02\xff\x00\x00\x40\x55\xf0\x04\x90\x00\x01\x00\x00\x00\x01"
desc_cfg = (
    b"\x09\x02" + (18 + len(endpoints)).to_bytes(2, "little") + b"\x01\x01\x00\xa0\x32"
    b"\x09\x04\x00\x00\x1e\xff\x00\x00\x00" + endpoints
)
usb.config(desc_dev, desc_cfg, {}, open_itf_cb=opened, xfer_cb=moved)
usb.active(True)
