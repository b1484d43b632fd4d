"""CP: the control pipe's protocol (USB 2.0, 5.5, 8.5.3, 8.6, 9.2.6)."""

from __future__ import annotations

from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import Fault, Packet, Pid, Stray
from renode_pico.verify.bench import PATIENCE, Bench, is_ack, is_stall, words
from renode_pico.verify.store import LARGEST, Store, store
from renode_pico.verify.table import check

DEVICE = requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 18)
REFUSED = requests.get_descriptor(0xFF, 0, 0, 8)
ANSWER_BITS = 7.5
"""Bit times within which a device with a detachable cable answers (7.1.18)."""
NO_DATA, DATA, STATUS, ALL = 0.05, 0.5, 0.05, 5.0
"""Seconds (9.2.6.4)."""
COARSE = 2
"""How much longer things take where an operating system is between."""


def _configuration(bench: Bench) -> Setup:
    """A control read of several packets where there is one."""
    return requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, len(bench.tree.raw_configurations[0]))


def _reads(bench: Bench, why: str) -> None:
    bench.expect(bench.get(DEVICE) == bench.tree.device, f"the device descriptor, {why}")


def _packets(bench: Bench, store_: Store, data: bytes) -> list[bytes]:
    """The packets of a control write."""
    size = bench.packet_size
    return [data[at : at + size] for at in range(0, len(data), size)]


@check("CP1")
def cp1(bench: Bench) -> None:
    """Sends a SETUP behind a SETUP, in a data stage, behind a STALL, in a status stage, and behind an OUT packet."""
    bench.to_address()
    read = _configuration(bench)
    situations = (
        ("another SETUP", lambda: bench.tx_setup(read)),
        ("a data packet", lambda: bench.tx_control_in(read, packets=1)),
        ("a STALL", lambda: (bench.tx_setup(REFUSED), bench.data_in(0))),
        ("a data stage", lambda: bench.tx_control_in(read)),
        ("a SETUP without data stage", lambda: bench.tx_setup(requests.get_status())),
        ("an OUT token in a data stage", lambda: (bench.tx_setup(read), bench.tx_out(0, Pid.DATA1, b""))),
    )
    for name, begin in situations:
        begin()
        for _ in range(2):
            bench.expect(is_ack(bench.tx_setup(DEVICE)), f"ACK for a SETUP behind {name}")
        _reads(bench, f"behind {name}")


@check("CP2")
def cp2(bench: Bench) -> None:
    """Spoils the SETUP of SET_CONFIGURATION and of GET_DESCRIPTOR."""
    bench.to_address()
    _ = bench.tree
    value = bench.tree.first.bConfigurationValue
    for fault in (Fault.CRC, Fault.BIT_STUFF, Fault.LOST_DATA):
        bench.expect(bench.tx_setup(requests.set_configuration(value), fault) is None, "silence")
        bench.run(0.005)
        bench.expect(bench.get(requests.get_configuration()) == b"\0", "00: the spoiled SETUP had no effect")
        bench.expect(bench.tx_setup(DEVICE, fault) is None, "silence")
        _reads(bench, "after a spoiled SETUP")


@check("CP3")
def cp3(bench: Bench) -> None:
    """Begins a control read, and a control write where there is one, stops after each packet, and reads the device."""
    bench.to_configured()
    read = _configuration(bench)
    count = -(-read.wLength // bench.packet_size)
    for packets in range(count + 1):
        bench.tx_control_in(read, packets=packets)
        _reads(bench, f"behind {packets} packets of another read")
    bench.expect(bench.get(read) == bench.tree.raw_configurations[0], "the configuration descriptor")
    bench.tx_setup(requests.get_status())
    _reads(bench, "behind a SETUP")
    bench.tx_setup(requests.set_configuration(bench.tree.first.bConfigurationValue))
    _reads(bench, "before the status stage of a request without data")
    try_store = bench.optional(lambda: store(bench))
    if try_store is None:
        return
    data = try_store.data(bench, try_store.length)
    parts = _packets(bench, try_store, data)
    for sent in range(len(parts) + 1):
        bench.tx_setup(try_store.write(len(data)))
        pid = Pid.DATA1
        for part in parts[:sent]:
            bench.expect(is_ack(bench.data_out(0, pid, part)), "ACK")
            pid = pid.toggled
        _reads(bench, f"behind {sent} packets of a write")


@check("CP4")
def cp4(bench: Bench) -> None:
    """Looks at the PIDs of a control read of all packets, of its status stage and of that of a request without data."""
    bench.to_address()
    read = _configuration(bench)
    expected = Pid.DATA1
    for packet in bench.tx_control_in(read):
        bench.note(f"IN tokens behind {read}", words(packet))
        bench.expect(packet.pid is expected, expected.name)
        expected = expected.toggled
    bench.tx_status_out()
    for value in (bench.tree.first.bConfigurationValue, 0):
        bench.tx_setup(requests.set_configuration(value))
        bench.tx_status_in()


@check("CP5")
def cp5(bench: Bench) -> None:
    """Configures the device by single transactions and looks at its endpoints as soon as the status stage is over."""
    bench.to_address()
    first = bench.tree.first
    endpoints = [endpoint for endpoint in bench.tree.endpoints() if endpoint.bEndpointAddress & 0x80]
    bench.tx_setup(requests.set_configuration(first.bConfigurationValue))
    bench.expect(bench.data_in(0) == Packet(Pid.DATA1), "the status stage")
    for endpoint in endpoints:
        if endpoint.type.name != "ISOCHRONOUS":
            answer = bench.tx_in(endpoint.bEndpointAddress)
            bench.expect(answer is not None, "an endpoint that answers, as the configuration is set")
    came = bench.get(requests.get_configuration())
    bench.expect(came == bytes([first.bConfigurationValue]), "the configuration in use")


@check("CP6")
def cp6(bench: Bench) -> None:
    """Reads one packet of a longer answer, goes to the status stage, and makes the next request."""
    bench.to_address()
    read = _configuration(bench)
    if read.wLength <= bench.packet_size:
        bench.skip("the device has no descriptor of more than one packet")
    bench.tx_control_in(read, packets=1)
    bench.expect(is_ack(bench.data_out(0, Pid.DATA1, b"")), "ACK for the early status stage")
    _reads(bench, "after an early status stage")


@check("CP7")
def cp7(bench: Bench) -> None:
    """Asks for less than there is, and for more where a descriptor is a whole number of packets."""
    tree, size = bench.tree, bench.packet_size
    bench.to_default()
    for length in (1, 8, 9, 18, size - 1, size, size + 1):
        answer = bench.control(requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, length))
        whole = tree.raw_configurations[0]
        bench.expect(answer.ok and answer.data == whole[:length], f"{min(length, len(whole))} bytes")
    whole_packets = 0
    for kind, index, language in _descriptors(bench):
        answer = bench.control(requests.get_descriptor(kind, index, language, 0xFFFF))
        if not answer.ok:
            bench.expect(answer.stalled, "a descriptor, ended by an empty packet if it is whole packets long")
            continue
        if answer.data and len(answer.data) % size == 0:
            whole_packets += 1
            bench.note(bench.sent, f"packets of {answer.packets} bytes")
            bench.expect(not answer.packets or answer.packets[-1] == 0, "an empty packet at the end")
    if not whole_packets:
        bench.advise("no descriptor is a whole number of packets long: the empty packet was not seen")


def _descriptors(bench: Bench) -> list[tuple[int, int, int]]:
    found = [(int(DescriptorType.DEVICE), 0, 0), (int(DescriptorType.CONFIGURATION), 0, 0)]
    table = bench.control(requests.get_descriptor(DescriptorType.STRING, 0, 0, 255))
    if table.ok and len(table.data) >= 4:
        language = int.from_bytes(table.data[2:4], "little")
        found += [(int(DescriptorType.STRING), index, language) for index in range(1, 8)]
    return found


@check("CP8")
def cp8(bench: Bench) -> None:
    """Makes reads and writes with wLength 0, and a read behind each."""
    bench.to_address()
    value = bench.tree.first.bConfigurationValue
    for setup in (
        requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 0),
        requests.get_descriptor(DescriptorType.CONFIGURATION, 0, 0, 0),
        requests.set_configuration(value),
    ):
        answer = bench.do(setup)
        bench.expect(not answer.data, "no data stage")
        _reads(bench, "after a request without data stage")


@check("CP9")
def cp9(bench: Bench) -> None:
    """Makes a request that is refused, sends further tokens, and makes a good one."""
    bench.to_address()
    if bench.link.raw is not None:
        bench.tx_setup(REFUSED)
        for _ in range(3):
            bench.expect(is_stall(bench.data_in(0)), "STALL")
        bench.expect(is_stall(bench.tx_out(0, Pid.DATA1, b"")), "STALL on an OUT token, too")
        _reads(bench, "behind a STALL")
        bench.tx_setup(requests.set_feature(0xFFFF))
        for _ in range(3):
            bench.expect(is_stall(bench.data_in(0)), "STALL")
        _reads(bench, "behind a STALL")
    bench.refused(REFUSED)
    _reads(bench, "behind a STALL")
    data = bytes(8)
    bench.refused(Setup(0x00, 0xF7, 0, 0, len(data)), data)
    _reads(bench, "behind a refused write")


@check("CP10")
def cp10(bench: Bench) -> None:
    """Makes them a few times, with reads and writes."""
    bench.to_address()
    for _ in range(5):
        bench.refused(REFUSED)
        bench.refused(requests.set_feature(0xFFFF))
        _reads(bench, "behind two refused requests")


@check("CP11")
def cp11(bench: Bench) -> None:
    """Acknowledges all data packets of a control read but the last, and goes to the status stage."""
    bench.to_address()
    bench.tx_setup(DEVICE)
    size = bench.packet_size
    for _ in range(-(-18 // size) - 1):
        bench.data_in(0)
    last = bench.tx_in(0, Fault.LOST_HANDSHAKE, patience=PATIENCE)
    bench.expect(last is not None and last.data, "the last data packet")
    bench.expect(is_ack(bench.data_out(0, Pid.DATA1, b"")), "ACK for the status stage")
    _reads(bench, "after a lost ACK")


@check("CP12")
def cp12(bench: Bench) -> None:
    """Leaves out the ACK of each packet of a control read once."""
    bench.to_address()
    read = _configuration(bench)
    bench.tx_setup(read)
    came, size = b"", bench.packet_size
    while len(came) < read.wLength:
        first = bench.tx_in(0, Fault.LOST_HANDSHAKE, patience=PATIENCE)
        again = bench.data_in(0)
        bench.expect(first == again and again is not None, f"the same packet again: {words(first)}")
        assert again is not None
        came += again.data
        if len(again.data) < size:
            break
    bench.tx_status_out()
    bench.note(str(read), f"{len(came)} bytes")
    bench.expect(came == bench.tree.raw_configurations[0], "the descriptor, no byte twice")


def _write(bench: Bench, spoil: Fault | None, *, twice: bool = False) -> None:
    """A control write in which each packet is spoiled once, or sent twice; then it is read back."""
    bench.to_configured()
    place = store(bench)
    data = place.data(bench, place.length)
    bench.expect(is_ack(bench.tx_setup(place.write(len(data)))), "ACK")
    pid = Pid.DATA1
    for part in _packets(bench, place, data):
        if spoil is not None:
            bench.expect(bench.tx_out(0, pid, part, spoil, patience=PATIENCE) is None, "silence")
        bench.expect(is_ack(bench.data_out(0, pid, part)), "ACK")
        if twice:
            bench.expect(is_ack(bench.data_out(0, pid, part)), "ACK for the packet that was sent again")
        pid = pid.toggled
    bench.tx_status_in()
    bench.expect(bench.get(place.read(len(data))) == data, f"what was written: {data[:24].hex(' ')}")


@check("CP13")
def cp13(bench: Bench) -> None:
    """Spoils each packet of a control write once, by CRC, by bit stuffing, by its loss; then reads back."""
    for fault in (Fault.CRC, Fault.BIT_STUFF, Fault.LOST_DATA):
        _write(bench, fault)


@check("CP14")
def cp14(bench: Bench) -> None:
    """Sends each packet of a control write twice, as if its ACK had been lost; then reads back."""
    _write(bench, None, twice=True)


@check("CP15")
def cp15(bench: Bench) -> None:
    """Asks the wire how long the device takes, and sends an ACK 20 bit times after a data packet."""
    raw = bench.raw
    bits = raw.answer_bits
    bench.to_address()
    if bits is not None:
        bench.note("a token", f"an answer after {bits:g} bit times")
        bench.expect(bits <= ANSWER_BITS, f"at most {ANSWER_BITS:g}")
    bench.tx_setup(DEVICE)
    first = bench.tx_in(0, Fault.LOST_HANDSHAKE, patience=PATIENCE)
    bench.host.stray(Stray.LATE_ACK, address=bench.address)
    again = bench.data_in(0)
    bench.note("an ACK 20 bit times after the data packet, then IN", words(again))
    bench.expect(first == again, f"the same packet again: {words(first)}")


@check("CP16")
def cp16(bench: Bench) -> None:
    """Takes the time of requests without data, and of each stage of a read."""
    bench.to_address()
    slack = 1 if bench.link.host is not None else COARSE
    value = bench.tree.first.bConfigurationValue
    for setup in (requests.set_configuration(0), requests.set_configuration(value)):
        answer = bench.do(setup)
        bench.note(bench.sent, f"done after {answer.seconds * 1000:.1f} ms")
        bench.expect(answer.seconds <= NO_DATA * slack, "at most 50 ms")
    read = _configuration(bench)
    answer = bench.control(read)
    bench.expect(answer.ok and answer.seconds <= ALL, "at most 5 s")
    if bench.link.raw is None:
        return
    begin = bench.link.now
    bench.tx_setup(read)
    came = 0
    while came < read.wLength:
        packet = bench.data_in(0, DATA * 2)
        took, begin = bench.link.now - begin, bench.link.now
        bench.expect(packet is not None and packet.pid in (Pid.DATA0, Pid.DATA1), "a data packet")
        assert packet is not None
        bench.note("IN", f"a data packet after {took * 1000:.1f} ms")
        bench.expect(took <= DATA, "within 500 ms")
        came += len(packet.data)
        if len(packet.data) < bench.packet_size:
            break
    bench.expect(is_ack(bench.data_out(0, Pid.DATA1, b"", STATUS * 2)), "ACK")
    took = bench.link.now - begin
    bench.note("the status stage", f"ACK after {took * 1000:.1f} ms")
    bench.expect(took <= STATUS, "within 50 ms of the last data packet")


@check("CP17")
def cp17(bench: Bench) -> None:
    """Writes lengths about the packet size and powers of two by a request that keeps them, and reads each back."""
    bench.to_configured()
    place = store(bench)
    size = bench.packet_size
    several = sorted(
        {1, 2, 7, 8, 9, size - 1, size, size + 1, 2 * size, 255, 256, 512, 1000, 1024, LARGEST - 1, LARGEST}
    )
    for length in [place.fixed] * 5 if place.fixed else several:
        data = place.data(bench, length)
        bench.do(place.write(length), data)
        came = bench.get(place.read(length))
        bench.expect(came == data, f"the {length} bytes that were written")
