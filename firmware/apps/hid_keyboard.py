# A USB keyboard (HID 1.11, boot protocol): types text, and shows Caps Lock on the board's LED.
#
#   import hid_keyboard
#   keyboard = hid_keyboard.start()
#   keyboard.type("Hello, World\n")
import struct

from composite_device import ACK, SETUP, Device, Function, endpoint, interface
from machine import Pin, Timer

# fmt: off
REPORT_DESCRIPTOR = bytes((
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01,  # usage page generic desktop, usage keyboard, collection application
    0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7,  # keys: left control to right GUI
    0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02,  # eight modifier bits
    0x75, 0x08, 0x95, 0x01, 0x81, 0x01,  # a reserved byte
    0x05, 0x08, 0x19, 0x01, 0x29, 0x05,  # LEDs: Num Lock to Kana
    0x75, 0x01, 0x95, 0x05, 0x91, 0x02, 0x75, 0x03, 0x95, 0x01, 0x91, 0x01,  # five LED bits, three of padding
    0x05, 0x07, 0x19, 0x00, 0x29, 0x65,  # keys
    0x15, 0x00, 0x25, 0x65, 0x75, 0x08, 0x95, 0x06, 0x81, 0x00,  # six key codes
    0xC0,
))
# fmt: on

GET_REPORT, GET_IDLE, GET_PROTOCOL = 0x01, 0x02, 0x03
SET_REPORT, SET_IDLE, SET_PROTOCOL = 0x09, 0x0A, 0x0B
GET_DESCRIPTOR = 0x06
HID, REPORT = 0x21, 0x22  # descriptor types
INPUT, OUTPUT = 1, 2  # report types
BOOT_PROTOCOL, REPORT_PROTOCOL = 0, 1
SHIFT = 0x02
CAPS_LOCK = 0x02

# HID Usage Tables, 10: key codes from 0x1E on the American keyboard, which has no 0x32, without and with Shift.
PLAIN = "1234567890\n\x1b\b\t -=[]\\\0;'`,./"
SHIFTED = '!@#$%^&*()\n\x1b\b\t _+{}|\0:"~<>?'


class Keyboard(Function):
    name = "Keyboard"

    def __init__(self):
        self.leds = 0
        self.protocol = REPORT_PROTOCOL
        self.idle = 125  # in units of 4 ms: the 500 ms that HID 1.11, 7.2.4 recommends for keyboards
        self.on_leds = None  # called with the new LED bits
        self._report = bytearray(8)
        self._leds = bytearray(1)
        self._pending = []
        self._timer = Timer(-1)

    def descriptor(self, itf, ep, string):
        self.ep = 0x80 | ep
        self._hid = struct.pack("<BBHBBBH", 9, HID, 0x0111, 0, 1, REPORT, len(REPORT_DESCRIPTOR))
        return interface(itf, 1, 3, 1, 1, string) + self._hid + endpoint(self.ep, 3, 8, 8)

    def press(self, code, modifiers=0):
        """Press one key and let it go."""
        self._pending.append(bytes((modifiers, 0, code, 0, 0, 0, 0, 0)))
        self._pending.append(bytes(8))
        self._send_next()

    def type(self, text):
        """Type text; characters without a key are left out."""
        for char in text:
            code, modifiers = key(char)
            if code:
                self.press(code, modifiers)

    @property
    def busy(self):
        """There are reports that the host has not fetched."""
        return bool(self._pending)

    def opened(self):
        self._set_idle(self.idle)
        self._send_next()

    def reset(self):
        self._timer.deinit()
        self.protocol = REPORT_PROTOCOL
        self.idle = 125

    def done(self, ep, n):
        if self._pending and self._pending[0] == self._report:
            self._pending.pop(0)
        self._send_next()

    def _send_next(self):
        if self._pending and self.device.submit(self.ep, self._pending[0]):
            self._report[:] = self._pending[0]

    def _set_idle(self, units):
        self.idle = units
        self._timer.deinit()
        if units:  # otherwise only changes are reported
            self._timer.init(period=4 * units, callback=self._send_again)

    def _send_again(self, _):
        if not self._pending:
            self.device.submit(self.ep, self._report)

    def control(self, stage, kind, code, value, length):
        if kind == 0x81 and code == GET_DESCRIPTOR and stage == SETUP:
            return {HID: self._hid, REPORT: REPORT_DESCRIPTOR}.get(value >> 8, False)
        if kind == 0xA1 and stage == SETUP:
            if code == GET_REPORT and value & 0xFF == 0:  # there are no report IDs
                return {INPUT: self._report, OUTPUT: self._leds}.get(value >> 8, False)
            if code == GET_IDLE:
                return bytes((self.idle,))
            if code == GET_PROTOCOL:
                return bytes((self.protocol,))
            return False
        if kind == 0x21 and code == SET_REPORT:
            if value != OUTPUT << 8 or length != 1:
                return False
            if stage == SETUP:
                return self._leds
            if stage == ACK:
                self._show_leds()
            return True
        if kind == 0x21 and code in (SET_IDLE, SET_PROTOCOL):
            if stage == ACK:
                if code == SET_IDLE:
                    self._set_idle(value >> 8)
                else:
                    self.protocol = value
            return True
        return stage != SETUP and kind & 0x80 != 0  # the later stages of what was answered above

    def _show_leds(self):
        self.leds = self._leds[0]
        if self.on_leds:
            self.on_leds(self.leds)


def key(char):
    """Key code and modifiers for a character; (0, 0) if there is no such key."""
    if "a" <= char <= "z":
        return ord(char) - ord("a") + 0x04, 0
    if "A" <= char <= "Z":
        return ord(char) - ord("A") + 0x04, SHIFT
    if char == "\0":
        return 0, 0
    if char in PLAIN:
        return 0x1E + PLAIN.index(char), 0
    if char in SHIFTED:
        return 0x1E + SHIFTED.index(char), SHIFT
    return 0, 0


def start(**options):
    """A keyboard on its own; Caps Lock lights the LED."""
    keyboard = Keyboard()
    led = Pin("LED", Pin.OUT)
    keyboard.on_leds = lambda leds: led.value(bool(leds & CAPS_LOCK))
    Device(keyboard, pid=0x9901, **options).start()
    return keyboard
