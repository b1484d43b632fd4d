# A USB MIDI device (USB MIDI 1.0) with one cable each way: sends every note back an octave higher.
#
#   import midi_device
#   midi = midi_device.start()
#   midi.note_on(60)
import struct

from composite_device import Device, Function, endpoint, interface
from micropython import RingIO

PACKET = 64
NOTE_OFF, NOTE_ON = 0x8, 0x9  # status nibbles, and code index numbers (USB MIDI 1.0, table 4-1)


class Midi(Function):
    interfaces = 2
    name = "MIDI"

    def __init__(self):
        self.on_event = None  # called with (code index number, status, data1, data2)
        self._out = bytearray(PACKET)
        self._queue = RingIO(1024)
        self._sending = None

    def descriptor(self, itf, ep, string):
        self.ep_out = ep
        self.ep_in = 0x80 | ep
        # USB MIDI 1.0, 6.1.2: an embedded and an external jack each way, each connected to the other.
        jacks = b"\x06\x24\x02\x01\x01\x00" + b"\x06\x24\x02\x02\x02\x00"  # IN jacks 1 embedded, 2 external
        jacks += b"\x09\x24\x03\x01\x03\x01\x02\x01\x00" + b"\x09\x24\x03\x02\x04\x01\x01\x01\x00"  # OUT jacks 3 and 4
        out = endpoint(self.ep_out, 2, PACKET) + b"\x05\x25\x01\x01\x01"
        into = endpoint(self.ep_in, 2, PACKET) + b"\x05\x25\x01\x01\x03"
        total = 7 + len(jacks) + len(out) + len(into)
        return (
            bytes((8, 0x0B, itf, 2, 1, 3, 0, string))  # interface association
            + interface(itf, 0, 1, 1, 0)  # audio control
            + struct.pack("<BBBHHBB", 9, 0x24, 1, 0x0100, 9, 1, itf + 1)
            + interface(itf + 1, 2, 1, 3, 0, string)  # MIDI streaming
            + struct.pack("<BBBHH", 7, 0x24, 1, 0x0100, total)
            + jacks
            + out
            + into
        )

    def note_on(self, note, velocity=64, channel=0):
        self.send(NOTE_ON, NOTE_ON << 4 | channel, note, velocity)

    def note_off(self, note, velocity=0, channel=0):
        self.send(NOTE_OFF, NOTE_OFF << 4 | channel, note, velocity)

    def send(self, cin, *event):
        """Send one event packet on cable 0."""
        self._queue.write(bytes((cin,) + event))
        self._send_next()

    def opened(self):
        self.device.submit(self.ep_out, self._out)
        self._send_next()

    def reset(self):
        self._sending = None

    def done(self, ep, n):
        if ep == self.ep_in:
            self._sending = None
            self._send_next()
            return
        received = bytes(self._out[:n])
        self.device.submit(self.ep_out, self._out)
        for i in range(0, n - 3, 4):
            if self.on_event:
                self.on_event(received[i] & 0x0F, received[i + 1], received[i + 2], received[i + 3])

    def _send_next(self):
        if self._sending is None and self._queue.any():
            packet = self._queue.read(PACKET)
            self._sending = packet
            self.device.submit(self.ep_in, packet)


def start(**options):
    """A MIDI device on its own that plays notes back an octave higher."""
    midi = Midi()

    def octave_up(cin, status, data1, data2):
        if cin in (NOTE_ON, NOTE_OFF) and data1 + 12 < 128:
            data1 += 12
        midi.send(cin, status, data1, data2)

    midi.on_event = octave_up
    Device(midi, pid=0x9902, **options).start()
    return midi
