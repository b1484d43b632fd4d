"""CDC-ACM ports (PSTN 1.2)."""

from __future__ import annotations

import pytest

from renode_pico.clock import NS_PER_MS
from renode_pico.errors import Disconnected, Stall, Timeout, UsageError
from renode_pico.usb.cdc import CdcPort, LineCoding, cdc_functions, cdc_ports
from renode_pico.usb.descriptors import parse_configuration
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.transfer import Setup
from tests.unit.usb.conftest import Bench
from tests.unit.usb.fake_device import CDC_CONFIGURATION


@pytest.fixture
def port(bench: Bench) -> CdcPort:
    for address in (0x02, 0x81, 0x82):
        bench.device.add(address)
    return cdc_ports(enumerate_device(bench.host))[0]


def set_lines(value: int) -> Setup:
    return Setup(0x21, 0x22, value, 0, 0)


def test_should_find_the_interfaces_by_the_union_descriptor(port: CdcPort) -> None:
    function = port.function
    assert (function.control_interface, function.data_interface) == (0, 1)
    assert (function.bulk_in.bEndpointAddress, function.bulk_out.bEndpointAddress) == (0x82, 0x02)
    assert function.notification is not None


def test_should_find_two_ports_and_keep_them_apart() -> None:
    one = CDC_CONFIGURATION[9:]
    two = bytearray(one)
    for at, value in ((2, 2), (10, 2), (26, 3), (34, 2), (35, 3), (38, 0x83), (45, 3), (54, 0x04), (61, 0x84)):
        two[at] = value
    head = bytearray(CDC_CONFIGURATION[:9])
    head[2], head[4] = 9 + 2 * len(one), 4
    functions = cdc_functions(parse_configuration(bytes(head) + one + bytes(two)))
    assert [(each.control_interface, each.data_interface) for each in functions] == [(0, 1), (2, 3)]
    assert [each.bulk_in.bEndpointAddress for each in functions] == [0x82, 0x84]


def test_should_find_a_port_without_union_or_association() -> None:
    bare = bytes.fromhex(
        "0902 3000 02 01 00 80 7d"
        "0904 00 00 01 02 02 00 00"
        "0705 81 03 0800 10"
        "0904 01 00 02 0a 00 00 00"
        "0705 02 02 4000 00"
        "0705 82 02 4000 00"
    )
    assert [each.data_interface for each in cdc_functions(parse_configuration(bare))] == [1]


def test_should_refuse_a_port_that_does_not_exist(port: CdcPort) -> None:
    with pytest.raises(UsageError, match="1 CDC-ACM ports"):
        CdcPort(port.device, 1)


def test_should_raise_and_drop_the_control_lines(bench: Bench, port: CdcPort) -> None:
    port.open()
    assert bench.device.requests[-1] == set_lines(3)
    port.open()
    port.close()
    assert bench.device.requests[-1] == set_lines(0)
    port.open(dtr=True, rts=False)
    assert bench.device.requests[-1] == set_lines(1)
    assert [setup.bRequest for setup in bench.device.requests].count(0x22) == 3


def test_should_read_what_comes_in(bench: Bench, port: CdcPort) -> None:
    port.open()
    assert port.read_available() == b""
    bench.later(5 * NS_PER_MS, lambda: bench.device.send(0x82, b"hello", b" world"))
    assert port.read() == b"hello"
    assert port.read() == b" world"
    with pytest.raises(Timeout, match=r"endpoint 0x82.*within 0\.1 emulated"):
        port.read(0.1)


def test_should_see_a_full_packet_when_it_comes(bench: Bench, port: CdcPort) -> None:
    port.open()
    bench.device.send(0x82, b"x" * 64)
    assert port.read(0.001) == b"x" * 64


def test_should_read_up_to_a_marker_and_keep_the_rest(bench: Bench, port: CdcPort) -> None:
    port.open()
    bench.device.send(0x82, b"one\r", b"\ntwo\r\nthree")
    assert port.read_until(b"\r\n") == b"one\r\n"
    assert port.read_until(b"\r\n") == b"two\r\n"
    with pytest.raises(Timeout, match="three"):
        port.read_until(b"\r\n", timeout=0.01)
    assert port.read_available() == b"three"


def test_should_write_without_an_empty_packet(bench: Bench, port: CdcPort) -> None:
    port.open()
    assert port.write(bytes(128)) == 128
    assert port.write(b"") == 0
    assert bench.device.endpoints[0x02].taken == [bytes(64), bytes(64)]


def test_should_let_output_flow_while_it_writes(bench: Bench, port: CdcPort) -> None:
    sink = bench.device.endpoints[0x02]
    sink.room = 0
    port.open()
    bench.device.send(0x82, *[bytes([n]) for n in range(100)])
    bench.later(50 * NS_PER_MS, lambda: bench.device.make_room(0x02, None))
    port.write(b"x")
    assert port.read_available() == bytes(range(100))


def test_should_hold_the_device_back_when_nobody_reads(bench: Bench, port: CdcPort) -> None:
    port = CdcPort(port.device, 0, backlog=256)
    port.open()
    source = bench.device.endpoints[0x82]
    bench.device.send(0x82, *[bytes([n]) * 64 for n in range(10)])
    bench.host.run(0.1)
    assert len(source.packets) == 6
    assert len(port.read_available()) == 256
    bench.host.run(0.1)
    assert len(source.packets) == 2


def test_should_set_and_get_the_line_coding(bench: Bench, port: CdcPort) -> None:
    port.set_line_coding(LineCoding(9600, 2, 1, 7))
    assert bench.device.out_data[-1] == bytes.fromhex("80 25 00 00 02 01 07")
    bench.device.on_request = lambda setup, data: (
        bytes.fromhex("00 c2 01 00 00 00 08") if setup.bRequest == 0x21 else NotImplemented
    )
    assert port.get_line_coding() == LineCoding(115200)


def test_should_send_a_break(bench: Bench, port: CdcPort) -> None:
    port.send_break(500)
    assert bench.device.requests[-1] == Setup(0x21, 0x23, 500, 0, 0)


def test_should_take_serial_state_notifications(bench: Bench, port: CdcPort) -> None:
    port.open()
    for state in (3, 2):
        bench.device.send(0x81, bytes.fromhex("a1 20 00 00 00 00 02 00"), bytes([state, 0]))
        bench.host.run(0.1)
        assert port.serial_state == state


def test_should_deliver_the_rest_and_then_say_that_the_device_has_left(bench: Bench, port: CdcPort) -> None:
    port.open()
    bench.device.send(0x82, b"last words")
    bench.host.run(0.01)
    bench.device.pull_up(False)
    bench.host.run(0.01)
    assert port.read() == b"last words"
    with pytest.raises(Disconnected):
        port.read()
    with pytest.raises(Disconnected):
        port.write(b"x")
    port.close()


def test_should_raise_when_the_device_leaves_during_a_read(bench: Bench, port: CdcPort) -> None:
    port.open()
    bench.later(5 * NS_PER_MS, lambda: bench.device.pull_up(False))
    with pytest.raises(Disconnected):
        port.read()


def test_should_raise_when_the_bus_is_reset_under_it(bench: Bench, port: CdcPort) -> None:
    port.open()
    bench.host.reset()
    with pytest.raises(Disconnected):
        port.read()


def test_should_raise_a_stall_of_its_endpoint(bench: Bench, port: CdcPort) -> None:
    bench.device.endpoints[0x82].halted = True
    port.open()
    with pytest.raises(Stall):
        port.read()


def test_should_not_read_while_closed(bench: Bench, port: CdcPort) -> None:
    bench.device.send(0x82, b"x")
    bench.host.run(0.01)
    assert len(bench.device.endpoints[0x82].packets) == 1
    with pytest.raises(UsageError, match="not open"):
        port.read()


def test_should_keep_what_was_received_before_it_was_closed(bench: Bench, port: CdcPort) -> None:
    port.open()
    bench.device.send(0x82, b"x")
    bench.host.run(0.01)
    port.close()
    bench.device.send(0x82, b"y")
    bench.host.run(0.01)
    assert port.read_available() == b"x"
    port.open()
    assert port.read() == b"y"
