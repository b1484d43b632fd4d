# A command a line: adds numbers.
import time

import pyb

port = pyb.USB_VCP()

while True:
    for line in port.readlines():
        print(sum(int(word) for word in line.split()), file=port)
    time.sleep_ms(10)
