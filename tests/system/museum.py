"""The museum of published faults: what each exhibit's host does, and how a device with the fault fails.

The firmware is firmware/chip/usb_museum, which is told over UART0 which mistake it is to make. docs/museum.md tells of
each exhibit, and where its fault was published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import FirmwareError, Timeout, TransactionError, UsbError
from renode_pico.usb import requests
from renode_pico.usb.transfer import Pipe, Setup, TransferType
from renode_pico.usb.wire import Fault

PROGRAM = "chip/usb_museum"
WORKS = "works"
DEFAULT = Pipe(0, 0, TransferType.CONTROL, 64)
CONTROL = Pipe(1, 0, TransferType.CONTROL, 64)
ECHO_OUT = Pipe(1, 0x01, TransferType.BULK, 64)
ECHO_IN = Pipe(1, 0x81, TransferType.BULK, 64)
STREAM_IN = Pipe(1, 0x82, TransferType.BULK, 64)
DOUBLE_IN = Pipe(1, 0x83, TransferType.BULK, 64)
SOUND_IN = Pipe(1, 0x84, TransferType.ISOCHRONOUS, 64)
SOON = 0.05
"""Emulated seconds in which everything that works is done."""


class Visit:
    """A board with the firmware of an exhibit, and what a host does with it."""

    def __init__(self, board: Board, letter: str, faulty: bool) -> None:
        self.board = board
        self.host = board.host
        self.said = bytearray()
        self._uart = board.engine.uart(0)
        self.until(b"museum")
        self._uart.write(letter.encode() + (b"-" if faulty else b"+"))
        self.until(b"open")

    def until(self, word: bytes, timeout: float = 0.5) -> bool:
        """Run until UART0 has said it; False when it has not."""

        def says() -> bool:
            self.said.extend(self._uart.read())
            return word in self.said

        return self.board.engine.run_until(says, timeout) or says()

    def attach(self) -> None:
        """Plug in, and see the device on the bus."""
        self.host.plug()
        self.host.wait_attached()
        self.host.reset()

    def configure(self) -> None:
        """Give it address 1 and its configuration."""
        self.attach()
        self.host.wait(
            self.host.submit(Pipe(0, 0, TransferType.CONTROL, 64), setup=requests.set_address(1)), timeout=SOON
        )
        self.host.run(0.003)
        self.set_configuration()

    def set_configuration(self) -> None:
        """SET_CONFIGURATION(1): both sides begin with DATA0."""
        self.control(requests.set_configuration(1))
        for pipe in (ECHO_OUT, ECHO_IN, STREAM_IN):
            self.host.reset_toggle(1, pipe.endpoint_address)

    def control(self, setup: Setup, data: bytes = b"") -> bytes:
        """A control transfer."""
        transfer = self.host.submit(CONTROL, data, setup=setup)
        self.host.wait(transfer, timeout=SOON)
        return transfer.data

    def echo(self, data: bytes) -> None:
        """Bytes to endpoint 1 and back."""
        self.host.wait(self.host.submit(ECHO_OUT, data), timeout=SOON)
        assert self.read(ECHO_IN, len(data)) == data, "the echo is another one"

    def read(self, pipe: Pipe, length: int = 64, timeout: float = SOON) -> bytes:
        """One transfer from an IN endpoint."""
        transfer = self.host.submit(pipe, length=length)
        self.host.wait(transfer, timeout=timeout)
        return transfer.data

    def stream(self, packets: int) -> None:
        """Packets of the stream, asked for at once; in their order."""
        transfers = [self.host.submit(STREAM_IN, length=64) for _ in range(packets)]
        self.host.wait(*transfers, timeout=SOON)
        numbers = [int.from_bytes(each.data[:2], "little") for each in transfers]
        assert numbers == list(range(packets)), "a packet of the stream is missing"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """`letter`: what the firmware is told. `fails`: how a visit ends with the fault (a part of what is said then).

    `revision`, `errata`: of the chip.
    """

    name: str
    letter: str
    fails: str
    visit: Callable[[Visit], None]
    revision: str = "B2"
    errata: tuple[str, ...] = ()


def outcome(exhibit: Exhibit, engine: str, *, faulty: bool) -> str:
    """`works`, or what went wrong in a visit."""
    with Board(
        PROGRAM,
        engine=cast(EngineName, engine),
        revision=exhibit.revision,
        errata=exhibit.errata,
        sanitize=True,
    ) as board:
        try:
            exhibit.visit(Visit(board, exhibit.letter, faulty))
        except (AssertionError, Timeout, UsbError, FirmwareError) as error:
            return str(error) or type(error).__name__
        return WORKS


def early_available(visit: Visit) -> None:
    visit.configure()
    visit.echo(b"one")
    found = [str(each.misuse.check) for each in visit.board.findings]
    assert not found, f"the sanitizer has found {', '.join(found)}"


def late_clear(visit: Visit) -> None:
    visit.configure()
    visit.control(Setup(0x40, 5, 0, 0, 0))
    visit.stream(20)


def cleared_unseen(visit: Visit) -> None:
    visit.configure()
    visit.control(Setup(0x40, 5, 0, 0, 0))
    stream = [visit.host.submit(STREAM_IN, length=64) for _ in range(60)]
    for number in range(10):
        visit.echo(bytes([number] * 8))
    visit.host.wait(*stream, timeout=SOON)


def out_left_armed(visit: Visit) -> None:
    visit.configure()
    for number in range(3):
        data = bytes([number] * 20)
        visit.control(Setup(0x40, 1, 0, 0, len(data)), bytes(len(data)))
        visit.control(Setup(0x40, 1, 0, 0, len(data)), data)
        assert visit.control(Setup(0xC0, 2, 0, 0, len(data))) == data, "what was written is not what is read"


def setup_aborts(visit: Visit) -> None:
    visit.configure()
    visit.host.inject(Fault.LOST_DATA, endpoint_address=0x80, count=3)
    try:
        visit.control(Setup(0x40, 3, 0, 0, 0))
    except TransactionError:  # the host gives the request up: three times nothing came
        visit.control(Setup(0x40, 3, 0, 0, 0))
    else:
        raise AssertionError("the host was to give up")


def clear_halt(visit: Visit) -> None:
    visit.configure()
    visit.echo(b"before")
    visit.control(requests.clear_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, 0x01))
    visit.host.reset_toggle(1, 0x01)
    visit.echo(b"after")


def toggle_kept(visit: Visit) -> None:
    visit.configure()
    visit.echo(b"an odd number of packets")
    visit.set_configuration()
    visit.echo(b"DATA0 again")


def long_write(visit: Visit) -> None:
    visit.configure()
    data = bytes(range(200))
    visit.control(Setup(0x40, 1, 0, 0, len(data)), data)
    assert visit.control(Setup(0xC0, 2, 0, 0, len(data))) == data, "what was written is not what is read"


def no_status(visit: Visit) -> None:
    visit.configure()
    visit.control(Setup(0x40, 3, 0, 0, 0))


def behind_halt(visit: Visit) -> None:
    visit.configure()
    visit.control(Setup(0x40, 4, 0, 0, 0))
    visit.control(requests.clear_feature(requests.ENDPOINT_HALT, requests.ENDPOINT, 0x81))
    visit.host.reset_toggle(1, 0x81)
    assert visit.read(ECHO_IN, 13) == b"S" * 13


def wake_up(visit: Visit) -> None:
    visit.configure()
    visit.control(requests.set_feature(requests.DEVICE_REMOTE_WAKEUP, requests.DEVICE, 0))
    visit.host.suspend()
    visit.host.wait_resumed()
    visit.control(Setup(0x40, 5, 0, 0, 0))
    visit.stream(3)


def address_early(visit: Visit) -> None:
    visit.configure()


def address_kept(visit: Visit) -> None:
    """A host that begins anew: the device is to answer at address 0 again."""
    visit.configure()
    visit.configure()
    visit.echo(b"again")


def double_buffered(visit: Visit) -> None:
    """Transfers of one packet on a double-buffered endpoint: each ends on another buffer."""
    visit.configure()
    for _ in range(4):
        visit.control(Setup(0x40, 6, 0, 0, 0))
        assert visit.read(DOUBLE_IN, 64) == b"D" * 8


def to_and_fro(visit: Visit) -> None:
    """An isochronous setting is left with a packet waiting, and chosen again."""
    visit.configure()
    for setting in (1, 0, 1):
        visit.control(requests.set_interface(1, setting))
    assert len(visit.read(SOUND_IN, 64)) == 64


def watchdog(visit: Visit) -> None:
    assert visit.until(b"done", 0.1), f"the chip has come out of reset {visit.said.count(b'museum')} times"


def hub_babbles(visit: Visit) -> None:
    """What ends late in a frame is garbled by a hub; packets pass all the same, if none is there to be asked for."""
    visit.configure()
    visit.host.inject(Fault.BABBLE, endpoint_address=0x82, count=1000, late=True)
    visit.control(Setup(0x40, 5, 0, 0, 0))
    for _ in range(4):
        stream = [visit.host.submit(STREAM_IN, length=64) for _ in range(50)]
        visit.host.wait(*stream, timeout=SOON)


def busy_hub(visit: Visit) -> None:
    """Another device on the hub is talked to twice in a millisecond: never 800 µs of idle bus after the reset."""
    visit.host.neighbour(True)
    visit.configure()
    visit.echo(b"connected")


STANDS_STILL = "not done after"
EXHIBITS: Iterable[Exhibit] = (
    Exhibit("available-in-one-store", "a", "the sanitizer has found early-available", early_available),
    Exhibit("late-clear", "b", STANDS_STILL, late_clear),
    Exhibit("all-cleared", "m", STANDS_STILL, cleared_unseen),
    Exhibit("out-left-armed", "c", STANDS_STILL, out_left_armed),
    Exhibit("setup-aborts", "d", "ep 80 was already available", setup_aborts),
    Exhibit("clear-halt", "e", STANDS_STILL, clear_halt),
    Exhibit("toggle-kept", "f", STANDS_STILL, toggle_kept),
    Exhibit("long-write", "g", STANDS_STILL, long_write),
    Exhibit("no-status", "h", STANDS_STILL, no_status),
    Exhibit("behind-halt", "i", STANDS_STILL, behind_halt),
    Exhibit("wake-up", "j", STANDS_STILL, wake_up),
    Exhibit("address-early", "l", "three attempts in a row failed", address_early),
    Exhibit("address-kept", "k", "three attempts in a row failed", address_kept),
    Exhibit("buffer-select", "n", STANDS_STILL, double_buffered),
    Exhibit("setting-left", "o", "ep 84 was already available", to_and_fro),
    Exhibit("E2", "q", STANDS_STILL, clear_halt, revision="B1"),
    Exhibit("E5", "r", "three attempts in a row failed", busy_hub, revision="B1"),
    Exhibit("E15", "P", "three attempts in a row failed", hub_babbles, errata=("E15",)),
    Exhibit("E1", "w", "come out of reset 2 times", watchdog),
)
