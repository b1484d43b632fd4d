"""What a host tells those who watch the bus: one record per transaction, bus event and transfer.

The records hold plain values and no references into the host, so they can be kept, written or sent as they are. They
are tuples, which are made in a third of the time that a frozen dataclass takes: a trace makes one for each transaction.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from renode_pico.usb.values import Setup, Status, TransferType
from renode_pico.usb.wire import Fault, Pid


class TransactionRecord(NamedTuple):
    """One transaction (USB 2.0, 8.5): token, data packet, handshake.

    `time_ns`: emulated time of the token; `duration_ns`: until the bus is free again.
    `token`: SETUP, OUT or IN. `data_pid` and `data`: the data packet as the host sent or received it, None and empty
    when there was none. `handshake`: what the receiver of the data said (or NAK or STALL instead of data), None for
    silence. `fault`: what was spoiled on purpose. `nak_count`: how many transactions answered by NAK in a row this
    record stands for (0 when it is no NAK); the host reports them one by one, a recorder may fold them.
    """

    time_ns: int
    duration_ns: int
    frame: int
    token: Pid
    address: int
    endpoint: int
    data_pid: Pid | None
    data: bytes
    handshake: Pid | None
    fault: Fault | None = None
    nak_count: int = 0

    @property
    def endpoint_address(self) -> int:
        """Endpoint number with bit 7 set for IN."""
        return self.endpoint | 0x80 if self.token is Pid.IN else self.endpoint


class BusEventKind(Enum):
    """What happens on a bus beside transactions."""

    PLUG = "plug"
    UNPLUG = "unplug"
    ATTACH = "attach"
    DETACH = "detach"
    RESET_BEGIN = "reset"
    RESET_END = "reset end"
    SUSPEND = "suspend"
    REMOTE_WAKEUP = "remote wake-up"
    RESUME_BEGIN = "resume"
    RESUME_END = "resume end"
    SOF = "sof"
    SOF_LOST = "sof lost"
    SOF_DOUBLED = "sof doubled"
    SOF_CORRUPT = "sof corrupt"
    SE0 = "se0"
    STRAY_UNKNOWN_PID = "stray unknown-pid"
    STRAY_BROKEN_PID = "stray broken-pid"
    STRAY_LOW_SPEED = "stray low-speed"
    STRAY_SETUP_CRC5 = "stray setup-crc5"
    STRAY_OUT_CRC5 = "stray out-crc5"
    STRAY_IN_CRC5 = "stray in-crc5"
    STRAY_SOF_CRC5 = "stray sof-crc5"
    STRAY_LATE_ACK = "stray late-ack"
    STRAY_BROKEN_HANDSHAKE = "stray broken-handshake"
    STRAY_DATA = "stray data"
    STRAY_BABBLE = "stray babble"


class BusEventRecord(NamedTuple):
    """A change of the line's state, or a start of frame; `frame` is the current frame's 11-bit number."""

    time_ns: int
    frame: int
    kind: BusEventKind


class TransferRecord(NamedTuple):
    """A transfer that has become final. `data`: received for IN, sent so far for OUT."""

    begin_ns: int
    end_ns: int
    address: int
    endpoint_address: int
    type: TransferType
    status: Status
    setup: Setup | None
    data: bytes
    packets: tuple[int, ...]


class BusObserver(Protocol):
    """Someone who watches the bus. Called synchronously, in the order of emulated time; must not touch the host."""

    @property
    def wants_sof(self) -> bool:
        """Report starts of frame too; looked at once, when the observer is added."""

    def transaction(self, record: TransactionRecord) -> None:
        """A transaction is over."""

    def event(self, record: BusEventRecord) -> None:
        """The line changed its state."""

    def transfer(self, record: TransferRecord) -> None:
        """A transfer has become final."""
