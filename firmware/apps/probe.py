# A USB device that writes down what happens to it: the suites' probe.
#
#   import probe
#   probe.start(probe.endpoint(0x81), probe.endpoint(0x01))
#   ... the host enumerates and does something ...
#   print(probe.log)      # [('open', b'...'), ('control', 1, b'...'), ('xfer', 1, 0, 64), ...]
#
# Runs on the board, without the built-in port or (builtin=True) beside it.
import machine

usb = machine.USBDevice()
log = []
answer = True  # what control_xfer_cb returns, or a function of (stage, request)


def endpoint(address, kind=2, size=64, interval=0):
    """An endpoint descriptor; kind: 1 isochronous, 2 bulk, 3 interrupt."""
    return bytes((7, 5, address, kind, size & 0xFF, size >> 8, interval))


def interface(number, *endpoints, cls=0xFF, sub=0, protocol=0, string=0):
    """An interface descriptor with its endpoints' descriptors."""
    return bytes((9, 4, number, 0, len(endpoints), cls, sub, protocol, string)) + b"".join(endpoints)


def association(first, *interfaces, cls=0xFF, string=0):
    """An interface association descriptor with its interfaces' descriptors."""
    return bytes((8, 0x0B, first, len(interfaces), cls, 0, 0, string)) + b"".join(interfaces)


def configuration(*parts, count=1, attributes=0xA0, string=0):
    """A configuration descriptor with everything that belongs to it; attributes: remote wake-up allowed."""
    body = b"".join(parts)
    total = len(body) + 9
    return bytes((9, 2, total & 0xFF, total >> 8, count, 1, string, attributes, 50)) + body


def device(vid=0xF055, pid=0x9001, manufacturer=0, product=0, serial=0):
    """A device descriptor."""
    ids = vid.to_bytes(2, "little") + pid.to_bytes(2, "little")
    return b"\x12\x01\x00\x02\x00\x00\x00\x40" + ids + bytes((0x34, 0x12, manufacturer, product, serial, 1))


def on_open(view):
    log.append(("open", bytes(view)))


def on_reset():
    log.append(("reset",))


def on_control(stage, request):
    log.append(("control", stage, bytes(request)))
    return answer(stage, request) if callable(answer) else answer


def on_xfer(ep, result, count):
    log.append(("xfer", ep, result, count))


def config(desc_dev, desc_cfg, strings=None):
    """Configure the device with every callback logging."""
    usb.config(desc_dev, desc_cfg, strings, on_open, on_reset, on_control, on_xfer)


def start(*endpoints, strings=None, **fields):
    """One vendor interface with these endpoints, active."""
    config(device(**fields), configuration(interface(0, *endpoints)), strings)
    usb.active(True)
