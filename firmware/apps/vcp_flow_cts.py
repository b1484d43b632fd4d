# CTS: `write` waits for the host to take the data. The clock says how long.
import time

import pyb

port = pyb.USB_VCP()
port.init(flow=port.CTS)

while True:
    start = time.ticks_ms()
    port.write(b"%08d " % start * 500)
    print("the host took it in", time.ticks_diff(time.ticks_ms(), start), "ms")
