# Two ports for the suites: `v` and `w`. Whoever runs it talks to them, with a few functions to measure and to be busy.
import time

import pyb

pyb.usb_mode("2xVCP")
v = pyb.USB_VCP()
w = pyb.USB_VCP(1)


def pattern(n):
    """All byte values, counting up, from 13 more in each block of 256: nothing lost or doubled goes unseen."""
    twice = bytes(range(256)) * 2
    return b"".join(twice[(i * 13) & 255 :][:256] for i in range(n // 256 + 1))[:n]


def timed(function):
    """What a function returns, and how many milliseconds it took."""
    start = time.ticks_us()
    result = function()
    return result, time.ticks_diff(time.ticks_us(), start) // 1000


def busy(ms):
    """Compute until the time is over, or until somebody types Ctrl-C."""
    start = time.ticks_ms()
    try:
        while time.ticks_diff(time.ticks_ms(), start) < ms:
            pass
        print("undisturbed")
    except KeyboardInterrupt:
        print("interrupted")
