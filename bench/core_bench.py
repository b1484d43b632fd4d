"""The embedded engine's own speed, CPU seconds: beside an earlier checkout, rp2040js, Renode, and emulated time.

    python bench/core_bench.py [--before CHECKOUT] [--runs 3] [--only loop|prompt|stdout|job|asleep|spin|copy|served]

Used by bench.py. `--before` is a checkout of the commit to compare with, by default what RENODE_PICO_BEFORE names;
86cf151 is the last one with rp2040py's core and blocks. It runs in this environment, which has rp2040py for the tests.
"""

from __future__ import annotations

import argparse
import marshal
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "bench"))

from measure import BIN, IMAGE, LOOP, STDOUT, Row, compare, show  # noqa: E402

CPU = """
import sys, time
from pathlib import Path
from renode_pico.board import Board
begin = time.process_time()
with Board(Path(sys.argv[1]), engine="embedded") as board:
    if sys.argv[2]:
        board.repl().exec("1")
        begin = time.process_time()
        board.exec(sys.argv[2], timeout=600)
    else:
        begin = time.process_time()
        board.repl().exec("1")
    print(time.process_time() - begin)
"""
EMULATED = """
import sys, time
from pathlib import Path
from renode_pico.board import Board
with Board(Path(sys.argv[1]), engine="embedded") as board:
    board.enumerate()
    board.engine.run(0.5)
    begin = time.process_time()
    board.engine.run(float(sys.argv[2]))
    print(time.process_time() - begin)
"""
EMULATED_S = 20
SPIN_S = 2
SPIN_LIMIT = 1.5
"""CPU seconds for an emulated one."""
COPY = """
import resource, sys
from pathlib import Path
from mpremote.transport_serial import SerialTransport
from renode_pico.board import Board

class Line:
    # What mpremote uses of pyserial, on the port itself: no pseudo-terminal, and nobody to wait for but the board.
    def __init__(self, port):
        self.port, self.come = port, b""
    def inWaiting(self):
        return len(self.come)
    def read(self, count=1):
        while len(self.come) < count:
            self.come += self.port.read(10)
        found, self.come = self.come[:count], self.come[count:]
        return found
    def write(self, data):
        self.port.write(data)

with Board(Path(sys.argv[1]), engine="embedded") as board:
    port = board.cdc(0)
    board.engine.run(0.1)
    transport = SerialTransport.__new__(SerialTransport)
    transport.serial, transport.is_pty = Line(port), True
    transport.in_raw_repl, transport.use_raw_paste, transport.mounted = False, True, False
    transport.enter_raw_repl(soft_reset=False)
    data = Path(sys.argv[2]).read_bytes()
    def cpu():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime
    begin = cpu()
    transport.fs_writefile("copied", data)
    took = cpu() - begin
    assert transport.fs_readfile("copied") == data
    print(took)
"""
COPIED, BYTES_A_SECOND = 40_960, 60_000
SERVED_RUNS = 5
SERVED = """
import re, subprocess, sys, threading, time
from pathlib import Path
from mpremote.transport_serial import SerialTransport

data = Path(sys.argv[3]).read_bytes()
command = [sys.argv[1], "serve", "--pty", "--speed", "0", "--engine", "embedded", "--firmware", sys.argv[2]]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    try:
        path = ""
        for line in server.stdout:
            found = re.search(r"(/dev/pts/\\d+) is CDC", line)
            path = found[1] if found else path
            if line.startswith("device"):
                break
        threading.Thread(target=server.stdout.read, daemon=True).start()
        transport = SerialTransport(path)
        transport.enter_raw_repl(soft_reset=False)
        times = []
        for _ in range(int(sys.argv[4])):
            begin = time.monotonic()
            transport.fs_writefile("copied", data)
            times.append(time.monotonic() - begin)
        assert transport.fs_readfile("copied") == data
        transport.close()
    finally:
        server.terminate()
print(min(times))
"""
"""What `mpremote connect /dev/pts/N cp` does between its start and its end."""


def measured(code: str, *arguments: object, checkout: Path = ROOT) -> float:
    """What a program prints: CPU seconds. It runs in a process of its own, with the package of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{checkout}: {done.stderr[-2000:]}")
    return float(done.stdout)


def beside_before(name: str, code: str, times: float, before: Path, runs: int) -> Row:
    """A program on this engine and on that of an earlier checkout."""
    return compare(
        name,
        lambda: measured(CPU, IMAGE, code),
        lambda: measured(CPU, IMAGE, code, checkout=before),
        1 / times,
        f"the engine of {before.name}",
        runs,
    )


def job(runs: int) -> Row:
    """The main job, a whole process: CPU seconds."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [BIN / "renode-pico", "demo", "--engine", "embedded", "--firmware", IMAGE]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    took = statistics.median(once() for _ in range(runs))
    return Row("`renode-pico demo` as a process, CPU", took, 1.5, took / 1.5, 1.0, "the limit of 1.5 s")


def asleep(runs: int) -> Row:
    """A board that sleeps, with an idle, configured device: SOF each millisecond."""
    took = statistics.median(measured(EMULATED, IMAGE, EMULATED_S) for _ in range(runs))
    limit = EMULATED_S / 200
    return Row(f"{EMULATED_S} s of a sleeping board, CPU", took, limit, took / limit, 1.0, "a 200th of emulated time")


def spin(runs: int) -> Row:
    """A board whose firmware polls: `while (1) tud_task();`, with an idle, configured device."""
    image = IMAGE.parent / "chip" / "usb_spin.uf2"
    took = statistics.median(measured(EMULATED, image, SPIN_S) for _ in range(runs)) / SPIN_S
    return Row(
        "`while (1) tud_task()`, CPU an emulated second", took, SPIN_LIMIT, took / SPIN_LIMIT, 1.0, "the limit of 1.5 s"
    )


def text() -> bytes:
    """A program."""
    return Path(argparse.__file__ or "").read_bytes()[:COPIED]


def bytecode() -> bytes:
    """The same compiled, 2.7 characters a byte where mpremote writes it down; a .mpy has 2.3, random bytes 2.9."""
    return marshal.dumps(compile(Path(argparse.__file__ or "").read_bytes(), "argparse.py", "exec"))[:COPIED]


def copied(what: Callable[[], bytes], measure: Callable[[Path], float], runs: int) -> float:
    """The median of what it takes to copy a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(what())
        assert path.stat().st_size == COPIED
        return statistics.median(measure(path) for _ in range(runs))


def copy(what: Callable[[], bytes], name: str, runs: int) -> Row:
    """mpremote's own transport copies a file to the board: CPU seconds of the board and of mpremote together.

    A pseudo-terminal between them costs what the system takes to wake one process after the other, some twelve times
    for 256 bytes: that depends on the machine's load, and is none of either's.
    """
    took = copied(what, lambda path: measured(COPY, IMAGE, path), runs)
    limit = COPIED / BYTES_A_SECOND
    return Row(f"mpremote copies {COPIED // 1024} KiB of {name}, CPU", took, limit, took / limit, 1.0, "60 KB a second")


def served(what: Callable[[], bytes], name: str) -> Row:
    """The same through `serve --pty`, two processes at the usual priority, wall: the best of some runs."""
    took = copied(what, lambda path: measured(SERVED, BIN / "renode-pico", IMAGE, path, SERVED_RUNS), 1)
    limit = COPIED / BYTES_A_SECOND
    return Row(
        f"{COPIED // 1024} KiB of {name} through `serve --pty`", took, limit, took / limit, 1.0, "60 KB a second"
    )


def measurements(runs: int, before: Path | None = None) -> list[tuple[str, Callable[[], Row]]]:
    """What there is to measure, by name."""
    named = before or (Path(os.environ["RENODE_PICO_BEFORE"]) if "RENODE_PICO_BEFORE" in os.environ else None)
    found: list[tuple[str, Callable[[], Row]]] = []
    if named is None:
        print("RENODE_PICO_BEFORE names no earlier checkout: nothing is measured beside it")
    else:
        found += [
            ("loop-before", lambda: beside_before("compute-bound loop, CPU", LOOP, 60, named, runs)),
            ("prompt-before", lambda: beside_before("power-on to USB prompt, CPU", "", 6, named, runs)),
            ("stdout-before", lambda: beside_before("100 KiB of stdout over CDC, CPU", STDOUT, 8, named, runs)),
        ]
    return [
        *found,
        ("job", lambda: job(runs)),
        ("asleep", lambda: asleep(runs)),
        ("spin", lambda: spin(runs)),
        ("copy", lambda: copy(text, "text", runs)),
        ("copy-bytecode", lambda: copy(bytecode, "bytecode", runs)),
        ("served", lambda: served(text, "text")),
        ("served-bytecode", lambda: served(bytecode, "bytecode")),
    ]


def main() -> int:
    """Measure and print; 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", metavar="WORD")
    options = parser.parse_args()
    rows = []
    for name, measure in measurements(options.runs, options.before):
        if options.only is None or options.only in name:
            rows.append(measure())
            print(show(rows[-1]), flush=True)
    return 1 if any(row.ratio > row.limit for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
