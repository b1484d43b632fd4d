"""What Linux's usbtest does, case by case, for a device with sources and sinks (firmware/chip/usbtest is one).

A source's pattern is that of usbtest's parameter `pattern`: zeros, or byte n of a packet is n % 63; a sink is given the
same. Two alternate settings may have pairs of different kinds; each item chooses the first that has what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType, EndpointDescriptor, Interface
from renode_pico.usb.transfer import Host, Setup, Status, Transfer, TransferType
from renode_pico.usb.wire import Pid
from renode_pico.verify.bench import Bench
from renode_pico.verify.store import Store
from renode_pico.verify.table import check

VENDOR = 0xFF
LENGTH = 1024
"""Bytes of a transfer, as `testusb -s` has them by default."""
COUNT = 8
"""Transfers of an item."""
DEPTH = 8
"""Transfers in a queue."""
LONG = 8192
FRAMES = 16
LARGEST_STORE = 512
BULK, INTERRUPT, ISOCHRONOUS = TransferType.BULK, TransferType.INTERRUPT, TransferType.ISOCHRONOUS


@dataclass(frozen=True, slots=True)
class Pair:
    """A source and a sink in one setting. `pattern`: a packet of the source."""

    setting: Interface
    out: EndpointDescriptor
    into: EndpointDescriptor
    pattern: bytes

    def data(self, length: int) -> bytes:
        """So many bytes for the sink, the pattern beginning with each packet."""
        size = self.out.max_packet_size
        packet = made(size) if any(self.pattern) else bytes(size)
        return (packet * (length // size + 1))[:length]


def made(size: int) -> bytes:
    """A packet of pattern 1."""
    return bytes(n % 63 for n in range(size))


def settings(bench: Bench) -> list[Interface]:
    """The settings of vendor interfaces. Raises NotApplicable when there are none."""
    found = [each for each in bench.tree.settings() if each.bInterfaceClass == VENDOR]
    if not found:
        bench.skip("this device has no vendor interface")
    return found


def ends(setting: Interface, kind: TransferType) -> tuple[EndpointDescriptor, EndpointDescriptor] | None:
    """The first OUT and the first IN endpoint of a kind."""
    out = [each for each in setting.endpoints if each.type is kind and not each.bEndpointAddress & 0x80]
    into = [each for each in setting.endpoints if each.type is kind and each.bEndpointAddress & 0x80]
    return (out[0], into[0]) if out and into else None


def pair(bench: Bench, kind: TransferType = BULK) -> Pair:
    """Configure the device, choose the setting, and see which pattern the source has.

    Raises NotApplicable when no setting has such a pair.
    """
    for setting in settings(bench):
        found = ends(setting, kind)
        if found is None:
            continue
        bench.to_configured()
        bench.select(setting)
        out, into = found
        first = bench.read(into, into.max_packet_size)
        if kind is ISOCHRONOUS and first.ok and not first.data:  # the frame before had nothing armed yet
            first = bench.read(into, into.max_packet_size)
        bench.expect(
            first.ok and len(first.data) == into.max_packet_size, f"{into.max_packet_size} bytes of the source"
        )
        bench.expect(first.data in (bytes(len(first.data)), made(len(first.data))), "zeros, or byte n is n % 63")
        return Pair(setting, out, into, first.data)
    bench.skip(f"no vendor interface of this device has a pair of {kind.name.lower()} endpoints")


def put(bench: Bench, found: Pair, length: int) -> None:
    """One OUT transfer, which the sink must take."""
    answer = bench.write(found.out, found.data(length))
    bench.expect(answer.ok and answer.length == length, f"{length} bytes taken")


def get(bench: Bench, found: Pair, length: int) -> None:
    """One IN transfer, which must come whole and with the pattern."""
    answer = bench.read(found.into, length)
    bench.expect(answer.ok and len(answer.data) == length, f"{length} bytes")
    fits(bench, found, answer.data)


def fits(bench: Bench, found: Pair, data: bytes) -> None:
    """Fail unless data is the source's pattern, packet by packet."""
    size = len(found.pattern)
    for at in range(0, len(data), size):
        packet = data[at : at + size]
        if packet != found.pattern[: len(packet)]:
            wrong = next(n for n, byte in enumerate(packet) if byte != found.pattern[n])
            bench.note(
                f"IN {found.into.bEndpointAddress:#04x}", f"{packet[wrong]:#04x} as byte {wrong} of packet {at // size}"
            )
            bench.fail(f"{found.pattern[wrong]:#04x} there")


def packets(found: Pair, lengths: Iterable[int]) -> list[int]:
    """Numbers of packets as lengths of IN transfers: a source sends whole packets."""
    return [length * found.into.max_packet_size for length in lengths]


def own_host(bench: Bench) -> Host:
    """The host that queues and cancels. Raises NotApplicable where there is none."""
    if bench.link.host is None:
        bench.skip("no queues, cancelled or isochronous transfers here")
    return bench.link.host


def queue(
    bench: Bench,
    endpoint: EndpointDescriptor,
    found: Pair,
    lengths: list[int],
    on_done: Callable[[Transfer], None] | None = None,
) -> list[Transfer]:
    """Transfers put on one pipe at once."""
    pipe, host = bench.pipe(endpoint), own_host(bench)
    transfers: list[Transfer] = [
        host.submit(pipe, length=length, timeout=2.0, on_done=on_done)
        if pipe.is_in
        else host.submit(pipe, found.data(length), timeout=2.0, on_done=on_done)
        for length in lengths
    ]
    direction = "IN" if pipe.is_in else "OUT"
    bench.note(f"{len(lengths)} transfers at once, {direction} {pipe.endpoint_address:#04x}", "nothing yet")
    return transfers


def settle(bench: Bench, transfers: list[Transfer]) -> None:
    """Wait until all of them are over."""
    bench.host.wait_until(lambda: all(each.status is not Status.PENDING for each in transfers), 5.0)


def whole(bench: Bench, found: Pair, endpoint: EndpointDescriptor, lengths: list[int]) -> None:
    """All transfers of a queue must end, in order, with all their bytes."""
    ended: list[Transfer] = []
    transfers = queue(bench, endpoint, found, lengths, ended.append)
    settle(bench, transfers)
    for number, (each, length) in enumerate(zip(transfers, lengths, strict=True)):
        came = f"{each.status.value}, {each.actual_length} bytes"
        bench.note(f"transfer {number} of {len(lengths)} queued, {length} bytes", came)
        bench.expect(each.status is Status.COMPLETED and each.actual_length == length, f"{length} bytes")
        if each.pipe.is_in:
            fits(bench, found, each.data)
    order = [next(n for n, one in enumerate(transfers) if one is each) for each in ended]
    bench.note(f"{len(lengths)} transfers queued", f"they ended in the order {order}")
    bench.expect(order == list(range(len(lengths))), "the order in which they were queued")


def queued_out(bench: Bench, lengths: list[int]) -> None:
    """A queue for the sink."""
    found = pair(bench)
    whole(bench, found, found.out, lengths)


def queued_in(bench: Bench, counts: list[int]) -> None:
    """A queue for the source."""
    found = pair(bench)
    lengths = packets(found, counts)
    whole(bench, found, found.into, lengths)


@check("UT0")
def has_source_and_sink(bench: Bench) -> None:
    """Looks for a setting of a vendor interface with an IN and an OUT endpoint of the same kind."""
    bench.to_configured()
    found = settings(bench)
    pairs = [kind.name.lower() for kind in (BULK, INTERRUPT, ISOCHRONOUS) if any(ends(each, kind) for each in found)]
    bench.note(f"{len(found)} settings of vendor interfaces", f"pairs: {', '.join(pairs) or 'none'}")
    bench.expect(pairs, "a pair of bulk, interrupt or isochronous endpoints")


@check("UT1")
def bulk_out(bench: Bench) -> None:
    """Sends 8 transfers of 1024 bytes with the pattern; a sink that checks halts at what it did not get."""
    found = pair(bench)
    for _ in range(COUNT):
        put(bench, found, LENGTH)


@check("UT2")
def bulk_in(bench: Bench) -> None:
    """Reads 8 transfers of 1024 bytes."""
    found = pair(bench)
    for _ in range(COUNT):
        get(bench, found, LENGTH)


@check("UT3")
def bulk_out_varying(bench: Bench) -> None:
    """Sends transfers of 1 to 1024 bytes, 67 more each time, then whole packets."""
    found = pair(bench)
    for length in (*range(1, LENGTH, 67), 64, 128, 512):
        put(bench, found, length)


@check("UT4")
def bulk_in_varying(bench: Bench) -> None:
    """Reads transfers of 1 to 12 packets."""
    found = pair(bench)
    for length in packets(found, range(1, 13)):
        get(bench, found, length)


@check("UT5")
def queued_bulk_out(bench: Bench) -> None:
    """Queues 8 transfers of 1024 bytes."""
    queued_out(bench, [LENGTH] * DEPTH)


@check("UT6")
def queued_bulk_in(bench: Bench) -> None:
    """Queues 8 transfers of 16 packets."""
    queued_in(bench, [16] * DEPTH)


@check("UT7")
def queued_bulk_out_varying(bench: Bench) -> None:
    """Queues 12 transfers of 1 to 1024 bytes."""
    queued_out(bench, list(range(1, LENGTH, 93)))


@check("UT8")
def queued_bulk_in_varying(bench: Bench) -> None:
    """Queues 8 transfers of 1 to 8 packets."""
    queued_in(bench, list(range(1, DEPTH + 1)))


@check("UT9")
def chapter9_subset(bench: Bench) -> None:
    """Sets each alternate and asks for it, then reads configuration, descriptors, BOS and statuses."""
    found = settings(bench)
    bench.to_configured()
    for setting in found:
        bench.select(setting)
        came = bench.get(requests.get_interface(setting.bInterfaceNumber))
        bench.expect(came == bytes([setting.bAlternateSetting]), f"alternate {setting.bAlternateSetting}")
    value = bench.tree.first.bConfigurationValue
    bench.expect(bench.get(requests.get_configuration()) == bytes([value]), f"configuration {value}")
    device = bench.get(requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 18))
    bench.expect(device == bench.tree.device, "the descriptor that it had before")
    raw = bench.tree.raw_configurations[0]
    bench.expect(
        bench.get(requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, len(raw))) == raw,
        "the descriptor that it had before",
    )
    bench.expect(raw[7] & 0x9F == 0x80, "bmAttributes with D7 set, D4 to D0 clear")
    qualifier = bench.control(requests.get_descriptor(DescriptorType.DEVICE_QUALIFIER, 0, 0, 10))
    bench.expect(qualifier.stalled, "STALL, as it knows full speed only")
    if bench.tree.descriptor.bcdUSB >= 0x0201:
        bos = bench.get(requests.get_descriptor(DescriptorType.BOS, 0, 0, 5))
        bench.expect(len(bos) == 5 and bos[:2] == b"\x05\x0f", "a BOS descriptor")
    for recipient, index in ((requests.DEVICE, 0), (requests.INTERFACE, found[0].bInterfaceNumber)):
        bench.expect(bench.status(recipient, index) & ~3 == 0, "no reserved bit")
    for endpoint in bench.endpoints():
        bench.expect(bench.status(requests.ENDPOINT, endpoint.bEndpointAddress) == 0, "an endpoint that is not halted")


def control_cases(bench: Bench) -> list[tuple[Setup, bytes | None, str]]:
    """What is queued for case 10: a request, what its answer begins with (None for STALL), and what that is."""
    device, configuration = bench.tree.device, bench.tree.raw_configurations[0]
    value, interface = bench.tree.first.bConfigurationValue, bench.tree.interface_numbers()[0]
    kind = DescriptorType
    return [
        (requests.get_descriptor(kind.DEVICE, 0, 0, 8), device[:8], "the first 8 bytes"),
        (requests.get_descriptor(kind.CONFIGURATION, 0, 0, 9), configuration[:9], "the first 9 bytes"),
        (requests.get_interface(interface), b"", "one byte"),
        (requests.get_status(requests.INTERFACE, interface), bytes(2), "zeros"),
        (requests.get_status(), b"", "two bytes"),
        (requests.get_descriptor(kind.DEVICE_QUALIFIER, 0, 0, 10), None, "STALL"),
        (requests.get_descriptor(kind.CONFIGURATION, 0, 0, 18), configuration[:18], "the first 18 bytes"),
        (requests.get_descriptor(kind.INTERFACE, 0, 0, 9), None, "STALL"),
        (requests.get_descriptor(kind.ENDPOINT, 0, 0, 7), None, "STALL"),
        (requests.get_configuration(), bytes([value]), f"configuration {value}"),
        (requests.get_descriptor(kind.CONFIGURATION, 0, 0, 1024), configuration, "the whole descriptor"),
        (requests.get_descriptor(kind.ENDPOINT, 0, 0, 7), None, "STALL"),
        (requests.get_descriptor(kind.STRING, 0, 0, 1024), b"", "the languages, or STALL"),
        (requests.get_descriptor(kind.DEVICE, 0, 0, 64), device, "the whole descriptor"),
        (requests.get_descriptor(kind.INTERFACE, 0, 0, 9), None, "STALL"),
        (requests.get_descriptor(kind.DEVICE, 0, 0, 18), device, "the whole descriptor"),
    ]


@check("UT10")
def control_queue(bench: Bench) -> None:
    """Queues 16 requests, three times over, and looks at each when all are over."""
    bench.to_configured()
    cases = control_cases(bench) * 3
    host, pipe = own_host(bench), bench.pipe0()
    transfers: list[Transfer] = [host.submit(pipe, setup=setup, timeout=2.0) for setup, _, _ in cases]
    settle(bench, transfers)
    for number, (each, (setup, begin, should)) in enumerate(zip(transfers, cases, strict=True)):
        came = f"{each.status.value}: {each.data[:24].hex(' ')}"
        bench.note(f"request {number} of {len(cases)} queued: {setup}", came)
        if begin is None:
            bench.expect(each.status is Status.STALLED, should)
        elif setup.wValue >> 8 == DescriptorType.STRING and setup.bRequest == 6:
            bench.expect(each.status is Status.STALLED or each.data[1:2] == b"\x03", should)
        else:
            bench.expect(each.status is Status.COMPLETED and each.data.startswith(begin) and each.data, should)


def unlink(bench: Bench, into: bool) -> None:
    """Cancel transfers at once, in the middle, and at their end; each time another one must work."""
    found = pair(bench)
    endpoint = found.into if into else found.out
    for wait in (0.0, 0.00005, 0.0003, 0.001, 0.0017):
        (transfer,) = queue(bench, endpoint, found, [4 * LENGTH])
        bench.run(wait)
        bench.host.cancel(transfer)
        settle(bench, [transfer])
        bench.note(f"a transfer cancelled after {wait * 1000:g} ms", transfer.status.value)
        bench.expect(transfer.status is Status.CANCELLED, "a transfer that is still under way, then cancelled")
        bench.run(0.001)
        if into:
            fits(bench, found, transfer.data)
            get(bench, found, LENGTH)
        else:
            put(bench, found, LENGTH)


@check("UT11")
def unlink_reads(bench: Bench) -> None:
    """Cancels reads of 4096 bytes at five instants and reads 1024 bytes 1 ms after each."""
    unlink(bench, into=True)


@check("UT12")
def unlink_writes(bench: Bench) -> None:
    """Cancels writes of 4096 bytes at five instants and writes 1024 bytes 1 ms after each."""
    unlink(bench, into=False)


def packet(bench: Bench, found: Pair, endpoint: EndpointDescriptor) -> None:
    """One packet of the source, or for the sink."""
    (get if endpoint is found.into else put)(bench, found, endpoint.max_packet_size)


@check("UT13")
def halts(bench: Bench) -> None:
    """Halts, in turn, the source and the sink of bulk and of interrupt pairs."""
    tried = 0
    for kind in (BULK, INTERRUPT):
        found = bench.optional(lambda kind=kind: pair(bench, kind))  # type: ignore[misc]
        if found is None:
            continue
        tried += 1
        for endpoint in (found.into, found.out):
            packet(bench, found, endpoint)
            bench.set_halt(endpoint)
            bench.expect(bench.halted(endpoint), "status 1")
            for _ in range(2):
                answer = (
                    bench.read(endpoint, endpoint.max_packet_size)
                    if endpoint is found.into
                    else bench.write(endpoint, found.data(endpoint.max_packet_size))
                )
                bench.expect(answer.stalled, "STALL")
            bench.clear_halt(endpoint)
            bench.expect(not bench.halted(endpoint), "status 0")
            packet(bench, found, endpoint)
    if not tried:
        bench.skip("no vendor interface of this device has a pair of bulk or interrupt endpoints")


def kept(bench: Bench, lengths: Iterable[int]) -> None:
    """Control data of some lengths, written and read back."""
    bench.to_configured()
    store = Store(None, 0)
    if bench.control(store.write(1), b"\x55").stalled or bench.control(store.read(1)).stalled:
        bench.skip("this device has no vendor requests 0x5b and 0x5c")
    for length in lengths:
        data = bench.rng.randbytes(length)
        bench.do(store.write(length), data)
        came = bench.control(store.read(length)).data
        bench.expect(came == data, f"the {length} bytes that were written")


@check("UT14")
def control_out(bench: Bench) -> None:
    """Writes random data of 1 to 512 bytes, 19 more each time, with request 0x5b, and reads it with 0x5c."""
    kept(bench, (*range(1, LARGEST_STORE, 19), LARGEST_STORE))


@check("UT21")
def control_out_odd(bench: Bench) -> None:
    """Writes random data of 1 less, as much, and 1 more than 1, 2, 4 and 8 packets, and reads it back."""
    size = bench.packet_size
    kept(bench, [whole + more for whole in (size, 2 * size, 4 * size, 8 * size) for more in (-1, 0, 1)])


def isochronous_out(bench: Bench, lengths: list[int]) -> None:
    """Single packets that must not be answered, then transfers of one packet a frame; the sink stays as it is."""
    own_host(bench)
    found = pair(bench, ISOCHRONOUS)
    for length in lengths if bench.link.raw is not None else ():
        answer = bench.tx_out(found.out.bEndpointAddress, Pid.DATA0, found.data(length))
        bench.expect(answer is None, "silence")
        bench.run(0.001)
    queued = queue(bench, found.out, found, lengths)
    settle(bench, queued)
    for each, length in zip(queued, lengths, strict=True):
        bench.note(f"isochronous OUT of {length} bytes", f"{each.status.value}, {each.actual_length} bytes")
        bench.expect(each.status is Status.COMPLETED, f"{length} bytes sent")
    bench.expect(not bench.halted(found.out), "a sink that has got the pattern: not halted")


def isochronous_in(bench: Bench, lengths: list[int]) -> None:
    """Transfers queued at once; every frame must have brought a packet."""
    own_host(bench)
    found = pair(bench, ISOCHRONOUS)
    queued = queue(bench, found.into, found, lengths)
    settle(bench, queued)
    for number, each in enumerate(queued):
        sizes = each.packets
        bench.note(f"isochronous IN of {len(sizes)} frames, transfer {number}", f"packets of {sizes} bytes")
        bench.expect(each.status is Status.COMPLETED, "a transfer that ends")
        bench.expect(all(size == len(found.pattern) for size in sizes), f"{len(found.pattern)} bytes in each frame")
        fits(bench, found, each.data)


@check("UT15")
def isochronous_writes(bench: Bench) -> None:
    """Sends 8 whole packets by hand where that can be, as a handshake would be seen, and 8 by the scheduler."""
    found = pair(bench, ISOCHRONOUS)
    isochronous_out(bench, [found.out.max_packet_size] * COUNT)


@check("UT16")
def isochronous_reads(bench: Bench) -> None:
    """Reads 16 frames in two transfers."""
    found = pair(bench, ISOCHRONOUS)
    isochronous_in(bench, packets(found, [FRAMES // 2] * 2))


@check("UT22")
def isochronous_writes_odd(bench: Bench) -> None:
    """Sends packets of 1, 3, 31, 63 bytes and one less than whole ones, by hand and by the scheduler."""
    found = pair(bench, ISOCHRONOUS)
    isochronous_out(
        bench,
        [length for length in (1, 3, 31, 63) if length < found.out.max_packet_size] + [found.out.max_packet_size - 1],
    )


@check("UT23")
def isochronous_reads_single(bench: Bench) -> None:
    """Reads 16 frames in 16 transfers."""
    found = pair(bench, ISOCHRONOUS)
    isochronous_in(bench, packets(found, [1] * FRAMES))


@check("UT17")
def bulk_out_odd(bench: Bench) -> None:
    """Sends 8 transfers of 1023 bytes."""
    found = pair(bench)
    for _ in range(COUNT):
        put(bench, found, LENGTH - 1)


@check("UT18")
def bulk_in_odd(bench: Bench) -> None:
    """Reads 8 transfers of 15 packets."""
    found = pair(bench)
    for length in packets(found, [15] * COUNT):
        get(bench, found, length)


@check("UT19")
def bulk_out_long(bench: Bench) -> None:
    """Sends 2 transfers of 8192 bytes."""
    found = pair(bench)
    for _ in range(2):
        put(bench, found, LONG)


@check("UT20")
def bulk_in_long(bench: Bench) -> None:
    """Reads 2 transfers of 128 packets."""
    found = pair(bench)
    for length in packets(found, [128] * 2):
        get(bench, found, length)


@check("UT24")
def unlink_queued(bench: Bench) -> None:
    """Queues 8 OUT transfers, cancels the third last and the second last, and waits for the rest."""
    found = pair(bench)
    lengths = [LENGTH] * DEPTH
    transfers = queue(bench, found.out, found, lengths)
    for each in (transfers[-3], transfers[-2]):
        bench.host.cancel(each)
    settle(bench, transfers)
    for number, each in enumerate(transfers):
        should = Status.CANCELLED if number in (DEPTH - 3, DEPTH - 2) else Status.COMPLETED
        bench.note(f"transfer {number} of {DEPTH} queued, {DEPTH - 3} and {DEPTH - 2} cancelled", each.status.value)
        bench.expect(each.status is should, should.value)
    put(bench, found, LENGTH)


def rate(bench: Bench, found: Pair, endpoint: EndpointDescriptor, move: Callable[[Pair], None], number: int) -> None:
    """So many packets of an interrupt endpoint, at no less than one for each interval and one frame more."""
    began = bench.link.now
    move(found)
    seconds = bench.link.now - began
    interval = max(1, endpoint.bInterval)
    bench.note(f"{number} packets, every {interval} ms", f"{seconds * 1000:.3f} ms")
    bench.expect(seconds <= (number + 1) * interval * 0.001 + 0.001, f"at most {(number + 1) * interval + 1} ms")


@check("UT25")
def interrupt_out(bench: Bench) -> None:
    """Sends 8 packets in one transfer and looks at the time."""
    found = pair(bench, INTERRUPT)
    rate(bench, found, found.out, lambda each: put(bench, each, COUNT * each.out.max_packet_size), COUNT)


@check("UT26")
def interrupt_in(bench: Bench) -> None:
    """Reads 8 packets in one transfer and looks at the time."""
    found = pair(bench, INTERRUPT)
    rate(bench, found, found.into, lambda each: get(bench, each, COUNT * each.into.max_packet_size), COUNT)


def throughput(bench: Bench, move: Callable[[Pair, int], None]) -> None:
    """8192 bytes in one transfer; at least a packet a frame."""
    found = pair(bench)
    began = bench.link.now
    move(found, LONG)
    seconds = bench.link.now - began
    bench.note(f"{LONG} bytes", f"{seconds * 1000:.3f} ms, {LONG / seconds / 1000:.0f} kB/s")
    least = LONG // found.out.max_packet_size
    bench.expect(seconds <= least * 0.001, f"at most {least} ms")


@check("UT27")
def bulk_out_rate(bench: Bench) -> None:
    """Sends 8192 bytes and looks at the time; 19 packets of 64 bytes fit in a frame."""
    throughput(bench, lambda found, length: put(bench, found, length))


@check("UT28")
def bulk_in_rate(bench: Bench) -> None:
    """Reads 8192 bytes and looks at the time; 19 packets of 64 bytes fit in a frame."""
    throughput(bench, lambda found, length: get(bench, found, length))


@check("UT29")
def clear_toggle(bench: Bench) -> None:
    """Moves 1 and 2 packets, clears a halt that is not there, and looks at the next PID, or whether all goes on.

    A packet that the sink drops as a repetition is acknowledged like any other; so a sink that checks its pattern is
    given a wrong packet first: it must halt, which shows that it has looked.
    """
    found = pair(bench)
    sink_checks = spoiled(bench, found)
    for number in (1, 2, 1, 2):
        put(bench, found, number * found.out.max_packet_size)
        bench.clear_halt(found.out)
        if sink_checks:
            bench.note("CLEAR_FEATURE(ENDPOINT_HALT), then a wrong packet with DATA0", "the sink has not looked at it")
            bench.expect(spoiled(bench, found), "DATA0 taken, and the sink halted")
        put(bench, found, LENGTH)
        get(bench, found, number * found.into.max_packet_size)
        bench.clear_halt(found.into)
        if bench.link.raw is not None:
            packet = bench.data_in(found.into.bEndpointAddress)
            bench.expect(packet is not None and packet.pid is Pid.DATA0, "DATA0")
            bench.clear_halt(found.into)
        get(bench, found, LENGTH)


def spoiled(bench: Bench, found: Pair) -> bool:
    """Whether the sink halts at a packet that is not the pattern; leaves it as it was."""
    wrong = bytes(byte ^ 0x55 for byte in found.data(found.out.max_packet_size))
    bench.link.transfer(bench.pipe(found.out), wrong, 0, 1.0, False)
    halted = bench.link.transfer(bench.pipe(found.out), found.data(1), 0, 1.0, False).stalled
    if halted:
        bench.clear_halt(found.out)
    return halted
