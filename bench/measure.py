"""What the measurements share: images and programs, a row of the result, two things run in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
IMAGE = ROOT / "firmware" / "build" / "out" / "cdc.uf2"
UART_IMAGE = ROOT / "firmware" / "build" / "out" / "uart-cdc.uf2"
LOOP = "s=0\nfor i in range(60000):\n    s=(s*31+i)&0xffff\nprint(s)"
STDOUT = "import sys\nline = 'x' * 63 + '\\n'\nfor i in range(1600): sys.stdout.write(line)"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: seconds (medians) of ours and the other, median of the pairwise ratios, the limit we set."""

    name: str
    ours: float
    other: float
    ratio: float
    limit: float
    beside: str


def wall(command: Sequence[str]) -> float:
    """Wall seconds of a whole process; it must succeed."""
    begin = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]}\nfailed: {done.stderr.decode()[-2000:]}")
    return time.monotonic() - begin


def compare(
    name: str, ours: Callable[[], float], other: Callable[[], float], limit: float, beside: str, runs: int
) -> Row:
    """Run both in turns and take the median of the ratios."""
    pairs = [(ours(), other()) for _ in range(runs)]
    return Row(
        name,
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
        limit,
        beside,
    )


def show(row: Row) -> str:
    """Lay one row out."""
    verdict = "within" if row.ratio <= row.limit else "OVER"
    return (
        f"{row.name:46} {row.ours:8.2f} beside {row.other:8.2f} ({row.beside}): "
        f"ratio {row.ratio:.2f}, {verdict} {row.limit:g}"
    )
