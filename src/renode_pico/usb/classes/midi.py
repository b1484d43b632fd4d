"""MIDI: messages of mido in and out, as 32-bit event packets (USB MIDI 1.0, chapter 4)."""

from __future__ import annotations

from typing import Any

from renode_pico.errors import Timeout, UsageError
from renode_pico.usb.classes.common import interfaces, library, none_of, required, settings
from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import TransferType

AUDIO_CLASS, MIDI_STREAMING = 0x01, 0x03
_LENGTHS = (0, 0, 2, 3, 3, 1, 2, 3, 3, 3, 3, 3, 2, 2, 3, 1)
"""MIDI bytes in an event packet by its Code Index Number (table 4-1)."""
_SYSTEM_COMMON_LENGTHS = {0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF6: 1}


class Midi:
    """One MIDI streaming interface. `cable` numbers its virtual cables. Timeouts are emulated seconds."""

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.interface = interface
        streaming = next((each for each in settings(device, interface.bInterfaceNumber) if each.endpoints), interface)
        if streaming.bAlternateSetting != interface.bAlternateSetting:
            device.set_interface(streaming.bInterfaceNumber, streaming.bAlternateSetting)
        self._in = required(device, streaming, True, TransferType.BULK)
        self._out = required(device, streaming, False, TransferType.BULK)
        self._mido = library("mido")
        self._parsers: dict[int, Any] = {}
        self._messages: dict[int, list[Any]] = {}

    def send(self, message: Any, cable: int = 0) -> None:
        """Send a `mido.Message`."""
        self.send_bytes(bytes(message.bytes()), cable)

    def send_bytes(self, data: bytes, cable: int = 0) -> None:
        """Send the bytes of one message, a whole system exclusive one included. Raises UsageError for none."""
        self.send_packets(b"".join(event_packets(data, cable)))

    def send_packets(self, packets: bytes) -> None:
        """Send event packets of four bytes as they are."""
        self._out.write(packets)

    def receive(self, timeout: float = DEFAULT_TIMEOUT, cable: int = 0) -> Any:
        """Return the next message of a cable, a `mido.Message`. Raises Timeout when none comes."""
        waiting = self._messages.setdefault(cable, [])
        deadline = self.device.host.now + timeout
        while not waiting:
            left = deadline - self.device.host.now
            if left <= 0:
                raise Timeout(f"MIDI: no message within {timeout:g} emulated seconds (at {self.device.host.now:.6f} s)")
            self._take(self.read_packets(left))
        return waiting.pop(0)

    def received(self, timeout: float = 0.1, cable: int = 0) -> list[Any]:
        """Return all messages that come until none has come for so long."""
        messages = []
        while True:
            try:
                messages.append(self.receive(timeout, cable))
            except Timeout:
                return messages

    def read_packets(self, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Read event packets as they are: what one packet on the bus has of them."""
        return self._in.read(self._in.descriptor.max_packet_size, timeout)

    def _take(self, packets: bytes) -> None:
        for at in range(0, len(packets) - 3, 4):
            cable, code = packets[at] >> 4, packets[at] & 0x0F
            parser = self._parsers.setdefault(cable, self._mido.Parser())
            parser.feed(packets[at + 1 : at + 1 + _LENGTHS[code]])
            self._messages.setdefault(cable, []).extend(parser)


def event_packets(data: bytes, cable: int = 0) -> list[bytes]:
    """Cut the bytes of one MIDI message into event packets (table 4-1). Raises UsageError for what is no message."""
    if not 0 <= cable <= 15:
        raise UsageError(f"MIDI: there are cables 0 to 15, not {cable}")
    if not data or data[0] < 0x80:
        raise UsageError(f"MIDI: {data.hex(' ') or 'nothing'} does not begin with a status byte")
    status = data[0]
    if status < 0xF0:
        return [_packet(cable, status >> 4, data)]
    if status == 0xF0:
        pieces = [data[at : at + 3] for at in range(0, len(data), 3)]
        packets = [_packet(cable, 0x4, piece) for piece in pieces[:-1]]
        return [*packets, _packet(cable, 0x4 + len(pieces[-1]), pieces[-1])]
    if status >= 0xF8:
        return [_packet(cable, 0xF, data)]
    return [_packet(cable, {1: 0x5, 2: 0x2, 3: 0x3}[_SYSTEM_COMMON_LENGTHS.get(status, 1)], data)]


def _packet(cable: int, code: int, data: bytes) -> bytes:
    return bytes([cable << 4 | code]) + data.ljust(3, b"\0")


def midis(device: ConfiguredDevice) -> list[Midi]:
    """Return all MIDI streaming interfaces of a device. Raises UsageError when there is none."""
    found = [Midi(device, each) for each in interfaces(device, AUDIO_CLASS, MIDI_STREAMING)]
    if not found:
        raise none_of("MIDI streaming interface")
    return found
