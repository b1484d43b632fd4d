from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renode_pico.trace.packets import crc5, crc16, data_packet, sof_packet, token_packet, transaction_packets
from renode_pico.usb.observe import TransactionRecord
from renode_pico.usb.wire import Fault, Pid


def residual(bits: list[int], width: int, polynomial: int) -> int:
    """The receiver's shift register after the bits and their checksum (USB 2.0, 8.3.5), high bit first."""
    register = (1 << width) - 1
    for bit in bits:
        feedback = (register >> (width - 1)) ^ bit
        register = (register << 1) & ((1 << width) - 1)
        if feedback:
            register ^= polynomial
    return register


def bits_of(value: int, count: int) -> list[int]:
    return [value >> position & 1 for position in range(count)]


@given(st.integers(0, 0x7FF))
def test_a_token_leaves_the_standards_residual(value: int) -> None:
    assert residual(bits_of(value, 11) + bits_of(crc5(value), 5), 5, 0b00101) == 0b01100


@given(st.binary(max_size=80))
def test_a_data_packet_leaves_the_standards_residual(data: bytes) -> None:
    bits = [bit for byte in data + crc16(data).to_bytes(2, "little") for bit in bits_of(byte, 8)]
    assert residual(bits, 16, 0x8005) == 0x800D


def test_a_token_carries_address_and_endpoint() -> None:
    packet = token_packet(Pid.IN, 0x15, 0xE)
    assert packet[0] == 0x69
    assert int.from_bytes(packet[1:], "little") & 0x7FF == 0x15 | 0xE << 7


def test_a_start_of_frame_carries_its_number() -> None:
    packet = sof_packet(0x7A5)
    assert packet[0] == 0xA5
    assert int.from_bytes(packet[1:], "little") & 0x7FF == 0x7A5


def transaction(handshake: Pid | None, fault: Fault | None = None) -> list[bytes]:
    record = TransactionRecord(1000, 20_000, 1, Pid.OUT, 1, 2, Pid.DATA1, b"abc", handshake, fault)
    packets = list(transaction_packets(record))
    times = [time_ns for time_ns, _ in packets]
    assert times == sorted(times)
    assert times[0] == 1000
    assert times[-1] < 21_000
    return [packet for _, packet in packets]


def test_an_acknowledged_transaction_has_three_packets() -> None:
    assert transaction(Pid.ACK) == [token_packet(Pid.OUT, 1, 2), data_packet(Pid.DATA1, b"abc"), b"\xd2"]


@pytest.mark.parametrize("fault", [Fault.CRC, Fault.BIT_STUFF])
def test_a_spoiled_packet_has_a_wrong_checksum(fault: Fault) -> None:
    _, data = transaction(None, fault)
    assert data[1:-2] == b"abc"
    assert data[-2:] != data_packet(Pid.DATA1, b"abc")[-2:]


def test_a_lost_packet_is_not_there() -> None:
    assert transaction(None, Fault.LOST_DATA) == [token_packet(Pid.OUT, 1, 2)]
