"""Ethernet over USB: frames in and out by CDC-ECM 1.2 or CDC-NCM 1.0."""

from __future__ import annotations

import struct
from collections import deque
from contextlib import suppress

from renode_pico.errors import Stall, Timeout, UsageError, UsbError
from renode_pico.usb.classes.common import ask, class_descriptors, interfaces, none_of, required, settings, tell
from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import TransferType

COMMUNICATIONS_CLASS, ECM_SUBCLASS, NCM_SUBCLASS = 0x02, 0x06, 0x0D
UNION, ETHERNET_NETWORKING = 0x06, 0x0F
SET_ETHERNET_PACKET_FILTER, GET_NTB_PARAMETERS, SET_NTB_INPUT_SIZE = 0x43, 0x80, 0x86
NETWORK_CONNECTION, CONNECTION_SPEED_CHANGE = 0x00, 0x2A
DIRECTED, BROADCAST, ALL_MULTICAST, PROMISCUOUS = 0x04, 0x08, 0x02, 0x01
"""Bits of the packet filter (ECM, table 8)."""
NTH16, NDP16, NDP16_CRC = 0x484D434E, 0x304D434E, 0x314D434E
"""Signatures: NCMH, NCM0, NCM1 (NCM, tables 3-2 and 3-3)."""


class Ethernet:
    """One network function, ECM or NCM. Frames are whole Ethernet frames without their check sequence.

    `ncm`: which of the two. `mac`: the address that the host's end is to have (iMACAddress). `connected`: the last
    NETWORK_CONNECTION notification. `max_segment`: wMaxSegmentSize. Timeouts are emulated seconds.
    """

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.number = interface.bInterfaceNumber
        self.ncm = interface.bInterfaceSubClass == NCM_SUBCLASS
        self.connected = False
        descriptors = class_descriptors(interface)
        union, networking = descriptors.get(UNION, b""), descriptors.get(ETHERNET_NETWORKING, b"")
        if len(union) < 5 or len(networking) < 13:
            raise UsageError(f"interface {self.number} has no union or no Ethernet networking descriptor")
        self.mac = device.get_string(networking[3]) if networking[3] else ""
        self.max_segment = networking[8] | networking[9] << 8
        self.data_interface = union[4]
        self._notification = required(device, interface, True, TransferType.INTERRUPT)
        self._frames: deque[bytes] = deque()
        self._sequence = 0
        self._open()

    def _open(self) -> None:
        """Bring the data interface into the setting that has endpoints, and NCM to blocks that fit (NCM, 7.2)."""
        alternates = settings(self.device, self.data_interface)
        active = next((each for each in alternates if each.endpoints), None)
        if active is None:
            raise UsageError(f"data interface {self.data_interface} has no endpoints in any setting")
        self.block_in = self.block_out = 0
        if self.ncm:
            parameters = ask(self.device, self.number, GET_NTB_PARAMETERS, 0, 28)
            if len(parameters) < 28:
                raise UsbError(f"GET_NTB_PARAMETERS: the device sent {len(parameters)} bytes instead of 28")
            (self.block_in,) = struct.unpack_from("<I", parameters, 4)
            self.block_out, self._divisor, self._remainder, self._alignment = struct.unpack_from(
                "<IHHH", parameters, 16
            )
        self.device.set_interface(self.data_interface, active.bAlternateSetting)
        self._in = required(self.device, active, True, TransferType.BULK)
        self._out = required(self.device, active, False, TransferType.BULK)
        if not self.ncm:
            with suppress(Stall):  # the filter is optional (ECM, table 6)
                self.set_filter()

    # Frames

    def send(self, frame: bytes, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Send a frame, ended by a short or an empty packet (ECM, 3.3.1)."""
        data = self._block([frame]) if self.ncm else frame
        self._out.write(data, timeout, zero_packet=True)

    def send_together(self, frames: list[bytes], timeout: float = DEFAULT_TIMEOUT) -> None:
        """Send frames in one transfer block. Raises UsageError on ECM, which has none."""
        if not self.ncm:
            raise UsageError("ECM sends one frame a transfer")
        self._out.write(self._block(frames), timeout, zero_packet=True)

    def receive(self, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Return the next frame. Raises Timeout when none comes, UsbError for a block that is none."""
        deadline = self.device.host.now + timeout
        while not self._frames:
            left = deadline - self.device.host.now
            if left <= 0:
                raise Timeout(f"no frame within {timeout:g} emulated seconds (at {self.device.host.now:.6f} s)")
            data = self._in.read(self.block_in if self.ncm else self.max_segment + 64, left)
            self._frames.extend(frames_of(data) if self.ncm else [data] if data else [])
        return self._frames.popleft()

    # Control

    def set_filter(self, bits: int = DIRECTED | BROADCAST) -> None:
        """SET_ETHERNET_PACKET_FILTER (ECM, 6.2.4)."""
        tell(self.device, self.number, SET_ETHERNET_PACKET_FILTER, bits)

    def wait_connected(self, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Read notifications until the network is connected (ECM, 6.3.1). Raises Timeout."""
        deadline = self.device.host.now + timeout
        while not self.connected:
            data = self._notification.read(16, max(deadline - self.device.host.now, 0.0))
            if len(data) >= 8 and data[1] == NETWORK_CONNECTION:
                self.connected = bool(data[2])

    def _block(self, frames: list[bytes]) -> bytes:
        """A transfer block of these frames (NCM, 3.2): header, frames where the device wants them, their table."""
        data = bytearray(12)
        places = []
        for frame in frames:
            while len(data) % max(self._divisor, 1) != self._remainder % max(self._divisor, 1):
                data.append(0)
            places.append((len(data), len(frame)))
            data += frame
        data += bytes(-len(data) % max(self._alignment, 4))
        table = len(data)
        entries = b"".join(struct.pack("<HH", *place) for place in [*places, (0, 0)])
        data += struct.pack("<IHH", NDP16, 8 + len(entries), 0) + entries
        if len(data) > self.block_out:
            raise UsageError(f"a block of {len(data)} bytes, the device takes {self.block_out}")
        data[:12] = struct.pack("<IHHHH", NTH16, 12, self._sequence, len(data), table)
        self._sequence = self._sequence + 1 & 0xFFFF
        return bytes(data)


def frames_of(block: bytes) -> list[bytes]:
    """Cut a transfer block into its frames (NCM, 3.2 and 3.3). Raises UsbError for a block that is none."""
    if len(block) < 12:
        raise UsbError(f"NCM: a block of {len(block)} bytes, its header has 12")
    signature, length, _, total, table = struct.unpack_from("<IHHHH", block)
    if signature != NTH16 or length != 12 or total > len(block):
        raise UsbError(f"NCM: the block's header is {block[:12].hex(' ')}, {len(block)} bytes came")
    frames = []
    while table:
        if table + 16 > len(block):
            raise UsbError(f"NCM: a table of frames at {table} of {len(block)} bytes")
        signature, size, following = struct.unpack_from("<IHH", block, table)
        if signature not in (NDP16, NDP16_CRC) or size < 16 or table + size > len(block):
            raise UsbError(f"NCM: the table of frames at {table} begins {block[table : table + 8].hex(' ')}")
        for at in range(table + 8, table + size - 3, 4):
            begin, count = struct.unpack_from("<HH", block, at)
            if not begin or not count:
                break
            if begin + count > len(block):
                raise UsbError(f"NCM: a frame of {count} bytes at {begin} of {len(block)}")
            frames.append(block[begin : begin + count - (4 if signature == NDP16_CRC else 0)])
        table = following
    return frames


def ethernets(device: ConfiguredDevice) -> list[Ethernet]:
    """Return all ECM and NCM functions of a device. Raises UsageError when there is none."""
    found = [
        Ethernet(device, each)
        for subclass in (ECM_SUBCLASS, NCM_SUBCLASS)
        for each in interfaces(device, COMMUNICATIONS_CLASS, subclass)
    ]
    if not found:
        raise none_of("ECM or NCM interface")
    return found
