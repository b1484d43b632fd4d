# Three ports at once: each answers a line with its name and the line.
import select

import pyb

pyb.usb_mode("3xVCP")
ports = [pyb.USB_VCP(i) for i in range(3)]

poll = select.poll()
for port in ports:
    poll.register(port, select.POLLIN)
waiting = {repr(port): b"" for port in ports}

while True:
    for port, _ in poll.poll():
        name = repr(port)
        waiting[name] += port.read()
        while b"\n" in waiting[name]:
            line, waiting[name] = waiting[name].split(b"\n", 1)
            port.write(b"%s: %s\n" % (name.encode(), line))
