"""The server against clients that do what no good client does, and those that do."""

from __future__ import annotations

import errno
import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renode_pico.bridge import channel as channel_module
from renode_pico.bridge import usbip
from renode_pico.bridge.usbip import UsbipServer
from renode_pico.bridge.usbip_urbs import MAX_REQUESTS
from renode_pico.usb.transfer import Setup
from tests.unit.bridge.conftest import Table

SUBMIT = struct.Struct(">IIIII IIIIi8s")
RETURN = struct.Struct(">IIIII iIIII8x")
GET_DEVICE = Setup(0x80, 6, 0x0100, 0, 18)


class Client:
    """The least that speaks the protocol, with all of its fields within reach."""

    def __init__(self, table: Table, server: UsbipServer) -> None:
        self.table = table
        self.sock = table.connect(server.port)
        self.seqnum = 0

    def ask(self, code: int, more: bytes = b"") -> None:
        self.sock.sendall(struct.pack(">HHI", 0x0111, code, 0) + more)

    def count(self) -> int:
        """How many devices there are."""
        self.ask(0x8005)
        head = self.table.receive(self.sock, 12)
        return int(struct.unpack(">HHII", head)[3])

    def import_(self, busid: bytes = b"1-1") -> int:
        """The status of an import."""
        self.ask(0x8003, busid.ljust(32, b"\0"))
        version, code, status = struct.unpack(">HHI", self.table.receive(self.sock, 8))
        assert (version, code) == (0x0111, 0x0003)
        if status == 0:
            self.table.receive(self.sock, 312)
        return int(status)

    def submit(
        self,
        endpoint_address: int,
        length: int = 0,
        data: bytes = b"",
        setup: Setup | None = None,
        flags: int = 0,
        packets: list[tuple[int, int]] | None = None,
    ) -> int:
        self.seqnum += 1
        is_in = setup.is_in if setup is not None else bool(endpoint_address & 0x80)
        head = SUBMIT.pack(
            1,
            self.seqnum,
            0x10001,
            is_in,
            endpoint_address & 15,
            flags,
            length if is_in else len(data),
            0,
            len(packets) if packets else 0xFFFFFFFF,
            0,
            setup.pack() if setup is not None else bytes(8),
        )
        tail = b"".join(struct.pack(">IIIi", offset, size, 0, 0) for offset, size in packets or ())
        self.sock.sendall(head + data + tail)
        return self.seqnum

    def unlink(self, target: int) -> int:
        self.seqnum += 1
        self.sock.sendall(struct.pack(">IIIIII24x", 2, self.seqnum, 0x10001, 0, 0, target))
        return self.seqnum

    def answer(self, is_in: bool = False) -> tuple[int, int, int, int, bytes]:
        """Command, seqnum, status, actual length, data of the next answer."""
        command, seqnum, _, _, _, status, actual, _, _, _ = RETURN.unpack(self.table.receive(self.sock, 48))
        return command, seqnum, status, actual, self.table.receive(self.sock, actual) if is_in and actual else b""

    def control(self, setup: Setup, data: bytes = b"") -> tuple[int, bytes]:
        seqnum = self.submit(0, setup.wLength, data, setup)
        command, answered, status, _, got = self.answer(setup.is_in)
        assert (command, answered) == (3, seqnum)
        return status, got

    def ended(self) -> bool:
        """The server has ended the connection, with nothing left to read."""
        return self.table.receive(self.sock, 1) == b""


@pytest.fixture
def client(table: Table, server: UsbipServer) -> Client:
    """A client that has imported the device."""
    client = Client(table, server)
    assert client.import_() == 0
    return client


def test_lists_the_device_also_while_it_is_imported(table: Table, server: UsbipServer, client: Client) -> None:
    assert Client(table, server).count() == 1


def test_an_unknown_device_cannot_be_imported(table: Table, server: UsbipServer) -> None:
    other = Client(table, server)
    assert other.import_(b"3-7") == 4
    assert other.ended()


def test_two_clients_share_the_device(table: Table, server: UsbipServer, client: Client) -> None:
    other = Client(table, server)
    assert other.import_() == 0
    assert other.control(GET_DEVICE)[0] == 0
    assert client.control(GET_DEVICE)[0] == 0


def test_an_exclusive_device_is_busy_until_it_is_free(table: Table, server: UsbipServer, client: Client) -> None:
    server.exclusive = True
    assert Client(table, server).import_() == 2
    client.sock.close()
    table.until(lambda: not server.importers)
    assert Client(table, server).import_() == 0


def test_a_control_read(table: Table, client: Client) -> None:
    status, data = client.control(GET_DEVICE)
    assert (status, data) == (0, table.device.descriptors[1, 0])


def test_a_stall_is_epipe(client: Client) -> None:
    assert client.control(Setup(0xC0, 0x55, 0, 0, 8)) == (-errno.EPIPE, b"")


def test_bulk_out_with_a_zero_length_packet(table: Table, client: Client) -> None:
    client.submit(0x02, data=bytes(128), flags=0x40)
    assert client.answer()[2:4] == (0, 128)
    assert [len(packet) for packet in table.device.endpoints[0x02].taken] == [64, 64, 0]


def test_a_short_packet_ends_a_read(table: Table, client: Client) -> None:
    client.submit(0x82, length=512)
    table.device.send(0x82, b"x" * 64, b"short")
    assert client.answer(is_in=True)[2:] == (0, 69, b"x" * 64 + b"short")


def test_a_short_packet_is_an_error_for_who_says_so(table: Table, client: Client) -> None:
    client.submit(0x82, length=512, flags=1)
    table.device.send(0x82, b"short")
    assert client.answer(is_in=True)[2:] == (-errno.EREMOTEIO, 5, b"short")


def test_an_idle_endpoint_holds_nobody_up(table: Table, client: Client) -> None:
    first = client.submit(0x82, length=64)
    assert client.control(GET_DEVICE)[0] == 0
    table.device.send(0x82, b"late")
    assert client.answer(is_in=True)[1:] == (first, 0, 4, b"late")


def test_unlink_of_a_pending_request_is_its_only_answer(table: Table, client: Client) -> None:
    target = client.submit(0x82, length=64)
    table.turn()
    seqnum = client.unlink(target)
    assert client.answer()[:3] == (4, seqnum, -errno.ECONNRESET)
    table.device.send(0x82, b"for somebody else")
    assert client.control(GET_DEVICE)[0] == 0


def test_unlink_of_what_is_over_says_so(table: Table, client: Client) -> None:
    target = client.submit(0, 18, setup=GET_DEVICE)
    assert client.answer(is_in=True)[1] == target
    seqnum = client.unlink(target)
    assert client.answer()[:3] == (4, seqnum, 0)


def test_isochronous_packets_each_have_their_own_length(table: Table, client: Client) -> None:
    client.submit(0x03, data=b"aabbb", packets=[(0, 2), (2, 3)])
    assert client.answer()[2:4] == (0, 5)
    assert table.receive(client.sock, 32) == struct.pack(">IIIi", 0, 2, 2, 0) + struct.pack(">IIIi", 2, 3, 3, 0)
    assert table.device.endpoints[0x03].taken == [b"aa", b"bbb"]


def test_isochronous_reads_are_packed_without_gaps(table: Table, client: Client) -> None:
    table.device.send(0x83, b"one", b"three")
    client.submit(0x83, length=128, packets=[(0, 64), (64, 64)])
    assert client.answer(is_in=True)[2:] == (0, 8, b"onethree")
    assert table.receive(client.sock, 32) == struct.pack(">IIIi", 0, 64, 3, 0) + struct.pack(">IIIi", 64, 64, 5, 0)


def test_an_endpoint_that_is_not_there(client: Client) -> None:
    client.submit(0x8A, length=64)
    assert client.answer()[2] == -errno.ENOENT


def test_a_control_length_that_lies(client: Client) -> None:
    client.submit(0, length=8, setup=Setup(0x80, 6, 0x0100, 0, 64))
    assert client.answer()[2] == -errno.EINVAL


def test_clear_halt_resets_the_hosts_toggle_too(table: Table, client: Client) -> None:
    client.submit(0x02, data=b"odd")
    assert client.answer()[2] == 0
    assert client.control(Setup(0x02, 3, 0, 0x02))[0] == 0
    client.submit(0x02, data=b"halted")
    assert client.answer()[2] == -errno.EPIPE
    assert client.control(Setup(0x02, 1, 0, 0x02))[0] == 0
    client.submit(0x02, data=b"again")
    assert client.answer()[2:4] == (0, 5)
    assert table.device.endpoints[0x02].taken == [b"odd", b"again"]


def test_a_client_may_ask_for_a_bus_reset(table: Table, client: Client) -> None:
    before = len(table.device.logged("reset begin"))
    status, _ = client.control(Setup(0x23, 3, 4, 1))
    assert status == 0
    assert len(table.device.logged("reset begin")) > before
    assert client.control(GET_DEVICE)[0] == 0


def test_a_device_that_leaves_ends_its_imports_and_comes_back(
    table: Table, server: UsbipServer, client: Client
) -> None:
    seqnum = client.submit(0x82, length=64)
    table.turn()
    table.device.pull_up(False)
    assert client.answer()[1:3] == (seqnum, -errno.ESHUTDOWN)
    assert client.ended()
    assert Client(table, server).count() == 0
    table.device.pull_up(True)
    table.found()
    again = Client(table, server)
    assert again.import_() == 0
    assert again.control(GET_DEVICE)[0] == 0


def test_what_a_vanished_client_had_asked_for_is_cancelled(table: Table, server: UsbipServer, client: Client) -> None:
    client.submit(0x82, length=64)
    table.turn()
    client.sock.close()
    table.until(lambda: not server.clients)
    other = Client(table, server)
    other.import_()
    other.submit(0x82, length=64)
    table.device.send(0x82, b"for the living")
    assert other.answer(is_in=True)[4] == b"for the living"


def test_a_reset_connection_harms_nobody(table: Table, server: UsbipServer, client: Client) -> None:
    client.submit(0x82, length=64)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    table.until(lambda: not server.clients)
    assert Client(table, server).count() == 1


def test_nonsense_ends_only_its_own_connection(table: Table, server: UsbipServer, client: Client) -> None:
    other = Client(table, server)
    other.sock.sendall(b"\xff" * 1000)
    assert other.ended()
    third = Client(table, server)
    third.import_()
    third.sock.sendall(b"\xff" * 100)
    assert third.ended()
    assert client.control(GET_DEVICE)[0] == 0


def test_a_flood_is_answered_enomem(table: Table, server: UsbipServer, client: Client) -> None:
    flooding = Client(table, server)
    flooding.import_()
    for _ in range(MAX_REQUESTS + 1):
        flooding.submit(0x82, length=64)
        if flooding.seqnum % 100 == 0:
            table.turn(2)
    assert flooding.answer()[1:3] == (MAX_REQUESTS + 1, -errno.ENOMEM)
    assert client.control(GET_DEVICE)[0] == 0
    flooding.sock.close()
    table.until(lambda: len(server.clients) == 1)
    client.submit(0x82, length=64)
    table.device.send(0x82, b"free again")
    assert client.answer(is_in=True)[4] == b"free again"


def test_a_client_that_never_reads_is_not_read_from(table: Table, server: UsbipServer, client: Client) -> None:
    deaf = Client(table, server)
    deaf.import_()
    deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = SUBMIT.pack(1, 1, 0x10001, 1, 0, 0, 18, 0, 0xFFFFFFFF, 0, GET_DEVICE.pack())
    sent = 0
    channel = next(each for each in server.clients if each.imported and each.channel.backlog == 0).channel
    for _ in range(3000):
        try:
            sent += deaf.sock.send(request * 200)
        except BlockingIOError:
            if channel.backlog:
                break
        table.turn(1)
    assert max(each.channel.backlog for each in server.clients) < channel_module.BACKLOG + (1 << 16)
    assert client.control(GET_DEVICE)[0] == 0


def test_a_slow_client_is_understood(table: Table, server: UsbipServer) -> None:
    slow = table.connect(server.port)
    for byte in struct.pack(">HHI", 0x0111, 0x8005, 0):
        slow.sendall(bytes([byte]))
        table.turn(2)
    assert struct.unpack(">HHII", table.receive(slow, 12))[3] == 1


def test_a_client_that_says_nothing_is_sent_away(
    table: Table, server: UsbipServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usbip, "ASK_TIMEOUT", 0.0)
    assert Client(table, server).ended()


def test_there_is_an_end_to_the_number_of_clients(
    table: Table, server: UsbipServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usbip, "MAX_CLIENTS", 2)
    clients = [Client(table, server) for _ in range(3)]
    assert clients[2].ended()
    assert clients[0].count() == 1


def test_closing_the_server_ends_everything(table: Table, client: Client) -> None:
    server = UsbipServer(table.loop, table.exported)
    client = Client(table, server)
    client.import_()
    server.close()
    assert client.ended()
    with pytest.raises(ConnectionRefusedError):
        table.connect(server.port)


HEADERS = st.lists(
    st.one_of(
        st.builds(
            SUBMIT.pack,
            st.just(1),
            st.integers(0, 5),
            st.just(0x10001),
            st.integers(0, 1),
            st.integers(0, 15),
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 300),
            st.just(0),
            st.sampled_from([0, 1, 2, 0xFFFFFFFF]),
            st.just(0),
            st.binary(min_size=8, max_size=8),
        ),
        st.builds(struct.Struct(">IIIIII24x").pack, st.just(2), *[st.integers(0, 5)] * 5),
        st.binary(max_size=64),
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADERS)
def test_whatever_a_client_sends_the_others_go_on(
    table: Table, server: UsbipServer, client: Client, headers: list[bytes]
) -> None:
    wild = Client(table, server)
    assert wild.import_() == 0
    for header in headers:
        try:
            wild.sock.sendall(header)
        except OSError:
            break
        table.turn(2)
    wild.sock.close()
    table.until(lambda: len(server.clients) == 1)
    table.found()
    assert client.control(GET_DEVICE)[0] == 0
