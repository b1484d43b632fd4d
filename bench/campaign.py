"""A campaign beside its cases run directly, with 1, 2 and 4 workers; and what 1,000 workers would come to.

    python bench/campaign.py [cases]

Overhead is what one worker's wall time has beyond its cases' own seconds, which are those of running them directly;
the start of the cluster and each worker's first case are left out. The last lines are arithmetic, not a measurement.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from renode_pico.fuzz.campaign import Case, read_campaign
from renode_pico.fuzz.dispatch import run
from renode_pico.fuzz.results import Results

TEXT = """
[campaign]
name = "bench"
seeds = {seeds}
[[image]]
firmware = "chip/usb_composite"
[[pack]]
kind = "fuzz"
cases = 200
"""
MANY, CASE_SECONDS = 1000, 60.0
"""Workers, and the seconds of a case worth giving to them."""


def measured(folder: Path, seeds: int, workers: int) -> tuple[float, float, int]:
    """Wall seconds from the first case that is done to the last, the cases' own seconds in them, bytes of results."""
    path = folder / "campaign.toml"
    path.write_text(TEXT.format(seeds=seeds), encoding="utf-8")
    ends: list[tuple[float, float]] = []

    def each(case: Case, result: Mapping[str, Any]) -> None:
        ends.append((time.monotonic(), float(result["seconds"])))

    out = folder / f"results-{workers}.jsonl"
    with Results(out) as results:
        run(read_campaign(path), results, workers=workers, each=each)
    skipped = workers  # the first of each worker boots with it
    begin = ends[skipped - 1][0]
    return ends[-1][0] - begin, sum(seconds for _, seconds in ends[skipped:]), out.stat().st_size // seeds


def main() -> None:
    """Print all of it."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    with tempfile.TemporaryDirectory() as name:
        for workers in (1, 2, 4):
            wall, own, size = measured(Path(name), seeds, workers)
            cases = seeds - workers
            text = (
                f"{workers} workers: {cases} cases of {own / cases:.2f} s in {wall:.2f} s, {cases / wall:.2f} a second"
            )
            if workers == 1:  # with more, the first and the last cases overlap
                dispatch = max((wall - own) / cases, 0.001)
                text += f"; {1000 * dispatch:.1f} ms beside each case, {100 * dispatch * cases / own:.1f} % of it"
            print(text, flush=True)
    rate = MANY / CASE_SECONDS
    print(
        f"{MANY} workers on paper: cases of {CASE_SECONDS:g} s end {rate:.1f} times a second; one scheduler "
        f"and client, {1000 * dispatch:.1f} ms for each, are busy {100 * rate * dispatch:.0f} % of the time, and write "
        f"{rate * size * 3600 / 1e6:.0f} MB of results in an hour"
    )


if __name__ == "__main__":
    main()
