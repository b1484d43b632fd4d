# A vendor interface without endpoints that answers requests to it (bmRequestType 0x21 and 0xA1, wIndex 0):
#   1  no data   remembers wValue
#   2  IN        as many bytes as wValue says, counting up: shorter, equal or longer than wLength
#   3  OUT       keeps up to 512 bytes
#   4  IN        gives them back
# Everything else is stalled. Runs on a board without the built-in port, or replaces it.
import machine

usb = machine.USBDevice()
usb.active(False)
usb.builtin_driver = usb.BUILTIN_NONE

counting = bytes(i & 0xFF for i in range(1024))
kept = bytearray(512)
state = {"value": 0, "length": 0, "stages": []}


def control(stage, request):
    kind, number = request[0], request[1]
    value = request[2] | request[3] << 8
    length = request[6] | request[7] << 8
    if stage == 1:
        state["stages"] = []
    state["stages"].append(stage)
    if kind == 0x21 and number == 1 and not length:
        state["value"] = value
        return True
    if kind == 0xA1 and number == 2 and length:
        answer = memoryview(counting)[:value]
    elif kind == 0x21 and number == 3 and length <= len(kept):
        state["length"] = length
        answer = memoryview(kept)[:length]
    elif kind == 0xA1 and number == 4 and length:
        answer = memoryview(kept)[: state["length"]]
    else:
        return False
    return answer if stage == 1 else True  # a buffer at a later stage would begin the data stage again


desc_dev = b"\x12\x01\x00\x02\xff\x00\x00\x40\x55\xf0\x01\x90\x00\x01\x01\x02\x00\x01"
desc_cfg = b"\x09\x02\x12\x00\x01\x01\x00\xa0\x32" b"\x09\x04\x00\x00\x00\xff\x00\x00\x00"
usb.config(desc_dev, desc_cfg, {1: "renode-pico", 2: "vendor control"}, control_xfer_cb=control)
usb.active(True)
