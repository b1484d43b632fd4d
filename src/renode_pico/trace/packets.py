"""The packets of a transaction as they are on the cable, PID and CRC included (USB 2.0, 8.2 to 8.4)."""

from __future__ import annotations

from collections.abc import Callable

import fastcrc

from renode_pico.usb.observe import TransactionRecord
from renode_pico.usb.timing import BYTE_TIMES_NS
from renode_pico.usb.wire import Fault, Pid

CRC5_POLYNOMIAL = 0b10100
"""x^5 + x^2 + 1 (8.3.5.1), the first bit sent at the right."""

TOKEN_TO_DATA_NS = BYTE_TIMES_NS[4]
HANDSHAKE_NS = BYTE_TIMES_NS[3]
"""How long before the end of its transaction a handshake begins: the packet and the gap after it."""


def crc5(value: int) -> int:
    """Checksum of a token's 11 bits of address and endpoint, or frame number."""
    remainder = 0x1F
    for position in range(11):
        low = (remainder ^ (value >> position)) & 1
        remainder = (remainder >> 1) ^ (CRC5_POLYNOMIAL if low else 0)
    return remainder ^ 0x1F


_PID_BYTES = tuple(bytes([pid | (~pid & 0xF) << 4]) for pid in range(16))
_TOKEN_FIELDS = tuple((value | crc5(value) << 11).to_bytes(2, "little") for value in range(1 << 11))

crc16: Callable[[bytes], int] = fastcrc.crc16.usb
"""Checksum of a data packet's data: x^16 + x^15 + x^2 + 1 (8.3.5.2)."""


def token_packet(pid: Pid, address: int, endpoint: int) -> bytes:
    """SETUP, OUT or IN (8.4.1)."""
    return _PID_BYTES[pid] + _TOKEN_FIELDS[address & 0x7F | (endpoint & 0xF) << 7]


def sof_packet(frame: int) -> bytes:
    """Start of frame with its 11-bit number (8.4.3)."""
    return _PID_BYTES[Pid.SOF] + _TOKEN_FIELDS[frame & 0x7FF]


def data_packet(pid: Pid, data: bytes, *, spoiled: bool = False) -> bytes:
    """DATA0 or DATA1 (8.4.4); a spoiled one carries the complement of its checksum."""
    checksum = crc16(data) ^ (0xFFFF if spoiled else 0)
    return _PID_BYTES[pid] + data + checksum.to_bytes(2, "little")


def handshake_packet(pid: Pid) -> bytes:
    """ACK, NAK or STALL (8.4.5)."""
    return _PID_BYTES[pid]


def _wrong_check_bits(packet: bytes) -> bytes:
    return bytes([packet[0] ^ 0x80]) + packet[1:]


def _spoiled_token(packet: bytes, fault: Fault) -> bytes:
    if fault is Fault.TOKEN_CRC:
        return packet[:2] + bytes([packet[2] ^ 0xF8])
    if fault is Fault.TOKEN_PID:
        return _wrong_check_bits(packet)
    return _PID_BYTES[0] + packet[1:] if fault is Fault.UNKNOWN_PID else packet


def transaction_packets(record: TransactionRecord) -> list[tuple[int, bytes]]:
    """Return the packets of a transaction with the emulated nanosecond at which each begins."""
    time_ns, duration_ns, _, token, address, endpoint, data_pid, data, handshake, fault, _ = record
    packet = token_packet(token, address, endpoint)
    packets = [(time_ns, packet if fault is None else _spoiled_token(packet, fault))]
    if data_pid is not None and fault is not Fault.LOST_DATA:
        spoiled = fault is Fault.CRC or fault is Fault.BIT_STUFF
        packet = data_packet(data_pid, data, spoiled=spoiled)
        if fault is Fault.DATA_PID:
            packet = _wrong_check_bits(packet)
        packets.append((time_ns + TOKEN_TO_DATA_NS, packet))
    if handshake is not None:
        packets.append((time_ns + duration_ns - HANDSHAKE_NS, handshake_packet(handshake)))
    return packets
