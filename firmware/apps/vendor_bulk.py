# A vendor interface whose bulk IN endpoint 0x81 sends back what its bulk OUT endpoint 0x01 has received.
# OUT transfers end with a short packet or with 1024 bytes. `echo` switches the sending back off and on.
# Runs on a board without the built-in port, or replaces it.
import machine

usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_NONE

box = bytearray(1024)
done = []  # (endpoint, result, bytes) of every transfer
echo = True


def opened(descriptors):
    usb.submit_xfer(0x01, box)


def moved(endpoint, result, count):
    done.append((endpoint, result, count))
    if endpoint == 0x01 and echo:
        usb.submit_xfer(0x81, memoryview(box)[:count])
    elif endpoint == 0x81:
        usb.submit_xfer(0x01, box)


desc_dev = b"\x12\x01\x00\x02\xff\x00\x00\x40\x55\xf0\x02\x90\x00\x01\x01\x02\x00\x01"
desc_cfg = (
    b"\x09\x02\x20\x00\x01\x01\x00\xa0\x32"
    b"\x09\x04\x00\x00\x02\xff\x00\x00\x00"
    b"\x07\x05\x01\x02\x40\x00\x00"
    b"\x07\x05\x81\x02\x40\x00\x00"
)
usb.config(desc_dev, desc_cfg, {1: "renode-pico", 2: "vendor bulk"}, open_itf_cb=opened, xfer_cb=moved)
usb.active(True)
