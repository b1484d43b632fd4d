# As boot.py: the board has three ports from the first moment on, and after every soft reset.
import pyb

pyb.usb_mode("3xVCP")
