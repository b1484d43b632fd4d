"""Enumeration as an operating system does it: again after failures, again after a detach, lenient or strict."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from renode_pico.clock import NS_PER_MS
from renode_pico.errors import DescriptorError, Disconnected, Stall, Timeout, TransactionError
from renode_pico.usb.descriptors import parse_configuration
from renode_pico.usb.enumeration import ATTEMPTS, enumerate_device
from renode_pico.usb.temper import Problems, Temper
from renode_pico.usb.transfer import Setup
from tests.unit.usb.conftest import Bench
from tests.unit.usb.fake_device import CDC_CONFIGURATION, DEVICE_DESCRIPTOR
from tests.unit.usb.test_descriptors import BULK_IN, BULK_OUT, configuration, interface

GET_DEVICE = (6, 0x0100)
SET_ADDRESS = (5, 1)


def asked(bench: Bench) -> list[tuple[int, int, int]]:
    return [(setup.bRequest, setup.wValue, setup.wLength) for setup in bench.device.requests]


def on_request(bench: Bench, wanted: tuple[int, int], answer: Callable[[int], object]) -> None:
    """Let a function of the request's number, from 1, answer in the device's place; NotImplemented leaves it to it."""
    count = 0

    def answered(setup: Setup, data: bytes) -> object:
        nonlocal count
        if (setup.bRequest, setup.wValue) != wanted:
            return NotImplemented
        count += 1
        return answer(count)

    bench.device.on_request = answered


# Again after a failure


def test_should_begin_again_by_both_schemes(bench: Bench) -> None:
    on_request(bench, GET_DEVICE, lambda number: None)
    with pytest.raises(Stall, match=f"attempt {ATTEMPTS}"):
        enumerate_device(bench.host)
    descriptor_first = [(*GET_DEVICE, 64)] * 3
    address_first = [(*SET_ADDRESS, 0), *[(*GET_DEVICE, 8)] * 3]
    assert asked(bench) == 2 * descriptor_first + 2 * address_first
    assert len(bench.device.logged("reset begin")) == ATTEMPTS


@pytest.mark.parametrize("failures", range(1, 3 * ATTEMPTS))
def test_should_take_a_device_up_that_fails_so_often(bench: Bench, failures: int) -> None:
    on_request(bench, GET_DEVICE, lambda number: None if number <= failures else NotImplemented)
    device = enumerate_device(bench.host)
    assert device.product == "Board in FS mode"
    assert len(device.problems) == failures // 3
    assert all("attempt" in problem and "STALL" in problem for problem in device.problems)


def test_should_enumerate_a_device_that_needs_its_address_first(bench: Bench) -> None:
    def answer(number: int) -> object:
        return NotImplemented if bench.device.address else None

    on_request(bench, GET_DEVICE, answer)
    device = enumerate_device(bench.host)
    assert device.product == "Board in FS mode"
    assert len(device.problems) == 2


@pytest.mark.parametrize("busy_ms", [3, 9, 11, 100, 700, 4000])
def test_should_enumerate_a_device_that_is_busy(bench: Bench, busy_ms: int) -> None:
    """It takes its address late, as a firmware does that compiles its program meanwhile."""
    device, resets = bench.device, len(bench.device.logged("reset begin"))
    acknowledged = device._control_acknowledged

    def late() -> None:
        before = device.address
        acknowledged()
        if device.address and not before and len(device.logged("reset begin")) <= resets + 2:
            address, device.address = device.address, 0
            device.control_delay_ns = busy_ms * NS_PER_MS
            bench.later(busy_ms * NS_PER_MS, lambda: taken(address))

    def taken(address: int) -> None:
        device.control_delay_ns = 0
        if len(device.logged("reset begin")) <= resets + 2:
            device.address = address

    device._control_acknowledged = late  # type: ignore[method-assign]
    found = enumerate_device(bench.host)
    assert found.product == "Board in FS mode"
    assert bool(found.problems) == (busy_ms > 10)


def test_should_give_a_device_10_ms_to_take_its_address_and_2_when_strict(bench: Bench) -> None:
    for temper, due in ((Temper.LENIENT, 10), (Temper.STRICT, 2)):
        bench.device.tokens.clear()
        enumerate_device(bench.host, temper=temper)
        done = bench.device.logged("handshake 0.0 True")[-1]
        given = bench.device.logged("SETUP 1.0")[0] - done
        assert due * NS_PER_MS < given < (due + 1) * NS_PER_MS


def test_should_ask_for_the_address_a_second_time(bench: Bench) -> None:
    on_request(bench, SET_ADDRESS, lambda number: None if number == 1 else NotImplemented)
    device = enumerate_device(bench.host)
    assert device.problems == ()
    assert asked(bench).count((*SET_ADDRESS, 0)) == 2
    assert len(bench.device.logged("reset begin")) == 2


def test_should_reset_a_device_that_says_nothing_for_five_seconds(bench: Bench) -> None:
    bench.device.control_delay_ns = 60_000 * NS_PER_MS
    resets = 0

    def reset() -> None:
        nonlocal resets
        resets += 1
        if resets == 2:
            bench.device.control_delay_ns = 0

    power_on_reset = bench.device.power_on_reset

    def counted() -> None:
        power_on_reset()
        reset()

    bench.device.power_on_reset = counted  # type: ignore[method-assign]
    device = enumerate_device(bench.host)
    assert device.product == "Board in FS mode"
    assert 5 < bench.host.now < 6
    assert "not done after 5" in device.problems[0]


def test_should_make_one_attempt_when_strict(bench: Bench) -> None:
    on_request(bench, GET_DEVICE, lambda number: None if number == 1 else NotImplemented)
    with pytest.raises(Stall):
        enumerate_device(bench.host, temper=Temper.STRICT)
    assert asked(bench) == [(*GET_DEVICE, 64)]


def test_should_give_up_on_a_device_that_answers_nothing(bench: Bench) -> None:
    bench.device.silent.add(0)
    with pytest.raises(TransactionError, match="attempt 4"):
        enumerate_device(bench.host)
    assert bench.host.now < 1.5


# A detach in the middle


def replace(bench: Bench, absent_ns: int) -> None:
    """Another device takes the place of the one that is there."""
    bench.device.pull_up(False)

    def back() -> None:
        bench.device.power_on_reset()
        bench.device.descriptors[1, 0] = DEVICE_DESCRIPTOR[:8] + b"\x34\x12" + DEVICE_DESCRIPTOR[10:]
        bench.device.pull_up(True)

    bench.later(absent_ns, back)


@pytest.mark.parametrize("absent_ms", [0, 1, 300])
@pytest.mark.parametrize("at_request", range(1, 12))
def test_should_enumerate_what_comes_in_a_devices_place(bench: Bench, at_request: int, absent_ms: int) -> None:
    count = 0

    def answer(setup: Setup, data: bytes) -> object:
        nonlocal count
        count += 1
        if count == at_request:
            bench.later(20_000, lambda: replace(bench, absent_ms * NS_PER_MS))
        return NotImplemented

    bench.device.on_request = answer
    device = enumerate_device(bench.host)
    if device.present:
        assert device.descriptor.idVendor == 0x1234
        assert device.problems == ()
    else:  # it left after its last request
        assert at_request == 11


@pytest.mark.parametrize("at_ms", range(41))
def test_should_enumerate_what_comes_while_the_bus_is_reset(bench: Bench, at_ms: int) -> None:
    bench.later(at_ms * NS_PER_MS + 1, lambda: replace(bench, 5 * NS_PER_MS))
    device = enumerate_device(bench.host)
    assert device.present
    assert device.descriptor.idVendor == 0x1234


def test_should_say_so_when_a_device_does_not_come_back(bench: Bench) -> None:
    bench.later(15 * NS_PER_MS, lambda: bench.device.pull_up(False))
    begun = bench.host.now
    with pytest.raises(Disconnected, match="not come back within 2 emulated"):
        enumerate_device(bench.host, timeout=2)
    assert 2 <= bench.host.now - begun < 2.1


def test_should_not_wait_for_a_device_whose_cable_was_pulled(bench: Bench) -> None:
    bench.later(15 * NS_PER_MS, bench.host.unplug)
    with pytest.raises(Disconnected):
        enumerate_device(bench.host)
    assert bench.host.now < 0.2


def test_should_give_up_on_a_device_that_comes_and_goes_for_ever(bench: Bench) -> None:
    def blink() -> None:
        bench.device.pull_up(False)
        bench.device.pull_up(True)
        bench.later(115 * NS_PER_MS, blink)

    blink()
    with pytest.raises(Disconnected):
        enumerate_device(bench.host)


# Lenient and strict

LIES: dict[str, tuple[tuple[int, int], bytes, str]] = {
    "wTotalLength too large": ((2, 0), configuration(interface(), total=99), "wTotalLength is 99, but 18 bytes"),
    "wTotalLength 0": ((2, 0), configuration(interface(), total=0), "wTotalLength is 0"),
    "wTotalLength too small": (
        (2, 0),
        configuration(interface(endpoints=1), BULK_IN, total=22),
        "bLength is 7, but only 4 bytes are left",
    ),
    "bNumInterfaces": ((2, 0), configuration(interface(), interfaces=2), "bNumInterfaces is 2, but 1"),
    "bNumEndpoints": ((2, 0), configuration(interface(endpoints=2), BULK_IN), "bNumEndpoints .* is 2, but 1"),
    "trailing bytes": ((2, 0), configuration(interface(), "00 00"), "bLength is 0"),
    "endpoint twice": (
        (2, 0),
        configuration(interface(endpoints=2), BULK_IN, BULK_IN),
        "endpoint 0x81 twice|bNumEndpoints",
    ),
    "endpoint before any interface": ((2, 0), configuration(BULK_OUT, interface()), "before any interface"),
    "endpoint 0": ((2, 0), configuration(interface(endpoints=1), "07 05 80 02 40 00 00"), "0x80 is not allowed"),
    "short endpoint": ((2, 0), configuration(interface(endpoints=1), "06 05 81 02 40 00"), "it needs 7"),
    "short interface": ((2, 0), configuration("08 04 00 00 00 ff 00 00", interface()), "it needs 9"),
    "interface twice": ((2, 0), configuration(interface(), interface()), "described twice"),
    "packets of high speed": (
        (2, 0),
        configuration(interface(endpoints=1), "07 05 81 02 00 02 00"),
        "wMaxPacketSize of bulk endpoint 0x81 is 512",
    ),
    "device in the middle": ((2, 0), configuration(interface(), DEVICE_DESCRIPTOR.hex()), "DEVICE descriptor in the"),
    "association of nothing": (
        (2, 0),
        configuration("08 0b 00 02 02 02 00 00", interface()),
        "interface 1 is not described",
    ),
    "bLength of the device": ((1, 0), b"\x19" + DEVICE_DESCRIPTOR[1:], "bLength is 25, but 18"),
    "bMaxPacketSize0": ((1, 0), DEVICE_DESCRIPTOR[:7] + b"\x09" + DEVICE_DESCRIPTOR[8:], "bMaxPacketSize0 is 9"),
    "string of no bytes": ((3, 2), b"", "string 2: .*nothing"),
    "string that is a configuration": ((3, 2), CDC_CONFIGURATION[:9], "string 2: "),
    "string longer than sent": ((3, 2), b"\x20\x03a\0", "bLength is 32, but 4"),
    "string with more behind it": ((3, 2), b"\x04\x03a\0b\0", "bLength is 4, but 6"),
    "string with half a unit": ((3, 2), b"\x05\x03a\0b", "not a whole number"),
    "no languages": ((3, 0), b"", "string"),
}


@pytest.mark.parametrize("lie", LIES)
def test_should_forgive_what_linux_forgives_and_tell(bench: Bench, lie: str) -> None:
    key, content, message = LIES[lie]
    bench.device.descriptors[key] = content
    device = enumerate_device(bench.host)
    assert device.present
    assert bench.device.configuration == 1
    assert any(re.search(message, problem) for problem in device.problems), device.problems
    with pytest.raises(DescriptorError, match=message):
        enumerate_device(bench.host, temper=Temper.STRICT)


def test_should_have_no_problems_with_a_right_device(bench: Bench) -> None:
    assert enumerate_device(bench.host).problems == ()
    enumerate_device(bench.host, temper=Temper.STRICT)


def test_should_use_what_is_right_of_a_configuration_that_lies(bench: Bench) -> None:
    bench.device.descriptors[2, 0] = configuration(
        interface(0, 0, 3), BULK_OUT, "07 05 81 02 00 02 00", BULK_IN, interfaces=4, total=99
    )
    bench.device.add(0x01)
    bench.device.add(0x81)
    device = enumerate_device(bench.host)
    assert [each.bEndpointAddress for each in device.configuration.interfaces[0].endpoints] == [0x01, 0x81]
    assert device.endpoint(0x81).descriptor.max_packet_size == 64
    assert device.endpoint(0x81).descriptor.raw.hex(" ") == "07 05 81 02 00 02 00"
    bench.device.send(0x81, bytes(64), b"x")
    assert len(device.endpoint(0x81).read(100)) == 65


def test_should_take_what_a_string_has(bench: Bench) -> None:
    bench.device.descriptors[3, 1] = b"\x20\x03a\0b\0"
    bench.device.descriptors[3, 2] = b"\x04\x03a\0b\0"
    device = enumerate_device(bench.host)
    assert (device.manufacturer, device.product) == ("ab", "a")


def test_should_ask_in_english_where_the_table_of_languages_is_nonsense(bench: Bench) -> None:
    bench.device.descriptors[3, 0] = b"\x02\x03"
    assert enumerate_device(bench.host).product == "Board in FS mode"
    assert {setup.wIndex for setup in bench.device.requests if setup.wValue == 0x0302} == {0x0409}


def test_should_do_without_a_bos_that_lies(bench: Bench) -> None:
    bench.device.descriptors[1, 0] = DEVICE_DESCRIPTOR[:2] + b"\x01\x02" + DEVICE_DESCRIPTOR[4:]
    bench.device.descriptors[0x0F, 0] = b"\x05\x0f\x05\x00\x02"
    device = enumerate_device(bench.host)
    assert device.bos is not None
    assert "bNumDeviceCaps is 2, but 0" in device.problems[0]


@pytest.mark.parametrize("size", [8, 16])
def test_should_find_the_size_of_control_packets_that_is_not_told(bench: Bench, size: int) -> None:
    """bMaxPacketSize0 is nonsense: the length of the first packet tells, where it is a whole one."""
    descriptor = DEVICE_DESCRIPTOR[:7] + bytes([size]) + DEVICE_DESCRIPTOR[8:]
    bench.device.descriptors[1, 0] = descriptor
    answer = descriptor[:7] + b"\x00" + descriptor[8:]

    def lie(setup: Setup, data: bytes) -> object:
        return answer if (setup.bRequest, setup.wValue) == GET_DEVICE else NotImplemented

    bench.device.on_request = lie
    device = enumerate_device(bench.host)
    assert device.control_pipe.max_packet_size == size
    assert device.configuration.raw == CDC_CONFIGURATION


def test_should_parse_strictly_unless_told_otherwise() -> None:
    with pytest.raises(DescriptorError):
        parse_configuration(configuration(interface(), interfaces=2))
    problems = Problems(Temper.LENIENT)
    parse_configuration(configuration(interface(), interfaces=2), problems)
    assert len(problems.found) == 1


def test_should_wait_for_the_first_attach_only_so_long(bench: Bench) -> None:
    bench.device.pull_up(False)
    with pytest.raises(Timeout, match="attach"):
        enumerate_device(bench.host, timeout=1)
