"""CDC-ACM (CDC 1.2, PSTN 1.2): one function for each item of `packs/cdc.toml`, on every port of the device in turn."""

from __future__ import annotations

from collections.abc import Iterator

from renode_pico.usb.classes.cdc import (
    GET_LINE_CODING,
    SEND_BREAK,
    SERIAL_STATE,
    SET_CONTROL_LINE_STATE,
    SET_LINE_CODING,
    CdcFunction,
    LineCoding,
    cdc_functions,
)
from renode_pico.usb.classes.common import CLASS_IN, CLASS_OUT, CS_INTERFACE
from renode_pico.usb.descriptors import EndpointDescriptor
from renode_pico.usb.transfer import Setup
from renode_pico.verify.bench import Bench
from renode_pico.verify.loop import LINE, PROBE, QUIET, Loop, letters
from renode_pico.verify.table import check

DTR, RTS = 1, 2
ACM_DESCRIPTOR = 0x02
CODINGS = (
    LineCoding(9600, 0, 0, 8),
    LineCoding(1200, 2, 2, 7),
    LineCoding(460800, 0, 1, 8),
    LineCoding(115200, 0, 0, 8),
)
TOTAL = 4096
MEBIBYTE = 1 << 20
AT_ONCE = 1 << 16
"""Bytes written while the answers are read."""
KEPT = 64
"""Bytes that a device keeps while nobody reads: for hosts that do one after the other."""
EDITED = b"aB\b\b\bbA"
"""Comes back as it is from a loop. A prompt edits its line and nothing comes of it; TinyUSB's two ports change case."""
NOTIFICATION = 10
"""Bytes of a SERIAL_STATE notification."""


def ports(bench: Bench) -> list[CdcFunction]:
    """The ports of the configured device. Raises NotApplicable when there are none."""
    found = cdc_functions(bench.tree.first)
    if not found:
        bench.skip("this device has no CDC-ACM port")
    bench.to_configured()
    return found


def coding(port: CdcFunction, length: int = 7) -> Setup:
    """GET_LINE_CODING."""
    return Setup(CLASS_IN, GET_LINE_CODING, 0, port.control_interface, length)


def set_coding(bench: Bench, port: CdcFunction, value: LineCoding) -> None:
    """SET_LINE_CODING."""
    bench.do(Setup(CLASS_OUT, SET_LINE_CODING, 0, port.control_interface, 7), value.pack())


def lines(bench: Bench, port: CdcFunction, state: int) -> None:
    """SET_CONTROL_LINE_STATE."""
    bench.do(Setup(CLASS_OUT, SET_CONTROL_LINE_STATE, state, port.control_interface, 0))


def can_break(bench: Bench, port: CdcFunction) -> bool:
    """Bit 2 of the ACM descriptor's bmCapabilities."""
    for setting in bench.tree.settings():
        if setting.bInterfaceNumber == port.control_interface:
            for part in setting.extra:
                if len(part) >= 4 and part[1] == CS_INTERFACE and part[2] == ACM_DESCRIPTOR:
                    return bool(part[3] & 4)
    return False


@check("CDC1")
def line_coding(bench: Bench) -> None:
    """Sets four codings, with 7 and 8 bits, parity and two stop bits, and asks after each."""
    for port in ports(bench):
        for value in CODINGS:
            set_coding(bench, port, value)
            bench.expect(bench.get(coding(port)) == value.pack(), f"{value.pack().hex(' ')}, as it was set")


@check("CDC2")
def line_coding_length(bench: Bench) -> None:
    """Asks for 64, 8, 7 and 3 bytes."""
    for port in ports(bench):
        set_coding(bench, port, CODINGS[-1])
        for length in (64, 8, 7, 3):
            came = bench.get(coding(port, length))
            bench.expect(came == CODINGS[-1].pack()[:length], f"{min(7, length)} bytes")


@check("CDC3")
def control_lines(bench: Bench) -> None:
    """Goes through the four states twice; after each the line coding is still told."""
    for port in ports(bench):
        for state in (0, DTR, RTS, DTR | RTS) * 2:
            lines(bench, port, state)
            bench.expect(len(bench.get(coding(port))) == 7, "7 bytes")


@check("CDC4")
def send_break(bench: Bench) -> None:
    """Sends a break of 10 ms, one without end, and its end; a port that has none must refuse them."""
    for port in ports(bench):
        able = can_break(bench, port)
        for duration in (10, 0xFFFF, 0):
            request = Setup(CLASS_OUT, SEND_BREAK, duration, port.control_interface, 0)
            if able:
                bench.do(request)
            else:
                bench.refused(request)


@check("CDC5")
def serial_state(bench: Bench) -> None:
    """Opens and closes the port, and looks at each notification that comes."""
    came = 0
    for port in ports(bench):
        endpoint: EndpointDescriptor | None = port.notification
        if endpoint is None:
            continue
        for state in (0, DTR | RTS):
            lines(bench, port, state)
            for _ in range(4):
                data = bench.read(endpoint, 64, 0.05).data
                if not data:
                    break
                came += 1
                head = bytes([CLASS_IN, SERIAL_STATE, 0, 0, port.control_interface, 0, 2, 0])
                if data[1:2] == bytes([SERIAL_STATE]):
                    bench.expect(len(data) == NOTIFICATION and data[:8] == head, f"{head.hex(' ')} and two bytes")
                    bench.expect(not int.from_bytes(data[8:], "little") & 0xFF80, "bits 15 to 7 clear")
                else:
                    bench.expect(len(data) >= 8 and data[0] == CLASS_IN, "a notification")
    if not came:
        bench.skip("this device has sent no notification")


@check("CDC6")
def wrong_interface(bench: Bench) -> None:
    """Sends the requests to the data interface, and to one that is not there."""
    for port in ports(bench):
        for number in (port.data_interface, max(bench.tree.interface_numbers()) + 1):
            bench.refused(Setup(CLASS_IN, GET_LINE_CODING, 0, number, 7))
            bench.refused(Setup(CLASS_OUT, SET_CONTROL_LINE_STATE, 0, number, 0))
        bench.get(coding(port))


@check("CDC7")
def unknown_requests(bench: Bench) -> None:
    """Sends codes of other models (hook, ringer, unit parameters) and one that is reserved."""
    for port in ports(bench):
        for request in (0x10, 0x30, 0x37, 0x7F):
            bench.refused(Setup(CLASS_OUT, request, 0, port.control_interface, 0))
            bench.refused(Setup(CLASS_IN, request, 0, port.control_interface, 2))
        bench.get(coding(port))


def loops(bench: Bench, probe: bytes) -> Iterator[Loop]:
    """Ports that give back what they are given, opened."""
    for port in ports(bench):
        lines(bench, port, DTR | RTS)
        pair = Loop(bench, port.bulk_out, port.bulk_in)
        bench.run(QUIET)
        pair.clear()
        if pair.passes(probe):
            yield pair
        pair.clear()


@check("CDC8")
def data(bench: Bench) -> None:
    """Sends text of 1 to 192 bytes, 4 KiB in all, to a port that gives it back."""
    tried = False
    for pair in loops(bench, PROBE):
        tried = True
        total = 0
        while total < TOTAL:
            for length in (1, 63, 64, 65, 127, 128, LINE - 1):
                text = letters(bench, length)
                bench.expect(pair.passes(text), f"the same {length} bytes")
                total += length
                pair.clear()
    if not tried:
        bench.skip("no port of this device gives back what it is given")


@check("CDC9")
def much_data(bench: Bench) -> None:
    """Sends 1 MiB of random bytes, 64 KiB at once, to a port that gives them back, and reads them meanwhile."""
    tried = False
    for pair in loops(bench, EDITED):
        tried = True
        piece = AT_ONCE if bench.link.host is not None else KEPT
        for at in range(0, MEBIBYTE, piece):
            bench.expect(pair.streams(bench.rng.randbytes(piece)), f"the same {piece} bytes, from byte {at} on")
    if not tried:
        bench.skip("no port of this device gives back all bytes as they are: a prompt, perhaps")
