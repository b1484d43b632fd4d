"""A live view of the bus, as `top` is one of processes: transfers and bytes a second, frame use, what endpoints do.

`Meter` counts, in emulated time, and knows no screen; `Screen` shows, and is the only one who knows the real time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from renode_pico.clock import NS_PER_S
from renode_pico.usb.observe import BusEventKind, BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Status, TransferType
from renode_pico.usb.wire import Pid

LINE = {
    BusEventKind.PLUG: "nothing attached",
    BusEventKind.UNPLUG: "unplugged",
    BusEventKind.ATTACH: "attached",
    BusEventKind.DETACH: "nothing attached",
    BusEventKind.RESET_BEGIN: "reset",
    BusEventKind.RESET_END: "running",
    BusEventKind.SUSPEND: "suspended",
    BusEventKind.REMOTE_WAKEUP: "remote wake-up",
    BusEventKind.RESUME_BEGIN: "resuming",
    BusEventKind.RESUME_END: "running",
}
"""What the line is like after an event."""


@dataclass(slots=True)
class EndpointUse:
    """What one endpoint has done: since the last look, and its state. `last`: emulated ns of its last transaction."""

    address: int
    endpoint_address: int
    type: TransferType | None = None
    transfers: int = 0
    transactions: int = 0
    naks: int = 0
    stalls: int = 0
    errors: int = 0
    bytes: int = 0
    total_bytes: int = 0
    state: str = ""
    last: int = 0

    def forget_counts(self) -> None:
        """Begin a new interval."""
        self.transfers = self.transactions = self.naks = self.stalls = self.errors = self.bytes = 0


@dataclass(frozen=True, slots=True)
class Look:
    """An interval: `seconds` of emulated time; `use`: the part of it in which the bus was busy, 0 to 1."""

    at: float
    seconds: float
    use: float
    transfers: int
    transactions: int
    bytes: int
    endpoints: tuple[EndpointUse, ...]
    line: str


@dataclass(slots=True)
class Meter:
    """Observes a bus and counts. `look` gives what has happened since the last one, and begins anew."""

    wants_sof: bool = False
    _busy_ns: int = 0
    _since: float = 0.0
    _line: str = "unplugged"
    _endpoints: dict[tuple[int, int], EndpointUse] = field(default_factory=dict)

    def transaction(self, record: TransactionRecord) -> None:
        """Count a transaction."""
        self._busy_ns += record.duration_ns * max(1, record.nak_count)
        use = self._use(record.address, record.endpoint_address)
        use.transactions += max(1, record.nak_count)
        use.last = record.time_ns
        if record.handshake is Pid.NAK:
            use.naks += record.nak_count
            use.state = "waiting"
        elif record.handshake is Pid.STALL:
            use.stalls += 1
            use.state = "stalled"
        elif record.handshake is None and use.type is not TransferType.ISOCHRONOUS:
            use.errors += 1
            use.state = "no answer"
        else:
            use.bytes += len(record.data)
            use.total_bytes += len(record.data)
            use.state = "active"

    def transfer(self, record: TransferRecord) -> None:
        """Count a transfer."""
        takes_in = record.setup.is_in if record.setup is not None else False
        address = record.endpoint_address | (0x80 if takes_in else 0)
        use = self._use(record.address, address)
        use.type = record.type
        use.transfers += 1
        if record.status not in (Status.COMPLETED, Status.STALLED):
            use.state = record.status.value

    def event(self, record: BusEventRecord) -> None:
        """Note the line's state; a device that has left takes its endpoints with it."""
        self._line = LINE.get(record.kind, self._line)
        if record.kind in (BusEventKind.DETACH, BusEventKind.UNPLUG, BusEventKind.RESET_BEGIN):
            self._endpoints.clear()

    def look(self, now: float) -> Look:
        """Sum up. now: emulated seconds."""
        seconds = max(now - self._since, 1e-9)
        configured = any(address for address, _ in self._endpoints)
        endpoints = tuple(
            _copy(each) for (address, _), each in sorted(self._endpoints.items()) if address or not configured
        )
        look = Look(
            at=now,
            seconds=seconds,
            use=min(1.0, self._busy_ns / NS_PER_S / seconds),
            transfers=sum(each.transfers for each in self._endpoints.values()),
            transactions=sum(each.transactions for each in self._endpoints.values()),
            bytes=sum(each.bytes for each in self._endpoints.values()),
            endpoints=endpoints,
            line=self._line,
        )
        self._since, self._busy_ns = now, 0
        for use in self._endpoints.values():
            use.forget_counts()
            if use.state == "active":
                use.state = "idle"
        return look

    def _use(self, address: int, endpoint_address: int) -> EndpointUse:
        key = (address, endpoint_address)
        if key not in self._endpoints:
            self._endpoints[key] = EndpointUse(address, endpoint_address)
        return self._endpoints[key]


def _copy(use: EndpointUse) -> EndpointUse:
    return EndpointUse(**{name: getattr(use, name) for name in EndpointUse.__slots__})


STYLES = {"active": "green", "waiting": "dim", "idle": "dim", "stalled": "bold red", "no answer": "bold yellow"}


def picture(look: Look, title: str, notes: Sequence[str] = ()) -> Group:
    """Draw an interval for a terminal, with what has been noted below it."""
    head = Text.assemble((title, "bold"), f"   {look.at:.1f} s emulated   line: {look.line}")
    frame = Table.grid(padding=(0, 1))
    frame.add_row("frame use", ProgressBar(total=1.0, completed=look.use, width=30), f"{look.use:6.1%}")
    rates = Text(
        f"{per_second(look.transfers, look)} transfers/s   {per_second(look.transactions, look)} transactions/s   "
        f"{per_second(look.bytes, look)} bytes/s"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in (
        "endpoint",
        "type",
        "state",
        "transfers/s",
        "transactions/s",
        "NAK/s",
        "STALL",
        "errors",
        "bytes/s",
        "bytes",
    ):
        table.add_column(name, justify="left" if name in ("endpoint", "type", "state") else "right")
    for use in look.endpoints:
        table.add_row(
            endpoint_name(use),
            use.type.name.lower() if use.type is not None else "",
            Text(use.state, style=STYLES.get(use.state, "")),
            per_second(use.transfers, look),
            per_second(use.transactions, look),
            per_second(use.naks, look),
            str(use.stalls or ""),
            str(use.errors or ""),
            per_second(use.bytes, look),
            f"{use.total_bytes:,}",
        )
    return Group(head, frame, rates, Text(), table, Text(), *(Text(note, style="dim") for note in notes))


def plain_line(look: Look) -> str:
    """Say an interval in one line, for what is no terminal."""
    busy = [each for each in look.endpoints if each.transactions or each.stalls or each.errors]
    parts = [f"{endpoint_name(each)} {each.state} {per_second(each.bytes, look)} B/s" for each in busy]
    return (
        f"{look.at:10.3f} s  {look.line}  use {look.use:.1%}  {per_second(look.transfers, look)} transfers/s  "
        f"{per_second(look.bytes, look)} B/s  {'  '.join(parts)}".rstrip()
    )


def endpoint_name(use: EndpointUse) -> str:
    """Name an endpoint as the trace's page does."""
    number = use.endpoint_address & 0x0F
    return f"{use.address}.{number} {'IN' if use.endpoint_address & 0x80 else 'OUT'}"


def per_second(count: int, look: Look) -> str:
    """Return a rate in emulated time, as short as can be read."""
    rate = count / look.seconds
    return f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}"


class Screen:
    """Shows a meter again and again: a picture on a terminal, a line elsewhere. Hook `show` into a loop.

    `interval`: real seconds between two pictures; lines come a fifth as often.
    """

    def __init__(
        self,
        meter: Meter,
        now: Callable[[], float],
        title: str,
        *,
        console: Console | None = None,
        interval: float = 0.4,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meter = meter
        self._now = now
        self._title = title
        self._console = console or Console()
        self._wall = wall
        self._plain = not self._console.is_terminal
        self._interval = interval * 5 if self._plain else interval
        self._next = wall() + self._interval
        self._notes: deque[str] = deque(maxlen=8)
        self._live = None if self._plain else Live(console=self._console, screen=True, auto_refresh=False)

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, line: str) -> None:
        """Say something that happened: below the picture, or as a line of its own."""
        if self._live is not None:
            self._notes.append(line)
        else:
            self._print(line)

    def show(self) -> None:
        """Draw when it is time to."""
        wall = self._wall()
        if wall < self._next:
            return
        self._next = wall + self._interval
        look = self._meter.look(self._now())
        if self._live is not None:
            self._live.update(picture(look, self._title, self._notes), refresh=True)
        else:
            self._print(plain_line(look))

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
