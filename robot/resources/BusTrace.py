"""What a bus trace says, for suites: the transactions of a file written by the host, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROBOT_LIBRARY_SCOPE = "TEST"


@dataclass(frozen=True)
class Row:
    """One transaction; times in emulated nanoseconds, PIDs by name, "-" for what there was not."""

    time: int
    duration: int
    frame: int
    token: str
    address: int
    endpoint: int
    data_pid: str
    handshake: str
    fault: str
    data: bytes

    @property
    def endpoint_address(self) -> int:
        """Endpoint number with bit 7 set for IN."""
        return self.endpoint | 0x80 if self.token == "IN" else self.endpoint


def read_trace(path: str) -> list[Row]:
    """All transactions in a trace file, events left out."""
    rows = []
    for line in Path(path).read_text(encoding="ascii").splitlines():
        fields = line.split("\t")
        if line.startswith("#") or fields[3] == "EVENT":
            continue
        data = b"" if fields[9] == "-" else bytes.fromhex(fields[9])
        rows.append(Row(*map(int, fields[:3]), fields[3], int(fields[4]), int(fields[5]), *fields[6:9], data))
    return rows


def rows_of(trace: list[Row], endpoint_address: str | int, token: str | None = None) -> list[Row]:
    """The transactions of one endpoint, in order; `token` chooses SETUP, OUT or IN."""
    number = int(str(endpoint_address), 0)
    return [row for row in trace if row.endpoint_address == number and token in (None, row.token)]


def moved(rows: list[Row]) -> list[Row]:
    """Those that carried data and were acknowledged."""
    return [row for row in rows if row.data_pid.startswith("DATA") and row.handshake == "ACK"]


def toggles_alternate(rows: list[Row]) -> bool:
    """Each acknowledged data packet has the other PID than the one before."""
    pids = [row.data_pid for row in moved(rows)]
    return len(pids) > 1 and all(a != b for a, b in zip(pids, pids[1:], strict=False))


def most_in_a_frame(rows: list[Row]) -> int:
    """The largest number of them in one frame."""
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.frame] = counts.get(row.frame, 0) + 1
    return max(counts.values(), default=0)


def frames_between(rows: list[Row]) -> list[int]:
    """How many frames lie between each of them and the next."""
    return [(b.frame - a.frame) % 2048 for a, b in zip(rows, rows[1:], strict=False)]
