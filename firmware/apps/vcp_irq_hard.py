# A hard handler runs in the USB interrupt: within microseconds, even while the program cannot be interrupted.
# It must not allocate memory. Needs the firmware's C module.
import time

import machine
import pyb

port = pyb.USB_VCP()
led = machine.Pin("LED", machine.Pin.OUT)
buf = bytearray(64)


def received(port):
    if port.readinto(buf):
        led.toggle()


port.irq(received, hard=True)

while True:
    time.sleep(1)
