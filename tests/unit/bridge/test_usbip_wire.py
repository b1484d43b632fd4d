from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renode_pico.bridge.usbip_wire import (
    MAX_LENGTH,
    DeviceRecord,
    DevlistRequest,
    ImportRequest,
    IsochronousPacket,
    Message,
    Parser,
    ProtocolError,
    Submit,
    Unlink,
    pack_devlist,
    pack_import,
    pack_return,
    pack_unlinked,
)

SUBMIT = struct.Struct(">IIIII IIIIi8s")


def submit(
    seqnum: int = 1, direction: int = 1, endpoint: int = 2, length: int = 64, packets: int = 0, data: bytes = b""
) -> bytes:
    return SUBMIT.pack(1, seqnum, 0x10001, direction, endpoint, 0, length, 0, packets, 0, bytes(8)) + data


def messages(parser: Parser) -> list[Message]:
    found = []
    while (message := parser.next()) is not None:
        found.append(message)
    return found


@given(st.lists(st.integers(1, 40), max_size=30))
def test_messages_may_come_in_any_portions(cuts: list[int]) -> None:
    stream = submit(1) + submit(2, direction=0, length=5, data=b"hello") + struct.pack(">IIIIII24x", 2, 3, 1, 0, 0, 1)
    parser = Parser()
    parser.imported = True
    found = []
    for cut in cuts:
        parser.feed(stream[:cut])
        stream = stream[cut:]
        found += messages(parser)
    parser.feed(stream)
    found += messages(parser)
    assert [type(message) for message in found] == [Submit, Submit, Unlink]
    assert isinstance(found[1], Submit)
    assert found[1].data == b"hello"
    assert found[2] == Unlink(seqnum=3, target=1)


def test_operations() -> None:
    parser = Parser()
    parser.feed(
        struct.pack(">HHI", 0x0111, 0x8003, 0) + b"1-1".ljust(32, b"\0") + struct.pack(">HHI", 0x0111, 0x8005, 0)
    )
    assert messages(parser) == [ImportRequest("1-1"), DevlistRequest()]


@pytest.mark.parametrize("packets", [0, 0xFFFFFFFF])
def test_both_ways_to_say_that_nothing_is_isochronous(packets: int) -> None:
    parser = Parser()
    parser.imported = True
    parser.feed(submit(packets=packets))
    (message,) = messages(parser)
    assert isinstance(message, Submit)
    assert message.packets == ()
    assert message.endpoint_address == 0x82


def test_isochronous_packets_follow_the_data() -> None:
    parser = Parser()
    parser.imported = True
    parser.feed(submit(direction=0, length=3, packets=2, data=b"abc"))
    assert messages(parser) == []
    parser.feed(struct.pack(">IIIi", 0, 2, 0, 0) + struct.pack(">IIIi", 2, 1, 0, 0))
    (message,) = messages(parser)
    assert isinstance(message, Submit)
    assert message.packets == (IsochronousPacket(0, 2), IsochronousPacket(2, 1))
    assert message.data == b"abc"


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">II40x", 9, 1),
        submit(direction=2),
        submit(endpoint=16),
        submit(length=MAX_LENGTH + 1),
        submit(packets=1025),
    ],
)
def test_nonsense_after_the_import_is_refused(data: bytes) -> None:
    parser = Parser()
    parser.imported = True
    parser.feed(data)
    with pytest.raises(ProtocolError):
        parser.next()


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", struct.pack(">HHI", 0x0111, 0x1234, 0)])
def test_nonsense_before_the_import_is_refused(data: bytes) -> None:
    parser = Parser()
    parser.feed(data)
    with pytest.raises(ProtocolError):
        parser.next()


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_messages_or_an_error(data: bytes, imported: bool) -> None:
    parser = Parser()
    parser.imported = imported
    parser.feed(data)
    with suppress(ProtocolError):
        messages(parser)


RECORD = DeviceRecord("/sys/x", "1-1", 1, 2, 0x2E8A, 5, 0x100, 0xEF, 2, 1, 1, 1, ((2, 2, 0), (10, 0, 0)))


def test_the_answers_have_the_sizes_of_the_protocol() -> None:
    assert len(pack_devlist([])) == 12
    assert len(pack_devlist([RECORD])) == 12 + 312 + 2 * 4
    assert len(pack_import(0, RECORD)) == 8 + 312
    assert len(pack_import(4)) == 8
    assert len(pack_return(1, -32, 0)) == 48
    assert len(pack_return(1, 0, 3, b"abc", (IsochronousPacket(0, 3, 3),))) == 48 + 3 + 16
    assert len(pack_unlinked(1, -104)) == 48


def test_the_device_is_full_speed() -> None:
    (speed,) = struct.unpack_from(">I", pack_import(0, RECORD), 8 + 256 + 32 + 8)
    assert speed == 2
