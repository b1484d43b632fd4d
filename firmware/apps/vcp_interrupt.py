# Ctrl-C on the port interrupts whatever runs; another character can be chosen.
import pyb

port = pyb.USB_VCP()

for name, char in (("Ctrl-C", 3), ("q", ord("q"))):
    port.setinterrupt(char)
    port.send(b"%s interrupts me\n" % name.encode(), timeout=60_000)
    try:
        while True:
            pass
    except KeyboardInterrupt:
        port.write(b"interrupted\n")
