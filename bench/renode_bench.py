"""Renode and the embedded engine beside rp2040js (npm), in turns.

rp2040js is installed into build/bench/ with npm when that is there; without npm its rows are left out and said so.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measure import IMAGE, LOOP, ROOT, STDOUT, Row, compare

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.renode_models import boot_rom, look_for_renode

FOLDER = ROOT / "build" / "bench"
RP2040JS = "rp2040js@1.4.1"


def install_rp2040js() -> bool:
    """Have rp2040js in build/bench; False when npm is missing or cannot get it."""
    modules = FOLDER / "node_modules" / "rp2040js"
    if modules.is_dir():
        return True
    if shutil.which("npm") is None or shutil.which("node") is None:
        print("npm is not here: nothing is measured beside rp2040js")
        return False
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "install", "--silent", "--prefix", FOLDER, RP2040JS], capture_output=True, text=True, check=False
    )
    if done.returncode or not modules.is_dir():
        print(f"npm could not install {RP2040JS}: {done.stderr.strip()[-200:]}")
        return False
    return True


def rp2040js(code: str) -> float:
    """Wall seconds of a program on rp2040js, from its first byte to the end of its output."""
    rom = FOLDER / "bootrom.bin"
    rom.write_bytes(boot_rom())
    script = Path(__file__).with_name("rp2040js_run.mjs")
    done = subprocess.run(
        ["node", script, FOLDER / "node_modules", IMAGE, rom, code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return float(json.loads(done.stdout)["seconds"])


def ours(engine: EngineName, code: str, cores: int = 1) -> float:
    """Wall seconds of the same program on one of our engines."""
    with Board(IMAGE, engine=engine, cores=cores) if engine == "renode" else Board(IMAGE, engine=engine) as board:
        board.repl().exec("1")
        begin = time.monotonic()
        board.exec(code, timeout=600)
        return time.monotonic() - begin


def idle(cores: int, runs: int) -> Row:
    """A configured device with nothing to do, SOF each millisecond, beside real time."""

    def emulate() -> float:
        with Board(IMAGE, engine="renode", cores=cores) as board:
            board.repl().exec("1")
            begin = time.monotonic()
            board.engine.run(20)
            return time.monotonic() - begin

    name = f"20 s of an idle, configured device on renode, {cores} core{'s' * (cores > 1)}"
    return compare(name, emulate, lambda: 20.0, 1 / 20, "real time", runs)


def peak() -> Row:
    """The most that a whole process with one board on Renode held, from the operating system's account of it."""
    command = [sys.executable, "-m", "renode_pico", "demo", "--engine", "renode", "--firmware", str(IMAGE)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    held = usage.ru_maxrss / 1024
    return Row("peak memory of `renode-pico demo` on renode, MB", held, 1024, held / 1024, 1.0, "the limit of 1 GB")


def memory() -> Row:
    """What the process holds after ten boards, beside after the second."""
    held = []
    for _ in range(10):
        with Board(IMAGE, engine="renode") as board:
            board.exec("print(1)")
        held.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)
    return Row("memory after ten boards on renode, MB", held[-1], held[1], held[-1] / held[1], 1.1, "after two boards")


def spin(runs: int) -> Row:
    """CPU seconds of an emulated second of a TinyUSB device whose program is `while(1) tud_task()`."""

    def second() -> float:
        with Board("chip/usb_spin", engine="renode") as board:
            board.enumerate()
            board.engine.run(0.2)
            begin = time.process_time()
            board.engine.run(1)
            return time.process_time() - begin

    cost = statistics.median(second() for _ in range(runs))
    return Row("a TinyUSB device that never sleeps on renode, CPU s", cost, 2.0, cost / 2, 1.0, "the limit of 2 CPU s")


def renode_is_here() -> bool:
    """Say whether there is a Renode to measure."""
    return not look_for_renode().problem


def measurements(runs: int) -> list[tuple[str, Callable[[], Row]]]:
    """What there is to measure here, by name."""
    found: list[tuple[str, Callable[[], Row]]] = []
    renode = renode_is_here()
    if install_rp2040js():
        cases: list[tuple[EngineName, str, str, int, float]] = [("embedded", "stdout", STDOUT, 1, 1.5)]
        if renode:
            cases += [("renode", "loop", LOOP, 1, 1 / 8), ("renode", "loop", LOOP, 2, 1 / 4)]
            cases += [("renode", "stdout", STDOUT, 1, 1.0)]
        for engine, name, code, cores, limit in cases:
            found.append((f"{engine}-{name}", beside_rp2040js(engine, name, code, cores, limit, runs)))
    if renode:
        found += [("idle", lambda: idle(1, runs)), ("idle-2", lambda: idle(2, runs))]
        found += [("renode-spin", lambda: spin(runs))]
        found += [("renode-memory", memory), ("renode-peak", peak)]
    else:
        print("Renode is not here: nothing is measured on it")
    return found


def beside_rp2040js(engine: EngineName, name: str, code: str, cores: int, limit: float, runs: int) -> Callable[[], Row]:
    """Make a measurement."""
    title = {"loop": "compute-bound loop", "stdout": "100 KiB over CDC"}[name]
    return lambda: compare(
        f"{title} on {engine}, {cores} core{'s' * (cores > 1)}",
        lambda: ours(engine, code, cores),
        lambda: rp2040js(code),
        limit,
        "rp2040js",
        runs,
    )
