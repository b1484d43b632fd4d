"""Measure what matters, each beside something comparable in the same run, and print the ratios.

    make bench                       everything that can run here
    python bench/bench.py --only boot --runs 7

Machines are shared and noisy: ours and the other run in turns, and the median of the pairwise ratios is what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from measure import BIN, IMAGE, LOOP, STDOUT, UART_IMAGE, Row, compare, show, wall


def command(*arguments: str) -> Callable[[], float]:
    """Make a measurement of a whole process."""
    return lambda: wall(arguments)


def plain(code: str) -> Callable[[], float]:
    """Run code with plain rp2040py on the same image."""
    return command(str(BIN / "rp2040py"), "micropython", "--image", str(IMAGE), "-c", code)


def ours(code: str, engine: str = "embedded") -> Callable[[], float]:
    """Run code with renode-pico on an engine."""
    return command(str(BIN / "renode-pico"), "exec", "--engine", engine, "--firmware", str(IMAGE), "-c", code)


def host_cost(runs: int) -> Row:
    """A compute-bound program with the host's frames going on, beside the same board with the cable out."""
    from renode_pico.board import Board

    def loop(plugged: bool) -> float:
        with Board(UART_IMAGE, engine="embedded") as board:
            console = board.uart_repl()
            console.exec("1")
            if plugged:
                board.enumerate()
            begin = time.monotonic()
            console.exec(LOOP, timeout=600)
            return time.monotonic() - begin

    return compare(
        "host model in a compute-bound loop",
        lambda: loop(True),
        lambda: loop(False),
        1.3,
        "the same with the cable out",
        runs,
    )


def memory() -> Row:
    """Peak memory of the main job, from the operating system's account of the finished process."""
    job = [str(BIN / "renode-pico"), "demo", "--engine", "embedded", "--firmware", str(IMAGE)]
    process = subprocess.Popen(job, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(job)} failed")
    peak = usage.ru_maxrss / 1024
    return Row("peak memory of `renode-pico demo`, MB", peak, 250, peak / 250, 1.0, "the limit of 250 MB")


def prompt(runs: int) -> Row:
    """From the shell's prompt to the line of `renode-pico lsusb`: what somebody tries first."""
    listing = command(str(BIN / "renode-pico"), "lsusb", "--engine", "embedded", "--firmware", str(IMAGE))
    median = statistics.median(listing() for _ in range(runs))
    return Row("`renode-pico lsusb` from a shell prompt", median, 0.45, median / 0.45, 1.0, "the limit of 0.45 s")


def rows(runs: int, only: str | None) -> list[Row]:
    """Measure everything whose name contains `only`."""
    todo: list[tuple[str, Callable[[], Row]]] = [
        (
            "boot",
            lambda: compare(
                "process start to an answer on the USB REPL", ours("print(1)"), plain("print(1)"), 2.0, "rp2040py", runs
            ),
        ),
        (
            "stdout",
            lambda: compare("100 KiB of sys.stdout over CDC", ours(STDOUT), plain(STDOUT), 1.5, "rp2040py", runs),
        ),
        ("host", lambda: host_cost(min(runs, 3))),
        ("memory", memory),
        ("prompt", lambda: prompt(runs)),
    ]
    import bridge
    import core_bench
    import fuzz
    import pio
    import renode_bench

    todo += core_bench.measurements(min(runs, 3))
    todo += renode_bench.measurements(min(runs, 3))
    todo += bridge.measurements("embedded", min(runs, 3))
    todo += fuzz.measurements()
    todo += pio.measurements(renode_bench.renode_is_here(), min(runs, 3))
    if renode_bench.renode_is_here():
        import start

        todo += start.measurements(min(runs, 3))
        todo += [(f"renode-{name}", row) for name, row in bridge.measurements("renode", min(runs, 3)) if name != "page"]
    found = []
    for name, measure in todo:
        if only is None or only in name:
            row = measure()
            print(show(row), flush=True)
            found.append(row)
    return found


def main() -> int:
    """Measure and print; exit code 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", metavar="WORD")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {options.runs} pairs, seconds")
    found = rows(options.runs, options.only)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")
    return 1 if any(row.ratio > row.limit for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
