"""AT: attach, reset, address (USB 2.0, 7.1.5, 7.1.7, 9.1, 9.4.6)."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.transfer import TransferType
from renode_pico.usb.wire import Fault, Packet, Pid
from renode_pico.verify.bench import ADDRESS, PATIENCE, SET_ADDRESS_RECOVERY, Bench, is_ack
from renode_pico.verify.loop import ROUNDS, letters, loop, open_ports
from renode_pico.verify.table import check

BOOT = 1.0
"""Seconds that a device with its cable out is watched."""
ATTACH = 0.1
"""T_SIGATT (7.1.7.3)."""
ENUMERATIONS = 150
STATUS_STAGE = 0.05
"""What SET_ADDRESS may take (9.2.6.3)."""
DEVICE = requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 18)


def _fresh(bench: Bench) -> None:
    if not bench.host.plugged:
        bench.run(BOOT)


@check("AT1")
def at1(bench: Bench) -> None:
    """Powers the device by other means than the cable, looks at the pull-up, puts the cable in and pulls it again."""
    raw = bench.raw
    _fresh(bench)
    bench.note(f"no VBUS for {BOOT:g} s", "pull-up on" if raw.pulled_up else "pull-up off")
    bench.expect(not raw.pulled_up, "pull-up off")
    bench.attach()
    bench.host.unplug()
    bench.run(BOOT)
    bench.note(f"VBUS, then none for {BOOT:g} s", "pull-up on" if raw.pulled_up else "pull-up off")
    bench.expect(not raw.pulled_up, "pull-up off")


@check("AT2")
def at2(bench: Bench) -> None:
    """Lets the device boot once, powers it on anew by its cable, and waits for the pull-up."""
    raw, host = bench.raw, bench.host
    restart = bench.restart
    if restart is None:
        bench.skip("nobody can power it on anew")
    _fresh(bench)
    restart(plugged=True)
    begin = bench.link.now
    while not raw.pulled_up and bench.link.now < begin + 10:
        bench.run(0.001)
    took = bench.link.now - begin
    bench.note("VBUS", f"pull-up after {took * 1000:.0f} ms" if host.attached else "no pull-up within 10 s")
    bench.expect(raw.pulled_up and took <= ATTACH, "pull-up within 100 ms")


@check("AT3")
def at3(bench: Bench) -> None:
    """Puts the cable in, does not reset, and sends SETUP, IN and OUT tokens to address 0."""
    _fresh(bench)
    bench.attach()
    silence = "silence before the first reset"
    bench.expect(bench.tx_setup(DEVICE, address=0) is None, silence)
    bench.expect(bench.tx_in(0, address=0) is None, silence)
    bench.expect(bench.tx_out(0, Pid.DATA1, b"", address=0) is None, silence)


@check("AT4")
def at4(bench: Bench) -> None:
    """Resets the bus and asks for the device descriptor at once after 10 ms."""
    bench.need_reset()
    for _ in range(3):
        bench.to_default()
        bench.expect(len(bench.get(DEVICE)) == 18, "18 bytes")


def _stages(bench: Bench) -> list[tuple[str, Callable[[], object]]]:
    """Places at which a reset comes."""
    read = requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, 255)
    places: list[tuple[str, Callable[[], object]]] = [
        ("SETUP", lambda: bench.tx_setup(read)),
        ("the first data packet", lambda: bench.tx_control_in(read, packets=1)),
        ("a data packet without ACK", lambda: (bench.tx_setup(read), bench.tx_in(0, Fault.CRC, patience=PATIENCE))),
        ("the data stage", lambda: bench.tx_control_in(read)),
        ("SETUP of SET_CONFIGURATION", lambda: bench.tx_setup(requests.set_configuration(0))),
        ("a refused request", lambda: (bench.tx_setup(requests.get_descriptor(0xFF, 0, 0, 8)), bench.data_in(0))),
    ]
    for endpoint in bench.tree.endpoints():
        address = endpoint.bEndpointAddress
        if endpoint.type is TransferType.ISOCHRONOUS:
            continue
        if address & 0x80:
            places.append((f"IN {address:#04x}", lambda a=address: bench.tx_in(a)))  # type: ignore[misc]
        elif endpoint.type is TransferType.BULK:
            places.append((f"OUT {address:#04x}", lambda a=address: bench.tx_out(a, Pid.DATA0, b"a")))  # type: ignore[misc]
    return places


@check("AT5")
def at5(bench: Bench) -> None:
    """Resets the bus in each stage of control transfers and in bulk and interrupt transfers; then at address 0."""
    _ = bench.raw
    _ = bench.tree
    for name, begin in _stages(bench):
        bench.to_configured()
        begin()
        bench.host.reset()
        bench.expect(bench.tx_setup(DEVICE) is None, f"silence at the old address after a reset behind {name}")
        bench.address = 0
        bench.expect(len(bench.get(DEVICE)) == 18, f"18 bytes at address 0 after a reset behind {name}")
        bench.do(requests.set_address(ADDRESS))
        bench.run(SET_ADDRESS_RECOVERY)
        bench.address = ADDRESS
        bench.expect(bench.get(requests.get_configuration()) == b"\0", "00: a reset leaves it not configured")


@check("AT6")
def at6(bench: Bench) -> None:
    """Moves packets, resets, moves more; then halts endpoints, allows remote wake-up, resets: all that is gone."""
    bench.need_reset()
    said: set[bytes] = set()
    for packets in ROUNDS:
        pair = bench.optional(lambda: loop(bench))
        if pair is None:
            break
        pair.packets(packets)
        bench.to_configured()
        open_ports(bench)
        said.add(pair.greeting(letters(bench, 3), "the same 3 bytes, DATA0 first after a reset"))
        bench.expect(len(said) == 1, "the same greeting, DATA0 first after a reset")
    bench.to_configured()
    if bench.tree.first.bmAttributes & 0x20:
        bench.do(requests.set_feature(requests.DEVICE_REMOTE_WAKEUP))
    endpoints = bench.endpoints(TransferType.BULK, TransferType.INTERRUPT)
    for endpoint in endpoints:
        bench.set_halt(endpoint)
    bench.to_configured()
    for endpoint in endpoints:
        bench.expect(not bench.halted(endpoint), "no halt after a reset")
    bench.expect(not bench.status() & 2, "D1 zero after a reset")


@check("AT7")
def at7(bench: Bench) -> None:
    """Enumerates with random addresses; in one of ten a reset comes after a random number of requests."""
    bench.need_reset()
    tree = bench.tree
    for number in range(ENUMERATIONS if bench.link.host is not None else 10):
        address = bench.rng.randint(1, 127)
        steps: list[Callable[[], object]] = [
            bench.to_default,
            lambda: bench.get(requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 64)),
            lambda a=address: bench.to_address(a),  # type: ignore[misc]
            lambda: bench.expect(bench.get(DEVICE) == tree.device, "the device descriptor"),
            lambda: bench.get(requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, 255)),
            bench.configure,
            bench.status,
        ]
        if number % 10 == 9:
            for step in steps[: bench.rng.randint(1, len(steps) - 1)]:
                step()
        for step in steps:
            step()


@check("AT8")
def at8(bench: Bench) -> None:
    """Sends SETUP and IN tokens to other addresses in the Default and the Address state."""

    def silent(address: int) -> None:
        bench.expect(bench.tx_setup(DEVICE, address=address) is None, f"silence at address {address}")
        bench.expect(bench.tx_in(0, address=address) is None, f"silence at address {address}")

    bench.to_default()
    for address in (1, ADDRESS, 127):
        silent(address)
    bench.to_address()
    for address in (0, ADDRESS + 1, ADDRESS | 0x40):
        silent(address)
    bench.expect(bench.get(DEVICE), "the device descriptor at its own address")


@check("AT9")
def at9(bench: Bench) -> None:
    """Sends IN and OUT tokens to every endpoint number that the configured device does not have."""
    bench.to_configured()
    known = {endpoint.bEndpointAddress for endpoint in bench.tree.endpoints()}
    for number in range(1, 16):
        if number | 0x80 not in known:
            bench.expect(bench.tx_in(number) is None, f"silence at IN endpoint {number}, which it does not have")
        if number not in known:
            answer = bench.tx_out(number, Pid.DATA0, b"a")
            bench.expect(answer is None, f"silence at OUT endpoint {number}, which it does not have")


@check("AT10")
def at10(bench: Bench) -> None:
    """SET_ADDRESS by single transactions: status stage at the old address, then tokens to the new one and the old."""
    bench.to_default()
    begin = bench.link.now
    bench.expect(is_ack(bench.tx_setup(requests.set_address(ADDRESS))), "ACK")
    bench.expect(bench.data_in(0, STATUS_STAGE * 2) == Packet(Pid.DATA1), "the status stage at the old address")
    took = bench.link.now - begin
    bench.note(bench.sent, f"the status stage after {took * 1000:.1f} ms")
    bench.expect(took <= STATUS_STAGE, "within 50 ms")
    bench.run(SET_ADDRESS_RECOVERY)
    bench.expect(bench.tx_setup(DEVICE, address=0) is None, "silence at the old address")
    bench.address = ADDRESS
    bench.expect(is_ack(bench.tx_setup(DEVICE)), "ACK at the new address 2 ms later")


@check("AT11")
def at11(bench: Bench) -> None:
    """SET_ADDRESS(0) to an addressed device, then requests at both addresses."""
    bench.to_address()
    bench.do(requests.set_address(0))
    bench.run(SET_ADDRESS_RECOVERY)
    bench.expect(bench.tx_setup(DEVICE) is None, "silence at the old address")
    bench.address = 0
    bench.expect(len(bench.get(DEVICE)) == 18, "18 bytes at address 0")
    bench.do(requests.set_address(ADDRESS))
    bench.run(SET_ADDRESS_RECOVERY)
    bench.address = ADDRESS
    bench.expect(len(bench.get(DEVICE)) == 18, "18 bytes at the new address")


@check("AT12")
def at12(bench: Bench) -> None:
    """Enumerates at both and reads."""
    for address in (1, 127):
        bench.to_configured(address=address)
        bench.expect(bench.get(DEVICE) == bench.tree.device, f"the device descriptor at address {address}")
