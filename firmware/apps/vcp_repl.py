# A second REPL, on a USB_VCP port.
import os

import pyb

os.dupterm(pyb.USB_VCP())
