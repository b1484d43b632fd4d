# A traffic light on USB. Three lamps on GPIO 13 to 15, a button on GPIO 16.
# The host sets the light with a class request; each press of the button is a two-byte packet on an
# interrupt endpoint: the number of presses, and the light at that moment. Runs on any RP2040 board
# with MicroPython 1.25 or newer.
import machine

LAMPS = [machine.Pin(number, machine.Pin.OUT, value=0) for number in (13, 14, 15)]
BUTTON = machine.Pin(16, machine.Pin.IN, machine.Pin.PULL_DOWN)

VID, PID = 0xF055, 0x7E11
SET_LIGHT, GET_LIGHT = 1, 2
PRESSES = 0x81

DEVICE = bytes((
    18, 1, 0x00, 0x02, 0xFF, 0, 0, 64,
    VID & 255, VID >> 8, PID & 255, PID >> 8, 0x00, 0x01, 1, 2, 0, 1,
))
CONFIGURATION = bytes((
    9, 2, 25, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 1, 0xFF, 0, 0, 0,
    7, 5, PRESSES, 3, 2, 0, 10,
))
STRINGS = {1: "Crossing Ltd", 2: "Traffic light"}

usb = machine.USBDevice()
light = bytearray(1)
report = bytearray(2)


def show():
    for number, lamp in enumerate(LAMPS):
        lamp.value(light[0] >> number & 1)


def control(stage, request):
    kind, number, value = request[0], request[1], request[2]
    if kind == 0x21 and number == SET_LIGHT:
        if stage == 1:
            return value < 8
        if stage == 3:
            light[0] = value
            show()
        return True
    if kind == 0xA1 and number == GET_LIGHT:
        return light if stage == 1 else True
    return False


def pressed(pin):
    report[0] = (report[0] + 1) & 255
    report[1] = light[0]
    usb.submit_xfer(PRESSES, report)


usb.active(False)
usb.builtin_driver = usb.BUILTIN_NONE
usb.config(DEVICE, CONFIGURATION, STRINGS, control_xfer_cb=control)
usb.active(True)
BUTTON.irq(pressed, machine.Pin.IRQ_RISING)
