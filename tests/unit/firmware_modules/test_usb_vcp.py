"""pyb.USB_VCP's logic without a board: descriptors, streams, and everything a host may do in any order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renode_pico.usb.descriptors import parse_configuration
from tests.unit.firmware_modules.board import CDC, NONE, Board, Driver, RingIO

BUFFER = 1024


def connected(mode: str = "VCP") -> Board:
    board = Board()
    board.usb_mode(mode)
    board.configure()
    for number in range(len(board.interfaces())):
        board.open(number)
    return board


@pytest.mark.parametrize(
    ("driver", "count", "interfaces", "endpoints"),
    [
        (CDC, 1, [2, 3], [3, 4]),
        (CDC, 6, list(range(2, 14)), list(range(3, 15))),
        (NONE, 7, list(range(14)), list(range(1, 15))),
    ],
)
def test_descriptors(driver: Driver, count: int, interfaces: list[int], endpoints: list[int]) -> None:
    board = Board(NONE if driver is NONE else CDC)
    board.usb_mode(f"{count}xVCP" if count > 1 else "VCP")
    descriptor = board.usb.desc_cfg
    built_in = len(driver.desc_cfg)
    assert int.from_bytes(descriptor[2:4], "little") == len(descriptor) == (built_in or 9) + 66 * count
    assert descriptor[4] == driver.itf_max + 2 * count
    alone = parse_configuration(
        b"\x09\x02"
        + (9 + 66 * count).to_bytes(2, "little")
        + bytes((2 * count,))
        + descriptor[5:9]
        + descriptor[-66 * count :]
    )
    assert [each.bInterfaceNumber for each in alone.interfaces] == interfaces
    assert sorted({each.number for itf in alone.interfaces for each in itf.endpoints}) == endpoints
    names = [board.usb.strings[itf.iInterface] for itf in alone.interfaces if itf.bInterfaceClass == 2]
    assert names == [f"USB_VCP({number})" for number in range(count)]
    assert min(board.usb.strings) > 3  # strings 1 to 3 are the device's own


def test_more_ports_than_endpoints_are_refused() -> None:
    for driver, most in ((CDC, 6), (NONE, 7)):
        board = Board(driver)
        with pytest.raises(ValueError, match="too many"):
            board.usb_mode(f"{most + 1}xVCP")
        board.usb_mode(f"{most}xVCP")


@pytest.mark.parametrize("mode", ["", "vcp", "MSC", "VCP+MSC", "0xVCP", "-1xVCP", "xVCP", "2xVCPx", "2xVCP+VCP"])
def test_modes_that_do_not_exist(mode: str) -> None:
    with pytest.raises(ValueError, match="bad USB mode"):
        Board().usb_mode(mode)


def test_vid_and_pid() -> None:
    board = Board()
    board.usb_mode("VCP", vid=0x1234, pid=0x5678)
    assert board.usb.desc_dev[8:12] == bytes.fromhex("3412 7856")


def test_requests_to_others_are_stalled() -> None:
    board = connected("2xVCP")
    assert board.request(0xA1, 0x21, 0, 2, 7) == bytes.fromhex("00c20100000008")
    for index in (0, 1, 3, 5, 6, 0x102):
        assert board.request(0xA1, 0x21, 0, index, 7) is False
    assert board.request(0x21, 0x20, 0, 2, 6) is False
    assert board.request(0xC1, 0x21, 0, 2, 7) is False


def test_a_request_that_is_given_up_changes_nothing() -> None:
    board = connected()
    board.usb.callbacks[2](1, bytes.fromhex("21200000020007 00".replace(" ", "")))[:] = b"\xff" * 7
    assert board.request(0xA1, 0x21, 0, 2, 7) == bytes.fromhex("00c20100000008")


@pytest.mark.parametrize("hit", range(8))
def test_a_callback_that_a_keyboard_interrupt_ends_is_finished_and_the_interrupt_kept(hit: int) -> None:
    """On the board it comes at any branch; here, when a ring is asked what it holds for the `hit`th time."""
    board = connected()
    port = board.port()
    port.init(flow=port.RTS | port.CTS)
    countdown = [hit]

    def interrupting(ring: RingIO) -> Callable[[], int]:
        def any_() -> int:
            countdown[0] -= 1
            if countdown[0] == -1:
                raise KeyboardInterrupt
            return len(ring.data)

        return any_

    for ring in (port._rx, port._tx):
        ring.any = interrupting(ring)
    received = b""
    for letter in (b"a", b"b", b"c"):
        with suppress(KeyboardInterrupt):  # or it comes in the program's own call
            port._put(letter * 300, 0, 300)
        assert board.send(letter * 60) == 60
        received += board.take_all()
    port.pump.flush()
    received += board.take_all()
    board.run_scheduled()
    assert received == b"a" * 300 + b"b" * 300 + b"c" * 300
    assert port.read() == b"a" * 60 + b"b" * 60 + b"c" * 60
    assert board.interrupts <= 1


@given(
    packets=st.lists(st.binary(min_size=0, max_size=200), max_size=30),
    reads=st.lists(st.integers(min_value=0, max_value=300), max_size=30),
)
def test_with_rts_nothing_is_lost_whatever_the_splits(packets: list[bytes], reads: list[int]) -> None:
    board = connected()
    port = board.port()
    port.setinterrupt(-1)
    port.init(flow=port.RTS)
    received = bytearray()
    pending = b""
    for packet in packets:
        pending += packet
        pending = pending[board.send(pending) :]
        if reads:
            received += port.read(reads.pop()) or b""
    while pending or port.any():
        received += port.read() or b""
        pending = pending[board.send(pending) :]
    assert received == b"".join(packets)


@given(
    writes=st.lists(st.binary(max_size=700), max_size=20),
    takes=st.lists(st.booleans(), max_size=40),
)
def test_with_cts_the_host_gets_every_byte_once(writes: list[bytes], takes: list[bool]) -> None:
    board = connected()
    port = board.port()
    port.init(flow=port.CTS)
    received = bytearray()

    def host() -> None:
        if not takes or takes.pop():
            received.extend(board.take() or b"")

    board.on_idle = host
    for data in writes:
        assert port.write(data) == len(data)
    received += board.take_all()
    assert received == b"".join(writes)


@given(writes=st.lists(st.binary(max_size=1500), max_size=10))
def test_without_cts_a_closed_port_keeps_the_latest(writes: list[bytes]) -> None:
    board = connected()
    board.open(dtr=False)
    port = board.port()
    for data in writes:
        assert port.write(data) == len(data)
    assert board.milliseconds == 0
    board.open()
    assert board.take_all() == b"".join(writes)[-BUFFER:]


EVENTS = ["reset", "configure", "open", "close", "halt_in", "halt_out", "clear", "write", "send", "read"]


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_after_any_order_of_events_a_new_configuration_works(events: list[str]) -> None:
    board = Board()
    board.usb_mode("VCP")
    port = board.port()
    port.setinterrupt(-1)
    ep = board.endpoint()
    actions = {
        "reset": board.reset,
        "configure": board.configure,
        "open": board.open,
        "close": lambda: board.open(dtr=False),
        "halt_in": lambda: board.request(0x02, 3, 0, 0x80 | ep),
        "halt_out": lambda: board.request(0x02, 3, 0, ep),
        "clear": lambda: [board.request(0x02, 1, 0, address) for address in (ep, 0x80 | ep)],
        "write": lambda: port.write(bytes(100)),
        "send": lambda: board.send(bytes(100)),
        "read": port.read,
    }
    for event in events:
        actions[event]()
    board.reset()
    board.configure()
    board.open()
    board.take_all()
    assert board.send(b"in") == 2
    assert port.read() == b"in"
    port.write(b"out")
    assert board.take_all() == b"out"


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=255))
def test_the_interrupt_character_is_taken_out_and_counted_by_packet(data: bytes, char: int) -> None:
    board = connected()
    port = board.port()
    port.setinterrupt(char)
    board.send(data)
    board.run_scheduled()
    assert (port.read() or b"") == data.replace(bytes((char,)), b"")
    packets = [data[at : at + 64] for at in range(0, len(data), 64)]
    assert board.interrupts == sum(char in packet for packet in packets)


@pytest.mark.parametrize(("timeout", "waited"), [(0, 0), (1, 2), (100, 101)])
def test_time_outs_are_never_short(timeout: int, waited: int) -> None:
    board = connected()
    port = board.port()
    assert port.recv(1, timeout=timeout) == b""
    assert board.milliseconds == waited
    board.open(dtr=False)
    assert port.send(1, timeout=timeout) == 0
    assert board.milliseconds == 2 * waited


def test_a_time_out_starts_again_with_each_piece() -> None:
    board = connected()
    port = board.port()
    sent: list[int] = []

    def drip() -> None:
        if board.milliseconds % 50 == 0 and len(sent) < 5:
            sent.append(board.send(b"x"))

    board.on_idle = drip
    assert port.recv(10, timeout=60) == b"xxxxx"
    assert board.milliseconds == 250 + 61


def test_package_json_names_every_module() -> None:
    import json

    from tests.unit.firmware_modules.board import MODULES

    package = json.loads((MODULES / "package.json").read_text())
    assert sorted(path for path, _ in package["urls"]) == sorted(path.name for path in MODULES.glob("*.py"))
