"""EP: data endpoints (USB 2.0, 5.6 to 5.8, 8.5.2, 8.5.5, 8.6)."""

from __future__ import annotations

import functools

from renode_pico.usb import requests
from renode_pico.usb.transfer import Status, Transfer, TransferType
from renode_pico.usb.wire import Fault, Pid
from renode_pico.verify.bench import PATIENCE, Bench, is_ack, is_nak, words
from renode_pico.verify.loop import LINE, QUIET, ROUNDS, Loop, letters, loop, open_ports, raw_loop
from renode_pico.verify.table import check

NAKS = 10_000
NEWS = 64
"""Packets after which an endpoint is taken to have always something to say."""
OVERSIZE = (1, 16, 192)
"""Bytes by which a packet is too long."""
BUSY = 0.1
"""Seconds for which everything is busy at once, in slices."""
SLICES = 5
OUT_FAULTS = (Fault.CRC, Fault.BIT_STUFF, Fault.LOST_DATA, Fault.LOST_HANDSHAKE)
IN_FAULTS = (Fault.CRC, Fault.LOST_HANDSHAKE)


@check("EP1")
def ep1(bench: Bench) -> None:
    """Moves packets, sets the configuration, sends DATA0 and looks at the PID of what comes back."""
    for packets in ROUNDS:
        pair = raw_loop(bench)
        for _ in range(packets):
            data = letters(bench, 3)
            pair.put(data)
            pair.expect(data, pair.gather(3))
        bench.configure()
        open_ports(bench)
        data = letters(bench, 3)
        pair.put(data)
        packet = bench.data_in(pair.into.bEndpointAddress)
        bench.expect(packet is not None and packet.pid is Pid.DATA0, "DATA0 first")
        assert packet is not None
        bench.toggle(pair.into)
        came = packet.data
        while not came.endswith(data) and (more := pair.take(timeout=QUIET)) is not None:
            came += more
        pair.expect(data, came[-3:] if came.endswith(data) else came)  # behind what is said to whoever opens a port


@check("EP2")
def ep2(bench: Bench) -> None:
    """Looks at the length of every packet that each IN endpoint sends, a loop's with data."""
    bench.to_configured()
    found = False
    for endpoint in bench.endpoints(TransferType.BULK, TransferType.INTERRUPT, into=True):
        for _ in range(4):
            packet = bench.tx_in(endpoint.bEndpointAddress)
            if packet is not None and packet.pid in (Pid.DATA0, Pid.DATA1):
                found = True
                bench.expect(len(packet.data) <= endpoint.max_packet_size, f"at most {endpoint.max_packet_size} bytes")
    pair = bench.optional(lambda: raw_loop(bench))
    if pair is None:
        if not found:
            bench.skip("no endpoint has sent a packet")
        return
    size = pair.out.max_packet_size
    for _ in range(2):
        pair.put(letters(bench, size))
    bench.run(0.01)
    limit = pair.into.max_packet_size
    while (packet := bench.data_in(pair.into.bEndpointAddress, 0.02)) is not None and not is_nak(packet):
        bench.expect(packet.pid in (Pid.DATA0, Pid.DATA1) and len(packet.data) <= limit, f"at most {limit} bytes")
        bench.toggle(pair.into)


@check("EP3")
def ep3(bench: Bench) -> None:
    """Sends transfers of lengths about the packet size through a loop."""
    pair = loop(bench)
    size = pair.out.max_packet_size
    for length in (1, size - 1, size, size + 1, 2 * size, 2 * size + 1):
        pair.clear()
        bench.expect(pair.passes(letters(bench, min(length, LINE))), f"the same {length} bytes")


@check("EP4")
def ep4(bench: Bench) -> None:
    """Asks an IN endpoint that has nothing 10,000 times, then sends data through the loop."""
    pair = raw_loop(bench)
    for _ in range(NAKS):
        answer = bench.tx_in(pair.into.bEndpointAddress)
        bench.expect(is_nak(answer), "NAK")
    data = letters(bench, 40)
    pair.put(data)
    pair.expect(data, pair.gather(len(data)))


@check("EP5")
def ep5(bench: Bench) -> None:
    """Reads interrupt endpoints until they have no more news."""
    bench.to_configured()
    endpoints = bench.endpoints(TransferType.INTERRUPT, into=True)
    if not endpoints:
        bench.skip("the device has no interrupt IN endpoint")
    for endpoint in endpoints:
        for _ in range(NEWS):
            answer = bench.tx_in(endpoint.bEndpointAddress)
            bench.expect(answer is not None and answer.pid is not Pid.STALL, "NAK, or data")
            assert answer is not None
            if answer.pid is Pid.NAK:
                break
            bench.expect(answer.data, "NAK: an empty packet is no news")
            bench.run(0.001 * endpoint.interval)
        else:
            bench.advise(f"endpoint {endpoint.bEndpointAddress:#04x} always has news: its NAK was not seen")


@check("EP6")
def ep6(bench: Bench) -> None:
    """Selects each setting with isochronous endpoints, reads and writes them frame by frame, leaves frames out."""
    settings = [s for s in bench.tree.settings() if any(e.type is TransferType.ISOCHRONOUS for e in s.endpoints)]
    if not settings:
        bench.skip("the device has no isochronous endpoint")
    bench.to_configured()
    for setting in settings:
        bench.select(setting)
        for endpoint in setting.endpoints:
            if endpoint.type is not TransferType.ISOCHRONOUS:
                continue
            address = endpoint.bEndpointAddress
            for frame in range(8):
                bench.run(0.001 * (1 + frame % 3))
                if address & 0x80:
                    packet = bench.tx_in(address, isochronous=True)
                    good = packet is None or (packet.pid is Pid.DATA0 and len(packet.data) <= endpoint.max_packet_size)
                    bench.expect(good, f"DATA0 of at most {endpoint.max_packet_size} bytes, or nothing")
                else:
                    data = bench.rng.randbytes(min(8, endpoint.max_packet_size))
                    bench.expect(bench.tx_out(address, Pid.DATA0, data) is None, "no handshake")


@check("EP7")
def ep7(bench: Bench) -> None:
    """Spoils each packet of a transfer once with each fault, on the way out and back; repeats old packets."""
    pair = raw_loop(bench)
    size = pair.out.max_packet_size
    for fault in OUT_FAULTS:
        pair.clear()
        came, sent = b"", b""
        for length in (5, size, 9):
            data = letters(bench, length)
            pair.send(data, fault)
            bench.expect(is_ack(pair.send(data)), "ACK for the packet sent again")
            bench.toggle(pair.out)
            sent += data
            came += pair.gather(length)
        pair.expect(sent, came + pair.drain())
    for fault in IN_FAULTS:
        pair.clear()
        data = letters(bench, 20)
        pair.put(data)
        lost = bench.tx_in(pair.into.bEndpointAddress, fault, patience=PATIENCE)
        again = bench.tx_in(pair.into.bEndpointAddress)
        if fault is Fault.LOST_HANDSHAKE:
            bench.expect(lost == again, f"the same packet again: {words(lost)}")
        bench.expect(again is not None and again.pid is bench.pid(pair.into), "the packet again, with its toggle")
        assert again is not None
        bench.toggle(pair.into)
        pair.expect(data, again.data + pair.gather(len(data) - len(again.data)) + pair.drain())


@check("EP8")
def ep8(bench: Bench) -> None:
    """Cancels reads of which nothing comes, and a long write in the middle; then data passes."""
    pair = loop(bench)
    for wait in (0.0001, 0.001, 0.01):
        bench.expect(bench.read(pair.into, 4096, wait).status is not Status.STALLED, "no STALL")
        bench.expect(pair.passes(letters(bench, 10)), "the same 10 bytes after a cancelled read")
    pair.clear()
    bench.write(pair.out, letters(bench, 3 * pair.out.max_packet_size), 0.0001)
    pair.drain()
    pair.clear()
    bench.expect(pair.passes(letters(bench, 10)), "the same 10 bytes after a cancelled write")


@check("EP9")
def ep9(bench: Bench) -> None:
    """Sends packets longer than wMaxPacketSize, then a good one with the same toggle, and reads the device."""
    pair = raw_loop(bench)
    size = pair.out.max_packet_size
    for more in OVERSIZE:
        answer = bench.tx_out(pair.out.bEndpointAddress, bench.pid(pair.out), letters(bench, size + more))
        bench.expect(not is_ack(answer), f"no ACK for a packet of {size + more} bytes")
        if answer is not None and answer.pid is Pid.STALL:
            bench.clear_halt(pair.out)
        data = letters(bench, 10)
        pair.put(data)
        pair.expect(data, pair.gather(len(data)) + pair.drain())
    bench.expect(bench.get(requests.get_descriptor(1, 0, 0, 18)) == bench.tree.device, "the device descriptor")


@check("EP10")
def ep10(bench: Bench) -> None:
    """Keeps a loop, every other IN endpoint and endpoint 0 busy, and looks in slices of 20 ms at what has moved."""
    pair = loop(bench)
    if bench.link.host is None:
        _in_turn(bench, pair)
        return
    host = bench.host
    others = [e for e in bench.endpoints(TransferType.BULK, TransferType.INTERRUPT, into=True) if e != pair.into]
    waiting = [host.submit(bench.pipe(endpoint), length=endpoint.max_packet_size) for endpoint in others]
    try:
        for _ in range(SLICES):
            data = letters(bench, 16)
            out = host.submit(bench.pipe(pair.out), data, timeout=BUSY / SLICES)
            into = host.submit(bench.pipe(pair.into), length=pair.into.max_packet_size, timeout=BUSY / SLICES)
            answer = bench.control(requests.get_status(), timeout=BUSY / SLICES)
            bench.expect(answer.ok, "the status within 20 ms")
            host.wait_until(functools.partial(_over, (out, into)), 0.1)
            bench.expect(out.status is Status.COMPLETED and into.data, "some of them within 20 ms")
            pair.drain()
    finally:
        for transfer in waiting:
            host.cancel(transfer)


def _over(transfers: tuple[Transfer, ...]) -> bool:
    return all(transfer.status is not Status.PENDING for transfer in transfers)


def _in_turn(bench: Bench, pair: Loop) -> None:
    """What a host can do that makes one transfer at a time."""
    for _ in range(SLICES):
        bench.expect(pair.passes(letters(bench, 16)), "the same 16 bytes")
        bench.status()


@check("EP11")
def ep11(bench: Bench) -> None:
    """Sends numbered packets until NAK, reads them, halts the endpoint, and goes on: they come back in order."""
    pair = raw_loop(bench)
    for round_ in range(3):
        pair.clear()
        sent = b""
        for number in range(6):
            data = bytes([ord("a") + number]) * 8
            answer = bench.tx_out(pair.out.bEndpointAddress, bench.pid(pair.out), data)
            if is_nak(answer):
                break
            bench.expect(is_ack(answer), "ACK or NAK")
            bench.toggle(pair.out)
            sent += data
        pair.expect(sent, pair.gather(len(sent)) + pair.drain())
        if round_ == 1:
            bench.set_halt(pair.out)
            bench.expect(bench.tx_out(pair.out.bEndpointAddress, bench.pid(pair.out), b"z") is not None, "STALL")
            bench.clear_halt(pair.out)
