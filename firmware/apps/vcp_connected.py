# Greets whoever opens the port, and says on the console what happens to it.
import time

import pyb

port = pyb.USB_VCP()
was = None

while True:
    now = port.isconnected(), port.debug_mode_enabled()
    if now != was:
        print("connected: %s, IDE: %s" % now)
        if now[0] and not (was and was[0]):
            port.write(b"hello\n")
    was = now
    time.sleep_ms(10)
