# Sends back what comes, every byte value, none lost.
import machine
import pyb

port = pyb.USB_VCP()
port.setinterrupt(-1)  # Ctrl-C is a byte like any other
port.init(flow=port.RTS | port.CTS)  # the host waits for us, and we for it

buf = bytearray(1024)
while True:
    n = port.readinto(buf)
    if n:
        port.write(buf, n)
    else:
        machine.idle()
