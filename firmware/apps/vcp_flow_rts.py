# RTS: a host that sends faster than the program reads is held off, and nothing is lost.
import time

import pyb

port = pyb.USB_VCP()
port.setinterrupt(-1)
port.init(flow=port.RTS)

total = 0
while True:
    data = port.read(100)
    if data:
        total += len(data)
        print(total)
    time.sleep_ms(10)  # slow: 10 kB/s
