"""RB: what no good host does (USB 2.0, 8.3, 8.7, 9.2.7)."""

from __future__ import annotations

from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.usb.wire import Fault, Stray
from renode_pico.verify.bench import PATIENCE, Bench, is_ack, words
from renode_pico.verify.loop import letters, loop
from renode_pico.verify.table import check

DEVICE = requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 18)
FLOOD = 500
REQUESTS = 150


def _ignored(bench: Bench, stray: Stray, endpoint: int = 0) -> None:
    answer = bench.host.stray(stray, address=bench.address, endpoint=endpoint)
    bench.note(f"stray packet: {stray.value}", words(answer))
    bench.expect(answer is None, "silence")


def _within(bench: Bench, strays: tuple[Stray, ...]) -> None:
    """Send each by itself, and in each stage of a read, which must be right."""
    _ = bench.raw
    bench.to_address()
    for stray in strays:
        _ignored(bench, stray)
        bench.expect(is_ack(bench.tx_setup(DEVICE)), "ACK")
        _ignored(bench, stray)
        came = bench.data_in(0)
        bench.expect(came is not None and came.data == bench.tree.device[: bench.packet_size], "the device descriptor")
        _ignored(bench, stray)
        bench.expect(bench.get(DEVICE) == bench.tree.device, f"the device descriptor after {stray.value}")


@check("RB1")
def rb1(bench: Bench) -> None:
    """Sends each by itself and between the stages of a control read."""
    _within(bench, (Stray.UNKNOWN_PID, Stray.BROKEN_PID, Stray.LOW_SPEED))


@check("RB2")
def rb2(bench: Bench) -> None:
    """Sends SETUP, OUT and IN tokens with a wrong CRC5 by themselves and between the stages of a control read."""
    _within(bench, (Stray.SETUP_CRC5, Stray.OUT_CRC5, Stray.IN_CRC5))


@check("RB3")
def rb3(bench: Bench) -> None:
    """Sends 500 SETUPs one behind the other, then makes a request."""
    bench.to_address()
    kinds = (
        DEVICE,
        requests.get_status(),
        requests.get_descriptor(0xFF, 0, 0, 8),
        requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, 255),
        Setup(0x40, 0x5B, 0, 0, 64),
    )
    for _ in range(FLOOD):
        bench.expect(is_ack(bench.tx_setup(bench.rng.choice(kinds))), "ACK")
    bench.expect(bench.get(DEVICE) == bench.tree.device, "the device descriptor")


def _random_request(bench: Bench) -> Setup:
    rng = bench.rng
    while True:
        setup = Setup(
            rng.choice((0x80, 0x81, 0x82, 0xA0, 0xA1, 0xA2, 0xC0, 0xC1, 0xC2, 0x00, 0x01, 0x02, rng.randrange(256))),
            rng.choice((rng.randrange(16), rng.randrange(256))),
            rng.choice((0, 1, 0x0100, 0x0300, rng.randrange(0x10000))),
            rng.choice((0, 1, 0x81, rng.randrange(0x10000))),
            0,
        )
        if setup.bmRequestType & 0x60 == 0 and setup.bRequest in (5, 7, 9, 11):
            continue  # the state would be another one, as it should
        if setup.bmRequestType & 0x60 and not setup.is_in:
            continue  # what a class makes of it is its own: a serial port, for one, may be told to start a loader
        length = rng.choice((0, 1, 2, 8, 64, 255)) if setup.is_in else 0
        return Setup(setup.bmRequestType, setup.bRequest, setup.wValue, setup.wIndex, length)


@check("RB4")
def rb4(bench: Bench) -> None:
    """Makes 150 random requests; after each reads the status, now and then uses every endpoint."""
    pair = bench.optional(lambda: loop(bench))
    if pair is None:
        bench.to_configured()
    endpoints = bench.endpoints(TransferType.BULK, TransferType.INTERRUPT)
    for number in range(REQUESTS):
        setup = _random_request(bench)
        bench.control(setup, timeout=1.0)
        bench.status()
        if setup.bmRequestType & 0x1F == requests.ENDPOINT and not setup.is_in:
            for endpoint in endpoints:
                bench.clear_halt(endpoint)
        if number % 15 == 14:
            for endpoint in endpoints:
                bench.expect(not bench.halted(endpoint), "no halt")
            if pair is not None:
                bench.expect(pair.passes(letters(bench, 6)), f"the same 6 bytes after {setup}")


@check("RB5")
def rb5(bench: Bench) -> None:
    """Sends a corrupt packet instead of the ACK of a control read's data packet, asks again, and reads."""
    _ = bench.raw
    bench.to_address()
    bench.tx_setup(DEVICE)
    first = bench.tx_in(0, Fault.LOST_HANDSHAKE, patience=PATIENCE)
    bench.host.stray(Stray.BROKEN_HANDSHAKE, address=bench.address)
    again = bench.data_in(0)
    bench.note("a broken handshake where the ACK is awaited, then IN", words(again))
    bench.expect(again == first, f"the same packet again: {words(first)}")
    bench.tx_status_out()
    bench.expect(bench.get(DEVICE) == bench.tree.device, "the device descriptor")
