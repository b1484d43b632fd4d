"""Frames, their budget and the order within them (docs/bus-timing.md, "Frames" and "Order in a frame")."""

from __future__ import annotations

from collections import Counter

import pytest

from renode_pico.clock import NS_PER_MS
from renode_pico.usb.transfer import Pipe, Setup, Status, TransferType
from tests.unit.usb.conftest import Bench

FULL_NS = (64 + 13) * 2000 // 3


def frames_of(bench: Bench, prefix: str) -> list[int]:
    """The frames in which tokens went out, counted from the last reset."""
    epoch = bench.device.logged("reset end")[-1]
    return [(time - epoch) // NS_PER_MS for time in bench.device.logged(prefix)]


def test_should_carry_19_bulk_packets_of_64_bytes_a_frame(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(64 * 190)))
    whole = Counter(frames_of(bus, "OUT"))
    assert set(list(whole.values())[:-1]) == {19}


def test_should_start_the_first_transaction_when_the_sof_is_over(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(64 * 40)))
    firsts = {time - NS_PER_MS * (time // NS_PER_MS) for time in bus.device.logged("OUT")[0::19]}
    epoch = bus.device.logged("reset end")[-1]
    assert firsts == {(epoch + 4000) % NS_PER_MS}


def test_should_space_transactions_by_their_length(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(64 + 10)))
    first, second = bus.device.logged("OUT")
    assert second - first == FULL_NS
    assert bus.clock.now_ns - second == 23 * 2000 // 3


def test_should_end_every_transaction_within_its_frame(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.device.add(0x81)
    bus.device.send(0x81, *[bytes(64)] * 100)
    bus.host.wait(
        bus.host.submit(bus.pipe(0x02), bytes(37 * 100)), bus.host.submit(bus.pipe(0x81), length=6400), timeout=1
    )
    epoch = bus.device.logged("reset end")[-1]
    assert all((time - epoch) % NS_PER_MS >= 4000 for time in bus.device.logged("OUT") + bus.device.logged("IN"))
    assert all((time - epoch) % NS_PER_MS < NS_PER_MS - FULL_NS for time in bus.device.logged("IN"))


def test_should_let_bulk_pipes_take_turns(bus: Bench) -> None:
    for address in (0x03, 0x02, 0x01):
        bus.device.add(address)
    transfers = [bus.host.submit(bus.pipe(address), bytes(64 * 4)) for address in (0x03, 0x02, 0x01)]
    bus.host.wait(*transfers)
    order = [what.split()[1] for _, what in bus.device.tokens if what.startswith("OUT")]
    assert order == ["0.3", "0.2", "0.1"] * 4


def test_should_not_let_a_parked_pipe_cost_others_a_turn(bus: Bench) -> None:
    bus.device.add(0x02)
    source = bus.device.add(0x81)
    waiting = bus.host.submit(bus.pipe(0x81), length=64)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(64 * 38)))
    assert source.naks == 1
    assert waiting.status is Status.PENDING
    assert Counter(frames_of(bus, "OUT")).most_common(1)[0][1] == 19


def test_should_let_a_control_transfer_through_between_bulk_transactions(bus: Bench) -> None:
    bus.device.add(0x02)
    bulk = bus.host.submit(bus.pipe(0x02), bytes(64 * 100))
    begun = bus.clock.now_ns
    assert bus.control(Setup(0x80, 0, wLength=2)) == b"\0\0"
    assert bus.clock.now_ns - begun < NS_PER_MS
    assert bulk.status is Status.PENDING


@pytest.mark.parametrize("interval", [1, 2, 5, 10])
def test_should_serve_an_interrupt_endpoint_every_interval(bus: Bench, interval: int) -> None:
    bus.device.add(0x83)
    bus.device.send(0x83, *[bytes(8)] * 5)
    pipe = bus.pipe(0x83, TransferType.INTERRUPT, 8, interval)
    bus.host.wait(bus.host.submit(pipe, length=40))
    frames = frames_of(bus, "IN")
    assert [frame - frames[0] for frame in frames] == [interval * number for number in range(5)]


def test_should_try_a_parked_interrupt_endpoint_in_its_next_due_frame(bus: Bench) -> None:
    bus.device.add(0x83)
    transfer = bus.host.submit(bus.pipe(0x83, TransferType.INTERRUPT, 8, 4), length=8)
    bus.host.run(0.0055)
    bus.device.send(0x83, b"x")
    bus.host.wait(transfer)
    frames = frames_of(bus, "IN")
    assert frames[1] - frames[0] == 8


def test_should_keep_an_interrupt_pipes_phase_over_transfers(bus: Bench) -> None:
    bus.device.add(0x83)
    pipe = bus.pipe(0x83, TransferType.INTERRUPT, 8, 8)
    bus.device.send(0x83, b"a", b"b")
    bus.host.wait(bus.host.submit(pipe, length=8))
    bus.host.run(0.003)
    bus.host.wait(bus.host.submit(pipe, length=8))
    frames = frames_of(bus, "IN")
    assert frames[1] - frames[0] == 8


def test_should_serve_isochronous_before_interrupt_before_bulk(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.device.add(0x83)
    bus.device.add(0x04, isochronous=True)
    bus.device.send(0x83, *[bytes(8)] * 5)
    transfers = [
        bus.host.submit(bus.pipe(0x02), bytes(64 * 60)),
        bus.host.submit(bus.pipe(0x83, TransferType.INTERRUPT, 8, 1), length=40),
        bus.host.submit(bus.pipe(0x04, TransferType.ISOCHRONOUS, 100, 1), bytes(500)),
    ]
    bus.host.wait(*transfers)
    epoch = bus.device.logged("reset end")[-1]
    second_frame = [
        what.split()[1]
        for time, what in bus.device.tokens
        if (time - epoch) // NS_PER_MS == (transfers[0].begin_ns - epoch) // NS_PER_MS + 1 and not what.startswith("h")
    ]
    assert second_frame[:3] == ["0.4", "0.3", "0.2"]


def test_should_send_one_isochronous_packet_a_frame(bus: Bench) -> None:
    sink = bus.device.add(0x04, isochronous=True)
    transfer = bus.host.submit(bus.pipe(0x04, TransferType.ISOCHRONOUS, 100, 1), bytes(350))
    bus.host.wait(transfer)
    assert transfer.packets == (100, 100, 100, 50)
    assert list(map(len, sink.taken)) == [100, 100, 100, 50]
    frames = frames_of(bus, "OUT")
    assert [frame - frames[0] for frame in frames] == [0, 1, 2, 3]
    assert bus.device.logged("handshake") == []


def test_should_take_an_isochronous_packet_a_frame_whatever_its_length(bus: Bench) -> None:
    bus.device.add(0x84, isochronous=True)
    bus.device.send(0x84, b"abc", b"", b"de")
    transfer = bus.host.submit(bus.pipe(0x84, TransferType.ISOCHRONOUS, 10, 1), length=50)
    bus.host.wait(transfer)
    assert (transfer.data, transfer.packets) == (b"abcde", (3, 0, 2, 0, 0))
    assert bus.device.logged("handshake") == []


def test_should_retry_at_once_before_other_pipes_have_their_turn(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.device.add(0x01)
    bus.device.silent.add(0x02)
    failing = bus.host.submit(bus.pipe(0x02), b"lost")
    bus.host.wait(bus.host.submit(bus.pipe(0x01), bytes(128)))
    order = [what.split()[1] for _, what in bus.device.tokens if what.startswith("OUT")]
    assert order == ["0.2", "0.2", "0.2", "0.1", "0.1"]
    assert failing.status is Status.ERROR


def test_should_wait_for_the_next_frame_with_what_no_longer_fits(bus: Bench) -> None:
    epoch = bus.device.logged("reset end")[-1]
    bus.device.add(0x02)
    bus.host.run(0.000_97)
    bus.host.wait(bus.host.submit(bus.pipe(0x02), bytes(64)))
    assert (bus.device.logged("OUT")[0] - epoch) % NS_PER_MS == 4000


def test_should_fill_the_rest_of_a_frame_with_what_still_fits(bus: Bench) -> None:
    bus.device.add(0x02)
    bus.device.add(0x01)
    bus.host.run(0.000_97)
    epoch = bus.device.logged("reset end")[-1]
    large = bus.host.submit(bus.pipe(0x02), bytes(64))
    small = bus.host.submit(bus.pipe(0x01), b"x")
    bus.host.wait(large, small)
    assert [(bus.device.logged(f"OUT 0.{n}")[0] - epoch) % NS_PER_MS for n in (1, 2)] == [970_000, 4000]


def test_should_serve_all_thirty_endpoints_at_once(bus: Bench) -> None:
    transfers = []
    for number in range(1, 16):
        bus.device.add(number)
        bus.device.add(number | 0x80)
        bus.device.send(number | 0x80, *[bytes([number]) * 64] * 8)
        transfers.append(bus.host.submit(bus.pipe(number), bytes([number]) * 512))
        transfers.append(bus.host.submit(bus.pipe(number | 0x80), length=512))
    bus.host.wait(*transfers)
    assert all(b"".join(bus.device.endpoints[n].taken) == bytes([n]) * 512 for n in range(1, 16))
    assert all(transfers[2 * n - 1].data == bytes([n]) * 512 for n in range(1, 16))


def test_should_keep_pipes_of_two_addresses_apart(bus: Bench) -> None:
    bus.device.add(0x81)
    here = bus.host.submit(bus.pipe(0x81), length=64)
    elsewhere = bus.host.submit(Pipe(5, 0x81, TransferType.BULK, 64), length=64)
    bus.host.run(0.001)
    assert elsewhere.status is Status.ERROR
    bus.device.send(0x81, b"x")
    bus.host.wait(here)
