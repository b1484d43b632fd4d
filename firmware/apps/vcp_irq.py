# A handler is called when data arrives; the program is busy with something else.
import time

import pyb

port = pyb.USB_VCP()


def received(port):
    port.write(port.read().upper())


port.irq(received, port.IRQ_RX)

while True:
    time.sleep(1)
